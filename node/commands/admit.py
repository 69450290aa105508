"""`washnode admit`: an operator's side of joining, at the gateway that lets shops in."""

import sys
from pathlib import Path
from typing import Any

import click

from node.commands.common import group
from node.commands.output import (
    EXIT_NOT_FOUND,
    EXIT_USAGE,
    fail,
    finish,
    print_facts,
    print_table,
    say,
)
from node.commands.signing import Signing, signing_options
from node.commands.words import lang, t

_HOUR_MS = 3_600_000
TERMINAL = "-"


@group()
def admit() -> None:
    """Let shops into the network with codes that are used once.

    The node is a gateway whose settings name an admitter's key: [keys] admitter.
    """


@admit.command(node=True)
@click.option(
    "--gateway",
    "gateways",
    multiple=True,
    metavar="URL",
    help="Where shops reach the gateway, as https://gate.example; others may follow.",
)
@click.option("--name", default="", help="The one name that the shop may take; default: any.")
@click.option("--note", default="", help="For whom it is; stays on the gateway.")
@click.option(
    "--hours",
    type=click.IntRange(1, 744),
    default=72,
    show_default=True,
    help="How long it is good.",
)
@click.option(
    "--qr", metavar="FILE", help="Make a QR code too: an SVG file, or - for the terminal."
)
def new(*, gateways: tuple[str, ...], name: str, note: str, hours: int, qr: str | None) -> None:
    """Make a code that lets one shop in.

    Hand it to the shop only: whoever is first with it is let in. What became of it: washnode admit
    list.
    """
    from node.commands.connect import session

    with session("admin") as talk_to:
        wanted = list(gateways) or _own_address(talk_to)
        made = talk_to.ask(
            "admin_join_code",
            gateways=wanted,
            name=name,
            note=note,
            valid_for_ms=hours * _HOUR_MS,
        )
    if qr is not None:
        _draw(made["code"], qr)
    facts = {"code": made["code"], "number": made["number"], "expires_at": made["expires_at"]}
    finish(facts, lambda: _show_new(facts), next_command=None)
    say(t("The shop types: washnode setup --code {code}", code=made["code"]))


def _own_address(talk_to: Any) -> list[str]:
    """Return where shops reach the node, of its settings; a node on this machine may be tried."""
    url = str(talk_to.url)
    if not url.startswith(("http://127.", "http://localhost", "http://[::1]", "https://")):
        seen = t("where do shops reach this gateway?")
        fail(seen, EXIT_USAGE, fix=t("give --gateway https://..."))
    return [url]


def _show_new(facts: dict[str, Any]) -> None:
    from node.commands.events import show_time

    shown = {**facts, "expires_at": show_time(facts["expires_at"])}
    print_facts(shown)


def _draw(text: str, where: str) -> None:
    import segno

    code = segno.make(text, error="m", micro=False)
    if where == TERMINAL:
        code.terminal(out=sys.stderr, compact=True)
        return
    if Path(where).exists():
        fail(t("{file} is there already", file=where), EXIT_USAGE)
    code.save(where, kind="svg", scale=4, xmldecl=False)


@admit.command("list", node=True)
def list_codes() -> None:
    """List the codes that this gateway made, and what became of each."""
    from node.commands.connect import session
    from node.commands.events import show_time

    with session("admin") as talk_to:
        found = talk_to.ask("admin_join_codes")["items"]

    def show() -> None:
        print_table(
            [t("number"), t("state"), t("shop"), t("account"), t("until"), t("note")],
            [
                (
                    one["number"],
                    _say_state(one["state"]),
                    one["shop_name"] or one["name"],
                    one["account"] or "",
                    show_time(one["expires_at"]),
                    one["note"],
                )
                for one in found
            ],
        )

    finish({"codes": found}, show)


def _say_state(state: str) -> str:
    says = {
        "open": t("open"),
        "over": t("over"),
        "revoked": t("taken back"),
        "used": t("used, on its way"),
        "admitted": t("admitted"),
    }
    return says[state]


@admit.command(node=True)
@click.argument("number")
@signing_options
def revoke(*, number: str, signing: Signing) -> None:
    """Take back the code with this NUMBER, which nobody has used yet.

    With --from an operator takes back any code that the chain knows, whichever gateway made it: two
    operators have to say so. Of a code that was used, the admission goes as well.
    """
    from node.commands.connect import session

    with session("admin") as talk_to:
        if signing.owner is None:
            found = talk_to.ask("admin_join_revoke", number=number)
        else:
            found = _undo(talk_to, number, signing)
    waits = found["voice"] is not None and found["state"] != "revoked"
    said = t("A second operator has to say the same: {number}", number=number) if waits else None
    said = said or t("Taken back: {number}", number=number)
    finish(found, said, next_command="washnode admit list")


def _undo(talk_to: Any, number: str, signing: Signing) -> dict[str, Any]:
    """Sign what takes back a code of any gateway; returns how it stands then."""
    from node.client.accounts import show_account

    def find() -> dict[str, Any]:
        items = talk_to.ask("admin_join_codes")["items"]
        found = [dict(one) for one in items if one["number"] == number]
        if not found:
            seen = t("no code {number} here", number=number)
            fail(seen, EXIT_NOT_FOUND, fix=t("see: washnode admit list"))
        return found[0]

    mark, who = find()["mark"], signing.identity(talk_to)
    built = talk_to.ask("join_undo_build", account=show_account(who.account), mark=mark)
    say(built["summary"][lang()])
    talk_to.wash.send(built["actions"], **signing.sender(talk_to))
    return find()
