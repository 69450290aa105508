"""/c/cards: prepaid cards of a customer; /c/cards/{id}: one, with what would come back now."""

from typing import Any

from node.pages import showing
from node.pages.asking import AskError, asked
from node.pages.lists import events_of
from node.pages.page import Shown, Visit, page
from node.pages.services import labels

USES_SHOWN = 20
_CAUSES = ("", "HOLDER", "COOLING_OFF", "MOVED", "SILENT", "CLOSED", "ENDED")
_OPEN_USES = {"RESERVED", "STARTED", "FINISHED", "DISPUTED", "CLAIMED"}
SILENT_DAYS = 21  # of opening, after which an unanswered holder is refunded


@page("/c/cards", words="cards")
async def cards(visit: Visit) -> Shown:
    """Show a customer's cards; with a shop in the address also the cards that it sells."""
    shop = visit.query.get("s", "")
    values: dict[str, Any] = {"record": None, "offers": [], "standing": None}
    zone = visit.setting.zone
    if shop:
        record, standing, profile, cover = await visit.ask.all(
            asked("shops.shop", shop=shop),
            asked("shops.standing", shop=shop),
            asked("shops.profile", shop=shop),
            asked("prepaid.cover", shop=shop),
        )
        if isinstance(record, AskError):
            raise record
        zone = showing.zone_of(profile["zone"], zone)
        values = {"record": record, "standing": standing, "cover": cover}
        values["offers"] = await offers_of(visit, shop)
    data = {"shop": shop}
    return visit.show("cards.html", shop=shop, data=data, **{**values, "zone": zone})


@page("/c/cards/{id}", words="cards")
async def card(visit: Visit) -> Shown:
    """Show one card: what is left, what would come back now and why, and what can be done."""
    name = visit.part("id")
    found, held, preview, health, head = await visit.ask.all(
        asked("prepaid.card", card=name),
        asked("prepaid.held_money", card=name),
        asked("prepaid.preview_refund", card=name, cause="HOLDER"),
        asked("node_health"),
        asked("chain_head"),
    )
    if isinstance(found, AskError):
        raise found
    shop = found["shop"]
    events = await events_of(visit, {"type": "prepaid.*", "values": {"card": name}})
    values = {
        **await _around(visit, found),
        "id": name,
        "card": found,
        "held": held,
        "preview": None if isinstance(preview, AskError) else _told(preview),
        "uses": await _uses(visit, events, shop),
        "refunds": [one for one in events if one["type"] == "prepaid.Refunded"],
        "silent_days": SILENT_DAYS,
        "slot": _slot(events) if found["status"] == "OPEN" else None,
        **_times(found, health["time_ms"]),
    }
    values["lines"] = await _lines(visit, found["offer"], values["offer"], name)
    data = {
        "id": name,
        "shop": shop,
        "holder": found["holder"],
        "heir": _heir(events),
        "after": f"{head['header']['height']}-",
    }
    return visit.show("card.html", data=data, **values)


async def _around(visit: Visit, found: dict[str, Any]) -> dict[str, Any]:
    """Return what there is to know of the shop of a card, and of the offer it was sold by."""
    shop, holder = found["shop"], found["holder"]
    record, standing, profile, offer, holding, days = await visit.ask.all(
        asked("shops.shop", shop=shop),
        asked("shops.standing", shop=shop),
        asked("shops.profile", shop=shop),
        asked("prepaid.offer", offer=found["offer"]),
        asked("prepaid.holding", shop=shop, holder=holder),
        asked("shops.clock_days", shop=shop, holder=holder),
    )
    is_waiting = found["status"] == "OPEN" and holding["asked_at"]
    return {
        "record": record,
        "standing": standing,
        "zone": showing.zone_of(profile["zone"], visit.setting.zone),
        "offer": offer,
        "waiting": days if is_waiting else 0,
    }


def _times(found: dict[str, Any], now_ms: int) -> dict[str, bool]:
    is_open = found["status"] == "OPEN"
    return {
        "is_open": is_open,
        "is_over": found["ends"] <= now_ms,
        "in_cooling": is_open and found["cooling_until"] > now_ms,
    }


async def offers_of(visit: Visit, shop: str) -> list[dict[str, Any]]:
    """Return the cards that a shop sells now."""
    published = await events_of(visit, {"type": "prepaid.OfferPublished", "values": {"shop": shop}})
    numbers = sorted({one["values"]["number"] for one in published})
    sales = await visit.ask.all(*[asked("prepaid.sale", shop=shop, number=n) for n in numbers])
    names = [one["offer"] for one in sales if not isinstance(one, AskError) and one["sold"]]
    offers = await visit.ask.all(*[asked("prepaid.offer", offer=one) for one in names])
    return [
        {**offer, "id": name, "parts": await _lines(visit, name, offer)}
        for name, offer in zip(names, offers, strict=True)
    ]


async def _lines(
    visit: Visit, offer_id: str, offer: dict[str, Any], card_id: str = ""
) -> list[dict[str, Any]]:
    """Return the services of an offer; of a card also how often each was used."""
    numbers = range(offer["lines"])
    found = await visit.ask.all(
        *[asked("prepaid.line", offer=offer_id, line=number) for number in numbers]
    )
    counts: list[Any] = [None] * len(found)
    if card_id:
        counts = await visit.ask.all(
            *[asked("prepaid.count", card=card_id, line=number) for number in numbers]
        )
    names = await labels(visit, offer["shop"], {one["service"] for one in found})
    return [
        {**line, "number": number, "label": names[line["service"]], "count": count}
        for number, (line, count) in enumerate(zip(found, counts, strict=True))
    ]


async def _uses(visit: Visit, events: list[dict[str, Any]], shop: str) -> list[dict[str, Any]]:
    """Return the uses of a card, newest first."""
    names = [one["values"]["use"] for one in events if one["type"] == "prepaid.UseMoved"]
    newest = list(dict.fromkeys(reversed(names)))[:USES_SHOWN]
    found = await visit.ask.all(*[asked("prepaid.use", use=one) for one in newest])
    known = await labels(visit, shop, {one["service"] for one in found})
    return [
        {
            **use,
            "id": name,
            "label": known[use["service"]],
            "is_open": use["stage"] in _OPEN_USES,
            "moved_at": _moved_at(events, name),
        }
        for name, use in zip(newest, found, strict=True)
    ]


def _moved_at(events: list[dict[str, Any]], use: str) -> int:
    """Return when a use came to where it is."""
    return max(int(one["time"]) for one in events if one["values"].get("use") == use)


def _told(preview: dict[str, Any]) -> dict[str, Any]:
    """Return what would come back, with the name of the rule that says so."""
    return {**preview, "cause": _CAUSES[preview["rule"] // 10]}


def _heir(events: list[dict[str, Any]]) -> str:
    """Return who may take the card over, nothing if nobody."""
    for one in reversed(events):
        if one["type"] == "prepaid.Transferred":
            return ""
        if one["type"] == "prepaid.TransferOffered":
            return str(one["values"]["to"])
    return ""


def _slot(events: list[dict[str, Any]]) -> int | None:
    """Return a time that the shop offers and nobody answered, or None."""
    for one in reversed(events):
        kind = one["type"].rpartition(".")[2]
        is_begun = kind == "UseMoved" and one["values"]["state"] == "RESERVED"
        if kind in {"SlotTaken", "SlotMissed"} or is_begun:
            return None
        if kind == "SlotOffered":
            return int(one["values"]["start"])
    return None
