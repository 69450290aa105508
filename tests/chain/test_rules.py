"""Who may send what: form, replay, sponsors, allowance, keys; each refusal by its type."""

from dataclasses import replace
from pathlib import Path

import pytest

from chain.errors import (
    BadSignatureError,
    ExpiredError,
    KeyScopeError,
    LimitError,
    MalformedBytesError,
    NonceUsedError,
    SponsorQuotaError,
    SponsorRequiredError,
    TooLargeError,
    TooLongValidError,
    WrongChainError,
)
from chain.rules import check_signatures
from chain.transaction import (
    AccountKey,
    AddKey,
    Admit,
    Call,
    RemoveKey,
    Scope,
    SetGuardians,
    SpendingLimit,
    Transfer,
    read_transaction,
    sign_transaction,
)
from chain.types import DAY_MS, HOUR_MS
from contracts.execution import BlockFullError
from tests.make import MONEY, START_MS, TestChain, account, genesis, signer, word

GIFT = Transfer(MONEY, account("bob"), 1)
SMALL = 10_000  # gas, so that the allowance's share of a block is no matter


def test_a_transaction_is_good_once(chain: TestChain) -> None:
    tx = chain.sign("alice", GIFT)
    twice = chain.build(tx, tx)
    chain.run(tx)
    again = chain.build(tx)

    errors = [type(one[1]) for one in (*twice.refused, *again.refused)]

    assert errors == [NonceUsedError, NonceUsedError]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"version": 2}, MalformedBytesError),
        ({"chain_id": bytes(32)}, WrongChainError),
        ({"valid_until": 1}, ExpiredError),
        ({"gas_limit": 500_001}, TooLargeError),
        ({"gas_limit": 1_000}, TooLargeError),
        ({"actions": ()}, MalformedBytesError),
    ],
)
def test_a_form_that_does_not_fit_is_refused(
    chain: TestChain, changes: dict[str, object], error: type[Exception]
) -> None:
    assert type(chain.refusal("alice", GIFT, **changes)) is error


def test_a_named_sponsor_must_co_sign(chain: TestChain) -> None:
    body = chain.body("sam", GIFT, sponsor=account("bob"))

    executed = chain.build(read_transaction(sign_transaction(body, signer("sam"))))

    assert [type(error) for _, error in executed.refused] == [MalformedBytesError]


def test_a_transaction_is_good_below_its_time_and_not_at_it(chain: TestChain) -> None:
    tx = chain.sign("alice", GIFT, valid_until=chain.now + 5_000)

    at_it = chain.build(tx, at=chain.now + 5_000)
    below = chain.build(tx, at=chain.now + 4_999)

    assert [type(error) for _, error in at_it.refused] == [ExpiredError]
    assert below.refused == ()


def test_a_transaction_is_good_for_a_day_at_most(chain: TestChain) -> None:
    time = chain.now + 1_000
    longest = chain.sign("alice", GIFT, valid_until=time + DAY_MS)
    longer = chain.sign("alice", GIFT, valid_until=time + DAY_MS + 1)

    executed = chain.build(longest, longer)

    assert [type(error) for _, error in executed.refused] == [TooLongValidError]


def test_a_signature_of_somebody_else_is_refused(chain: TestChain) -> None:
    data = sign_transaction(chain.body("alice", GIFT), signer("bob"))

    executed = chain.build(read_transaction(data))

    assert [type(error) for _, error in executed.refused] == [BadSignatureError]


def test_signatures_name_the_transaction_and_the_key(chain: TestChain) -> None:
    data = sign_transaction(chain.body("alice", GIFT), signer("bob"))

    with pytest.raises(BadSignatureError, match=account("alice").hex()):
        check_signatures(read_transaction(data))


def test_a_stranger_needs_a_sponsor(chain: TestChain) -> None:
    assert type(chain.refusal("sam", GIFT)) is SponsorRequiredError


@pytest.mark.parametrize("sponsor", ["alice", "olga", "rita"])
def test_members_and_operators_sponsor(tmp_path: Path, sponsor: str) -> None:
    chain = TestChain(tmp_path, genesis(roles={"rita": ("operator",)}))

    receipt = chain.do("sam", GIFT, sponsor=signer(sponsor))
    chain.close()

    assert receipt.ok


def test_a_stranger_sponsors_nobody(chain: TestChain) -> None:
    assert type(chain.refusal("alice", GIFT, sponsor=signer("sam"))) is SponsorRequiredError


def test_a_sponsor_has_a_quota_a_day_that_begins_at_midnight_utc(tmp_path: Path) -> None:
    chain = TestChain(tmp_path, genesis(params={"sponsor_daily_max": 2}))
    bob = signer("bob")

    chain.do("sam", GIFT, sponsor=bob, at=chain.now + DAY_MS - 2)
    today = [chain.sign("sam", GIFT, sponsor=bob) for _ in range(3)]
    before = chain.run(*today[:2], at=chain.now + 1)
    after = chain.run(today[1], at=chain.now + 1)
    chain.close()

    assert [type(error) for _, error in before.refused] == [SponsorQuotaError]
    assert after.refused == ()


