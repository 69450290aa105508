"""`washnode upgrade`: whether this program has the rules that come into force."""

import sys
from datetime import UTC, datetime
from typing import Any

from node.commands.common import group
from node.commands.output import EXIT_UNHEALTHY, finish, print_table, print_text
from node.commands.words import t


@group()
def upgrade() -> None:
    """See in time that the program has the rules that come into force."""


@upgrade.command(node=True)
def status() -> None:
    """Show rules that operators voted for, when they come, and whether the node knows them.

    Exit code 8 if its program lacks one: the node stops before the height of that rule.
    """
    from node.commands.connect import session
    from node.live.upcoming import UPGRADE_COMMAND

    with session() as talk_to:
        info, features = talk_to.ask("node_info"), talk_to.ask("gov_features")
    lacking = [one for one in features if not one["known"]]
    facts = {"version": info["version"], "features": features, "lacking": len(lacking)}
    following = f"{UPGRADE_COMMAND}; washnode stop; washnode start" if lacking else None
    finish(facts, lambda: _show(info["version"], features), next_command=following)
    if lacking:
        sys.exit(EXIT_UNHEALTHY)


def _show(version: str, features: list[dict[str, Any]]) -> None:
    if not features:
        print_text(t("washnode {version}: no rule was voted for.", version=version))
        return
    heads = (t("rule"), t("height"), t("comes"), t("this program"))
    print_table(heads, [_row(one) for one in features])
    for one in features:
        if not one["known"]:
            text = t(
                "washnode {version} does not know {rule}: the node stops before height {height}.",
                version=version,
                rule=one["name"],
                height=one["activation"],
            )
            print_text(text)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    if one["in_force"]:
        comes = t("in force")
    elif one["expected_at"] is None:
        comes = t("can not be told yet")
    else:
        when = datetime.fromtimestamp(one["expected_at"] // 1_000, UTC)
        comes = t("about {time}", time=when.strftime("%Y-%m-%d %H:%M UTC"))
    known = t("knows it") if one["known"] else t("LACKS IT")
    return one["name"], str(one["activation"]), comes, known
