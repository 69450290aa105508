"""The driver: performs the engine's effects and feeds the answers back. It decides nothing.

Time is an argument, wall and monotonic, for clocks and time travel alike; whoever passes one time
uses it for both. A fault of the disk or of the money passes through and stops the node; any other
exception is one block's or transaction's fault, is told, and costs a vote.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import assert_never

from chain.block import Block, Commit, Evidence, block_id
from chain.errors import StoreError, UnknownFeatureError, WashError
from chain.executed import ExecutedBlock
from chain.features import check_features
from chain.params import read_params
from chain.timers import next_work_time
from chain.transaction import ReceivedTransaction
from consensus import (
    Alarm,
    ApplyBlocks,
    BlockBuilt,
    BlockChecked,
    BlocksRefused,
    BuildBlock,
    CheckBlock,
    CommitBlock,
    Effect,
    Engine,
    HealthChanged,
    HeightCommitted,
    Input,
    Message,
    Mode,
    ModeChanged,
    Persist,
    Persisted,
    ReportEvidence,
    Send,
    ServeBlocks,
    SetTimer,
    Start,
    Timer,
    TimerElapsed,
    TimerKind,
    WorkChanged,
)
from contracts.execution import BlockFullError, BlockInputs, MoneyError
from node.blocks import (
    certificate_of,
    check_segment_of,
    execute_block,
    find_poison,
    head_of,
    read_segment,
)
from node.storage.ledger import ChainLedger
from node.storage.wal import VoteRecords

__all__ = ["Driver", "head_of"]

EXECUTED_MAX = 16  # blocks of one height whose outcome is kept
NOTES_MAX = 64  # alarms and evidence kept for people
_STOPPING = (StoreError, MoneyError, UnknownFeatureError)  # no block's fault: the node must stop
_LASTING = {TimerKind.RESEND, TimerKind.STATUS, TimerKind.SYNC, TimerKind.REJOIN}

_log = logging.getLogger("washnode.driver")


class Driver:
    """Runs one chain with one engine."""

    def __init__(
        self,
        ledger: ChainLedger,
        engine: Engine,
        log: VoteRecords,
        on_commit: Callable[[ExecutedBlock], None] | None = None,
        *,
        offer: Callable[[int], Sequence[ReceivedTransaction]] | None = None,
        on_unused: Callable[[ExecutedBlock], None] | None = None,
        on_poison: Callable[[bytes, str], None] | None = None,
        send: Callable[[Message, bytes | None], None] | None = None,
        on_refused: Callable[[bytes, str], None] | None = None,
    ) -> None:
        """`offer` returns what a block at a time may take besides what was submitted here.

        `on_commit` is told of every block once it is stored, `on_unused` of one that was built and
        had nothing in it, `on_poison` of a transaction that can not be executed (id, why),
        `on_refused` of a peer whose decided blocks do not hold (key, why).
        """
        self.ledger, self._engine, self._log = ledger, engine, log
        self._on_commit, self._on_unused, self._on_poison = on_commit, on_unused, on_poison
        self._offer, self._send, self._on_refused = offer, send, on_refused
        self.pending: list[ReceivedTransaction] = []
        self.alarms: deque[str] = deque(maxlen=NOTES_MAX)
        self.evidence: deque[Evidence] = deque(maxlen=NOTES_MAX)
        self.alarms_total = 0
        self.watchers: list[Callable[[Effect], None]] = []  # told of every effect before it is done
        self.before_store: list[Callable[[ExecutedBlock], None]] = []
        self.mode, self.mode_reason = Mode.LISTENING, ""
        self.trouble: str | None = None  # why it makes no blocks and votes for none
        self._executed: dict[bytes, ExecutedBlock] = {}
        self._newest: ExecutedBlock | None = None
        self._timers: dict[TimerKind, tuple[int, Timer]] = {}
        self._is_started = False
        self._is_wished = False  # somebody asked for a block, be it empty
        self._tell_refused_plans()
        check_features(ledger.state(), ledger.height + 1)

    # For whoever runs it --------------------------------------------------------------------------

    def submit(self, transactions: Sequence[ReceivedTransaction]) -> None:
        """Add transactions for the next block."""
        self.pending.extend(transactions)

    def next_work_time(self) -> int | None:
        """Return the earliest time at which something falls due or a heartbeat is, or None."""
        state, head_time_ms = self.ledger.state(), self.ledger.head.time_ms
        due = next_work_time(state, head_time_ms)
        heartbeat_ms = read_params(state).heartbeat_ms
        if not heartbeat_ms:
            return due
        beat = head_time_ms + heartbeat_ms
        return beat if due is None else min(due, beat)

    def recover(self, now_wall: int, now_mono: int | None = None) -> None:
        """Check what the vote log held; a block that was decided before the stop is stored."""
        self.handle(WorkChanged(has_transactions=False), now_wall, now_mono)

    def set_trouble(self, trouble: str | None, now_wall: int, now_mono: int | None = None) -> None:
        """Let the node propose nothing and vote for nothing, with the reason; None: go on."""
        self.trouble = trouble
        self.handle(HealthChanged(trouble), now_wall, now_mono)

    def start(self, now_wall: int, now_mono: int | None = None) -> None:
        """Let the engine begin, once."""
        if not self._is_started:
            self._is_started = True
            self.handle(Start(), now_wall, now_mono)

    def make_block(self, now_wall: int, now_mono: int | None = None) -> ExecutedBlock | None:
        """Let the engine make a block now from what is offered and due, be it empty, if it will."""
        height = self.ledger.height
        self._is_wished = True
        try:
            self.handle(WorkChanged(has_transactions=True), now_wall, now_mono)
            self.start(now_wall, now_mono)
        finally:
            self._is_wished = False
        return self._newest if self.ledger.height > height else None

    def look(self, now_wall: int, now_mono: int, *, has_work: bool) -> None:
        """Tell the engine the time and whether transactions wait, then of timers that are over."""
        self.start(now_wall, now_mono)
        self.handle(WorkChanged(has_work), now_wall, now_mono)
        self.elapse(now_wall, now_mono)

    @property
    def engine(self) -> Engine:
        """The engine, for reading."""
        return self._engine

    @property
    def vote_log(self) -> VoteRecords:
        """The vote log, for reading."""
        return self._log

    @property
    def knows_of_work(self) -> bool:
        """Whether the engine knows that transactions wait: more of them are no news."""
        return self._engine.machine.has_transactions

    def next_timer_ms(self) -> int | None:
        """Return the monotonic time at which the next timer is over, or None."""
        return min((at_ms for at_ms, _timer in self._timers.values()), default=None)

    def elapse(self, now_wall: int, now_mono: int) -> None:
        """Tell the engine of the timers that are over by now, the earliest first."""
        over = sorted((at_ms, kind) for kind, (at_ms, _) in self._timers.items())
        for at_ms, kind in over:
            found = self._timers.get(kind)
            if at_ms <= now_mono and found is not None and found[0] == at_ms:
                del self._timers[kind]
                self.handle(TimerElapsed(found[1]), now_wall, now_mono)

    def handle(self, event: Input, now_wall: int, now_mono: int | None = None) -> None:
        """Give the engine an input and perform what it asks for, until it asks for nothing more."""
        mono = now_wall if now_mono is None else now_mono
        inputs: deque[Input] = deque([event])
        while inputs:
            for effect in self._engine.handle(inputs.popleft(), now_wall, mono):
                for watch in self.watchers:
                    watch(effect)
                inputs.extend(self._perform(effect))

    # Effects --------------------------------------------------------------------------------------

    def _perform(self, effect: Effect) -> Sequence[Input]:  # noqa: C901, PLR0912 - a kind a line
        match effect:
            case Persist(token, entries):
                self._log.append(entries)
                return [Persisted(token)]
            case Send(message, to):
                self._carry(message, to)
            case SetTimer(timer, at_mono_ms):
                self._timers[timer.kind] = (at_mono_ms, timer)
            case BuildBlock():
                return self._build(effect)
            case CheckBlock(height, found, block):
                return self._check(height, found, block)
            case CommitBlock():
                return [self._commit(effect)]
            case ApplyBlocks():
                return self._apply(effect)
            case ServeBlocks(start, count, to):
                blocks = read_segment(self.ledger, start, count)
                if blocks is not None:
                    self._carry(blocks, to)
            case ModeChanged(mode, reason):
                self._note_mode(mode, reason)
            case ReportEvidence(evidence):
                self.evidence.append(evidence)
                _log.error("a validator signed two votes that exclude each other: %s", evidence)
            case Alarm(text):
                self._alarm(text)
            case _ as never:
                assert_never(never)
        return []

    def _carry(self, message: Message, to: bytes | None) -> None:
        if self._send is not None:
            self._send(message, to)

    def _note_mode(self, mode: Mode, reason: str) -> None:
        if (mode, reason) != (self.mode, self.mode_reason):
            level = logging.WARNING if mode == Mode.OBSERVER else logging.INFO
            _log.log(level, "%s: %s", mode.name.lower(), reason)
        self.mode, self.mode_reason = mode, reason

    def _alarm(self, text: str, fault: Exception | None = None) -> None:
        self.alarms.append(text)
        self.alarms_total += 1
        _log.critical("%s", text, exc_info=fault)

    def _tell_refused_plans(self) -> None:
        refused = self.ledger.refused_plans
        while refused:
            self._alarm(f"a recovery plan counts for nothing: {refused.pop(0)}")

    def _build(self, effect: BuildBlock) -> Sequence[Input]:
        ledger, answer = self.ledger, BlockBuilt(effect.height, effect.round, None)
        if effect.height != ledger.height + 1:
            return []
        own = list(self.pending)
        offered = own if self._offer is None else [*own, *self._offer(effect.time_ms)]
        me = self._engine.me
        inputs = BlockInputs(effect.time_ms, me, effect.last_commit, offered, effect.evidence)
        try:
            built = ledger.executor.build(ledger.store, ledger.head, inputs)
        except _STOPPING:
            raise
        except Exception as fault:  # noqa: BLE001 - others may build one that this node can execute
            self._alarm(f"height {effect.height}: no block can be built here: {fault!r}", fault)
            return [answer]
        full = {one for one, error in built.refused if isinstance(error, BlockFullError)}
        self.pending = [tx for tx in own if tx.witness_id in full]
        if not self._has_cause(built, is_offered=bool(offered)):
            if self._on_unused is not None:
                self._on_unused(built)
            return [answer]
        self._keep(built)
        return [BlockBuilt(effect.height, effect.round, built.block)]

    def _has_cause(self, built: ExecutedBlock, *, is_offered: bool) -> bool:
        """Tell whether a block says anything, or is wished and may say nothing.

        Where blocks may be empty, a single validator's that leaves everything out shows that it is
        too late for it; several spare each other the work.
        """
        machine, header = self._engine.machine, built.block.header
        if built.tx_ids or built.block.evidence or machine.head.has_activation:
            return True
        due_ms = machine.work_at_ms()
        if due_ms is not None and due_ms <= header.time_ms:
            return True
        if not self._is_wished and not (is_offered and len(machine.validators.keys) == 1):
            return False
        head, params = self.ledger.head, read_params(self.ledger.state())
        return bool(params.dev) or header.time_ms - head.time_ms >= params.heartbeat_ms

    def _keep(self, executed: ExecutedBlock) -> None:
        if len(self._executed) >= EXECUTED_MAX:
            del self._executed[next(iter(self._executed))]
        self._executed[executed.block_id] = executed

    def _check(self, height: int, found: bytes, block: Block) -> Sequence[Input]:
        if height != self.ledger.height + 1:
            return []
        fault: str | None = None
        try:
            self._execute(found, block)
        except _STOPPING:
            raise
        except WashError as refusal:
            fault = str(refusal)
        except Exception as error:  # noqa: BLE001 - it costs that block a vote, not the node its life
            fault = f"height {height}: the block does not execute here: {error!r}"
            self._note_poison(block, error, fault)
        return [BlockChecked(height, found, fault)]

    def _execute(self, found: bytes, block: Block) -> ExecutedBlock:
        """Return a block's outcome; what was built or checked here is not executed again."""
        executed = self._executed.get(found)
        if executed is None:
            executed = execute_block(self.ledger, block)
            self._keep(executed)
        return executed

    def _note_poison(self, block: Block, error: Exception, text: str) -> None:
        self._alarm(text, error)
        tx_id = find_poison(block, error)
        if tx_id is not None and self._on_poison is not None:
            self._on_poison(tx_id, text)

    def _commit(self, effect: CommitBlock) -> Input:
        ledger = self.ledger
        if effect.height == ledger.height + 1:
            self._store(self._execute(effect.block_id, effect.block), effect.commit)
        elif effect.height == ledger.height and effect.block_id != ledger.head_id:
            self._alarm(f"height {effect.height}: two blocks with certificates: the chain forks")
        return HeightCommitted(head_of(ledger))

    def _store(self, executed: ExecutedBlock, commit: Commit) -> None:
        for tell in self.before_store:
            tell(executed)
        self.ledger.append(executed, commit)
        self._tell_refused_plans()
        self._executed.clear()
        self._timers = {kind: one for kind, one in self._timers.items() if kind in _LASTING}
        self._log.committed()
        self._newest = executed
        if self._on_commit is not None:
            self._on_commit(executed)
        check_features(self.ledger.state(), self.ledger.height + 1)

    def _apply(self, effect: ApplyBlocks) -> Sequence[Input]:
        ledger, blocks = self.ledger, effect.blocks
        before = ledger.height
        refused: list[Input] = []
        try:
            check_segment_of(ledger, blocks, effect.commit)
            for number, block in enumerate(blocks):
                if block.header.height == ledger.height + 1:
                    commit = certificate_of(blocks, number, effect.commit)
                    self._store(self._execute(block_id(block.header), block), commit)
        except _STOPPING:
            raise
        except WashError as error:
            refused.append(BlocksRefused(effect.sender, str(error)))
            if self._on_refused is not None:
                self._on_refused(effect.sender, str(error))
        except Exception as error:  # noqa: BLE001 - told, and asked for again: it may pass
            text = f"height {ledger.height + 1}: a certified block does not execute: {error!r}"
            self._alarm(text, error)
            refused.append(BlocksRefused(effect.sender, text))
        if refused and ledger.height == before:
            return refused
        return [HeightCommitted(head_of(ledger)), *refused]
