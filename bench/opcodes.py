"""What a unit of gas costs, by opcode and kind of operand: nanoseconds per gas, end to end.

    python bench/opcodes.py [--rows 20000] [--rounds 5]

Each case is a function with one instruction many times over, run on a real store. Calls on distinct
keys make blocks; the time of a case is that of its calls, of the state tree, of the receipts and
topics and of the store's batch, less that of as many calls of an empty function. Prices should mean
the same time per gas: the last lines give the least, the middle and the greatest.
"""

import argparse
import dataclasses
import gc
import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chain.block import Commit
from chain.crypto import hash_bytes
from chain.executed import event_topic
from chain.genesis import Genesis, genesis_asset_id
from chain.ledger import Asset, Policy, credit, put_asset
from chain.pots import Pot, add_to_pot, open_pot, pot_key, read_pot
from chain.receipt import Receipt, ReceiptKind, encode_receipt
from chain.roles import Role, set_role
from chain.state import QUEUE_PREFIX, Space, State, put_uint
from chain.store import Store
from chain.tree import update_tree
from chain.types import ZERO_ID
from contracts.host import Frame, World
from contracts.instances import Library
from contracts.vm.container import (
    EventField,
    EventType,
    Field,
    FunctionKind,
    Kind,
    LinkCall,
    NamedScalar,
    PotClass,
    Scalar,
    encode_container,
)
from contracts.vm.interpreter import run
from contracts.vm.opcodes import OPCODES, Op
from contracts.vm.program import Routine, load_program
from node.ledger import genesis_block
from tests.fuzz.build import ADDR, BOOL, HASH, SINT, U8, UINT, container, function

CALLS = 200  # in a block
EFFECTS = 8  # instructions of a case that reaches the host, in a call
COMPUTES = 400  # instructions of a case that does not
NOW = 1_800_000_000_000
OWNER = bytes([7]) * 32
Lines = list[tuple[int, ...]]

_LARGE = tuple(
    [NamedScalar(f"n{i}", UINT) for i in range(16)]
    + [NamedScalar("note", Scalar(Kind.BYTES, 1_024))]
)
_FIELDS = (
    Field("small", (UINT,), (NamedScalar("value", UINT),)),
    Field("large", (UINT,), _LARGE),
    Field(
        "mixed",
        (UINT,),
        tuple(
            NamedScalar(f"n{i}", s)
            for i, s in enumerate(
                (HASH, ADDR, UINT, UINT, SINT, U8, U8, BOOL, UINT, UINT, UINT, UINT)
            )
        ),
    ),
)


@dataclasses.dataclass(frozen=True)
class Case:
    """One measurement: a function's instructions, and how many of them are what is measured."""

    name: str
    lines: Lines
    count: int
    registers: str
    constants: tuple[Any, ...]
    prepare: Lines = dataclasses.field(default_factory=list)
    first: str = ""  # the case whose keys must exist before


def _compute(name: str, line: tuple[int, ...], registers: str, *constants: Any) -> Case:
    return Case(name, [line] * COMPUTES, COMPUTES, registers, constants)


