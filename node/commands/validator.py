"""`washnode validator`: who decides on blocks, and this node's part in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from node.commands.common import group
from node.commands.gov import PAGE_ITEMS, read_proof
from node.commands.gov_ways import follow_up, say_state, send_proposal, vote_for
from node.commands.output import (
    EXIT_PENDING,
    EXIT_USAGE,
    CommandError,
    fail,
    finish,
    print_table,
    print_text,
)
from node.commands.signing import Signing, signing_options
from node.commands.words import t

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@group()
def validator() -> None:
    """Look after the computers that decide on blocks."""


@validator.command(node=True)
def status() -> None:
    """List the validators, the next proposer first, with what the chain has seen of each."""
    from node.commands.connect import session

    with session() as talk_to:
        found, health = talk_to.ask("validator_list"), talk_to.ask("node_health")
    paused = [one["text"] for one in health["warnings"] if one["code"] in {"PAUSED", "OBSERVER"}]

    def show_it() -> None:
        rows = [(one["key"], _seen(one), _remark(one)) for one in found["items"]]
        print_table((t("key"), t("last seen"), ""), rows)
        print_text(
            t(
                "{seen} of {count} were seen of late, {quorum} decide",
                seen=found["seen"],
                count=len(found["items"]),
                quorum=found["quorum"],
            )
        )
        for line in (*_changes(found), *paused):
            print_text(line)

    finish({**found, "this_node": paused}, show_it)


def _seen(one: Mapping[str, Any]) -> str:
    return "-" if one["last_seen"] is None else str(one["last_seen"])


def _remark(one: Mapping[str, Any]) -> str:
    marks = [
        (one["is_this_node"], t("this node")),
        (one["is_silent"], t("SILENT")),
        (one["tombstoned"], t("CONTRADICTED ITSELF")),
        (one["demoted_until"], t("last in order until {height}", height=one["demoted_until"])),
    ]
    return ", ".join(text for is_so, text in marks if is_so)


def _changes(found: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    pending, dropped = found["pending"], found["dropped"]
    if pending is not None:
        text = t("From height {height} on {count} decide.", height=pending["activation"],
                 count=len(pending["keys"]))  # fmt: skip
        lines.append(text)
    if dropped is not None:
        text = t("The change for height {height} was dropped: too few had been seen.",
                 height=dropped["activation"])  # fmt: skip
        lines.append(text)
    return lines


@validator.command(node=True)
@click.option("--reason", default="", metavar="TEXT", help="For whoever asks for its health.")
def pause(*, reason: str) -> None:
    """Let this node make no blocks and vote for none, until `resume` or its next start."""
    from node.commands.connect import session

    with session("admin") as talk_to:
        told = talk_to.ask("admin_validator_pause", **({"reason": reason} if reason else {}))
    finish(told, next_command="washnode validator resume")


@validator.command(node=True)
def resume() -> None:
    """Let this node make blocks and vote again."""
    from node.commands.connect import session

    with session("admin") as talk_to:
        told = talk_to.ask("admin_validator_resume")
    finish(told, next_command="washnode validator status")


@validator.command(node=True)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Default: ready-KEY.json, with the first letters of the key.",
)
def ready(*, out: Path | None) -> None:
    """Write the proof that this node runs with its key, for an operator who proposes it.

    It is good for 50 blocks at most. An older proof in the file is replaced.
    """
    from node.commands.connect import session
    from node.storage.ready_file import ReadyFile, put_ready_file

    with session("admin") as talk_to:
        told = talk_to.ask("admin_validator_ready")
    proof = ReadyFile(**told)
    file = out or Path(f"ready-{proof.key[:8]}.json")
    put_ready_file(file, proof)
    following = f"washnode gov propose validator add {proof.key} --ready {file} --from NAME"
    finish({"file": str(file), **told}, next_command=following)


@validator.command(node=True)
@click.argument("old", metavar="OLD_KEY")
@click.option(
    "--ready", type=_FILE, metavar="FILE", help="The new key's proof: washnode validator ready."
)
@click.option("--new", metavar="KEY", help="The new key, once it was added.")
@signing_options
def rotate(*, old: str, ready: Path | None, new: str | None, signing: Signing) -> None:
    """Put a validator's new key in the place of its old one, step by step.

    First a second node runs with the new key and proves it; then it is added; when it was seen at
    work the old key is removed. Every operator runs the same command, again after every step: it
    proposes or votes for what is next, and says what it waits for (exit code 7).
    """
    from node.commands.connect import session

    proof = None if ready is None else read_proof(ready)
    fresh = new or (None if proof is None else proof.key)
    if fresh is None:
        fix = t("run a node with the new key, and there: washnode validator ready")
        fail(t("the new key is missing: give --ready FILE, or --new KEY"), EXIT_USAGE, fix=fix)
    if fresh == old:
        fail(t("old and new key are the same"), EXIT_USAGE)
    with session(signing.tier) as talk_to:
        changed_at = talk_to.ask("node_info")["head"]["last_validators_change_height"]
        step = _next_step(talk_to.ask("validator_list"), old, fresh, changed_at)
        if step is None:
            done = t("Done: the new key decides, and the old one no more.")
            finish({"step": "done", "old": old, "new": fresh}, done)
            return
        change = {"type": "set_validator", "key": fresh if step else old, "power": int(step)}
        if step and proof is not None:
            change = proof.change()
        found = _take_step(talk_to, change, signing)
    facts = {"step": "add" if step else "remove", "old": old, "new": fresh, "proposal": found}
    following = follow_up(found) or f"washnode validator rotate {old} --new {fresh}"
    finish(facts, say_state(found), next_command=following)


def _next_step(found: Mapping[str, Any], old: str, new: str, changed_at: int) -> bool | None:
    """Return True: add the new key; False: remove the old one; None: all is done.

    `changed_at` is the last height at which the validators changed: they decide from the one after
    the next on, and a new key is taken as seen there, whether it was or not.
    """
    if found["pending"] is not None:
        height = found["pending"]["activation"]
        text = t("validators change at height {height}", height=height)
        raise CommandError(text, EXIT_PENDING, fix=t("run the command again after it"))
    present = {one["key"]: one for one in found["items"]}
    if new not in present:
        if old not in present:
            seen = t("{key} is no validator", key=old)
            fail(seen, EXIT_USAGE, fix=t("see washnode validator status"))
        return True
    if old not in present:
        return None
    last_seen = present[new]["last_seen"]
    if present[new]["is_silent"] or last_seen is None or last_seen <= changed_at + 1:
        text = t("the new key was not seen at work of late")
        raise CommandError(
            text,
            EXIT_PENDING,
            fix=t("see that its node runs, and run the command again after a block or two"),
        )
    return False


def _take_step(talk_to: Any, change: Mapping[str, Any], signing: Signing) -> dict[str, Any]:
    """Vote for the open proposal of a change, or make it; it may wait for others then."""
    from node.client.accounts import show_account

    same = ("type", "key", "power")
    for one in talk_to.ask("gov_proposals", limit=PAGE_ITEMS)["items"]:
        if all(one["change"].get(name) == change[name] for name in same):
            if show_account(signing.identity(talk_to).account) in one["votes"]:
                text = t("proposal {id} waits for the other operators", id=one["proposal"])
                raise CommandError(text, EXIT_PENDING, fix=t("run the command again later"))
            return vote_for(talk_to, one["proposal"], signing, against=False)
    if change["power"] and "ready" not in change:
        fail(t("the new key is no validator yet: give --ready FILE"), EXIT_USAGE)
    return send_proposal(talk_to, change, signing)
