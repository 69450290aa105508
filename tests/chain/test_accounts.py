"""Keys come and go, guardians bring a lost account back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.accounts import KEYS_MAX, Recovery, read_account, read_recovery
from chain.errors import KeyScopeError, LimitError, RoleError, WrongStateError
from chain.transaction import (
    AccountKey,
    AddKey,
    ApproveRecovery,
    CancelRecovery,
    FinishRecovery,
    RemoveKey,
    Scope,
    SetGuardians,
    SpendingLimit,
    Transfer,
)
from chain.types import HOUR_MS
from tests.make import MONEY, TestChain, account, genesis, signer, word

DELAY_MS = 72 * HOUR_MS
NEW = signer("alice's new phone")
ALICE = account("alice")
GUARDIANS = tuple(sorted(account(name) for name in ("bob", "olga", "rita")))


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    made = TestChain(tmp_path, genesis(roles={"rita": ("member",)}))
    yield made
    made.close()


def full(key: bytes) -> AccountKey:
    return AccountKey(key, None, (), None)


def test_an_account_begins_with_its_first_key(chain: TestChain) -> None:
    record = read_account(chain.state(), ALICE)

    assert (record.keys, record.guardians, record.threshold) == ((full(ALICE),), (), 0)


def test_a_key_is_rotated(chain: TestChain) -> None:
    chain.do("alice", AddKey(full(NEW.public_key)))
    chain.do("alice", RemoveKey(ALICE), by=NEW)

    old = chain.refusal("alice", Transfer(MONEY, account("bob"), 1))
    new = chain.do("alice", Transfer(MONEY, account("bob"), 1), by=NEW)

    assert read_account(chain.state(), ALICE).keys == (full(NEW.public_key),)
    assert (type(old), new.ok) == (KeyScopeError, True)


@pytest.mark.parametrize(
    "entry",
    [
        AccountKey(ALICE, (Scope(word("box"), ()),), (), None),
        AccountKey(ALICE, None, (), 2**50),
        AccountKey(ALICE, None, (SpendingLimit(MONEY, 5, 5),), None),
    ],
)
def test_the_last_full_key_is_not_made_less(chain: TestChain, entry: AccountKey) -> None:
    receipt = chain.do("alice", AddKey(entry))

    assert (receipt.ok, receipt.error) == (False, WrongStateError.code)


def test_the_last_full_key_stays_whatever_other_keys_there_are(chain: TestChain) -> None:
    chain.do("alice", AddKey(AccountKey(NEW.public_key, None, (), chain.now + HOUR_MS)))

    receipts = [chain.do("alice", RemoveKey(key)) for key in (ALICE, word("unknown"))]

    assert [(one.ok, one.error) for one in receipts] == [(False, WrongStateError.code)] * 2


def test_an_account_has_so_many_keys_and_no_more(chain: TestChain) -> None:
    keys = [AddKey(full(word(f"key {number}"))) for number in range(KEYS_MAX)]

    receipts = [chain.do("alice", *keys[first : first + 16]) for first in (0, 16)]
    chain.do("alice", *keys[16:31])
    last = chain.do("alice", keys[31])
    again = chain.do("alice", keys[30])

    assert [(one.ok, one.error) for one in (*receipts, last, again)] == [
        (True, 0), (False, LimitError.code), (False, LimitError.code), (True, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("guardians", "threshold"),
    [
        ((account("bob"),), 0),
        ((account("bob"),), 2),
        ((ALICE,), 1),
        ((account("bob"),) * 2, 1),
        ((), 1),
    ],
)
def test_guardians_that_make_no_sense_are_refused(
    chain: TestChain, guardians: tuple[bytes, ...], threshold: int
) -> None:
    receipt = chain.do("alice", SetGuardians(guardians, threshold))

    assert (receipt.ok, receipt.error) == (False, WrongStateError.code)


def approve(chain: TestChain, *names: str, key: bytes = NEW.public_key) -> list[int]:
    return [chain.do(name, ApproveRecovery(ALICE, key)).error for name in names]


def test_two_of_three_guardians_give_a_new_key_after_three_days(chain: TestChain) -> None:
    chain.do("alice", SetGuardians(GUARDIANS, 2))

    first = approve(chain, "bob", "bob")
    waiting = read_recovery(chain.state(), ALICE)
    second = approve(chain, "olga")
    ready_at = chain.now + DELAY_MS
    early = chain.do("bob", FinishRecovery(ALICE), at=ready_at - 1)
    stranger = chain.do("alice", FinishRecovery(ALICE))
    late = chain.do("rita", FinishRecovery(ALICE))

    assert (first, second) == ([0, 0], [0])
    assert waiting == Recovery(NEW.public_key, (account("bob"),), None)
    assert [early.error, stranger.error, late.error] == [WrongStateError.code, RoleError.code, 0]
    assert read_account(chain.state(), ALICE).keys == (full(NEW.public_key),)
    assert read_recovery(chain.state(), ALICE) is None


def test_the_old_key_cancels_a_recovery(chain: TestChain) -> None:
    chain.do("alice", SetGuardians(GUARDIANS, 1))
    approve(chain, "bob")

    cancelled = chain.do("alice", CancelRecovery())
    again = chain.do("alice", CancelRecovery())
    finished = chain.do("bob", FinishRecovery(ALICE), at=chain.now + DELAY_MS)

    assert [one.error for one in (cancelled, again, finished)] == [0, 3004, 3004]
    assert read_account(chain.state(), ALICE).keys == (full(ALICE),)


def test_a_recovery_that_waits_takes_no_other_key(chain: TestChain) -> None:
    chain.do("alice", SetGuardians(GUARDIANS, 1))
    approve(chain, "bob")

    errors = approve(chain, "olga", key=word("thief")) + approve(chain, "alice")

    assert errors == [WrongStateError.code, RoleError.code]


def test_new_guardians_end_a_recovery_of_the_old_ones(chain: TestChain) -> None:
    chain.do("alice", SetGuardians(GUARDIANS, 1))
    approve(chain, "bob")

    chain.do("alice", SetGuardians(GUARDIANS, 2))

    assert read_recovery(chain.state(), ALICE) is None


def test_an_accounts_record_stays_small_enough_to_be_read_by_every_transaction(
    chain: TestChain,
) -> None:
    names = tuple(f"{number:048d}" for number in range(32))
    scopes = tuple(Scope(word(f"contract {number}"), names) for number in range(6))
    before = read_account(chain.state(), account("alice"))

    receipt = chain.do("alice", AddKey(AccountKey(word("phone"), scopes, (), None)))

    assert (receipt.ok, receipt.error) == (False, LimitError.code)
    assert read_account(chain.state(), account("alice")) == before
