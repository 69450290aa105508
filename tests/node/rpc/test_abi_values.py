"""Values of contracts as JSON and back, and the ABIs that say how."""

import contextlib
import copy
import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from chain.ids import encode_id
from chain.types import SAFE_INT_MAX
from contracts.vm.container import INT_RANGES, Container, FunctionKind, Kind, decode_container
from node import catalog
from node.abi import (
    AbiEvent,
    AbiFunction,
    AbiType,
    BadAbiError,
    Record,
    Single,
    abi_bytes,
    flatten,
    parse_abi,
)
from node.abi_of_code import derive_abi, derived_document, read_abi
from node.rpc.errors import InvalidParamsError
from node.rpc.forms.abi_values import AssetLabel, Codec, plain_json
from tests.make import BOX, MONEY, compiled, word

STATES = {"OPEN": 1, "SHUT": 2, "ALSO_OPEN": 1}
LABEL = AssetLabel(MONEY, "CNY")
SHOP = word("shop")
CONTRACT = word("contract")
CODEC = Codec({"State": STATES}, {"money": LABEL}, lambda one: one == CONTRACT)
MEANINGS = [
    Single(Kind.UINT, 0, ("money", "money")),
    Single(Kind.UINT, 0, ("money", "elsewhere")),
    Single(Kind.UINT, 0, ("time", "ms")),
    Single(Kind.UINT, 0, ("duration", "ms")),
    Single(Kind.U16, 0, ("ratio", "bp")),
    Single(Kind.U8, 0, ("enum", "State")),
    Single(Kind.HASH, 0, ("id", "bkg")),
]
PLAIN = [Single(kind) for kind in Kind if kind < Kind.BYTES]
SIZED = [Single(Kind.BYTES, 5), Single(Kind.TEXT, 5)]
SINGLES = [*PLAIN, *SIZED, *MEANINGS]


def values_of(kind: Single) -> st.SearchStrategy[Any]:
    if kind.kind in INT_RANGES:
        return st.integers(*INT_RANGES[kind.kind])
    match kind.kind:
        case Kind.BOOL:
            return st.booleans()
        case Kind.BYTES:
            return st.binary(max_size=kind.size)
        case Kind.TEXT:
            texts = st.text(max_size=kind.size)
            return texts.filter(lambda one: len(one.encode()) <= kind.size)
        case _:
            return st.sampled_from([SHOP, CONTRACT, bytes(32), b"\xff" * 32])


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[Record, list[Any]]:
    """Draw a record, some of it nested, with its stored values."""
    kinds = draw(st.lists(st.sampled_from(SINGLES), min_size=1, max_size=4))
    inner = draw(st.lists(st.sampled_from(SINGLES), min_size=1, max_size=3))
    fields: list[tuple[str, AbiType]] = [(f"f{n}", kind) for n, kind in enumerate(kinds)]
    nested = Record("Inner", tuple((f"g{n}", kind) for n, kind in enumerate(inner)))
    fields.insert(draw(st.integers(0, len(fields))), ("inner", nested))
    record = Record("Outer", tuple(fields))
    return record, [draw(values_of(one)) for one in flatten(record)]


@given(typed_values())
def test_what_is_shown_is_read_back_and_fits_its_schema(
    drawn: tuple[Record, list[Any]],
) -> None:
    record, values = drawn

    shown = CODEC.show(record, values)

    assert CODEC.read(record, shown, "x") == values
    Draft202012Validator(CODEC.schema(record)).validate(shown)


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (MEANINGS[0], 680, {"amount": 680, "currency": "CNY", "asset": encode_id("ast", MONEY)}),
        (MEANINGS[1], 680, {"amount": 680, "currency": None, "asset": None}),
        (MEANINGS[5], 1, "OPEN"),
        (MEANINGS[5], 2, "SHUT"),
        (MEANINGS[5], 0, 0),
        (MEANINGS[6], SHOP, encode_id("bkg", SHOP)),
        (Single(Kind.ADDR), SHOP, encode_id("acct", SHOP)),
        (Single(Kind.ADDR), CONTRACT, encode_id("ctr", CONTRACT)),
        (Single(Kind.HASH), SHOP, SHOP.hex()),
        (Single(Kind.BYTES, 4), b"\x00\xff", "00ff"),
        (Single(Kind.TEXT, 9), "洗车".encode(), "洗车"),
        (Single(Kind.SINT), -5, -5),
        (Single(Kind.BOOL), True, True),
    ],
)
def test_every_meaning_has_its_form(kind: Single, value: object, shown: object) -> None:
    assert CODEC.show(kind, [value]) == shown


