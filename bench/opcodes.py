"""What a unit of gas costs, by opcode and kind of operand: nanoseconds per gas, end to end.

    python bench/opcodes.py [--rows 20000] [--rounds 5]

Each case is a function with one instruction many times over, run on a real store. Calls on distinct keys
make blocks; the time of a case is that of its calls, of the state tree, of the receipts and topics and of
the store's batch, less that of equally many calls of an empty function. Prices mean the same time per gas
wherever they can: the last lines give the least, the middle and the greatest.
"""

import argparse
import dataclasses
import gc
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chain.block import Commit
from chain.codec import encode_value
from chain.crypto import hash_bytes
from chain.executed import event_topic
from chain.genesis import Genesis
from chain.genesis import asset_id as genesis_asset
from chain.ledger import credit
from chain.receipt import Receipt, ReceiptKind, encode_receipt
from chain.roles import Role, set_role
from chain.state import QUEUE_PREFIX, State
from chain.store import Store
from chain.tree import update_tree
from chain.types import ZERO_ID
from contracts.host import Frame, World
from contracts.instances import Library
from contracts.vm.container import Field, FunctionKind, Kind, NamedScalar, PotClass, Scalar, encode_container
from contracts.vm.gas import decode_instructions, instruction_gas
from contracts.vm.interpreter import run
from contracts.vm.opcodes import Op
from contracts.vm.program import Routine
from node.ledger import genesis_block
from tests.fuzz.build import ADDR, BOOL, HASH, SINT, U8, UINT, container, function

CALLS = 200  # in a block
EFFECTS = 8  # instructions of a case that reaches the host, in a call
COMPUTES = 400  # instructions of a case that does not
NOW = 1_800_000_000_000
OWNER = bytes([7]) * 32
Lines = list[tuple[int, ...]]

