"""The rules that decide a height: Tendermint's (arXiv 1807.04938), with the changes named below.

Comments name the rules of docs/consensus.md (R1 to R8) and the paper's lines. What differs from the
paper: proposers come from the committed chain; no timer runs without work; a prevote names the
round that justifies it; a quorum of nil precommits ends a round at once; polkas are passed on, so
that nobody stays behind with an old lock. `engine.py` holds back what must first be on the disk.
"""

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL, Block, Commit, block_id
from chain.crypto import Signer
from chain.vote import SignedVote
from consensus.certificates import commit_of, polka_of
from consensus.events import (
    BuildBlock,
    CheckBlock,
    CommitBlock,
    Effect,
    Head,
    Send,
    Timer,
    TimerKind,
)
from consensus.evidence import EvidencePool
from consensus.height import Heard, HeightCore, Step
from consensus.messages import PolkaCertificate, Proposal, RoundCertificate
from consensus.timeouts import (
    CHECK_MS,
    CLOCK_AHEAD_MS,
    FETCH_FIRST_MS,
    oldest_ms,
    propose_ms,
    vote_ms,
)
from consensus.votes import NIL, NIL_ID, ROUNDS_AHEAD_MAX

SKIP_ROUNDS_MAX = 64  # one jump; far more than any honest quorum can be ahead