@pytest.mark.parametrize(
    ("given_", "value"),
    [
        (680, 680),
        ({"amount": 680}, 680),
        ({"amount": 680, "currency": "CNY"}, 680),
        ({"amount": 680, "currency": "CNY", "asset": encode_id("ast", MONEY)}, 680),
    ],
)
def test_money_is_taken_in_two_forms(given_: object, value: int) -> None:
    assert CODEC.read(MEANINGS[0], given_, "total") == [value]


@pytest.mark.parametrize(
    ("kind", "given_", "field", "said"),
    [
        (Single(Kind.U8), 256, "x", "an integer 0..255, found 256"),
        (Single(Kind.U8), -1, "x", "an integer 0..255, found -1"),
        (Single(Kind.UINT), SAFE_INT_MAX + 1, "x", "found 9007199254740992"),
        (Single(Kind.UINT), True, "x", "found True"),
        (Single(Kind.UINT), 1.0, "x", "found 1.0"),
        (Single(Kind.UINT), "1", "x", "found '1'"),
        (Single(Kind.BOOL), 1, "x", "true or false"),
        (Single(Kind.HASH), "A" * 64, "x", "64 lower-case hex digits"),
        (Single(Kind.HASH), "ab", "x", "64 lower-case hex digits"),
        (Single(Kind.BYTES, 2), "abc", "x", "hex of at most 2 bytes"),
        (Single(Kind.BYTES, 2), "abcdef", "x", "hex of at most 2 bytes"),
        (Single(Kind.TEXT, 5), "洗车", "x", "text of at most 5 bytes"),
        (Single(Kind.TEXT, 5), "\ud800", "x", "text of at most 5 bytes"),
        (Single(Kind.ADDR), encode_id("ast", SHOP), "x", 'an id "acct1..." or "ctr1..."'),
        (Single(Kind.ADDR), encode_id("acct", SHOP)[:-1] + "b", "x", "letters that no id has"),
        (Single(Kind.ADDR), encode_id("acct", SHOP)[:-1] + "q", "x", "wrong checksum"),
        (Single(Kind.ADDR), None, "x", 'an id "acct1..."'),
        (MEANINGS[6], encode_id("acct", SHOP), "x", 'an id "bkg1..."'),
        (MEANINGS[5], "LOST", "x", "one of OPEN, SHUT"),
        (MEANINGS[5], 1, "x", "one of OPEN, SHUT"),
        (MEANINGS[5], 256, "x", "one of OPEN, SHUT"),
        (MEANINGS[0], {"amount": 1, "currency": "USD"}, "x.currency", "expected 'CNY'"),
        (MEANINGS[0], {"amount": 1, "asset": "ast1"}, "x.asset", "expected 'ast1"),
        (MEANINGS[0], {"amount": -1}, "x.amount", "an integer 0.."),
        (MEANINGS[0], {"amount": 1, "cents": 2}, "x", "minor units"),
        (MEANINGS[0], {}, "x", "minor units"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    kind: Single, given_: object, field: str, said: str
) -> None:
    with pytest.raises(InvalidParamsError) as caught:
        CODEC.read(kind, given_, "x")

    assert caught.value.field == field
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("given_", "field", "said"),
    [
        ([], "args", "an object with id, p"),
        ({"id": 1}, "args.p", "is missing; expected an object with bp"),
        ({"id": 1, "p": {"bp": 1}, "q" * 99: 1}, "args." + "q" * 60, "there are id, p"),
        ({"id": 1, "p": {"bp": "1"}}, "args.p.bp", "an integer 0..65535"),
        ({"id": 1, "p": {}}, "args.p.bp", "is missing; expected an integer"),
    ],
)
def test_arguments_are_refused_with_the_path_of_the_fault(
    given_: object, field: str, said: str
) -> None:
    inner = Record("P", (("bp", Single(Kind.U16)),))
    params: tuple[tuple[str, AbiType], ...] = (("id", Single(Kind.U8)), ("p", inner))
    function = AbiFunction("f", FunctionKind.ACTION, "", params, None, None)

    with pytest.raises(InvalidParamsError) as caught:
        CODEC.read_arguments(function, given_)

    assert caught.value.field == field
    assert said in str(caught.value)


def test_arguments_of_a_stranger_s_call_are_shown_or_not_at_all() -> None:
    params: tuple[tuple[str, AbiType], ...] = (
        ("name", Single(Kind.TEXT, 8)), ("on", Single(Kind.BOOL)),
    )  # fmt: skip
    function = AbiFunction("f", FunctionKind.ACTION, "", params, None, None)

    shown = [
        CODEC.show_arguments(function, one)
        for one in (("wash", True), (b"wash", True), ("wash",), ("wash", 1), (b"\xff", True))
    ]

    fits = {"name": "wash", "on": True}
    assert shown == [fits, fits, None, None, None]


def test_values_of_no_known_type_are_shown_bare() -> None:
    assert plain_json([1, b"\xff", "x", (None, True)]) == [1, "ff", "x", [None, True]]


# ABIs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shops", "booking", "notes"])
def test_what_ships_is_read_whole(name: str) -> None:
    container = decode_container(catalog.container_bytes(name))

    abi = read_abi(catalog.abi(name), container)

    assert abi.name == container.name
    assert set(abi.functions) == {
        one.name for one in container.functions if one.kind not in {0, FunctionKind.INTERNAL}
    }


@pytest.mark.parametrize("name", ["shops", "booking", "notes"])
def test_the_document_of_a_derived_abi_says_the_same(name: str) -> None:
    container = decode_container(catalog.container_bytes(name))

    assert parse_abi(derived_document(container)) == derive_abi(container)


def test_nested_records_are_rebuilt() -> None:
    abi = parse_abi(catalog.abi("booking"))
    function = abi.functions["publish_policy"]

    (name, policy), _tiers = function.params

    assert isinstance(policy, Record)
    inner = dict(policy.fields)["no_show"]
    assert isinstance(inner, Record)
    assert (name, [one for one, _kind in inner.fields]) == (
        "p", ["bp", "held_base", "least", "cap"],
    )  # fmt: skip


def sealed(document: dict[str, Any]) -> Container:
    """Return the box's container as if its author had meant `document`."""
    box = decode_container(compiled(BOX))
    return replace(box, abi_hash=hashlib.sha256(abi_bytes(document)).digest())


def change(path: str, value: object) -> dict[str, Any]:
    """Return the box's derived ABI with one place changed; nothing takes the place away."""
    document = copy.deepcopy(derived_document(decode_container(compiled(BOX))))
    *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    here: Any = document
    for step in way:
        here = here[step]
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("actions", {}),
        ("actions/0", ...),
        ("actions/0", 7),
        ("actions/0/name", "pay"),
        ("actions/0/name", "../x"),
        ("actions/0/payable", None),
        ("actions/0/params/0/type", "address"),
        ("actions/0/params/0/type", "bytes[9999]"),
        ("actions/0/params/0/name", "a1"),
        ("actions/0/params/0/meaning", {"enum": "Nobody"}),
        ("actions/0/params/0/meaning", {"money": "money"}),
        ("actions/0/params/0/meaning", {"id": "bkg", "time": "ms"}),
        ("actions/0/returns", {"type": "uint"}),
        ("views/0/returns", None),
        ("events/0/fields/0/indexed", False),
        ("events/0/fields/0/name", "other"),
        ("errors", {"1": "fine"}),
        ("errors", {"2": "broken"}),
        ("pots/0/asset", "gold"),
        ("assets", []),
        ("enums", {"E": {"A": 256}}),
        ("enums", {"E": {"A": True}}),
        ("records", {"R": []}),
        ("records", {"R": [{"name": "a.b", "type": "u8"}, {"name": "a", "type": "u8"}]}),
        ("links", [{"name": "friend"}]),
        ("init", 5),
        ("doc", None),
        ("name", ...),
    ],
)
def test_an_abi_that_does_not_fit_its_code_is_refused_whatever_its_hash(
    path: str, value: object
) -> None:
    document = change(path, value)

    with pytest.raises(BadAbiError):
        read_abi(document, sealed(document))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from(["actions", "enums", "records", "events", "errors", "pots", "init", "links"]),
)
def test_no_document_is_worse_than_refused(value: object, place: str) -> None:
    document = change(place, value)

    with contextlib.suppress(BadAbiError):
        read_abi(document, sealed(document))


def test_an_id_prefix_that_no_text_can_have_is_shown_as_bytes() -> None:
    document = change("events/0/fields/0/meaning", {"id": "9x"})

    abi = read_abi(document, sealed(document))

    assert abi.events[0] == AbiEvent(
        "Rang", (("id", Single(Kind.HASH)), ("number", Single(Kind.UINT))), (0,)
    )


def test_a_document_too_large_is_refused() -> None:
    with pytest.raises(BadAbiError, match="at most 262144"):
        abi_bytes({"doc": "x" * 262_144})
