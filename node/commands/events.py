"""`washnode events`: what happens on the chain, as it happens or from any point on."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

import click

from node.commands.common import group
from node.commands.output import print_json, print_text, say, talk
from node.commands.words import t

PAGE = 200
YEAR_10000_MS = 253_402_300_800_000  # the first that has no date of four digits


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
def tail(
    *,
    kind: str | None,
    contract: str | None,
    account: str | None,
    after: str | None,
    values: tuple[str, ...],
    follow: bool,
    limit: int | None,
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
                _print(event)
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


def _print(event: Mapping[str, Any]) -> None:
    from node.commands.tx import event_line

    if talk().as_json:
        print_json(event)
    else:
        print_text(f"{show_time(event.get('time'))} {event_line(event)}")


def show_time(time_ms: Any) -> str:
    """Return a time of the chain as people write it, UTC."""
    from time import gmtime, strftime

    if type(time_ms) is not int or not 0 <= time_ms < YEAR_10000_MS:
        return "-"
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(time_ms // 1_000))
