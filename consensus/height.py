"""What a validator knows and has said at one height: the data under the rules of `rounds.py`.

Pure: times are set by the engine before each call, answers are collected in `out`. Nothing here
decides; it signs once for each place, keeps blocks and proposals within bounds, and sets timers.
"""

from dataclasses import dataclass
from enum import IntEnum

from chain.block import PRECOMMIT, PREVOTE, Block, Commit
from chain.crypto import Signer
from chain.vote import SignedVote, signed_bytes
from consensus.certificates import polka_votes
from consensus.events import (
    Alarm,
    CheckBlock,
    Effect,
    Head,
    ReportEvidence,
    Send,
    SetTimer,
    Timer,
    TimerKind,
)
from consensus.evidence import EvidencePool, make_evidence
from consensus.messages import PolkaCertificate, Proposal, RoundCertificate, WantBlock
from consensus.timeouts import FETCH_AGAIN_MS
from consensus.votes import NIL_ID, VoteBook

BODIES_MAX = 12  # blocks kept for one height beside those that a vote or lock holds
FETCHED_MAX = 4  # blocks asked for at once


class Step(IntEnum):
    """Where in its round a validator is."""

    PROPOSE = 1
    PREVOTE = 2
    PRECOMMIT = 3
    COMMIT = 4


@dataclass(frozen=True, slots=True)
class Heard:
    """A proposal's signed part, and the wall time at which it came."""

    vote: SignedVote
    at_wall_ms: int


