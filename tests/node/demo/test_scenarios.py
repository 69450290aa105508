"""Scenarios: what they make at once, and what becomes of it as time is moved ahead."""

import asyncio

import pytest

from chain.ledger import get_balance, get_supply
from chain.transaction import Call
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from contracts.vm.traps import TrapKind
from node.catalog import program
from node.demo.accounts import ACCOUNTS, FUNDS_EACH, UnknownNameError, account_of
from node.demo.catalogue import SHOPS
from node.demo.genesis import MONEY
from node.demo.scenarios import SCENARIOS, make_scenario
from node.demo.script import contract_named, send
from node.demo.tools import tools_of
from node.demo.world import demo_places
from node.live.node import Node
from node.live.views import look
from tests.node.demo.setting import NOON, WallClock, Watcher, open_pots

HEAD = bytes(range(32))


async def test_the_default_scenario_has_a_booking_in_each_state(node: Node) -> None:
    watcher = Watcher(node)

    seeded = await tools_of(node).seed("default")

    made = [(visit.customer, visit.fate, booking is not None) for visit, booking in seeded.visits]
    assert made == [
        ("alice", "finished", True),
        ("bob", "in_service", True),
        ("carol", "missed", True),
        ("dave", "waiting", True),
        ("erin", "lapses", True),
    ]
    assert (seeded.steps_ahead, seeded.refused, watcher.failed) == (0, 0, [])
    assert watcher.endings == {"SETTLED": 1}
    assert get_balance(node.state(), account_of("alice"), MONEY) == FUNDS_EACH - 6_800


async def test_a_car_that_is_washed_has_a_record_kept_at_the_bay(node: Node) -> None:
    seeded = await tools_of(node).seed("default")

    booking = seeded.visits[1][1]
    records = contract_named(node.state(), "records")
    kept = look(node, records, "record", booking)
    first = look(node, records, "entry", booking, 1)
    assert (kept["shop"], kept["customer"]) == (account_of("sparkle"), account_of("bob"))
    assert (kept["entries"], kept["finished_at"]) == (2, 0)
    assert first["staff"] == account_of("sparkle-bay")


async def test_a_missed_visit_costs_what_the_rules_say_a_day_later(node: Node) -> None:
    tools = tools_of(node)
    watcher = Watcher(node)
    await tools.seed("default")

    await tools.travel_by(HOUR_MS + 25 * MINUTE_MS + DAY_MS)

    assert watcher.endings == {"SETTLED": 1, "LAPSED": 1, "NO_SHOW_CUSTOMER": 1}
    fee = 6_800 * 3_000 // 10_000
    assert get_balance(node.state(), account_of("carol"), MONEY) == FUNDS_EACH - fee


async def test_a_busy_saturday_ends_in_every_way(node: Node) -> None:
    tools = tools_of(node)
    watcher = Watcher(node)

    seeded = await tools.seed("busy-saturday")
    journey = await tools.travel_by(20 * DAY_MS)

    assert [visit for visit, booking in seeded.visits if booking is None] == []
    assert len(seeded.visits) == 60
    assert (seeded.refused, watcher.failed) == (0, [])
    openings = 2 * 20 * 2  # of two shops, every twelve hours
    assert seeded.steps_ahead == journey.transactions - openings
    assert watcher.endings == {
        "SETTLED": 38, "DECLINED": 2, "LAPSED": 2, "CANCELLED_CUSTOMER": 6, "CANCELLED_SHOP": 2,
        "NO_SHOW_CUSTOMER": 6, "NO_SHOW_SHOP": 1, "RULED": 3,
    }  # fmt: skip
    assert open_pots(node) == 0
    state = node.state()
    balances = sum(get_balance(state, one.account, MONEY) for one in ACCOUNTS)
    assert balances == get_supply(state, MONEY) == len(ACCOUNTS) * FUNDS_EACH