def compute_cases() -> list[Case]:
    """Return the cases that never reach the host. Constants come first, then results."""
    small, large = 1_234, 2**53 - 1
    top = 2**62
    word, block = bytes(range(32)), bytes(1_024)
    cases: list[Case] = []
    for size, one, two in (
        ("small", small, 77),
        ("53 bits", large, large - 5),
        ("63 bits", top, top - 9),
    ):
        cases += [
            _compute(f"{op.name} {size}", (op, 2, 0, 1), "III", one, two)
            for op in (Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.MOD, Op.MIN, Op.MAX)
        ]
        cases += [
            _compute(f"{op.name} {size}", (op, 2, 0, 1), "IIB", one, two)
            for op in (Op.LT, Op.LE, Op.EQ, Op.NE)
        ]
        cases.append(_compute(f"MULDIV {size}", (Op.MULDIV, 2, 0, 1, 1), "III", one, two))
    wide: Lines = [(Op.MUL, 2, 0, 0), (Op.ADD, 3, 2, 1)]
    for op in (Op.ADD, Op.SUB, Op.DIV, Op.MOD, Op.MIN):
        line: tuple[int, ...] = (op, 4, 3, 1 if op == Op.ADD else 2)
        cases.append(
            Case(f"{op.name} 127 bits", [line] * COMPUTES, COMPUTES, "IIIII", (2**63 - 1, 9), wide)
        )
    wide_muldiv: Lines = [(Op.MULDIV, 4, 3, 2, 2)] * COMPUTES
    cases.append(Case("MULDIV 127 bits", wide_muldiv, COMPUTES, "IIIII", (2**63 - 1, 9), wide))
    cases += [
        _compute("MOV", (Op.MOV, 1, 0), "II", 5),
        _compute("SEL", (Op.SEL, 2, 0, 1, 1), "BII", True, 5),
        _compute("CHK", (Op.CHK, 0, 0, 0, 4), "I", 5),
        _compute("NOT", (Op.NOT, 1, 0), "BB", True),
        _compute("AND", (Op.AND, 1, 0, 0), "BB", True),
        _compute("OR", (Op.OR, 1, 0, 0), "BB", True),
        _compute("REQ", (Op.REQ, 0, 0, 0, 1), "B", True),
        _compute("EQ 1,024 bytes", (Op.EQ, 2, 0, 1), "YYB", block, bytes(1_023) + b"x"),
        _compute("LEN", (Op.LEN, 1, 0), "YI", word),
        _compute("I2B", (Op.I2B, 1, 0, 0, 8), "IY", small),
        _compute("I2B 16", (Op.I2B, 1, 0, 0, 16), "IY", large),
        _compute("B2I", (Op.B2I, 1, 0), "YI", word[:15]),
        _compute("CAT 64", (Op.CAT, 1, 0, 0), "YY", word),
        _compute("CAT 1,024", (Op.CAT, 1, 0, 0), "YY", block[:512]),
        _compute("SLICE", (Op.SLICE, 3, 0, 1, 2), "YIIY", word, 4, 12),
        _compute("SLICE 1,000", (Op.SLICE, 3, 0, 1, 2), "YIIY", block, 4, 1_004),
        _compute("SHA256 32", (Op.SHA256, 1, 0), "YY", word),
        _compute("SHA256 1,024", (Op.SHA256, 1, 0), "YY", block),
        _compute("A2B", (Op.A2B, 1, 0), "AY"),
        _compute("B2A", (Op.B2A, 1, 0), "YA", word),
        _compute("CTX now", (Op.CTX, 0, 0, 0, 5), "I"),
        _compute("CTX call id", (Op.CTX, 0, 0, 0, 9), "Y"),
        _jumps("JMP", (Op.JMP,)),
        _jumps("BRT", (Op.BRT, 0)),
        _jumps("BRF", (Op.BRF, 0)),
        _jumps("BRLT taken", (Op.BRLT, 1, 2)),
        _jumps("BRLT not", (Op.BRLT, 2, 1)),
        _jumps("BREQ", (Op.BREQ, 1, 1)),
        _jumps("BRNE", (Op.BRNE, 1, 1)),
    ]
    return cases


def _jumps(name: str, line: tuple[int, ...]) -> Case:
    op, a, b = (*line, 0, 0)[:3]
    lines: Lines = [(op, 0, a, b, place + 1) for place in range(COMPUTES)]
    return Case(name, lines, COMPUTES, "BII", (True, 3, 8))


def _loops() -> Case:
    lines: Lines = []
    for _ in range(20):
        at = len(lines)
        lines += [
            (Op.LOOP, 2),
            (Op.HEAD, 2, 0, 0, 100),
            (Op.BRLT, 0, 0, 2, at + 4),
            (Op.BACK, 0, 0, 0, at + 1),
        ]
    return Case("LOOP 9 times", lines, 20, "III", (8,))


# Registers of cases that reach the host: constants 1, a block of bytes, 32 bytes; the key; an account,
# a time, an int, a bool, a second key; a large row; a mixed row; what EMIT 2 takes.
_REGISTERS = "IYY" + "I" + "AIIBI" + "I" * 16 + "Y" + "YAIIIIIBIIII" + "YYYY"
_ONE, _KEY, _WHO, _TIME, _OUT, _FLAG, _OTHER, _BIG, _MIXED, _NOTES = 0, 3, 4, 5, 6, 7, 8, 9, 26, 38


def _keyed(name: str, line: tuple[int, ...], **how: Any) -> Case:
    """Repeat an instruction with one key more every time; `to many`: with another account too."""
    step: Lines = [line, (Op.ADD, _KEY, _KEY, _ONE), (Op.ADD, _OTHER, _KEY, _ONE)]
    if name.endswith("many"):
        step = [
            (Op.I2B, _NOTES, _KEY, 0, 16),
            (Op.SHA256, _NOTES, _NOTES),
            (Op.B2A, _WHO, _NOTES),
            *step,
        ]
    constants = (1, bytes(1_024), OWNER)
    prepare: Lines = [
        (Op.B2A, _WHO, 2),
        (Op.CTX, _TIME, 0, 0, 5),
        (Op.ADD, _OTHER, _KEY, _ONE),
        (Op.MOV, _BIG + 16, 1),
        *[(Op.MOV, _NOTES + i, 1) for i in range(4)],
        (Op.CTX, _MIXED, 0, 0, 9),
        *[(Op.ADD, _TIME, _TIME, _TIME)] * int(name.startswith(("POPEN", "PEXT"))),
        *[(Op.ADD, _TIME, _TIME, _ONE)] * int(name == "PEXT"),
    ]
    return Case(name, step * EFFECTS, EFFECTS, _REGISTERS, constants, prepare, **how)


