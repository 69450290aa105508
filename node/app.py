"""A running node as a whole: built from its settings, served until it is told to stop.

Stopping is the reverse of starting: the door closes, the block under way is finished, the chain is
closed clean. A fault of the disk or of the money stops it as well, loudly, and leaves the chain
marked dirty, so that the next start checks it.
"""

import asyncio
import gc
import json
import logging
import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from chain.crypto import Signer
from chain.errors import StoreError, WashError
from chain.genesis import Genesis
from chain.recovery import plan_above
from chain.tables import Tuning
from chain.transaction import ReceivedTransaction
from chain.validators import read_validators
from node.carrying import asker
from node.config import Config
from node.keys.acting import account_of
from node.letters.carrying import Carrier
from node.letters.operators import OperatorsCarrier, operators_of
from node.letters.service import Letters
from node.letters.store import LetterStore
from node.live.abis import AbiBook
from node.live.clock import Clock, DrivenClock
from node.live.node import Node
from node.live.offering import Offering
from node.live.pool import Pool, PoolLimits
from node.live.signatures import SignatureCheckers
from node.live.visitors import Visitors
from node.nightly import Nightly
from node.pages.site import Site
from node.rpc.door.access import load_or_make_tokens
from node.rpc.door.server import MakeSite, RpcServer
from node.rpc.served import make_registry
from node.staff.service import OPERATORS_FOLDER, Staffing
from node.storage.disk import disk_faults
from node.storage.folder import held, will_hold
from node.storage.ledger import ChainLedger
from node.storage.plans import read_plans
from node.storage.snapshots import SNAPSHOTS_NAME, SnapshotFolder
from node.storage.wal import VoteLog
from node.vault.carrying import PATIENCE_S, BlobCarrier
from node.vault.hosting import Hosting
from node.vault.keeper import Keeper
from node.vault.service import Vault
from node.vault.store import VaultStore

RUNNING_NAME = "node.json"  # says where a running node is found
STOP_PATIENCE_S = 4
_COLLECTOR_THRESHOLDS = (20_000, 20, 50)
_BYTES_PER_VALUE = 320  # of the read cache: a key, a value and what Python adds

_log = logging.getLogger("washnode")


class NotValidatorError(WashError):
    """A key that may not make this chain's blocks."""

    code = 4001


def build_node(
    config: Config,
    genesis: Genesis,
    signer: Signer,
    *,
    sponsor: Signer | None = None,
    clock: Clock | None = None,
    on_migrate: Callable[[int, int], None] | None = None,
) -> Node:
    """Open the chain in `config.data_dir` with everything around it but the door.

    `on_migrate` is told (blocks done, of all) of a migration. Raises NotValidatorError where nobody
    could make blocks, StoreError, GenesisError, RecoveryPlanError for a plan's file that is none.
    """
    folder = config.data_dir
    plans = read_plans(folder)
    others = [*genesis.validators, *[one.hex() for plan in plans for one in plan.validators.keys]]
    is_among_others = config.p2p.listen or bool(config.p2p.peers)  # then others can make blocks
    if not is_among_others and not _has_chain(folder / "chain"):
        _check_validator(signer, others)

    def open_ledger(is_verified: Callable[[ReceivedTransaction], bool]) -> ChainLedger:
        chain, tuning = folder / "chain", _tuning(config)
        ledger = ChainLedger(
            chain, genesis, is_verified, tuning=tuning, plans=plans, on_migrate=on_migrate
        )
        if not is_among_others:
            _check_ledger(ledger, signer, others)
        return ledger

    log = _open_log(config, genesis)
    try:
        made = Node(
            open_ledger,
            log,
            signer,
            _clock_of(genesis) if clock is None else clock,
            pool=_pool(config),
            checkers=SignatureCheckers(config.pool.checkers),
            abis=AbiBook(folder / "abis"),
            sponsor=sponsor,
            folder=folder,
        )
    except BaseException:
        log.close()
        raise
    return _as_shop(made, config)


def _open_log(config: Config, genesis: Genesis) -> VoteLog:
    folder = config.data_dir
    with disk_faults(folder), held(folder / "chain"):  # another node may be writing its votes
        log = VoteLog(folder / "votes.log", genesis.chain_id(), sync=config.store.sync)
        _check_not_lost(folder / "chain", log, genesis)
    return log


