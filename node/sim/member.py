"""One simulated node: performs the engine's effects on a simulated disk, ledger, clock and network.

It does what `node/driver.py` does for a real node, but every effect takes time, and a crash may
come between any two of them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, assert_never

from chain.block import Block, Commit
from chain.crypto import Signer
from chain.errors import WashError
from chain.executed import ExecutedBlock
from chain.genesis import Genesis
from chain.recovery import next_validators
from chain.transaction import ReceivedTransaction
from chain.validators import ValidatorSet
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
    Head,
    HealthChanged,
    HeightCommitted,
    Input,
    InvalidMessageError,
    Message,
    ModeChanged,
    Persist,
    Persisted,
    Received,
    ReportEvidence,
    Send,
    ServeBlocks,
    SetTimer,
    Start,
    Timer,
    TimerElapsed,
    TimerKind,
    WorkChanged,
    check_message,
)
from contracts.execution import BlockFullError, BlockInputs
from node.driver import head_of
from node.sim.disk import DiskFullError, SimDisk
from node.sim.ledger import SimLedger
from node.sim.member_blocks import check_header_of, check_parent, has_cause, served_blocks
from node.sim.world import Clock, World


class Surroundings(Protocol):
    """What a node sees of the cluster around it."""

    world: World
    verify: Callable[[bytes, bytes, bytes], bool]

    def execute(self, node: "SimNode", block: Block) -> ExecutedBlock:
        """Execute a block on the node's head, or raise as the executor does."""
        ...

    def send(self, node: "SimNode", message: Message, to: bytes | None) -> None:
        """Carry a message away."""
        ...

    def on_event(self, node: "SimNode") -> None:
        """Watch a node after its engine took an input."""
        ...

    def on_effect(self, node: "SimNode", effect: Effect) -> None:
        """Watch an effect before it is performed."""
        ...

    def on_commit(self, node: "SimNode", executed: ExecutedBlock, commit: Commit) -> None:
        """Watch a block that was stored."""
        ...

    def on_down(self, node: "SimNode", why: str) -> None:
        """Watch a node that fell."""
        ...