def test_a_failed_transaction_uses_its_nonce_and_its_sponsors_quota(tmp_path: Path) -> None:
    chain = TestChain(tmp_path, genesis(params={"sponsor_daily_max": 1}))
    poor = Transfer(MONEY, account("bob"), 10**9)

    first = chain.do("sam", poor, sponsor=signer("bob"))
    second = chain.refusal("sam", GIFT, sponsor=signer("bob"))
    chain.close()

    assert (first.ok, first.error, type(second)) == (False, 2001, SponsorQuotaError)


# The allowance of a pot's fallback owner ------------------------------------------------------


def with_pots(chain: TestChain, count: int = 1) -> bytes:
    """Open pots of alice's that fall back to sam."""
    box = chain.deploy()
    for number in range(count):
        until = chain.now + 30 * DAY_MS
        receipt = chain.call(
            "alice", box, "put", word(f"pot {number}"), until, account("sam"), funds=100
        )
        assert receipt.ok
    return box


def close(box: bytes, number: int = 0) -> Call:
    return Call(box, "close", (word(f"pot {number}"), account("alice")), 0)


def test_the_owner_of_an_open_pot_calls_its_contract_five_times_a_day(chain: TestChain) -> None:
    box = with_pots(chain)
    touch = Call(box, "read_clock", (), 0)

    today = chain.run(*[chain.sign("sam", touch, gas_limit=SMALL) for _ in range(6)])
    midnight = START_MS + DAY_MS
    tomorrow = chain.run(chain.sign("sam", touch, valid_until=midnight + 1), at=midnight)

    assert [type(error) for _, error in today.refused] == [SponsorQuotaError]
    assert tomorrow.refused == ()


@pytest.mark.parametrize(
    "actions", [(GIFT,), (Call(word("other"), "f", (), 0),), (Admit(account("sam")),)]
)
def test_the_allowance_is_for_calls_of_that_contract_only(
    chain: TestChain, actions: tuple[Call, ...]
) -> None:
    box = with_pots(chain)
    touch = Call(box, "read_clock", (), 0)

    errors = [type(chain.refusal("sam", *actions)), type(chain.refusal("sam", touch, *actions))]

    assert errors == [SponsorRequiredError, SponsorRequiredError]


def test_the_allowance_ends_with_the_pot(chain: TestChain) -> None:
    box = with_pots(chain)

    closing = chain.do("sam", close(box))
    after = chain.refusal("sam", close(box))

    assert (closing.ok, type(after)) == (True, SponsorRequiredError)


def test_a_pot_opened_anew_does_not_renew_the_calls_of_the_day(chain: TestChain) -> None:
    box = with_pots(chain)
    until = chain.now + 20 * DAY_MS
    again = Call(box, "put", (word("pot 0"), until, account("sam")), 1)

    executed = chain.run(*[chain.sign("sam", close(box), again, gas_limit=SMALL) for _ in range(7)])

    assert [type(error) for _, error in executed.refused] == [SponsorQuotaError] * 2


def test_a_pot_allows_its_calls_in_all_and_a_new_one_brings_its_own(tmp_path: Path) -> None:
    chain = TestChain(tmp_path, genesis(params={"allowance_daily_max": 99, "allowance_pot_max": 2}))
    box = with_pots(chain, 2)
    touch = Call(box, "read_clock", (), 0)

    spent = chain.run(*[chain.sign("sam", touch, gas_limit=SMALL) for _ in range(5)])
    chain.call("olga", box, "close", word("pot 0"), account("alice"))
    chain.call("alice", box, "put", word("pot 0"), chain.now + DAY_MS, account("sam"), funds=1)
    renewed = chain.run(*[chain.sign("sam", touch, gas_limit=SMALL) for _ in range(3)])
    chain.close()

    assert [type(error) for _, error in spent.refused] == [SponsorQuotaError]
    assert [type(error) for _, error in renewed.refused] == [SponsorQuotaError]


def test_allowance_calls_get_a_tenth_of_a_blocks_gas(tmp_path: Path) -> None:
    chain = TestChain(tmp_path, genesis(params={"block_gas_max": 1_000_000}))
    box = with_pots(chain)
    touch = Call(box, "read_clock", (), 0)

    executed = chain.build(*[chain.sign("sam", touch, gas_limit=40_000) for _ in range(3)])
    chain.close()

    assert [type(error) for _, error in executed.refused] == [BlockFullError]


# Keys -----------------------------------------------------------------------------------------

PHONE = signer("alice's phone")


def key(**changes: object) -> AccountKey:
    return replace(AccountKey(PHONE.public_key, None, (), None), **changes)  # type: ignore[arg-type]


def test_an_unknown_key_is_refused(chain: TestChain) -> None:
    before = chain.refusal("alice", GIFT, by=PHONE)
    chain.do("alice", SetGuardians((account("bob"),), 1))
    after = chain.refusal("alice", GIFT, by=PHONE)

    assert [type(before), type(after)] == [KeyScopeError, KeyScopeError]


