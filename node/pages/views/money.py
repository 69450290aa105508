"""/c/money: what a customer has, how money comes in and goes out, and who stands for it."""

from typing import Any

from node.pages import showing
from node.pages.asking import AskError, asked
from node.pages.page import Shown, Visit, page


@page("/c/money", words="money")
async def money(visit: Visit) -> Shown:
    """Show the money of a customer; with a shop in the address that account, else all of them."""
    shop, zone = visit.query.get("s", ""), visit.setting.zone
    record = None
    if shop:
        record, profile = await visit.ask.all(
            asked("shops.shop", shop=shop), asked("shops.profile", shop=shop)
        )
        if isinstance(record, AskError):
            raise record
        zone = showing.zone_of(profile["zone"], zone)
    issuers, rules, due, booking, head = await _around(visit)
    data = {
        "shop": shop,
        "money": booking["assets"][0] if booking else {},
        "issuers": [one["issuer"] for one in issuers],
        "least": rules["least"] if rules else 0,
        "after": f"{head['header']['height']}-",
    }
    return visit.show(
        "money.html",
        shop=shop,
        record=record,
        issuers=issuers,
        least=rules["least"] if rules else 0,
        due=due,
        zone=zone,
        data=data,
    )


async def _around(visit: Visit) -> tuple[Any, ...]:
    """Return who stands for the money, its rules, and when cash asked for now has to be there."""
    health = await visit.ask("node_health")
    found = await visit.ask.all(
        asked("money_issuers"),
        asked("money.chosen"),
        asked("money.due_for", asked_at=health["time_ms"]),
        asked("contract_get", contract="booking"),
        asked("chain_head"),
    )
    issuers, *others = [None if isinstance(one, AskError) else one for one in found]
    return (issuers["items"] if issuers else [], *others)
