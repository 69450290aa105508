"""`washnode report`: a shop's figures for its accountant."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from node.commands.common import group
from node.commands.output import (
    EXIT_USAGE,
    CommandError,
    confirm,
    fail,
    finish,
    print_table,
    print_text,
    show_money,
)
from node.commands.words import lang, t
from node.files import put_whole
from node.report.export import TABLES, Kind
from node.report.figures import BALANCE_TEXTS, FIGURES
from node.report.table import BOM, Cell, write_csv, write_json_lines

FORMATS = ("csv", "jsonl", "parquet")
LONG_S = 3_600.0  # years of a busy shop take minutes
_COUNTS = frozenset({"cards_open", "points_own", "points_shared"})
_COUNT_STARTS = ("bookings_", "visits_", "no_shows_", "points_", "vouchers_")
_COUNT_NAMES = frozenset({"cards_sold", "card_uses", "cards_left"})
_SHOP = click.option(
    "--shop", metavar="SHOP", help="The shop; default: the one that the node co-signs for."
)
_ZONE = click.option(
    "--zone", metavar="ZONE", help="Time zone if the shop's profile names none: Asia/Shanghai."
)


@group()
def report() -> None:
    """A shop's figures, from the chain's events: by day and service, for the accountant."""


@report.command(node=True)
@click.argument("day", required=False)
@_SHOP
@_ZONE
def day(*, day: str | None, shop: str | None, zone: str | None) -> None:
    """Sum up one DAY, as 2026-01-31 or today or yesterday. Default: yesterday."""
    found = _ask("report_day", date=day or "yesterday", **_who(shop, zone))
    following = f"washnode report period {found['first'][:8]}01 {found['last']}"
    finish(found, lambda: _show(found), next_command=following)


@report.command(node=True)
@click.argument("first")
@click.argument("last")
@_SHOP
@_ZONE
def period(*, first: str, last: str, shop: str | None, zone: str | None) -> None:
    """Sum up the days from FIRST to LAST, both included: of all, and by service."""
    found = _ask("report_period", **{"from": first}, to=last, **_who(shop, zone))
    following = f"washnode report export {found['first']} {found['last']} --out report.csv"
    finish(found, lambda: _show(found), next_command=following)


@report.command(node=True)
@click.option("--shop", metavar="SHOP", help="One shop; default: all.")
@click.option("--height", type=click.IntRange(min=0), help="As it was after this block.")
def compliance(*, shop: str | None, height: int | None) -> None:
    """Show what each shop holds for customers, how far it is covered, and what is to be filed.

    To be filed, by the rule for vehicle services in Beijing: more than 100,000.00 of prepaid money,
    or more than 100 open cards.
    """
    at = {} if height is None else {"height": height}
    found = _ask("report_compliance", **_who(shop, None), **at)
    finish(found, lambda: _show_compliance(found))


@report.command(node=True)
@click.argument("first")
@click.argument("last")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="The new file; its ending chooses the format: .csv, .jsonl or .parquet.",
)
@click.option(
    "--kind",
    type=click.Choice(list(TABLES)),
    default="days",
    show_default=True,
    help="days: figures by day and service; journal: line by line.",
)
@click.option("--excel", is_flag=True, help="Mark a CSV as UTF-8, so that Excel shows Chinese.")
@_SHOP
@_ZONE
def export(
    *,
    first: str,
    last: str,
    out: Path,
    kind: Kind,
    excel: bool,
    shop: str | None,
    zone: str | None,
) -> None:
    """Write the days from FIRST to LAST into one file: CSV, JSON lines, or Parquet.

    Parquet needs an extra: pip install 'washnode[analytics]'. What the columns say is in
    docs/reports.md.
    """
    ending = out.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        fail(t("{path}: take a name that ends with .csv, .jsonl or .parquet", path=out), EXIT_USAGE)
    make_parquet = _find_parquet() if ending == "parquet" else None
    if out.exists():
        confirm(t("Replace {path}?", path=out))
    rows = _fetch_rows(kind, first, last, _who(shop, zone))
    columns = TABLES[kind]
    if make_parquet is not None:
        data = make_parquet(columns, rows)
    elif ending == "csv":
        data = ((BOM if excel else "") + "".join(write_csv(columns, rows))).encode()
    else:
        data = "".join(write_json_lines(columns, rows)).encode()
    put_whole(out, data, replace=True)
    facts = {"path": str(out), "rows": len(rows), "bytes": len(data), "kind": kind}
    finish(facts, t("{path}: {rows} rows", path=out, rows=len(rows)))


def _find_parquet() -> Any:
    try:
        from node.report.parquet import parquet_bytes
    except ImportError as error:
        fix = "python -m pip install 'washnode[analytics]'"
        raise CommandError(t("Parquet files need pyarrow"), fix=fix) from error
    return parquet_bytes


def _fetch_rows(kind: Kind, first: str, last: str, who: Mapping[str, Any]) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    cursor: dict[str, str] = {}
    while True:
        page = _ask("report_export", kind=kind, **{"from": first}, to=last, **who, **cursor)
        rows += page["rows"]
        if page["next_cursor"] is None:
            return rows
        cursor = {"cursor": page["next_cursor"]}


def _ask(method: str, **params: Any) -> Any:
    from node.commands.connect import session

    with session("shop", timeout_s=LONG_S) as talk_to:
        if "shop" in params:
            params["shop"] = talk_to.need_account(params["shop"])
        for name in params.keys() & {"date", "from", "to"}:
            params[name] = _day(str(params[name]), talk_to.now_ms)
        return talk_to.ask(method, **params)


def _who(shop: str | None, zone: str | None) -> dict[str, Any]:
    given = {"shop": shop, "zone": zone}
    return {name: value for name, value in given.items() if value is not None}


def _day(text: str, now_ms: Callable[[], int]) -> str:
    """Return a day as ISO text; today is that of the node's clock in this machine's zone."""
    ago = {"today": 0, "yesterday": 1}.get(text)
    if ago is not None:
        now = datetime.fromtimestamp(now_ms() / 1_000, UTC).astimezone()
        return (now.date() - timedelta(ago)).isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        seen = t("{text!r} is no day", text=text[:40])
        fail(seen, EXIT_USAGE, fix=t("write it like 2026-01-31, today or yesterday"))


def _show(found: Mapping[str, Any]) -> None:
    days = (
        found["first"] if found["first"] == found["last"] else f"{found['first']} - {found['last']}"
    )
    print_text(f"{found['name']}, {days} ({found['zone']})")
    if not found["is_over"]:
        print_text(t("The last day is not over yet on the chain."))
    place = 0 if lang() == "en" else 1
    currency = found["currency"]
    rows = [
        (FIGURES[name][place], _figure(name, value, currency))
        for name, value in found["figures"].items()
        if name in FIGURES
    ]
    if found["customers"] is not None:
        rows.insert(0, (t("customers"), str(found["customers"])))
    print_table((t("figure"), t("of all")), rows)
    if found["closing"] is not None:
        balances = [
            (texts[place], *(_figure(name, found[when][name], currency) for when in _WHEN))
            for name, texts in BALANCE_TEXTS.items()
            if found["opening"][name] or found["closing"][name]
        ]
        if balances:
            print_table((t("open"), t("before"), t("after")), balances)
    services = [
        (
            one["service_name"] or t("no service"),
            str(one["figures"].get("visits_settled", 0) + one["figures"].get("card_uses", 0)),
            _figure("paid_to_shop", one["figures"].get("paid_to_shop", 0), currency),
            _figure("cards_earned", one["figures"].get("cards_earned", 0), currency),
        )
        for one in found["services"]
        if one["service"]
    ]
    if services:
        print_table((t("service"), t("visits"), t("paid"), t("used up on cards")), services)


_WHEN = ("opening", "closing")


def _figure(name: str, value: int, currency: str | None) -> str:
    is_count = name in _COUNTS | _COUNT_NAMES or name.startswith(_COUNT_STARTS)
    is_count = is_count and name != "bookings_held"
    return f"{value:,}" if is_count else show_money({"amount": value, "currency": currency})


def _show_compliance(found: Mapping[str, Any]) -> None:
    currency = found["currency"]

    def money(amount: int | None) -> str:
        return "-" if amount is None else show_money({"amount": amount, "currency": currency})

    heads = (
        t("shop"),
        t("status"),
        t("owed"),
        t("on hold"),
        t("cover"),
        t("cards"),
        t("to be filed"),
    )
    rows = [
        (
            one["name"],
            one["status"],
            money(one["liability"]),
            money(one["held"]),
            f"{one['cover_bp'] / 100:.2f} %",
            f"{one['cards']:,}",
            t("yes") if one["large"] else t("no"),
        )
        for one in found["shops"]
    ]
    print_table(heads, rows)
    for one in found["shops"]:
        if one["agrees"] is False:
            text = t(
                "{name}: the events give other figures than the contract; tell the operators",
                name=one["name"],
            )
            print_text(text)
        if one["claims"]:
            text = t(
                "{name}: {claims} owed to former holders is not covered",
                name=one["name"],
                claims=money(one["claims"]),
            )
            print_text(text)
    for one in found["reserves"]:
        text = t(
            "issuer {issuer}: owes {owed}, stated {stated}",
            issuer=one["issuer"],
            owed=money(one["liability"]),
            stated=money(one["attested"]),
        )
        print_text(text)