class RoundMachine(HeightCore):
    """Decides the block of one height."""

    def __init__(
        self,
        signer: Signer,
        chain_id: bytes,
        head: Head,
        pool: EvidencePool,
        out: list[Effect],
    ) -> None:
        """Begin round 0 above `head`; what is to be done is appended to `out`."""
        super().__init__(signer, chain_id, head, pool, out)
        self._locked_rounds: list[int] = []  # whose polka R4 has used
        self._asked_round = -1  # for which BuildBlock was asked
        self._built: bytes | None = None  # what came of it
        self._wake_ms: int | None = None  # what the WORK timer waits for

    def resume(self, polkas: tuple[PolkaCertificate, ...]) -> None:
        """Go on after a restart: what binds this node is set, its blocks must be checked anew."""
        for polka in polkas:
            self.polkas[polka.round] = polka
            self.count_polka(polka)
        for (round_number, kind), vote in self.signed.items():
            if kind == PROPOSAL and round_number == self.round:
                self.proposals[round_number] = Heard(vote, self.now_wall)
            elif kind != PROPOSAL:
                self.book.add(vote, self.round)
        if (self.round, PRECOMMIT) in self.signed:
            self.step = Step.PRECOMMIT
        elif (self.round, PREVOTE) in self.signed:
            self.step = Step.PREVOTE
        self.saw_value = self.saw_value or bool(self.bodies)
        for found, block in self.bodies.items():
            self.out.append(CheckBlock(self.height, found, block))

    # Inputs ---------------------------------------------------------------------------------------

    def look(self) -> None:
        """Apply the rules: time has passed, work may have come, voting may be allowed now."""
        self._run()

    def on_vote(self, vote: SignedVote) -> None:
        """Take a prevote or precommit of this height."""
        self.count_vote(vote)
        self._run()

    def on_proposal(self, proposal: Proposal) -> None:
        """Take a proposal of this height, in its round or one that is near."""
        vote = proposal.vote
        if vote.validator != self.proposer(vote.round):
            return
        if vote.validator == self.me and not self.is_own(vote):
            self.twin_seen = True
        if proposal.polka is not None:
            self.count_polka(proposal.polka)
        heard = self.proposals.get(vote.round)
        if heard is not None and heard.vote != vote:
            self.report(vote, heard.vote)
        elif heard is None and self.round <= vote.round <= self.round + ROUNDS_AHEAD_MAX:
            self.proposals[vote.round] = Heard(vote, self.now_wall)
            self.saw_value = True
            if vote.round == self.round and self.step == Step.PROPOSE:
                self.set_timer(TimerKind.PROPOSE, CHECK_MS)
        if proposal.block is not None:
            self.take_body(vote.block_id, proposal.block)
        self._run()

    def on_polka(self, polka: PolkaCertificate) -> None:
        """Take a polka of any round (R8)."""
        self.count_polka(polka)
        self._run()

    def on_round_certificate(self, certificate: RoundCertificate) -> None:
        """Enter a later round that is justified (R2)."""
        for vote in certificate.votes:
            self.count_vote(vote)
        is_ahead = self.round < certificate.round <= self.round + SKIP_ROUNDS_MAX
        if is_ahead and self.step != Step.COMMIT:
            self.round_certificate = certificate
            self._enter(certificate.round)
        self._run()

    def on_body(self, block: Block) -> None:
        """Take a block that somebody voted for."""
        self.take_body(block_id(block.header), block)
        self._run()

    def on_built(self, round_number: int, block: Block | None) -> None:
        """Take the block that BuildBlock asked for; it is checked like anybody else's."""
        if round_number != self._asked_round or self._built is not None:
            return
        if block is None:  # nothing of what waits can enter a block
            self.has_transactions = False
            self._asked_round = -1
            return
        self._built = block_id(block.header)
        self.keep_body(self._built, block)
        self._run()

    def on_checked(self, checked: bytes, fault: str | None) -> None:
        """Take the verdict about a block."""
        if checked in self.bodies:
            self.verdicts[checked] = fault
        self._run()

    def on_timer(self, timer: Timer) -> None:
        """Take a timer of this height that has run out; one of an earlier round is ignored."""
        kind = timer.kind
        if timer.round != self.round or self.armed.get(kind) != timer.round:
            return
        del self.armed[kind]
        if self.step == Step.COMMIT:
            return
        if kind == TimerKind.PROPOSE and self.step == Step.PROPOSE and self.can_sign:
            if self.has_work():  # line 57; without work it pauses
                self._prevote_nil("no proposal that could be voted for came in time")
        elif kind == TimerKind.PREVOTE and self.step == Step.PREVOTE and self.can_sign:  # line 61
            self.step = Step.PRECOMMIT
            self.cast(PRECOMMIT, NIL_ID, -1)
        elif kind == TimerKind.PRECOMMIT:  # line 65
            self._end_round()
        elif kind == TimerKind.FETCH:
            self.fetch()
        elif kind == TimerKind.WORK:
            self._wake_ms = None
        self._run()

    # Rules ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Apply the rules until none applies, in this order."""
        while self.step != Step.COMMIT and (
            self._decide()
            or self._skip()
            or self._propose()
            or self._prevote()
            or self._use_polka()
            or self._learn_polka()
            or self._precommit_nil()
            or self._next_round()
        ):
            pass
        if self.step != Step.COMMIT:
            self._arm_timers()

    def _decide(self) -> bool:
        """R1 (line 49): a quorum of precommits of any round decides."""
        for round_number, decided in self.book.decided:
            if self.is_good(decided):
                place = (self.height, round_number)
                votes = self.book.votes_for(round_number, PRECOMMIT, (decided, -1))
                commit: Commit = commit_of(self.validators, place, decided, votes)
                self.step = Step.COMMIT
                self.out.append(CommitBlock(self.height, decided, self.bodies[decided], commit))
                return True
            if decided in self.verdicts:
                self.alarm(f"a quorum decided {decided.hex()}: {self.verdicts[decided]}")
        return False

    def _skip(self) -> bool:
        """R2 (line 55): somebody honest is in a later round."""
        high = self.book.high
        ahead = [vote for vote in high.values() if vote.round > self.round]
        ahead = [vote for vote in ahead if vote.validator != self.me]
        need = self.validators.skip_threshold
        if len(ahead) < need:
            return False
        ahead.sort(key=lambda vote: (-vote.round, vote.validator))
        target = min(ahead[need - 1].round, self.round + SKIP_ROUNDS_MAX)
        self.round_certificate = RoundCertificate(self.height, target, tuple(ahead[:need]))
        self._enter(target)
        return True

    def _propose(self) -> bool:
        """Lines 14 to 19: a known polka's block again, else a new one if there is cause."""
        is_mine = self.step == Step.PROPOSE and self.proposer(self.round) == self.me
        if not is_mine or not self.can_sign or (self.round, PROPOSAL) in self.signed:
            return False
        if self.valid_value is not None:
            return self._sign_proposal(self.valid_value, self.valid_round)
        if self._asked_round == self.round:
            return self._built is not None and self._sign_proposal(self._built, -1)
        if self.trouble is not None or not self.has_cause() or self.now_wall < self.earliest_ms():
            return False
        self._asked_round, self._built = self.round, None
        self.out.append(
            BuildBlock(self.height, self.round, self.now_wall, self.last_commit, self.pool.take())
        )
        return True

    def _sign_proposal(self, value: bytes, valid_round: int) -> bool:
        if not self.is_good(value):
            return False  # its check goes on; after a restart it is checked anew
        vote = self.sign(PROPOSAL, value, valid_round)
        self.proposals[self.round] = Heard(vote, self.now_wall)
        self.out.append(Send(self.proposal_message(vote)))
        return True

    def _prevote(self) -> bool:
        """R3 (lines 22 and 28): prevote for the proposal, or for nil."""
        heard = self.proposals.get(self.round)
        if self.step != Step.PROPOSE or heard is None or not self.can_sign:
            return False
        if heard.vote.block_id not in self.verdicts:
            return False
        value, valid_round = heard.vote.block_id, heard.vote.valid_round
        fault = self.verdicts[value] or self.trouble
        if fault is None and valid_round == -1:
            if self._is_early(value):
                return False
            fault = self._judge_fresh(value, heard)
        elif fault is None:
            if not self.book.has_polka(valid_round, value):
                return False
            if self.locked_round > valid_round and self.locked_value != value:
                fault = f"locked on another block since round {self.locked_round}"
        if fault is not None:
            self._prevote_nil(fault)
        else:
            self.step = Step.PREVOTE
            self.cast(PREVOTE, value, valid_round)
        return True

    def _is_early(self, value: bytes) -> bool:
        """Tell whether a fresh block's time must first come near; a timer waits for it."""
        wait_ms = self.bodies[value].header.time_ms - CLOCK_AHEAD_MS - self.now_wall
        if wait_ms <= 0 or self.locked_value is not None:
            return False
        if TimerKind.EARLY not in self.armed:
            self.set_timer(TimerKind.EARLY, min(wait_ms, CHECK_MS))
        return True

    def _judge_fresh(self, value: bytes, heard: Heard) -> str | None:
        """Return why a block that is proposed for the first time gets no vote, or None."""
        header = self.bodies[value].header
        if header.proposer != heard.vote.validator:
            return "the block names another proposer"
        if self.locked_value == value:
            return None
        if self.locked_value is not None:
            return f"locked on another block since round {self.locked_round}"
        if header.time_ms < heard.at_wall_ms - oldest_ms(self.round):
            return f"block time {header.time_ms} is long before {heard.at_wall_ms} ms"
        return None

    def _prevote_nil(self, reason: str) -> None:
        self.nil_reason = f"height {self.height} round {self.round}: {reason}"
        self.step = Step.PREVOTE
        self.cast(PREVOTE, NIL_ID, -1)

    def _use_polka(self) -> bool:
        """R4 (line 36): a polka of this round locks and is precommitted."""
        if self.step < Step.PREVOTE or self.round in self._locked_rounds or not self.can_sign:
            return False
        value = self.book.quorum_value(self.round, PREVOTE)
        if value is None or value == NIL or not self.is_good(value[0]):
            return False
        self._locked_rounds.append(self.round)
        self._set_valid(self.round)
        if self.step == Step.PREVOTE:
            self.locked_value, self.locked_round = value[0], self.round
            self.step = Step.PRECOMMIT
            self.cast(PRECOMMIT, value[0], -1)
        return True

    def _learn_polka(self) -> bool:
        """R8: a later polka than the known one, whoever brings it; it never changes the lock."""
        for round_number in self.book.polkas:
            if round_number > self.valid_round:
                value = self.book.quorum_value(round_number, PREVOTE)
                assert value is not None, "a polka is a quorum's value"
                if self.is_good(value[0]):
                    self._set_valid(round_number)
                    return True
        return False

    def _set_valid(self, round_number: int) -> None:
        value = self.book.quorum_value(round_number, PREVOTE)
        assert value is not None, "a polka is a quorum's value"
        votes = self.book.votes_for(round_number, PREVOTE, value)
        kept = [one for one in (self.locked_round, self.valid_round) if one == self.locked_round]
        polka = polka_of(self.validators, (self.height, round_number), value, votes)
        self.polkas = {one: self.polkas[one] for one in kept if one in self.polkas}
        self.polkas[round_number] = polka
        self.valid_value, self.valid_round = value[0], round_number
        self.is_dirty = True

    def _precommit_nil(self) -> bool:
        """R5 (line 44): a polka for nil."""
        if self.step != Step.PREVOTE or not self.can_sign:
            return False
        if self.book.quorum_value(self.round, PREVOTE) != NIL:
            return False
        self.step = Step.PRECOMMIT
        self.cast(PRECOMMIT, NIL_ID, -1)
        return True

    def _next_round(self) -> bool:
        """R7 at its quickest: a quorum precommitted nil, so this round decides nothing."""
        if self.book.quorum_value(self.round, PRECOMMIT) != NIL:
            return False
        self._end_round()
        return True

    def _end_round(self) -> None:
        tally = self.book.tally(self.round, PRECOMMIT)
        assert tally is not None, "a quorum precommitted"
        votes = tuple([tally.voters[key] for key in sorted(tally.voters)])
        self.round_certificate = RoundCertificate(self.height, self.round + 1, votes)
        self._enter(self.round + 1)

    def _enter(self, round_number: int) -> None:
        """Lines 11 to 13: begin a round, and bring the others along."""
        self.round, self.step = round_number, Step.PROPOSE
        self.armed.clear()
        self._wake_ms = None
        for old in [one for one in self.proposals if one < round_number]:
            del self.proposals[old]
        if self.round_certificate is not None:
            self.out.append(Send(self.round_certificate))
        if self.locked_round in self.polkas:
            self.out.append(Send(self.polkas[self.locked_round]))

    def _arm_timers(self) -> None:
        """R6 and R7 (lines 34 and 47), and the waits for a proposal, for blocks and for work."""
        armed, book = self.armed, self.book
        is_waiting = self.step == Step.PROPOSE and self.can_sign and TimerKind.PROPOSE not in armed
        if is_waiting and self.has_work():
            rest_ms = min(max(self.earliest_ms() - self.now_wall, 0), self.head.interval_ms)
            has_come = self.round in self.proposals
            wait_ms = CHECK_MS if has_come else rest_ms + propose_ms(self.round, self.validators)
            self.set_timer(TimerKind.PROPOSE, wait_ms)
        is_waiting = self.step == Step.PREVOTE and self.can_sign and TimerKind.PREVOTE not in armed
        if is_waiting and book.has_quorum_of_any(self.round, PREVOTE):
            self.set_timer(TimerKind.PREVOTE, vote_ms(self.round, self.validators))
        if TimerKind.PRECOMMIT not in armed and book.has_quorum_of_any(self.round, PRECOMMIT):
            self.set_timer(TimerKind.PRECOMMIT, vote_ms(self.round, self.validators))
        if TimerKind.FETCH not in armed and self.missing():
            self.set_timer(TimerKind.FETCH, FETCH_FIRST_MS)
        self._wait_for_work()

    def _wait_for_work(self) -> None:
        """Wake when something falls due, or when this proposer may make its block."""
        if self.step != Step.PROPOSE:
            return
        wake_ms = self.work_at_ms()
        if self.has_cause():
            wake_ms = self.earliest_ms() if self.proposer(self.round) == self.me else None
        if wake_ms is None or wake_ms <= self.now_wall or wake_ms == self._wake_ms:
            return
        self._wake_ms = wake_ms
        self.set_timer(TimerKind.WORK, wake_ms - self.now_wall)
