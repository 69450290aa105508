"""Parameters: what is taken, what is refused, and that the schema says the same."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from chain.ids import encode_id
from node.rpc import params

ACCOUNT = encode_id("acct", bytes(range(32)))
CONTRACT = encode_id("ctr", bytes(range(32)))
HASH = "0123456789abcdef" * 4

TAKEN: list[tuple[str, Any, Any]] = [
    ("AccountId", ACCOUNT, bytes(range(32))),
    ("AccountId", ACCOUNT.upper(), bytes(range(32))),
    ("AnyId", ACCOUNT, bytes(range(32))),
    ("AnyId", CONTRACT, bytes(range(32))),
    ("ContractRef", "booking", "booking"),
    ("ContractRef", CONTRACT, CONTRACT),
    ("AssetRef", "CNY", "CNY"),
    ("TxId", HASH, bytes.fromhex(HASH)),
    ("BlockHash", HASH, bytes.fromhex(HASH)),
    ("HexBytes", "", b""),
    ("HexBytes", "00ff", b"\x00\xff"),
    ("EventId", "0-0", (0, 0)),
    ("EventId", "8123-2", (8123, 2)),
    ("Cursor", "Az09_-", "Az09_-"),
    ("Text", "é" * 512, "é" * 512),
    ("Height", 0, 0),
    ("Height", 2**53 - 1, 2**53 - 1),
    ("Limit", 200, 200),
    ("Lang", "zh", "zh"),
    ("At", "final", "final"),
    ("At", 12, 12),
    ("At", HASH, bytes.fromhex(HASH)),
]

REFUSED: list[tuple[str, Any]] = [
    ("AccountId", CONTRACT),
    ("AccountId", ACCOUNT[:-1] + ("q" if ACCOUNT[-1] != "q" else "p")),
    ("AccountId", ACCOUNT[:-1]),
    ("AccountId", ACCOUNT + " "),
    ("AccountId", "acct1" + "q" * 5_000),
    ("AccountId", HASH),
    ("AccountId", 7),
    ("AccountId", None),
    ("AnyId", encode_id("ast", bytes(32))),
    ("ContractRef", ""),
    ("ContractRef", "a b"),
    ("ContractRef", "../booking"),
    ("ContractRef", "a" * 97),
    ("AssetRef", "¥"),
    ("TxId", HASH.upper()),
    ("TxId", HASH[:-1]),
    ("TxId", HASH + "00"),
    ("TxId", "0x" + HASH[2:]),
    ("TxId", HASH[:-1] + "\n"),
    ("HexBytes", "0"),
    ("HexBytes", "00 ff"),
    ("HexBytes", "FF"),
    ("HexBytes", "00" * (params.HEX_BYTES_MAX + 1)),
    ("EventId", "1"),
    ("EventId", "01-2"),
    ("EventId", "1-02"),
    ("EventId", "-1-2"),
    ("EventId", f"{2**53}-0"),
    ("EventId", "1-2147483648"),
    ("EventId", "\u0661-0"),
    ("Cursor", ""),
    ("Cursor", "a="),
    ("Cursor", "a" * 513),
    ("Text", "é" * 513),
    ("Height", -1),
    ("Height", 2**53),
    ("Height", 1.0),
    ("Height", True),
    ("Height", "1"),
    ("Limit", 0),
    ("Limit", 201),
    ("Lang", "fr"),
    ("At", "newest"),
    ("At", -1),
    ("At", True),
    ("At", 1.0),
    ("At", None),
]


def adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(getattr(params, kind))


@pytest.mark.parametrize(("kind", "value", "held"), TAKEN)
def test_a_good_value_becomes_what_the_ledger_uses(kind: str, value: Any, held: Any) -> None:
    assert adapter(kind).validate_python(value) == held


@pytest.mark.parametrize(("kind", "value"), REFUSED)
def test_a_bad_value_is_refused_in_few_words(kind: str, value: Any) -> None:
    with pytest.raises(ValidationError) as refusal:
        adapter(kind).validate_python(value)

    message = refusal.value.errors(include_url=False)[0]["msg"]
    assert 10 < len(message) < 240


@pytest.mark.parametrize("kind", sorted({kind for kind, _, _ in TAKEN}))
def test_every_kind_tells_readers_what_it_is(kind: str) -> None:
    schema = adapter(kind).json_schema()

    assert str(schema["description"]).endswith(".")


@pytest.mark.parametrize(
    ("kind", "value"),
    [(kind, value) for kind, value, _ in TAKEN if isinstance(value, str) and value.islower()],
)
def test_the_published_pattern_fits_what_is_taken(kind: str, value: str) -> None:
    pattern = adapter(kind).json_schema().get("pattern", "")

    assert re.search(pattern, value) is not None


@given(data=st.binary(max_size=100))
def test_hex_comes_back_as_the_bytes_it_was_made_of(data: bytes) -> None:
    assert params.parse_hex(data.hex()) == data


@given(value=st.binary(min_size=32, max_size=32), prefix=st.sampled_from(["acct", "ctr"]))
def test_ids_come_back_as_the_bytes_they_were_made_of(value: bytes, prefix: str) -> None:
    assert params.parse_any_id(encode_id(prefix, value)) == value
