"""/c: what a customer has, at every shop where they have been; and /c/key: the key card."""

from node.pages.asking import AskError, asked
from node.pages.page import Shown, Visit, page


@page("/c", words="mine")
async def mine(visit: Visit) -> Shown:
    """Show the customer's home; a poster's code names the shop where it hangs."""
    shop, record = visit.query.get("s", ""), None
    health = await visit.ask("node_health")
    booking, month = await visit.ask.all(
        asked("contract_get", contract="booking"),
        asked("reviews.month", at_=health["time_ms"]),
    )
    money = {} if isinstance(booking, AskError) else booking["assets"][0]
    if shop:
        try:
            record = await visit.ask("shops.shop", shop=shop)
        except AskError:
            shop = ""
    data = {"shop": shop, "money": money, "month": None if isinstance(month, AskError) else month}
    return visit.show("mine.html", shop=shop, record=record, data=data)


@page("/c/key", words="key")
async def key(visit: Visit) -> Shown:
    """Show how the key card is saved, and taken back on another phone."""
    return visit.show("key.html")
