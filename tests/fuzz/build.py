"""Small containers by hand, for tests and measurements of the machine."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from contracts.vm.container import (
    Container,
    EventField,
    EventType,
    Field,
    Function,
    FunctionKind,
    Kind,
    LinkCall,
    NamedScalar,
    PotClass,
    Scalar,
)
from contracts.vm.opcodes import Op

U8, UINT, SINT = Scalar(Kind.U8), Scalar(Kind.UINT), Scalar(Kind.SINT)
BOOL, ADDR, HASH = Scalar(Kind.BOOL), Scalar(Kind.ADDR), Scalar(Kind.HASH)
BYTES, TEXT = Scalar(Kind.BYTES, 8), Scalar(Kind.TEXT, 8)
Instruction = tuple[int, ...]  # op, d, a, b, t; what is left out is 0


def code_of(lines: Sequence[Instruction]) -> bytes:
    """Return the code of instructions."""
    out = b""
    for line in lines:
        op, d, a, b, t = (*line, 0, 0, 0, 0)[:5]
        out += bytes([op, d, a, b]) + t.to_bytes(2, "big")
    return out


def function(
    *lines: Instruction,
    name: str = "f",
    kind: FunctionKind = FunctionKind.ACTION,
    registers: str = "",
    constants: tuple[Any, ...] = (),
    params: tuple[Scalar, ...] = (),
    returns: tuple[Scalar, ...] = (),
    asset: int | None = None,
) -> Function:
    """Return a function; with no lines it just returns."""
    code = code_of(lines or ((Op.RET,),))
    return Function(name, kind, asset, params, returns, constants, registers.encode(), code)


TABLES = Container(
    magic="wash",
    vm=1,
    name="Test",
    assets=("money", "points"),
    links=("other",),
    link_calls=(
        LinkCall(0, "look", False, (UINT,), (UINT,), 500),
        LinkCall(0, "act", True, (), (), 500),
    ),
    fields=(
        Field("single", (), (NamedScalar("value", UINT),)),
        Field("rows", (UINT, BOOL), (NamedScalar("left", SINT), NamedScalar("note", BYTES))),
        Field("marks", (ADDR,), (NamedScalar("hash", HASH), NamedScalar("small", U8))),
    ),
    pots=(PotClass("held", (UINT,), 0, 1_000),),
    events=(
        EventType("Seen", (EventField("number", UINT, True), EventField("note", TEXT, False))),
        EventType("Bare", ()),
    ),
    errors=("first", "second"),
    functions=(function(),),
    abi_hash=bytes(32),
    source_hash=bytes(32),
    compiler="hand",
)


def container(*functions: Function, **tables: Any) -> Container:
    """Return a container with these functions and the tables above, or others."""
    return replace(TABLES, functions=functions or (function(),), **tables)
