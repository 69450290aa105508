"""The node's core: one chain, what waits for its next block, and what became of it.

Everything here runs on one thread, the event loop's. Accepting, building and reading are plain
calls between which nothing else happens, so a reader sees one height.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chain.crypto import Signer
from chain.errors import (
    BadSignatureError,
    ExpiredError,
    StoreError,
    UnknownFeatureError,
    WashError,
)
from chain.executed import ExecutedBlock
from chain.nonces import next_nonce
from chain.params import read_params
from chain.readiness import Readiness, newest_anchor, prove_readiness
from chain.receipt import count_firings
from chain.rules import check_signatures
from chain.state import State
from chain.transaction import ReceivedTransaction
from consensus import BlocksRefused, Engine, Message, Received
from node import __version__
from node.driver import Driver, head_of
from node.live.abis import AbiBook
from node.live.clock import Clock
from node.live.feed import EventFeed
from node.live.fitness import Fitness, disk_reason
from node.live.intake import Intake
from node.live.notices import Notices
from node.live.outbox import Outbox
from node.live.outcomes import Outcomes, Pending, TxStatus
from node.live.pace import Pace
from node.live.pool import Pool
from node.live.refusals import Refusals
from node.live.searched import is_over, searched_heights
from node.live.signatures import SignatureCheckers
from node.live.simulation import Simulated, Simulator
from node.live.unsent import Unsent
from node.storage.disk import tell_fault
from node.storage.ledger import ChainLedger
from node.storage.snapshots import SnapshotFolder
from node.storage.wal import VoteLog

LOOK_MS = 60_000  # a sleeping machine's timers are late by its sleep: at least this often
OFFERED_BLOCKS = 2  # gas limits are bounds: this many blocks' worth of them is offered

_log = logging.getLogger("washnode.node")


class Node:
    """One running chain, and this node's part in deciding its blocks."""

    chunks: tuple[int, int] | None = None  # of a snapshot that is fetched: those here, and all
    staff: Any = None  # node.staff.service.Staffing, where it is a shop's
    operators: Any = None  # the same for operators, who log in at any node that has a folder
    letters: Any = None  # node.letters.service.Letters, where it serves

    def __init__(
        self,
        open_ledger: Callable[[Callable[[ReceivedTransaction], bool]], ChainLedger],
        log: VoteLog,
        signer: Signer,
        clock: Clock,
        *,
        pool: Pool | None = None,
        checkers: SignatureCheckers | None = None,
        abis: AbiBook | None = None,
        sponsor: Signer | None = None,
        folder: Path | None = None,
    ) -> None:
        """`open_ledger` is given what tells of good signatures; `signer` makes the blocks.

        `sponsor` co-signs for customers where this node is a shop's; its data lies in `folder`.
        """
        self._open_ledger, self._vote_log, self._signer = open_ledger, log, signer
        self.clock, self.sponsor, self.folder = clock, sponsor, folder
        self.pool = Pool() if pool is None else pool
        self._checkers = checkers or SignatureCheckers(0)
        self._outcomes = Outcomes()
        self.intake = Intake(self, self._checkers, self._outcomes)
        self.intake.on_accept.append(self._on_accept)
        self.say: Callable[[Message, bytes | None], None] | None = None  # to other nodes
        self.on_refused: list[Callable[[bytes, str], None]] = []  # peers whose blocks do not hold
        self.fitness = Fitness(self._on_fitness)
        self.network: Any = None  # node.net.network.Network, where this node is among others
        self.unsent = Unsent(self, self._outcomes)
        self.outbox = Outbox(None if folder is None else folder / "outbox.log", self.unsent.stamp)
        self._refusals = Refusals(self.pool, self._outcomes, self.intake, self.unsent)
        self.abis = AbiBook(None) if abis is None else abis
        self.version, self.started_at_ms = __version__, clock.now_ms()
        self.feed = EventFeed(self)
        self.on_commit: list[Callable[[ExecutedBlock], None]] = [self.feed.on_commit]
        self.on_close: list[Callable[[], None]] = []  # before the chain is closed to be reopened
        self.on_reopen: list[Callable[[], None]] = []
        self.failure: BaseException | None = None
        self._work, self._stopped = asyncio.Event(), asyncio.Event()
        self.is_halted = False  # a development chain stands still on purpose
        self.snapshots: SnapshotFolder | None = None  # what it offers to nodes that begin
        self.visitors: Any = None  # node.live.visitors.Visitors, where it co-signs for anybody
        self.vault: Any = None  # node.vault.service.Vault, where it keeps customers' details
        self.desk: Any = None  # node.joining.desk.Desk, where it lets shops in
        try:
            self._open()
        except BaseException:
            self.outbox.close()
            raise
        self.on_commit.append(Notices(self).on_commit)

    def _open(self) -> None:
        ledger = self.ledger = self._open_ledger(self.intake.is_verified)
        try:
            self.is_dev = bool(read_params(self.state()).dev)
            self.simulator = Simulator(ledger)
            head = head_of(ledger)
            is_alone = head.validators.keys == (self.validator_key,)
            self._pace = Pace(self.clock, ledger, is_alone=is_alone)
            recovered = self._vote_log.recovered(
                ledger.height, is_alone=is_alone, epoch=head.validators.epoch
            )
            chance = secrets.token_bytes(16)
            engine = Engine(self._signer, ledger.chain_id, head, recovered, chance)
            self.driver = Driver(
                ledger,
                engine,
                self._vote_log,
                self._on_commit,
                offer=self._offer,
                on_unused=self._refusals.take_unused,
                on_poison=self._on_poison,
                send=self._say,
                on_refused=self._tell_refused,
            )
            self.driver.recover(self._pace.now_ms(), self.clock.mono_ms())
        except BaseException:
            ledger.close(clean=False)
            raise

    @property
    def validator_key(self) -> bytes:
        """The public key this node signs blocks with."""
        return self._signer.public_key

    def state(self) -> State:
        """Return the state at the head, for reading."""
        return self.ledger.state()

    def block_time(self) -> int:
        """Return the earliest time that the next block may have now, ms."""
        return max(self.clock.now_ms(), self.ledger.head.time_ms + 1)

    # Taking transactions ----------------------------------------------------------------------

    def submit(self, data: bytes) -> Pending:
        """Take signed bytes, or raise the typed refusal; the same bytes get the same answer."""
        return self.intake.submit(data)

    async def submit_batch(self, items: list[bytes]) -> list[Pending | WashError]:
        """Take many; each item is answered by itself. Signatures are checked in other processes."""
        return await self.intake.submit_batch(items)

    def next_nonce(self, account: bytes, key: bytes) -> int:
        """Return the lowest nonce above those of the chain and of what waits."""
        return self.pool.next_nonce(account, key, next_nonce(self.state(), account, key))

    def simulate(self, tx: ReceivedTransaction, *, signed: bool) -> Simulated:
        """Tell what a transaction would do in the next block; `signed`: its signatures count."""
        if signed:
            try:
                check_signatures(tx)
            except BadSignatureError as error:
                return Simulated(None, error, ())
        return self.simulator.run(tx, self.block_time())

    # What became of them ----------------------------------------------------------------------

    def status(self, tx_id: bytes, valid_until: int | None = None) -> TxStatus:
        """Return what is known of a transaction.

        `valid_until` (ms), where the caller knows it, lets a transaction that this node never saw
        be told as expired.
        """
        place = self.ledger.store.find_transaction(tx_id)
        if place is not None:
            return self._status_in_block(*place)
        if tx_id in self.pool:
            return TxStatus("pending", error=self._outcomes.trouble(tx_id))
        if self.unsent.is_renewable(tx_id):
            return TxStatus("pending")
        return self._status_of_dropped(tx_id, valid_until)

    def _status_of_dropped(self, tx_id: bytes, valid_until: int | None) -> TxStatus:
        searched, renewed = searched_heights(self.ledger), self.outbox.renewed_as(tx_id)
        error = self._outcomes.error(tx_id) or self.unsent.error(tx_id)
        over = valid_until is not None and is_over(self.ledger, valid_until)
        if isinstance(error, ExpiredError) or (error is None and (over or renewed)):
            return TxStatus("expired", searched=searched, renewed_as=renewed)
        if error is not None:
            return TxStatus("failed", error=error, searched=searched)
        return TxStatus("unknown", searched=searched)

    def _status_in_block(self, height: int, place: int) -> TxStatus:
        receipts = self.ledger.store.receipts(height)
        number = count_firings(receipts) + place
        return TxStatus("final" if receipts[number].ok else "failed", height, number)

    async def wait(self, tx_id: bytes, timeout_ms: int) -> TxStatus:
        """Return the status once it is settled, or as it is after `timeout_ms`."""
        return await self._outcomes.wait(tx_id, timeout_ms, self.status)

    # Making blocks ----------------------------------------------------------------------------

    def make_block(self, at_ms: int) -> ExecutedBlock | None:
        """Make a block at a time from what waits and is due; None if it is too soon for one."""
        self.fitness.set("disk", disk_reason(self.folder))
        try:
            return self.driver.make_block(at_ms, self.clock.mono_ms())
        finally:
            self._work.set()  # timers may have been set

    def _offer(self, at_ms: int) -> list[ReceivedTransaction]:
        """Return what the next block may take; one that was refused before is checked first."""
        gas_max = OFFERED_BLOCKS * read_params(self.state()).block_gas_max
        chosen = []
        for tx in self.pool.offer(at_ms, gas_max):
            if self.pool.is_put_off(tx.tx_id):
                try:
                    self.intake.check_form_and_sender(tx, at_ms)
                except StoreError:
                    raise
                except ExpiredError:
                    pass  # a block without it is what proves that it is over
                except WashError as error:
                    self._refusals.refuse(tx, error, at_ms)
                    continue
            chosen.append(tx)
        self._refusals.offered = {tx.witness_id: tx for tx in chosen}
        return chosen

    def _on_commit(self, executed: ExecutedBlock) -> None:
        self.intake.forget(executed)
        self.unsent.on_commit(executed)
        now = executed.block.header.time_ms
        self._refusals.take(executed)
        self._pace.note_block()
        self._refusals.drop_overtaken(executed)
        for tx in self.pool.take_expired(now):
            self._refusals.drop(tx, ExpiredError(now=now, valid_until=tx.body.valid_until))
        for tell in self.on_commit:
            tell(executed)
        for tx_id in executed.tx_ids:
            self._outcomes.settle(tx_id)

    def _on_poison(self, tx_id: bytes, text: str) -> None:
        self._refusals.put_aside(tx_id, text, self.block_time())

    def _say(self, message: Message, to: bytes | None) -> None:
        if self.say is not None:
            self.say(message, to)

    def _tell_refused(self, peer: bytes, text: str) -> None:
        for tell in self.on_refused:
            tell(peer, text)

    def hear(self, event: Received | BlocksRefused) -> None:
        """Tell the engine what a peer says, form and signatures checked, or that it is gone."""
        if self.failure is not None or self._stopped.is_set():
            return
        try:
            now, mono = self._pace.now_ms(), self.clock.mono_ms()
            self.driver.start(now, mono)
            self.driver.handle(event, now, mono)
        except Exception as error:  # noqa: BLE001 - whatever it is, the node stops loudly
            self.fail(error)
        self._work.set()  # timers may have been set

    def _on_accept(self, tx: ReceivedTransaction, origin: bytes | None) -> None:
        if origin is None:
            self.outbox.add(tx.tx_id, tx.data)
        if not self.driver.knows_of_work:
            self._work.set()

    async def run(self) -> None:
        """Let the engine do what it is time for, until cancelled; returns after `fail`."""
        while self.failure is None:
            self._work.clear()
            try:
                wait_ms = LOOK_MS if self.is_halted else self._turn()
            except Exception as error:  # noqa: BLE001 - whatever it is, the node stops loudly
                self.fail(error)
                return
            await self._sleep(wait_ms)

    def _turn(self) -> int:
        """Tell the engine the time; returns how long it has nothing to do, ms."""
        self.fitness.set("disk", disk_reason(self.folder))
        now, mono, height = self._pace.now_ms(), self.clock.mono_ms(), self.ledger.height
        has_work = self._pace.may_build(now) and self.pool.has_work(now)
        self.driver.look(now, mono, has_work=has_work)
        if self.ledger.height > height:
            return 0
        timer_ms, retry_ms = self.driver.next_timer_ms(), self.pool.next_retry_ms()
        waits = [LOOK_MS] if timer_ms is None else [LOOK_MS, max(timer_ms - mono, 1)]
        if retry_ms is not None and retry_ms > now:
            waits.append(retry_ms - now)
        return min(waits)

    async def _sleep(self, wait_ms: int) -> None:
        if not wait_ms:
            await asyncio.sleep(0)  # readers and newcomers have their turn
            return
        try:
            async with asyncio.timeout(wait_ms / 1_000):
                await self._work.wait()
        except TimeoutError:
            pass

    def pause(self, reason: str | None) -> None:
        """Make no blocks and vote for none until told None; a new start forgets it."""
        self.fitness.set("pause", reason)

    def _on_fitness(self, trouble: str | None) -> None:
        self.driver.set_trouble(trouble, self._pace.now_ms(), self.clock.mono_ms())
        self._work.set()

    def prove_readiness(self) -> Readiness:
        """Return the proof that this node runs with its key, over a recent block of its chain."""
        chain_id = self.ledger.chain_id
        anchor = newest_anchor(self.state(), chain_id, self.ledger.height)
        return prove_readiness(self._signer, chain_id, anchor)

    def wake(self) -> None:
        """Look for work again: the clock was moved, or a halt is over."""
        self._work.set()

    # Ends -------------------------------------------------------------------------------------

    def fail(self, error: BaseException) -> None:
        """Stop for good: the disk or the money failed, or a rule in force is unknown here."""
        if self.failure is None:
            if isinstance(error, StoreError | OSError):  # says all in one line, where it ends
                error = tell_fault(error, self.ledger.folder)
            elif isinstance(error, UnknownFeatureError):  # nothing is wrong with the program
                _log.critical("stopping: %s", error)
            else:
                _log.critical("stopping: %s", error, exc_info=error)
            self.failure = error
        self.stop()

    def stop(self) -> None:
        """Ask the node to stop; what it is doing is finished first."""
        self._stopped.set()
        self._work.set()

    async def stopped(self) -> None:
        """Return once `stop` or `fail` was called."""
        await self._stopped.wait()

    def reopen(self, action: Callable[[], None], *, keeps_votes: bool = False) -> None:
        """Close the chain, run `action` on its folder, open it again; what waited is forgotten."""
        trouble = self.driver.trouble
        for tell in self.on_close:
            tell()
        self.ledger.close()
        try:
            action()
        finally:
            (self._vote_log.reread if keeps_votes else self._vote_log.forget)()
            if not keeps_votes:  # it may go back to where nothing of that has happened
                self.outbox.forget_over()
            self.intake.verified.clear()
            for tx in self.pool:
                self._outcomes.settle(tx.tx_id)
            self.pool.clear()
            self._outcomes.clear()
            self._open()
        if trouble is not None:
            self.driver.set_trouble(trouble, self._pace.now_ms(), self.clock.mono_ms())
        self.feed.clear()
        for tell in self.on_reopen:
            tell()
        self.wake()

    def close(self) -> None:
        """Close the chain; as dirty if it failed."""
        self._checkers.close()
        try:
            self.ledger.close(clean=self.failure is None)
        finally:
            self._vote_log.close()
            self.outbox.close()
