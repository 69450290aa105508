"""`washnode init --genesis`: a data folder for a chain that its members began together."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from node.commands.output import EXIT_USAGE, fail, finish, print_facts, say, warn
from node.commands.words import t

if TYPE_CHECKING:
    from node.ceremony.signing import FinalGenesis, Peer
    from node.keys.store import KeyInfo

PEERS_NAME = "peers.json"  # in the data folder: the nodes of members that can be dialled
PEERS_MAX = 64  # that settings name; a node hears of the others from these
_CONFIG = """\
# Settings of this node. All that there are, with their defaults: config.example.toml.
# Ledger and keys live in the folder in which this file lies, because genesis.json lies there too.

[keys]
# {comment}
validator = "{name}"

[p2p]
role = "{role}"
peers = {peers}
"""
# A proxy in front of the node speaks wss; without one the node itself is what others dial.
_CONFIG_LISTEN = """\
url = "{url}"
listen = true
# Where others, or a proxy of this machine, reach the node: host = "0.0.0.0" lets all machines.
host = "127.0.0.1"
port = {port}
"""
_VALIDATOR_COMMENT = "Name of the key that signs blocks."
_OTHER_COMMENT = "Name of the key by which other nodes know this one; it signs no blocks."
_CHAIN_NAMES = ("chain", "votes.log")  # of one that ran here
_KEY_DEFAULT = "validator"
_PORT_DEFAULT = 8788  # for other nodes


def init_from(final: Path, place: Path) -> None:
    """Check a final genesis and write `genesis.json`, `config.toml` and `peers.json` in `place`.

    What is there with other contents ends the command; after a stop halfway it can be run again.
    """
    from node.ceremony.gathering import chain_words
    from node.ceremony.signing import parse_final, peers_of
    from node.commands.connect import KEYS_NAME
    from node.commands.genesis import read_checked
    from node.keys.store import KeyStore

    found = read_checked(final, parse_final)
    genesis = found.genesis()
    store = KeyStore(place / KEYS_NAME)
    keys = store.list()
    for fault in store.faults():  # the validator's own, perhaps
        warn(str(fault))
    mine, is_validator = _find_mine(found, keys)
    peers = peers_of(found, [one.public_key.hex() for one in keys])
    texts = {
        PEERS_NAME: json.dumps([asdict(one) for one in peers], indent=1) + "\n",
        "config.toml": _config(found, mine, peers, is_validator=is_validator),
        "genesis.json": genesis.model_dump_json(indent=2) + "\n",  # last: with it a node starts
    }
    _write_all(place, texts)
    words = chain_words(genesis.chain_id())
    facts: dict[str, Any] = {
        "folder": str(place),
        "chain_id": genesis.chain_id().hex(),
        "name": genesis.name,
        "words": words,
        "is_validator": is_validator,
        "key": None if mine is None else mine.name,
        "peers": [one.url for one in peers],
    }
    shown = {**facts, "words": " ".join(words), "peers": " ".join(facts["peers"]) or None}
    finish(facts, lambda: print_facts(shown), next_command=f"washnode run --data {place}")
    if mine is None:
        say(t("No key of a member is in {folder}: nodes of members let none in.", folder=place))


def _config(
    found: "FinalGenesis",
    mine: "KeyInfo | None",
    peers: tuple["Peer", ...],
    *,
    is_validator: bool,
) -> str:
    from urllib.parse import urlsplit

    text = _CONFIG.format(
        comment=_VALIDATOR_COMMENT if is_validator else _OTHER_COMMENT,
        name=_KEY_DEFAULT if mine is None else mine.name,
        role="validator" if is_validator else "full",
        peers=json.dumps([one.url for one in peers[:PEERS_MAX]]),
    )
    key = None if mine is None else mine.public_key.hex()
    url = next((one.url for one in found.members if one.node_key == key), "")
    if not url:
        return text
    parts = urlsplit(url)
    port = parts.port or 80 if parts.scheme == "ws" else _PORT_DEFAULT
    return text + _CONFIG_LISTEN.format(url=url, port=port)


def _find_mine(found: "FinalGenesis", keys: tuple["KeyInfo", ...]) -> tuple["KeyInfo | None", bool]:
    """Return the key by which this node takes part, and whether it decides on blocks with it."""
    validators = {one.validator for one in found.members}
    mine = [one for one in keys if one.public_key.hex() in validators]
    if len(mine) > 1:  # which one runs here, only a person knows; both would be a fault
        names = ", ".join(one.name for one in mine)
        fix = t("keep one here; the other belongs into the folder of another node")
        fail(t("keys of several validators are here: {names}", names=names), EXIT_USAGE, fix=fix)
    if mine:
        return mine[0], True
    accounts = {one.account for one in found.members}
    members = [one for one in keys if one.public_key.hex() in accounts]
    return (members[0] if members else None), False


def _write_all(place: Path, texts: dict[str, str]) -> None:
    from node.files import put_whole

    fix = t("take a new folder; nothing is written over")
    for name in _CHAIN_NAMES:
        if (place / name).exists():
            fail(t("{file} is there already", file=place / name), EXIT_USAGE, fix=fix)
    missing = []
    for name, text in texts.items():
        path = place / name
        if not path.exists():
            missing.append(name)
        elif path.read_bytes() != text.encode():
            fail(t("{file} is there already", file=path), EXIT_USAGE, fix=fix)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in missing:
        put_whole(place / name, texts[name])
