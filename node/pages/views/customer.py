"""/shop/customer/{account}: what this shop knows of a customer: visits here, cards, its code."""

from typing import Any

from aiohttp import web

from chain.ids import encode_id
from node.pages import showing
from node.pages.asking import AskError, asked
from node.pages.desk import find_worker, for_script, login_page
from node.pages.lists import part_of
from node.pages.page import Shown, Visit, page
from node.pages.qr import draw_qr
from node.pages.shopbook import DONE, read_book
from node.pages.views.console import read_shop

VISITS_SHOWN = 50
CARDS_MAX = 20
CARD_LENGTH_MAX = 100


@page("/shop/customer/{account}", words="customer")
async def customer(visit: Visit) -> Shown | web.Response:
    """Show a customer of this shop, as far as visits here go."""
    worker = await find_worker(visit)
    if worker is None:
        return login_page(visit)
    account = visit.part("account")
    about = await read_shop(visit, worker.shop)
    keeper, rules, found = await visit.ask.all(
        asked("shops.keeper", account=account),
        asked("booking.customer", account=account),
        asked("account_get", account=account),
    )
    for one in (keeper, rules, found):
        if isinstance(one, AskError):
            raise one
    book = await read_book(visit, worker.shop)
    visits = sorted(
        (one for one in book.stays.values() if one.customer == account),
        key=lambda one: one.start,
        reverse=True,
    )
    values: dict[str, Any] = {
        **about,
        "worker": worker,
        "account": account,
        "is_kept": keeper == worker.shop,
        "is_new": bool(visit.query.get("new")),
        "rules": rules,
        "balance": next(filter(showing.is_money, found["balances"]), None),
        "visits": part_of(visit, visits, VISITS_SHOWN),
        "is_whole": book.is_whole,
        "served": sum(one.state in DONE for one in visits),
        "spent": sum(one.to_shop for one in visits),
        "missed": sum(one.state == "NO_SHOW_CUSTOMER" for one in visits),
        **await _cards(visit, worker.shop, account),
        "over": draw_qr(_takeover(visit, worker.shop, account), visit.words("customer.over_code")),
        "code": draw_qr(account, visit.words("customer.code")),
    }
    data = {**for_script(worker), "account": account, "kept": keeper == worker.shop}
    return visit.show("customer.html", data=data, **values)


def _takeover(visit: Visit, shop: str, account: str) -> str:
    origin = visit.setting.url or f"{visit.request.scheme}://{visit.request.host}"
    return f"{origin}/c/over?s={shop}&a={account}"


async def _cards(visit: Visit, shop: str, account: str) -> dict[str, Any]:
    """Return the customer's open cards at this shop, and the card after which others follow."""
    cards: list[dict[str, Any]] = []
    nothing = encode_id("crd", bytes(32))
    after = visit.query.get("card", "")[:CARD_LENGTH_MAX] or nothing
    for _ in range(CARDS_MAX):
        (found,) = await visit.ask.all(
            asked("prepaid.next_card", shop=shop, holder=account, after=after)
        )
        if isinstance(found, AskError) or found == nothing:
            break
        card, held = await visit.ask.all(
            asked("prepaid.card", card=found), asked("prepaid.held_money", card=found)
        )
        if isinstance(card, AskError) or isinstance(held, AskError):
            break
        cards.append({**card, "id": found, "held": held})
        after = found
    (following,) = await visit.ask.all(
        asked("prepaid.next_card", shop=shop, holder=account, after=after)
    )
    has_more = not isinstance(following, AskError) and following != nothing
    return {"cards": cards, "cards_after": after if has_more else ""}
