"""`washnode update`: whether there is a later program, as far as this network can tell."""

from typing import Any

from node.commands.common import group
from node.commands.output import finish, print_text, say
from node.commands.words import t


@group()
def update() -> None:
    """See whether there is a later program than this one."""


@update.command(node=True)
def check() -> None:
    """Tell which program runs here, and whether others of this network run a later one.

    No address on the internet is asked: the node's peers say what they run, and nobody alone is
    believed. Rules that will need a later program: washnode upgrade status.
    """
    from chain.errors import WashError
    from node import __version__
    from node.commands.connect import session
    from node.commands.doctor_node import judge_update

    told: list[str] | None = None
    try:
        with session() as talk_to:
            version = str(talk_to.ask("node_info")["version"])
            told = [str(one.get("software") or "") for one in talk_to.ask("node_peers")["peers"]]
    except WashError:
        version = __version__
    seen = None if told is None else judge_update(version, told)
    is_later = seen is not None and seen.light != "green"
    facts = {
        "version": __version__,
        "node": version if told is not None else None,
        "peers": None if told is None else len(told),
        "later": is_later if told else None,
    }
    finish(
        facts,
        lambda: _show(facts, None if seen is None else seen.text),
        next_command=_next(is_later=is_later),
    )


def _next(*, is_later: bool) -> str:
    from node.live.upcoming import UPGRADE_COMMAND

    return (
        f"{UPGRADE_COMMAND}; washnode stop; washnode start"
        if is_later
        else "washnode upgrade status"
    )


def _show(facts: dict[str, Any], seen: str | None) -> None:
    if facts["peers"]:
        print_text(str(seen))
        return
    print_text(t("this is washnode {version}", version=facts["version"]))
    if facts["peers"] is None:
        say(t("No node answers, so nobody can be asked whether there is a later one."))
    else:
        say(t("The node has no peers, so nobody can be asked whether there is a later one."))
