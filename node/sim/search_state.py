"""The state that the search visits: honest validators between two phases, and what was said."""

import copy
from collections.abc import Sequence

from chain.block import PRECOMMIT, PREVOTE, Block, block_id
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
    RoundMachine,
    Send,
    Step,
    Timer,
    TimerKind,
    polka_of,
)
from node.sim.cluster import QuickSigner, sim_seed, verify_quick
from node.sim.itf_blocks import made_block
from node.sim.oracle import Violation

HEIGHT = 1
Value = tuple[bytes, int]


class Seat:
    """One honest validator."""

    def __init__(self, name: str, machine: RoundMachine) -> None:
        """Sit down."""
        self.name, self.machine, self.key = name, machine, machine.me
        self.decided: bytes | None = None

    def copy(self) -> "Seat":
        """Return a seat that goes its own way."""
        machine = copy.copy(self.machine)
        for name, value in vars(machine).items():
            if isinstance(value, dict | list):
                setattr(machine, name, copy.copy(value))
        machine.book = self.machine.book.copy()
        machine.pool = EvidencePool()
        other = Seat(self.name, machine)
        other.decided = self.decided
        return other

    def fire(self, kind: TimerKind, round_number: int) -> None:
        """Let a timer run out, if it runs."""
        self.machine.on_timer(Timer(kind, HEIGHT, round_number))

    def fingerprint(self) -> object:
        """Return what of this validator decides what it will do."""
        machine = self.machine
        signed = sorted((place, vote.block_id) for place, vote in machine.signed.items())
        heard = [
            (r, one.vote.block_id, one.vote.valid_round) for r, one in machine.proposals.items()
        ]
        return (
            machine.round,
            machine.step,
            machine.locked_value,
            machine.locked_round,
            machine.valid_value,
            machine.valid_round,
            tuple(signed),
            tuple(sorted(heard)),
            tuple(sorted(machine.book.polkas)),
            self.decided,
        )


