"""Stored forms: round trips, order of keys, and which value is refused first."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import MalformedBytesError
from contracts.vm.container import REGISTER_TYPES, Kind, Scalar
from contracts.vm.traps import Trap, TrapKind
from contracts.vm.values import KeyForm, RowForm, check_scalar, read_arguments, zero_of
from tests.fuzz.build import ADDR, BOOL, BYTES, HASH, SINT, TEXT, U8, UINT

SAFE_MAX = 2**53 - 1
RANGES = {
    1: (0, 255),
    2: (0, 65_535),
    3: (0, 2**32 - 1),
    4: (0, SAFE_MAX),
    5: (-SAFE_MAX, SAFE_MAX),
}


def values_of(scalar: Scalar) -> st.SearchStrategy[Any]:
    """Return the register values that fit a storage type."""
    if scalar.kind in RANGES:
        return st.integers(*RANGES[scalar.kind])
    if scalar.kind == Kind.BOOL:
        return st.booleans()
    if scalar.kind in {Kind.ADDR, Kind.HASH}:
        return st.binary(min_size=32, max_size=32)
    if scalar.kind == Kind.BYTES:
        return st.binary(max_size=scalar.size)
    return st.text(max_size=scalar.size // 4).map(str.encode)


FIXED = st.sampled_from([Scalar(kind) for kind in range(1, 9)])
ANY = st.one_of(FIXED, st.builds(Scalar, st.sampled_from([9, 10]), st.integers(1, 40)))
ROWS = st.lists(ANY, min_size=1, max_size=8).flatmap(
    lambda scalars: st.tuples(st.just(scalars), st.tuples(*[values_of(s) for s in scalars]))
)
KEY_PAIRS = st.lists(FIXED, max_size=3).flatmap(
    lambda scalars: st.tuples(
        st.just(scalars),
        st.tuples(*[values_of(s) for s in scalars]),
        st.tuples(*[values_of(s) for s in scalars]),
    )
)


@given(ROWS, st.integers(0, 3))
def test_a_row_reads_back_as_it_was_written(drawn: Any, at: int) -> None:
    scalars, values = drawn
    form = RowForm(scalars)

    data = form.encode([None] * at + list(values) + [None], at)

    assert tuple(form.decode(data)) == values
    assert len(data) <= form.width_bytes


@given(ROWS, ROWS)
def test_fields_that_were_appended_are_zero_in_a_row_of_before(drawn: Any, more: Any) -> None:
    scalars, values = drawn
    added = [
        s for s in more[0] if s.kind >= Kind.BYTES or max(o.kind for o in scalars) < Kind.BYTES
    ]
    data = RowForm(scalars).encode(list(values), 0)

    read = RowForm([*scalars, *added]).decode(data)

    assert tuple(read) == (*values, *[zero_of(one.kind) for one in added])


@given(KEY_PAIRS)
def test_keys_sort_as_their_parts_and_read_back(drawn: Any) -> None:
    scalars, one, two = drawn
    form = KeyForm(b"\7", scalars)

    first, second = form.encode(list(one), 0), form.encode(list(two), 0)

    assert (first < second) == (one < two)
    assert form.decode(first[1:]) == list(one)
    assert form.prefix_bytes(len(scalars)) == len(first) == 1 + form.width_bytes


@given(ROWS)
def test_arguments_of_the_right_types_pass_unchanged(drawn: Any) -> None:
    scalars, values = drawn

    read = read_arguments(scalars, values)

    assert read == list(values)


MISFITS = [
    (U8, 256, TrapKind.RANGE),
    (U8, -1, TrapKind.RANGE),
    (UINT, SAFE_MAX + 1, TrapKind.RANGE),
    (UINT, 2**100, TrapKind.RANGE),
    (SINT, -SAFE_MAX - 1, TrapKind.RANGE),
    (HASH, bytes(31), TrapKind.LENGTH),
    (BYTES, bytes(9), TrapKind.LENGTH),
    (TEXT, bytes(9), TrapKind.LENGTH),
    (TEXT, b"\xff", TrapKind.RANGE),
]


@pytest.mark.parametrize(("scalar", "value", "kind"), MISFITS)
def test_a_value_that_does_not_fit_traps_wherever_it_is_kept(
    scalar: Scalar, value: Any, kind: TrapKind
) -> None:
    traps: list[TrapKind] = []
    forms = [RowForm([scalar]), RowForm([BYTES, scalar, SINT])]
    if scalar.kind < Kind.BYTES:
        forms.append(KeyForm(b"", [scalar]))  # type: ignore[arg-type]
    for form, registers in zip(forms, ([value], [b"", value, 0], [value]), strict=False):
        with pytest.raises(Trap) as caught:
            form.encode(registers, 0)
        traps.append(caught.value.kind)
    with pytest.raises(Trap) as caught:
        check_scalar(scalar, value)

    assert {*traps, caught.value.kind} == {kind}


@pytest.mark.parametrize("first", range(len(MISFITS)))
def test_the_first_misfit_of_a_row_decides(first: int) -> None:
    order = MISFITS[first:] + MISFITS[:first]
    form = RowForm([scalar for scalar, _value, _kind in order])

    with pytest.raises(Trap) as caught:
        form.encode([value for _scalar, value, _kind in order], 0)

    assert caught.value.kind == order[0][2]


@pytest.mark.parametrize(
    ("scalar", "value", "message"),
    [
        (U8, 256, "argument 1: expected an integer 0..255, found 256"),
        (U8, True, "argument 1: expected an integer 0..255, found True"),
        (BOOL, 1, "argument 1: expected a bool, found 1"),
        (ADDR, b"", "argument 1: expected 32 bytes, found b''"),
        (HASH, "x", "argument 1: expected 32 bytes, found 'x'"),
        (BYTES, "x", "argument 1: expected at most 8 bytes, found 'x'"),
        (BYTES, bytes(9), "argument 1: expected at most 8 bytes, found"),
        (TEXT, b"\xff", "argument 1: expected at most 8 bytes of UTF-8"),
        (TEXT, "äääää", "argument 1: expected at most 8 bytes of UTF-8"),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_expected(
    scalar: Scalar, value: Any, message: str
) -> None:
    with pytest.raises(MalformedBytesError, match=message):
        read_arguments([scalar], [value])


def test_arguments_are_counted_and_text_becomes_bytes() -> None:
    with pytest.raises(MalformedBytesError, match="1 arguments, 2 are declared"):
        read_arguments([U8, U8], [1])

    assert read_arguments([TEXT], ["ä"]) == ["ä".encode()]


def test_a_row_that_fits_is_never_refused() -> None:
    with pytest.raises(AssertionError):
        RowForm([U8])._refuse([1])


def test_zeros_have_the_types_of_their_registers() -> None:
    letters = {int: "I", bool: "B"}

    found = ["?" + "".join(letters.get(type(zero_of(kind)), "Y") for kind in range(1, 11))]

    assert found == [REGISTER_TYPES.replace("A", "Y")]
    assert [len(zero_of(kind)) for kind in (7, 8, 9, 10)] == [32, 32, 0, 0]
