"""What falls due in a block: order, budget, retries, fallbacks, faults, halts."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.errors import InvalidBlockError, StoreError
from chain.pots import Pot, pot_key, read_pot
from chain.receipt import KernelEvent, Receipt, ReceiptKind
from chain.state import Space
from chain.timers import read_timer, timer_key
from chain.transaction import Call, Propose, SetParam, event_receipt_id
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from contracts import firing
from contracts.firing import ExecutionFaultError
from contracts.host import Frame
from contracts.vm.traps import TrapKind
from tests.make import MONEY, RICH, TestChain, account, genesis, word

Maker = Callable[..., TestChain]
RING = bytes([14])  # the handler's place among the functions


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    made: list[TestChain] = []

    def begin(**params: int) -> TestChain:
        made.append(TestChain(tmp_path / str(len(made)), genesis(params=params)))
        return made[-1]

    yield begin
    for chain in made:
        chain.close()


def plan(chain: TestChain, box: bytes, names: list[str], at: int, function: str = "plan") -> None:
    """Set a timer per name, sixteen to a transaction."""
    calls = [Call(box, function, (word(name), at), 0) for name in names]
    txs = [
        chain.sign("alice", *calls[first : first + 16], gas_limit=300_000)
        for first in range(0, len(calls), 16)
    ]
    for first in range(0, len(txs), 4):
        executed = chain.run(*txs[first : first + 4])
        assert all(receipt.ok for receipt in executed.receipts), executed.receipts
        assert executed.refused == ()


def put(chain: TestChain, box: bytes, name: str, until: int, funds: int = 100) -> None:
    assert chain.call("alice", box, "put", word(name), until, account("alice"), funds=funds).ok


def rung(receipts: list[Receipt] | tuple[Receipt, ...], names: list[str]) -> list[str]:
    """Return which bells rang, in order."""
    known = {word(name): name for name in names}
    values = [event.values for one in receipts for event in one.events if event.number == 0]
    return [known[value[0]] for value in values]


def kinds(receipts: list[Receipt] | tuple[Receipt, ...]) -> list[tuple[str, bool]]:
    return [(ReceiptKind(one.kind).name.lower(), one.ok) for one in receipts]


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


def set_param(chain: TestChain, name: str, value: int) -> None:
    assert chain.do("olga", Propose(SetParam(name, value))).ok


def test_timers_take_no_more_than_their_share_of_a_blocks_gas(make: Maker) -> None:
    chain = make()
    box, due = chain.deploy(installed="box"), chain.now + HOUR_MS
    names = [f"bell {number}" for number in range(5)]
    plan(chain, box, names, due)
    set_param(chain, "timer_gas_share_bp", 17)  # 2,550 gas: two bells of 1,210

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
    set_param(chain, "timer_gas_share_bp", 14)  # 2,100 gas: a bell and a fallback, or one timer

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


# Faults of the node itself --------------------------------------------------------------------


def breaking(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """Let every handler `ring` raise something that is no trap."""
    whole = Frame.call

    def call(self: Frame, routine: Any, arguments: list[Any], gas: int) -> Any:
        if routine.name == "ring":
            raise fault
        return whole(self, routine, arguments, gas)

    monkeypatch.setattr(Frame, "call", call)


def test_a_timer_that_the_node_can_not_run_is_skipped_by_agreement(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)
    breaking(monkeypatch, ZeroDivisionError("a bug"))

    built = chain.build(at=due)
    checked = chain.check(built.block)

    receipt = built.receipts[0]
    assert built.block.skipped == (receipt.id,)
    assert (checked.block_id, receipt.ok, receipt.trap) == (
        built.block_id,
        False,
        TrapKind.INTERNAL,
    )
    dead = bytes([Space.DEAD_LETTER]) + box + RING + word("bell")
    assert built.changes[dead] is not None


def test_a_skip_of_what_runs_here_is_not_accepted(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)
    with monkeypatch.context() as broken:
        breaking(broken, ZeroDivisionError("a bug"))
        built = chain.build(at=due)

    with pytest.raises(ExecutionFaultError, match="executes here"):
        chain.check(built.block)


def test_a_timer_that_fails_here_only_is_no_reason_to_accept(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)
    built = chain.build(at=due)
    breaking(monkeypatch, ZeroDivisionError("a bug"))

    with pytest.raises(ExecutionFaultError, match="does not execute here"):
        chain.check(built.block)


def test_a_skip_of_nothing_is_refused(make: Maker) -> None:
    chain = make()
    built = chain.build()

    with pytest.raises(InvalidBlockError, match="not due"):
        chain.check(replace(built.block, skipped=(word("nothing"),)))


def test_a_fallback_that_the_node_can_not_run_is_skipped_and_its_money_stays(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    put(chain, box, "x", due)

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(firing, "close_pot", broken)
    executed = chain.run(at=due)
    monkeypatch.undo()
    later = chain.idle(due + DAY_MS)
    closed = chain.call("alice", box, "close", word("x"), account("bob"))

    receipt = executed.receipts[0]
    assert (receipt.kind, receipt.ok, receipt.trap) == (
        ReceiptKind.FALLBACK,
        False,
        TrapKind.INTERNAL,
    )
    assert (executed.block.skipped, later, closed.ok) == ((receipt.id,), [], True)
    assert chain.balance("bob") == RICH + 100


def test_a_disk_that_can_not_be_read_is_no_fault_of_a_timer(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)
    breaking(monkeypatch, StoreError("unreadable"))

    with pytest.raises(StoreError):
        chain.build(at=due)


# Halts ----------------------------------------------------------------------------------------


def test_after_a_halt_timers_and_fallbacks_wait_and_the_customers_clock_stands(make: Maker) -> None:
    chain = make(heartbeat_ms=10 * MINUTE_MS)
    box = chain.deploy()
    due = chain.now + 5 * MINUTE_MS
    plan(chain, box, ["bell"], due)
    put(chain, box, "x", due + MINUTE_MS)

    back = due + HOUR_MS
    first = chain.run(at=back)
    chain.call("alice", box, "read_clock")
    clocks = [clock(chain, box)]
    waiting = chain.idle(back + 15 * MINUTE_MS - 1)
    over = chain.run(at=back + 15 * MINUTE_MS)
    chain.call("alice", box, "read_clock")
    clocks.append(clock(chain, box))

    assert (first.receipts, [one for one in waiting if one.kind != 2]) == ((), [])
    assert kinds(over.receipts) == [("timer", True), ("fallback", True)]
    assert clocks == [(back + 1_000, due), (back + 15 * MINUTE_MS + 1_000,) * 2]


def clock(chain: TestChain, box: bytes) -> tuple[int, int]:
    """Return (clock, deadline) of the contract: fields 3 and 4."""
    state = chain.state()
    rows = [state.get(bytes([Space.STORAGE]) + box + bytes([number])) for number in range(12)]
    times = [int.from_bytes(row, "big") for row in rows if row is not None and len(row) == 8]
    found = [time for time in times if time > 10**9]
    return found[0], found[1]


def test_a_fallback_after_a_halt_waits_for_a_timer_that_fell_due_in_it(make: Maker) -> None:
    chain = make(heartbeat_ms=10 * MINUTE_MS)
    box, receiver = chain.deploy(), account("bob")
    due = chain.now + 5 * MINUTE_MS
    back = due + HOUR_MS
    assert chain.call(
        "alice", box, "put", receiver, back + MINUTE_MS, account("alice"), funds=70
    ).ok
    assert chain.call("alice", box, "plan_pay", receiver, due).ok

    chain.run(at=back)
    receipts = chain.idle(back + HOUR_MS)

    assert kinds(receipts)[0] == ("timer", True)
    assert (chain.balance("bob"), chain.balance("alice")) == (RICH + 70, RICH - 70)


def test_a_backlog_is_no_halt(make: Maker) -> None:
    chain = make(timers_per_block=1, heartbeat_ms=10 * MINUTE_MS)
    box, due = chain.deploy(), chain.now + 5 * MINUTE_MS
    plan(chain, box, ["a", "b", "c"], due)

    blocks = [chain.run(at=due + number * 5 * MINUTE_MS) for number in range(3)]

    assert [rung(block.receipts, ["a", "b", "c"]) for block in blocks] == [["a"], ["b"], ["c"]]


def test_a_timer_that_fits_no_block_any_more_is_a_dead_letter_and_its_pot_falls_back(
    make: Maker,
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)
    put(chain, box, "x", due + MINUTE_MS)
    set_param(chain, "timer_gas_share_bp", 7)  # 1,050 gas: room for a fallback, not for a bell

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
