"""`washnode completion`: the script that lets a shell finish words."""

import click
from click.shell_completion import get_completion_class

from node.commands.common import command
from node.commands.output import finish

PROGRAM, VARIABLE = "washnode", "_WASHNODE_COMPLETE"
_WHERE = {
    "bash": "~/.bashrc",
    "zsh": "~/.zshrc",
    "fish": "~/.config/fish/completions/washnode.fish",
}


@command()
@click.argument("shell", type=click.Choice(list(_WHERE)))
def completion(*, shell: str) -> None:
    """Print the script that lets a shell finish washnode's commands and options."""
    program = click.get_current_context().find_root().command
    kind = get_completion_class(shell)
    assert kind is not None, "click knows the three shells"
    script = kind(program, {}, PROGRAM, VARIABLE).source()
    # Printed as it is: a script that is escaped is another script.
    finish(
        {"shell": shell, "script": script},
        lambda: click.echo(script),
        next_command=f"washnode completion {shell} >> {_WHERE[shell]}",
    )
