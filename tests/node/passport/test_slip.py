"""A slip shows how the work of one record ended, in few enough bytes for a QR code."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.codec import decode, encode
from chain.errors import MalformedBytesError
from chain.ids import encode_id
from chain.merkle import inclusion_path
from chain.transaction import Transfer
from chain.types import DAY_MS
from node import catalog
from node.passport.anchor import Anchor
from node.passport.base45 import LETTERS, decode_base45, encode_base45
from node.passport.form import Slip
from node.passport.report import Report, Verdict
from node.passport.slip import slip_bytes, slip_text, verify_slip, write_slip
from tests.make import MONEY, account, word
from tests.node.passport.garage import NOTHING, SHOP, Garage, four

CONTAINER = catalog.program("records").container
GIFT = Transfer(MONEY, account("bob"), 1)


@pytest.fixture(scope="module")
def garage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garage]:
    """Four validators; the newest block ends a record, between gifts."""
    start, keys = four()
    made = Garage(tmp_path_factory.mktemp("garage"), start, keys)
    visit = word("visit")
    assert made.chain.call(SHOP, made.visits, "put", visit, account("alice")).ok
    made.call(SHOP, "start", visit, NOTHING, 3)
    gifts = [made.chain.sign("alice", GIFT) for _ in range(4)]
    finish = made.chain.sign(SHOP, made.action("finish", visit, 2, 1, NOTHING))
    receipts = made.chain.run(*gifts[:2], finish, *gifts[2:]).receipts
    assert all(one.ok for one in receipts)
    yield made
    made.chain.close()


def slip_of(garage: Garage, index: int) -> bytes:
    ledger = garage.chain.ledger
    leaves = ledger.store.receipt_bytes(ledger.height)
    path = inclusion_path(leaves, index)
    return write_slip(garage.candidate(ledger.height), leaves[index], (index, len(leaves)), path)


def check(garage: Garage, data: bytes, anchor: Anchor | None = None) -> Report:
    return verify_slip(data, anchor or garage.anchor(), CONTAINER, garage.records)


def test_a_slip_shows_how_a_record_ended_and_fits_in_a_code(garage: Garage) -> None:
    data = slip_of(garage, 2)

    report = check(garage, data)

    assert report.verdict is Verdict.GOOD
    assert report.facts["record"] == {
        "record": word("visit").hex(),
        "shop": encode_id("acct", account(SHOP)),
        "customer": encode_id("acct", account("alice")),
        "entries": 2,
        "result": 1,
    }
    assert report.facts["height"] == garage.chain.ledger.height
    assert len(slip_text(data)) < 2_500
    assert slip_bytes(slip_text(data)) == data


def test_without_the_contract_or_the_anchor_a_slip_only_agrees_with_itself(garage: Garage) -> None:
    data, whole = slip_of(garage, 2), garage.anchor()

    verdicts = [
        verify_slip(data, whole, CONTAINER).verdict,
        verify_slip(data, Anchor(whole.chain_id), CONTAINER, garage.records).verdict,
        verify_slip(data, Anchor(), CONTAINER).verdict,
        verify_slip(data, whole, CONTAINER, word("other")).verdict,
        verify_slip(data, replace(whole, chain_id=word("other")), CONTAINER).verdict,
        verify_slip(data, replace(whole, validators_hash=word("other")), CONTAINER).verdict,
    ]

    assert verdicts == [Verdict.UNANCHORED] * 3 + [Verdict.BAD] * 3


def test_a_receipt_that_ends_no_record_makes_no_slip(garage: Garage) -> None:
    for index in (0, 1, 3, 4):
        assert check(garage, slip_of(garage, index)).verdict is Verdict.BAD


def test_no_byte_of_a_slip_can_be_changed(garage: Garage) -> None:
    data, anchor = slip_of(garage, 2), garage.anchor()

    taken = []
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        if check(garage, bytes(changed), anchor).verdict is not Verdict.BAD:
            taken.append(place)

    assert taken == []


def test_a_slip_with_fewer_signatures_than_a_quorum_is_refused(garage: Garage) -> None:
    slip = decode(Slip, slip_of(garage, 2))
    fewer = replace(slip.commit, signers=b"\x03", signatures=slip.commit.signatures[:2])

    assert check(garage, encode(replace(slip, commit=fewer))).verdict is Verdict.BAD


def test_a_record_that_the_shop_left_open_has_a_slip_too(tmp_path: Path) -> None:
    garage = Garage(tmp_path)
    visit = word("visit")
    assert garage.chain.call(SHOP, garage.visits, "put", visit, account("alice")).ok
    garage.call(SHOP, "start", visit, NOTHING, 3)
    garage.chain.idle(garage.chain.now + 14 * DAY_MS)

    report = check(garage, slip_of(garage, 0))
    garage.chain.close()

    assert report.verdict is Verdict.GOOD
    assert report.facts["record"]["result"] == 4


@given(st.binary(max_size=40))
def test_base45_gives_bytes_back(data: bytes) -> None:
    text = encode_base45(data)

    assert decode_base45(text) == data
    assert set(text) <= set(LETTERS)


def test_base45_is_that_of_rfc_9285() -> None:
    pairs = {
        b"AB": "BB8",
        b"Hello!!": "%69 VD92EX0",
        b"base-45": "UJCLQE7W581",
        b"ietf!": "QED8WEX0",
    }

    assert {data: encode_base45(data) for data in pairs} == pairs
    assert {decode_base45(text): text for text in pairs.values()} == pairs


@pytest.mark.parametrize("text", ["a", "0", "BB8B", "GGW", "::", ":::", "BB8 b"])
def test_texts_that_are_no_base45_are_refused(text: str) -> None:
    with pytest.raises(MalformedBytesError):
        decode_base45(text)


def test_a_text_that_is_no_slip_is_refused() -> None:
    with pytest.raises(MalformedBytesError):
        slip_bytes("https://wash.example")
