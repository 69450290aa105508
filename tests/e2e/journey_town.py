"""What most journeys begin with: open shops with a price list, bookings, cards, and sentences."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from node.client import WashRpcError
from node.rehearse.plan import policy_id, policy_words
from node.rehearse.policies import PRESETS
from tests.e2e.journey_net import HOUR_MS, JourneyNet, acct, calling

WASH, POLISH = 1, 2  # services
WASH_PRICE, POLISH_PRICE = 6_800, 39_900
FAIR, STANDARD = (policy_id(PRESETS[name]).hex() for name in ("fair", "standard"))
DAYS_A_WEEK = 7
NONE = "00" * 32
_POLICY_FIELDS = (
    "hold_bp", "hold_min", "hold_max", "hold_per_day_min", "no_show", "grace", "accept_by",
    "serve_by", "settle_after", "cooling_off", "reschedules", "reschedule_lead",
    "compensation_bp", "compensation_cap",
)  # fmt: skip


def publishing(preset: str) -> dict[str, Any]:
    """Return the action that puts a preset's rules on the chain."""
    *words, tiers = policy_words(PRESETS[preset])
    assert isinstance(tiers, bytes)
    fee = dict(zip(("bp", "held_base", "least", "cap"), words[4:8], strict=True))
    values = [*words[:4], fee, *words[8:]]
    policy = dict(zip(_POLICY_FIELDS, values, strict=True))
    return calling("booking.publish_policy", p=policy, tiers=tiers.hex())


def make_shops(
    net: JourneyNet, *names: str, auto_accept: bool = True, called: Mapping[str, str] | None = None
) -> None:
    """Make people shops that offer a wash and a polish every day; they sign no opening yet.

    `called` has what is written over a shop's door, where that is not the person's name.
    """
    doors = {one: one.capitalize() for one in names} | dict(called or {})
    admitting = [calling("shops.admit", shop=acct(one), name=doors[one]) for one in names]
    for at in range(0, len(admitting), 10):
        rules = [publishing("fair"), publishing("standard")] if at == 0 else []
        net.do("operator", [*admitting[at : at + 10], *rules])
    days = [
        calling("shops.set_hours", weekday=day, opens=8 * HOUR_MS, closes=20 * HOUR_MS)
        for day in range(DAYS_A_WEEK)
    ]
    settings = {"accept_quotes": False, "day_start": 0, "quarter_bays": 0, "day_bays": 0}
    actions = [
        calling("shops.set_settings", auto_accept=auto_accept, **settings),
        *days,
        offering(WASH, WASH_PRICE, FAIR, "Wash"),
        offering(POLISH, POLISH_PRICE, STANDARD, "Polish"),
    ]
    net.together(*[(one, actions) for one in names])


def open_shops(net: JourneyNet, *names: str, auto_accept: bool = True) -> None:
    """Make people shops as `make_shops`, and let them sign their opening."""
    make_shops(net, *names, auto_accept=auto_accept)
    net.together(*[(one, [calling("shops.open_shop")]) for one in names])


def offering(service: int, price: int, policy: str, name: str) -> dict[str, Any]:
    """Return the action by which a shop offers an hour's work, or offers it anew."""
    return calling(
        "shops.set_service",
        service=service, price=price, duration=HOUR_MS, cell=0, policy=policy, name=name,
    )  # fmt: skip


def requesting(
    shop: str, start: int, *, service: int = WASH, version: int = 1, price: int = WASH_PRICE,
    policy: str = FAIR, held: int = WASH_PRICE,
) -> dict[str, Any]:  # fmt: skip
    """Return the action by which a customer asks for an hour at a shop."""
    return calling(
        "booking.request", funds=held, shop=acct(shop), service=service, version=version,
        start=start, end=start + HOUR_MS, cell=0, total=price, policy=policy,
    )  # fmt: skip


def book(net: JourneyNet, customer: str, shop: str, start: int, **request: Any) -> str:
    """Make a booking; returns its id."""
    done = net.do(customer, [requesting(shop, start, **request)])
    booking: str = done.event("booking.Requested")["id"]
    return booking


def selling_card(units: int, price: int, *, version: int = 1) -> dict[str, Any]:
    """Return the action that puts a card for so many washes on sale."""
    line = {"service": WASH, "version": version, "units": units, "amount": price}
    nothing = {"service": 0, "version": 0, "units": 0, "amount": 0}
    return calling(
        "prepaid.publish_offer", number=1, kind="COUNT", price=price, bonus=0,
        settle_after=24 * HOUR_MS, transferable=True, quality=NONE, name="Washes",
        first=line, second=nothing, third=nothing, fourth=nothing,
    )  # fmt: skip


def sell_card(net: JourneyNet, shop: str, units: int, price: int, *, version: int = 1) -> str:
    """Put a card for so many washes on sale; returns the offer's id."""
    done = net.do(shop, [selling_card(units, price, version=version)])
    offer: str = done.event("prepaid.OfferPublished")["offer"]
    return offer


def buying(offer: str, price: int) -> dict[str, Any]:
    """Return the action by which somebody buys a card."""
    return calling("prepaid.buy", funds=price, offer=offer)


def change(before: list[int], after: list[int]) -> list[int]:
    """Return how much more each has."""
    return [now - then for now, then in zip(after, before, strict=True)]


def sentences(net: JourneyNet, **which: Any) -> tuple[str, str]:
    """Return what is said of a transaction or a timer's receipt, in English and in Chinese."""
    en, zh = (net.ask("tx_explain", lang=lang, **which)["sentence"] for lang in ("en", "zh"))
    return _lasting(net, en), _lasting(net, zh)


def told_of(net: JourneyNet, event: dict[str, Any]) -> tuple[str, str]:
    """Return what is said of that in which an event happened, in English and in Chinese."""
    block = net.ask("chain_getBlock", height=event["height"], detail="ids")
    index = block["receipt_ids"].index(event["origin"]["id"])
    return sentences(net, height=event["height"], index=index)


def said(about: str) -> tuple[str, str]:
    """Return what people have to be told, in English and in Chinese: journey_sentences.json."""
    found = _sentences()[about]
    return found["en"], found["zh"]


@cache
def _sentences() -> dict[str, dict[str, str]]:
    text = Path(__file__).with_name("journey_sentences.json").read_text("utf-8")
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


def _lasting(net: JourneyNet, text: str) -> str:
    """Return a sentence without what is another at each run: ids become names, times go."""
    text = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}", "TIME", text)
    text = re.sub(r"acct1[0-9a-z]+…[0-9a-z]+", lambda found: net.name_of(found[0]), text)
    text = re.sub(r"\b[0-9a-f]{16}…", "HASH", text)
    return re.sub(r"\b([a-z]{3})1[0-9a-z]+…[0-9a-z]+", r"\1", text)


async def refused(reading: Any) -> tuple[int, str]:
    """Return code and name of the refusal of a call."""
    with pytest.raises(WashRpcError) as caught:
        await reading
    return caught.value.code, caught.value.name
