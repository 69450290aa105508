"""What the adversary of the search can do in each phase, for each honest validator by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL
from chain.vote import SignedVote
from consensus import (
    NIL_ID,
    InvalidMessageError,
    PolkaCertificate,
    Proposal,
    Timer,
    TimerKind,
    check_message,
    polka_of,
)
from node.sim.cluster import verify_quick
from node.sim.search_state import CHAIN_ID, HEIGHT, Event, Seat, Table, Value

_OTHER = b"\x7a" * 32  # a block that nobody has
_Quorum: TypeAlias = tuple[int, bytes, int]  # round, block, valid round
_NAMES = {PREVOTE: "prevotes", PRECOMMIT: "precommits"}
_AS = {"": "", "a": "", "b": "", "forged": ", forged"}
_TIMERS = {PREVOTE: TimerKind.PREVOTE, PRECOMMIT: TimerKind.PRECOMMIT}


@dataclass(frozen=True, slots=True)
class Option:
    """What can become of a seat, how, and which of a traitor's two new blocks it was told of."""

    seat: Seat
    told: str
    rival: str = ""


class Network:
    """All seats at one moment, and what quorums their votes and the traitors' can make."""

    __slots__ = ("_need", "seats", "table")

    def __init__(self, table: Table, seats: tuple[Seat, ...]) -> None:
        """Look at some seats."""
        self.table, self.seats = table, seats
        self._need = max(table.validators.quorum - len(table.traitors), 1)

    def votes(self, round_number: int, kind: int) -> list[SignedVote]:
        """Return the honest votes of a kind in a round."""
        place = (round_number, kind)
        return [seat.votes[place] for seat in self.seats if place in seat.votes]

    def quorums_by_round(self, kind: int) -> list[_Quorum]:
        """Return every quorum for a block that can be made, in order."""
        counts: dict[_Quorum, int] = {}
        for seat in self.seats:
            for (at, of), vote in seat.votes.items():
                if of == kind and vote.block_id != NIL_ID:
                    place = (at, vote.block_id, vote.valid_round)
                    counts[place] = counts.get(place, 0) + 1
        need = self._need
        return sorted([place for place, count in counts.items() if count >= need])

    def voted(self, before: int) -> list[_Quorum]:
        """Return what was prevoted for before a round, by at least one honest validator."""
        found = {
            (at, vote.block_id, vote.valid_round)
            for seat in self.seats
            for (at, kind), vote in seat.votes.items()
            if kind == PREVOTE and vote.block_id != NIL_ID and at < before
        }
        return sorted(found)

    def quorums(self, round_number: int, kind: int) -> list[Value]:
        """Return the values, nil among them, for which a quorum can be made in a round."""
        values = [(vote.block_id, vote.valid_round) for vote in self.votes(round_number, kind)]
        need = self._need
        return sorted({one for one in values if values.count(one) >= need})

    def votes_for(self, round_number: int, kind: int, value: Value) -> list[SignedVote]:
        """Return the votes of everybody, traitors included, for a value."""
        votes = self.votes(round_number, kind)
        honest = [vote for vote in votes if (vote.block_id, vote.valid_round) == value]
        lies = [self.table.vote(kind, round_number, value, key) for key in self.table.traitors]
        return [*honest, *lies]

    def polka(self, quorum: _Quorum) -> PolkaCertificate:
        """Return the certificate of a quorum of prevotes; it is short if there is none."""
        at, value = quorum[0], (quorum[1], quorum[2])
        votes = {vote.validator: vote for vote in self.votes_for(at, PREVOTE, value)}
        return polka_of(self.table.validators, (HEIGHT, at), value, votes)


