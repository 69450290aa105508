"""Calls: how they fail, what they cost, what they tell."""

import pytest

from chain.errors import (
    MalformedBytesError,
    NonceUsedError,
    UnknownIdError,
)
from chain.executed import event_topic
from chain.receipt import Receipt
from chain.transaction import Call, Transfer
from chain.types import DAY_MS, HOUR_MS
from contracts.vm.traps import TrapKind
from tests.make import MONEY, RICH, TestChain, account, word

ALICE, BOB = account("alice"), account("bob")


def outcome(receipt: Receipt) -> tuple[bool, int, int]:
    return receipt.ok, receipt.trap, receipt.error


def test_calls_fail_in_the_machines_words(chain: TestChain) -> None:
    box, until_ms = chain.deploy(), chain.now + DAY_MS
    chain.call("alice", box, "put", word("x"), until_ms, ALICE, funds=10)

    found = [
        outcome(chain.call("alice", box, *call, funds=funds))
        for call, funds in (
            (("nothing",), 0),
            (("ring", word("x")), 0),  # a timer is nobody's to call
            (("count",), 0),  # a view neither
            (("pay", word("x"), BOB, 11), 0),
            (("pay", word("y"), BOB, 1), 0),
            (("pay", word("x"), BOB), 0),
            (("pay", word("x"), BOB, -1), 0),
            (("keep",), 5),
            (("read_clock",), 5),
            (("put", word("x"), until_ms, ALICE), 1),
            (("put", word("z"), chain.now, ALICE), 1),
            (("extend", word("x"), until_ms - 1), 0),
            (("extend", word("x"), until_ms + 91 * DAY_MS), 0),
            (("move", word("x"), word("x"), 1), 0),
        )
    ]

    missing, form = (False, 0, UnknownIdError.code), (False, 0, MalformedBytesError.code)
    pot, amount = (False, TrapKind.POT, 0), (False, TrapKind.AMOUNT, 0)
    assert found == [
        missing, missing, missing, amount, pot, form, form, (False, TrapKind.UNUSED_PAYMENT, 0),
        (False, 0, 3004), pot, pot, pot, pot, pot,
    ]  # fmt: skip
    assert chain.balance("alice") == RICH - 10


def test_a_failed_call_gives_the_money_back_and_says_nothing(chain: TestChain) -> None:
    box = chain.deploy()
    calls = Call(box, "chatter", (), 0), Call(box, "keep", (), 5)

    receipt = chain.do("alice", *calls)

    assert (outcome(receipt), receipt.events) == ((False, TrapKind.UNUSED_PAYMENT, 0), ())
    assert chain.balance("alice") == RICH


def test_gas_that_runs_out_is_used_up(chain: TestChain) -> None:
    box = chain.deploy()

    receipt = chain.call("alice", box, "chatter", gas_limit=1_700)

    assert (outcome(receipt), receipt.gas_used) == ((False, TrapKind.GAS, 0), 1_700)


CROWD = """
from wash import *

class Talker(Link):
    @action(gas=3_000)
    def chatter(self): ...

class Crowd(Contract):
    talker: Talker

    @action
    def talk(self):
        for i in range(0, 10):
            self.talker.chatter()
"""


@pytest.mark.parametrize(("times", "events"), [(6, 900), (7, 0)])
def test_a_receipt_holds_no_more_events_than_can_be_read_again(
    chain: TestChain, times: int, events: int
) -> None:
    crowd = chain.deploy(CROWD, assets=(), links=(chain.deploy(),))

    receipt = chain.do("alice", *[Call(crowd, "talk", (), 0)] * times, gas_limit=400_000)

    stored = chain.ledger.store.receipts(chain.ledger.height)
    assert (stored, len(receipt.events), receipt.ok) == ([receipt], events, events > 0)


def test_events_are_found_by_their_indexed_values(chain: TestChain) -> None:
    box = chain.deploy()
    chain.call("alice", box, "plan", word("bell"), chain.now + HOUR_MS)
    fired = chain.run(at=chain.now + HOUR_MS)

    found = [
        chain.ledger.store.find_events(event_topic(box, 0, 0, word(name)), (0, 0), 10)
        for name in ("bell", "other")
    ]

    ((_, number),) = [(one.id, place) for place, one in enumerate(fired.receipts)]
    assert found == [[(chain.ledger.height, number)], []]


def test_the_same_error_is_raised_for_the_same_bytes(chain: TestChain) -> None:
    tx = chain.sign("alice", Transfer(MONEY, BOB, 1))
    chain.run(tx)

    errors = [chain.build(tx).refused[0][1] for _ in range(2)]

    assert [(type(one), str(one)) for one in errors] == [(NonceUsedError, str(errors[0]))] * 2


ECHO = """
from wash import *

class Echo(Contract):
    @action
    def say(self, number: uint) -> u8:
        return number

    @view
    def told(self, number: uint) -> u8:
        return number
"""
ASKER = """
from wash import *

class Echo(Link):
    @view(gas=400)
    def told(self, number: uint) -> u8: ...

class Asker(Contract):
    echo: Echo

    @action
    def ask(self, number: uint) -> uint:
        return self.echo.told(number)
"""


def test_what_a_function_gives_fits_what_it_declares(chain: TestChain) -> None:
    echo = chain.deploy(ECHO, assets=())
    asker = chain.deploy(ASKER, assets=(), links=(echo,))

    receipts = [
        chain.call("alice", contract, name, number)
        for contract, name in ((echo, "say"), (asker, "ask"))
        for number in (255, 256)
    ]

    fine = (True, 0, 0)
    broken = [(False, TrapKind.RANGE, 0), (False, TrapKind.LINK, 0)]
    assert [outcome(one) for one in receipts] == [fine, broken[0], fine, broken[1]]
