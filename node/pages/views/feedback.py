"""/c/feedback: a message to a shop or to the operators, that only they can read, and its answer."""

from node.pages.asking import asked
from node.pages.page import Shown, Visit, page

SHOPS_MAX = 100


@page("/c/feedback", words="feedback")
async def feedback(visit: Visit) -> Shown:
    """Show whom one can write to; what was written comes by the customer's own key."""
    shops, operators, head = await visit.ask.all(
        asked("shop_list", limit=SHOPS_MAX), asked("gov_operators"), asked("chain_head")
    )
    known = [] if isinstance(shops, Exception) else shops["items"]
    desks = [] if isinstance(operators, Exception) else operators["operators"][:1]
    chosen = visit.query.get("s", "")
    data = {
        "operators": desks,
        "names": {one["shop"]: one["name"] for one in known},
        "now": head["header"]["time_ms"],
        "after": f"{head['header']['height']}-",
    }
    return visit.show("feedback.html", shops=known, desks=desks, chosen=chosen, data=data)
