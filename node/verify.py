"""Checking a kept chain: every block executed again, every signature, every stored byte."""

import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path

from chain.block import Block, block_id
from chain.errors import CorruptStoreError, GenesisError, StoreError, WashError
from chain.features import check_features
from chain.genesis import Genesis, parse_genesis
from chain.recovery import RecoveryPlan, next_validators
from chain.rules import check_commit, check_header
from chain.store import Store
from chain.store_format import OlderFormatError
from chain.tables import THROW_AWAY, Table
from chain.transaction import ReceivedTransaction
from node.children import deaf_to_interrupts
from node.rehearse.chain import tally_for_rehearsal
from node.rehearse.tally import Tally
from node.rehearse.wallets import check_chunk
from node.storage.folder import held, link_files, read_height
from node.storage.kept import check_kept
from node.storage.ledger import ChainLedger
from node.storage.recovery import rebuild_tree
from node.storage.seal import Seal, SealError, broken_files, read_seal

_AHEAD = 8  # groups of blocks whose signatures are checked ahead of their execution
_GROUP = 256  # transactions in such a group, at least
_DERIVED = (Table.BLOCK_ID, Table.TRANSACTION, Table.TOPIC, Table.STATE, Table.NODE)


class VerificationError(Exception):
    """A kept chain that is not what it says; the text names the height."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a chain that holds shows.

    `executed_from` is 1 where every block was executed again, 0 where that can not be done because
    older blocks are not kept: then what is kept fits together, and the state has its root.
    """

    tally: Tally
    transactions: int
    blocks: int
    timers_fired: int
    executed_from: int = 1


def verify_chain(folder: Path, on_progress: Callable[[int, int], None] | None = None) -> Verified:
    """Execute the chain in `folder` again and compare everything; raises VerificationError.

    Nothing in the folder is changed: the database is opened as a copy. `on_progress` is told
    (height done, height of the head).
    """
    seal: Seal | None = None
    broken: list[str] = []
    unsealed = ""
    try:
        seal = read_seal(folder)
        broken = broken_files(folder, seal)
    except (SealError, OSError) as error:
        unsealed = str(error)
    progress = on_progress or (lambda _done, _all: None)
    with tempfile.TemporaryDirectory(prefix="washnode-") as temporary:
        try:
            verified = _execute_again(folder, Path(temporary), seal, progress)
        except _Found as found:
            text = f"height {found.height}: {found.text}" + _named(broken)
            raise VerificationError(text) from found
    if broken or unsealed:
        what = unsealed or f"not as it was put away{_named(broken)}"
        text = f"height {verified.blocks}: the chain holds up to here, but {what}"
        raise VerificationError(text)
    return verified


def verify_data(
    chain: Path,
    genesis: Genesis,
    on_progress: Callable[[int, int], None] | None = None,
    plans: Sequence[RecoveryPlan] = (),
) -> Verified:
    """Execute the stopped chain in the folder `chain` again and compare everything.

    `plans` are the operators' by which it was recovered. Works on a copy that is made while nobody
    else may open the chain. The result's tally is empty. Raises VerificationError, or
    StoreInUseError while a node runs on it.
    """
    progress = on_progress or (lambda _done, _all: None)
    place = chain.parent if os.access(chain.parent, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=f"{chain.name}.check-", dir=place) as name:
        temporary = Path(name)
        with held(chain):
            link_files(chain, temporary / "kept")
        try:
            beginning = _Beginning(genesis, None, tuple(plans))
            return _replay_copy(temporary, chain, beginning, progress, is_tallied=False)
        except _Found as found:
            text = f"height {found.height}: {found.text}"
            raise VerificationError(text) from found


