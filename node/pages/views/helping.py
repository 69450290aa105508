"""/shop/helpers: customers who chose the shop as helper and lost their phone; the owner decides."""

import re
from typing import Any

from aiohttp import web

from node.pages.asking import AskError, asked
from node.pages.desk import Worker, find_worker, for_script, login_page
from node.pages.page import Shown, Visit, page
from node.pages.shopbook import ShopBook, read_book
from node.pages.views.console import read_shop

VISITS_SHOWN = 4
_ACCOUNT = re.compile(r"acct1[02-9ac-hj-np-z]{58}")
_KEY = re.compile(r"[0-9a-f]{64}")


@page("/shop/helpers", words="helping")
async def helping(visit: Visit) -> Shown | web.Response:
    """Show who asks for help, and one case with what the shop knows of that customer."""
    worker = await find_worker(visit)
    if worker is None:
        return login_page(visit)
    about = await read_shop(visit, worker.shop)
    book = await read_book(visit, worker.shop)
    found = await visit.ask("account_recoveries", guardian=worker.shop)
    params = await visit.ask("chain_getParams")
    account, key = visit.query.get("account", ""), visit.query.get("key", "")
    case = None
    if worker.is_owner and _ACCOUNT.fullmatch(account) and _KEY.fullmatch(key):
        case = await _case(visit, worker, account, key)
    return visit.show(
        "helping.html",
        **about,
        worker=worker,
        case=case,
        visits=_visits(book, account) if case else [],
        asking=[
            {**one, "agreed": worker.shop in one["recovery"]["approvals"]} for one in found["items"]
        ],
        delay=params["values"]["recovery_delay_ms"],
        data={**for_script(worker), "case": case, "after": f"{about['height']}-"},
    )


async def _case(visit: Visit, worker: Worker, account: str, key: str) -> dict[str, Any] | None:
    """Return what is known of one customer and the phone that asks; None for no such account."""
    record, health = await visit.ask.all(
        asked("account_get", account=account), asked("node_health")
    )
    if isinstance(record, AskError):
        return None
    if isinstance(health, AskError):
        raise health
    recovery = record["recovery"]
    is_this = recovery is not None and recovery["new_key"] == key
    ready_at = recovery["ready_at"] if is_this else None
    return {
        "account": account,
        "key": key,
        "chosen": worker.shop in record["guardians"],
        "helpers": len(record["guardians"]),
        "threshold": record["threshold"],
        "other": recovery is not None and not is_this,
        "approvals": len(recovery["approvals"]) if is_this else 0,
        "agreed": is_this and worker.shop in recovery["approvals"],
        "ready_at": ready_at,
        "is_over": ready_at is not None and health["time_ms"] >= ready_at,
        "is_done": key in [one["key"] for one in record["keys"]],
        "balance": record["balances"][0] if record["balances"] else None,
    }


def _visits(book: ShopBook, account: str) -> list[Any]:
    mine = [one for one in book.stays.values() if one.customer == account]
    return sorted(mine, key=lambda one: one.start, reverse=True)[:VISITS_SHOWN]