def test_a_scoped_key_signs_the_listed_calls_and_nothing_else(chain: TestChain) -> None:
    box, other = chain.deploy(), chain.deploy()
    scope = Scope(box, ("read_clock",)), Scope(other, ())
    assert chain.do("alice", AddKey(key(scopes=scope))).ok

    tried = {
        "listed": chain.sign("alice", Call(box, "read_clock", (), 0), by=PHONE),
        "all of another": chain.sign("alice", Call(other, "set_broken", (0,), 0), by=PHONE),
        "unlisted": chain.sign("alice", Call(box, "set_broken", (0,), 0), by=PHONE),
        "one bad of two": chain.sign("alice", Call(box, "read_clock", (), 0), GIFT, by=PHONE),
        "transfer": chain.sign("alice", GIFT, by=PHONE),
        "keys": chain.sign("alice", RemoveKey(account("alice")), by=PHONE),
    }
    refused = dict(chain.build(*tried.values()).refused)

    names = [
        name for name, tx in tried.items() if isinstance(refused.get(tx.witness_id), KeyScopeError)
    ]
    assert names == ["unlisted", "one bad of two", "transfer", "keys"]


def test_a_scoped_key_without_a_limit_moves_no_money(chain: TestChain) -> None:
    box = chain.deploy()
    assert chain.do("alice", AddKey(key(scopes=(Scope(box, ()),)))).ok
    call = Call(box, "put", (word("x"), chain.now + DAY_MS, account("alice")), 1)

    receipt = chain.do("alice", call, by=PHONE)

    assert (receipt.ok, receipt.error) == (False, LimitError.code)


def test_a_limit_is_counted_over_transfers_and_calls_and_renews_with_its_window(
    chain: TestChain,
) -> None:
    box = chain.deploy()
    limit = SpendingLimit(MONEY, 100, HOUR_MS)
    assert chain.do("alice", AddKey(key(limits=(limit,)))).ok
    start = chain.now + 1_000
    put = Call(box, "put", (word("x"), start + DAY_MS, account("alice")), 60)
    gift = Transfer(MONEY, account("bob"), 40)

    receipts = [
        chain.do("alice", put, by=PHONE, at=start),
        chain.do("alice", gift, by=PHONE),
        chain.do("alice", GIFT, by=PHONE),
        chain.do("alice", GIFT, by=PHONE, at=start + HOUR_MS - 1),
        chain.do("alice", GIFT, by=PHONE, at=start + HOUR_MS),
    ]

    assert [(one.ok, one.error) for one in receipts] == [
        (True, 0), (True, 0), (False, 2004), (False, 2004), (True, 0),
    ]  # fmt: skip


def test_a_key_is_good_until_it_expires(chain: TestChain) -> None:
    end = chain.now + HOUR_MS
    assert chain.do("alice", AddKey(key(expires_at=end))).ok

    tx = chain.sign("alice", GIFT, by=PHONE, valid_until=end + 10)
    before, after = chain.build(tx, at=end - 1), chain.build(tx, at=end)

    assert (before.refused, [type(error) for _, error in after.refused]) == ((), [KeyScopeError])


@pytest.mark.parametrize(
    "bound", [{"expires_at": 2**50}, {"limits": (SpendingLimit(MONEY, 5, HOUR_MS),)}]
)
def test_a_key_with_any_bound_can_not_make_keys_without_one(
    chain: TestChain, bound: dict[str, object]
) -> None:
    assert chain.do("alice", AddKey(key(**bound))).ok

    actions = AddKey(key()), RemoveKey(account("alice")), SetGuardians((account("bob"),), 1)
    errors = [type(chain.refusal("alice", action, by=PHONE)) for action in actions]

    assert errors == [KeyScopeError] * 3


def test_a_removed_key_comes_back_with_its_used_nonces(chain: TestChain) -> None:
    assert chain.do("alice", AddKey(key())).ok
    tx = chain.sign("alice", GIFT, by=PHONE, valid_until=chain.now + HOUR_MS)
    chain.run(tx)

    chain.do("alice", RemoveKey(PHONE.public_key))
    removed = chain.build(tx)
    chain.do("alice", AddKey(key()))
    back = chain.build(tx)

    errors = [type(error) for one in (removed, back) for _, error in one.refused]
    assert errors == [KeyScopeError, NonceUsedError]


def test_a_sponsors_limited_key_sponsors_what_it_may_sign(chain: TestChain) -> None:
    box = chain.deploy()
    assert chain.do("alice", AddKey(key(scopes=(Scope(box, ("read_clock",)),)))).ok

    def sponsored(action: Call | Transfer) -> Exception | None:
        body = chain.body("sam", action, sponsor=account("alice"))
        tx = read_transaction(sign_transaction(body, signer("sam"), PHONE))
        refused = chain.build(tx).refused
        return refused[0][1] if refused else None

    answers = sponsored(Call(box, "read_clock", (), 0)), type(sponsored(GIFT))

    assert answers == (None, KeyScopeError)
