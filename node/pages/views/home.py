"""/: the shops of this network, for whoever comes without a code."""

from node.pages.page import Shown, Visit, page
from node.pages.shops import some_shops

SHOPS_SHOWN = 50


@page("/", words="shop")
async def home(visit: Visit) -> Shown:
    """Show the shops, a page at a time."""
    shops = await some_shops(visit, SHOPS_SHOWN)
    return visit.show("home.html", shops=shops["items"], more=shops["next"])
