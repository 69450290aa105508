"""/c/feedback: a message to a shop or to the operators, that only they can read, and its answer."""

from node.pages.asking import asked
from node.pages.page import Shown, Visit, page
from node.pages.shops import some_shops, with_shop

SHOPS_SHOWN = 100


@page("/c/feedback", words="feedback")
async def feedback(visit: Visit) -> Shown:
    """Show whom one can write to; what was written comes by the customer's own key."""
    operators, head = await visit.ask.all(asked("gov_operators"), asked("chain_head"))
    shops = await some_shops(visit, SHOPS_SHOWN)
    chosen = visit.query.get("s", "")
    known = await with_shop(visit, shops["items"], chosen)
    desks = [] if isinstance(operators, Exception) else operators["operators"][:1]
    data = {
        "operators": desks,
        "names": {one["shop"]: one["name"] for one in known},
        "now": head["header"]["time_ms"],
        "after": f"{head['header']['height']}-",
    }
    values = {"shops": known, "more": shops["next"], "desks": desks, "chosen": chosen}
    return visit.show("feedback.html", data=data, **values)
