"""/c/over: a customer takes over, with an own phone, the card that a shop kept until now."""

from chain.errors import MalformedBytesError
from chain.ids import decode_id
from node.pages.page import GoneError, Shown, Visit, page


@page("/c/over", words="over")
async def over(visit: Visit) -> Shown:
    """Show the code that the counter scans, and follow until the card is this phone's."""
    shop, account = visit.query.get("s", ""), visit.query.get("a", "")
    try:
        decode_id(account, "acct")
    except MalformedBytesError:
        raise GoneError from None
    record = await visit.ask("shops.shop", shop=shop)
    keeper = await visit.ask("shops.keeper", account=account)
    is_kept = keeper == shop
    data = {"shop": shop, "account": account, "kept": is_kept}
    return visit.show("over.html", shop=shop, record=record, is_kept=is_kept, data=data)
