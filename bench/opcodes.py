"""What a unit of gas costs, by opcode and kind of operand: nanoseconds per gas, end to end.

    python bench/opcodes.py [--rows 20000] [--rounds 5]

Each case is a function with one instruction many times over, run on a real store. Calls on distinct
keys make blocks; the time of a case is that of its calls, of the state tree, of the receipts and
topics and of the store's batch, less that of as many calls of an empty function. Prices should mean
the same time per gas: the last lines give the least, the middle and the greatest.
"""

import argparse
import gc
import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.make_opcode_cases import (
    CALLS,
    EFFECTS,
    FIELDS,
    NOW,
    OWNER,
    REGISTERS,
    Case,
    compute_cases,
    effect_cases,
    loop_case,
)
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
from chain.tables import THROW_AWAY
from chain.tree import update_tree
from chain.types import ZERO_ID
from contracts.host import Frame, World
from contracts.instances import Library
from contracts.vm.container import (
    EventField,
    EventType,
    FunctionKind,
    Kind,
    LinkCall,
    PotClass,
    Scalar,
    encode_container,
)
from contracts.vm.interpreter import run
from contracts.vm.opcodes import OPCODES, Op
from contracts.vm.program import Routine, load_program
from node.storage.genesis_block import genesis_block
from tests.fuzz.build import ADDR, UINT, container, function

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
        and case.registers == REGISTERS
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
    box = container(timer, inner, main, fields=FIELDS, pots=pots, events=_EVENTS, link_calls=calls)
    return encode_container(box)


class Stage:
    """A chain's store with one instance per case."""

    def __init__(self, folder: str) -> None:
        self.store = Store(folder, THROW_AWAY)
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
        if case.registers == REGISTERS:
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
    computes, effects = [*compute_cases(), loop_case()], effect_cases()
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
