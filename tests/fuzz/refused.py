"""Containers that break one rule of the verifier each, with what it says."""

from dataclasses import replace
from typing import Any

from contracts.vm.container import (
    Container,
    EventField,
    EventType,
    Field,
    FunctionKind,
    Kind,
    LinkCall,
    NamedScalar,
    PotClass,
    Scalar,
)
from contracts.vm.opcodes import Op
from tests.fuzz.build import BOOL, BYTES, UINT, container, function

INTERNAL, TIMER, VIEW, INIT = (
    FunctionKind.INTERNAL,
    FunctionKind.TIMER,
    FunctionKind.VIEW,
    FunctionKind.INIT,
)
END = (Op.RET,)
LOOP_TEXT = "function f, instruction"


def nested_loops(depth: int) -> Container:
    lines: list[tuple[int, ...]] = []
    for number in range(depth):
        lines += [(Op.LOOP, number), (Op.HEAD, number, 0, 0, 1)]
    lines += [(Op.BACK, 0, 0, 0, 2 * number + 1) for number in reversed(range(depth))]
    return container(function(*lines, END, registers="I" * depth))


def nested_calls(depth: int) -> Container:
    chain = [
        function((Op.CALL, 0, 0, 0, k - 1), END, name=f"f{k}", kind=INTERNAL)
        if k
        else function(name="f0", kind=INTERNAL)
        for k in range(depth - 1)
    ]
    return container(*chain, function((Op.CALL, 0, 0, 0, depth - 2), END))


def costly_timer() -> Container:
    body = [(Op.PUT, 0, 0, 0, 0)] * 100
    loop = [(Op.LOOP, 1), (Op.HEAD, 1, 0, 0, 4_096), *body, (Op.BACK, 0, 0, 0, 1)]
    return container(function(*loop, END, kind=TIMER, params=(UINT,), registers="II"))


def with_row(*scalars: Scalar, key: tuple[Scalar, ...] = ()) -> Container:
    row = tuple(NamedScalar(f"n{i}", scalar) for i, scalar in enumerate(scalars))
    return container(fields=(Field("row", key, row),))


def with_event(*fields: EventField) -> Container:
    return container(events=(EventType("E", fields),))


def action(*lines: tuple[int, ...], **how: Any) -> Container:
    return container(function(*lines, END, **how))


