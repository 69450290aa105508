"""/x: the explorer: blocks, transactions, accounts, contracts, as the node tells every program."""

import json
import re
from collections import Counter
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from aiohttp import web

from chain.ids import encode_id
from node.pages import showing
from node.pages.asking import AskError, asked
from node.pages.page import GoneError, Shown, Visit, page
from node.pages.shops import some_shops

NEWEST = 12
LISTED = 25
NAME_LENGTH_MAX = 100  # of what is looked for in names of shops
TOLD = 20  # receipts of one block that are told in words
_ADDRESS = {
    "block": "/x/block/",
    "transaction": "/x/tx/",
    "account": "/x/account/",
    "shop": "/x/account/",
    "contract": "/x/contract/",
}
_PREFIXES = {"acct1": "/x/account/", "ctr1": "/x/contract/", "bkg1": "/b/", "crd1": "/c/cards/"}
_HASH_CHARS = 64
_HASH = re.compile(r"[0-9a-f]{64}")
# Contracts count time in ms like this. A number that only looks so is still shown beside it.
_TIMES_MS = range(1_000_000_000_000, 10_000_000_000_000)
_NOBODY = encode_id("acct", bytes(32))  # reads sentences in which nobody is "you"


# Lists --------------------------------------------------------------------------------------------


@page("/x", words="explorer")
async def newest(visit: Visit) -> Shown:
    """Show the newest blocks and transactions, and where one can go from here."""
    head, blocks, transactions, node = await visit.ask.all(
        asked("chain_head"),
        asked("chain_listBlocks", limit=NEWEST),
        asked("tx_list", limit=NEWEST),
        asked("node_info"),
    )
    shops = await some_shops(visit, LISTED)
    return visit.show(
        "explorer.html",
        head=_sure(head)["header"],
        blocks=_sure(blocks)["items"],
        transactions=_items(transactions),
        shops=shops["items"],
        more_shops_after=shops["next"],
        node=_sure(node),
        data={"after": f"{_sure(head)['header']['height']}-"},
    )


@page("/x/search", words="explorer")
async def search(visit: Visit) -> Shown | web.Response:
    """Show what a text names; go there at once if it names one thing."""
    text = visit.query.get("q", "").strip()[:200]
    found, more = await _search(visit, text)
    hits = [{**one, "url": _url_of(one)} for one in found]
    if len(hits) == 1 and hits[0]["url"] and not more and "after" not in visit.query:
        return web.Response(status=303, headers={"Location": hits[0]["url"]})
    return visit.show("explorer_search.html", text=text, hits=hits, further=more)


async def _search(visit: Visit, text: str) -> tuple[list[dict[str, str]], str | None]:
    """Return what a text names, and where shops of such a name go on."""
    if not text:
        return [], None
    (found,) = await visit.ask.all(asked("chain_search", q=text))
    shops = await some_shops(visit, LISTED, name=text[:NAME_LENGTH_MAX])
    if isinstance(found, AskError):
        if found.name != "INVALID_PARAMS":
            raise found
        found = []
    named = [{"type": "shop", "id": one["shop"], "label": one["name"]} for one in shops["items"]]
    return [*named, *([] if "after" in visit.query else found)], shops["next"]


@page("/x/blocks", words="explorer")
async def blocks(visit: Visit) -> Shown:
    """Show all blocks, a page at a time."""
    found = await visit.ask("chain_listBlocks", limit=LISTED, **_cursor(visit))
    return visit.show("explorer_blocks.html", found=found)


@page("/x/contracts", words="explorer")
async def contracts(visit: Visit) -> Shown:
    """Show the contracts on the chain."""
    found = await visit.ask("contract_list", limit=LISTED, **_cursor(visit))
    return visit.show("explorer_contracts.html", found=found)


@page("/x/parameters", words="explorer")
async def parameters(visit: Visit) -> Shown:
    """Show the chain's parameters."""
    return visit.show("explorer_parameters.html", params=await visit.ask("chain_getParams"))


@page("/x/validators", words="explorer")
async def validators(visit: Visit) -> Shown:
    """Show who makes the blocks and how many of them must agree."""
    return visit.show("explorer_validators.html", found=await visit.ask("validator_list"))


# One of them --------------------------------------------------------------------------------------


