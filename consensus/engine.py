"""The engine of a node: heights one after another, and what must be on the disk before it is sent.

`handle(input, now_wall, now_mono)` waits for nothing and touches nothing. Whenever something that
binds this validator changes, one record is written for all of it, and every message and commit that
came with it is held back until the record is on the disk. So after a crash nothing was said that is
not remembered. A chain of one validator runs on the same rules: its own vote is a quorum.
"""

from collections.abc import Iterable
from typing import assert_never

from chain.crypto import Signer
from chain.vote import SignedVote
from consensus.admission import fits_set
from consensus.events import (
    ApplyBlocks,
    BlockBuilt,
    BlockChecked,
    BlocksRefused,
    CommitBlock,
    Effect,
    Head,
    HealthChanged,
    HeightCommitted,
    Input,
    Mode,
    Persist,
    Persisted,
    Received,
    Send,
    ServeBlocks,
    SetTimer,
    Start,
    Timer,
    TimerElapsed,
    TimerKind,
    WorkChanged,
)
from consensus.evidence import EvidencePool
from consensus.gossip import answer_to, status_of, told_again
from consensus.inbox import WaitingRoom, height_of, newest_vote, wants
from consensus.messages import (
    BlockBody,
    Blocks,
    EvidenceFound,
    GetBlocks,
    Message,
    PolkaCertificate,
    Proposal,
    RejoinQuery,
    RejoinReply,
    RoundCertificate,
    Status,
    WantBlock,
)
from consensus.record import DISTRUST_BYTES_MAX, HeaderEntry, LogEntry, Recovered
from consensus.recording import entries_of, restore
from consensus.rejoin import Guard, newest_of, reply_bytes
from consensus.rounds import RoundMachine
from consensus.stragglers import Stragglers
from consensus.sync import CatchUp
from consensus.timeouts import RESEND_MS, STATUS_BUSY_MS, STATUS_IDLE_MS


