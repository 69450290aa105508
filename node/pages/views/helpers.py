"""/c/helpers: people who together give a lost account back, after a wait to stop thieves in."""

from node.pages.page import Shown, Visit, page


@page("/c/helpers", words="helpers")
async def helpers(visit: Visit) -> Shown:
    """Let a customer choose helpers, help somebody, or ask for help."""
    shop = visit.query.get("shop", "")
    record = await visit.ask("shops.shop", shop=shop)
    params = await visit.ask("chain_getParams")
    delay = params["values"]["recovery_delay_ms"]
    data = {"shop": shop, "shopName": record["name"]}
    return visit.show("helpers.html", shop=shop, record=record, delay=delay, data=data)
