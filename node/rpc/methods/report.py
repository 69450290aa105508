"""`report_*`: what a shop's accountant asks for, made of the chain's events."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from chain.errors import UnknownIdError
from node.keys.acting import account_of
from node.report.export import TABLES, day_rows, journal_row
from node.report.export import Kind as TableKind
from node.report.figures import Report, Sums
from node.report.history import History
from node.report.lines import Line
from node.report.making import BOOKING, Shop, begin_report, journal
from node.report.table import Cell, write_csv, write_json_lines
from node.rpc.cursor import decode_cursor, encode_cursor
from node.rpc.errors import InvalidParamsError
from node.rpc.forms.reports import ExportJson, PlaceJson, ReportJson
from node.rpc.forms.shape_basics import account_text
from node.rpc.params import AccountId, Cursor, Text
from node.rpc.registry import Call, rpc_method

ROWS_MAX = 5_000  # in one answer
DAYS_MAX = 400  # in one report


def parse_day(value: object) -> date:
    """Return the date that an ISO text names."""
    length = len("2026-01-31")
    try:
        if isinstance(value, str) and len(value) == length:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError("must be a date like 2026-01-31")


Day = Annotated[
    date,
    PlainValidator(parse_day),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
            "description": "A day of the shop's calendar, as 2026-01-31.",
        }
    ),
]
Zone = Annotated[Text, Field(description="Time zone for a shop whose profile names none.")]
_REFUSALS = (InvalidParamsError, UnknownIdError)
ShopAccount = Annotated[
    AccountId | None, Field(description="Default: the shop whose key this node co-signs with.")
]


@rpc_method(tier="shop", errors=_REFUSALS)
async def report_day(
    call: Call, *, date: Day, shop: ShopAccount = None, zone: Zone = ""
) -> ReportJson:
    """Sum up a day of a shop: money by service, visits, cards, points and vouchers.

    The day is one of the shop's calendar. What is not final yet is not in it.
    """
    return await _report(call, _shop(call, shop, zone), date, date)


@rpc_method(tier="shop", errors=_REFUSALS)
async def report_period(
    call: Call, *, from_: Day, to: Day, shop: ShopAccount = None, zone: Zone = ""
) -> ReportJson:
    """Sum up some days of a shop, the last one included: of all, by service, and by day."""
    return await _report(call, _shop(call, shop, zone), from_, to)


@rpc_method(tier="shop", errors=_REFUSALS)
async def report_export(
    call: Call,
    *,
    kind: TableKind,
    from_: Day,
    to: Day,
    format: Literal["rows", "csv", "jsonl"] = "rows",  # noqa: A002 - the name on the wire
    shop: ShopAccount = None,
    zone: Zone = "",
    cursor: Cursor | None = None,
) -> ExportJson:
    """Give a table of some days of a shop: the journal event by event, or figures by day.

    Texts that a spreadsheet would take for a formula have an apostrophe in front in CSV. The names
    of columns stand in the first part of a CSV only.
    """
    of = _shop(call, shop, zone)
    columns = TABLES[kind]
    table = ["report_export", kind, from_.isoformat(), to.isoformat(), of.account]
    start, height = 0, None
    if cursor is not None:
        start, height = map(_whole, decode_cursor(cursor, table))
    head = head_of(call, height)
    rows = await _rows(call, kind, of, _begin(of, from_, to), head["height"])
    page = rows[start : start + ROWS_MAX]
    more = len(rows) > start + ROWS_MAX
    written = None
    if format == "csv":
        lines_of_file = write_csv(columns, page)
        if start:
            next(lines_of_file)
        written = "".join(lines_of_file)
    elif format == "jsonl":
        written = "".join(write_json_lines(columns, page))
    return {
        "at": head,
        "columns": [
            {"name": one.name, "kind": one.kind, "text": one.text, "zh": one.zh} for one in columns
        ],
        "rows": page if written is None else None,
        "text": written,
        "next_cursor": encode_cursor(table, (start + ROWS_MAX, head["height"])) if more else None,
    }


async def _rows(
    call: Call, kind: TableKind, shop: Shop, report: Report, height: int
) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    async for lines in lines_of(call, shop, height):
        report.take(lines)
        if kind == "journal":
            rows += [
                journal_row(line, shop.calendar, shop.service_name(line.service))
                for line in lines
                if report.from_ms <= line.time_ms < report.until_ms
            ]
    if kind == "journal":
        return rows
    names = {number: shop.service_name(number) for number in report.by_service}
    return list(day_rows(report, names))


def _whole(part: object) -> int:
    assert isinstance(part, int), "decode_cursor gives what was asked for"
    return part


# Inside ------------------------------------------------------------------------------------------


def _shop(call: Call, shop: bytes | None, zone: str) -> Shop:
    node = call.node
    own = None if node.sponsor is None else account_of(node.sponsor)
    account = own if shop is None else shop
    if account is None:
        raise InvalidParamsError("shop", "is missing; this node co-signs for no shop")
    return Shop(node, account, zone)


def head_of(call: Call, height: int | None = None, field: str = "cursor") -> PlaceJson:
    """Return a block of the chain: the newest, or that of a height."""
    ledger = call.node.ledger
    if height is None or height == ledger.height:
        return {"height": ledger.height, "hash": ledger.head_id.hex(), "time": ledger.head.time_ms}
    if height > ledger.height:
        raise InvalidParamsError(field, f"is beyond this node's newest block, {ledger.height}")
    if height < ledger.store.base_height:
        raise InvalidParamsError(field, f"is below {ledger.store.base_height}, the first kept here")
    above = ledger.store.header(height + 1)
    header = ledger.store.header(height)
    return {"height": height, "hash": above.parent_id.hex(), "time": header.time_ms}


def _begin(shop: Shop, first: date, last: date) -> Report:
    if not 0 <= (last - first).days < DAYS_MAX:
        raise InvalidParamsError("to", f"must be at or after `from`, {DAYS_MAX} days at most")
    try:
        return begin_report(shop, first, last)
    except (OverflowError, ValueError, OSError):
        raise InvalidParamsError("from", "is no day that a calendar here can tell") from None


async def lines_of(call: Call, shop: Shop, height: int) -> AsyncIterator[list[Line]]:
    """Yield a shop's lines up to a height, giving way in between."""
    history = History(call.node, shop.account, height)
    for lines in journal(call.node, history, shop.account):
        yield lines
        await asyncio.sleep(0)  # blocks and other answers come first


