"""Long ways of cards and points: a silent shop, a dearer price list, two companies' points."""

from typing import Any

import pytest

from tests.e2e.journey_net import DAY_MS, HOUR_MS, JourneyNet, acct, calling
from tests.e2e.journey_town import (
    FAIR,
    NONE,
    POLISH,
    WASH,
    WASH_PRICE,
    book,
    buying,
    change,
    offering,
    open_shops,
    said,
    sell_card,
    sentences,
    told_of,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
CARD_PRICE, UNITS = 79_800, 20
USED = (13, 1, 0)  # washes that the first three holders have had
SILENT_DAYS = 21


def use_card(net: JourneyNet, holder: str, shop: str, card: str) -> str:
    """Let a holder have one wash on a card, confirmed; returns the use's id."""
    begun = net.call(holder, "prepaid.begin_use", card=card, line=0, amount=0, sponsor=shop)
    use: str = begun.event("prepaid.UseMoved")["use"]
    net.do(shop, [calling("prepaid.start_use", use=use), calling("prepaid.finish_use", use=use)])
    net.call(holder, "prepaid.confirm_use", use=use)
    return use


def buy_cards(net: JourneyNet, offer: str, holders: tuple[str, ...]) -> list[str]:
    """Let people buy a card each in the same moment; returns the cards in their order."""
    bought = net.together(*[(one, [buying(offer, CARD_PRICE)]) for one in holders])
    return [one.event("prepaid.Sold")["card"] for one in bought]


def test_a_shop_that_falls_silent_loses_its_cards_and_nobody_has_to_do_anything(
    journeys: JourneyNet,
) -> None:
    net = journeys
    holders = ("customer5", "customer6", "customer7", "customer8", "customer9")
    people = (*holders, "shop7")
    before = [net.balance(one) for one in people]
    open_shops(net, "shop7")
    offer = sell_card(net, "shop7", UNITS, CARD_PRICE)
    cards = buy_cards(net, offer, holders[:3])
    for holder, card, washes in zip(holders, cards, USED, strict=False):
        for _ in range(washes):
            use_card(net, holder, "shop7", card)
    net.tick(8 * DAY_MS)  # the first three are past their cooling-off, the other two are in it
    cards += buy_cards(net, offer, holders[3:])
    asking = [[calling("prepaid.begin_use", card=one, line=0, amount=0)] for one in cards[:3]]
    net.together(*zip(holders[:3], asking, strict=True))
    last_sent = net.height
    unanswered_at = net.now + DAY_MS
    # The day on which the requests went unanswered is the first of the 21 opening days.
    last_day_over = (unanswered_at // DAY_MS + SILENT_DAYS) * DAY_MS

    net.until(last_day_over - DAY_MS)
    waiting = [net.balance(one) for one in people]
    net.until(last_day_over + HOUR_MS)  # its cards are looked at every hour by then
    after = [net.balance(one) for one in people]

    washes = 14 * 3_990
    assert change(before, waiting) == [-CARD_PRICE] * 5 + [washes]
    assert change(before, after) == [-13 * 3_990, -3_990, 0, 0, 0, washes]
    assert net.sent_since(last_sent) == 0
    steps = [one["status"] for one in net.seen("shops.StatusChanged", shop=acct("shop7"))]
    assert steps == ["WARNED", "FROZEN", "CLOSED"]
    refunded = net.events("prepaid.Refunded", shop=acct("shop7"))
    told = sorted([net.plain(one["values"]) for one in refunded], key=lambda one: one["holder"])
    assert told == [
        {
            "card": card, "shop": "shop7", "holder": holder, "cause": "CLOSED",
            "refund": CARD_PRICE - used * 3_990, "claim": 0,
        }
        for holder, card, used in zip(holders, cards, (*USED, 0, 0), strict=True)
    ]  # fmt: skip
    assert all(last_day_over <= one["time"] <= last_day_over + HOUR_MS for one in refunded)
    assert [net.read("prepaid.card", card=one)["status"] for one in cards] == ["OVER"] * 5
    assert net.read("prepaid.cover", shop=acct("shop7"))["cards"] == 0
    told_in = zip(told_of(net, refunded[0]), said("given back of a closed shop"), strict=True)
    assert all(part in whole for whole, part in told_in)
    assert len(net.roots()) == 1


def test_a_dearer_price_list_changes_nothing_on_a_package_that_is_open(
    journeys: JourneyNet,
) -> None:
    net = journeys
    people = ("customer10", "customer11", "shop8")
    before = [net.balance(one) for one in people]
    open_shops(net, "shop8")
    wash = {"service": WASH, "version": 1, "units": 3, "amount": 10_000}
    polish = {"service": POLISH, "version": 1, "units": 1, "amount": 15_000}
    nothing = {"service": 0, "version": 0, "units": 0, "amount": 0}
    terms: dict[str, Any] = {
        "number": 1, "kind": "PACKAGE", "price": 25_000, "bonus": 0, "transferable": True,
        "settle_after": 24 * HOUR_MS, "quality": NONE, "name": "Summer package",
        "first": wash, "second": polish, "third": nothing, "fourth": nothing,
    }  # fmt: skip
    published = net.call("shop8", "prepaid.publish_offer", **terms)
    offer = published.event("prepaid.OfferPublished")["offer"]
    bought = net.do("customer10", [buying(offer, 25_000)])
    card = bought.event("prepaid.Sold")["card"]
    first = use_card(net, "customer10", "shop8", card)

    net.do("shop8", [offering(WASH, 2 * WASH_PRICE, FAIR, "Wash")])
    with net.refuses("price_changed"):
        net.call("shop8", "prepaid.publish_offer", **terms)
    with net.refuses("price_changed"):
        book(net, "customer11", "shop8", net.now + HOUR_MS)
    with net.refuses("wrong_amount"):
        net.call("customer10", "prepaid.begin_use", card=card, line=0, amount=1)
    with net.refuses("wrong_amount"):
        net.call("shop8", "prepaid.claim_use", card=card, line=0, amount=2 * WASH_PRICE)
    second = use_card(net, "customer10", "shop8", card)
    preview = net.read("prepaid.preview_refund", card=card, cause="HOLDER")
    left = net.call("customer10", "prepaid.ask_refund", card=card)
    after = [net.balance(one) for one in people]

    assert change(before, after) == [-6_666, 0, 6_666]
    assert [net.read("prepaid.use", use=one)["paid"]["amount"] for one in (first, second)] == [
        3_333,
        3_333,
    ]
    assert net.plain(preview) == {
        "rule": 24, "paid": 25_000, "bonus": 0, "used": 2, "of": 4, "deducted": 6_666, "in_use": 0,
        "refund": 18_334, "held": 25_000, "claim": 0,
    }  # fmt: skip
    assert net.read("shops.service", shop=acct("shop8"), service=WASH)["version"] == 2
    assert sentences(net, tx_id=left.tx_id) == said("given back in seven days")
    assert len(net.roots()) == 1


def ally(net: JourneyNet, giver: str, other: str) -> str:
    """Let two shops be members of an alliance, the first with 5.00 paid ahead; returns its id."""
    rules = net.plain(net.read("loyalty.default_rules"))
    founded: dict[str, Any] = {
        "name": "Ring",
        "value": 5,
        "months": 12,
        "treasurer": acct("issuer"),
    }
    made = net.do("operator", [calling("loyalty.make_alliance", **founded)])
    alliance: str = made.event("loyalty.AllianceMade")["alliance"]
    for shop, funds in ((giver, 500), (other, 0)):
        net.call("operator", "loyalty.admit_member", alliance=alliance, shop=acct(shop))
        program = calling("loyalty.set_program", r=rules)
        net.do(shop, [program, calling("loyalty.prefund", alliance=alliance, funds=funds)])
        net.do(shop, [offering(WASH, 10_000, FAIR, "Wash")])
    return alliance


def visit(net: JourneyNet, customer: str, shop: str, voucher: str | None = None) -> None:
    """Let a customer have a wash for 100.00, with a voucher or without."""
    slot = net.now + HOUR_MS
    booking = book(net, customer, shop, slot, version=2, price=10_000, held=10_000)
    net.at(slot).call(customer, "booking.check_in", id=booking, sponsor=shop)
    if voucher is not None:
        net.call(customer, "booking.use_voucher", id=booking, voucher=voucher)
    steps = [calling(f"booking.{step}", id=booking) for step in ("start_service", "ready")]
    net.do(shop, steps)
    net.call(customer, "booking.confirm", id=booking)


def test_100_points_of_one_company_bring_another_490_and_their_alliance_10(
    journeys: JourneyNet,
) -> None:
    net = journeys
    people = ("customer12", "shop9", "shop10", "issuer")
    before = [net.balance(one) for one in people]
    open_shops(net, "shop9", "shop10")
    alliance = ally(net, "shop9", "shop10")
    redeeming = calling("loyalty.redeem_shared", shop=acct("shop9"), at=acct("shop10"), amount=100)

    visit(net, "customer12", "shop9")
    net.tick(1)  # points follow on their own
    pending = net.read("loyalty.standing", shop=acct("shop9"), holder=acct("customer12"))
    with net.refuses("not_enough"):
        net.do("customer12", [redeeming])
    net.tick(2 * DAY_MS)
    redeemed = net.do("customer12", [redeeming])
    voucher = redeemed.event("loyalty.VoucherMade")["voucher"]
    visit(net, "customer12", "shop10", voucher)
    net.until((net.now // DAY_MS + 1) * DAY_MS)  # what is due is paid at midnight
    after = [net.balance(one) for one in people]
    paid_out = net.events("loyalty.PaidOut", alliance=alliance)

    assert change(before, after) == [-10_000 - 9_500, 10_000 - 500, 9_500 + 490, 10]
    assert (pending["shared_pending"], pending["shared_active"]) == (100, 0)
    assert [(net.plain(one["values"])["shop"], one["values"]["amount"]["amount"])
            for one in paid_out] == [("issuer", 10), ("shop10", 490)]  # fmt: skip
    assert sentences(net, tx_id=redeemed.tx_id) == said("points become a voucher")
    assert told_of(net, paid_out[0]) == said("points are paid for")
    assert len(net.roots()) == 1