class SimNode:
    """A node with its own disk and clock; `crash` and `boot` it at will."""

    def __init__(
        self, number: int, signer: Signer, ledger: SimLedger, disk: SimDisk, around: Surroundings
    ) -> None:
        """Make the node; it is down until `boot`."""
        self.number, self.signer, self.ledger, self.disk = number, signer, ledger, disk
        self.key = signer.public_key
        self.around, self.world = around, around.world
        self.clock = Clock()
        self.engine: Engine | None = None
        self.boots = 0
        self._is_paused = False
        self._waiting: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self.pool: dict[bytes, ReceivedTransaction] = {}
        self.settled: set[bytes] = set()
        self.crash_after_effects: int | None = None
        self.head_set: ValidatorSet | None = None  # the validators of the head's height
        self.mode_reason = ""
        self.order_of: Callable[[SimNode, tuple[bytes, ...]], tuple[bytes, ...]] | None = None
        self._timers: dict[TimerKind, int] = {}
        self._timer_count = 0
        self._executed: dict[bytes, ExecutedBlock] = {}

    @property
    def is_up(self) -> bool:
        """Whether the process runs."""
        return self.engine is not None

    def head(self) -> Head:
        """Return what the engine must know of the newest block."""
        head = head_of(self.ledger)
        if self.order_of is not None:
            head = replace(head, order=self.order_of(self, head.validators.keys))
        return head

    # Life -------------------------------------------------------------------------------------

    def boot(self) -> None:
        """Start the process from what the disk has."""
        self.boots += 1
        self._timers.clear()
        self._executed.clear()
        self.pool.clear()
        head = self.head()
        recovered = self.disk.recover(self.ledger.height, head.validators.epoch)
        query = self.boots.to_bytes(8, "big") + self.number.to_bytes(8, "big")
        self.engine = Engine(self.signer, self.ledger.chain_id, head, recovered, query)
        self.give(Start())

    def crash(self, why: str) -> None:
        """End the process at once; what was not synced is gone."""
        if self.engine is None:
            return
        self.engine = None
        self.crash_after_effects = None
        self.disk.crash()
        self.world.note(f"{self.number} down: {why}")
        self.around.on_down(self, why)

    def pause(self, duration_ms: int) -> None:
        """Freeze the process: everything that happens to it waits."""
        self._is_paused = True
        self.world.after(duration_ms, self.resume)

    def resume(self) -> None:
        """Let the process go on with all that waited."""
        self._is_paused = False
        waiting, self._waiting = self._waiting, []
        for action, arguments in waiting:
            action(*arguments)

    def _waits(self, action: Callable[..., None], *arguments: Any) -> bool:
        """Put something off while the process is frozen; tells whether it is."""
        if self._is_paused:
            self._waiting.append((action, arguments))
        return self._is_paused

    # Inputs -----------------------------------------------------------------------------------

    def give(self, event: Input, boot: int | None = None) -> None:
        """Feed the engine; an input for an earlier life of the process is lost with it."""
        if self.engine is None or (boot is not None and boot != self.boots):
            return
        if self._waits(self.give, event, self.boots):
            return
        now = self.world.now_ms
        effects = self.engine.handle(event, self.clock.read(now), now)
        self.around.on_event(self)
        for effect in effects:
            self._perform(effect)
            if not self.is_up:
                return

    def receive(self, message: Message, sender: bytes) -> None:
        """Check a message as the edge of a node does, and feed it."""
        engine = self.engine
        if engine is None:
            return
        if self._waits(self.receive, message, sender):
            return
        if not engine.wants(message):
            return
        validators = engine.machine.validators
        try:
            check_message(message, self.ledger.chain_id, validators, self.around.verify)
        except InvalidMessageError:
            return
        self.give(Received(message, sender))

    def take(self, tx: ReceivedTransaction) -> None:
        """Take a transaction into the pool."""
        if self.engine is None or tx.tx_id in self.settled or tx.tx_id in self.pool:
            return
        if self._waits(self.take, tx):
            return
        self.pool[tx.tx_id] = tx
        self.give(WorkChanged(has_transactions=True))

    def fix_health(self, trouble: str | None) -> None:
        """Tell the engine of trouble, or that it is over."""
        self.give(HealthChanged(trouble))

    # Effects ----------------------------------------------------------------------------------

    def _perform(self, effect: Effect) -> None:  # noqa: C901, PLR0912 - a kind a line
        if self.crash_after_effects is not None:
            if self.crash_after_effects == 0:
                self.crash("between two effects")
                return
            self.crash_after_effects -= 1
        self.around.on_effect(self, effect)
        world, boot = self.world, self.boots
        match effect:
            case Persist(token, entries):
                try:
                    wait_ms = self.disk.append(token, entries)
                except DiskFullError:
                    self.crash("the disk is full")
                    return
                world.after(wait_ms, self._synced, token, boot)
            case Send(message, to):
                self.around.send(self, message, to)
            case SetTimer(timer, at_mono_ms):
                self._timer_count += 1
                self._timers[timer.kind] = self._timer_count
                world.at(at_mono_ms, self._elapse, timer, self._timer_count, boot)
            case BuildBlock():
                world.after(world.between(1, 4), self._build, effect, boot)
            case CheckBlock():
                world.after(world.between(1, 4), self._check, effect, boot)
            case CommitBlock():
                world.after(world.between(1, 6), self._commit, effect, boot)
            case ApplyBlocks():
                world.after(world.between(1, 6), self._apply, effect, boot)
            case ServeBlocks(start, count, to):
                self._serve(start, count, to)
            case ModeChanged(mode, reason):
                self.mode_reason = reason
                world.note(f"{self.number} {mode.name}: {reason}")
            case ReportEvidence() | Alarm():
                pass
            case _ as never:
                assert_never(never)

    def _synced(self, token: int, boot: int) -> None:
        if boot == self.boots and self.engine is not None:
            self.disk.sync(token)
            self.give(Persisted(token), boot)

    def _elapse(self, timer: Timer, number: int, boot: int) -> None:
        if boot == self.boots and self._timers.get(timer.kind) == number:
            del self._timers[timer.kind]
            self.give(TimerElapsed(timer), boot)

    def _build(self, effect: BuildBlock, boot: int) -> None:
        if boot != self.boots or effect.height != self.ledger.height + 1:
            return
        waiting = sorted(self.pool.values(), key=lambda tx: tx.tx_id)
        inputs = BlockInputs(effect.time_ms, self.key, effect.last_commit, waiting, effect.evidence)
        ledger = self.ledger
        try:
            built = ledger.executor.build(ledger, ledger.head, inputs)
        except WashError:
            self.give(BlockBuilt(effect.height, effect.round, None), boot)
            return
        for tx in waiting:
            self._drop_refused(tx, built)
        self._executed[built.block_id] = built
        has_content = built.tx_ids or built.block.evidence or has_cause(self.head(), effect.time_ms)
        block = built.block if has_content else None
        self.give(BlockBuilt(effect.height, effect.round, block), boot)

    def _drop_refused(self, tx: ReceivedTransaction, built: ExecutedBlock) -> None:
        for witness_id, error in built.refused:
            if witness_id == tx.witness_id and not isinstance(error, BlockFullError):
                self.pool.pop(tx.tx_id, None)
                self.settled.add(tx.tx_id)

    def _check(self, effect: CheckBlock, boot: int) -> None:
        if boot != self.boots or effect.height != self.ledger.height + 1:
            return
        fault: str | None = None
        if effect.block_id not in self._executed:
            try:
                check_parent(self.ledger, effect.block, self.head_set, self.around.verify)
                self._executed[effect.block_id] = self.around.execute(self, effect.block)
            except WashError as error:
                fault = str(error)
        self.give(BlockChecked(effect.height, effect.block_id, fault), boot)

    def _commit(self, effect: CommitBlock, boot: int) -> None:
        if boot != self.boots:
            return
        if effect.height == self.ledger.height + 1:
            executed = self._executed.get(effect.block_id)
            if executed is None:
                self.crash("it decided a block that it can not execute")
                return
            self._store(executed, effect.commit)
        self._tell_height(boot)

    def _store(self, executed: ExecutedBlock, commit: Commit) -> None:
        plans = self.ledger.executor.plans
        self.head_set = next_validators(self.ledger.state(), self.ledger.head, plans)
        self.ledger.append(executed, commit)
        self.disk.forget_below(self.ledger.height + 1)
        self._executed.clear()
        for tx_id in executed.tx_ids:
            self.pool.pop(tx_id, None)
            self.settled.add(tx_id)
        self.around.on_commit(self, executed, commit)

    def _tell_height(self, boot: int) -> None:
        now = self.ledger.head.time_ms
        for tx in [tx for tx in self.pool.values() if tx.body.valid_until <= now]:
            del self.pool[tx.tx_id]
            self.settled.add(tx.tx_id)
        self.give(HeightCommitted(self.head()), boot)
        if self.pool:
            self.give(WorkChanged(has_transactions=True), boot)

    def _apply(self, effect: ApplyBlocks, boot: int) -> None:
        if boot != self.boots:
            return
        blocks = effect.blocks
        for number, block in enumerate(blocks):
            if block.header.height != self.ledger.height + 1:
                continue
            following = blocks[number + 1].last_commit if number + 1 < len(blocks) else None
            commit = effect.commit if number + 1 == len(blocks) else following
            try:
                check_header_of(self.ledger, block)
                executed = self.around.execute(self, block)
                assert commit is not None, "a block above height 1 has its parent's certificate"
            except WashError as error:
                self.give(BlocksRefused(effect.sender, str(error)), boot)
                return
            self._store(executed, commit)
        self._tell_height(boot)

    def _serve(self, start: int, count: int, to: bytes) -> None:
        blocks = served_blocks(self.ledger, start, count)
        if blocks is not None:
            self.around.send(self, blocks, to)

    def describe(self) -> dict[str, Any]:
        """Return where the node is, for people."""
        engine = self.engine
        if engine is None:
            return {"up": False, "height": self.ledger.height}
        machine = engine.machine
        return {
            "up": True,
            "height": machine.height,
            "round": machine.round,
            "step": machine.step.name,
            "mode": engine.mode.name,
            "reason": self.mode_reason,
            "pool": len(self.pool),
        }

    def wipe_ledger(self, genesis: Genesis) -> None:
        """Lose the chain as well: it is fetched from others again."""
        self.ledger = SimLedger(genesis, self.ledger.executor)
        self.head_set = None
        self.settled.clear()