def effect_cases() -> list[Case]:
    """Return the cases that reach the host."""
    small, rich = {"first": "PUT small new"}, {"first": "POPEN"}
    return [
        _keyed("nothing", (Op.ADD, _OUT, _ONE, _ONE)),
        _keyed("GETZ absent", (Op.GETZ, _OUT, _KEY, 0, 0)),
        _keyed("HAS absent", (Op.HAS, _FLAG, _KEY, 0, 0)),
        _keyed("PUT small new", (Op.PUT, _KEY, _KEY, 0, 0)),
        _keyed("PUT small again", (Op.PUT, _OUT, _KEY, 0, 0), **small),
        _keyed("GET small", (Op.GET, _OUT, _KEY, 0, 0), **small),
        _keyed("GET small cold", (Op.GET, _OUT, _KEY, 0, 0), **small),
        _keyed("HAS cold", (Op.HAS, _FLAG, _KEY, 0, 0), **small),
        _keyed("DEL small", (Op.DEL, 0, _KEY, 0, 0), **small),
        _keyed("PUT large new", (Op.PUT, _BIG, _KEY, 0, 1)),
        _keyed("PUT large again", (Op.PUT, _BIG, _KEY, 0, 1), first="PUT large new"),
        _keyed("GET large cold", (Op.GET, _BIG, _KEY, 0, 1), first="PUT large new"),
        _keyed("PUT mixed new", (Op.PUT, _MIXED, _KEY, 0, 2)),
        _keyed("GET mixed cold", (Op.GET, _MIXED, _KEY, 0, 2), first="PUT mixed new"),
        _keyed("POPEN", (Op.POPEN, _WHO, _KEY, _TIME, 0)),
        _keyed("PADD", (Op.PADD, 0, _KEY, 0, 0), **rich),
        _keyed("PBAL", (Op.PBAL, _OUT, _KEY, 0, 0), **rich),
        _keyed("PEXT", (Op.PEXT, 0, _KEY, _TIME, 0), **rich),
        _keyed("PPAY", (Op.PPAY, _WHO, _KEY, _ONE, 0), **rich),
        _keyed("PMOVE", (Op.PMOVE, _ONE, _OTHER, _KEY, 0), **rich),
        _keyed("PCLOSE", (Op.PCLOSE, _WHO, _KEY, 0, 0), **rich),
        _keyed("POPEN for many", (Op.POPEN, _WHO, _KEY, _TIME, 0)),
        _keyed("PPAY to many", (Op.PPAY, _WHO, _KEY, _ONE, 0), **rich),
        _keyed("PCLOSE to many", (Op.PCLOSE, _WHO, _KEY, 0, 0), **rich),
        _keyed("SCHED", (Op.SCHED, 0, _KEY, _TIME, 0)),
        _keyed("SCHED again", (Op.SCHED, 0, _KEY, _TIME, 0), first="SCHED"),
        _keyed("CANCEL", (Op.CANCEL, 0, _KEY, 0, 0), first="SCHED"),
        _keyed("CANCEL nothing", (Op.CANCEL, 0, _KEY, 0, 0)),
        _keyed("EMIT 1 field", (Op.EMIT, 0, _KEY, 0, 0)),
        _keyed("EMIT 3 fields, 2 indexed", (Op.EMIT, 0, _KEY, 0, 1)),
        _keyed("EMIT 4 x 1,024 bytes", (Op.EMIT, 0, _NOTES, 0, 2)),
        _keyed("MINT to one", (Op.MINT, 0, _WHO, _ONE, 1)),
        _keyed("MINT to many", (Op.MINT, 0, _WHO, _ONE, 1)),
        _keyed("BURN of many", (Op.BURN, 0, _WHO, _ONE, 1), first="MINT to many"),
        _keyed("BALANCE of many", (Op.BALANCE, _OUT, _WHO, 0, 1)),
        _keyed("ROLE of many", (Op.ROLE, _FLAG, _WHO, 0, 1)),
        _keyed("CALL", (Op.CALL, _OUT, _KEY, 0, 1)),
        _keyed("LINK", (Op.LINK, _OUT, _KEY, 0, 0)),
    ]


