"""The machine by hand: each opcode's effect and trap, gas by blocks, calls, where a trap points."""

from functools import partial
from typing import Any

import pytest

from contracts.vm.container import FunctionKind, encode_container
from contracts.vm.gas import block_charges, block_leaders, decode_instructions
from contracts.vm.interpreter import run, run_program
from contracts.vm.opcodes import OPCODES, Op
from contracts.vm.program import Program, load_program
from contracts.vm.traps import Trap, TrapKind
from tests.fuzz.build import (
    ADDR,
    BOOL,
    BYTES,
    HASH,
    SINT,
    TEXT,
    U8,
    UINT,
    code_of,
    container,
    function,
)
from tests.fuzz.host import ACCOUNTS, OTHER, MemoryHost

LETTERS = {"I": SINT, "B": BOOL, "Y": BYTES, "A": ADDR}
TOP = 2**127 - 1
END = (Op.RET,)


def load(*functions: Any, **tables: Any) -> Program:
    return load_program(encode_container(container(*functions, **tables)))


def apply(op: Op, result: str, *values: Any, t: int = 0) -> Any:
    """Run one instruction on constants and locals; wide integers are put in place of parameters."""
    letters = "".join(["B" if type(v) is bool else "I" if type(v) is int else "Y" for v in values])
    operands = [*range(1, len(values) + 1), 0, 0]
    a, b = operands[0], operands[1] if len(values) > 1 else 0
    third = 3 if len(values) > 2 else t
    params = tuple([LETTERS[letter] for letter in result + letters])
    f = function(
        (op, 0, a, b, third),
        END,
        params=params,
        returns=(LETTERS[result],),
        registers=result + letters,
    )
    program = load(f)
    blank = {"I": 0, "B": False, "Y": b"", "A": bytes(32)}[result]
    host = MemoryHost(program)
    host.enter(3, ACCOUNTS[2])
    return run_program(program, "f", [blank, *values], host, 10_000)[0][0]


def trap_of(call: Any) -> tuple[TrapKind, int]:
    with pytest.raises(Trap) as caught:
        call()
    return caught.value.kind, caught.value.error


@pytest.mark.parametrize(
    ("op", "values", "expected"),
    [
        (Op.MOV, (7,), 7),
        (Op.SEL, (True, 5, 6), 5),
        (Op.SEL, (False, 5, 6), 6),
        (Op.ADD, (TOP, -TOP - 1), -1),
        (Op.SUB, (3, 5), -2),
        (Op.MUL, (-(2**63), 2**63), -(2**126)),
        (Op.DIV, (-7, 2), -4),
        (Op.DIV, (7, -2), -4),
        (Op.MOD, (-7, 2), 1),
        (Op.MOD, (7, -2), -1),
        (Op.MIN, (3, -4), -4),
        (Op.MIN, (-4, 3), -4),
        (Op.MAX, (3, -4), 3),
        (Op.MAX, (-4, 3), 3),
        (Op.MULDIV, (2**120, 2**120, 2**119), 2**121),
        (Op.MULDIV, (-7, 1, 2), -4),
        (Op.LEN, (b"abc",), 3),
        (Op.B2I, (b"\1\0",), 256),
        (Op.B2I, (b"",), 0),
    ],
)
def test_integers_come_out_as_in_mathematics(op: Op, values: Any, expected: int) -> None:
    assert apply(op, "I", *values) == expected


@pytest.mark.parametrize(
    ("op", "values", "expected"),
    [
        (Op.LT, (1, 2), True),
        (Op.LT, (2, 2), False),
        (Op.LE, (2, 2), True),
        (Op.EQ, (b"a", b"a"), True),
        (Op.NE, (b"a", b"a"), False),
        (Op.NOT, (True,), False),
        (Op.AND, (True, False), False),
        (Op.OR, (True, False), True),
    ],
)
def test_comparisons_give_bools(op: Op, values: Any, expected: bool) -> None:  # noqa: FBT001
    assert apply(op, "B", *values) is expected


@pytest.mark.parametrize(
    ("op", "values", "t", "expected"),
    [
        (Op.I2B, (258,), 3, b"\0\1\2"),
        (Op.I2B, (TOP,), 16, TOP.to_bytes(16, "big")),
        (Op.CAT, (b"ab", b"c"), 0, b"abc"),
        (Op.SLICE, (b"abcd", 1, 3), 0, b"bc"),
        (Op.SLICE, (b"abcd", 4, 4), 0, b""),
        (
            Op.SHA256,
            (b"",),
            0,
            bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ),
    ],
)
def test_bytes_are_cut_and_joined(op: Op, values: Any, t: int, expected: bytes) -> None:
    assert apply(op, "Y", *values, t=t) == expected


