"""`washnode peer`: the nodes that this one is connected to."""

from typing import Any

import click

from node.commands.common import group
from node.commands.output import finish, print_table, print_text
from node.commands.words import t


@group()
def peer() -> None:
    """Look after connections to other nodes."""


@peer.command(name="list", node=True)
def list_peers() -> None:
    """List the connected nodes and how far each is."""
    from node.commands.connect import session

    with session() as talk_to:
        found = talk_to.ask("node_peers")

    def show_it() -> None:
        heads = (t("key"), t("role"), t("height"), t("round trip"), t("clock"), t("address"))
        print_table(heads, [_row(one) for one in found["peers"]])
        text = t(
            "{online} of {count} validators are connected, {quorum} are needed",
            online=found["online"],
            count=found["validators"],
            quorum=found["quorum"],
        )
        print_text(text)
        if found["nil_reason"]:
            print_text(found["nil_reason"])

    finish(found, show_it)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    trip, offset = one["round_trip_ms"], one["clock_offset_ms"]
    return (
        one["key"][:16],
        one["role"],
        "-" if one["height"] is None else str(one["height"]),
        "-" if trip is None else f"{trip} ms",
        "-" if offset is None else f"{offset:+} ms",
        one["url"] or "-",
    )


@peer.command(node=True)
def known() -> None:
    """List addresses that this node knows, and whom it does not answer."""
    _show_book(_ask("admin_peer_book"))


@peer.command(node=True)
@click.argument("url")
def add(*, url: str) -> None:
    """Dial a node from now on: peer add wss://node.example/p2p."""
    book = _ask("admin_peer_add", url=url)
    _show_book(book, note=t("For the next start put it into [p2p] peers of config.toml."))


@peer.command(node=True)
@click.argument("key")
@click.option("--for", "duration", default="1h", show_default=True, metavar="DURATION")
def ban(*, key: str, duration: str) -> None:
    """Close the connection to a node, and answer it no more for a while."""
    from node.commands.values import need_duration

    _show_book(_ask("admin_peer_ban", key=key, duration_ms=need_duration(duration)))


@peer.command(node=True)
@click.argument("key")
def pardon(*, key: str) -> None:
    """Forget what is held against a node."""
    _show_book(_ask("admin_peer_pardon", key=key))


def _ask(method: str, **params: Any) -> dict[str, Any]:
    from node.commands.connect import session

    with session("admin") as talk_to:
        answer: dict[str, Any] = talk_to.ask(method, **params)
    return answer


def _show_book(book: dict[str, Any], note: str = "") -> None:
    def show_it() -> None:
        from node.commands.events import show_time

        rows = [
            (
                one["url"],
                t("configured") if one["source"] == "configured" else t("told"),
                (one["key"] or "-")[:16],
                str(one["failures"]),
            )
            for one in book["addresses"]
        ]
        print_table((t("address"), t("source"), t("key"), t("failures")), rows)
        for one in book["banned"]:
            until = show_time(one["until_ms"])
            print_text(t("{subject} is banned until {time}", subject=one["subject"], time=until))
        if note:
            print_text(note)

    finish(book, show_it, next_command="washnode peer list")
