"""What pages ask before a booking exists: shops, offers, free times, what leaving costs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.demo.catalogue import HARBOUR, SPARKLE
from node.rpc.jsonrpc import Dispatcher
from node.rpc.methods import shop
from node.rpc.registry import Call
from node.rpc.served import make_registry
from tests.node.rpc.asking import Asker, acct

ZONE = "Asia/Shanghai"
FREE, TEN_PERCENT, THIRTY_PERCENT = 0, 680, 2_040
CALLS_MAX = 1


class Town(Asker):
    """The demo's node with all of its methods."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._all = Dispatcher(make_registry(self.node))

    async def answer(self, method: str, **params: Any) -> dict[str, Any]:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        call = Call(self.node, self.tier)
        data = await self._all.handle(json.dumps(request).encode(), call, batch_max=CALLS_MAX)
        assert data is not None
        answer: dict[str, Any] = json.loads(data)
        return answer

    async def data(self, method: str, **params: Any) -> Any:
        return (await self.ask(method, **params))["data"]

    def midnight(self, days: int = 1) -> int:
        """Return when a day to come begins at the shops."""
        now = datetime.fromtimestamp(self.wall.now_ms // 1_000, UTC).astimezone(ZoneInfo(ZONE))
        first = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return int(first.timestamp()) * 1_000 + days * DAY_MS


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.node.close()


async def slots(town: Town, shop: str, service: int, day: int = 1) -> list[dict[str, Any]]:
    """Return a day's times."""
    begins = town.midnight(day)
    span = {"from": begins, "until": begins + DAY_MS, "zone": ZONE, "step": 30 * MINUTE_MS}
    found: list[dict[str, Any]] = (
        await town.data("booking_slots", shop=acct(shop), service=service, **span)
    )["items"]
    return found


def order(start: int) -> dict[str, Any]:
    """Return the action that asks for a wash at a time."""
    wash = SPARKLE.service(1)
    arguments = {
        "shop": acct("sparkle"), "service": 1, "version": 1, "start": start,
        "end": start + wash.duration_ms, "cell": 0, "total": wash.price,
        "policy": wash.policy_id.hex(),
    }  # fmt: skip
    call = {"type": "call", "contract": "booking", "function": "request", "arguments": arguments}
    return {**call, "funds": wash.hold(start)}


async def test_all_shops_are_listed_page_by_page(town: Town) -> None:
    whole = await town.data("shop_list")
    first = await town.data("shop_list", limit=1)
    second = await town.data("shop_list", limit=1, after=first["next"])

    assert {one["name"] for one in whole["items"]} == {SPARKLE.name, HARBOUR.name}
    assert [*first["items"], *second["items"]] == whole["items"]
    assert (second["next"], whole["next"]) == (None, None)


async def test_shops_are_found_by_a_part_of_their_name_among_all_of_them(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found(**wish: Any) -> list[str]:
        answer = await town.data("shop_list", **wish)
        return [*(one["name"] for one in answer["items"]), *["more"] * bool(answer["next"])]

    both = await found(name="ar", limit=1)
    one, in_chinese, none = [await found(name=part) for part in ("SPARKLE", "亮洁", "nobody")]
    monkeypatch.setattr(shop, "_LOOKED_AT_MAX", 1)
    short = await town.data("shop_list", name="nobody", limit=1)
    rest = await town.data("shop_list", name="nobody", limit=1, after=short["next"])

    assert both[1:] == ["more"]
    assert (one, in_chinese, none) == ([SPARKLE.name], [SPARKLE.name], [])
    assert [(answer["items"], bool(answer["next"])) for answer in (short, rest)] == [
        ([], True), ([], False),
    ]  # fmt: skip


async def test_what_a_shop_offers_is_listed_with_its_price_in_money(town: Town) -> None:
    found = await town.data("shop_services", shop=acct("sparkle"))

    assert [(one["service"], one["price"]["amount"]) for one in found["items"]] == [
        (one.number, one.price) for one in SPARKLE.services
    ]
    assert {one["price"]["currency"] for one in found["items"]} == {"CNY"}


async def test_what_is_withdrawn_is_listed_no_more(town: Town) -> None:
    withdraw = {"type": "call", "contract": "shops", "function": "withdraw_service"}
    await town.do("sparkle", {**withdraw, "arguments": {"service": 2}})

    found = await town.data("shop_services", shop=acct("sparkle"))

    assert [one["service"] for one in found["items"]] == [1, 3]


async def test_who_is_no_shop_is_refused(town: Town) -> None:
    nobody = acct("alice")
    span = {"from": town.wall.now_ms, "until": town.wall.now_ms + DAY_MS}

    refused = [
        await town.refusal("shop_services", shop=nobody),
        await town.refusal("booking_slots", shop=nobody, service=1, **span),
        await town.refusal("booking_quote", shop=nobody, service=1, start=town.wall.now_ms),
    ]

    assert [code < 0 for code, _message in refused] == [False] * 3


async def test_times_lie_within_the_opening_hours_of_the_shops_zone(town: Town) -> None:
    found = await slots(town, "sparkle", 2)

    begins = town.midnight()
    assert found[0]["start"] == begins + SPARKLE.opens_ms
    assert found[-1]["end"] == begins + SPARKLE.closes_ms
    assert all(one["free"] for one in found)


async def test_a_time_is_free_while_one_bay_is(town: Town) -> None:
    start = (await slots(town, "sparkle", 1))[4]["start"]
    free = []
    for name in ("alice", "bob", "carol"):
        await town.do(name, order(start))
        found = await slots(town, "sparkle", 1)
        free.append([one["free"] for one in found if one["start"] == start])

    taken = [one["start"] for one in await slots(town, "sparkle", 2) if not one["free"]]

    assert free == [[True], [True], [False]]
    # An hour that begins half an hour earlier needs the same bays.
    assert taken == [start - 30 * MINUTE_MS, start]


async def test_times_that_are_over_are_not_free(town: Town) -> None:
    town.make_block(town.midnight() + 12 * HOUR_MS)

    found = await slots(town, "sparkle", 1, 0)

    noon = town.midnight(0) + 12 * HOUR_MS
    assert {one["free"] for one in found if one["start"] <= noon} == {False}
    assert {one["free"] for one in found if one["start"] > noon + HOUR_MS} == {True}


async def test_announced_closures_have_no_times(town: Town) -> None:
    day = (town.midnight(2) + 8 * HOUR_MS) // DAY_MS
    announce = {"type": "call", "contract": "shops", "function": "announce_closure"}
    await town.do("sparkle", {**announce, "arguments": {"day": day}})

    assert await slots(town, "sparkle", 1, 2) == []


async def test_work_of_days_begins_when_the_shop_opens(town: Town) -> None:
    found = await slots(town, "harbour", 3)

    begins = town.midnight() + HARBOUR.opens_ms
    assert [one["start"] for one in found] == [begins]
    assert found[0]["end"] == begins + 2 * DAY_MS


async def test_a_long_span_is_refused(town: Town) -> None:
    now = town.wall.now_ms
    offer = {"shop": acct("sparkle"), "service": 1, "from": now}

    long = await town.refusal("booking_slots", **offer, until=now + 16 * DAY_MS)
    back = await town.refusal("booking_slots", **offer, until=now - 1)

    assert (long[0], back[0]) == (-32602, -32602)


async def test_a_quote_says_step_by_step_what_the_contract_would_take(town: Town) -> None:
    start = (await slots(town, "sparkle", 1))[4]["start"]
    offer = {"shop": acct("sparkle"), "service": 1, "start": start}

    quote = await town.data("booking_quote", **offer)

    rules = SPARKLE.service(1).rules
    grace = start + rules.grace_ms
    assert [(one["until"], one["fee"]["amount"]) for one in quote["cancel"]] == [
        (start - 2 * HOUR_MS, FREE),
        (start, TEN_PERCENT),
        (grace - 1, THIRTY_PERCENT),
    ]
    assert all(
        one["fee"]["amount"] + one["refund"]["amount"] == quote["hold"]["amount"]
        for one in [*quote["cancel"], quote["missed"]]
    )
    assert (quote["missed"]["fee"]["amount"], quote["grace_until"]) == (THIRTY_PERCENT, grace)
    assert quote["auto_accept"]


async def test_a_quote_is_what_the_booking_then_costs(town: Town) -> None:
    start = (await slots(town, "sparkle", 1))[4]["start"]
    offer = {"shop": acct("sparkle"), "service": 1, "start": start}
    quote = await town.data("booking_quote", **offer, account=acct("alice"))

    await town.do("alice", order(start))

    events = await town.ask("events_query", filter={"type": "booking.Requested"})
    booking = events["items"][-1]["values"]["id"]
    for step in [*quote["cancel"], quote["missed"]]:
        told = await town.data("booking.preview_cancel", id=booking, at_=step["until"])
        assert (told["fee"], told["refund"]) == (step["fee"], step["refund"])


async def test_a_quote_leaves_no_trace(town: Town) -> None:
    start = (await slots(town, "sparkle", 1))[4]["start"]
    before = town.node.ledger.head.state_root
    for _ in range(4):
        await town.data("booking_quote", shop=acct("sparkle"), service=1, start=start)

    town.make_block()

    assert (await slots(town, "sparkle", 1))[4]["free"]
    assert town.node.ledger.head.state_root == before


async def test_a_quote_of_a_taken_time_is_refused_as_the_booking_would_be(town: Town) -> None:
    start = (await slots(town, "sparkle", 1))[4]["start"]
    for name in ("alice", "bob", "carol"):
        await town.do(name, order(start))

    offer = {"shop": acct("sparkle"), "service": 1, "start": start}
    answer = await town.answer("booking_quote", **offer)

    assert answer["error"]["data"]["reason"] == "slot_taken"
