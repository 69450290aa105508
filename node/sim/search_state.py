"""What the search visits: honest validators between two phases, interned so that equals are one.

A seat is an honest validator and all it said; it never changes, `Table.advance` returns another.
Two seats of one validator with the same mark and votes will do the same: the table keeps the first.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL, Block, block_id
from chain.validators import ValidatorSet
from chain.vote import SignedVote, signed_bytes
from consensus import (
    NIL_ID,
    BuildBlock,
    CheckBlock,
    CommitBlock,
    EvidencePool,
    Head,
    PolkaCertificate,
    Proposal,
    RoundMachine,
    Send,
    Step,
    Timer,
)
from node.sim.cluster import QuickSigner, sim_seed
from node.sim.itf_blocks import made_block

HEIGHT = 1
CHAIN_ID = bytes(32)
NOW_MS = 1_000
Value: TypeAlias = tuple[bytes, int]
Event: TypeAlias = SignedVote | Proposal | PolkaCertificate | Block | Timer | None
Votes: TypeAlias = Mapping[tuple[int, int], SignedVote]  # by round and kind


@dataclass(frozen=True, slots=True)
class Seat:
    """An honest validator at some moment; nobody touches its machine any more.

    `mark` tells what it will do. `fault` is what it did wrong by itself: an invariant and a text.
    `needs` are the rounds and blocks whose polka its votes rest on.
    """

    key: bytes
    name: str
    machine: RoundMachine
    votes: Votes
    decided: bytes | None
    fault: tuple[str, str] | None
    needs: tuple[tuple[int, bytes], ...]
    is_equal: bool  # to others of its kind: it proposes no more
    mark: tuple[object, ...]


class Table:
    """Who sits where, every block there is, and every seat that was ever seen."""

    def __init__(self, count: int, traitors: Sequence[int], rounds: int) -> None:
        """Set the table for some rounds; `traitors` are places in the order of proposers."""
        self._signers = [QuickSigner(sim_seed(f"seat {number}")) for number in range(count)]
        self.order = tuple([one.public_key for one in self._signers])
        self.validators = ValidatorSet(tuple(sorted(self.order)))
        self.traitors = [self.order[place] for place in traitors]
        self.blocks: dict[bytes, Block] = {}
        self.names: dict[bytes, str] = {NIL_ID: "nil"}
        turns = range(rounds + 1)  # whoever enters a round of his own proposes at once
        self._last_turn = {self.order[turn % count]: turn for turn in turns}
        self._seats: dict[tuple[object, ...], Seat] = {}
        self._next: dict[tuple[int, tuple[Event, ...]], Seat] = {}
        self._signed: dict[tuple[int, int, bytes, int, bytes], SignedVote] = {}
        self.start = tuple([self._sit(place) for place in range(count) if place not in traitors])

    def _sit(self, place: int) -> Seat:
        head = Head(0, bytes(32), 0, None, self.validators, self.order, 1, 0)
        machine = RoundMachine(self._signers[place], CHAIN_ID, head, EvidencePool(), [])
        machine.can_sign = machine.has_transactions = True
        machine.now_wall = machine.now_mono = NOW_MS
        seat = Seat(machine.me, f"v{place}", machine, {}, None, None, (), False, ())
        return self._moved(seat, (None,))

    # Blocks and votes ---------------------------------------------------------------------------

    def block(self, name: str, proposer: bytes) -> bytes:
        """Return the id of the block of a name, which is made if there is none."""
        made = made_block(name, HEIGHT, proposer)
        found = block_id(made.header)
        self.blocks.setdefault(found, made)
        self.names.setdefault(found, name)
        return found

    def show(self, value: Value) -> str:
        """Return a value for people."""
        name = self.names.get(value[0], "a block that nobody has")
        return name if value[1] < 0 else f"{name} (polka of round {value[1]})"

    def vote(self, kind: int, round_number: int, value: Value, key: bytes) -> SignedVote:
        """Return anybody's vote: traitors say what they like."""
        place = (kind, round_number, *value, key)
        known = self._signed.get(place)
        if known is None:
            said = (kind, self.validators.epoch, HEIGHT, round_number, *value, key)
            message = signed_bytes(SignedVote(*said, bytes(64)), CHAIN_ID)
            signature = self._signers[self.order.index(key)].sign(message)
            known = self._signed[place] = SignedVote(*said, signature)
        return known

    # Seats --------------------------------------------------------------------------------------

    def advance(self, seat: Seat, events: tuple[Event, ...]) -> Seat:
        """Return what becomes of a seat when this happens to it, one after another."""
        step = (id(seat), events)  # interned seats live as long as the table
        known = self._next.get(step)
        if known is None:
            known = self._next[step] = self._moved(seat, events)
        return known

    def _moved(self, seat: Seat, events: tuple[Event, ...]) -> Seat:
        hand = _Hand(self, seat)
        for event in events:
            hand.feed(event)
        made = self._made(seat, hand)
        said = tuple([made.votes[place] for place in sorted(made.votes)])
        same = (made.key, made.mark, said, _quorums(made.machine))
        return self._seats.setdefault(same, made)

    def _made(self, seat: Seat, hand: "_Hand") -> Seat:
        machine, votes, decided = hand.machine, hand.votes, hand.decided
        is_equal = decided is not None or self._last_turn.get(seat.key, -1) <= machine.round
        needs = [(place[0], vote) for place, vote in sorted(votes.items()) if _rests(vote)]
        wanted = [
            (round_number if vote.kind == PRECOMMIT else vote.valid_round, vote.block_id)
            for round_number, vote in needs
        ]
        mark = (_mark(machine, votes, decided, knows=not is_equal), hand.fault)
        fault = hand.fault
        return Seat(
            seat.key, seat.name, machine, votes, decided, fault, tuple(wanted), is_equal, mark
        )


