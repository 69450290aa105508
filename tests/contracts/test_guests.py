"""What a contract that nobody installed may not do to everybody else's chain."""

import pytest

from chain.changes import GrantRole, SetParam
from chain.errors import WrongStateError
from chain.transaction import Propose
from chain.types import DAY_MS, MINUTE_MS
from contracts.vm.traps import TrapKind
from tests.make import BOX, TestChain, account, word

THREE_YEARS_MS = 3 * 365 * DAY_MS
ECHO = """
from wash import *

class Echo(Contract):
    rung: uint

    @action
    def begin(self, id: Hash, at: Time):
        schedule(self.ring, at=at, key=id)

    @timer
    def ring(self, id: Hash):
        self.rung = self.rung + 1
        schedule(self.ring, at=now(), key=id)
"""


@pytest.mark.parametrize("installed", [None, "box"])
def test_only_installed_contracts_hold_money_beyond_three_years(
    chain: TestChain, installed: str | None
) -> None:
    box = chain.deploy(BOX, installed=installed)
    far = chain.now + 2 * MINUTE_MS + THREE_YEARS_MS + DAY_MS

    kept = chain.call("olga", box, "put", word("a"), far, account("olga"), funds=5)
    near = chain.call("olga", box, "put", word("b"), far - 2 * DAY_MS, account("olga"), funds=5)

    assert (kept.ok, near.ok) == (installed is not None, True)
    assert kept.trap == (0 if installed else TrapKind.POT)


def test_a_guest_timer_can_not_set_itself_for_at_once(chain: TestChain) -> None:
    echo = chain.deploy(ECHO, assets=())
    chain.call("olga", echo, "begin", word("a"), chain.now + MINUTE_MS)

    receipts = chain.idle(chain.now + DAY_MS)

    assert [(one.ok, one.trap) for one in receipts] == [(False, TrapKind.TIMER)] * 2


def test_no_vote_makes_blocks_too_small_to_vote_again(chain: TestChain) -> None:
    changes = [
        SetParam("block_gas_max", 3_999),
        SetParam("transaction_gas_max", 3_999),
        SetParam("block_bytes_max", 65_535),
        SetParam("valid_for_max_ms", MINUTE_MS - 1),
    ]

    receipts = [chain.do("olga", Propose(change)) for change in changes]

    assert [one.error for one in receipts] == [WrongStateError.code] * 4


GATE = """
from wash import *

class Gate(Contract):
    passed: uint

    @action
    def come(self):
        require(has_role(caller(), INSTALLED), "not_installed")
        self.passed = self.passed + 1
"""
VISITOR = """
from wash import *

class Gates(Link):
    @action(gas=2_000)
    def come(self): ...

class Visitor(Contract):
    gate: Gates

    @action
    def go(self):
        self.gate.come()
"""


@pytest.mark.parametrize("installed", [None, "visitor"])
def test_a_contract_can_tell_those_that_the_operators_installed(
    chain: TestChain, installed: str | None
) -> None:
    gate = chain.deploy(GATE, assets=())
    visitor = chain.deploy(VISITOR, assets=(), links=(gate,), installed=installed)

    through = chain.call("olga", visitor, "go")
    alone = chain.call("olga", gate, "come")

    assert through.ok is (installed is not None)
    assert (alone.ok, alone.trap) == (False, TrapKind.REQUIRE)


def test_no_account_becomes_an_installed_contract_by_a_role(chain: TestChain) -> None:
    gate = chain.deploy(GATE, assets=())
    granted = chain.do("olga", Propose(GrantRole(account("olga"), 15)))

    assert (granted.ok, chain.call("olga", gate, "come").ok) == (True, False)
