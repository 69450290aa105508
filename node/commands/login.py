"""`washnode login`: names and PINs with which operators act in a browser at this node."""

import os
from pathlib import Path

import click

from node.commands.common import group
from node.commands.output import EXIT_KEY, EXIT_USAGE, fail, finish, is_terminal, print_table
from node.commands.signing import Signing, signing_options
from node.commands.words import t

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PIN_VARIABLE = "WASH_PIN"


@group()
def login() -> None:
    """Let operators and admitters act at this node's /ops pages, with name and PIN.

    Each login has a key of its own, sealed under the PIN: it votes and lets shops in, moves no
    money, gives no keys, and ends after a year.
    """


@login.command(node=True)
@click.argument("name")
@click.option("--pin-file", type=_FILE, metavar="FILE", help="Has the PIN. Default: WASH_PIN.")
@signing_options
def add(*, name: str, pin_file: Path | None, signing: Signing) -> None:
    """Make a login under NAME for the account of --from, whose own key says so on the chain.

    The PIN has 8 to 12 digits. Afterwards the account's own key can lie elsewhere.
    """
    from node.client.accounts import show_account
    from node.commands.connect import session

    pin = read_pin(pin_file)
    with session("admin") as talk_to:
        who = signing.identity(talk_to)
        wish = {"name": name, "pin": pin, "account": show_account(who.account)}
        made = talk_to.ask("admin_operator_add", **wish)
        try:
            talk_to.wash.send([made["action"]], **signing.sender(talk_to))
        except BaseException:
            talk_to.ask("admin_operator_remove", id=made["id"])  # of no use without the chain
            raise
    said = t("{name} can log in at /ops/login.", name=name)
    finish(made, said, next_command="washnode login list")


def read_pin(file: Path | None) -> str:
    """Return a PIN of a file, of WASH_PIN, or typed twice."""
    from node.commands.passphrase import read_passphrase_file

    if file is not None:
        return read_passphrase_file(file)
    if _PIN_VARIABLE in os.environ:
        return os.environ[_PIN_VARIABLE]
    if not is_terminal():
        seen = t("a PIN is needed and nobody is there to ask")
        fail(seen, EXIT_USAGE, fix=t("give --pin-file FILE"))
    pin: str = click.prompt(t("A PIN of 8 to 12 digits"), hide_input=True, err=True)
    if click.prompt(t("Once more"), hide_input=True, err=True) != pin:
        fail(t("The two differ; type it again."), EXIT_KEY)
    return pin


@login.command("list", node=True)
def list_logins() -> None:
    """List who can act for which account at this node."""
    from node.commands.connect import session
    from node.commands.events import show_time

    with session("admin") as talk_to:
        found = talk_to.ask("admin_operator_list")["items"]
    rows = [
        (one["id"], one["name"], one["account"], ", ".join(one["roles"]), show_time(one["until"]))
        for one in found
    ]
    head = [t("id"), t("name"), t("account"), t("roles"), t("until")]
    finish({"logins": found}, lambda: print_table(head, rows))


@login.command(node=True)
@click.argument("login_id", metavar="ID")
@signing_options
def remove(*, login_id: str, signing: Signing) -> None:
    """Forget the login with this ID; with --from its key leaves the account as well."""
    from node.commands.connect import session

    with session("admin") as talk_to:
        gone = talk_to.ask("admin_operator_remove", id=login_id)
        if signing.owner is not None:
            action = {"type": "remove_key", "key": gone["key"]}
            talk_to.wash.send([action], **signing.sender(talk_to))
    finish(gone, t("Removed: {name}", name=gone["name"]), next_command="washnode login list")
