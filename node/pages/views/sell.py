"""/shop/sell: the cards that the shop sells, for a customer's phone or for one without."""

from aiohttp import web

from node.pages.desk import find_worker, for_script, login_page
from node.pages.page import Shown, Visit, page
from node.pages.qr import draw_qr
from node.pages.views.cards import offers_of
from node.pages.views.console import read_shop


@page("/shop/sell", words="sell")
async def sell(visit: Visit) -> Shown | web.Response:
    """Show the code that leads a phone to the cards, and what each costs."""
    worker = await find_worker(visit)
    if worker is None:
        return login_page(visit)
    about = await read_shop(visit, worker.shop)
    origin = visit.setting.url or f"{visit.request.scheme}://{visit.request.host}"
    code = draw_qr(f"{origin}/c/cards?s={worker.shop}", visit.words("sell.code"))
    return visit.show(
        "sell.html",
        **about,
        worker=worker,
        offers=await offers_of(visit, worker.shop),
        code=code,
        data=for_script(worker),
    )
