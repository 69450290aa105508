"""Assets: who may make, take, move and hold them; and that money is neither made nor lost."""

import pytest

from chain import ledger as ledger_module
from chain.errors import (
    InsufficientFundsError,
    LimitError,
    NotIssuerError,
    TransferNotAllowedError,
    UnknownIdError,
    WrongStateError,
)
from chain.ledger import Policy, audit_changes, credit, get_supply
from chain.state import State
from chain.transaction import (
    Action,
    AllowContracts,
    Burn,
    Call,
    IssueAsset,
    Mint,
    Transfer,
    asset_id,
)
from chain.types import DAY_MS, SAFE_INT_MAX
from contracts.execution import MoneyError
from tests.make import MONEY, RICH, TestChain, account, memory_state, word

ALICE, BOB, SAM, OLGA = (account(name) for name in ("alice", "bob", "sam", "olga"))
COIN = asset_id(ALICE, "COIN")


def issue(policy: Policy, contracts: tuple[bytes, ...] = ()) -> IssueAsset:
    return IssueAsset("COIN", 2, policy, None, contracts)


@pytest.mark.parametrize(
    ("name", "action", "code"),
    [
        ("alice", Transfer(MONEY, BOB, RICH), 0),
        ("alice", Transfer(MONEY, ALICE, RICH), 0),
        ("alice", Transfer(MONEY, BOB, 0), 0),
        ("alice", Transfer(MONEY, BOB, RICH + 1), InsufficientFundsError.code),
        ("alice", Transfer(word("no asset"), BOB, 1), UnknownIdError.code),
        ("alice", Mint(MONEY, ALICE, 1), NotIssuerError.code),
        ("alice", Burn(MONEY, 1), NotIssuerError.code),
        ("alice", AllowContracts(MONEY, ()), NotIssuerError.code),
        ("olga", Burn(MONEY, RICH + 1), InsufficientFundsError.code),
        ("olga", Mint(MONEY, ALICE, SAFE_INT_MAX - 4 * RICH), 0),
        ("olga", Mint(MONEY, ALICE, SAFE_INT_MAX - 4 * RICH + 1), LimitError.code),
    ],
)
def test_each_action_of_money_does_or_refuses(
    chain: TestChain, name: str, action: Action, code: int
) -> None:
    receipt = chain.do(name, action)

    assert (receipt.ok, receipt.error) == (code == 0, code)


def test_minting_and_burning_change_the_supply(chain: TestChain) -> None:
    chain.do("olga", Mint(MONEY, BOB, 500))
    chain.do("olga", Burn(MONEY, 200))

    state = chain.state()
    assert get_supply(state, MONEY) == 4 * RICH + 300
    assert (chain.balance("bob"), chain.balance("olga")) == (RICH + 500, RICH - 200)


def test_a_symbol_is_issued_once_by_an_account(chain: TestChain) -> None:
    codes = [chain.do(name, issue(Policy.OPEN)).error for name in ("alice", "alice", "bob")]

    assert codes == [0, WrongStateError.code, 0]


@pytest.mark.parametrize(
    ("symbol", "code"),
    [("w-1.0_B", 0), *((text, WrongStateError.code) for text in ("", "CNY\n", "\u202eYNC", "СNY"))],  # noqa: RUF001 - that is the point
)
def test_no_symbol_looks_like_another_or_breaks_a_line(
    chain: TestChain, symbol: str, code: int
) -> None:
    receipt = chain.do("alice", IssueAsset(symbol, 2, Policy.OPEN, None, ()))

    assert receipt.error == code


def test_an_asset_may_have_another_issuer_than_its_creator(chain: TestChain) -> None:
    chain.do("alice", IssueAsset("COIN", 0, Policy.OPEN, BOB, ()))

    codes = [chain.do(name, Mint(COIN, SAM, 5)).error for name in ("alice", "bob")]

    assert (codes, chain.balance("sam", COIN)) == ([NotIssuerError.code, 0], 5)


@pytest.mark.parametrize(
    ("policy", "codes"),
    [
        (Policy.OPEN, [0, 0, 0]),
        (Policy.TO_MEMBERS, [0, 2005, 0]),
        (Policy.CONTRACTS_ONLY, [2005, 2005, 0]),
    ],
)
def test_a_policy_says_who_receives_a_transfer(
    chain: TestChain, policy: Policy, codes: list[int]
) -> None:
    chain.do("alice", issue(policy), Mint(COIN, BOB, 100), Transfer(MONEY, BOB, 1))

    receivers = OLGA, SAM, ALICE  # a member, a stranger, the issuer
    found = [chain.do("bob", Transfer(COIN, to, 10)).error for to in receivers]

    assert found == codes


def test_only_allowed_contracts_take_a_contracts_only_asset_but_their_pots_always_pay(
    chain: TestChain,
) -> None:
    chain.do("alice", issue(Policy.CONTRACTS_ONLY), Mint(COIN, BOB, 100))
    box, until = chain.deploy(assets=(COIN,)), chain.now + DAY_MS
    put = Call(box, "put", (word("x"), until, BOB), 40)

    refused = chain.do("bob", put)
    chain.do("alice", AllowContracts(COIN, (box,)))
    taken = chain.do("bob", put)
    chain.do("alice", AllowContracts(COIN, ()))
    more = chain.call("bob", box, "add", word("x"), funds=1)
    paid = chain.call("bob", box, "pay", word("x"), SAM, 15)
    chain.idle(until + 1)

    assert [one.error for one in (refused, taken, more, paid)] == [2005, 0, 2005, 0]
    assert (chain.balance("sam", COIN), chain.balance("bob", COIN)) == (15, 85)


def test_actions_are_all_or_nothing(chain: TestChain) -> None:
    receipt = chain.do(
        "alice", Transfer(MONEY, BOB, 5), Transfer(MONEY, SAM, 5), Transfer(MONEY, SAM, RICH)
    )

    assert (receipt.ok, receipt.error, receipt.events) == (False, InsufficientFundsError.code, ())
    assert [chain.balance(name) for name in ("alice", "bob", "sam")] == [RICH] * 3
    assert TransferNotAllowedError.code == 2005


def test_money_out_of_nothing_stops_the_node(
    chain: TestChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def generous(state: State, to: bytes, asset: bytes, amount: int) -> None:
        credit(state, to, asset, amount + 1)

    monkeypatch.setattr(ledger_module, "credit", generous)
    tx = chain.sign("alice", Transfer(MONEY, BOB, 5))

    with pytest.raises(MoneyError, match="money was made or lost"):
        chain.build(tx)


def test_the_audit_reads_bytes_of_balances_pots_and_supplies() -> None:
    state = memory_state()

    credit(state, ALICE, MONEY, 7)
    credit(state, BOB, MONEY, 5)
    credit(state, BOB, COIN, 1)

    assert audit_changes(state) == {MONEY: (12, 0), COIN: (1, 0)}
