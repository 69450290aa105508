"""Options of commands that sign: who, with which key, and who pays for the place in a block."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from node.commands.output import EXIT_REJECTED, CommandError, show_money
from node.commands.words import t

NODE_SPONSORS = frozenset({"node", "node_attests"})
# Used, stale and too far: own transactions on their way, which the client deals with as it sends.
_NONCE_CODES = frozenset({1004, 1005, 1013})
_NO_MONEY = 2001
_CENTS = 2  # decimals


@dataclass(frozen=True, slots=True)
class Signing:
    """What the options say."""

    owner: str | None
    key: str | None
    sponsor: str | None
    passphrase_file: Path | None

    @property
    def tier(self) -> Any:
        """The token that is needed: the node co-signs for those of its shop."""
        return "shop" if self.sponsor in NODE_SPONSORS else "public"

    def identity(self, talk_to: Any) -> Any:
        """Return the account and the key that signs."""
        return talk_to.identity(self.owner, self.key, self.passphrase_file)

    def payer(self, talk_to: Any) -> Any:
        """Return the sponsor: None, what the client calls the node's shop, or an account's key."""
        if self.sponsor is None or self.sponsor in NODE_SPONSORS:
            return self.sponsor
        return talk_to.identity(None, self.sponsor, self.passphrase_file)

    def sender(self, talk_to: Any) -> dict[str, Any]:
        """Return what the client's ways of sending take: key, account and sponsor."""
        who = self.identity(talk_to)
        return {"key": who.signer, "account": who.account, "sponsor": self.payer(talk_to)}


def sponsor_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--sponsor`."""
    return click.option(
        "--sponsor",
        metavar="NAME",
        help="Who pays for the place: a key, or `node` to ask it (`node_attests`: for its "
        "shop's word too).",
    )(command)


def signing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; it gets them as `signing`."""

    @wraps(command)
    def with_signing(
        *,
        owner: str | None,
        key: str | None,
        sponsor: str | None,
        passphrase_file: Path | None,
        **rest: Any,
    ) -> Any:
        return command(signing=Signing(owner, key, sponsor, passphrase_file), **rest)

    file = click.Path(dir_okay=False, path_type=Path)
    run: Callable[..., Any] = with_signing
    for option in (
        click.option(
            "--passphrase-file", type=file, metavar="FILE", help="Has the key's passphrase."
        ),
        sponsor_option,
        click.option(
            "--key", metavar="NAME", help="The key that signs, if the account has others too."
        ),
        click.option(
            "--from", "owner", metavar="NAME", help="Who sends: a key's name, or an account's id."
        ),
    ):
        run = option(run)
    return run


def force_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--force`."""
    return click.option(
        "--force", is_flag=True, help="Send it even if a trial run says that it would fail."
    )(command)


def check_trial(talk_to: Any, actions: list[dict[str, Any]], options: Mapping[str, Any]) -> None:
    """End the command if a transaction would be refused now, or fail in its block."""
    from node.client import Refused

    try:
        talk_to.wash.simulate(actions, **options)
    except Refused as error:
        if error.code in _NONCE_CODES:
            return
        is_lack = error.code == _NO_MONEY
        facts = _lack(talk_to, actions, options["account"]) if is_lack else ""
        raise CommandError(
            error.message.rstrip(".") + facts,
            EXIT_REJECTED,
            fix=t("nothing was sent; --force sends it all the same"),
            code=error.code,
            name=error.name,
            zh=error.zh + facts if error.zh else "",
        ) from error


def _lack(talk_to: Any, actions: list[dict[str, Any]], account: bytes) -> str:
    """Return what is there and what is needed, in brackets, for one action without the money."""
    from node.client import WashRpcError

    (action,) = actions if len(actions) == 1 else ({},)
    need, asset = action.get("amount", action.get("funds")), action.get("asset")
    try:
        if asset is None and "contract" in action:
            found = talk_to.ask("contract_get", contract=action["contract"])["assets"]
            asset = found[0]["currency"] if len(found) == 1 else None
        if type(need) is not int or asset is None:
            return ""
        have, decimals = talk_to.wash.balance(account, asset), talk_to.decimals(asset)
    except WashRpcError:
        return ""  # the reason is told all the same
    if have >= need or decimals != _CENTS:
        return ""
    shown = [show_money({"amount": one, "currency": asset}) for one in (have, need)]
    return " (" + t("have {have}, need {need}", have=shown[0], need=shown[1]) + ")"
