"""Statements: fresh, signed for one deed on one node, used once, not too often."""

from dataclasses import replace

import pytest

from chain.accounts import add_key, remove_key
from chain.crypto import Signer
from chain.errors import BadSignatureError, ExpiredError, KeyScopeError, NonceUsedError
from chain.state import State
from chain.transaction import AccountKey, Scope
from chain.types import MINUTE_MS
from node.vault.errors import BusyError
from node.vault.statements import (
    ACCOUNTS_MAX,
    LIFE_MS,
    REMEMBERED_MAX,
    Deal,
    Deed,
    Doorkeeper,
    Statement,
    sign_statement,
)
from tests.contracts.standard.setting import MemoryLedger

ALICE, OTHER = Signer(b"a" * 32), Signer(b"o" * 32)
WHERE = (b"c" * 32, b"n" * 32)
NOW = 1_800_000_000_000
DEAL = Deal(Deed.READ, b"b" * 32, 3)


def door(per_minute: int = 100, started_ms: int = 0) -> Doorkeeper:
    return Doorkeeper(*WHERE, started_ms, per_minute)


def said(at_ms: int = NOW, nonce: bytes = bytes(16), deal: Deal = DEAL) -> Statement:
    return sign_statement(ALICE, ALICE.public_key, WHERE, deal, (at_ms, nonce))


@pytest.fixture
def state() -> State:
    return State(MemoryLedger({}, {}))


def test_a_fresh_statement_of_the_accounts_key_is_good(state: State) -> None:
    door().verify(said(), DEAL, state, NOW)


@pytest.mark.parametrize(
    "deal",
    [
        Deal(Deed.ERASE, b"b" * 32, 3),
        Deal(Deed.READ, b"x" * 32, 3),
        Deal(Deed.READ, b"b" * 32, 4),
        Deal(Deed.READ, b"b" * 32, 3, b"d" * 32),
    ],
)
def test_it_is_good_for_no_other_deed_blob_purpose_or_content(state: State, deal: Deal) -> None:
    with pytest.raises(BadSignatureError):
        door().verify(said(), deal, state, NOW)


@pytest.mark.parametrize("where", [(b"x" * 32, WHERE[1]), (WHERE[0], b"x" * 32)])
def test_it_is_good_on_no_other_chain_or_node(state: State, where: tuple[bytes, bytes]) -> None:
    with pytest.raises(BadSignatureError):
        Doorkeeper(*where, 0, 100).verify(said(), DEAL, state, NOW)


@pytest.mark.parametrize("late", [-LIFE_MS - 1, LIFE_MS + 1])
def test_it_is_good_for_two_minutes(state: State, late: int) -> None:
    door().verify(said(), DEAL, state, NOW + LIFE_MS)
    door().verify(said(), DEAL, state, NOW - LIFE_MS)

    with pytest.raises(ExpiredError):
        door().verify(said(), DEAL, state, NOW + late)


def test_nothing_from_before_the_start_is_good_since_its_use_is_forgotten(state: State) -> None:
    with pytest.raises(ExpiredError):
        door(started_ms=NOW + 1).verify(said(), DEAL, state, NOW + 1)


def test_another_account_or_key_can_not_be_claimed(state: State) -> None:
    for changed in (
        replace(said(), account=OTHER.public_key),
        replace(said(), key=OTHER.public_key),
        replace(said(), nonce=b"x" * 16),
    ):
        with pytest.raises(BadSignatureError):
            door().verify(changed, DEAL, state, NOW)
    claimed = sign_statement(OTHER, ALICE.public_key, WHERE, DEAL, (NOW, bytes(16)))
    with pytest.raises(KeyScopeError):
        door().verify(claimed, DEAL, state, NOW)


def test_a_key_with_bounds_or_without_its_place_speaks_for_nobody(state: State) -> None:
    scopes = (Scope(b"k" * 32, ()),)
    add_key(state, ALICE.public_key, AccountKey(OTHER.public_key, scopes, (), None))
    limited = sign_statement(OTHER, ALICE.public_key, WHERE, DEAL, (NOW, bytes(16)))

    with pytest.raises(KeyScopeError):
        door().verify(limited, DEAL, state, NOW)
    full = Signer(b"f" * 32)
    add_key(state, ALICE.public_key, AccountKey(full.public_key, None, (), None))
    remove_key(state, ALICE.public_key, ALICE.public_key)
    with pytest.raises(KeyScopeError):
        door().verify(said(), DEAL, state, NOW)
    fresh = sign_statement(full, ALICE.public_key, WHERE, DEAL, (NOW, bytes(16)))
    door().verify(fresh, DEAL, state, NOW)


def test_it_is_used_once_as_long_as_it_is_good() -> None:
    keeper = door()
    keeper.admit(said(), NOW)

    for later in (0, 2 * LIFE_MS):
        with pytest.raises(NonceUsedError):
            keeper.admit(said(), NOW + later)
    keeper.admit(said(nonce=b"x" * 16), NOW)


def test_what_is_over_is_forgotten() -> None:
    keeper = door(per_minute=10)
    for minute in range(50):
        now = NOW + minute * MINUTE_MS
        keeper.admit(said(now, minute.to_bytes(16, "big")), now)

    assert len(keeper._used) <= 6


def test_an_account_asks_so_often_a_minute_and_others_are_not_in_its_way() -> None:
    keeper = door(per_minute=2)
    for number in range(2):
        keeper.admit(said(nonce=bytes([number]) * 16), NOW + number)

    with pytest.raises(BusyError) as caught:
        keeper.admit(said(nonce=b"x" * 16), NOW + 10)
    other = sign_statement(OTHER, OTHER.public_key, WHERE, DEAL, (NOW, bytes(16)))
    keeper.admit(other, NOW + 10)
    keeper.admit(said(nonce=b"x" * 16), NOW + MINUTE_MS)

    assert caught.value.retry_after_ms == MINUTE_MS - 10


def test_memory_is_bounded() -> None:
    keeper = door(per_minute=1)
    for number in range(ACCOUNTS_MAX + 10):
        account = number.to_bytes(32, "big")
        keeper.admit(Statement(account, account, NOW, bytes(16), b""), NOW)

    assert len(keeper._recent) == ACCOUNTS_MAX
    keeper._used.update(
        ((bytes(32), number.to_bytes(16, "big")), NOW) for number in range(REMEMBERED_MAX)
    )
    with pytest.raises(BusyError):
        keeper.admit(said(), NOW)
