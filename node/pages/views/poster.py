"""/s/{shop}/poster: a sheet to print and hang up, with the code that leads customers here."""

from node.pages.page import Shown, Visit, page
from node.pages.qr import draw_qr


@page("/s/{shop}/poster", words="poster")
async def poster(visit: Visit) -> Shown:
    """Show the poster of a shop."""
    shop = visit.part("shop")
    record = await visit.ask("shops.shop", shop=shop)
    origin = visit.setting.url or f"{visit.request.scheme}://{visit.request.host}"
    address = f"{origin}/c?s={shop}"
    code = draw_qr(address, visit.words("poster.code"))
    return visit.show("poster.html", shop=shop, record=record, code=code, address=address)
