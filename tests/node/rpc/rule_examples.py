"""The examples of what standard contracts answer about their rules: shops, cards, points, fees."""

from chain.ids import decode_id, encode_id
from chain.types import DAY_MS, HOUR_MS
from node.demo.catalogue import SPARKLE
from tests.node.rpc.story import MORNING, Json, Teller, acct, call_action

NOBODY = "00" * 32
WASH = SPARKLE.service(1)
NEXT_WEEK = MORNING + 7 * DAY_MS + 4 * HOUR_MS


async def about_shops(teller: Teller) -> None:
    """Show all that the register says of a shop, its staff and its holders of cards."""
    shop = {"shop": acct("sparkle")}
    holder = {**shop, "holder": acct("alice")}
    service = {**shop, "service": 1}
    await teller.show("shops.standing", "whether it sells", shop)
    await teller.show("shops.profile", "how it is shown", shop)
    await teller.show("shops.licence", "whose licence was looked at", shop)
    await teller.show("shops.description", "of a service", service)
    await teller.show("shops.price_of", "of the first version", {**service, "version": 1})
    await teller.show("shops.hours_on", "on Mondays", {**shop, "weekday": 0})
    await teller.show("shops.closed_on", "a day on which it opens", {**shop, "day": 20_000})
    await teller.show("shops.keeper", "of somebody with keys of his own", {"account": acct("bob")})
    await teller.show("shops.holder", "of somebody without cards", holder)
    await teller.show("shops.clock_days", "of somebody who was answered", holder)
    await teller.show("shops.silence", "of a shop that answers", shop)
    await teller.show("shops.figures", "how its visits ended", shop)
    rules: Json = {"preset": 1, "policy": WASH.policy_id.hex(), "name": "Washes"}
    await teller.do("sparkle", call_action("shops", "name_preset", rules))
    await teller.show("shops.preset", "the rules that it names first", {**shop, "preset": 1})
    await teller.show("shops.may", "a key that is no staff's", {**shop, "key": NOBODY, "scope": 1})
    refund = {**shop, "key": NOBODY, "amount": 100}
    await teller.show("shops.may_refund", "a key that is no staff's", refund)


async def about_fees(teller: Teller, booking: str) -> None:
    """Show what cancelling and missing would cost, and why."""
    named = {"id": booking}
    start = (await teller.ask("booking.booking", named))["start"]
    an_hour = {**named, "at_": start - HOUR_MS}
    await teller.show("booking.preview_cancel", "an hour before the slot", an_hour)
    await teller.show("booking.preview_no_show", "if nobody comes", named)
    await teller.show("booking.claim_deposit", "of who claims for the first time", named)
    await teller.show("booking.visit", "how far it has come", named)
    await teller.show("booking.customer", "one of whom nothing is known", {"account": acct("bob")})


async def about_reports(teller: Teller) -> None:
    """Show what the shop hands to its accountant."""
    shop: Json = {"shop": acct("sparkle"), "zone": "Asia/Shanghai"}
    day: Json = {**shop, "date": "2026-01-05"}
    span: Json = {**shop, "from": "2026-01-05", "to": "2026-01-11"}
    await teller.show("report_day", "the day", day, tier="shop")
    await teller.refuse("report_day", "of nobody's shop", {**day, "shop": acct("bob")}, tier="shop")
    await teller.show("report_period", "the week", span, tier="shop")
    await teller.show("report_compliance", "of one shop", {"shop": acct("sparkle")}, tier="shop")
    table: Json = {**span, "kind": "days", "format": "csv"}
    await teller.show("report_export", "figures by day as CSV", table, tier="shop")


