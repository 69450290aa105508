"""`washnode init`: a new chain of one validator, or a folder for one that members began."""

import os
from pathlib import Path
from typing import Any

import click

from node.commands.common import command
from node.commands.output import EXIT_USAGE, CommandError, fail, finish, print_facts, say
from node.commands.words import t

VALIDATOR, OPERATOR = "validator", "operator"
_CONFIG = """\
# Settings of this node. All that there are, with their defaults: config.example.toml.
# Ledger and keys live in the folder in which this file lies, because genesis.json lies there too.

[keys]
# Name of the key that signs blocks.
validator = "{validator}"
"""


@command()
@click.argument(
    "folder",
    metavar="[DIR]",
    required=False,
    type=click.Path(file_okay=False, path_type=Path),
    envvar=["WASH_DATA", "WASH_DATA_DIR"],
)
@click.option("--name", help="The chain's name; default washnode.")
@click.option("--currency", help="Symbol of the chain's money; default CNY.")
@click.option(
    "--genesis",
    "final",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="No new chain: the one that members began with `washnode genesis`, of its final file.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Has the passphrase of the new keys.",
)
@click.option(
    "--no-passphrase",
    "is_plain",
    is_flag=True,
    help="Write the keys unsealed, for starts without a person. Whoever reads a file has its key.",
)
def init(
    *,
    folder: Path | None,
    name: str | None,
    currency: str | None,
    final: Path | None,
    passphrase_file: Path | None,
    is_plain: bool,
) -> None:
    """Make a new chain of one validator in DIR (default washdata).

    Makes the keys of the validator and of the operator, who issues the chain's money, and writes
    genesis.json and config.toml. What is there already is never written over.

    With --genesis it makes no keys: the node takes part by those in DIR/keys.
    """
    from node.commands.connect import DATA_DEFAULT

    place = folder or DATA_DEFAULT
    if final is not None:
        if name or currency or passphrase_file or is_plain:
            seen = t("--genesis brings name and money, and the keys are there already")
            fail(seen, EXIT_USAGE, fix=t("give it alone"))
        from node.commands.init_genesis import init_from

        init_from(final, place)
        return
    if is_plain and passphrase_file is not None:
        fail(t("give --no-passphrase or --passphrase-file, not both"), EXIT_USAGE)
    _make_chain(place, name or "washnode", currency or "CNY", passphrase_file, is_plain=is_plain)


def _make_chain(
    place: Path, name: str, currency: str, passphrase_file: Path | None, *, is_plain: bool
) -> None:
    from node.commands.connect import DATA_DEFAULT, KEYS_NAME
    from node.commands.passphrase import ask_passphrase
    from node.keys.store import KeyStore

    _check_new(place)
    prompt = t("New passphrase")
    passphrase = None if is_plain else ask_passphrase(passphrase_file, prompt, is_new=True)
    store = KeyStore(place / KEYS_NAME)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    validator, operator = store.create(VALIDATOR, passphrase), store.create(OPERATOR, passphrase)
    genesis = _make_genesis(name, currency, validator.public_key.hex(), operator.account.hex())
    _write(place / "genesis.json", genesis.model_dump_json(indent=2) + "\n")
    _write(place / "config.toml", _CONFIG.format(validator=VALIDATOR))
    facts: dict[str, Any] = {
        "folder": str(place),
        "chain_id": genesis.chain_id().hex(),
        "name": name,
        "validator": validator.public_key.hex(),
        "operator": operator.account_text,
    }
    finish(facts, lambda: print_facts(facts), next_command=f"washnode run --data {place}")
    where = "" if place == DATA_DEFAULT else f" --data {place}"
    backup = f"washnode key backup {OPERATOR}{where}"
    say(t("Then write down the keys' words: {command}", command=backup))


def _check_new(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        fix = t("take a new folder; nothing is written over")
        fail(t("{folder} is not empty", folder=folder), EXIT_USAGE, fix=fix)


def _make_genesis(name: str, currency: str, validator: str, operator: str) -> Any:
    from pydantic import ValidationError

    from chain.genesis import Genesis, GenesisAccount, GenesisAsset, parse_genesis
    from node.live.clock import Clock

    try:
        made = Genesis(
            name=name,
            time_ms=Clock().now_ms(),
            validators=(validator,),
            assets=(GenesisAsset(symbol=currency, issuer=operator, policy="to_members"),),
            accounts=(GenesisAccount(account=operator, roles=("operator", "member", "arbiter")),),
        )
    except ValidationError as error:
        first = error.errors()[0]
        text = f"{first['loc'][0]}: {first['msg']}"
        raise CommandError(text, EXIT_USAGE) from error
    return parse_genesis(made.model_dump_json().encode())


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