@pytest.mark.parametrize(
    ("op", "result", "values", "t", "kind"),
    [
        (Op.ADD, "I", (TOP, 1), 0, TrapKind.OVERFLOW),
        (Op.SUB, "I", (-TOP - 1, 1), 0, TrapKind.OVERFLOW),
        (Op.MUL, "I", (2**64, 2**63), 0, TrapKind.OVERFLOW),
        (Op.DIV, "I", (-TOP - 1, -1), 0, TrapKind.OVERFLOW),
        (Op.MULDIV, "I", (TOP, 3, 2), 0, TrapKind.OVERFLOW),
        (Op.DIV, "I", (1, 0), 0, TrapKind.DIV),
        (Op.MOD, "I", (1, 0), 0, TrapKind.DIV),
        (Op.MULDIV, "I", (1, 1, 0), 0, TrapKind.DIV),
        (Op.B2I, "I", (bytes(16),), 0, TrapKind.LENGTH),
        (Op.I2B, "Y", (256,), 1, TrapKind.RANGE),
        (Op.I2B, "Y", (-1,), 1, TrapKind.RANGE),
        (Op.CAT, "Y", (bytes(1_000), bytes(25)), 0, TrapKind.LENGTH),
        (Op.SLICE, "Y", (b"abcd", -1, 3), 0, TrapKind.LENGTH),
        (Op.SLICE, "Y", (b"abcd", 3, 2), 0, TrapKind.LENGTH),
        (Op.SLICE, "Y", (b"abcd", 1, 5), 0, TrapKind.LENGTH),
        (Op.B2A, "A", (bytes(31),), 0, TrapKind.LENGTH),
    ],
)
def test_what_does_not_fit_traps(op: Op, result: str, values: Any, t: int, kind: TrapKind) -> None:
    assert trap_of(lambda: apply(op, result, *values, t=t)) == (kind, 0)


@pytest.mark.parametrize(
    ("kind", "low", "high"), [(1, 0, 255), (2, 0, 65_535), (5, -(2**53) + 1, 2**53 - 1)]
)
def test_chk_lets_a_storage_type_pass_to_its_ends(kind: int, low: int, high: int) -> None:
    program = load(function((Op.CHK, 0, 0, 0, kind), END, params=(SINT,), registers="I"))

    def check(value: int) -> Any:
        return run_program(program, "f", [value], MemoryHost(program), 99)

    ends = [check(low)[0], check(high)[0]]

    assert ends == [[], []]
    assert [trap_of(partial(check, v)) for v in (low - 1, high + 1)] == [(TrapKind.RANGE, 0)] * 2


def test_addresses_and_bytes_turn_into_each_other() -> None:
    f = function((Op.A2B, 1, 0), (Op.B2A, 2, 1), END, params=(ADDR,), registers="AYA")
    g = function(
        (Op.A2B, 1, 0), (Op.RET, 0, 1), name="g", params=(ADDR,), returns=(HASH,), registers="AY"
    )
    program = load(f, g)

    assert run_program(program, "f", [OTHER], MemoryHost(program), 99)[0] == []
    assert run_program(program, "g", [OTHER], MemoryHost(program), 99)[0] == [OTHER]


def test_a_failed_requirement_names_its_error() -> None:
    f = function((Op.REQ, 0, 0, 0, 2), (Op.FAIL, 0, 0, 0, 1), params=(BOOL,), registers="B")
    program = load(f)

    traps = [
        trap_of(lambda: run_program(program, "f", [held], MemoryHost(program), 99))  # noqa: B023
        for held in (True, False)
    ]

    assert traps == [(TrapKind.REQUIRE, 1), (TrapKind.REQUIRE, 2)]


def test_a_trap_tells_the_innermost_function_and_what_is_left() -> None:
    inner = function(
        (Op.MOV, 0, 0), (Op.FAIL, 0, 0, 0, 1), name="g", kind=FunctionKind.INTERNAL, registers="I"
    )
    outer = function((Op.CALL,), END)
    program = load(inner, outer)

    with pytest.raises(Trap, match="require 1") as caught:
        run_program(program, "f", [], MemoryHost(program), 100)

    spent = sum(OPCODES[op].gas for op in (Op.CALL, Op.RET, Op.MOV, Op.FAIL))
    assert (caught.value.place, caught.value.gas_left) == (("g", 1), 100 - spent)


