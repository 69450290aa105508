"""A chain whose money begins with a key and is handed to the contract by the operators."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.changes import InstallContract, SetIssuer
from chain.errors import NotIssuerError
from chain.ledger import get_supply
from chain.transaction import Burn, Call, Deploy, Mint, Propose, instance_id
from contracts.vm.traps import TrapKind
from node.catalog import container_bytes
from tests.contracts.standard.money_world import CUSTODY, DAILY, LIMIT, PAYEE, RULES, receipt
from tests.make import MONEY, RICH, TestChain, account

NUMBERS = (
    RULES["two"], RULES["working_days"], RULES["week"], RULES["zone"], RULES["every"],
    RULES["least"],
)  # fmt: skip


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    made = TestChain(tmp_path / "chain")
    yield made
    made.close()


def test_the_key_issues_until_the_contract_does_and_never_again(chain: TestChain) -> None:
    bank, supply = account("bob"), get_supply(chain.state(), MONEY)
    tx = chain.sign(
        "olga", Deploy(container_bytes("money"), (MONEY,), (), NUMBERS), gas_limit=300_000
    )
    chain.run(tx)
    money = instance_id(tx.tx_id, 0)

    def call(name: str, function: str, *arguments: object, funds: int = 0) -> tuple[bool, int]:
        done = chain.do(name, Call(money, function, arguments, funds))
        return done.ok, done.trap or done.error

    assert chain.do("olga", Propose(InstallContract("money", money))).ok
    steps = [
        call("olga", "register", bank, CUSTODY, LIMIT, DAILY),
        call("bob", "attest", 1, 0, 0, receipt("statement")),
        call("bob", "issue", account("sam"), 500, receipt(1)),  # not its issuer yet
        (chain.do("olga", Mint(MONEY, account("sam"), 7)).ok, 0),
        (chain.do("olga", Propose(SetIssuer(MONEY, money))).ok, 0),
        (False, chain.do("olga", Mint(MONEY, account("sam"), 7)).error),
        (False, chain.do("olga", Burn(MONEY, 7)).error),
        call("olga", "take_over", bank, supply + 8),
        call("olga", "take_over", bank, supply + 7),
        call("bob", "attest", 2, supply + 7, supply + 7, receipt("statement")),
        call("olga", "register", bank, CUSTODY, supply + 507, DAILY),
        call("bob", "issue", account("sam"), 500, receipt(1)),
        call("alice", "ask", bank, PAYEE, funds=RICH),
    ]

    good, no_issuer = (True, 0), (False, NotIssuerError.code)
    assert steps == [
        good, good, (False, TrapKind.ASSET), good, good, no_issuer, no_issuer,
        (False, TrapKind.REQUIRE), good, good, good, good, good,
    ]  # fmt: skip
    assert get_supply(chain.state(), MONEY) == supply + 507
    assert (chain.balance("sam"), chain.balance("alice")) == (RICH + 507, 0)
