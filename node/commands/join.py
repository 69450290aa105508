"""`washnode join`: a shop that was set up comes into its network."""

from typing import Any

import click

from node.commands.common import command, data_option
from node.commands.output import finish, print_facts
from node.commands.words import t


@command(params=[data_option()])
@click.argument("code", required=False)
def join(*, code: str | None) -> None:
    """Come into a network with the CODE that an operator gave; without one, go on.

    The node fetches and checks what the chain began with, a gateway lets the shop in, the node
    starts and catches up, and the shop opens. Whatever is cut off goes on by the same command.
    """
    from node.commands.connect import data_folder
    from node.commands.joining import Joining

    joined = Joining.at(data_folder(), code).run()
    finish(joined, lambda: show_joined(joined), next_command="washnode service install")


def show_joined(facts: dict[str, Any]) -> None:
    """Tell a person that the shop is in."""
    click.echo(t("{name} is open for business.", name=facts["name"]))
    told = {
        t("shop"): facts["shop"],
        t("address"): facts["url"],
        t("counter"): t("{url}, with your name and PIN", url=facts["counter"]),
        t("height"): facts["height"],
    }
    print_facts(told)