def _as_shop(node: Node, config: Config) -> Node:
    """Let a node keep letters and keys of operators, a shop's also its staff's, and details."""
    settings = config.vault
    node.letters = Letters(node, LetterStore(config.data_dir))
    node.operators = Staffing(node, config.data_dir / OPERATORS_FOLDER)
    if node.sponsor is not None:
        node.staff = Staffing(node, config.data_dir)
    if node.sponsor is not None and settings.serve:
        store = VaultStore(config.data_dir, settings.bytes_max, settings.owner_bytes_max)
        node.vault = Vault(node, node.sponsor, store, settings.requests_per_minute)
        if _is_reached(node, config) and settings.shop_blobs_max:
            node.vault.hosting = Hosting(
                node, node.sponsor, settings.shop_bytes_max, settings.shop_blobs_max
            )
    return node


def _is_reached(node: Node, config: Config) -> bool:
    """Tell whether others can reach a node; a shop's own is behind a router."""
    return node.is_dev or config.p2p.listen or config.p2p.role == "gateway"


def _pool(config: Config) -> Pool:
    pool = config.pool
    return Pool(PoolLimits(pool.transactions_max, pool.bytes_max, pool.per_account_max))


def _tuning(config: Config) -> Tuning:
    values_max = config.store.cache_bytes // _BYTES_PER_VALUE
    return Tuning(sync=config.store.sync, values_cached_max=values_max)


def _check_validator(signer: Signer, keys: list[str]) -> None:
    if signer.public_key.hex() not in keys:
        text = (
            f"this key ({signer.public_key.hex()}) is no validator of the chain "
            f"({', '.join(sorted({*keys}))}); name the right one in [keys] validator"
        )
        raise NotValidatorError(text)


def _check_ledger(ledger: ChainLedger, signer: Signer, others: list[str]) -> None:
    """Close a chain for which this node can make no blocks, and say so."""
    keys = [key.hex() for key in read_validators(ledger.state()).keys]
    try:
        _check_validator(signer, [*keys, *others])
    except NotValidatorError:
        ledger.close()
        raise


def _clock_of(genesis: Genesis) -> Clock:
    return DrivenClock(genesis.time_ms) if genesis.is_driven else Clock()


def _has_chain(chain: Path) -> bool:
    """Tell whether a chain is there, or will be once `settle` has ended what a stop cut off."""
    return will_hold(chain)


def _check_not_lost(chain: Path, log: VoteLog, genesis: Genesis) -> None:
    """A single validator's chain that is gone must not begin again at height 0: nobody has it."""
    if log.height > 1 and len(genesis.validators) == 1 and not _has_chain(chain):
        text = (
            f"{chain} is missing, but votes.log says that it came to height {log.height}; bring "
            "the whole data folder back from a backup, or, to begin anew, move votes.log away"
        )
        raise StoreError(text)


async def serve(
    node: Node,
    config: Config,
    on_ready: Callable[[str], None],
    companions: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
) -> None:
    """Serve a node until a signal, `node.stop` or a fault; then close it.

    `on_ready` is given the address once requests are answered. `companions` run beside the node
    until it stops. Raises what made the node fail.
    """
    registry = make_registry(node)
    with disk_faults(config.data_dir):
        tokens = load_or_make_tokens(config.data_dir / "tokens.json")
    server = RpcServer(node, registry, config.rpc, tokens, make_site=_site_maker(node, config))
    offering = _offer_snapshots(node, config)
    if offering is not None:
        companions = (*companions, offering.run)
    if config.store.backup_to:
        companions = (*companions, Nightly(node, config).run)
    if node.vault is not None:
        companions = (*companions, Keeper(node.vault).run)
    if node.letters is not None:
        companions = (*companions, node.letters.run, *_carrying(node, config))
    try:
        with _stopping_on_signals(node), _collecting_rarely():
            port = await server.start()
            url = f"http://{_in_url(config.rpc.host)}:{port}"
            with _found_at(config.data_dir, url):
                _tell_recovery(node)
                _log.info("serving", extra={"url": url, "height": node.ledger.height})
                try:
                    on_ready(url)
                    await _run(node, companions)
                finally:  # nobody may ask of a chain that is closed
                    with suppress(TimeoutError):
                        async with asyncio.timeout(STOP_PATIENCE_S):
                            await server.stop()
    finally:
        if offering is not None:
            offering.stop()
        if node.vault is not None:
            node.vault.store.close()
        if node.letters is not None:
            node.letters.store.close()
        node.close()
    if node.failure is not None:
        raise node.failure
    _log.info("stopped", extra={"height": node.ledger.height})