@page("/x/block/{id}", words="explorer")
async def block(visit: Visit) -> Shown:
    """Show a block, by height or id, with what happened in it."""
    named = visit.part("id")
    is_hash = len(named) == _HASH_CHARS
    if not is_hash and not (named.isascii() and named.isdigit() and len(named) < 16):  # noqa: PLR2004
        raise GoneError
    wish: dict[str, Any] = {"hash": named} if is_hash else {"height": int(named)}
    found = await visit.ask("chain_getBlock", **wish)
    header, ids = found["header"], found.get("receipt_ids", [])
    height, time_ms = header["height"], header["time_ms"]
    told = await visit.ask.all(
        *[
            _explain(visit, time_ms, height=height, index=number)
            for number in range(min(len(ids), TOLD))
        ]
    )
    lines = [
        {"index": number, "id": one, "text": _sentence(told[number]) if number < TOLD else ""}
        for number, one in enumerate(ids)
    ]
    return visit.show(
        "explorer_block.html",
        header=header,
        block=found,
        lines=lines,
        signed=len((found["certificate"] or {}).get("signers", [])),
    )


@page("/x/tx/{id}", words="explorer")
async def transaction(visit: Visit) -> Shown:
    """Show a transaction: what it did in words, then its fields, its events, its proof."""
    name = visit.part("id")
    status = await visit.ask("tx_get", tx_id=name)
    if status["status"] == "unknown":
        raise GoneError("x.gone")
    receipt = status.get("receipt")
    body = None
    if receipt:
        body = await _body(visit, receipt["height"], name)
    told = (await visit.ask.all(_explain(visit, (receipt or {}).get("time") or 0, tx_id=name)))[0]
    return _show_receipt(visit, (name, status["status"]), receipt, told, body)


async def _body(visit: Visit, height: int, name: str) -> dict[str, Any] | None:
    """Return a transaction's own fields; None where this node keeps the block's header alone."""
    (found,) = await visit.ask.all(asked("chain_getBlock", height=height, detail="full"))
    listed = [] if isinstance(found, AskError) else found.get("transactions", [])
    return next((one for one in listed if one["tx_id"] == name), None)


@page("/x/receipt/{height:[0-9]{1,15}}/{index:[0-9]{1,8}}", words="explorer")
async def receipt(visit: Visit) -> Shown:
    """Show what happened by itself when it was due."""
    height, index = int(visit.part("height")), int(visit.part("index"))
    found = await visit.ask("chain_getBlock", height=height, detail="full")
    receipts = found.get("receipts", [])
    if index >= len(receipts):
        raise GoneError("x.gone")
    one = receipts[index]
    (told,) = await visit.ask.all(_explain(visit, one["time"], height=height, index=index))
    return _show_receipt(visit, (one["id"], one["status"]), one, told, None)


def _show_receipt(
    visit: Visit, named: tuple[str, str], receipt: Any, told: Any, body: Any
) -> Shown:
    words = {"sentence": "", "steps": []} if isinstance(told, AskError) else told
    return visit.show(
        "explorer_tx.html",
        id=named[0],
        state=named[1],
        receipt=receipt,
        told=words,
        body=body,
        actions=[_fields(one) for one in (body or {}).get("actions", [])],
        events=[
            {"type": one["type"], "id": one["id"], "fields": _fields(one["values"])}
            for one in (receipt or {}).get("events", [])
        ],
        raw=json.dumps(body or receipt, ensure_ascii=False, indent=1),
    )