_LARGE = tuple(
    [NamedScalar(f"n{i}", UINT) for i in range(16)] + [NamedScalar("note", Scalar(Kind.BYTES, 1_024))]
)
_FIELDS = (
    Field("small", (UINT,), (NamedScalar("value", UINT),)),
    Field("large", (UINT,), _LARGE),
    Field("mixed", (UINT,), tuple(NamedScalar(f"n{i}", s) for i, s in enumerate(
        (HASH, ADDR, UINT, UINT, SINT, U8, U8, BOOL, UINT, UINT, UINT, UINT)))),
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Case:
    """One measurement: the instructions of a function, and how many of them are what is measured."""

    name: str
    lines: Lines
    count: int
    registers: str
    constants: tuple[Any, ...]
    prepare: Lines = dataclasses.field(default_factory=list)
    kind: FunctionKind = FunctionKind.ACTION
    first: str = ""  # the case whose keys must exist before
    distinct: bool = False  # every call has keys of its own
    paid: bool = False


def _compute(name: str, line: tuple[int, ...], registers: str, *constants: Any) -> Case:
    return Case(name, [line] * COMPUTES, COMPUTES, registers, constants)


def compute_cases() -> list[Case]:
    """Return the cases that never reach the host. Constants come first, then results."""
    small, large = 1_234, 2**53 - 1
    top = 2**62
    word, block = bytes(range(32)), bytes(1_024)
    cases: list[Case] = []
    for size, one, two in (("small", small, 77), ("53 bits", large, large - 5), ("63 bits", top, top - 9)):
        for op in (Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.MOD, Op.MIN, Op.MAX):
            cases.append(_compute(f"{op.name} {size}", (op, 2, 0, 1), "III", one, two))
        for op in (Op.LT, Op.LE, Op.EQ, Op.NE):
            cases.append(_compute(f"{op.name} {size}", (op, 2, 0, 1), "IIB", one, two))
        cases.append(_compute(f"MULDIV {size}", (Op.MULDIV, 2, 0, 1, 1), "III", one, two))
    wide: Lines = [(Op.MUL, 2, 0, 0), (Op.ADD, 3, 2, 1)]
    for op in (Op.ADD, Op.SUB, Op.DIV, Op.MOD, Op.MIN):
        line = (op, 4, 3, 2) if op != Op.ADD else (op, 4, 3, 1)
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
    lines = [(op, 0, a, b, place + 1) for place in range(COMPUTES)]
    return Case(name, lines, COMPUTES, "BII", (True, 3, 8))


def _loops() -> Case:
    lines: Lines = []
    for _ in range(20):
        at = len(lines)
        lines += [(Op.LOOP, 2), (Op.HEAD, 2, 0, 0, 100), (Op.BRLT, 0, 0, 2, at + 4), (Op.BACK, 0, 0, 0, at + 1)]
    return Case("LOOP 9 times", lines, 20, "III", (8,))


def effect_cases() -> list[Case]:
    """Return the cases that reach the host; register 3 is the parameter, a number that no call repeats."""

    def keyed(name: str, line: tuple[int, ...], **how: Any) -> Case:
        """Repeat an instruction whose key is register 3, one more every time."""
        step: Lines = [line, (Op.ADD, 3, 3, 2)]
        return Case(name, step * EFFECTS, EFFECTS, "BYIIII" + "I" * 16 + "YYAIIIIIBIIII", (True, bytes(1_024), 1), **how)

    # registers: 0 true, 1 bytes, 2 one, 3 key, 4, 5, 6..21 ints, 22 23 bytes, 24 address, 25.. a row
    fresh: dict[str, Any] = {"distinct": True}
    mixed: Lines = [(Op.CTX, 23, 0, 0, 9)]
    late: Lines = [(Op.CTX, 4, 0, 0, 5), (Op.MUL, 5, 4, 2), (Op.ADD, 4, 4, 5)]
    return [
        keyed("GET absent (GETZ)", (Op.GETZ, 4, 3, 0, 0), **fresh),
        keyed("HAS absent", (Op.HAS, 32, 3, 0, 0), distinct=True),
        keyed("PUT small new", (Op.PUT, 4, 3, 0, 0), **fresh),
        keyed("PUT small again", (Op.PUT, 3, 3, 0, 0), first="PUT small new"),
        keyed("GET small", (Op.GET, 4, 3, 0, 0), first="PUT small new"),
        keyed("HAS", (Op.HAS, 33 - 1, 3, 0, 0), first="PUT small new"),
        keyed("DEL small", (Op.DEL, 0, 3, 0, 0), first="PUT small new"),
        keyed("PUT large new", (Op.PUT, 6, 3, 0, 1), prepare=[(Op.MOV, 22, 1)], **fresh),
        keyed("PUT large again", (Op.PUT, 6, 3, 0, 1), first="PUT large new"),
        keyed("GET large", (Op.GET, 6, 3, 0, 1), first="PUT large new"),
        keyed("PUT mixed new", (Op.PUT, 23, 3, 0, 2), prepare=mixed, **fresh),
        keyed("GET mixed", (Op.GET, 23, 3, 0, 2), first="PUT mixed new"),
        keyed("POPEN", (Op.POPEN, 24, 3, 4, 0), prepare=late, paid=True, **fresh),
        keyed("PADD", (Op.PADD, 0, 3, 0, 0), first="POPEN", paid=True),
        keyed("PBAL", (Op.PBAL, 5, 3, 0, 0), first="POPEN"),
        keyed("PEXT", (Op.PEXT, 0, 3, 4, 0), prepare=[*late, (Op.ADD, 4, 4, 2)], first="POPEN"),
        keyed("PPAY", (Op.PPAY, 24, 3, 2, 0), prepare=[(Op.CTX, 24, 0, 0, 0)], first="POPEN rich"),
        keyed("PMOVE", (Op.PMOVE, 2, 3, 5, 0), prepare=[(Op.ADD, 5, 3, 2)], first="POPEN rich"),
        keyed("PCLOSE", (Op.PCLOSE, 24, 3, 0, 0), prepare=[(Op.CTX, 24, 0, 0, 0)], first="POPEN rich"),
        keyed("SCHED", (Op.SCHED, 0, 3, 4, 0), prepare=late, **fresh),
        keyed("SCHED again", (Op.SCHED, 0, 3, 4, 0), prepare=late, first="SCHED"),
        keyed("CANCEL", (Op.CANCEL, 0, 3, 0, 0), first="SCHED"),
        keyed("CANCEL nothing", (Op.CANCEL, 0, 3, 0, 0), **fresh),
        keyed("EMIT 1 field, indexed", (Op.EMIT, 0, 3, 0, 0), **fresh),
        keyed("EMIT 4 fields, indexed", (Op.EMIT, 0, 3, 0, 1), **fresh),
        keyed("EMIT 4 x 1,024 bytes", (Op.EMIT, 0, 34 + 4, 0, 2), **fresh),
        keyed("MINT", (Op.MINT, 0, 24, 2, 1), prepare=[(Op.B2A, 24, 23)] and []),
        keyed("BURN", (Op.BURN, 0, 24, 2, 1), first="MINT"),
        keyed("BALANCE", (Op.BALANCE, 5, 24, 0, 0)),
        keyed("ROLE", (Op.ROLE, 32, 24, 0, 1)),
        keyed("CALL", (Op.CALL, 4, 3, 0, 1), **fresh),
        keyed("LINK", (Op.LINK, 4, 3, 0, 0), **fresh),
    ]
