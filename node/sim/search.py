"""Bounded exhaustive search: every history of a few rounds in which the rules could break.

An adversary decides, phase by phase, what each honest validator gets to see before its timers run
out: the proposal or nothing; a quorum of prevotes for a block, for nil, or a mixed one; a polka it
had missed; the same of precommits. Traitors complete any quorum that lacks no more votes than they
have, tell everybody something else, and propose whatever a polka can be made for (and what none
can, which must be refused). Only the order of deliveries within a phase is left out: it is left by
a quorum or by its timer, so the order decides nothing. States that are alike are visited once.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import TypeAlias

from chain.block import PRECOMMIT, PREVOTE
from node.sim.oracle import Violation
from node.sim.search_moves import Moves, Network, Option
from node.sim.search_state import Seat, Table

_Mark: TypeAlias = tuple[object, ...]
_PHASES = 3  # proposals, prevotes, precommits


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
    """Search all histories, with the traitors at all places in the order of proposers.

    It stops at the first violation; its text tells how it came about, in as few phases as can be.
    """
    result = SearchResult()
    for traitors in combinations(range(bounds.validators), bounds.byzantine):
        _Search(bounds, traitors, result).run()
        if result.violations or not result.exhausted:
            break
    return result


class _Search:
    """One search, breadth first; a state is a network between two phases."""

    def __init__(
        self, bounds: SearchBounds, traitors: tuple[int, ...], result: SearchResult
    ) -> None:
        self.bounds, self.result = bounds, result
        self.table = Table(bounds.validators, traitors, bounds.rounds)
        self.moves = Moves(self.table)
        self.came: dict[_Mark, tuple[_Mark | None, tuple[str, ...]]] = {}

    def run(self) -> None:
        """Visit everything, or stop at the first violation or at the bound."""
        queue: deque[tuple[int, _Mark, tuple[Seat, ...]]] = deque()
        self._visit(queue, 0, None, self.table.start, ())
        while queue and self.result.exhausted and not self.result.violations:
            phase, mark, seats = queue.popleft()
            if phase == _PHASES * self.bounds.rounds:
                continue
            for after, told in self._following(phase, seats):
                self.result.transitions += 1
                if not self._visit(queue, phase + 1, mark, after, told):
                    return

    def _following(
        self, phase: int, seats: tuple[Seat, ...]
    ) -> Iterator[tuple[tuple[Seat, ...], tuple[str, ...]]]:
        """Yield all that a phase may make of a network, and how."""
        network = Network(self.table, seats)
        round_number, part = divmod(phase, _PHASES)
        makes = (self.moves.proposals, self.moves.prevotes, self.moves.precommits)
        options = [
            [Option(seat, "")] if seat.decided is not None else made
            for seat, made in zip(seats, makes[part](network, round_number), strict=True)
        ]
        for chosen in product(*options):
            if part == 0 and _is_mirrored(chosen):
                continue
            told = [f"round {round_number}: {one.told}" for one in chosen if one.told]
            yield tuple([one.seat for one in chosen]), tuple(told)

    def _visit(
        self,
        queue: deque[tuple[int, _Mark, tuple[Seat, ...]]],
        phase: int,
        before: _Mark | None,
        seats: tuple[Seat, ...],
        told: tuple[str, ...],
    ) -> bool:
        """Judge a state and put it in the queue unless it is known; false if the search is over."""
        network = Network(self.table, seats)
        polkas = network.quorums_by_round(PREVOTE)
        decisions = network.quorums_by_round(PRECOMMIT)
        fixed = [None if one.is_equal else one.mark for one in seats]
        alike = sorted([one.mark for one in seats if one.is_equal], key=repr)
        mark = (phase, tuple(fixed), tuple(alike), tuple(polkas), tuple(decisions))
        if mark in self.came:
            return True
        if self.result.states >= self.bounds.states_max:
            self.result.exhausted = False
            return False
        self.result.states += 1
        self.came[mark] = (before, told)
        broken = self._judge(seats, polkas, decisions)
        if broken is not None:
            path = "; ".join(self._path(mark))
            self.result.violations.append(Violation(broken[0], 0, f"{broken[1]}: {path}"))
            return False
        queue.append((phase, mark, seats))
        return True

    def _judge(
        self,
        seats: tuple[Seat, ...],
        polkas: list[tuple[int, bytes, int]],
        decisions: list[tuple[int, bytes, int]],
    ) -> tuple[str, str] | None:
        """Return the invariant that a state breaks and how, or None."""
        decided = {one.decided: None for one in seats if one.decided is not None}
        decided.update({found: None for _round, found, _valid in decisions})
        if len(decided) > 1:
            names = " and ".join([self.table.show((found, -1)) for found in decided])
            return "A1", f"{names} are both decided, or can be with the precommits there are"
        there = {(at, found) for at, found, _valid in polkas}
        for seat in seats:
            if seat.fault is not None:
                return seat.fault
            for at, found in seat.needs:
                if (at, found) not in there:
                    shown = self.table.show((found, -1))
                    return "A2b", f"{seat.name} relies on a polka of round {at} for {shown}: none"
        return None

    def _path(self, mark: _Mark) -> list[str]:
        """Return how a state came about."""
        told: list[str] = []
        at: _Mark | None = mark
        while at is not None:
            before, last = self.came[at]
            told = [*last, *told]
            at = before
        return told


def _is_mirrored(chosen: tuple[Option, ...]) -> bool:
    """Tell whether a traitor's second new block is told before its first: names do not matter."""
    rivals = [one.rival for one in chosen if one.rival]
    return bool(rivals) and rivals[0] == "b"
