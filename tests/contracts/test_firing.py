"""What falls due in a block: order, budget, retries, fallbacks."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chain.pots import Pot, pot_key, read_pot
from chain.receipt import KernelEvent
from chain.state import Space
from chain.timers import read_timer, timer_key
from chain.transaction import Call, event_receipt_id
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from contracts.firing import FALLBACK_GAS
from contracts.vm.traps import TrapKind
from tests.contracts.bells import RING, give_timers, kinds, most_gas, plan, put, rung
from tests.make import MONEY, RICH, TestChain, account, genesis, word

Maker = Callable[..., TestChain]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    made: list[TestChain] = []

    def begin(**params: int) -> TestChain:
        made.append(TestChain(tmp_path / str(len(made)), genesis(params=params)))
        return made[-1]

    yield begin
    for chain in made:
        chain.close()


def test_timers_fire_in_order_before_transactions_and_have_ids_of_their_own(make: Maker) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    for name, at in (("late", due + 1), ("second", due), ("first", due - 1), ("third", due)):
        plan(chain, box, [name], at)

    executed = chain.run(
        chain.sign("alice", Call(box, "set_broken", (1,), 0), valid_until=due + HOUR_MS), at=due + 1
    )

    names = ["first", "second", "third", "late"]
    assert rung(executed.receipts, names) == names
    assert [one.kind for one in executed.receipts] == [0, 0, 0, 0, 2]
    assert executed.receipts[0].id == event_receipt_id(0, executed.block.header.height, 2)
    assert executed.timers_fired == 4


def test_at_most_so_many_fire_in_a_block_and_the_rest_in_the_next(make: Maker) -> None:
    chain = make(timers_per_block=3)
    box, due = chain.deploy(installed="box"), chain.now + HOUR_MS
    names = [f"bell {number}" for number in range(8)]
    plan(chain, box, names, due)

    blocks = [chain.run(at=due + number) for number in range(4)]

    assert [rung(block.receipts, names) for block in blocks] == [
        names[:3],
        names[3:6],
        names[6:],
        [],
    ]


def test_timers_take_no_more_than_their_share_of_a_blocks_gas(make: Maker) -> None:
    chain = make()
    box, due = chain.deploy(installed="box"), chain.now + HOUR_MS
    names = [f"bell {number}" for number in range(5)]
    plan(chain, box, names, due)
    give_timers(chain, 2 * most_gas("ring"))

    blocks = [chain.run(at=due + number) for number in range(3)]

    assert [rung(block.receipts, names) for block in blocks] == [names[:2], names[2:4], names[4:]]


def test_a_timer_that_cancels_another_of_its_block_wins(make: Maker) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due - 1, "plan_silence")
    plan(chain, box, ["bell"], due)

    executed = chain.run(at=due)

    assert (kinds(executed.receipts), rung(executed.receipts, ["bell"])) == ([("timer", True)], [])


def test_a_cancel_in_the_block_of_the_timer_comes_too_late(make: Maker) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)

    cancel = chain.sign("alice", Call(box, "unplan", (word("bell"),), 0), valid_until=due + HOUR_MS)
    executed = chain.run(cancel, at=due)

    assert rung(executed.receipts, ["bell"]) == ["bell"]


def test_a_failed_timer_is_tried_once_more_after_an_hour_and_then_is_a_dead_letter(
    make: Maker,
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)
    chain.call("alice", box, "set_broken", 1)

    receipts = chain.idle(due + 5 * HOUR_MS)

    failed = [one.events[0].values for one in receipts]
    key = timer_key(box, RING + word("bell"))
    error = receipts[0].error
    assert kinds(receipts) == [("timer", False)] * 2
    assert failed == [(box, key[33:], 1, error, True), (box, key[33:], 1, error, False)]
    assert read_timer(chain.state(), key) is None
    assert chain.state().get(bytes([Space.DEAD_LETTER]) + key[1:]) is not None


def test_a_retry_that_works_leaves_no_dead_letter(make: Maker) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)
    chain.call("alice", box, "set_broken", 1)
    chain.idle(due + MINUTE_MS)
    chain.call("alice", box, "set_broken", 0)

    receipts = chain.idle(due + HOUR_MS + 1)

    dead = bytes([Space.DEAD_LETTER]) + box + RING + word("bell")
    assert (rung(receipts, ["bell"]), chain.state().get(dead)) == (["bell"], None)


def test_a_fallback_waits_for_the_retry_of_its_contract(make: Maker) -> None:
    chain = make()
    box, due, receiver = chain.deploy(), chain.now + HOUR_MS, account("bob")
    put(chain, box, "x", due + MINUTE_MS)
    calls = Call(box, "put", (receiver, due + 2 * MINUTE_MS, account("alice")), 70)
    assert chain.do("alice", calls).ok
    assert chain.call("alice", box, "plan_pay", receiver, due).ok
    chain.call("alice", box, "set_broken", 1)
    chain.idle(due + 1)
    chain.call("alice", box, "set_broken", 0)

    receipts = chain.idle(due + 2 * HOUR_MS)

    assert kinds(receipts) == [("timer", True), ("fallback", True), ("fallback", True)]
    assert (chain.balance("bob"), chain.balance("alice")) == (RICH + 70, RICH - 70)


def test_a_fallback_pays_even_if_the_retry_it_waited_for_is_cancelled(make: Maker) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    put(chain, box, "bell", due + MINUTE_MS)
    plan(chain, box, ["bell"], due)
    chain.call("alice", box, "set_broken", 1)
    chain.idle(due + 1)
    chain.call("alice", box, "unplan", word("bell"))

    receipts = [
        one for at in (5, 65, 66, 70) for one in chain.run(at=due + at * MINUTE_MS).receipts
    ]

    assert (kinds(receipts), chain.balance("alice")) == ([("fallback", True)], RICH)


def test_a_fallback_waits_for_a_timer_of_its_contract_that_found_no_room(make: Maker) -> None:
    chain = make()
    box, due, receiver = chain.deploy(), chain.now + HOUR_MS, account("bob")
    assert chain.call("alice", box, "put", receiver, due, account("alice"), funds=70).ok
    plan(chain, box, ["bell"], due - 1)
    assert chain.call("alice", box, "plan_pay", receiver, due - 1).ok
    give_timers(chain, most_gas("ring") + FALLBACK_GAS)  # after a bell, not enough to pay out

    receipts = [one for number in range(3) for one in chain.run(at=due + number).receipts]

    assert kinds(receipts) == [("timer", True), ("timer", True), ("fallback", True)]
    assert (chain.balance("bob"), chain.balance("alice")) == (RICH + 70, RICH - 70)


def test_guests_get_half_of_the_budget_while_installed_contracts_wait(make: Maker) -> None:
    chain = make(timers_per_block=4)
    guest, installed, due = chain.deploy(), chain.deploy(installed="box"), chain.now + HOUR_MS
    guests, ours = [f"guest {n}" for n in range(6)], [f"ours {n}" for n in range(3)]
    plan(chain, guest, guests, due)
    plan(chain, installed, ours, due)

    blocks = [chain.run(at=due + number) for number in range(3)]

    assert [rung(block.receipts, guests + ours) for block in blocks] == [
        [*guests[:2], *ours[:2]], [*guests[2:4], ours[2], guests[4]], [guests[5]],
    ]  # fmt: skip


def test_guests_get_the_whole_budget_when_nobody_else_waits(make: Maker) -> None:
    chain = make(timers_per_block=4)
    guest, due = chain.deploy(), chain.now + HOUR_MS
    names = [f"guest {n}" for n in range(5)]
    plan(chain, guest, names, due)

    blocks = [chain.run(at=due + number) for number in range(2)]

    assert [rung(block.receipts, names) for block in blocks] == [names[:4], names[4:]]


def test_a_guests_timers_are_due_within_three_years_the_replaced_ones_too(make: Maker) -> None:
    chain = make()
    guest, ours = chain.deploy(), chain.deploy(installed="box")
    far = chain.now + 3 * 365 * DAY_MS + DAY_MS

    receipts = [
        chain.call("alice", guest, "plan", word("x"), far),
        chain.call("alice", guest, "plan", word("x"), chain.now + DAY_MS),
        chain.call("alice", guest, "plan", word("x"), far),
        chain.call("alice", ours, "plan", word("x"), far),
    ]

    assert [one.trap for one in receipts] == [TrapKind.TIMER, 0, TrapKind.TIMER, 0]


def test_a_guest_has_so_many_timers_pending(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contracts.host.PENDING_TIMERS_MAX", 2)
    chain = make()
    guest, due = chain.deploy(), chain.now + HOUR_MS

    def tries(*names: str) -> list[int]:
        return [chain.call("alice", guest, "plan", word(name), due).trap for name in names]

    first = tries("a", "b", "c", "a")
    chain.call("alice", guest, "unplan", word("a"))
    second = tries("c", "d")
    chain.idle(due + 1)
    due += DAY_MS

    assert (first, second, tries("e", "f", "g")) == (
        [0, 0, TrapKind.TIMER, 0], [0, TrapKind.TIMER], [0, 0, TrapKind.TIMER],
    )  # fmt: skip


def test_a_timer_that_fits_no_block_any_more_is_a_dead_letter_and_its_pot_falls_back(
    make: Maker,
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)
    put(chain, box, "x", due + MINUTE_MS)
    give_timers(chain, FALLBACK_GAS)

    receipts = chain.idle(due + HOUR_MS)

    assert kinds(receipts) == [("timer", False), ("fallback", True)]
    assert (receipts[0].trap, receipts[0].events[0].number) == (
        TrapKind.GAS,
        KernelEvent.TIMER_FAILED,
    )


def test_pots_pay_back_whatever_the_contract_does(make: Maker) -> None:
    chain = make()
    box, until = chain.deploy(), chain.now + DAY_MS
    put(chain, box, "x", until)
    place = pot_key(box, bytes([0]) + word("x"))
    held = read_pot(chain.state(), place)
    assert held == Pot(100, until, chain.now + 90 * DAY_MS, 0, account("alice"), MONEY)

    before = chain.idle(until - 1)
    after = chain.run(at=until)

    event = after.receipts[0].events[0]
    assert (before, event.values) == ([], (box, place[33:], account("alice"), MONEY, 100))
    assert (read_pot(chain.state(), place), chain.balance("alice")) == (None, RICH)


def test_a_contract_that_fails_all_the_time_does_not_keep_its_pots(make: Maker) -> None:
    chain = make()
    box, until = chain.deploy(), chain.now + 2 * HOUR_MS
    assert chain.call("alice", box, "put", word("x"), until, account("alice"), funds=70).ok
    assert chain.call("bob", box, "set_broken", 1).ok

    while chain.now < until + 3 * HOUR_MS:
        at = chain.now + 20 * MINUTE_MS
        chain.call("bob", box, "plan", word(str(at)), at, at=at)

    assert (chain.balance("alice"), chain.balance("bob")) == (RICH, RICH)


def test_a_pot_that_is_extended_waits_for_retries_anew(make: Maker) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    assert chain.call("alice", box, "put", word("x"), due + 1, account("alice"), funds=70).ok
    plan(chain, box, ["bell"], due)
    chain.call("alice", box, "set_broken", 1)
    chain.idle(due + 1)
    place = pot_key(box, b"\0" + word("x"))
    waiting = read_pot(chain.state(), place)

    receipt = chain.call("alice", box, "extend", word("x"), due + DAY_MS)

    extended = read_pot(chain.state(), place)
    assert waiting is not None
    assert extended is not None
    assert receipt.ok
    assert (waiting.until > due + 1, waiting.waited) == (True, True)
    assert (extended.until, extended.waited) == (due + DAY_MS, False)


def test_putting_off_fallbacks_is_work_of_the_budget(make: Maker) -> None:
    chain = make(timers_per_block=2)
    box, due = chain.deploy(installed="box"), chain.now + HOUR_MS
    for name in ("a", "b", "c", "d"):
        put(chain, box, name, due + 1)
    plan(chain, box, ["bell"], due)
    chain.call("alice", box, "set_broken", 1)
    chain.run(at=due)

    chain.run(at=due + 1)

    pots = [read_pot(chain.state(), pot_key(box, b"\0" + word(name))) for name in "abcd"]
    assert [pot is not None and pot.waited for pot in pots] == [True, True, False, False]