class Network:
    """All honest validators, every vote they sent, and the traitors' keys."""

    def __init__(self, count: int, traitors: Sequence[int]) -> None:
        """Begin round 0; `traitors` are places in the order of proposers."""
        self.chain_id = bytes(32)
        self.verify = verify_quick
        signers = [QuickSigner(sim_seed(f"seat {number}")) for number in range(count)]
        keys = tuple(sorted(one.public_key for one in signers))
        self.validators = ValidatorSet(keys)
        self.order = tuple([one.public_key for one in signers])
        self._signers = {one.public_key: one for one in signers}
        self.traitors = [self.order[place] for place in traitors]
        self.honest = [key for key in self.order if key not in self.traitors]
        self.blocks: dict[bytes, Block] = {}
        self.sent: dict[tuple[int, int, bytes], SignedVote] = {}  # round, kind, voter
        self.path: tuple[str, ...] = ()
        self.violation: Violation | None = None
        head = Head(0, bytes(32), 0, None, self.validators, self.order, 1, 0)
        self.seats: dict[bytes, Seat] = {}
        for number, signer in enumerate(signers):
            if signer.public_key in self.honest:
                machine = RoundMachine(signer, self.chain_id, head, EvidencePool(), [])
                machine.can_sign = machine.has_transactions = True
                machine.now_wall = machine.now_mono = 1_000
                self.seats[signer.public_key] = Seat(f"v{number}", machine)

    def copy(self) -> "Network":
        """Return a network that goes its own way."""
        other = copy.copy(self)
        other.seats = {key: seat.copy() for key, seat in self.seats.items()}
        other.sent, other.blocks = dict(self.sent), dict(self.blocks)
        return other

    def fingerprint(self) -> object:
        """Return what decides what can happen from here on."""
        said = sorted(
            (place, vote.block_id, vote.valid_round)
            for place, vote in self.sent.items()
            if place[1] == PREVOTE
        )
        seats = tuple([self.seats[key].fingerprint() for key in self.honest])
        return seats, tuple(said)

    def active(self) -> list[Seat]:
        """Return the validators that have decided nothing yet, in order."""
        return [self.seats[key] for key in self.honest if self.seats[key].decided is None]

    def sign(self, vote: SignedVote) -> SignedVote:
        """Return a vote with its signature."""
        signature = self._signers[vote.validator].sign(signed_bytes(vote, self.chain_id))
        said = (vote.kind, vote.epoch, vote.height, vote.round, vote.block_id, vote.valid_round)
        return SignedVote(*said, vote.validator, signature)

    def lie(
        self, key: bytes, round_number: int, kind: int, found: bytes, valid: int = -1
    ) -> SignedVote:
        """Return a traitor's vote."""
        said = (kind, 0, HEIGHT, round_number, found, valid, key)
        return self.sign(SignedVote(*said, bytes(64)))

    def sent_at(self, round_number: int, kind: int) -> list[SignedVote]:
        """Return the honest votes of a kind in a round."""
        return [
            self.sent[round_number, kind, key]
            for key in self.honest
            if (round_number, kind, key) in self.sent
        ]

    def quorums(self, round_number: int, kind: int) -> list[Value]:
        """Return the values for which a quorum can be made with the traitors' help."""
        votes = self.sent_at(round_number, kind)
        values = sorted({(vote.block_id, vote.valid_round) for vote in votes})
        need = self.validators.quorum - len(self.traitors)
        return [
            value
            for value in values
            if sum((vote.block_id, vote.valid_round) == value for vote in votes) >= need
        ]

    def votes_for(self, round_number: int, kind: int, value: Value) -> list[SignedVote]:
        """Return the votes of everybody, traitors included, for a value."""
        votes = self.sent_at(round_number, kind)
        honest = [vote for vote in votes if (vote.block_id, vote.valid_round) == value]
        lies = [self.lie(key, round_number, kind, *value) for key in self.traitors]
        return [*honest, *lies]

    def teach(self, seat: Seat, round_number: int) -> bool:
        """Bring the newest polka there can be to a validator; false if it knows no less."""
        for at in range(round_number - 1, seat.machine.valid_round, -1):
            for value in self.quorums(at, PREVOTE):
                if value[0] != NIL_ID:
                    polka = polka_from(self, at, value[0])
                    assert polka is not None, "a quorum can be made"
                    seat.machine.on_polka(polka)
                    if value[0] not in seat.machine.bodies:
                        seat.machine.on_body(self.blocks[value[0]])
                    return True
        return False

    # What the machines say ----------------------------------------------------------------------

    def settle(self, seat: Seat, step: str) -> None:
        """Answer what a machine asks for, and judge what it says."""
        self.path = (*self.path, step)
        machine = seat.machine
        while machine.out:
            effect = machine.out.pop(0)
            match effect:
                case BuildBlock(round=round_number):
                    made = made_block(f"own {round_number}", HEIGHT, machine.me)
                    self.blocks[block_id(made.header)] = made
                    machine.on_built(round_number, made)
                case CheckBlock(block_id=found, block=block):
                    self.blocks[found] = block
                    machine.on_checked(found, None)
                case Send(message) if isinstance(message, SignedVote):
                    self._hear(seat, message)
                case CommitBlock(block_id=found):
                    self._decide(seat, found)
                case _:
                    pass
        if machine.step == Step.COMMIT and seat.decided is None:
            self._fail("A1", f"{seat.name} stops without a decision")

    def _fail(self, invariant: str, text: str) -> None:
        if self.violation is None:
            self.violation = Violation(invariant, 0, f"{text}: {'; '.join(self.path)}")

    def _decide(self, seat: Seat, found: bytes) -> None:
        seat.decided = found
        others = [one.decided for one in self.seats.values() if one.decided is not None]
        if any(other != found for other in others):
            self._fail("A1", f"{seat.name} decides another block")

    def _hear(self, seat: Seat, vote: SignedVote) -> None:
        place = (vote.round, vote.kind, vote.validator)
        before = self.sent.setdefault(place, vote)
        what = f"{seat.name} in round {vote.round}"
        if before != vote:
            self._fail("A2", f"{what} votes twice")
        if vote.block_id == NIL_ID:
            return
        if vote.kind == PRECOMMIT and not self._can_be_polka(vote.round, vote.block_id):
            self._fail("A2b", f"{what} precommits without a polka")
        if vote.kind == PREVOTE:
            named = vote.valid_round
            if named >= 0 and not self._can_be_polka(named, vote.block_id):
                self._fail("A2b", f"{what} names round {named}, which has no polka")
            locks = [
                (r, other.block_id)
                for (r, kind, voter), other in self.sent.items()
                if voter == vote.validator and kind == PRECOMMIT and other.block_id != NIL_ID
            ]
            if locks:
                locked_round, locked = max(locks)
                if locked != vote.block_id and named < locked_round < vote.round:
                    self._fail(
                        "A4", f"{what} prevotes in spite of its lock of round {locked_round}"
                    )

    def _can_be_polka(self, round_number: int, found: bytes) -> bool:
        return any(value[0] == found for value in self.quorums(round_number, PREVOTE))


def polka_from(network: Network, round_number: int, found: bytes) -> PolkaCertificate | None:
    """Return a polka that can be made for a block in a round, or None."""
    if round_number < 0:
        return None
    for value in network.quorums(round_number, PREVOTE):
        if value[0] == found:
            votes = {
                vote.validator: vote for vote in network.votes_for(round_number, PREVOTE, value)
            }
            return polka_of(network.validators, (HEIGHT, round_number), value, votes)
    return None
