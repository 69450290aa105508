"""`washnode status`: how a node is, as traffic lights."""

import sys
from collections.abc import Mapping
from typing import Any, Literal

import click

from node.commands.common import command
from node.commands.output import EXIT_UNHEALTHY, finish, pad, print_text
from node.commands.words import t

Light = Literal["green", "yellow", "red"]
# To look at some day; all else is for today.
_YELLOW = frozenset({"RECOVERED", "DISK_UNKNOWN", "UNKNOWN_FEATURE", "UNSENT", "SIGN_AGAIN"})


@command(node=True)
def status() -> None:
    """Show how a node is, as traffic lights.

    Exit code 0 for green and yellow, 8 for red, 5 if no node answers.
    """
    from node.commands.connect import session

    with session() as talk_to:
        info, health = talk_to.ask("node_info"), talk_to.ask("node_health")
        url = talk_to.url
    lights = judge(health)
    worst = worst_of(lights)
    facts = {
        "url": url,
        "light": worst,
        "lights": [{"light": light, "what": what, "fix": fix} for light, what, fix in lights],
        "info": info,
        "health": health,
    }
    finish(facts, lambda: _show(url, info, health, lights))
    if worst == "red":
        sys.exit(EXIT_UNHEALTHY)


def judge(health: Mapping[str, Any]) -> list[tuple[Light, str, str]]:
    """Return a light, what it is about and what to do, for all that a node says of itself."""
    lights: list[tuple[Light, str, str]] = []
    if health.get("ready") is True:
        lights.append(("green", t("takes transactions"), ""))
    else:
        lights.append(("red", t("takes no transactions"), t("see its log, start it again")))
    for warning in health.get("warnings") or []:
        light: Light = "yellow" if warning.get("code") in _YELLOW else "red"
        lights.append((light, str(warning.get("text")), str(warning.get("fix"))))
    return lights


def worst_of(lights: list[tuple[Light, str, str]]) -> Light:
    """Return the worst light."""
    seen = {light for light, _, _ in lights}
    return "red" if "red" in seen else "yellow" if "yellow" in seen else "green"


def _show(
    url: str,
    info: Mapping[str, Any],
    health: Mapping[str, Any],
    lights: list[tuple[Light, str, str]],
) -> None:
    words = {"green": t("green"), "yellow": t("YELLOW"), "red": t("RED")}
    for light, what, fix in lights:
        lamp = click.style(pad(words[light], 7), fg=light)
        click.echo(lamp, nl=False)
        print_text(f"{what}; {fix}" if fix else what)
    lines = {
        t("node"): f"{url}, washnode {info.get('version')}",
        t("chain"): f"{info.get('chain_name')} ({str(info.get('chain_id'))[:16]}...)"
        + (t(", a development chain") if info.get("is_dev") else ""),
        t("height"): f"{health.get('height')}",
        t("waiting"): t("{count} transactions", count=health.get("pending")),
        t("unsent"): t("{count} of this node's clients", count=health.get("unsent")),
        t("peers"): f"{health.get('peers')}",
    }
    for name, text in lines.items():
        print_text(f"{pad(name, 9)} {text}")