class Engine:
    """Decides one height after another for one node, validator or not."""

    def __init__(
        self,
        signer: Signer,
        chain_id: bytes,
        head: Head,
        recovered: Recovered | None = None,
        query: bytes = bytes(16),
    ) -> None:
        """Begin above `head` with what the vote log says; `query` is 16 bytes of fresh chance."""
        self._signer, self.chain_id = signer, chain_id
        self.me = signer.public_key
        recovered = recovered or Recovered()
        self.guard = Guard(self.me, query, recovered.damage, recovered.sign_from)
        self._header: HeaderEntry | None = None  # how far to trust the log, if that must be written
        self.pool = EvidencePool()
        self.pool.follow(head)
        self.catch_up = CatchUp()
        self._waiting = WaitingRoom()
        self._newest: dict[bytes, SignedVote] = {}  # of each validator, before this height
        self._stragglers = Stragglers()
        self._out: list[Effect] = []
        self._held: list[tuple[int, Effect]] = []
        self._token = self._persisted = 0
        self._written: dict[bytes, None] = {}  # blocks of this height that are in the log
        self._trouble: str | None = None
        self._now_wall = self._now_mono = 0
        self._is_resending = False
        self._is_started = False
        self.machine = self._make_machine(head)
        if recovered.state is not None:
            restore(self.machine, recovered.state, recovered.bodies, self._written)

    @property
    def height(self) -> int:
        """The height that is being decided."""
        return self.machine.height

    @property
    def mode(self) -> Mode:
        """Whether this node votes."""
        return self.guard.mode

    def handle(self, event: Input, now_wall: int, now_mono: int) -> list[Effect]:
        """Take one input at two clocks' times, ms; return what is to be done, in order."""
        self._now_wall, self._now_mono = now_wall, now_mono
        machine = self.machine
        machine.now_wall, machine.now_mono = now_wall, now_mono
        self._dispatch(event)
        if self._is_started:
            self._resend_while_busy()
        return self._flush()

    def _dispatch(self, event: Input) -> None:  # noqa: C901, PLR0912 - a kind a line
        machine = self.machine
        match event:
            case Received(message, sender):
                self._on_received(message, sender)
            case TimerElapsed(timer):
                self._on_timer(timer)
            case WorkChanged(has_transactions):
                machine.has_transactions = has_transactions
                machine.look()
            case BlockBuilt(height, round_number, block):
                if height == machine.height:
                    machine.on_built(round_number, block)
            case BlockChecked(height, checked, fault):
                if height == machine.height:
                    machine.on_checked(checked, fault)
            case Persisted(token):
                self._persisted = max(self._persisted, token)
            case HeightCommitted(head):
                self._on_committed(head)
            case BlocksRefused(sender, _reason):
                self._do(self.catch_up.drop(sender, machine.height, self._now_mono))
            case HealthChanged(trouble):
                self._trouble = machine.trouble = trouble
                machine.look()
            case Start():
                self._on_start()
            case _ as never:
                assert_never(never)

    # Messages -------------------------------------------------------------------------------------

    def wants(self, message: Message) -> bool:
        """Tell whether a message is worth checking its signatures; costs a look-up or two."""
        return wants(self.machine, message)

    def _on_received(self, message: Message, sender: bytes) -> None:
        machine = self.machine
        height = height_of(message)
        if height is not None and height > machine.height:
            self._note_ahead(sender, height)
            if height == machine.height + 1:
                self._waiting.add(message, sender)
            return
        if height is None:
            self._on_question(message, sender)
        elif height == machine.height:
            self._decide_on(message)
        elif isinstance(message, SignedVote) and height == machine.head.height:
            machine.last_commit = self._stragglers.add(message, machine.last_commit)

    def _decide_on(self, message: Message) -> None:
        machine = self.machine
        match message:
            case SignedVote():
                machine.on_vote(message)
            case Proposal():
                machine.on_proposal(message)
            case PolkaCertificate():
                machine.on_polka(message)
            case RoundCertificate():
                machine.on_round_certificate(message)
            case BlockBody(block):
                machine.on_body(block)
            case _:
                pass
        if machine.twin_seen and self.guard.mode != Mode.OBSERVER:
            self._do(self.guard.bar("another node votes with this validator's key"))
            machine.can_sign = False

    def _on_question(self, message: Message, sender: bytes) -> None:  # noqa: C901, PLR0912
        machine = self.machine
        match message:
            case Status():
                self._on_status(message, sender)
            case WantBlock(height, wanted):
                if height == machine.height and wanted in machine.bodies:
                    self._send(BlockBody(machine.bodies[wanted]), sender)
                elif height < machine.height:
                    self._do([ServeBlocks(height, 1, sender)])
            case GetBlocks(start, count):
                if start < machine.height:
                    self._do([ServeBlocks(start, count, sender)])
            case Blocks(blocks, commit):
                if blocks[0].header.height == machine.height:
                    self._do([ApplyBlocks(blocks, commit, sender)])
            case EvidenceFound(evidence):
                if self.pool.add(evidence) and not machine.saw_value:
                    machine.look()
            case RejoinQuery(validator, query):
                self._reply(validator, query, sender)
            case RejoinReply(newest=newest):
                known = newest is None or self._is_known(newest)
                was_listening = self.guard.mode == Mode.LISTENING
                self._do(self.guard.on_reply(message, machine.validators, is_known=known))
                self._allow_signing()
                if was_listening and not known:  # the log is not whole, and says so from now on
                    self._header = self._header_entry(self.guard.reason)
            case _:
                pass

    def _on_status(self, status: Status, sender: bytes) -> None:
        machine = self.machine
        self._note_ahead(sender, status.height)
        if status.height == machine.height - 1:
            self._do([ServeBlocks(status.height, 1, sender)])
        elif status.height < machine.height:
            self._send(status_of(machine), sender)  # it asks for what it lacks
        else:
            for message in answer_to(machine, status):
                self._send(message, sender)

    def _note_ahead(self, sender: bytes, deciding: int) -> None:
        self._do(self.catch_up.note(sender, deciding, self.machine.height, self._now_mono))

    def _is_known(self, vote: SignedVote) -> bool:
        """Tell whether a vote under this node's key is remembered here, or binds nobody."""
        machine = self.machine
        is_over = vote.epoch < machine.validators.epoch
        if is_over or vote.height < max(machine.height, self.guard.sign_from_height):
            return True
        return vote.height == machine.height and machine.is_own(vote)

    def _reply(self, validator: bytes, query: bytes, sender: bytes) -> None:
        found = [self._newest.get(validator), newest_vote(self.machine, validator)]
        newest = newest_of([vote for vote in found if vote is not None])
        head_height = self.machine.head.height
        said = (self.me, validator, query, head_height, newest)
        signature = self._signer.sign(reply_bytes(self.chain_id, RejoinReply(*said, bytes(64))))
        self._send(RejoinReply(*said, signature), sender)

    def _allow_signing(self) -> None:
        machine = self.machine
        was_allowed, machine.can_sign = machine.can_sign, self._may_sign()
        if machine.can_sign and not was_allowed:
            machine.look()

    def _do(self, effects: Iterable[Effect]) -> None:
        self._out.extend(effects)

    def _send(self, message: Message, to: bytes | None = None) -> None:
        self._out.append(Send(message, to))

    # Heights --------------------------------------------------------------------------------------

    def _make_machine(self, head: Head) -> RoundMachine:
        machine = RoundMachine(self._signer, self.chain_id, head, self.pool, self._out)
        machine.now_wall, machine.now_mono = self._now_wall, self._now_mono
        machine.trouble = self._trouble
        return machine

    def _may_sign(self) -> bool:
        machine = self.machine
        return self.me in machine.validators.keys and self.guard.may_sign(machine.height)

    def _on_start(self) -> None:
        self._is_started = True
        if self.guard.damage is not None:
            distrust = self.guard.damage.encode()[:DISTRUST_BYTES_MAX].decode(errors="ignore")
            self._header = self._header_entry(distrust)
        self._do(self.guard.start(self._now_mono, self.machine.validators))
        self._ask_for_votes()
        self.machine.can_sign = self._may_sign()
        self.machine.look()
        self._tell_status()

    def _ask_for_votes(self) -> None:
        question = self.guard.question()
        if question is not None and self.me in self.machine.validators.keys:
            self._send(question)
            timer = Timer(TimerKind.REJOIN, self.height)
            self._do([SetTimer(timer, self._now_mono + self.guard.wait_ms())])

    def _on_committed(self, head: Head) -> None:
        before = self.machine
        if head.height < before.height:
            return
        self._stragglers.begin(before, head)
        self._note_votes(before)
        self.pool.follow(head)
        self._written.clear()
        self.machine = self._make_machine(head)
        self._do(self.guard.on_height(self.height))
        if self.guard.mode != Mode.SIGNING and self.me not in before.validators.keys:
            self._ask_for_votes()  # a validator from now on
        self.machine.can_sign = self._may_sign()
        self._do(self.catch_up.on_height(self.height, self._now_mono))
        self.machine.look()
        for message, sender in self._waiting.take():
            if wants(self.machine, message) and fits_set(message, self.machine.validators):
                self._on_received(message, sender)

    def _note_votes(self, before: RoundMachine) -> None:
        """Remember everybody's newest vote for those who ask for their own."""
        for validator in before.validators.keys:
            newest = newest_vote(before, validator)
            if newest is not None:
                self._newest[validator] = newest

    # Time -----------------------------------------------------------------------------------------

    def _on_timer(self, timer: Timer) -> None:
        machine = self.machine
        if timer.kind == TimerKind.STATUS:
            machine.look()
            self._tell_status()
        elif timer.kind == TimerKind.RESEND:
            self._is_resending = False
            for message in told_again(machine):
                self._send(message)
        elif timer.kind == TimerKind.SYNC:
            self._do(self.catch_up.on_timer(machine.height, self._now_mono))
        elif timer.kind == TimerKind.REJOIN:
            before = self.guard.sign_from_height
            self._do(self.guard.on_time(self._now_mono, machine.validators))
            if self.guard.sign_from_height != before:
                self._header = self._header_entry(None)
            self._ask_for_votes()
            self._allow_signing()
        elif timer.height == machine.height:
            machine.on_timer(timer)

    def _header_entry(self, distrust: str | None) -> HeaderEntry:
        epoch, sign_from = self.machine.validators.epoch, self.guard.sign_from_height
        return HeaderEntry(self.chain_id, distrust, sign_from, epoch)

    def _tell_status(self) -> None:
        if self.machine.validators.keys == (self.me,):
            return  # nobody else decides anything; full nodes are told of blocks
        self._send(status_of(self.machine))
        wait_ms = STATUS_BUSY_MS if self.machine.has_work() else STATUS_IDLE_MS
        self._do([SetTimer(Timer(TimerKind.STATUS), self._now_mono + wait_ms)])

    def _resend_while_busy(self) -> None:
        machine = self.machine
        is_busy = machine.round > 0 or machine.has_work()
        if is_busy and not self._is_resending and machine.validators.keys != (self.me,):
            self._is_resending = True
            self._do([SetTimer(Timer(TimerKind.RESEND), self._now_mono + RESEND_MS)])

    # What must be written first -------------------------------------------------------------------

    def _flush(self) -> list[Effect]:
        """Return the effects in order; what must not be said before it is written is held back."""
        effects: list[Effect] = []
        entries: tuple[LogEntry, ...] = ()
        if self._header is not None:
            entries, self._header = (self._header,), None
        if self.machine.is_dirty:
            self.machine.is_dirty = False
            entries += entries_of(self.machine, self._written)
        if entries:
            self._token += 1
            effects.append(Persist(self._token, entries))
        while self._held and self._held[0][0] <= self._persisted:
            effects.append(self._held.pop(0)[1])
        is_waiting = self._token > self._persisted
        for effect in self._out:
            if is_waiting and isinstance(effect, Send | CommitBlock):
                self._held.append((self._token, effect))
            else:
                effects.append(effect)
        self._out.clear()
        return effects