CASES: dict[str, tuple[Container, str]] = {
    "deep calls": (nested_calls(9), "f: calls nest deeper than 8"),
    "costly timer": (costly_timer(), "timer f: worst case .* gas > 200000"),
    "key of four": (with_row(UINT, key=(UINT,) * 4), "row: 4 key parts"),
    "pot without key": (container(pots=(PotClass("p", (), 0, 0),)), "p: 0 key parts"),
    "timer without key": (container(function(kind=TIMER)), "timer f: 0 key parts"),
    "key of bytes": (with_row(UINT, key=(BYTES,)), "row: a key part must have a fixed width"),
    "sized integer": (with_row(Scalar(Kind.U8, 3)), "row.n0: size 3 does not fit kind 1"),
    "bytes of no size": (with_row(Scalar(Kind.BYTES, 0)), "row.n0: size 0 does not fit kind 9"),
    "long bytes": (with_row(Scalar(Kind.BYTES, 1_025)), "row.n0: at most 1024 bytes"),
    "magic": (container(magic="mash"), "magic 'mash', expected 'wash'"),
    "vm": (container(vm=2), "vm 2, this node runs 1"),
    "same names": (container(function(), function()), r"a name stands twice in \['f', 'f'\]"),
    "odd name": (container(function(name="1f")), "'1f' is no identifier"),
    "foreign name": (container(name="Wäsche"), "'Wäsche' is no identifier"),
    "empty row": (with_row(), "field row holds nothing"),
    "pot of no asset": (container(pots=(PotClass("p", (UINT,), 2, 0),)), "pot p: no asset 2"),
    "five indexed": (
        with_event(*[EventField(f"e{i}", UINT, True) for i in range(5)]),
        "event E: 5 indexed fields",
    ),
    "indexed bytes": (
        with_event(EventField("e", BYTES, True)),
        "E.e: only fixed widths are indexed",
    ),
    "sized event": (
        with_event(EventField("e", Scalar(Kind.BOOL, 1), False)),
        "E.e: size 1 does not fit kind 6",
    ),
    "no link": (
        container(link_calls=(LinkCall(1, "look", False, (), (), 1),)),
        "link call look: no link 1",
    ),
    "sized link": (
        container(link_calls=(LinkCall(0, "look", False, (Scalar(9),), (), 1),)),
        "link call look: size 0 does not fit kind 9",
    ),
    "no functions": (replace(container(), functions=()), "a contract without functions"),
    "two inits": (
        container(function(kind=INIT), function(name="g", kind=INIT)),
        "2 init functions, at most one is allowed",
    ),
    "no code": (container(replace(function(), code=b"")), "function f: 0 bytes of code"),
    "cut code": (container(replace(function(), code=b"1234567")), "function f: 7 bytes of code"),
    "much code": (
        container(replace(function(), code=bytes(6 * 8_193))),
        "function f: too much code",
    ),
    "deep loops": (nested_loops(9), f"{LOOP_TEXT} 17: loops nest deeper than 8"),
    "BACK alone": (action((Op.BACK, 0, 0, 0, 0)), f"{LOOP_TEXT} 0: BACK not to the innermost HEAD"),
    "BACK elsewhere": (
        action((Op.LOOP, 0), (Op.HEAD, 0, 0, 0, 1), (Op.BACK, 0, 0, 0, 0), registers="I"),
        f"{LOOP_TEXT} 2: BACK not to the innermost HEAD",
    ),
    "open loop": (
        action((Op.LOOP, 0), (Op.HEAD, 0, 0, 0, 1), registers="I"),
        f"{LOOP_TEXT} 2: a loop is never closed",
    ),
    "falls off": (
        container(function((Op.MOV, 0, 0), registers="I")),
        f"{LOOP_TEXT} 0: the last instruction must end the function",
    ),
    "many registers": (action(registers="I" * 257), "257 registers"),
    "odd register": (action(registers="IX"), "a register of unknown type"),
    "header constant": (
        action(registers="B", constants=(1,)),
        "registers do not begin as declared",
    ),
    "header parameter": (
        action(registers="I", params=(BOOL,)),
        "registers do not begin as declared",
    ),
    "odd constant": (
        action(registers="I", constants=(None,)),
        "constant None is no bool, integer or short bytes",
    ),
    "long constant": (
        action(registers="Y", constants=(bytes(1_025),)),
        "is no bool, integer or short bytes",
    ),
    "long text": (
        action(registers="Y", constants=("ä" * 513,)),
        "is no bool, integer or short bytes",
    ),
    "sized parameter": (
        action(registers="I", params=(Scalar(1, 1),)),
        "f: size 1 does not fit kind 1",
    ),
    "sized return": (action(returns=(Scalar(9),)), "f: size 0 does not fit kind 9"),
    "timer's key": (
        container(function(kind=TIMER, params=(BYTES,), registers="Y")),
        "timer f: a key part must have a fixed width",
    ),
    "timer returns": (
        action(kind=TIMER, params=(UINT,), registers="I", returns=(UINT,)),
        "a timer returns nothing",
    ),
    "payable view": (
        action(kind=VIEW, asset=0),
        "only actions and internal functions can be payable",
    ),
    "payable in nothing": (action(asset=2), "no asset 2"),
    "init returns": (action(kind=INIT, returns=(UINT,), registers="I"), "init returns nothing"),
    "opcode": (action((63,)), "unknown opcode 63"),
    "PUT in view": (action((Op.PUT,), kind=VIEW, registers="I"), "PUT in a view"),
    "LINK in view": (action((Op.LINK, 0, 0, 0, 1), kind=VIEW), "LINK in a view"),
    "NEXT in action": (
        action((Op.NEXT, 1, 0, 0, 2), registers="AB"),
        "NEXT outside a view",
    ),
    "unpaid POPEN": (
        action((Op.POPEN, 1, 0, 0, 0), registers="IA"),
        "POPEN: the function does not take this pot's asset",
    ),
    "paid otherwise": (
        action((Op.PADD,), registers="I", asset=1),
        "PADD: the function does not take this pot's asset",
    ),
    "no field": (action((Op.HAS, 0, 0, 0, 3), registers="B"), "HAS: field 3 does not exist"),
    "unused t": (
        action((Op.MOV, 0, 0, 0, 1), registers="I"),
        "MOV: unused operand 1 does not exist",
    ),
    "no target": (action((Op.JMP, 0, 0, 0, 2)), "JMP: target 2 does not exist"),
    "wide bound": (
        action((Op.LOOP,), (Op.HEAD, 0, 0, 0, 4_097), (Op.BACK, 0, 0, 0, 1), registers="I"),
        "HEAD: bound 4097 does not exist",
    ),
    "bound 0": (
        action((Op.LOOP,), (Op.HEAD,), (Op.BACK, 0, 0, 0, 1), registers="I"),
        "HEAD: bound 0",
    ),
    "error 0": (action((Op.FAIL,)), "FAIL: error 0"),
    "no error": (action((Op.FAIL, 0, 0, 0, 3)), "FAIL: error 3 does not exist"),
    "wide I2B": (action((Op.I2B, 1, 0, 0, 17), registers="IY"), "I2B: width 17 does not exist"),
    "CHK of bool": (action((Op.CHK, 0, 0, 0, 6), registers="I"), "CHK: kind 6 does not exist"),
    "no context": (action((Op.CTX, 0, 0, 0, 12), registers="I"), "CTX: context 12 does not exist"),
    "no role": (action((Op.ROLE, 1, 0, 0, 16), registers="AB"), "ROLE: role 16 does not exist"),
    "no register t": (
        action((Op.MULDIV, 0, 0, 0, 1), registers="I"),
        "MULDIV: I 1 does not exist",
    ),
    "no timer": (action((Op.CANCEL, 0, 0, 0, 0)), "function 0 is no timer"),
    "whole key fixed": (
        action((Op.NEXT, 1, 0, 1, 2), kind=VIEW, registers="AB"),
        "NEXT: 1 of 1 key parts are fixed",
    ),
    "NEXT to constant": (
        action((Op.NEXT, 2, 0, 0, 1), kind=VIEW, registers="IBB", constants=(7, True)),
        "register 0 is a constant",
    ),
    "unused operand": (
        action((Op.MOV, 0, 0, 1), registers="I"),
        "MOV: unused operand is 1, not 0",
    ),
    "no register": (action((Op.MOV, 0, 3), registers="I"), "no register 3"),
    "operand for nothing": (action((Op.EMIT, 0, 1, 0, 1), registers="II"), "operand 1 for nothing"),
    "wrong type": (
        action((Op.ADD, 0, 0, 1), registers="IB"),
        r"registers 1.. are \['B'\], expected \['I'\]",
    ),
    "other type": (
        action((Op.MOV, 0, 1), registers="IB"),
        r"registers 0.. are \['I'\], expected \['B'\]",
    ),
    "beyond": (
        action((Op.ADD, 0, 0, 9), registers="I"),
        r"registers 9.. are \[\], expected \['I'\]",
    ),
    "short row": (
        action((Op.PUT, 2, 0, 0, 1), registers="IBI"),
        r"registers 2.. are \['I'\], expected \['I', 'Y'\]",
    ),
    "write constant": (
        action((Op.MOV, 0, 1), registers="II", constants=(7,)),
        "register 0 is a constant",
    ),
    "write counter": (
        action(
            (Op.LOOP,), (Op.HEAD, 0, 0, 0, 1), (Op.MOV, 0, 1), (Op.BACK, 0, 0, 0, 1), registers="II"
        ),
        r"register \[0\] counts an open loop",
    ),
    "GET over counter": (
        action(
            (Op.LOOP,),
            (Op.HEAD, 0, 0, 0, 1),
            (Op.GET, 0, 2, 0, 1),
            (Op.BACK, 0, 0, 0, 1),
            registers="IYIB",
        ),
        r"register \[0\] counts an open loop",
    ),
    "call of action": (
        container(function(name="g"), function((Op.CALL,), END)),
        "function g is not internal",
    ),
    "call onward": (action((Op.CALL,)), "CALL: function 0 does not exist"),
    "writing call": (
        container(
            function((Op.DEL,), END, name="g", kind=INTERNAL), function((Op.CALL,), END, kind=VIEW)
        ),
        "g writes; this is a view",
    ),
    "writing call's call": (
        container(
            function((Op.DEL,), END, name="g", kind=INTERNAL),
            function((Op.CALL,), END, name="h", kind=INTERNAL),
            function((Op.CALL, 0, 0, 0, 1), END, kind=VIEW),
        ),
        "h writes; this is a view",
    ),
    "other asset": (
        container(function(name="g", kind=INTERNAL, asset=0), function((Op.CALL,), END, asset=1)),
        "g takes another asset",
    ),
    "LOOP alone": (action((Op.LOOP,), registers="I"), "LOOP without its HEAD"),
    "LOOP at the end": (
        container(function((Op.LOOP,), registers="I")),
        "LOOP without its HEAD",
    ),
    "LOOP of another": (
        action((Op.LOOP,), (Op.HEAD, 1, 0, 0, 1), (Op.BACK, 0, 0, 0, 1), registers="II"),
        "LOOP without its HEAD",
    ),
    "HEAD alone": (
        action((Op.MOV, 0, 0), (Op.HEAD, 0, 0, 0, 1), (Op.BACK, 0, 0, 0, 1), registers="I"),
        "HEAD without its LOOP",
    ),
    "HEAD first": (
        action((Op.HEAD, 0, 0, 0, 1), (Op.BACK, 0, 0, 0, 0), registers="I"),
        "HEAD without its LOOP",
    ),
    "branch back": (
        action((Op.MOV, 0, 0), (Op.JMP, 0, 0, 0, 0), registers="I"),
        "branch back to 0",
    ),
    "branch in place": (action((Op.JMP,)), "branch back to 0"),
    "branch to HEAD": (
        action(
            (Op.JMP, 0, 0, 0, 2),
            (Op.LOOP,),
            (Op.HEAD, 0, 0, 0, 1),
            (Op.BACK, 0, 0, 0, 2),
            registers="I",
        ),
        "branch to a HEAD",
    ),
    "branch into loop": (
        action(
            (Op.JMP, 0, 0, 0, 3),
            (Op.LOOP,),
            (Op.HEAD, 0, 0, 0, 1),
            (Op.BACK, 0, 0, 0, 2),
            registers="I",
        ),
        "branch to 3 enters the loop at 2 from outside",
    ),
}