class Moves:
    """The options of each phase; every function returns a list for each seat of a network."""

    def __init__(self, table: Table) -> None:
        """Move seats of a table."""
        self.table = table

    # Proposals ----------------------------------------------------------------------------------

    def proposals(self, network: Network, round_number: int) -> list[list[Option]]:
        """Everybody gets a proposal, or waits for none in vain."""
        proposer = self.table.order[round_number % len(self.table.order)]
        menu = list(self._menu(network, round_number, proposer))
        timer = Timer(TimerKind.PROPOSE, HEIGHT, round_number)
        made = []
        for seat in network.seats:
            options = [Option(self.table.advance(seat, (timer,)), f"{seat.name} gets no proposal")]
            if seat.key == proposer:
                vote = seat.machine.signed.get((round_number, PROPOSAL))
                options = [Option(options[0].seat, f"{seat.name} {self._said(vote)}")]
            else:
                for message, how in menu:
                    after = self.table.advance(seat, (message, timer))
                    rival = how if how in "ab" else ""
                    told = f"{seat.name} gets a proposal of {self._value(message)}{_AS[how]}"
                    options.append(Option(after, told, rival))
            made.append(_distinct(options))
        return made

    def _said(self, vote: SignedVote | None) -> str:
        if vote is None:
            return "proposes nothing"
        return f"proposes {self.table.show((vote.block_id, vote.valid_round))}"

    def _value(self, message: Proposal) -> str:
        return self.table.show((message.vote.block_id, message.vote.valid_round))

    def _menu(
        self, network: Network, round_number: int, proposer: bytes
    ) -> Iterator[tuple[Proposal, str]]:
        """Yield the proposals that pass the check at every node's edge."""
        for message, how in self._wishes(network, round_number, proposer):
            try:
                check_message(message, CHAIN_ID, self.table.validators, verify_quick)
            except InvalidMessageError:
                continue
            yield message, how

    def _wishes(
        self, network: Network, round_number: int, proposer: bytes
    ) -> Iterator[tuple[Proposal, str]]:
        """Yield the honest proposer's message, or all that a traitor may try, and its kind."""
        for seat in network.seats:
            vote = seat.machine.signed.get((round_number, PROPOSAL))
            if seat.key == proposer and vote is not None and seat.decided is None:
                yield seat.machine.proposal_message(vote), ""
        if proposer not in self.table.traitors:
            return
        for rival in "ab":
            found = self.table.block(f"B{round_number}{rival}", proposer)
            yield self._proposal(round_number, (found, -1), proposer, None), rival
        quorums = network.quorums_by_round(PREVOTE)
        for at, found, valid_round in network.voted(round_number):
            yield self._proposal(round_number, (found, -1), proposer, None), ""
            for named in range(round_number):
                yield self._proposal(round_number, (found, named), proposer, None), "forged"
            is_sound = (at, found, valid_round) in quorums
            polka = network.polka((at, found, valid_round))
            how = "" if is_sound else "forged"
            yield self._proposal(round_number, (found, at), proposer, polka), how

    def _proposal(
        self, round_number: int, value: Value, key: bytes, polka: PolkaCertificate | None
    ) -> Proposal:
        vote = self.table.vote(PROPOSAL, round_number, value, key)
        return Proposal(vote, self.table.blocks[value[0]], polka)

    # Votes --------------------------------------------------------------------------------------

    def prevotes(self, network: Network, round_number: int) -> list[list[Option]]:
        """Everybody sees a quorum of prevotes for something, or for nothing in time."""
        return [self._tallies(network, seat, round_number, PREVOTE) for seat in network.seats]

    def precommits(self, network: Network, round_number: int) -> list[list[Option]]:
        """Everybody may learn a polka it missed, then sees a quorum of precommits."""
        polkas = [one for one in network.quorums_by_round(PREVOTE) if one[0] <= round_number]
        made = []
        for seat in network.seats:
            options = self._tallies(network, seat, round_number, PRECOMMIT)
            for quorum in polkas:
                if quorum[0] > seat.machine.valid_round and seat.decided is None:
                    news = (network.polka(quorum), self.table.blocks[quorum[1]])
                    taught = self.table.advance(seat, news)
                    how = f"learns the polka of round {quorum[0]}, "
                    options += self._tallies(network, taught, round_number, PRECOMMIT, how)
            made.append(_distinct(options))
        return made

    def _tallies(
        self, network: Network, seat: Seat, round_number: int, kind: int, how: str = ""
    ) -> list[Option]:
        if seat.decided is not None:
            return []
        timer = Timer(_TIMERS[kind], HEIGHT, round_number)
        options = []
        for value in network.quorums(round_number, kind):
            events: list[Event] = [*network.votes_for(round_number, kind, value)]
            if value[0] in self.table.blocks:
                events.append(self.table.blocks[value[0]])
            after = self.table.advance(seat, (*events, timer))
            told = f"{seat.name} {how}sees {_NAMES[kind]} for {self.table.show(value)}"
            options.append(Option(after, told))
        mixed = self._mixed(network, seat, round_number, kind)
        if mixed is not None:
            after = self.table.advance(seat, (*mixed, timer))
            told = f"{seat.name} {how}sees no quorum of {_NAMES[kind]} agree"
            options.append(Option(after, told))
        return _distinct(options)

    def _mixed(
        self, network: Network, seat: Seat, round_number: int, kind: int
    ) -> list[SignedVote] | None:
        """Return votes of a quorum that agree on nothing, or None if there are none."""
        need = self.table.validators.quorum
        votes = network.votes(round_number, kind)
        own = [vote for vote in votes if vote.validator == seat.key]
        others = [vote for vote in votes if vote.validator != seat.key]
        for lie in (NIL_ID, _OTHER):
            value = (lie, -1)
            lies = [self.table.vote(kind, round_number, value, key) for key in self.table.traitors]
            for chosen in combinations(others, max(need - len(own) - len(lies), 0)):
                shown = [*own, *lies, *chosen]
                values = [(vote.block_id, vote.valid_round) for vote in shown]
                if len(shown) >= need and max(map(values.count, values)) < need:
                    return shown
        return None


def _distinct(options: list[Option]) -> list[Option]:
    """Return options that lead to different seats."""
    found: dict[int, Option] = {}
    for one in options:
        found.setdefault(id(one.seat), one)
    return list(found.values())
