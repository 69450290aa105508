"""`washnode cashier`: names and PINs with which money is put in and paid out at /desk."""

from pathlib import Path

import click

from node.commands.common import group
from node.commands.login import read_pin
from node.commands.output import finish, print_table
from node.commands.words import t

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@group()
def cashier() -> None:
    """Let people work at the money desk of this node's account, with name and PIN.

    The node's keys.sponsor is the account that issues the money. Each cashier has a key of its own:
    it gives money within the issuer's limits, pays requests out and states the reserves.
    """


@cashier.command(node=True)
@click.argument("name")
@click.option("--pin-file", type=_FILE, metavar="FILE", help="Has the PIN. Default: WASH_PIN.")
def add(*, name: str, pin_file: Path | None) -> None:
    """Let somebody work at the desk under NAME; the PIN has 8 to 12 digits."""
    from node.commands.connect import session

    pin = read_pin(pin_file)
    with session("shop") as talk_to:
        made = talk_to.ask("staff_add", name=name, pin=pin, duty="cashier")
    said = t("{name} can log in at /desk.", name=name)
    finish(made, said, next_command="washnode cashier list")


@cashier.command("list", node=True)
def list_cashiers() -> None:
    """List who works at the desk, and until when."""
    from node.commands.connect import session
    from node.commands.events import show_time

    with session("shop") as talk_to:
        people = talk_to.ask("staff_list")["items"]
    found = [one for one in people if one["duty"] == "cashier"]
    rows = [(one["id"], one["name"], show_time(one["until"])) for one in found]
    head = [t("id"), t("name"), t("until")]
    finish({"cashiers": found}, lambda: print_table(head, rows))


@cashier.command(node=True)
@click.argument("cashier_id", metavar="ID")
def remove(*, cashier_id: str) -> None:
    """Take back the key of the cashier with this ID; it works no more from the next block on."""
    from node.commands.connect import session

    with session("shop") as talk_to:
        gone = talk_to.ask("staff_remove", id=cashier_id)
    finish(gone, t("Removed: {name}", name=cashier_id), next_command="washnode cashier list")
