"""Long ways of visits over a network of four validators: a missed one, and one with extra work."""

from typing import Any

import pytest

from tests.e2e.journey_net import DAY_MS, HOUR_MS, MINUTE_MS, JourneyNet
from tests.e2e.journey_town import (
    WASH_PRICE,
    book,
    change,
    make_shops,
    open_shops,
    said,
    sentences,
    told_of,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
GRACE_MS = 20 * MINUTE_MS
EXTRA = 5_000


def test_with_every_device_off_a_missed_visit_is_charged_and_refunded_by_the_chain_alone(
    journeys: JourneyNet,
) -> None:
    net = journeys
    open_shops(net, "shop4")
    make_shops(net, "shop5")  # nobody ever says that it is open
    people = ("customer1", "customer2", "shop4", "shop5")
    before = [net.balance(one) for one in people]
    slot = net.now + 5 * HOUR_MS
    missed = book(net, "customer1", "shop4", slot)
    unattended = book(net, "customer2", "shop5", slot)
    last_sent = net.height

    net.at(slot + GRACE_MS)
    waiting = net.read("booking.booking", id=missed)["state"]
    net.until(slot + GRACE_MS)
    due = [net.read("booking.booking", id=one)["state"] for one in (missed, unattended)]
    net.at(slot + GRACE_MS + DAY_MS)
    held = [net.balance(one) for one in people]
    net.until(slot + GRACE_MS + DAY_MS)
    after = [net.balance(one) for one in people]
    closed = net.events("booking.Closed", id=missed)

    assert (waiting, due) == ("ACCEPTED", ["NO_SHOW_DUE", "NO_SHOW_DUE"])
    assert change(before, held) == [-6_800, -6_800, 0, 0]
    assert change(before, after) == [-2_040, 0, 2_040, 0]
    assert net.sent_since(last_sent) == 0
    assert closed[0]["time"] == slot + GRACE_MS + DAY_MS
    assert net.seen("booking.Closed", id=missed) == [{
        "id": missed, "shop": "shop4", "customer": "customer1", "state": "NO_SHOW_CUSTOMER",
        "to_shop": 2_040, "to_customer": 4_760,
    }]  # fmt: skip
    assert net.seen("booking.Closed", id=unattended) == [{
        "id": unattended, "shop": "shop5", "customer": "customer2", "state": "NO_SHOW_CUSTOMER",
        "to_shop": 0, "to_customer": 6_800,
    }]  # fmt: skip
    assert told_of(net, closed[0]) == said("a missed visit")
    assert len(net.roots()) == 1


def test_extra_work_is_paid_with_the_customers_approval_and_never_without(
    journeys: JourneyNet,
) -> None:
    net = journeys
    open_shops(net, "shop6")
    people = ("customer3", "customer4", "shop6")
    before = [net.balance(one) for one in people]
    slot = net.now + HOUR_MS
    asked, agreed = [book(net, one, "shop6", slot) for one in ("customer3", "customer4")]
    net.at(slot)
    proposed = []
    for customer, booking in (("customer3", asked), ("customer4", agreed)):
        net.call(customer, "booking.check_in", id=booking, sponsor="shop6")
        net.call("shop6", "booking.start_service", id=booking)
        work: dict[str, Any] = {"price": EXTRA, "work": "Clay treatment, hood"}
        proposed.append(net.call("shop6", "booking.ask_extra", id=booking, **work))

    with net.refuses("not_customer"):
        net.call("shop6", "booking.approve_extra", id=asked, number=1, funds=EXTRA)
    with net.refuses("wrong_amount"):
        net.call("customer4", "booking.approve_extra", id=agreed, number=1, funds=EXTRA - 1)
    with net.refuses("no_such_extra"):
        net.call("customer4", "booking.approve_extra", id=agreed, number=2, funds=EXTRA)
    approved = net.call("customer4", "booking.approve_extra", id=agreed, number=1, funds=EXTRA)
    with net.refuses("no_such_extra"):
        net.call("customer4", "booking.approve_extra", id=agreed, number=1, funds=EXTRA)
    for booking in (asked, agreed):
        net.call("shop6", "booking.ready", id=booking)
    with net.refuses("wrong_state"):
        net.call("customer3", "booking.approve_extra", id=asked, number=1, funds=EXTRA)
    confirmed = net.call("customer4", "booking.confirm", id=agreed)
    net.tick(DAY_MS)  # customer3 says nothing, and pays what was booked
    after = [net.balance(one) for one in people]

    assert change(before, after) == [-WASH_PRICE, -WASH_PRICE - EXTRA, 2 * WASH_PRICE + EXTRA]
    assert [
        (one["state"], one["to_shop"], one["to_customer"])
        for booking in (asked, agreed)
        for one in net.seen("booking.Closed", id=booking)
    ] == [("SETTLED", WASH_PRICE, 0), ("SETTLED", WASH_PRICE + EXTRA, 0)]
    assert net.seen("booking.ExtraApproved", id=asked) == []
    assert [sentences(net, tx_id=one.tx_id) for one in (proposed[0], approved, confirmed)] == [
        said("extra work is proposed"),
        said("extra work is approved"),
        said("a visit is confirmed"),
    ]
    assert len(net.roots()) == 1
