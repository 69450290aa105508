"""/: the shops of this network, for whoever comes without a code."""

from node.pages.asking import AskError
from node.pages.page import Shown, Visit, page
from node.rpc.errors import NotFoundError


@page("/", words="shop")
async def home(visit: Visit) -> Shown:
    """Show all shops."""
    try:
        shops = (await visit.ask("shop_list", limit=200))["items"]
    except AskError as error:
        if error.code != NotFoundError.code:  # no rule book on this chain yet
            raise
        shops = []
    return visit.show("home.html", shops=shops)
