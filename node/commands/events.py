"""`washnode events`: what happens on the chain, as it happens or from any point on."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

import click

from node.commands.common import group
from node.commands.output import print_json, print_text, say, show_money, talk, width_of
from node.commands.words import t
from node.terminal import speaks_unicode

PAGE = 200
LINE_COLUMNS_MAX = 160
_ID_BEGINNINGS = (10, 5)  # the shorter where a line would be too long otherwise
YEAR_2001_MS, YEAR_2200_MS = 978_307_200_000, 7_258_118_400_000
YEAR_10000_MS = 253_402_300_800_000  # the first that has no date of four digits

_ID = re.compile(r"[a-z]{2,8}1[0-9a-z]{20,}|[0-9a-f]{64}")


@group()
def events() -> None:
    """Follow what happens on the chain."""


@events.command(node=True)
@click.option("--type", "kind", metavar="TYPE", help="As booking.Closed, or booking.* for all.")
@click.option("--contract", metavar="CONTRACT", help="A contract's name or id.")
@click.option("--account", metavar="NAME", help="Events that name this account.")
@click.option(
    "--after", metavar="ID", help="Begin after this event; `earliest` shows all there were."
)
@click.option(
    "--value", "values", multiple=True, metavar="NAME=VALUE", help="Only where a field is this."
)
@click.option(
    "--follow/--no-follow", default=True, help="Go on with what happens, or stop at the newest."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Stop after so many.")
@click.option("--long", "is_long", is_flag=True, help="Whole ids, and lines of any length.")
def tail(
    *,
    kind: str | None,
    contract: str | None,
    account: str | None,
    after: str | None,
    values: tuple[str, ...],
    follow: bool,
    limit: int | None,
    is_long: bool,
) -> None:
    """Print events, one a line; with --json one object a line.

    Lost connections are taken up again: no event is missed, none is shown twice.
    """
    from node.commands.connect import session
    from node.commands.values import read_json_text, split_words

    with session() as talk_to:
        wanted: dict[str, Any] = {}
        if kind:
            wanted["type"] = kind
        if contract:
            wanted["contract"] = contract
        if account:
            wanted["account"] = talk_to.need_account(account)
        if values:
            wanted["values"] = {
                name: read_json_text(name, text) if is_json else _value(talk_to, text)
                for name, (text, is_json) in split_words(values).items()
            }
        start = after or ("latest" if follow else "earliest")
        found = _follow(talk_to, wanted, start) if follow else _past(talk_to, wanted, start)
        count = 0
        with suppress(KeyboardInterrupt):  # how a person ends it
            for event in islice(found, limit):
                _print(event, is_long=is_long)
                count += 1
    if not follow and not count:
        say(t("No events."))


def _value(talk_to: Any, text: str) -> Any:
    """Return a value of a field: a number, a truth, a name's account, or the text."""
    if text.lstrip("-").isdecimal() and text.isascii():
        return int(text)
    if text in {"true", "false"}:
        return text == "true"
    return talk_to.find_account(text) or text


def _follow(talk_to: Any, wanted: Mapping[str, Any], start: str) -> Iterator[dict[str, Any]]:
    say(t("Waiting for events; Ctrl-C ends."))
    stream = talk_to.wash.events(wanted, after=start)
    try:
        yield from stream
    finally:
        stream.close()


def _past(talk_to: Any, wanted: Mapping[str, Any], start: str) -> Iterator[dict[str, Any]]:
    place: str | None = start
    while place is not None:
        page = talk_to.ask("events_query", filter=wanted, after=place, limit=PAGE)
        yield from page["items"]
        place = page["next"]


def _print(event: Mapping[str, Any], *, is_long: bool) -> None:
    if talk().as_json:
        print_json(event)
        return
    at = show_time(event.get("time"))
    if is_long:
        print_text(f"{at} {event_line(event)}")
        return
    line = ""
    for kept in _ID_BEGINNINGS:
        line = f"{at} {event_line(event, kept)}"
        if width_of(line) <= LINE_COLUMNS_MAX:
            break
    print_text(cut(line, LINE_COLUMNS_MAX))


def event_line(event: Mapping[str, Any], kept: int | None = None) -> str:
    """Return an event on one line, ids whole or with so many `kept` of their first letters."""
    values = event.get("values") or {}
    shown = " ".join(f"{name}={show_value(one, kept)}" for name, one in values.items())
    return f"{event.get('id') or '-'} {event.get('type')} {shown}".rstrip()


def show_value(value: object, kept: int | None = None) -> str:
    """Return one value of an event as a person reads it; see `event_line`."""
    if isinstance(value, Mapping) and "amount" in value:
        return show_money(value)
    # An event does not say which of its numbers are times; hardly another is as large.
    if type(value) is int and YEAR_2001_MS <= value < YEAR_2200_MS:
        return show_time(value).replace(":00Z", "Z")
    text = str(value)
    if kept is None or _ID.fullmatch(text) is None:
        return text
    return text[:kept] + _ellipsis() + text[-4:]


def cut(text: str, columns: int) -> str:
    """Return a text that takes no more columns than these; what is left out shows as dots."""
    if width_of(text) <= columns:
        return text
    dots = _ellipsis()
    while width_of(text) > columns - len(dots):
        text = text[:-1]
    return text + dots


def _ellipsis() -> str:
    return "\u2026" if speaks_unicode(sys.stdout) else ".."


def show_time(time_ms: Any) -> str:
    """Return a time of the chain as people write it, UTC."""
    from time import gmtime, strftime

    if type(time_ms) is not int or not 0 <= time_ms < YEAR_10000_MS:
        return "-"
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(time_ms // 1_000))
