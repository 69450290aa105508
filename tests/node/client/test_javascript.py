"""The JavaScript client: its own tests, and what it and this side say of the same things."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.codec import decode, decode_value, encode_value
from chain.crypto import verify_signature
from chain.errors import MalformedBytesError, WashError
from chain.ids import decode_id, encode_id
from chain.transaction import Transaction
from chain.types import HOUR_MS
from node.demo.accounts import signer_of
from node.demo.catalogue import SPARKLE
from node.rpc.forms.actions import body_json, check_body, read_body
from tests.node.client.curve import MESSAGE, edge_cases
from tests.node.client.javascript import FOLDER, Oracle, run
from tests.node.client.real_node import TOKENS, demo
from tests.node.demo.setting import NOON
from tests.node.rpc.action_vectors import VectorLookup, make_vectors

ROOT = FOLDER.parents[1]
PAGE, CLIENT = ROOT / "docs" / "client.md", ROOT / "node" / "client" / "wash.js"
START = NOON + 16 * HOUR_MS  # midday tomorrow, for the shop
CASES: list[dict[str, Any]] = make_vectors()["cases"]
LOOKUP = VectorLookup()
SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.binary(max_size=300)
    | st.text(max_size=300)
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=20), max_leaves=40)
JUNK: list[Any] = [
    None, True, False, -1, 0, 1, 2, 255, 256, 65_535, 65_536, 2**32, 2**53 - 1, 2**53, 0.5,
    "", "x", "00", "0" * 63, "0" * 64, "A" * 64, "0" * 32, "CNY", "booking", "open", "member",
    "汽车", [], [0], [[0]], {}, {"amount": 1}, {"hex": "00"}, {"integer": "1"}, {"integer": "01"},
    {"integer": str(2**64)}, {"type": "vote"}, encode_id("acct", bytes(32)),
    encode_id("ctr", bytes(32)), encode_id("ast", bytes(32)), encode_id("bkg", bytes(32)),
]  # fmt: skip


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with Oracle() as asked:
        yield asked


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.test.mjs")))
async def test_its_own_tests_pass(name: str) -> None:
    out = await run("--test", "--test-reporter=tap", "--test-timeout=60000", name)

    assert "\n# fail 0\n" in out
    assert "\n# skipped 0\n" in out
    assert "\n# pass 0\n" not in out


async def test_a_booking_is_bought_in_javascript(tmp_path: Path) -> None:
    offer, shop = SPARKLE.service(1), signer_of("sparkle")
    hold = offer.hold(START)
    visit = {
        "shop": encode_id("acct", shop.public_key), "service": 1, "version": 1, "start": START,
        "end": START + offer.duration_ms, "cell": offer.cell, "total": offer.price,
        "policy": offer.policy_id.hex(),
    }  # fmt: skip

    async with demo(tmp_path) as (_node, url):
        told = json.loads(await run("buy.mjs", url, TOKENS.shop, json.dumps(visit), str(hold)))

    refused = {"code": 3007, "name": "PRICE_CHANGED", "reason": "price_changed", "zh": True}
    plain = {"reason": "", "zh": True, "inBlock": False}
    assert told == {
        "booking": {"ok": True, "start": START, "types": ["booking.Requested", "booking.Moved"]},
        "held": hold,
        "tried": {**refused, "inBlock": False},
        "sent": {**refused, "inBlock": True},
        "paid": sum(range(1, 21)),
        "transactions": 20,
        "again": True,
        "events": {"count": 20, "alike": True},
        "live": [True, True],
        "sponsored": True,
        "unsponsored": {"code": 1008, "name": "SPONSOR_REQUIRED", **plain},
        "stranger": {"code": -32003, "name": "UNAUTHENTICATED", **plain},
        "byPhone": True,
        "isUnknownRefused": True,
        "batch": [False, True],
    }


async def test_what_the_page_shows_works_as_it_stands(tmp_path: Path) -> None:
    shown = re.findall(r"^```js\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    said = []

    async with demo(tmp_path) as (_node, url):
        for number, text in enumerate(shown):
            program = tmp_path / f"{number}.mjs"
            here = text.replace('"./wash.js"', json.dumps(CLIENT.as_uri()))
            program.write_text(here.replace("http://127.0.0.1:8787", url), "utf-8")
            said.append(await run(str(program)))

    assert said == ["6800 back\n", "2001 INSUFFICIENT_FUNDS 余额不足\nchain.transferred 680\n"]


def test_signatures_at_the_edge_are_judged_as_libsodium_judges_them(oracle: Oracle) -> None:
    cases = list(edge_cases())

    found = [
        oracle.ask("verify", key=key.hex(), message=MESSAGE.hex(), signature=signature.hex())
        for key, signature in cases
    ]

    expected = [verify_signature(key, MESSAGE, signature) for key, signature in cases]
    assert found == expected
    assert 0 < sum(expected) < len(expected)


@given(value=VALUES)
@settings(max_examples=150)
def test_every_value_has_the_same_bytes_there(oracle: Oracle, value: Any) -> None:
    data = encode_value(value).hex()

    assert oracle.ask("value", bytes=data) == data


@given(value=VALUES, place=st.integers(0, 10**6), byte=st.integers(0, 255))
@settings(max_examples=300)
def test_the_same_bytes_are_refused_there(
    oracle: Oracle, value: Any, place: int, byte: int
) -> None:
    data = bytearray(encode_value(value))
    data[place % len(data)] = byte
    try:
        decode_value(bytes(data))
        expected = data.hex()
    except MalformedBytesError:
        expected = None

    found = oracle.ask("value", bytes=data.hex())

    assert found == expected


@given(value=st.binary(min_size=32, max_size=32), place=st.integers(0, 70), letter=st.characters())
@settings(max_examples=100)
def test_the_same_texts_are_ids_there(
    oracle: Oracle, value: bytes, place: int, letter: str
) -> None:
    text = encode_id("bkg", value)
    changed = text[:place] + letter + text[place + 1 :]
    try:
        expected = decode_id(changed, "bkg").hex()
    except MalformedBytesError:
        expected = None

    found = oracle.ask("id", text=changed, prefix="bkg")

    assert oracle.ask("text", bytes=value.hex(), prefix="bkg") == text
    assert found == expected


@st.composite
def changed_transactions(draw: st.DrawFn) -> Any:
    """Draw a good transaction as JSON with one or two things wrong, or right in another way."""
    transaction = deepcopy(draw(st.sampled_from(CASES))["transaction"])
    for _ in range(draw(st.integers(1, 2))):
        change(draw, transaction)
    return transaction


def change(draw: st.DrawFn, transaction: dict[str, Any]) -> None:
    """Replace, take out or add one member somewhere."""
    holder: Any = transaction
    if draw(st.booleans()) and isinstance(transaction.get("actions"), list):
        holder = transaction["actions"]
    while True:
        names = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not names:
            return
        name = draw(st.sampled_from(names))
        if isinstance(holder[name], dict | list) and draw(st.booleans()):
            holder = holder[name]
            continue
        way = draw(st.sampled_from(["replace", "replace", "replace", "remove", "add"]))
        if way == "remove":
            del holder[name]
        elif way == "add" and isinstance(holder, dict):
            holder["more"] = draw(st.sampled_from(JUNK))
        else:
            holder[name] = deepcopy(draw(st.sampled_from(JUNK)))
        return


@given(transaction=changed_transactions())
@settings(max_examples=400)
def test_the_same_transactions_can_be_written_there(oracle: Oracle, transaction: Any) -> None:
    try:
        expected = check_body(read_body(transaction, LOOKUP)).hex()
    except WashError:
        expected = None
    if transaction.get("actions") == []:
        expected = None  # the ledger refuses it; the client does before

    found = oracle.ask("body", json=transaction)

    assert found == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_transactions_are_shown_alike(oracle: Oracle, case: dict[str, Any]) -> None:
    body = decode(Transaction, bytes.fromhex(case["body"]))

    shown = oracle.ask("show", bytes=case["body"])

    assert shown == body_json(body, LOOKUP)