_EVENTS = (
    EventType("One", (EventField("number", UINT, True),)),
    EventType(
        "Three",
        (EventField("n", UINT, True), EventField("who", ADDR, True), EventField("t", UINT, False)),
    ),
    EventType(
        "Four", tuple(EventField(f"b{i}", Scalar(Kind.BYTES, 1_024), False) for i in range(4))
    ),
)


def build(case: Case) -> bytes:
    """Return the container of a case: a timer, an internal function, and `f`."""
    timer = function(name="timer", kind=FunctionKind.TIMER, params=(UINT,), registers="I")
    inner = function(
        name="inner", kind=FunctionKind.INTERNAL, params=(UINT,), returns=(UINT,), registers="I"
    )
    keyed = (
        case.registers[len(case.constants) : len(case.constants) + 1] == "I"
        and case.registers == _REGISTERS
    )
    lines = [*case.prepare, *case.lines, (Op.RET,)]
    main = function(
        *lines,
        name="f",
        params=(UINT,) if keyed else (),
        registers=case.registers,
        constants=case.constants,
        asset=0,
    )
    pots = (PotClass("held", (UINT,), 0, 2**52),)
    calls = (LinkCall(0, "look", False, (UINT,), (UINT,), 100),)
    box = container(timer, inner, main, fields=_FIELDS, pots=pots, events=_EVENTS, link_calls=calls)
    return encode_container(box)


class Stage:
    """A chain's store with one instance per case."""

    def __init__(self, folder: str) -> None:
        self.store = Store(folder, sync=False)
        genesis = Genesis(name="bench", time_ms=NOW, validators=("11" * 32,))
        self.first = genesis_block(genesis)
        self.store.write_genesis(self.first.block, self.first)
        self.params, self.height = genesis.chain_params(), 0
        self.library = Library()
        self.random = random.Random(5)
        self.instances: dict[str, bytes] = {}
        self.assets = (genesis_asset_id("MONEY"), genesis_asset_id("POINTS"))

    def deploy(self, case: Case) -> None:
        """Put a case's contract on the chain, issuer of the second asset of its own."""
        state = State(self.store)
        contract = hash_bytes("call", case.name.encode())
        points = hash_bytes("asset", contract)
        put_asset(state, self.assets[0], Asset(OWNER, "MONEY", 2, Policy.OPEN, ()))
        put_asset(state, points, Asset(contract, "POINTS", 2, Policy.OPEN, ()))
        for account in (OWNER, contract):
            credit(state, account, self.assets[0], 10**9)
        credit(state, OWNER, points, 10**9)
        put_uint(state, bytes([Space.SUPPLY]) + points, 10**9)
        set_role(state, OWNER, Role.MEMBER, held=True)
        look = function(
            name="look", kind=FunctionKind.VIEW, params=(UINT,), returns=(UINT,), registers="I"
        )
        target = hash_bytes("call", b"target")
        box = encode_container(container(look, links=(), link_calls=(), assets=(), pots=()))
        self.library.deploy(state, target, OWNER, (box, (), ()))
        self.library.deploy(
            state, contract, OWNER, (build(case), (self.assets[0], points), (target,))
        )
        self.instances[case.name] = contract
        self.commit(state, [])

    def commit(self, state: State, receipts: list[Receipt]) -> None:
        """Seal a block as the executor does: receipts, topics, tree, batch."""
        changes = state.changes()
        leaves = {key: value for key, value in changes.items() if key[:1] != QUEUE_PREFIX}
        tree = update_tree(self.store, leaves)
        data = tuple([encode_receipt(receipt) for receipt in receipts])
        topics: list[tuple[int, bytes]] = []
        number = -1
        for receipt in receipts:
            for event in receipt.events:
                number += 1
                contract, kind = event.contract, event.number
                topics.append((number, event_topic(contract, kind)))
                instance = self.library.instance(state, contract)
                topics += [
                    (number, event_topic(contract, kind, place, event.values[place]))
                    for place in self.library.program(state, instance.code_id).indexed[kind]
                ]
        self.height += 1
        header = replace(self.first.block.header, height=self.height)
        executed = replace(
            self.first,
            block=replace(self.first.block, header=header),
            receipts=tuple(receipts),
            receipt_bytes=data,
            topics=tuple(topics),
            changes=changes,
            nodes=tree.nodes,
            block_id=self.height.to_bytes(32, "big"),
        )
        self.store.append(executed, Commit(self.height, 0, self.first.block_id, b"", ()))

    def bases(self) -> list[int]:
        """Return the first keys of a block's calls, scattered."""
        return [self.random.randrange(2**50) * 2 for _ in range(CALLS)]

    def enrich(self, contract: bytes, bases: list[int]) -> None:
        """Give every pot of a block some money, and one more pot behind the last."""
        state = State(self.store)
        for base in bases:
            for key in range(base, base + EFFECTS + 1):
                place = pot_key(contract, bytes([0]) + key.to_bytes(8, "big"))
                pot = read_pot(state, place)
                if pot is None:
                    open_pot(state, place, Pot(1_000, NOW * 2, NOW * 2, 0, OWNER, self.assets[0]))
                else:
                    add_to_pot(state, place, self.assets[0], 1_000)
        self.commit(state, [])

    def run_block(
        self, case: Case, bases: list[int], routine_of: Case | None = None
    ) -> tuple[float, int]:
        """Run a block of calls of one case; returns seconds and gas."""
        contract = self.instances[case.name if routine_of is None else routine_of.name]
        if case.name.endswith("cold"):
            self.store._values.clear()
        state = State(self.store)
        state.delete(bytes([Space.PENDING]) + contract)
        frames: list[Frame] = []
        for number, _ in enumerate(bases):
            world = World(
                state,
                self.library,
                bytes(32),
                self.height,
                NOW,
                None,
                self.params,
                number.to_bytes(32, "big"),
                OWNER,
                OWNER,
                ZERO_ID,
            )
            frames.append(Frame(world, contract, OWNER, 1_000))
        routine = frames[0].program.by_name["f"] if routine_of is None else _routine(case)
        keyed = len(routine.function.params)
        gas = 0
        receipts: list[Receipt] = []
        started = time.perf_counter()
        for frame, base in zip(frames, bases, strict=True):
            _values, left = run(routine, [base][:keyed], frame, 10**9)
            gas += 10**9 - left
            world = frame.world
            receipts.append(
                Receipt(
                    ReceiptKind.TRANSACTION, world.origin_id, True, 0, 0, 0, tuple(world.events)
                )
            )
        if case.registers == _REGISTERS:
            self.commit(state, receipts)
        return time.perf_counter() - started, gas