async def test_two_busy_saturdays_do_not_mix(node: Node) -> None:
    tools = tools_of(node)
    await tools.seed("busy-saturday")
    await tools.travel_by(20 * DAY_MS)
    watcher = Watcher(node)

    again = await tools.seed("busy-saturday")
    await tools.travel_by(20 * DAY_MS)

    # Who missed three visits must bring the whole price along, and these requests do not.
    made = [visit for visit, booking in again.visits if booking is not None]
    assert sum(watcher.endings.values()) == len(made) > 55
    prepay = program("booking").container.errors.index("prepay_in_full") + 1
    assert set(watcher.failed) <= {(TrapKind.REQUIRE, prepay)}


async def test_a_full_shop_is_told_and_the_visit_is_given_up(node: Node) -> None:
    tools = tools_of(node)
    await tools.seed("busy-saturday")

    again = await tools.seed("busy-saturday")

    full = [visit.number for visit, booking in again.visits if booking is None]
    assert full
    steps = make_scenario("busy-saturday", NOON, HEAD).steps
    assert again.steps_ahead < len(steps)
    journey = await tools.travel_by(20 * DAY_MS)
    assert journey.has_arrived


def test_a_scenario_follows_from_time_and_head_alone() -> None:
    one, other = (make_scenario("busy-saturday", NOON, HEAD) for _ in range(2))

    another = make_scenario("busy-saturday", NOON, bytes(32))

    assert one == other
    assert one != another


@pytest.mark.parametrize("day", range(7))
def test_saturday_is_ahead_and_inside_opening_hours(day: int) -> None:
    now_ms = NOON + day * DAY_MS

    visits = make_scenario("busy-saturday", now_ms, HEAD).visits

    hours = {shop.account: (shop.opens_ms, shop.closes_ms) for shop in SHOPS}
    for visit in visits:
        local = visit.start_ms + 8 * HOUR_MS
        opens_ms, closes_ms = hours[visit.shop]
        assert (local // DAY_MS + 3) % 7 == 5
        assert opens_ms <= local % DAY_MS <= closes_ms - visit.offer.duration_ms
    steps = make_scenario("busy-saturday", now_ms, HEAD).steps
    assert min(step.at_ms for step in steps) == now_ms


async def test_a_plain_booking_that_is_missed_is_charged_since_shops_open(node: Node) -> None:
    tools = tools_of(node)
    await tools.travel_by(5 * DAY_MS)
    service = SHOPS[0].service(1)
    start_ms = node.block_time() + 30 * MINUTE_MS
    arguments = (
        account_of("sparkle"), 1, 1, start_ms, start_ms + service.duration_ms, 0, service.price,
        service.policy_id,
    )  # fmt: skip
    request = Call(demo_places().booking, "request", arguments, service.hold(start_ms))
    send(node, "alice", request)

    await tools.travel_by(2 * DAY_MS)

    fee = 6_800 * 3_000 // 10_000
    assert get_balance(node.state(), account_of("alice"), MONEY) == FUNDS_EACH - fee


async def test_steps_are_taken_when_their_time_comes_by_itself(node: Node, wall: WallClock) -> None:
    watcher = Watcher(node)
    tools = tools_of(node)
    seeded = await tools.seed("busy-saturday")
    assert seeded.first_step_ms is not None
    made = asyncio.Event()
    node.on_commit.append(lambda _executed: made.set())

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(node.run()), tasks.create_task(tools.run())]
        wall.now_ms = seeded.first_step_ms
        await made.wait()
        for task in running:
            task.cancel()

    assert watcher.times[-1] == seeded.first_step_ms
    assert watcher.failed == []


async def test_the_empty_scenario_is_empty(node: Node) -> None:
    seeded = await tools_of(node).seed("empty")

    assert (seeded.visits, seeded.steps_ahead) == ((), 0)


async def test_an_unknown_scenario_is_told_with_those_there_are(node: Node) -> None:
    with pytest.raises(UnknownNameError, match=", ".join(SCENARIOS)):
        await tools_of(node).seed("quiet-monday")