def _carrying(node: Node, config: Config) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """Return what brings letters and sealed details to other gateways, and fetches letters there.

    A shop's go to where its customers look, those of operators both ways.
    """
    is_gateway, pages = config.p2p.role == "gateway", config.pages
    if node.is_dev:
        return []
    carrying = []
    is_for = operators_of(node, is_gateway=is_gateway)
    known = pages.also if is_gateway else (pages.url, *pages.also)  # its own are at `url`
    for url in dict.fromkeys(one.rstrip("/") for one in known if one):
        carrying.append(OperatorsCarrier(node.letters, is_for, asker(url)).run)
        if node.sponsor is None or is_gateway or not pages.url:
            continue
        carrying.append(Carrier(node.letters, account_of(node.sponsor), asker(url)).run)
        if node.vault is not None:
            carrying.append(BlobCarrier(node.vault, asker(url, PATIENCE_S)).run)
    return carrying


def _site_maker(node: Node, config: Config) -> MakeSite | None:
    """Return what makes the pages, or None where there are none."""
    pages = config.pages
    is_wanted = node.is_dev or config.p2p.role == "gateway" or node.sponsor is not None
    if pages.serve == "off" or (pages.serve == "auto" and not is_wanted):
        return None
    if pages.sponsor and node.sponsor is not None:
        node.visitors = Visitors()
    return lambda dispatcher, gate: Site(node, dispatcher, gate, pages)


def _offer_snapshots(node: Node, config: Config) -> Offering | None:
    """Return what makes a node's snapshots; a development chain may go back, so it has none."""
    if node.is_dev or not config.store.snapshots:
        return None
    node.snapshots = SnapshotFolder(config.data_dir / SNAPSHOTS_NAME)
    return Offering(node, node.snapshots)


async def _run(node: Node, companions: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(run())
            for run in (node.run, node.unsent.take, node.unsent.run, *companions)
        ]
        await node.stopped()
        for task in tasks:
            task.cancel()


def _tell_recovery(node: Node) -> None:
    repaired = node.ledger.repaired
    if repaired is not None:
        _log.warning(
            "the chain was damaged and is whole again: %s; the files as they were: %s",
            repaired.error,
            repaired.kept,
        )
    plan = plan_above(node.ledger.executor.plans, node.ledger.head)
    if plan is not None:
        _log.warning(
            "a recovery plan says who decides above height %d, epoch %d: %s",
            plan.height,
            plan.validators.epoch,
            ", ".join(key.hex() for key in plan.validators.keys),
        )


def _in_url(host: str) -> str:
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - the address to listen on is not one to call
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


@contextmanager
def _stopping_on_signals(node: Node) -> Iterator[None]:
    """Stop in order on Ctrl-C, `kill`, and on Windows Ctrl-Break or the closing of the console."""
    loop = asyncio.get_running_loop()

    def stop(number: int, _frame: FrameType | None) -> None:
        _log.info("stopping on %s", signal.Signals(number).name)
        with suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(node.stop)

    names = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    try:
        before = {number: signal.signal(number, stop) for number in numbers}
    except ValueError:  # not the main thread, as in tests
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Let the garbage collector pass over what was loaded, and look less often at what comes.

    A block makes thousands of values that all live until it is stored; by default the collector
    would look through them again and again, for about a fifth of the time a block takes.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def _found_at(folder: Path, url: str) -> Iterator[None]:
    """Let commands on this machine find the running node."""
    path = folder / RUNNING_NAME
    with disk_faults(folder):
        path.write_text(json.dumps({"pid": os.getpid(), "url": url}) + "\n", encoding="utf-8")
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
