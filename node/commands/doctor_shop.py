"""The checks of `washnode doctor` about a shop's business: can it be booked, is money safe."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chain.errors import WashError
from node.commands.doctor_checks import Check
from node.commands.words import t

if TYPE_CHECKING:
    from node.commands.connect import Session

COVER_BP_MIN = 4_000  # of what holders of cards are owed; 40 % is what large sellers must hold
_BP = 10_000
_NEVER: set[object] = {0, "", "UNKNOWN"}  # of an account that is no shop


def check_shop(talk_to: "Session", info: Mapping[str, Any]) -> list[Check]:
    """Return the checks of the shop whose node this is; none of another node or chain."""
    shop = info.get("sponsor")
    if not isinstance(shop, str):
        return []
    try:
        standing = talk_to.ask("shops.standing", shop=shop)
        services = talk_to.ask("shop_services", shop=shop)["items"]
    except WashError:
        return []  # a chain without the register, or a node whose key is no shop's
    if standing["status"] in _NEVER:
        return []
    checks = [judge_standing(standing), judge_prices(services), judge_hours(standing)]
    with suppress(WashError):  # no cards are sold on this chain
        checks.append(judge_cover(talk_to.ask("prepaid.cover", shop=shop)))
    return checks


def judge_standing(standing: Mapping[str, Any]) -> Check:
    """Tell whether a shop may sell."""
    if standing.get("sells") is True:
        return Check("shop", "green", t("the shop takes bookings"))
    seen = t("the shop takes no bookings: {status}", status=standing.get("status"))
    return Check("shop", "red", seen, t("ask the operators; see docs/rules/shops.md"))


def judge_prices(services: list[Any]) -> Check:
    """Tell whether a shop's price list is published."""
    if services:
        return Check("prices", "green", t("{count} prices are published", count=len(services)))
    seen = t("no price is published: nobody can book")
    return Check("prices", "red", seen, t("publish one: washnode call shops.set_service"))


def judge_hours(standing: Mapping[str, Any]) -> Check:
    """Tell whether a shop's opening hours are set."""
    days = int(standing.get("open_days") or 0).bit_count()
    if days:
        return Check("hours", "green", t("opening hours are set for {count} days", count=days))
    seen = t("no opening hours are set: silence is counted by them")
    return Check("hours", "yellow", seen, t("set them: washnode call shops.set_hours"))


def judge_cover(cover: Mapping[str, Any]) -> Check:
    """Tell whether enough is on hold of what holders of prepaid cards are owed."""
    owed, held = _minor(cover.get("liability")), _minor(cover.get("held"))
    if not owed:
        return Check("cover", "green", t("no prepaid card is open"))
    share = min(_BP, held * _BP // owed)
    wanted = max(COVER_BP_MIN, int(cover.get("cover_bp") or 0))
    percent = f"{share / 100:.0f} %"
    if share >= wanted:
        return Check("cover", "green", t("{share} of prepaid money is on hold", share=percent))
    seen = t("only {share} of prepaid money is on hold", share=percent)
    return Check("cover", "yellow", seen, t("sell with a higher cover; see docs/rules/prepaid.md"))


def _minor(value: object) -> int:
    amount = value.get("amount") if isinstance(value, Mapping) else value
    return amount if type(amount) is int else 0
