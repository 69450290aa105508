"""/learn: where money is, what helps when a phone is lost, what is public; with live figures."""

from typing import Any

from node.pages.asking import AskError, asked
from node.pages.page import Shown, Visit, page
from node.pages.shops import some_shops

SHOPS_SHOWN = 20
GLOSSARY = (
    "hold", "card", "back", "missed", "rules", "key_card", "helper", "receipt", "passport",
    "allowed", "statement",
)  # fmt: skip


@page("/learn", words="learn")
async def learn(visit: Visit) -> Shown:
    """Show what protects customers; behind each sentence is a way to check it."""
    params, makers, reserves, latest, head = await visit.ask.all(
        asked("chain_getParams"),
        asked("validator_list"),
        asked("money.reserves"),
        asked("tx_list", limit=1),
        asked("chain_head"),
    )
    for one in (params, makers, head):
        if isinstance(one, AskError):
            raise one
    shops = await some_shops(visit, SHOPS_SHOWN)
    newest = [] if isinstance(latest, AskError) else latest["items"]
    return visit.show(
        "learn.html",
        covers=await _covers(visit, shops["items"]),
        more=shops["next"],
        reserves=None if isinstance(reserves, AskError) else reserves,
        quorum=makers["quorum"],
        keepers=len(makers["items"]),
        delay_ms=params["values"]["recovery_delay_ms"],
        newest=newest[0]["tx_id"] if newest else None,
        as_of=head["header"]["time_ms"],
        glossary=GLOSSARY,
    )


async def _covers(visit: Visit, shops: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what each shop owes on cards, and how much of it is on hold."""
    found = await visit.ask.all(*[asked("prepaid.cover", shop=one["shop"]) for one in shops])
    return [
        {"shop": shop["shop"], "name": shop["name"], "held": one["held"], "owed": one["liability"]}
        for shop, one in zip(shops, found, strict=True)
        if not isinstance(one, AskError)
    ]
