"""The list of requests for cash."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.ids import encode_id
from chain.types import HOUR_MS
from node.demo.catalogue import SPARKLE
from node.rpc.jsonrpc import Dispatcher
from node.rpc.methods import balance
from node.rpc.served import make_registry
from tests.node.rpc.asking import Asker, acct, request

WASH = SPARKLE.service(1)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Asker]:
    made = Asker(tmp_path, "public")
    made._dispatcher = Dispatcher(make_registry(made.node))
    yield made
    made.node.close()


def call(function: str, funds: int = 0, **arguments: Any) -> dict[str, Any]:
    action = {"type": "call", "contract": "money", "function": function, "arguments": arguments}
    return {**action, "funds": funds}


async def ask_for(shop: Asker, name: str, amount: int) -> str:
    built = await shop.do(name, call("ask", amount, issuer=acct("issuer"), payee="5a" * 32))
    return str(built["creates"][0]["id"])


async def items(shop: Asker, **params: Any) -> list[Any]:
    found: list[Any] = (await shop.ask("money_requests", **params))["data"]["items"]
    return found


async def test_requests_come_with_the_most_urgent_first_and_leave_when_they_are_over(
    shop: Asker,
) -> None:
    first = await ask_for(shop, "bob", 20_000)
    second = await ask_for(shop, "alice", 500)

    listed = await items(shop, issuer=acct("issuer"))
    of_alice = await items(shop, holder=acct("alice"))
    await shop.do("issuer", call("begin_payment", request=first))
    await shop.do("issuer", call("paid", request=first, reference="07" * 32))
    left = await items(shop)

    assert {one["request"]: one["amount"]["amount"] for one in listed} == {
        first: 20_000, second: 500,
    }  # fmt: skip
    assert [one["due"] for one in listed] == sorted(one["due"] for one in listed)
    assert ([one["request"] for one in of_alice], [one["begun"] for one in listed]) == (
        [second], [False, False],
    )  # fmt: skip
    assert [one["request"] for one in left] == [second]
    assert await items(shop, issuer=acct("bob")) == []


async def test_requests_lead_on_to_less_urgent_ones_and_tell_how_many_wait(shop: Asker) -> None:
    asked = [await ask_for(shop, name, 500) for name in ("bob", "alice", "bob")]
    of = {"issuer": acct("issuer")}
    whole = (await shop.ask("money_requests", **of))["data"]

    first = (await shop.ask("money_requests", **of, limit=2))["data"]
    cursor = first["next_cursor"]
    rest = (await shop.ask("money_requests", **of, limit=2, cursor=cursor))["data"]
    other = await shop.refusal("money_requests", limit=2, cursor=cursor)

    assert sorted(one["request"] for one in whole["items"]) == sorted(asked)
    assert [*first["items"], *rest["items"]] == whole["items"]
    assert [(one["count"], one["more"]) for one in (first, rest)] == [(3, True), (3, False)]
    assert rest["next_cursor"] is None
    assert "belongs to another list" in str(other)


def book(start: int) -> dict[str, Any]:
    """Return the action that asks for a wash."""
    terms = {
        "shop": acct("sparkle"), "service": WASH.number, "version": 1, "start": start,
        "end": start + WASH.duration_ms, "cell": WASH.cell, "total": WASH.price,
        "policy": WASH.policy_id.hex(),
    }  # fmt: skip
    wish = {"type": "call", "contract": "booking", "function": "request", "arguments": terms}
    return {**wish, "funds": WASH.hold(start)}


async def test_what_somebody_has_is_free_on_hold_on_cards_and_being_paid_out(shop: Asker) -> None:
    before = (await shop.ask("money_balance", account=acct("bob")))["data"]
    start = shop.wall.now_ms + 24 * HOUR_MS
    booked = (await shop.do("bob", book(start)))["creates"][0]["id"]
    sale = (await shop.ask("prepaid.sale", shop=acct("sparkle"), number=1))["data"]
    price = (await shop.ask("prepaid.offer", offer=sale["offer"]))["data"]["price"]["amount"]
    buying = {"type": "call", "contract": "prepaid", "function": "buy", "funds": price}
    card = (await shop.do("bob", {**buying, "arguments": {"offer": sale["offer"]}}))["creates"]
    request = await ask_for(shop, "bob", 20_000)

    found = (await shop.ask("money_balance", account=acct("bob")))["data"]
    await shop.do(
        "bob",
        {
            "type": "call", "contract": "booking", "function": "cancel_booking",
            "arguments": {"id": booked}, "funds": 0,
        },
    )  # fmt: skip
    after = (await shop.ask("money_balance", account=acct("bob")))["data"]

    hold = WASH.hold(start)
    amounts = {name: one["amount"] for name, one in found.items() if isinstance(one, dict)}
    assert (before["held"]["amount"], before["holds"], before["requests"]) == (0, [], [])
    assert amounts == {
        "free": before["free"]["amount"] - hold - price - 20_000, "held": hold, "prepaid": price,
        "paying_out": 20_000,
    }  # fmt: skip
    assert [(one["kind"], one["id"], one["start"]) for one in found["holds"]] == [
        ("visit", booked, start), ("card", card[0]["id"], None),
    ]  # fmt: skip
    assert [one["request"] for one in found["requests"]] == [request]
    assert (after["held"]["amount"], after["prepaid"]["amount"]) == (0, price)


def cancel(booking: str) -> dict[str, Any]:
    """Return the action that cancels a booking."""
    terms = {"id": booking}
    return {
        "type": "call", "contract": "booking", "function": "cancel_booking", "arguments": terms,
        "funds": 0,
    }  # fmt: skip


async def test_a_visit_asked_for_before_many_others_counts_or_is_told_to_be_missing(
    shop: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = shop.wall.now_ms + 24 * HOUR_MS
    await shop.do("bob", book(start))
    for _ in range(2):
        later = (await shop.do("bob", book(start + 24 * HOUR_MS)))["creates"][0]["id"]
        await shop.do("bob", cancel(later))

    found = (await shop.ask("money_balance", account=acct("bob")))["data"]
    monkeypatch.setattr(balance, "LOOKED_AT_MAX", 2)
    short = (await shop.ask("money_balance", account=acct("bob")))["data"]

    assert (found["held"]["amount"], found["unread"]) == (WASH.hold(start), 0)
    assert (short["held"]["amount"], short["unread"]) == (0, 1)


async def test_cards_count_however_long_ago_they_were_sold(
    shop: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = (await shop.ask("prepaid.sale", shop=acct("sparkle"), number=1))["data"]
    price = (await shop.ask("prepaid.offer", offer=sale["offer"]))["data"]["price"]["amount"]
    buying = {"type": "call", "contract": "prepaid", "function": "buy", "funds": price}
    wish = {**buying, "arguments": {"offer": sale["offer"]}}
    cards = [(await shop.do("bob", wish))["creates"][0]["id"] for _ in range(2)]
    monkeypatch.setattr(balance, "newest_naming", lambda *_: iter(()))  # as if all were pruned

    found = (await shop.ask("money_balance", account=acct("bob")))["data"]

    assert (found["prepaid"]["amount"], found["unread"]) == (2 * price, 0)
    assert [one["id"] for one in found["holds"]] == cards


async def test_what_is_on_hold_for_bookings_is_told_one_by_one_and_together(shop: Asker) -> None:
    booked = (await shop.do("alice", request(shop)))["creates"][0]["id"]
    held = (await shop.ask("booking.held_money", id=booked))["data"]
    start = (await shop.ask("booking.booking", id=booked))["data"]["start"]
    unknown = encode_id("bkg", bytes(32))

    found = (await shop.ask("money_held", bookings=[booked, unknown, booked]))["data"]

    line = {"kind": "visit", "id": booked, "amount": held, "start": start}
    assert held["amount"] > 0
    assert found == {"total": held, "items": [line]}
