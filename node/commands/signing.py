"""Options of commands that sign: who, with which key, and who pays for the place in a block."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

NODE_SPONSORS = frozenset({"node", "node_attests"})


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


def signing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; it gets them as `signing`."""

    @wraps(command)
    def run(
        *,
        owner: str | None,
        key: str | None,
        sponsor: str | None,
        passphrase_file: Path | None,
        **rest: Any,
    ) -> Any:
        return command(signing=Signing(owner, key, sponsor, passphrase_file), **rest)

    file = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option(
            "--passphrase-file", type=file, metavar="FILE", help="Has the key's passphrase."
        ),
        click.option(
            "--sponsor",
            metavar="NAME",
            help="Who pays for the place: a key, or `node` to ask it (`node_attests`: for its "
            "shop's word too).",
        ),
        click.option(
            "--key", metavar="NAME", help="The key that signs, if the account has others too."
        ),
        click.option(
            "--from", "owner", metavar="NAME", help="Who sends: a key's name, or an account's id."
        ),
    ):
        run = option(run)
    return run