def test_gas_is_taken_by_blocks_and_none_is_left_when_it_is_short() -> None:
    f = function((Op.ADD, 0, 0, 0), (Op.MUL, 0, 0, 0), END, registers="I")
    program = load(f)
    whole = program.routines[0].worst_case_gas

    exact = run(program.routines[0], [], MemoryHost(program), whole)
    with pytest.raises(Trap) as caught:
        run(program.routines[0], [], MemoryHost(program), whole - 1)

    assert exact == ([], 0)
    assert (caught.value.kind, caught.value.gas_left, caught.value.place) == (
        TrapKind.GAS,
        0,
        ("f", 0),
    )


def test_blocks_begin_at_targets_heads_and_behind_jumps() -> None:
    code = code_of(
        [
            (Op.JMP, 0, 0, 0, 2),
            (Op.FAIL, 0, 0, 0, 1),
            (Op.LOOP,),
            (Op.HEAD, 0, 0, 0, 1),
            (Op.MOV,),
            (Op.BACK, 0, 0, 0, 3),
            END,
        ]
    )
    instructions = decode_instructions(code)

    leaders = block_leaders(instructions)

    assert leaders == [0, 1, 2, 3, 6]
    assert block_charges([1, 2, 4, 8, 16, 32, 64], instructions) == [1, 2, 4, 56, 0, 0, 64]


def test_a_loop_runs_its_bound_and_once_more_then_traps() -> None:
    f = function(
        (Op.LOOP, 1),
        (Op.HEAD, 1, 0, 0, 3),
        (Op.BRLT, 0, 0, 1, 4),
        (Op.BACK, 0, 0, 0, 1),
        (Op.RET, 0, 1),
        params=(UINT,),
        returns=(UINT,),
        registers="II",
    )
    program = load(f)

    seen = [run_program(program, "f", [n], MemoryHost(program), 999)[0] for n in range(4)]

    assert seen == [[1], [2], [3], [4]]
    assert trap_of(lambda: run_program(program, "f", [4], MemoryHost(program), 999)) == (
        TrapKind.LOOP,
        0,
    )


def test_a_link_sets_its_bound_aside_and_gives_the_rest_back() -> None:
    look = function(
        (Op.ADD, 0, 0, 0),
        END,
        name="look",
        kind=FunctionKind.VIEW,
        params=(UINT,),
        returns=(UINT,),
        registers="I",
    )
    target = load(look)
    main = function((Op.LINK, 0, 0, 0, 0), END, params=(UINT,), returns=(UINT,), registers="I")
    program = load(main)
    host = MemoryHost(program)
    host.linked = MemoryHost(target, OTHER)
    block = OPCODES[Op.LINK].gas + OPCODES[Op.RET].gas

    values, left = run_program(program, "f", [21], host, block + 500)

    assert (values, left) == ([42], 500 - target.routines[0].worst_case_gas)
    assert trap_of(lambda: run_program(program, "f", [1], host, block + 499)) == (TrapKind.GAS, 0)


def test_keys_are_stepped_through_in_their_order() -> None:
    walk = function(
        (Op.NEXT, 2, 0, 1, 1),
        (Op.RET, 0, 0),
        kind=FunctionKind.VIEW,
        params=(UINT, BOOL, BOOL),
        returns=(UINT, BOOL, BOOL),
        registers="IBB",
    )
    put = function((Op.PUT, 2, 0, 0, 1), END, name="put", params=(UINT, BOOL), registers="IBIY")
    program = load(put, walk)
    host = MemoryHost(program)
    for key in ([5, True], [5, False], [6, False]):
        run_program(program, "put", key, host, 999)

    steps = [
        run_program(program, "f", key, host, 999)[0]
        for key in ([5, False, False], [5, False, True], [5, True, True])
    ]

    assert steps == [[5, False, True], [5, True, True], [5, True, False]]


def test_an_entry_is_found_by_name_and_kind_only() -> None:
    program = load(function(), function(name="u", params=(U8,), registers="I"))

    found = [
        program.entry("f", FunctionKind.ACTION),
        program.entry("f", FunctionKind.VIEW),
        program.entry("nobody", FunctionKind.ACTION),
    ]

    assert found == [program.routines[0], None, None]


def test_text_constants_are_held_as_their_bytes() -> None:
    f = function((Op.RET, 0, 0), constants=("für",), returns=(TEXT,), registers="Y")
    program = load(f)

    values, _left = run_program(program, "f", [], MemoryHost(program), 99)

    assert values == ["für".encode()]
