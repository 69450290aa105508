"""`washnode outbox`: what clients of a node sent and no block has yet."""

from typing import Any

import click

from node.commands.common import group
from node.commands.output import (
    EXIT_NOT_FOUND,
    EXIT_REJECTED,
    CommandError,
    confirm,
    finish,
    print_table,
    print_text,
)
from node.commands.signing import Signing, signing_options
from node.commands.words import t

LISTED_MAX = 200
_ID_SHOWN = 16  # digits of an id that a table has; a command takes as many


@group()
def outbox() -> None:
    """What was sent and is in no block yet; what has to be signed again."""


@outbox.command(name="list", node=True)
def list_outbox() -> None:
    """List what clients of the node sent and no block has yet.

    It is kept on disk and sent again by itself while the line is down. What expired is proven to
    be in no block: sign it again, or drop it.
    """
    from node.commands.connect import session

    with session("shop") as talk_to:
        found = talk_to.ask("outbox_list", limit=LISTED_MAX)
    again = next((one for one in found["items"] if _is_to_sign(one)), None)
    command = None if again is None else f"washnode outbox renew {again['tx_id'][:_ID_SHOWN]}"
    finish(found, lambda: _show(found), next_command=command)


def _is_to_sign(one: dict[str, Any]) -> bool:
    return bool(one["state"] == "expired" and not one["renewed_here"])


def _show(found: dict[str, Any]) -> None:
    from node.commands.events import show_time

    if found["cut_off"]:
        print_text(t("The line is down: what waits is kept, and sent when it is back."))
    if not found["items"]:
        print_text(t("Nothing waits."))
        return
    rows = [
        (
            one["tx_id"][:_ID_SHOWN],
            _say_state(one),
            ", ".join(one["actions"]),
            show_time(one["since"]),
            show_time(one["valid_until"]),
        )
        for one in found["items"]
    ]
    heads = (t("transaction"), t("state"), t("actions"), t("since"), t("valid until"))
    print_table(heads, rows)
    for one in found["items"]:
        if one["error"] is not None and one["state"] in {"refused", "failed", "unclear"}:
            print_text(f"{one['tx_id'][:_ID_SHOWN]}: {one['error']['message']}")


def _say_state(one: dict[str, Any]) -> str:
    if one["renewed_here"]:
        return t("is signed again here")
    said = {
        "waiting": t("not yet sent"),
        "expired": t("to be signed again"),
        "refused": t("refused"),
        "failed": t("failed in its block"),
        "unclear": t("not known here"),
    }
    return said.get(str(one["state"]), str(one["state"]))


@outbox.command(node=True)
@click.argument("tx_id", metavar="ID")
@signing_options
def renew(*, tx_id: str, signing: Signing) -> None:
    """Sign what expired again, with the key of --from, and send it in the place of the old one.

    Only what is proven to be in no block is taken, and only once: nothing is done twice.
    """
    from chain.ids import encode_id
    from node.commands.connect import session

    with session("shop") as talk_to:
        old = _find(talk_to, tx_id)
        decoded = talk_to.ask("tx_decode", tx=old["tx"])["transaction"]
        if signing.owner is None:
            account = old["sender"]
            signing = Signing(account, signing.key, signing.sponsor, signing.passphrase_file)
        who = signing.identity(talk_to)
        if encode_id("acct", who.account) != old["sender"]:
            seen = t("{name} is not who sent it", name=signing.owner)
            raise CommandError(seen, fix=t("name the key of {account}", account=old["sender"]))
        sponsor = signing.payer(talk_to)
        if sponsor is None and old["sponsor"] is not None:
            sponsor = "node_attests"
        options = {"key": who.signer, "account": who.account, "sponsor": sponsor}
        body = talk_to.wash.build(decoded["actions"], **options)
        signed = talk_to.wash.sign(body, key=who.signer, sponsor=sponsor)
        taken = talk_to.ask("outbox_renew", tx_id=old["tx_id"], tx=signed.data.hex())
    finish(taken, next_command=f"washnode tx wait {taken['tx_id']}")


@outbox.command(node=True)
@click.argument("tx_id", metavar="ID")
def drop(*, tx_id: str) -> None:
    """Take what is over off the list; what waits stays."""
    from node.commands.connect import session

    with session("shop") as talk_to:
        old = _find(talk_to, tx_id)
        if old["state"] == "waiting":
            raise CommandError(t("it may be in a block any moment"), EXIT_REJECTED)
        confirm(t("Forget {what} of {account}?", what=", ".join(old["actions"]),
                  account=old["sender"]))  # fmt: skip
        dropped = talk_to.ask("outbox_drop", tx_id=old["tx_id"])
    finish(dropped, t("Dropped."), next_command="washnode outbox list")


def _find(talk_to: Any, tx_id: str) -> dict[str, Any]:
    items: list[dict[str, Any]] = talk_to.ask("outbox_list", limit=LISTED_MAX)["items"]
    found = [one for one in items if one["tx_id"].startswith(tx_id.lower())]
    if len(found) != 1:
        seen = t("{tx_id} is not in the outbox", tx_id=tx_id)
        raise CommandError(seen, EXIT_NOT_FOUND, fix="washnode outbox list")
    return found[0]
