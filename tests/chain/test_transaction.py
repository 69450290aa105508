"""Signed bytes: what they commit to, and who signed them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.codec import encode
from chain.errors import BadSignatureError, MalformedBytesError
from chain.rules import check_signatures
from chain.transaction import (
    Call,
    Cosignature,
    SignedTransaction,
    Transaction,
    Transfer,
    call_id,
    event_receipt_id,
    instance_id,
    read_transaction,
    sign_transaction,
    signing_bytes,
    sponsor_bytes,
    tx_id,
)
from chain.types import TX_BYTES_MAX
from tests.make import MONEY, account, signer, word

BODY = Transaction(
    version=1,
    chain_id=word("chain"),
    account=account("alice"),
    key=None,
    nonce=0,
    valid_until=1_000,
    gas_limit=5_000,
    sponsor=None,
    actions=(Transfer(MONEY, account("bob"), 5), Call(word("box"), "put", (1, b"x", [True]), 3)),
    client_ref=bytes(16),
)
SPONSORED = replace(BODY, sponsor=account("bob"))


@pytest.mark.parametrize(("body", "sponsor"), [(BODY, None), (SPONSORED, signer("bob"))])
def test_signed_bytes_are_read_with_their_ids(body: Transaction, sponsor: object) -> None:
    data = sign_transaction(body, signer("alice"), sponsor)  # type: ignore[arg-type]

    tx = read_transaction(data)

    signed = [(account("alice"), signing_bytes(body)), (account("bob"), sponsor_bytes(body))]
    assert (tx.tx_id, tx.data, tx.body.actions[0]) == (tx_id(body), data, body.actions[0])
    assert [one[:2] for one in tx.signatures()] == signed[: 1 + (sponsor is not None)]
    check_signatures(tx)


def test_what_a_sponsor_signed_is_never_good_as_a_senders() -> None:
    # Bob co-signs what Alice asked of him; she puts the signature where his own would stand.
    bob, shop = signer("bob"), replace(SPONSORED, account=account("bob"))
    given = read_transaction(sign_transaction(shop, signer("alice"), bob)).cosignature
    assert given is not None
    forged = encode(SignedTransaction(shop, given.signature, given))

    with pytest.raises(BadSignatureError, match=account("bob").hex()):
        check_signatures(read_transaction(forged))


def test_what_a_sender_signed_is_never_good_as_a_sponsors() -> None:
    alice = signer("alice")
    body = replace(SPONSORED, sponsor=account("alice"))
    own = alice.sign(signing_bytes(body))
    forged = encode(SignedTransaction(body, own, Cosignature(alice.public_key, own)))

    with pytest.raises(BadSignatureError):
        check_signatures(read_transaction(forged))


def test_a_resigned_body_keeps_its_id_and_gets_another_witness_id() -> None:
    first = read_transaction(sign_transaction(SPONSORED, signer("alice"), signer("bob")))
    second = read_transaction(sign_transaction(SPONSORED, signer("alice"), signer("carol")))

    same = (first.tx_id == second.tx_id, first.witness_id == second.witness_id)

    assert same == (True, False)


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_no_changed_byte_is_still_signed(place: int, change: int) -> None:
    data = bytearray(sign_transaction(SPONSORED, signer("alice"), signer("bob")))
    data[place % len(data)] ^= change

    with pytest.raises((MalformedBytesError, BadSignatureError)):
        check_signatures(read_transaction(bytes(data)))


def test_too_many_bytes_are_refused_before_they_are_read() -> None:
    with pytest.raises(MalformedBytesError, match=str(TX_BYTES_MAX)):
        read_transaction(bytes(TX_BYTES_MAX + 1))


def test_ids_of_different_things_differ() -> None:
    ids = [
        call_id(word("x"), 0),
        call_id(word("x"), 1),
        instance_id(word("x"), 0),
        event_receipt_id(0, 1, 2),
        event_receipt_id(1, 1, 2),
        event_receipt_id(0, 2, 1),
    ]

    assert len(set(ids)) == len(ids)