def _named(broken: list[str]) -> str:
    return f" (changed: {', '.join(broken[:4])})" if broken else ""


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What a chain is executed from, and the seal that it was put away with."""

    genesis: Genesis
    seal: Seal | None
    plans: tuple[RecoveryPlan, ...] = ()


class _Found(Exception):  # noqa: N818 - carries what was found and where
    """What is wrong, and at which height."""

    def __init__(self, height: int, text: str) -> None:
        super().__init__(text)
        self.height, self.text = height, text


def _execute_again(
    folder: Path, temporary: Path, seal: Seal | None, on_progress: Callable[[int, int], None]
) -> Verified:
    try:
        genesis = parse_genesis((folder / "genesis.json").read_bytes())
    except (GenesisError, OSError) as error:
        raise _Found(0, f"genesis.json: {error}") from error
    if seal is not None and genesis.chain_id().hex() != seal.chain_id:
        raise _Found(0, "genesis.json describes another chain than the seal")
    if not (folder / "chain").is_dir():
        raise _Found(1, f"no block can be read: there is no folder {folder / 'chain'}")
    shutil.copytree(folder / "chain", temporary / "kept")
    beginning = _Beginning(genesis, seal)
    return _replay_copy(temporary, folder / "chain", beginning, on_progress, is_tallied=True)


def _replay_copy(
    temporary: Path,
    chain: Path,
    beginning: _Beginning,
    on_progress: Callable[[int, int], None],
    *,
    is_tallied: bool,
) -> Verified:
    came_to = read_height(temporary / "kept")
    try:
        kept = Store(str(temporary / "kept"), THROW_AWAY, create=False)
    except OlderFormatError as error:
        raise OlderFormatError(str(chain), error.found) from error
    except StoreError as error:
        raise _unread(temporary, chain, error) from error
    with closing(kept):
        try:
            height = kept.head_height()
        except StoreError as error:
            raise _unread(temporary, chain, error) from error
        if came_to is not None and height < came_to:
            text = f"the chain had come to {came_to}, its blocks end at {height}"
            raise _Found(height + 1, text)
        if not kept.keeps_all:
            return _check_unexecuted(kept, height, on_progress)
        if kept.was_dirty:
            rebuild_tree(kept)  # what of it was in memory only went with the bad stop
        again = temporary / "again"
        replay = _Replay(kept, beginning, again, on_progress, is_tallied=is_tallied)
        return replay.run(height, beginning.seal)


def _check_unexecuted(
    kept: Store, height: int, on_progress: Callable[[int, int], None]
) -> Verified:
    """Check a chain that lacks what would have to be executed: all that is kept, and the state."""
    try:
        found = check_kept(kept, on_progress)
    except CorruptStoreError as error:
        raise _Found(error.height, error.what) from error
    except WashError as error:
        raise _Found(height, str(error)) from error
    tally = tally_for_rehearsal()
    return Verified(tally, found.transactions, height, found.timers_fired, executed_from=0)


def _unread(temporary: Path, chain: Path, error: StoreError) -> "_Found":
    text = str(error).replace(str(temporary / "kept"), str(chain))
    return _Found(1, f"no block can be read: {text}")


class _Replay:
    """One execution of a kept chain beside it."""

    def __init__(
        self,
        kept: Store,
        beginning: _Beginning,
        folder: Path,
        on_progress: Callable[[int, int], None],
        *,
        is_tallied: bool,
    ) -> None:
        self.kept, self.on_progress, self.is_tallied = kept, on_progress, is_tallied
        self.ledger = ChainLedger(
            folder, beginning.genesis, _is_checked, tuning=THROW_AWAY, plans=beginning.plans
        )
        self.tally = tally_for_rehearsal()
        self.transactions = self.timers_fired = 0

    def run(self, height: int, seal: Seal | None) -> Verified:
        """Replay up to the head and compare all tables."""
        try:
            if self.kept.block(0) != self.ledger.store.block(0):
                raise _Found(0, "the first block is not what genesis.json gives")
            for block in self._checked_blocks(height):
                self._replay(block)
                self.on_progress(block.header.height, height)
            if seal is not None and (height, self.ledger.head_id.hex()) != (
                seal.height,
                seal.head_id,
            ):
                raise _Found(
                    height + 1, f"the chain ends at {height}, it was sealed at {seal.height}"
                )
            self._compare_tables(height)
        except CorruptStoreError as error:
            raise _Found(error.height, error.what) from error
        except StoreError as error:
            raise _Found(min(self.ledger.height + 1, height), str(error)) from error
        finally:
            self.ledger.close()
        return Verified(self.tally, self.transactions, height, self.timers_fired)

    def _checked_blocks(self, height: int) -> Iterator[Block]:
        """Yield the blocks in order once all their signatures are checked, in processes ahead."""
        waiting: deque[tuple[list[Block], Future[None]]] = deque()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            for group in self._groups(height):
                data = [tx for block in group for tx in block.transactions]
                with deaf_to_interrupts():  # the first one starts the process
                    waiting.append((group, pool.submit(check_chunk, data)))
                if len(waiting) > _AHEAD:
                    yield from _finish(*waiting.popleft())
            while waiting:
                yield from _finish(*waiting.popleft())

    def _groups(self, height: int) -> Iterator[list[Block]]:
        group: list[Block] = []
        count = 0
        for number in range(1, height + 1):
            try:
                block = self.kept.block(number)
            except CorruptStoreError as error:
                raise _Found(number, error.what) from error
            except WashError as error:
                raise _Found(number, str(error)) from error
            group.append(block)
            count += len(block.transactions)
            if count >= _GROUP:
                yield group
                group, count = [], 0
        yield group

    def _replay(self, block: Block) -> None:
        ledger, kept, number = self.ledger, self.kept, self.ledger.height + 1
        check_features(ledger.state(), number)  # never by rules that this program lacks
        ledger.sift_plans(block.header)
        plans = ledger.executor.plans
        validators = next_validators(ledger.state(), ledger.head, plans)
        try:
            check_header(block.header, ledger.head, validators, plans)
            commit = kept.commit(number)
            check_commit(commit, block.header, validators)
            executed = ledger.executor.check(ledger.store, ledger.head, block)
            same = kept.receipt_bytes(number) == list(executed.receipt_bytes)
        except WashError as error:
            text = str(error).removeprefix(f"height {number}: ")
            raise _Found(number, text) from error
        if kept.find_block(block_id(block.header)) != number:
            raise _Found(number, "the block's id is not indexed")
        if not same:
            raise _Found(number, "the stored receipts are not what executing gives")
        if number > 1 and block.last_commit is None:
            raise _Found(number, "the parent's certificate is missing")
        receipts = ledger.append(executed, commit)
        if self.is_tallied:
            self.tally.add_receipts(receipts)
        self.transactions += len(executed.tx_ids)
        self.timers_fired += executed.timers_fired

    def _compare_tables(self, height: int) -> None:
        again = self.ledger.store
        for table in _DERIVED:
            pairs = zip_longest(self.kept.table_entries(table), again.table_entries(table))
            for one, other in pairs:
                if one != other:
                    entry = one or other
                    assert entry is not None, "zip_longest ends with the longer one"
                    text = f"{table.name.lower()} {entry[0].hex()} is not what executing gives"
                    raise _Found(height, text)


def _is_checked(_tx: ReceivedTransaction) -> bool:
    return True  # every block's signatures are checked before it is executed


def _finish(group: list[Block], checked: "Future[None]") -> Iterator[Block]:
    try:
        checked.result()
    except WashError as error:
        raise _Found(_first_bad(group), str(error)) from error
    yield from group


def _first_bad(group: list[Block]) -> int:
    for block in group:
        try:
            check_chunk(list(block.transactions))
        except WashError:
            return block.header.height
    return group[0].header.height
