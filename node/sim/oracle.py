"""What must hold after every event, whatever happens to the cluster.

A1   no two honest nodes commit different blocks at a height
A2   no honest key signs two different votes for one height, round and kind
A2b  a precommit needs a polka, a prevote with a valid round needs that round's polka
A3   what is committed executes anew, on another ledger, to the same header
A4   after a precommit, a prevote for another block names a later polka
A5   no vote leaves before it is on the disk
A6   heights follow each other, times rise, no block is empty without cause
A7   nodes at one height have the same state, to the byte
A8   every certificate convinces a light client
A9   memory stays within its caps
"""

from dataclasses import dataclass

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL, Commit
from chain.errors import WashError
from chain.executed import ExecutedBlock
from chain.recovery import RecoveryPlan
from chain.state import State
from chain.validators import ValidatorSet, read_validators
from chain.vote import SignedVote
from consensus import (
    NIL_ID,
    Alarm,
    Candidate,
    CommitBlock,
    Trusted,
    TrustedBlock,
    TrustOptions,
    accuse,
    polka_of,
    trust_genesis,
    verify_next,
)
from node.sim.ledger import SimLedger
from node.sim.member import SimNode
from node.sim.world import START_WALL_MS

DECADE_MS = 10 * 365 * 86_400_000
ROUNDS_SLACK = 4
BODIES_SLACK = 24
CLOCK_AHEAD_MS = 2_000
DRIFT_MAX_MS = 3_000  # of clocks that are off by a few parts in ten thousand, over hours


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that broke, when, and how it showed."""

    invariant: str
    at_ms: int
    text: str


class Oracle:
    """Watches every vote and every commit of honest nodes."""

    def __init__(self, ledger: SimLedger, verify: object) -> None:
        """`ledger` is a chain of the oracle's own; `verify` checks a signature."""
        self.ledger, self._verify = ledger, verify
        self.violations: list[Violation] = []
        self.honest: set[bytes] = set()
        self._signed: dict[tuple[bytes, int, int, int, int], SignedVote] = {}
        self._said: dict[tuple[int, int, int, bytes, int], set[bytes]] = {}
        self._locks: dict[bytes, tuple[int, int, bytes]] = {}
        self._sets: dict[int, ValidatorSet] = {1: read_validators(State(ledger))}
        self._trusted: TrustedBlock = trust_genesis(
            ledger.chain_id, self._sets[1], ledger.head.time_ms
        )
        self._commits: dict[int, Commit] = {}
        self._heard: dict[tuple[int, int, int, bytes, int], dict[bytes, SignedVote]] = {}
        self.accused: set[bytes] = set()
        self._epoch = 0
        self.failed_rounds = 0
        self._seen_commits: set[tuple[int, int, bytes, bytes]] = set()

    def begin_recovery(self, plan: RecoveryPlan) -> None:
        """Expect what operators decided: other validators above a block, in the next epoch."""
        self._epoch = plan.validators.epoch
        self.ledger.executor.plans = (*self.ledger.executor.plans, plan)
        self._sets[plan.height + 1] = plan.validators
        for votes in (self._said, self._heard, self._locks):
            votes.clear()  # those of before count for nothing
        time_ms = self.ledger.blocks[plan.height].header.time_ms
        above = plan.height + 1
        self._trusted = TrustedBlock(plan.chain_id, plan.height, time_ms, plan.validators, above)

    def fail(self, invariant: str, now_ms: int, text: str) -> None:
        """Note a violation."""
        self.violations.append(Violation(invariant, now_ms, text))

    # Votes ------------------------------------------------------------------------------------

    def note_vote(self, vote: SignedVote) -> None:
        """Remember a vote of anybody, honest or not: polkas are made of them."""
        place = (vote.height, vote.round, vote.kind, vote.block_id, vote.valid_round)
        self._said.setdefault(place, set()).add(vote.validator)

    def on_vote(self, node: SimNode, vote: SignedVote) -> None:
        """Judge a vote that an honest node sends."""
        now_ms, who = node.world.now_ms, f"node {node.number}"
        what = f"{_KINDS[vote.kind]} of {vote.height}/{vote.round} for {vote.block_id.hex()[:8]}"
        place = (vote.validator, vote.height, vote.round, vote.kind, vote.epoch)
        before = self._signed.setdefault(place, vote)
        if before != vote:
            self.fail("A2", now_ms, f"{who} signed {what}, before for {before.block_id.hex()[:8]}")
        if node.disk.votes.get((vote.height, vote.round, vote.kind)) != vote:
            self.fail("A5", now_ms, f"{who} sent a {what} that is not on its disk")
        if vote.epoch != self._epoch:
            return  # said again, after the operators made a new beginning
        self.note_vote(vote)
        if vote.kind == PROPOSAL:
            return
        self.hear(vote)
        is_justified = vote.kind == PREVOTE and vote.valid_round >= 0
        if is_justified and not self._has_polka(vote.height, vote.valid_round, vote.block_id):
            self.fail("A2b", now_ms, f"{who}: {what} names round {vote.valid_round}, no polka")
        if vote.kind == PRECOMMIT and vote.block_id != NIL_ID:
            if not self._has_polka(vote.height, vote.round, vote.block_id):
                self.fail("A2b", now_ms, f"{who}: {what} without a polka")
            lock = self._locks.get(vote.validator)
            if lock is None or (vote.height, vote.round) > lock[:2]:
                self._locks[vote.validator] = (vote.height, vote.round, vote.block_id)
        elif vote.kind == PREVOTE and vote.block_id != NIL_ID:
            self._judge_lock(node, vote, what)

    def _judge_lock(self, node: SimNode, vote: SignedVote, what: str) -> None:
        lock = self._locks.get(vote.validator)
        if lock is None or lock[0] != vote.height or lock[2] == vote.block_id:
            return
        if vote.round > lock[1] > vote.valid_round:
            text = f"node {node.number}: {what} though locked in round {lock[1]}"
            self.fail("A4", node.world.now_ms, text)

    def _has_polka(self, height: int, round_number: int, block_id: bytes) -> bool:
        validators = self._sets.get(height)
        if validators is None:
            return True  # the oracle itself is behind: it judges only what it can
        return any(
            len([key for key in said if key in validators.keys]) >= validators.quorum
            for place, said in self._said_at(height, round_number, block_id)
        )

    def _said_at(
        self, height: int, round_number: int, block_id: bytes
    ) -> list[tuple[int, set[bytes]]]:
        found: list[tuple[int, set[bytes]]] = []
        for valid_round in range(-1, round_number):
            said = self._said.get((height, round_number, PREVOTE, block_id, valid_round))
            if said is not None:
                found.append((valid_round, said))
        return found

    # Blocks -----------------------------------------------------------------------------------

    def on_commit(self, node: SimNode, executed: ExecutedBlock, commit: Commit) -> None:
        """Judge a block that an honest node stored."""
        header, now_ms = executed.block.header, node.world.now_ms
        if header.height == self.ledger.height + 1:
            self._grow(node, executed, commit)
        known = self.ledger.blocks[header.height]
        if known.header != header:
            text = f"node {node.number} committed another block at height {header.height}"
            self.fail("A1", now_ms, text)
            self._accuse(header.height, commit)
            return
        self._check_certificate(node, executed, commit)

    def _grow(self, node: SimNode, executed: ExecutedBlock, commit: Commit) -> None:
        """Execute the first commit of a height anew, and take it as the one to compare with."""
        now_ms, block = node.world.now_ms, executed.block
        try:
            again = self.ledger.executor.check(self.ledger, self.ledger.head, block)
        except WashError as error:
            self.fail("A3", now_ms, f"height {block.header.height}: {error}")
            again = executed
        if dict(again.changes) != dict(executed.changes):
            self.fail("A3", now_ms, f"height {block.header.height}: other changes of state")
        if block.header.time_ms <= self.ledger.head.time_ms:
            self.fail("A6", now_ms, f"height {block.header.height}: time does not rise")
        ahead_ms = block.header.time_ms - START_WALL_MS - now_ms
        if ahead_ms > CLOCK_AHEAD_MS + DRIFT_MAX_MS:
            text = f"height {block.header.height}: block time is {ahead_ms} ms in the future"
            self.fail("A6", now_ms, text)
        self.ledger.append(again, commit)
        self._commits[block.header.height] = commit
        self._sets[block.header.height + 1] = read_validators(State(self.ledger))
        self.failed_rounds += commit.round
        for place in [one for one in self._said if one[0] < block.header.height - 1]:
            del self._said[place]
        for heard in [one for one in self._heard if one[0] < block.header.height - 1]:
            del self._heard[heard]
        for signed in [one for one in self._signed if one[1] < block.header.height - 1]:
            del self._signed[signed]
        for height in [one for one in self._sets if one < block.header.height - 1]:
            del self._sets[height]

    def _check_certificate(self, node: SimNode, executed: ExecutedBlock, commit: Commit) -> None:
        header = executed.block.header
        seen = (header.height, commit.round, commit.signers, commit.block_id)
        if seen in self._seen_commits:
            return
        self._seen_commits.add(seen)
        trusted, height = self._trusted, header.height
        validators, following = self._sets.get(height), self._sets.get(height + 1)
        if trusted.height != height - 1 or validators is None or following is None:
            return
        candidate = Candidate(header, commit, validators, following)
        options = TrustOptions(trusting_period_ms=DECADE_MS, clock_drift_ms=DECADE_MS)
        verdict = verify_next(trusted, candidate, header.time_ms, options, self._verify)  # type: ignore[arg-type]
        if not isinstance(verdict, Trusted):
            text = f"node {node.number}, height {height}: {verdict.reason}"
            self.fail("A8", node.world.now_ms, text)
        else:
            self._trusted = verdict.block

    def hear(self, vote: SignedVote) -> None:
        """Remember a vote that an honest node has, its own too: evidence is made of them."""
        place = (vote.height, vote.round, vote.kind, vote.block_id, vote.valid_round)
        self._heard.setdefault(place, {})[vote.validator] = vote

    def _accuse(self, height: int, commit: Commit) -> None:
        """Find out who made a fork, from certificates and votes that honest nodes have."""
        first, validators = self._commits.get(height), self._sets.get(height)
        if first is None or validators is None:
            return
        polkas = []
        voters: dict[tuple[int, int, bytes], bytes] = {}
        for (at, round_number, kind, found, valid_round), votes in sorted(self._heard.items()):
            if at != height:
                continue
            for key in votes:
                other = voters.setdefault((round_number, kind, key), found)
                if other != found:
                    self.accused.add(key)
            if kind == PREVOTE and found != NIL_ID and len(votes) >= validators.quorum:
                place, value = (height, round_number), (found, valid_round)
                polkas.append((polka_of(validators, place, value, votes), validators))
        self.accused.update(accuse((first, validators), (commit, validators), polkas))

    # Nodes ------------------------------------------------------------------------------------

    def on_decision(self, node: SimNode, effect: CommitBlock) -> None:
        """Judge a decision before it is stored: a good block, the node's own vote on the disk."""
        engine = node.engine
        fault = None if engine is None else engine.machine.verdicts.get(effect.block_id)
        if fault is not None:
            text = f"node {node.number} decides {effect.height} for a bad block: {fault}"
            self.fail("A3", node.world.now_ms, text)
        validators = self._sets.get(effect.height)
        if validators is None or node.key not in validators.keys:
            return
        index, signers = validators.keys.index(node.key), effect.commit.signers
        place = (effect.height, effect.commit.round, PRECOMMIT)
        if signers[index // 8] >> index % 8 & 1 and place not in node.disk.votes:
            text = f"node {node.number} decides {effect.height} with a vote that is not on its disk"
            self.fail("A5", node.world.now_ms, text)

    def check_evidence(self, node: SimNode, reported: set[bytes]) -> None:
        """Judge whether a node told of every voter who contradicts himself in its own book."""
        engine = node.engine
        if engine is None:
            return
        book = engine.machine.book
        for round_number, kind in book.places():
            tally = book.tally(round_number, kind)
            assert tally is not None, "it has votes"
            for voter in tally.voters:
                values = [value for value, votes in tally.values.items() if voter in votes]
                if len(values) > 1 and voter not in reported:
                    text = f"node {node.number} holds two votes of {voter.hex()[:8]} and is silent"
                    self.fail("evidence", node.world.now_ms, text)

    def on_alarm(self, node: SimNode, alarm: Alarm) -> None:
        """An honest node raised an alarm."""
        self.fail("A3", node.world.now_ms, f"node {node.number}: {alarm.text}")

    def check_memory(self, node: SimNode) -> None:
        """Judge how much a node keeps."""
        engine = node.engine
        if engine is None:
            return
        machine, count = engine.machine, len(engine.machine.validators.keys)
        votes_max = 4 * count * (machine.round + ROUNDS_SLACK)
        for what, found, maximum in (
            ("votes", machine.book.size(), votes_max),
            ("blocks", len(machine.bodies), BODIES_SLACK + count),
            ("proposals", len(machine.proposals), ROUNDS_SLACK),
        ):
            if found > maximum:
                text = f"node {node.number} keeps {found} {what}, at most {maximum} are allowed"
                self.fail("A9", node.world.now_ms, text)

    def compare_states(self, nodes: list[SimNode]) -> None:
        """Compare the whole state of nodes at the oracle's height with its own."""
        own = self.ledger.dump()
        for node in nodes:
            if node.ledger.height == self.ledger.height and node.ledger.dump() != own:
                self.fail("A7", node.world.now_ms, f"node {node.number} has another state")


_KINDS = {PREVOTE: "prevote", PRECOMMIT: "precommit", PROPOSAL: "proposal"}
