"""`washnode key guardian`: accounts that together give this one a new key when all is lost."""

from collections.abc import Sequence
from typing import Any

import click

from node.commands.common import group
from node.commands.output import EXIT_NOT_FOUND, EXIT_USAGE, fail, finish, print_facts, print_text
from node.commands.signing import Signing, check_trial, signing_options
from node.commands.words import t

GUARDIANS_MAX = 16
_KEY_DIGITS = 64


@group()
def guardian() -> None:
    """Name accounts that together give this one a new key, after 72 hours.

    They see and move nothing of it. While they wait the old key stops them.
    """


@guardian.command(node=True)
@click.argument("account")
def show(*, account: str) -> None:
    """Show the guardians of an account, how many are needed, and a new key on its way."""
    from node.commands.connect import session

    with session() as talk_to:
        facts = _facts(talk_to, talk_to.need_account(account))
    finish(facts, lambda: _show(facts))


def _facts(talk_to: Any, account: str) -> dict[str, Any]:
    found = talk_to.ask("account_get", account=account)
    names = ("account", "guardians", "threshold", "recovery")
    return {name: found[name] for name in names}


def _show(facts: dict[str, Any]) -> None:
    from node.commands.events import show_time

    if not facts["guardians"]:
        print_text(t("No guardians: who loses the key and its words loses the account."))
        return
    for one in facts["guardians"]:
        print_text(one)
    print_text(t("{count} of them give a new key.", count=facts["threshold"]))
    recovery = facts["recovery"]
    if recovery is None:
        return
    ready = recovery["ready_at"]
    said = len(recovery["approvals"])
    print_facts({
        t("new key"): recovery["new_key"],
        t("said yes"): said,
        t("counts from"): "-" if ready is None else show_time(ready),
    })  # fmt: skip


@guardian.command(node=True)
@click.argument("accounts", nargs=-1, required=True)
@click.option(
    "--of",
    "threshold",
    type=click.IntRange(1, GUARDIANS_MAX),
    metavar="COUNT",
    help="How many of all are needed. Default: two, or the only one.",
)
@signing_options
def add(*, accounts: tuple[str, ...], threshold: int | None, signing: Signing) -> None:
    """Name guardians besides those that there are: ids of accounts, or names of keys here."""
    from node.commands.connect import session

    with session(signing.tier) as talk_to:
        before = _facts(talk_to, _own(talk_to, signing))
        wanted = [talk_to.need_account(one) for one in accounts]
        after = list(dict.fromkeys([*before["guardians"], *wanted]))
        if len(after) > GUARDIANS_MAX:
            fail(t("an account has at most {count} guardians", count=GUARDIANS_MAX), EXIT_USAGE)
        count = threshold or max(before["threshold"], min(2, len(after)))
        _set(talk_to, signing, after, count)


@guardian.command(node=True)
@click.argument("accounts", nargs=-1, required=True)
@signing_options
def remove(*, accounts: tuple[str, ...], signing: Signing) -> None:
    """Take guardians away again; what they had begun is over."""
    from node.commands.connect import session

    with session(signing.tier) as talk_to:
        before = _facts(talk_to, _own(talk_to, signing))
        gone = {talk_to.need_account(one) for one in accounts}
        unknown = sorted(gone - set(before["guardians"]))
        if unknown:
            fail(t("{account} is no guardian", account=unknown[0]), EXIT_NOT_FOUND)
        left = [one for one in before["guardians"] if one not in gone]
        _set(talk_to, signing, left, min(before["threshold"], len(left)))


def _own(talk_to: Any, signing: Signing) -> str:
    from node.client.accounts import show_account

    return show_account(signing.identity(talk_to).account)


def _set(talk_to: Any, signing: Signing, guardians: Sequence[str], threshold: int) -> None:
    action = {
        "type": "set_guardians",
        "guardians": list(guardians),
        "threshold": threshold,
    }
    _send(talk_to, signing, action)
    facts = _facts(talk_to, _own(talk_to, signing))
    finish(facts, lambda: _show(facts))


def _send(talk_to: Any, signing: Signing, action: dict[str, Any]) -> None:
    options = signing.sender(talk_to)
    check_trial(talk_to, [action], options)
    talk_to.wash.send([action], **options)


@guardian.command(node=True)
@click.argument("account")
@click.argument("new_key", metavar="PUBLICKEY")
@signing_options
def approve(*, account: str, new_key: str, signing: Signing) -> None:
    """Say as a guardian that an account shall have a new key: ask its owner in person first.

    PUBLICKEY is what `washnode key show` prints on the owner's new computer. Once enough have said
    so, 72 hours pass, in which the old key can stop it; then: finish.
    """
    from node.commands.connect import session

    if len(new_key) != _KEY_DIGITS or not set(new_key) <= set("0123456789abcdef"):
        fail(t("a public key has 64 hex digits: washnode key show NAME"), EXIT_USAGE)
    with session(signing.tier) as talk_to:
        whose = talk_to.need_account(account)
        _send(talk_to, signing, {"type": "approve_recovery", "account": whose, "new_key": new_key})
        facts = _facts(talk_to, whose)
    finish(facts, lambda: _show(facts), next_command=f"washnode key guardian finish {account}")


@guardian.command("finish", node=True)
@click.argument("account")
@signing_options
def finish_it(*, account: str, signing: Signing) -> None:
    """Give the account its new key, when the 72 hours are over; anybody may."""
    from node.commands.connect import session

    with session(signing.tier) as talk_to:
        whose = talk_to.need_account(account)
        _send(talk_to, signing, {"type": "finish_recovery", "account": whose})
        keys = [one["key"] for one in talk_to.ask("account_get", account=whose)["keys"]]
    said = t("{account} has a new key.", account=whose)
    finish({"account": whose, "keys": keys}, said, next_command="washnode setup --recover")


@guardian.command(node=True)
@signing_options
def stop(*, signing: Signing) -> None:
    """Stop a new key that guardians began to give this account: it was not its owner."""
    from node.commands.connect import session

    with session(signing.tier) as talk_to:
        _send(talk_to, signing, {"type": "cancel_recovery"})
        account = _own(talk_to, signing)
    finish({"account": account}, t("Stopped: the keys stay as they are."))
