"""After a halt: what waits, for how long, and which clock stands still."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chain.state import Space
from chain.types import HOUR_MS, MINUTE_MS
from tests.contracts.bells import kinds, plan, put, rung
from tests.make import RICH, TestChain, account, genesis, word

Maker = Callable[..., TestChain]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    made: list[TestChain] = []

    def begin(**params: int) -> TestChain:
        params = {"dev": 1, **params}  # blocks without cause are made on the way
        made.append(TestChain(tmp_path / str(len(made)), genesis(params=params)))
        return made[-1]

    yield begin
    for chain in made:
        chain.close()


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


def test_a_block_that_only_ends_a_halt_is_no_empty_one(make: Maker) -> None:
    chain = make(dev=0, heartbeat_ms=HOUR_MS)
    box = chain.deploy()
    assert chain.call("alice", box, "plan", word("bell"), chain.now + MINUTE_MS).ok

    ended = chain.run(at=chain.now + 10 * MINUTE_MS)

    assert (ended.timers_fired, ended.tx_ids) == (0, ())