def _routine(case: Case) -> Routine:
    """Return the code of `case` to run on another case's instance."""
    return load_program(build(case)).by_name["f"]


def measure(stage: Stage, case: Case, first: Case | None, rounds: int) -> tuple[float, float]:
    """Return the least seconds of a block and its gas."""
    seconds, gas = [], 0
    for _ in range(rounds):
        bases = stage.bases()
        if first is not None:
            stage.run_block(first, bases)
            if first.name == "POPEN":
                stage.enrich(stage.instances[first.name], bases)
        spent, gas = stage.run_block(case, bases, first)
        seconds.append(spent)
    return statistics.median(seconds), gas


def main() -> None:
    """Measure every case and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000, help="rows in the state before")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    computes, effects = [*compute_cases(), _loops()], effect_cases()
    empty = Case("empty", [], 1, "I", (1,))
    named = {case.name: case for case in (*computes, *effects, empty)}
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(folder)
        for case in named.values():
            stage.deploy(case)
        for _ in range(options.rows // (CALLS * EFFECTS)):
            stage.run_block(named["PUT small new"], stage.bases())
        gc.collect()
        gc.freeze()
        table: list[tuple[float, str]] = []
        for cases, base in ((computes, empty), (effects, named["nothing"])):
            base_seconds, base_gas = measure(stage, base, None, options.rounds)
            for case in cases:
                if case is base or options.only not in case.name:
                    continue
                seconds, gas = measure(stage, case, named.get(case.first), options.rounds)
                # The filler instruction of `nothing` stands where the measured one does: 2 gas.
                own = OPCODES[Op.ADD].gas * EFFECTS * CALLS if base.name == "nothing" else 0
                count = CALLS * case.count
                each_ns = (seconds - base_seconds) * 1e9 / count
                each_gas = (gas - base_gas + own) / count
                figures = f"{each_ns:10,.0f} ns {each_gas:8,.1f} gas"
                print(f"{case.name:28} {figures} {each_ns / each_gas:7.1f} ns/gas")
                table.append((each_ns / each_gas, case.name))
        stage.store.close()
    table.sort()
    middle = table[len(table) // 2]
    for word, (per_gas, name) in (("least", table[0]), ("middle", middle), ("most", table[-1])):
        print(f"{word}: {per_gas:.1f} ns/gas, {name}")


if __name__ == "__main__":
    main()