async def _report(call: Call, shop: Shop, first: date, last: date) -> ReportJson:
    head = head_of(call)
    report = _begin(shop, first, last)
    async for lines in lines_of(call, shop, head["height"]):
        report.take(lines)
    is_whole = call.node.ledger.store.base_height == 0
    before, after = report.balances()
    return {
        "at": head,
        "shop": account_text(shop.account),
        "name": shop.name,
        "zone": shop.calendar.zone,
        "first": first.isoformat(),
        "last": last.isoformat(),
        "from_ms": report.from_ms,
        "until_ms": report.until_ms,
        "is_over": head["time"] >= report.until_ms,
        "currency": currency_of(call.node),
        "opening": before if is_whole else None,
        "closing": after if is_whole else None,
        "customers": report.total.customers,
        "figures": _figures(report.total),
        "services": [
            {
                "service": number,
                "service_name": shop.service_name(number),
                "customers": sums.customers,
                "figures": _figures(sums),
            }
            for number, sums in sorted(report.by_service.items())
        ],
        "days": [
            {
                "date": day,
                "service": number,
                "service_name": shop.service_name(number),
                "customers": sums.customers,
                "figures": _figures(sums),
            }
            for (day, number), sums in sorted(report.by_day.items())
        ],
    }


def _figures(sums: Sums) -> dict[str, int]:
    return {name: value for name, value in sums.columns().items() if value}


def currency_of(node: Any) -> str | None:
    """Return the symbol of the money that bookings are paid in."""
    state = node.state()
    booking = node.abis.installed(state, BOOKING)
    info = None if booking is None else node.abis.contract(state, booking)
    return None if info is None or not info.assets else str(info.assets[0][2])
