"""The cases of bench/opcodes.py: instructions over and over, on small and large operands."""

import dataclasses
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from contracts.vm.container import (
    Field,
    Kind,
    NamedScalar,
    Scalar,
)
from contracts.vm.opcodes import Op
from tests.fuzz.build import ADDR, BOOL, HASH, SINT, U8, UINT

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
FIELDS = (
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
    return [*cases, *plain_cases()]


def plain_cases() -> list[Case]:
    """Return the cases whose integers are small."""
    small, large = 1_234, 2**53 - 1
    word, block = bytes(range(32)), bytes(1_024)
    return [
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


def _jumps(name: str, line: tuple[int, ...]) -> Case:
    op, a, b = (*line, 0, 0)[:3]
    lines: Lines = [(op, 0, a, b, place + 1) for place in range(COMPUTES)]
    return Case(name, lines, COMPUTES, "BII", (True, 3, 8))


def loop_case() -> Case:
    """Return twenty loops of nine passes each."""
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


# Registers of cases that reach the host: constants 1, a block, 32 bytes; the key; an account,
# a time, an int, a bool, a second key; a large row; a mixed row; what EMIT 2 takes.
REGISTERS = "IYY" + "I" + "AIIBI" + "I" * 16 + "Y" + "YAIIIIIBIIII" + "YYYY"
_ONE, _KEY, _WHO, _TIME, _OUT, _FLAG, _OTHER, _BIG, _MIXED, _NOTES = 0, 3, 4, 5, 6, 7, 8, 9, 26, 38

# A 1,024th of the present time later, some weeks: contracts that nobody installed may plan no more
# than three years ahead.
_LATER: Lines = [(Op.LEN, _OUT, 1), (Op.DIV, _OUT, _TIME, _OUT), (Op.ADD, _TIME, _TIME, _OUT)]


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
        *_LATER * int(name.startswith(("POPEN", "PEXT"))),
        *[(Op.ADD, _TIME, _TIME, _ONE)] * int(name == "PEXT"),
    ]
    return Case(name, step * EFFECTS, EFFECTS, REGISTERS, constants, prepare, **how)


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
        _keyed("SUPPLY", (Op.SUPPLY, _OUT, 0, 0, 1)),
        _keyed("CALL", (Op.CALL, _OUT, _KEY, 0, 1)),
        _keyed("LINK", (Op.LINK, _OUT, _KEY, 0, 0)),
    ]