class _Hand:
    """Moves a copy of a seat's machine, answers what it asks for, and judges what it says."""

    def __init__(self, table: Table, seat: Seat) -> None:
        self.table, self.name = table, seat.name
        self.machine = _copied(seat.machine)
        self.votes = dict(seat.votes)
        self.decided, self.fault = seat.decided, seat.fault

    def feed(self, event: Event) -> None:
        machine = self.machine
        match event:
            case SignedVote():
                machine.on_vote(event)
            case Proposal():
                machine.on_proposal(event)
            case PolkaCertificate():
                machine.on_polka(event)
            case Block():
                machine.on_body(event)
            case Timer():
                machine.on_timer(event)
            case None:
                machine.look()
        while machine.out:
            self._answer(machine.out.pop(0))

    def _answer(self, effect: object) -> None:
        machine = self.machine
        match effect:
            case BuildBlock(round=round_number):
                found = self.table.block(f"B{round_number}", machine.me)
                machine.on_built(round_number, self.table.blocks[found])
            case CheckBlock(block_id=found):
                machine.on_checked(found, None)
            case Send(message=SignedVote() as vote):
                self._hear(vote)
            case CommitBlock(block_id=found):
                self.decided = found
            case _:
                pass

    def _hear(self, vote: SignedVote) -> None:
        what = f"{self.name} in round {vote.round}"
        before = self.votes.setdefault((vote.round, vote.kind), vote)
        if before != vote:
            self._fail("A2", f"{what} votes twice")
        locks = [
            (other.round, other.block_id)
            for other in self.votes.values()
            if other.kind == PRECOMMIT and other.block_id != NIL_ID and other.round < vote.round
        ]
        if vote.kind != PREVOTE or vote.block_id == NIL_ID or not locks:
            return
        locked_round, locked = max(locks)
        if locked != vote.block_id and vote.valid_round < locked_round:
            shown = self.table.show((vote.block_id, vote.valid_round))
            text = f"{what} prevotes {shown} in spite of its lock of round {locked_round}"
            self._fail("A4", text)

    def _fail(self, invariant: str, text: str) -> None:
        if self.fault is None:
            self.fault = (invariant, text)


def _copied(machine: RoundMachine) -> RoundMachine:
    """Return a machine that goes its own way, with nothing to say and no evidence."""
    other = copy.copy(machine)
    for name, value in vars(machine).items():
        if isinstance(value, dict | list):
            setattr(other, name, copy.copy(value))
    other.book, other.pool = machine.book.copy(), EvidencePool()
    return other


def _rests(vote: SignedVote) -> bool:
    """Tell whether a vote needs a polka."""
    if vote.block_id == NIL_ID or vote.kind == PROPOSAL:
        return False
    return vote.kind == PRECOMMIT or vote.valid_round >= 0


def _mark(
    machine: RoundMachine, votes: Votes, decided: bytes | None, *, knows: bool
) -> tuple[object, ...]:
    """Return what of a validator decides what it will do, but not which validator it is.

    Its votes of rounds that are over count only as a lock: what quorums they make is the network's.
    Polkas that it knows matter if it will propose (`knows`): others get them with the proposal.
    """
    if decided is not None:
        return (decided,)
    now = machine.round
    said = [(kind, one.block_id, one.valid_round) for (at, kind), one in votes.items() if at == now]
    locks = [
        (at, one.block_id)
        for (at, kind), one in votes.items()
        if kind == PRECOMMIT and one.block_id != NIL_ID
    ]
    own = machine.signed.get((now, PROPOSAL))
    heard = machine.proposals.get(now) if machine.step == Step.PROPOSE else None
    return (
        now,
        int(machine.step),
        (machine.locked_value, machine.locked_round),
        max(locks, default=None),
        tuple(sorted(said)),
        None if own is None else (own.block_id, own.valid_round),
        None if heard is None else (heard.vote.block_id, heard.vote.valid_round),
        (machine.valid_value, machine.valid_round, _quorums(machine)) if knows else None,
    )


def _quorums(machine: RoundMachine) -> tuple[Value | None, ...]:
    """Return what quorums of prevotes a validator saw, by round."""
    return tuple([machine.book.quorum_value(at, PREVOTE) for at in range(machine.round + 1)])
