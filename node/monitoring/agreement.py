"""Counting how agreement goes, from the effects that a driver performs and the blocks it stores."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from chain.block import PRECOMMIT, PREVOTE
from chain.executed import ExecutedBlock
from chain.proposers import previous_validators
from chain.validators import ValidatorSet, read_validators
from chain.vote import SignedVote
from consensus import NIL_ID, Effect, Engine, ReportEvidence, Send
from node.live.node import Node

_INTERVALS_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1_800.0)
# How the text of a vote for no block begins after its height and round, and what it is counted as.
NIL_CLASSES = {
    "no proposal that could be voted for": "no_proposal",
    "locked on another block": "locked",
    "block time ": "old_block_time",
    "the block names another proposer": "wrong_proposer",
}
NIL_REASONS = (*NIL_CLASSES.values(), "trouble", "invalid_block", "no_polka")


class AgreementCounters:
    """Failed rounds, votes for no block, absent validators, evidence, time between blocks."""

    def __init__(self, node: Node, registry: CollectorRegistry) -> None:
        self._node = node
        self._rounds = Counter(
            "wash_rounds_failed", "Rounds before those that decided a stored block.",
            registry=registry,
        )  # fmt: skip
        self._nil = Counter(
            "wash_nil_votes", "Votes of this node for no block, by reason.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self._missed = Counter(
            "wash_validator_missed", "Blocks whose certificate lacks a validator, by its key.",
            ["id"], registry=registry,
        )  # fmt: skip
        self._evidence = Counter(
            "wash_evidence", "Contradictions of validators, found in votes or carried by blocks.",
            ["source"], registry=registry,
        )  # fmt: skip
        self._interval = Histogram(
            "wash_block_interval_seconds", "Time from one block to the next, by their own times.",
            buckets=_INTERVALS_S, registry=registry,
        )  # fmt: skip
        for reason in NIL_REASONS:
            self._nil.labels(reason)
        for source in ("votes", "blocks"):
            self._evidence.labels(source)
        self.begin()

    def begin(self) -> None:
        """Begin at the head of the chain that the node has open now."""
        node, state = self._node, self._node.state()
        self._head_time_ms = node.ledger.head.time_ms
        self._last_nil = (0, 0, 0)
        self._missed.clear()
        self._signed_by = ValidatorSet(())
        self._follow(previous_validators(state) or read_validators(state))

    def watch(self, effect: Effect) -> None:
        """Count what an effect shows; the driver tells of it before it is performed."""
        match effect:
            case Send(SignedVote() as vote):
                self._on_vote(vote)
            case ReportEvidence():
                self._evidence.labels("votes").inc()
            case _:
                pass

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Count what a stored block shows."""
        node, block = self._node, executed.block
        commit, header = node.ledger.head_commit, block.header
        if commit is not None:
            self._rounds.inc(commit.round)
        if header.height > 1:  # the genesis was made by hand, at any time before
            self._interval.observe((header.time_ms - self._head_time_ms) / 1_000)
        self._head_time_ms = header.time_ms
        if block.evidence:
            self._evidence.labels("blocks").inc(len(block.evidence))
        if block.last_commit is not None:
            signers, keys = block.last_commit.signers, self._signed_by.keys
            bits = int.from_bytes(signers, "little")  # bit i is validator i
            for key in [key for index, key in enumerate(keys) if not bits >> index & 1]:
                self._missed.labels(key.hex()).inc()
        if header.validators_hash != self._signed_by.set_hash():
            state = node.state()
            self._follow(previous_validators(state) or read_validators(state))

    def _follow(self, validators: ValidatorSet) -> None:
        """Count for these from now on; who left is not shown any more."""
        for key in self._signed_by.keys:
            if key not in validators.keys:
                self._missed.remove(key.hex())
        for key in validators.keys:
            self._missed.labels(key.hex())
        self._signed_by = validators

    def _on_vote(self, vote: SignedVote) -> None:
        engine = self._node.driver.engine
        place = (vote.height, vote.round, vote.kind)
        is_own_nil = vote.validator == engine.me and vote.block_id == NIL_ID
        if is_own_nil and place > self._last_nil:  # votes are told again and again
            self._last_nil = place
            self._nil.labels(nil_reason(vote.kind, engine)).inc()


def nil_reason(kind: int, engine: Engine) -> str:
    """Return the class of why a node just voted for no block: one of NIL_REASONS."""
    if kind == PRECOMMIT:
        return "no_polka"
    assert kind == PREVOTE, "a proposal is of a block"
    machine = engine.machine
    said = machine.nil_reason.partition(": ")[2]
    if machine.trouble is not None and said == machine.trouble:
        return "trouble"
    for start, name in NIL_CLASSES.items():
        if said.startswith(start):
            return name
    return "invalid_block"