async def about_cards(teller: Teller) -> None:
    """Let erin buy a card of sparkle and use it once."""
    shop = {"shop": acct("sparkle")}
    sale = await teller.show("prepaid.sale", "the first offer of a shop", {**shop, "number": 1})
    sold = {"offer": sale["data"]["offer"]}
    price = (await teller.show("prepaid.offer", "what it promises", sold))["data"]["price"][
        "amount"
    ]
    await teller.show("prepaid.line", "its only service", {**sold, "line": 0})
    card = await teller.made("erin", call_action("prepaid", "buy", sold, price))
    named = {"card": card}
    begun = {**named, "line": 0, "amount": 0}
    use = await teller.made("erin", call_action("prepaid", "begin_use", begun))
    await teller.show("prepaid.card", "its record", named)
    await teller.show("prepaid.count", "one wash is reserved", {**named, "line": 0})
    await teller.show("prepaid.held_money", "what is on hold", named)
    await teller.show("prepaid.use", "a wash that was asked for", {"use": use})
    await teller.show("prepaid.visit", "as reviews see it", {"id": decode_id(use, "use").hex()})
    holder = {**shop, "holder": acct("erin")}
    await teller.show("prepaid.holding", "how many cards somebody has", holder)
    first = encode_id("crd", bytes(32))
    await teller.show("prepaid.next_card", "the first card", {**holder, "after": first})
    wish = {**named, "cause": "HOLDER"}
    await teller.show("prepaid.preview_refund", "if the holder asks now", wish)
    await teller.show("prepaid.cover", "what a shop owes, and what is on hold", shop)
    await teller.show("shop_covers", "the same of all shops that sell cards")


async def about_points(teller: Teller) -> None:
    """Show sparkle's program, and let it owe bob a voucher for a visit that it cancels."""
    await teller.show("loyalty.default_rules", "what most shops take")
    shop = {"shop": acct("sparkle")}
    await teller.show("loyalty.program", "of a shop", shop)
    order: Json = {
        **shop, "service": 1, "version": 1, "start": NEXT_WEEK,
        "end": NEXT_WEEK + WASH.duration_ms, "cell": 0, "total": WASH.price,
        "policy": WASH.policy_id.hex(),
    }  # fmt: skip
    request = call_action("booking", "request", order, WASH.hold(NEXT_WEEK))
    booking = await teller.made("bob", request)
    await about_fees(teller, booking)
    cancelled: Json = {"id": booking, "weather": False}
    await teller.do("sparkle", call_action("booking", "cancel_by_shop", cancelled))
    teller.make_block()
    owed = await teller.ask("events_query", {"filter": {"type": "loyalty.VoucherMade"}})
    voucher = owed["items"][-1]["values"]["voucher"]
    holder = {**shop, "holder": acct("bob")}
    await teller.show("loyalty.voucher", "for a visit that the shop cancelled", {"id": voucher})
    wish = {**holder, "voucher": voucher, "service": 1, "price": WASH.price}
    await teller.show("loyalty.check_voucher", "what it takes off a wash", wish)
    await teller.show("loyalty.voucher_figures", "of a shop", shop)
    await teller.show("loyalty.standing", "points of somebody at a shop", holder)
    await teller.show("loyalty.month_of", "of a time", {"at_": MORNING})
    month = await teller.ask("loyalty.month_of", {"at_": MORNING})
    await teller.show("loyalty.month_start", "when it began", {"month": month})
    await teller.show("loyalty.account", "as it is stored", holder)
    await teller.show("loyalty.ending", "points that end with a month", {**holder, "month": month})
    await teller.show("loyalty.consent", "of somebody who wants no offers", holder)
    await teller.show("loyalty.linked_to", "of an account by itself", {"account": acct("bob")})
    await _about_alliances(teller)


async def _about_alliances(teller: Teller) -> None:
    """Let sparkle be treasurer of an alliance whose points many shops may give."""
    terms: Json = {"name": "Clean town", "value": 500, "months": 12, "treasurer": acct("sparkle")}
    alliance = await teller.made("operator", call_action("loyalty", "make_alliance", terms))
    await teller.show("loyalty.alliance", "its terms", {"id": alliance})
    shop = {"shop": acct("sparkle")}
    member = {"alliance": alliance, **shop}
    await teller.show("loyalty.member", "a member's money", member)
    numbered = {"alliance": alliance, "number": 1}
    await teller.show("loyalty.member_number", "the first member", numbered)
    await teller.show("loyalty.paid_for", "a day without payment", {**member, "day": 20_000})
    await teller.show("loyalty.current_alliance", "of a shop", shop)
