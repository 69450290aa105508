"""`washnode snapshot`: the state of a chain in one file, and a chain that begins with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import group
from node.commands.db import DATA_OPTION, find_chain
from node.commands.output import (
    EXIT_NOT_FOUND,
    EXIT_REJECTED,
    EXIT_USAGE,
    CommandError,
    fail,
    finish,
    print_text,
)
from node.commands.progress import progress
from node.commands.words import t

if TYPE_CHECKING:
    from chain.genesis import Genesis
    from chain.snapshot import SnapshotManifest

_HASH_LENGTH = 64


@group()
def snapshot() -> None:
    """Write the state of a chain into one file, and begin a node with it.

    A snapshot has no blocks and no keys. A node that begins with one needs no older blocks.
    """


@snapshot.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@DATA_OPTION
def create(*, file: Path, data: Path | None) -> None:
    """Write a snapshot of the state after the newest block into FILE.

    The node may run; it goes on meanwhile.
    """
    from node.commands.backup import ask_owner
    from node.commands.connect import find_running

    if file.exists():
        fail(t("{file} is there already", file=file), EXIT_USAGE, fix=t("name another file"))
    chain, genesis = find_chain(data)
    running = find_running(chain.parent)
    if running is not None:
        facts = ask_owner(running, "admin_snapshot", path=str(file.absolute()))
    else:
        facts = _facts(file, _make(chain, genesis, file))
    place = f"{facts['height']}:{facts['block_id']}"
    finish(facts, lambda: _show(facts, place), next_command=_following(file, place))


def _following(file: Path, place: str) -> str:
    return f"washnode snapshot restore {file} --data DIR --genesis FILE --checkpoint {place}"


def _show(facts: dict[str, Any], place: str) -> None:
    print_text(
        t(
            "State of height {height}: {entries} entries, {size} bytes in {chunks} chunks",
            height=facts["height"],
            entries=facts["entries"],
            size=facts["size_bytes"],
            chunks=facts["chunks"],
        )
    )
    print_text(t("Checkpoint, to be told by a way that nobody can forge: {place}", place=place))


def _make(chain: Path, genesis: "Genesis", file: Path) -> "SnapshotManifest":
    """Make a snapshot of a stopped node's chain, which is opened as a start does."""
    from node.rpc.reading.light_steps import steps_to_head
    from node.storage.ledger import ChainLedger
    from node.storage.plans import read_plans
    from node.storage.snapshots import make_snapshot

    ledger = ChainLedger(chain, genesis, plans=read_plans(chain.parent))
    try:
        if ledger.head_commit is None:
            fail(t("the chain has no block yet"), fix=t("start the node first"))
        head = ledger.head, ledger.head_commit
        return make_snapshot(ledger.store, file, head, lambda: steps_to_head(ledger))
    finally:
        ledger.close()


def _facts(file: Path, manifest: "SnapshotManifest") -> dict[str, Any]:
    from chain.block import block_id
    from chain.snapshot import snapshot_id

    return {
        "path": str(file.absolute()),
        "chain_id": manifest.header.chain_id.hex(),
        "height": manifest.height,
        "block_id": block_id(manifest.header).hex(),
        "validators_hash": manifest.header.validators_hash.hex(),
        "snapshot_id": snapshot_id(manifest).hex(),
        "chunks": len(manifest.chunks),
        "entries": manifest.entries,
        "size_bytes": manifest.size_bytes,
    }


@snapshot.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--data",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The data folder; it has no chain yet.",
)
@click.option(
    "--genesis",
    "genesis_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What the chain began with; default genesis.json in DIR.",
)
@click.option(
    "--checkpoint",
    metavar="HEIGHT:HASH",
    help="A block's id, or the hash of a height's validators, from somebody you trust.",
)
def restore(*, file: Path, data: Path, genesis_file: Path | None, checkpoint: str | None) -> None:
    """Make the chain of a node from a snapshot.

    It is believed if its certificate follows from the genesis file, for three weeks, or from the
    checkpoint. Then every byte must fit, and the state must have the root that its block names.
    Older blocks are not in it: reading one answers HISTORY_PRUNED. A validator observes at first.
    """
    from chain.errors import SnapshotError
    from node.live.clock import read_wall_ms
    from node.storage.snapshot import SnapshotFile
    from node.storage.snapshot import restore as make_chain
    from node.storage.trust import check_trust

    place = None if checkpoint is None else _read_checkpoint(checkpoint)
    genesis = _take_genesis(data, genesis_file)
    source = SnapshotFile(file)
    manifest = source.manifest
    try:
        check_trust(manifest, genesis, read_wall_ms(), steps=source.steps, checkpoint=place)
    except SnapshotError as error:
        raise CommandError(str(error), EXIT_REJECTED, code=error.code) from error
    _keep(data, genesis_file)
    _write_vote_log(
        data, manifest
    )  # first: a chain without it would be trusted to never have voted
    with progress(t("Restoring")) as on_progress:
        make_chain(data / "chain", genesis, source, on_progress)
    facts = {**_facts(file, manifest), "data": str(data)}
    text = t(
        "The chain begins at height {height}; older blocks are not kept here.",
        height=manifest.height,
    )
    finish(facts, text, next_command=f"washnode run --data {data}")


def _read_checkpoint(text: str) -> tuple[int, bytes]:
    height, _, found = text.partition(":")
    try:
        value = bytes.fromhex(found) if len(found) == _HASH_LENGTH else b""
        if value and height.isdecimal():
            return int(height), value
    except ValueError:
        pass
    fix = t("write it like 1200:3f5c..., with 64 hex digits")
    raise CommandError(t("{text!r} is no checkpoint", text=text[:80]), EXIT_USAGE, fix=fix)


def _take_genesis(data: Path, given: Path | None) -> "Genesis":
    """Return the genesis file that is trusted: the one that is given, or that of the folder."""
    from chain.genesis import GENESIS_BYTES_MAX, parse_genesis

    own = data / "genesis.json"
    path = given or own
    if not path.is_file():
        fail(t("there is no {path}", path=path), EXIT_NOT_FOUND, fix=t("give it with --genesis"))
    with path.open("rb") as file:
        genesis = parse_genesis(file.read(GENESIS_BYTES_MAX + 1))
    if given is not None and own.is_file():
        there = parse_genesis(own.read_bytes()[: GENESIS_BYTES_MAX + 1])
        if there.chain_id() != genesis.chain_id():
            seen = t("{folder} is of another chain than {file}", folder=data, file=given)
            fail(seen, EXIT_USAGE, fix=t("name another folder"))
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return genesis


def _keep(data: Path, genesis_file: Path | None) -> None:
    own = data / "genesis.json"
    if genesis_file is not None and not own.is_file():
        fresh = own.with_name("genesis.json.new")
        fresh.write_bytes(genesis_file.read_bytes())
        fresh.replace(own)


def _write_vote_log(data: Path, manifest: "SnapshotManifest") -> None:
    """Let a validator whose votes are not known here observe; one that is here tells them."""
    from node.storage.wal import VoteLog

    path = data / "votes.log"
    if path.exists():
        return
    log = VoteLog(path, manifest.header.chain_id)
    log.begin(
        f"this node began with a snapshot of height {manifest.height}, so nobody knows what its "
        "key signed before; it follows, and votes again by itself once that is safe. If it is the "
        "chain's only validator and no other copy of it runs, move votes.log away and start",
        manifest.next_validators.epoch,
    )
    log.close()