@page("/x/proof/{height:[0-9]{1,15}}/{index:[0-9]{1,8}}", words="explorer")
async def proof(visit: Visit) -> web.Response:
    """Give the proof of a receipt as a file, which can be checked without this node."""
    height, index = int(visit.part("height")), int(visit.part("index"))
    found = await visit.ask("chain_getProof", kind="receipt", height=height, index=index)
    name = f"proof-{height}-{index}.json"
    return web.Response(
        text=json.dumps(found, indent=1),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@page("/x/account/{id}", words="explorer")
async def account(visit: Visit) -> Shown:
    """Show an account: what it has, what happened to it, and what it is if it is a shop."""
    name = visit.part("id")
    found, history, record, standing, figures, cover = await visit.ask.all(
        asked("account_get", account=name),
        asked("account_history", account=name, limit=LISTED, **_cursor(visit)),
        asked("shops.shop", shop=name),
        asked("shops.standing", shop=name),
        asked("shops.figures", shop=name),
        asked("prepaid.cover", shop=name),
    )
    is_shop = not isinstance(record, AskError) and bool(record.get("name"))
    return visit.show(
        "explorer_account.html",
        account=_sure(found),
        history=_history(history),
        shop=record if is_shop else None,
        standing=standing if is_shop and not isinstance(standing, AskError) else None,
        figures=figures if is_shop and not isinstance(figures, AskError) else {},
        cover=cover if is_shop and not isinstance(cover, AskError) else None,
    )


@page("/x/contract/{id}", words="explorer")
async def contract(visit: Visit) -> Shown:
    """Show a contract: what each of its functions does, and the money it holds."""
    name = visit.part("id")
    found, pots = await visit.ask.all(
        asked("contract_get", contract=name),
        asked("contract_pots", contract=name, limit=LISTED, **_cursor(visit)),
    )
    listed = {"items": [], "next_cursor": None} if isinstance(pots, AskError) else pots
    for one in listed["items"]:
        one["of"] = [_value(part) for part in one["key"]]
    return visit.show(
        "explorer_contract.html", contract=_sure(found), abi=found["abi"], pots=listed
    )


# What they share ----------------------------------------------------------------------------------


def _cursor(visit: Visit) -> dict[str, str]:
    cursor = visit.query.get("cursor", "")
    return {"cursor": cursor} if cursor else {}


def _explain(visit: Visit, at_ms: int, **which: Any) -> Any:
    offset = showing.at_zone(at_ms, visit.setting.zone).utcoffset() or timedelta()
    minutes = offset // timedelta(minutes=1)
    return asked(
        "tx_explain", lang=visit.words.lang, account=_NOBODY, utc_offset_min=minutes, **which
    )


def _sure(answer: Any) -> Any:
    if isinstance(answer, AskError):
        raise answer
    return answer


def _items(answer: Any) -> list[Any]:
    return [] if isinstance(answer, AskError) else answer["items"]


def _history(answer: Any) -> Any:
    if isinstance(answer, AskError):
        return {"items": [], "next_cursor": None}
    for one in answer["items"]:
        counts = Counter(event["type"] for event in one["events"])
        one["told"] = [{"type": name, "count": count} for name, count in counts.items()]
    return answer


def _sentence(told: Any) -> str:
    return "" if isinstance(told, AskError) else str(told["sentence"])


def _url_of(hit: dict[str, str]) -> str:
    """Return where a hit of the search leads to; nothing for what has no page."""
    if hit["type"] in _ADDRESS:
        return _ADDRESS[hit["type"]] + quote(hit["id"], safe="")
    return str(_value(hit["id"])["url"])


def _fields(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return names and values, those within values among them: arguments.start."""
    rows: list[dict[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, dict) and value and not _is_money(value):
            rows += [{**row, "name": f"{name}.{row['name']}"} for row in _fields(value)]
        else:
            rows.append({"name": name, **_value(value)})
    return rows


def _is_money(value: dict[str, Any]) -> bool:
    return value.keys() == {"amount", "currency", "asset"}


def _value(value: Any) -> dict[str, Any]:
    """Return how a value is shown, and the page that tells more of it."""
    shown: dict[str, Any] = {"text": "", "url": "", "is_hash": False, "ms": None}
    if isinstance(value, dict) and _is_money(value):
        # Points and the like have no decimals that this page knows of.
        bare = f"{value['amount']} {value['currency'] or ''}"
        return shown | {"text": showing.show_money(value) if showing.is_money(value) else bare}
    if not isinstance(value, str):
        is_time = isinstance(value, int) and value in _TIMES_MS
        text = json.dumps(value, ensure_ascii=False)
        return shown | {"text": text, "ms": value if is_time else None}
    prefix = value.split("1", 1)[0] + "1"
    is_id = value.isascii() and value.isalnum() and prefix in _PREFIXES
    is_hash = bool(_HASH.fullmatch(value))
    return shown | {
        "text": value, "url": _PREFIXES[prefix] + value if is_id else "", "is_hash": is_hash,
    }  # fmt: skip