class HeightCore:
    """The state of one height, and what it takes to change it."""

    def __init__(
        self,
        signer: Signer,
        chain_id: bytes,
        head: Head,
        pool: EvidencePool,
        out: list[Effect],
    ) -> None:
        """Begin round 0 above `head`; what is to be done is appended to `out`."""
        self.signer, self.chain_id, self.head = signer, chain_id, head
        self.me, self.validators, self.order = signer.public_key, head.validators, head.order
        self.height = head.height + 1
        self.pool, self.out = pool, out
        self.last_commit: Commit | None = head.commit
        self.now_wall = self.now_mono = 0
        self.can_sign = False
        self.trouble: str | None = None
        self.has_transactions = False
        self.round, self.step = 0, Step.PROPOSE
        self.locked_value: bytes | None = None
        self.valid_value: bytes | None = None
        self.locked_round = self.valid_round = -1
        self.signed: dict[tuple[int, int], SignedVote] = {}
        self.own_from_round = 0  # of earlier rounds this process does not know what it signed
        self.proposals: dict[int, Heard] = {}
        self.book = VoteBook(head.validators)
        self.bodies: dict[bytes, Block] = {}
        self.verdicts: dict[bytes, str | None] = {}  # None: the block may be voted for
        self.polkas: dict[int, PolkaCertificate] = {}  # of the locked and the valid round
        self.round_certificate: RoundCertificate | None = None
        self.nil_reason = ""
        self.twin_seen = False
        self.is_dirty = False  # what binds us changed since the last record
        self.saw_value = False
        self.armed: dict[TimerKind, int] = {}  # the round that a timer runs for
        self._fetches = 0
        self._has_alarmed = False

    # Work -----------------------------------------------------------------------------------------

    def proposer(self, round_number: int) -> bytes:
        """Return who proposes in a round."""
        return self.order[round_number % len(self.order)]

    def work_at_ms(self) -> int | None:
        """Return the block time from which on a block may be made without transactions, or None."""
        head = self.head
        times = [] if head.due_ms is None else [head.due_ms]
        if head.heartbeat_ms:
            times.append(head.time_ms + head.heartbeat_ms)
        return min(times, default=None)

    def has_cause(self) -> bool:
        """Tell whether a block would have something in it, or needs nothing."""
        if self.has_transactions or self.pool or self.head.has_activation:
            return True
        at_ms = self.work_at_ms()
        return at_ms is not None and at_ms <= self.now_wall

    def has_work(self) -> bool:
        """Tell whether this height has anything to decide: without, no timer runs."""
        return self.saw_value or self.valid_value is not None or self.has_cause()

    def earliest_ms(self) -> int:
        """Return the least block time the next proposal may have."""
        return self.head.time_ms + max(self.head.interval_ms, 1)

    # Signing --------------------------------------------------------------------------------------

    def sign(self, kind: int, value: bytes, valid_round: int) -> SignedVote:
        """Sign once for each round and kind; asked again, return the same bytes."""
        place = (self.round, kind)
        vote = self.signed.get(place)
        if vote is None:
            epoch, height, mine = self.validators.epoch, self.height, self.me
            said = (kind, epoch, height, self.round, value, valid_round, mine)
            signature = self.signer.sign(signed_bytes(SignedVote(*said, bytes(64)), self.chain_id))
            vote = self.signed[place] = SignedVote(*said, signature)
            self.is_dirty = True
        return vote

    def cast(self, kind: int, value: bytes, valid_round: int) -> None:
        """Vote; its own vote counts as anybody's. A node that may not vote stays in its step."""
        assert self.can_sign, "a rule voted for a node that may not"
        vote = self.sign(kind, value, valid_round)
        self.out.append(Send(vote))
        self.book.add(vote, self.round)

    def is_own(self, vote: SignedVote) -> bool:
        """Tell whether a vote under this node's key may be its own."""
        return vote.round < self.own_from_round or self.signed.get((vote.round, vote.kind)) == vote

    def report(self, one: SignedVote, other: SignedVote) -> None:
        """Tell of two votes that exclude each other, once."""
        evidence = make_evidence(one, other)
        if self.pool.add(evidence):
            self.out.append(ReportEvidence(evidence))

    def alarm(self, text: str) -> None:
        """Raise an alarm, once for each height."""
        if not self._has_alarmed:
            self._has_alarmed = True
            self.out.append(Alarm(f"height {self.height}: {text}"))

    # Votes and blocks -----------------------------------------------------------------------------

    def count_vote(self, vote: SignedVote) -> None:
        """Count a prevote or precommit of anybody."""
        if vote.validator == self.me and not self.is_own(vote):
            self.twin_seen = True
        other = self.book.add(vote, self.round)
        if other is not None:
            self.report(vote, other)
        if vote.block_id != NIL_ID:
            self.saw_value = True

    def count_polka(self, polka: PolkaCertificate) -> None:
        """Count the prevotes of a polka."""
        for one, other in self.book.add_certified(polka_votes(polka, self.validators)):
            self.report(one, other)
        self.saw_value = True

    def proposal_message(self, vote: SignedVote) -> Proposal:
        """Return a proposal with all that a receiver may lack."""
        polka = self.polkas.get(vote.valid_round)
        return Proposal(vote, self.bodies.get(vote.block_id), polka)

    def missing(self) -> list[bytes]:
        """Return blocks that were proposed or voted for in this round, or decided, and lack."""
        wanted = {decided for _round, decided in self.book.decided}
        for kind in (PREVOTE, PRECOMMIT):
            tally = self.book.tally(self.round, kind)
            if tally is not None:
                wanted.update([value[0] for value in tally.values])
        for round_number in self.book.polkas:
            value = self.book.quorum_value(round_number, PREVOTE)
            assert value is not None, "a polka is a quorum's value"
            wanted.add(value[0])
        heard = self.proposals.get(self.round)
        if heard is not None:
            wanted.add(heard.vote.block_id)
        wanted.discard(NIL_ID)
        return sorted(wanted - self.bodies.keys())

    def take_body(self, found: bytes, block: Block) -> None:
        """Keep a block that a proposal or vote refers to, and have it checked."""
        if found not in self.bodies and (self._is_proposed(found) or found in self.missing()):
            self.keep_body(found, block)

    def _is_proposed(self, found: bytes) -> bool:
        return any(heard.vote.block_id == found for heard in self.proposals.values())

    def keep_body(self, found: bytes, block: Block) -> None:
        """Keep a block and have it checked; older ones that nothing holds make room."""
        if found in self.bodies:
            return
        if len(self.bodies) >= BODIES_MAX:
            self._drop_bodies()
        self.bodies[found] = block
        self.out.append(CheckBlock(self.height, found, block))

    def _drop_bodies(self) -> None:
        held = {decided for _round, decided in self.book.decided}
        held.update([one for one in (self.locked_value, self.valid_value) if one is not None])
        for known in [one for one in self.bodies if one not in held]:
            if not self._is_proposed(known):
                del self.bodies[known]
                self.verdicts.pop(known, None)

    def is_good(self, value: bytes) -> bool:
        """Tell whether a block was checked and may be voted for."""
        return value in self.verdicts and self.verdicts[value] is None

    # Timers ---------------------------------------------------------------------------------------

    def set_timer(self, kind: TimerKind, wait_ms: int) -> None:
        """Set a timer of this round; it replaces one of its kind."""
        self.armed[kind] = self.round
        timer = Timer(kind, self.height, self.round)
        self.out.append(SetTimer(timer, self.now_mono + wait_ms))

    def fetch(self) -> None:
        """Ask those who voted for a missing block for it, one after another."""
        for wanted in self.missing()[:FETCHED_MAX]:
            voters = [key for key in self.book.voters_of(wanted) if key != self.me]
            heard = self.proposals.get(self.round)
            if heard is not None and heard.vote.block_id == wanted:
                voters.append(heard.vote.validator)
            if voters:
                peer = voters[self._fetches % len(voters)]
                self.out.append(Send(WantBlock(self.height, wanted), peer))
        self._fetches += 1
        if self.missing():
            self.set_timer(TimerKind.FETCH, FETCH_AGAIN_MS)
