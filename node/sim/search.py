"""Bounded exhaustive search: every history of a few rounds in which the rules could break.

An adversary decides, round by round, what each honest validator gets to see before its timers run
out: the proposal or nothing, a quorum for a block or for nil or neither, of prevotes and then of
precommits. Traitors complete any quorum that lacks no more votes than they have, tell everybody
something else, and propose whatever a polka can be made for (and what none can, which must be
refused). What is abstracted is only the order of deliveries within a step, which the rules do not
look at: a step is left by a quorum or by its timer. States that are alike are visited once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL, block_id
from chain.vote import SignedVote
from consensus import NIL_ID, InvalidMessageError, Proposal, Step, TimerKind, check_message
from node.sim.itf_blocks import made_block
from node.sim.oracle import Violation
from node.sim.search_state import HEIGHT, Network, Seat, polka_from

_OTHER = b"\x7a" * 32  # a block that nobody has


@dataclass(frozen=True, slots=True)
class SearchBounds:
    """How far to look."""

    validators: int = 4
    byzantine: int = 1
    rounds: int = 3
    states_max: int = 400_000


@dataclass(slots=True)
class SearchResult:
    """What was seen; `exhausted`: nothing within the bounds was left out."""

    states: int = 0
    transitions: int = 0
    exhausted: bool = True
    violations: list[Violation] = field(default_factory=list)


def search(bounds: SearchBounds) -> SearchResult:
    """Search all histories, with the traitors at each place in the order of proposers."""
    result = SearchResult()
    count = bounds.validators
    places = range(count) if bounds.byzantine else range(1)
    for first in places:
        traitors = [(first + number) % count for number in range(bounds.byzantine)]
        _Search(bounds, traitors, result).run()
        if result.violations or not result.exhausted:
            break
    return result


class _Search:
    """One search, depth first; a state is a network between two phases."""

    def __init__(self, bounds: SearchBounds, traitors: list[int], result: SearchResult) -> None:
        self.bounds, self.traitors, self.result = bounds, traitors, result
        self.seen: dict[object, None] = {}

    def run(self) -> None:
        """Visit everything, or stop at the first violation or at the bound."""
        start = Network(self.bounds.validators, self.traitors)
        stack: list[tuple[int, int, Network]] = [(0, 0, start)]
        phases = (self._proposals, self._prevotes, self._precommits)
        while stack:
            round_number, phase, network = stack.pop()
            if round_number == self.bounds.rounds:
                continue
            for after in phases[phase](network, round_number):
                self.result.transitions += 1
                if after.violation is not None:
                    self.result.violations.append(after.violation)
                    return
                following = (round_number + (phase == len(phases) - 1), (phase + 1) % len(phases))
                mark = (following, after.fingerprint())
                if mark in self.seen:
                    continue
                if self.result.states >= self.bounds.states_max:
                    self.result.exhausted = False
                    return
                self.seen[mark] = None
                self.result.states += 1
                stack.append((*following, after))

    # Phases -----------------------------------------------------------------------------------

    def _proposals(self, network: Network, round_number: int) -> Iterator[Network]:
        """Everybody gets a proposal or waits for none in vain."""
        proposer = network.order[round_number % len(network.order)]
        if proposer in network.honest:
            for learns in (False, True):
                yield from self._honest_proposals(network, round_number, proposer, learns=learns)
        else:
            yield from self._lies(network, round_number, proposer)

    def _honest_proposals(
        self, network: Network, round_number: int, proposer: bytes, *, learns: bool
    ) -> Iterator[Network]:
        base = network.copy()
        seat = base.seats[proposer]
        if learns and not base.teach(seat, round_number):
            return
        seat.machine.look()
        base.settle(seat, f"{round_number}: {'taught ' if learns else ''}proposer")
        vote = seat.machine.signed.get((round_number, PROPOSAL))
        message = None if vote is None else seat.machine.proposal_message(vote)
        others = [one for one in base.active() if one.key != proposer]
        for gets in product((True, False), repeat=len(others)):
            after = base.copy()
            for other, has in zip(others, gets, strict=True):
                mine = after.seats[other.key]
                if has and message is not None:
                    mine.machine.on_proposal(message)
                after.settle(mine, f"{round_number}: {mine.name} {'sees' if has else 'misses'}")
            self._propose_timers(after, round_number)
            yield after

    def _lies(self, network: Network, round_number: int, proposer: bytes) -> Iterator[Network]:
        lies = [None, *self._menu(network, round_number, proposer)]
        active = network.active()
        for chosen in product(range(len(lies)), repeat=len(active)):
            after = network.copy()
            for seat, number in zip(active, chosen, strict=True):
                mine, lie = after.seats[seat.key], lies[number]
                if lie is not None:
                    mine.machine.on_proposal(lie)
                    said = f"{lie.vote.block_id.hex()[:4]}/{lie.vote.valid_round}"
                    after.settle(mine, f"{round_number}: {mine.name} is told {said}")
            self._propose_timers(after, round_number)
            yield after

    def _menu(self, network: Network, round_number: int, proposer: bytes) -> list[Proposal]:
        """Return what a traitor may propose: what passes the check at every node's edge."""
        fresh = made_block(f"fresh {round_number}", HEIGHT, proposer)
        network.blocks[block_id(fresh.header)] = fresh
        wished = [(block_id(fresh.header), -1)]
        for found in sorted(network.blocks):
            wished += [(found, valid_round) for valid_round in range(round_number)]
        menu = []
        for found, valid_round in wished:
            said = (PROPOSAL, 0, HEIGHT, round_number, found, valid_round, proposer)
            vote = network.sign(SignedVote(*said, bytes(64)))
            polka = polka_from(network, valid_round, found)
            message = Proposal(vote, network.blocks[found], polka)
            try:
                check_message(message, network.chain_id, network.validators, network.verify)
            except InvalidMessageError:
                continue
            menu.append(message)
        return menu

    def _propose_timers(self, network: Network, round_number: int) -> None:
        for seat in network.active():
            if seat.machine.step == Step.PROPOSE:
                seat.fire(TimerKind.PROPOSE, round_number)
                network.settle(seat, f"{round_number}: {seat.name} waits in vain")

    def _prevotes(self, network: Network, round_number: int) -> Iterator[Network]:
        yield from self._tallies(network, round_number, PREVOTE, TimerKind.PREVOTE)

    def _precommits(self, network: Network, round_number: int) -> Iterator[Network]:
        yield from self._tallies(network, round_number, PRECOMMIT, TimerKind.PRECOMMIT)

    def _tallies(
        self, network: Network, round_number: int, kind: int, timer: TimerKind
    ) -> Iterator[Network]:
        """Everybody sees a quorum for something that one can be made for, or for nothing."""
        active = network.active()
        values = network.quorums(round_number, kind)
        choices = [[*values, None] for _ in active]
        for chosen in product(*choices):
            after = network.copy()
            is_possible = True
            for seat, value in zip(active, chosen, strict=True):
                mine = after.seats[seat.key]
                if value is None:
                    is_possible &= self._show_mixed(after, mine, round_number, kind)
                    mine.fire(timer, round_number)
                else:
                    for vote in after.votes_for(round_number, kind, value):
                        mine.machine.on_vote(vote)
                shown = "neither" if value is None else value[0].hex()[:4]
                after.settle(mine, f"{round_number}: {mine.name} sees {_NAMES[kind]} {shown}")
            if is_possible:
                yield after

    def _show_mixed(self, network: Network, seat: Seat, round_number: int, kind: int) -> bool:
        """Show a quorum of votes that agree on nothing; false if there is no such quorum."""
        need = network.validators.quorum
        for lie in (NIL_ID, _OTHER):
            votes = [network.lie(key, round_number, kind, lie) for key in network.traitors]
            own = seat.machine.signed.get((round_number, kind))
            honest = network.sent_at(round_number, kind)
            honest.sort(key=lambda vote: (vote != own, vote.block_id == lie, vote.validator))
            shown = [*honest[: max(need - len(votes), 1)], *votes]
            values = [(vote.block_id, vote.valid_round) for vote in shown]
            if len(shown) >= need and max(map(values.count, values)) < need:
                for vote in shown:
                    seat.machine.on_vote(vote)
                return True
        return False


_NAMES = {PREVOTE: "prevotes for", PRECOMMIT: "precommits for"}
