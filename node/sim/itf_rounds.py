"""The model's validators against ours: one alone with abstract inputs, or several with messages.

The model hands a validator its own votes and proposals back as messages, and works off what they
lead to in steps of their own. `SlowMachine` hands them back the same way, and an input that leaves
the model with something pending is fed when the model gets to that.
"""

from typing import Any

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL, Block, block_id
from chain.validators import ValidatorSet
from chain.vote import SignedVote
from consensus import (
    NIL_ID,
    BuildBlock,
    EvidencePool,
    Head,
    Proposal,
    RoundMachine,
    Send,
    Step,
    Timer,
    TimerKind,
)
from node.sim.cluster import QuickSigner, sim_seed
from node.sim.itf_blocks import made_block

Faults = tuple[list[str], str | None]
_STEPS = {
    Step.PROPOSE: "ProposeStep",
    Step.PREVOTE: "PrevoteStep",
    Step.PRECOMMIT: "PrecommitStep",
    Step.COMMIT: "CommitStep",
}
_TIMERS = {
    "ProposeTimeout": TimerKind.PROPOSE,
    "PrevoteTimeout": TimerKind.PREVOTE,
    "PrecommitTimeout": TimerKind.PRECOMMIT,
}
_FIELDS = ("round", "step", "lockedRound", "lockedValue", "validRound", "validValue")


class SlowMachine(RoundMachine):
    """Our rules, but a validator's own votes and proposals count when they come back to it."""

    def cast(self, kind: int, value: bytes, valid_round: int) -> None:
        """Vote; the vote comes back as anybody's does."""
        self.out.append(Send(self.sign(kind, value, valid_round)))

    def _sign_proposal(self, value: bytes, valid_round: int) -> bool:
        if not self.is_good(value):
            return False
        self.out.append(Send(self.proposal_message(self.sign(PROPOSAL, value, valid_round))))
        return True


class Player:
    """One validator of ours, with the model's names for everything."""

    def __init__(self, name: str, names: list[str], height: int, order: list[str]) -> None:
        """Begin a height; `order` names the proposers of its rounds, repeated for ever."""
        self.name, self.names, self.height = name, names, height
        self.signer = QuickSigner(sim_seed(name))
        keys = [sim_seed(one) for one in names]
        self.values: dict[bytes, str] = {}
        self.out: list[Any] = []
        head = Head(
            height=height - 1,
            block_id=bytes(32),
            time_ms=0,
            commit=None,
            validators=ValidatorSet(tuple(sorted(keys))),
            order=tuple([sim_seed(one) for one in order]),
            interval_ms=1,
            heartbeat_ms=0,
        )
        machine = SlowMachine(self.signer, bytes(32), head, EvidencePool(), self.out)
        machine.can_sign = machine.has_transactions = True
        machine.now_wall = machine.now_mono = 1_000
        self.machine: RoundMachine = machine
        self.built: str | None = None

    def block(self, value: str, round_number: int | None = None) -> Block:
        """Return the block that stands for a value, proposed by the round's proposer."""
        at = self.machine.round if round_number is None else round_number
        made = made_block(value, self.height, self.machine.proposer(at))
        self.values[block_id(made.header)] = value
        return made

    def id_of(self, value: Any, round_number: int) -> bytes:
        """Return the block id of a value that votes of a round are for; Nil: none."""
        if value == "Nil":
            return NIL_ID
        text = value[1] if isinstance(value, tuple) else value
        known = [found for found, name in self.values.items() if name == text]
        return known[0] if known else block_id(self.block(text, round_number).header)

    def vote(self, who: str, kind: int, round_number: int, found: bytes, valid: int = -1) -> None:
        """Deliver a vote."""
        said = (kind, 0, self.height, round_number, found, valid, sim_seed(who))
        if sim_seed(who) == self.machine.me:
            own = self.machine.signed.get((round_number, kind))
            if own is not None:
                self.machine.on_vote(own)
            return
        self.machine.on_vote(SignedVote(*said, bytes(64)))

    def propose(self, value: str, round_number: int, valid_round: int, *, good: bool) -> None:
        """Deliver the proposal of a round, with its block and the verdict about it."""
        machine = self.machine
        found = self.id_of(("Val", value), round_number)
        made = machine.bodies.get(found) or self._remade(value, found, round_number)
        proposer = machine.proposer(round_number)
        said = (PROPOSAL, 0, self.height, round_number, found, valid_round, proposer)
        own = machine.signed.get((round_number, PROPOSAL))
        vote = own if proposer == machine.me and own is not None else SignedVote(*said, bytes(64))
        machine.on_proposal(Proposal(vote, made, None))
        machine.on_checked(found, None if good else "the model calls it invalid")
        if proposer == machine.me and own is None:  # signed once its check was over
            own = machine.signed.get((round_number, PROPOSAL))
            if own is not None:
                machine.on_proposal(Proposal(own, made, None))

    def _remade(self, value: str, found: bytes, round_number: int) -> Block:
        for name in self.names:
            made = made_block(value, self.height, sim_seed(name))
            if block_id(made.header) == found:
                return made
        return self.block(value, round_number)

    def build(self, value: str) -> None:
        """Answer BuildBlock; the verdict comes with the proposal."""
        made = self.block(value)
        asked = [one.round for one in self.out if isinstance(one, BuildBlock)]
        self.machine.on_built(asked[-1] if asked else self.machine.round, made)

    def fire(self, name: str) -> None:
        """Let a timer of the current round run out."""
        self.machine.on_timer(Timer(_TIMERS[name], self.height, self.machine.round))

    def faults(self, wanted: dict[str, Any], *, between: bool = False) -> list[str]:
        """Return which fields differ from the model's; `between` rounds it has no step."""
        machine = self.machine

        def shown(found: bytes | None) -> Any:
            return "Nil" if found is None else ("Val", self.values.get(found, found.hex()))

        have = {
            "round": machine.round,
            "step": _STEPS[machine.step],
            "lockedRound": machine.locked_round,
            "lockedValue": shown(machine.locked_value),
            "validRound": machine.valid_round,
            "validValue": shown(machine.valid_value),
        }
        fields = [one for one in _FIELDS if not (between and one in {"round", "step"})]
        return [
            f"{self.name} {one}: found {have[one]}, expected {wanted[one]}"
            for one in fields
            if have[one] != wanted[one]
        ]


class LoneValidator:
    """Takes the states of one `consensusTest`: inputs become messages that make them true."""

    def __init__(self) -> None:
        """Begin before the first state, which names the height."""
        self._player: Player | None = None
        self._ending = False  # the model has left its round and not entered the next

    def take(self, state: dict[str, Any]) -> Faults:
        """Feed one input and compare."""
        wanted, given = state["state"], state["input"]
        if self._player is None:
            names = ["v1", "p1", "p2", "p3"]
            self._player = Player("v1", names, wanted["height"] + 1, ["p1", "p1", "p1", "p1"])
        tag, value = given if isinstance(given, tuple) else (given, None)
        if tag == "NoConsensusInput":
            return self._player.faults(wanted, between=True), None
        is_between = wanted["step"] in {"UnstartedStep", "NoStep"}
        if tag == "TimeoutPrecommitCInput" or (tag == "RoundSkipCInput" and is_between):
            self._ending = True
            self._leaving = (tag, value)
            return self._player.faults(wanted, between=True), None
        getattr(self, f"_{tag}")(value)
        return self._player.faults(wanted, between=is_between), None

    def _at(self) -> Player:
        assert self._player is not None, "the first state makes it"
        return self._player

    def _enter(self, round_number: int, proposer: str) -> None:
        player = self._at()
        order = list(player.machine.order)
        order[round_number % len(order)] = sim_seed(proposer)
        player.machine.order = tuple(order)
        if self._ending:
            self._ending = False
            if self._leaving[0] == "TimeoutPrecommitCInput":
                player.fire("PrecommitTimeout")
            if player.machine.round < round_number:
                for peer in ("p1", "p2"):
                    player.vote(peer, PREVOTE, round_number, NIL_ID)
        player.machine.look()

    def _NewRoundCInput(self, round_number: int) -> None:  # noqa: N802 - the model's names
        self._enter(round_number, "p1")

    def _NewRoundProposerCInput(self, round_number: int) -> None:  # noqa: N802
        self._enter(round_number, "v1")

    def _ProposeValueCInput(self, value: str) -> None:  # noqa: N802
        self._at().build(value)

    def _ProposalCInput(self, given: tuple[int, Any]) -> None:  # noqa: N802
        self._at().propose(given[1][1], given[0], -1, good=True)

    def _ProposalInvalidCInput(self, _given: Any) -> None:  # noqa: N802
        player = self._at()
        player.propose("invalid", player.machine.round, -1, good=False)

    def _ProposalAndPolkaPreviousAndValidCInput(self, given: Any) -> None:  # noqa: N802
        value, valid_round = given
        name = value[1] if isinstance(value, tuple) else value
        player = self._at()
        found = player.id_of(("Val", name), valid_round)
        for peer in ("p1", "p2", "p3"):
            player.vote(peer, PREVOTE, valid_round, found)
        player.propose(name, player.machine.round, valid_round, good=True)

    def _PolkaAnyCInput(self, _given: Any) -> None:  # noqa: N802
        self._mixed(PREVOTE)

    def _PrecommitAnyCInput(self, _given: Any) -> None:  # noqa: N802
        self._mixed(PRECOMMIT)

    def _mixed(self, kind: int) -> None:
        """Let three vote without agreeing."""
        player = self._at()
        at = player.machine.round
        for peer, value in (("p1", "Nil"), ("p2", ("Val", "x")), ("p3", ("Val", "y"))):
            player.vote(peer, kind, at, player.id_of(value, at))

    def _PolkaNilCInput(self, _given: Any) -> None:  # noqa: N802
        player = self._at()
        for peer in ("p1", "p2", "p3"):
            player.vote(peer, PREVOTE, player.machine.round, NIL_ID)

    def _ProposalAndPolkaAndValidCInput(self, value: Any) -> None:  # noqa: N802
        player = self._at()
        at = player.machine.round
        name = value[1] if isinstance(value, tuple) else value
        if at not in player.machine.proposals:
            player.propose(name, at, -1, good=True)
        valid_round = player.machine.proposals[at].vote.valid_round
        for peer in ("p1", "p2", "p3"):
            player.vote(peer, PREVOTE, at, player.id_of(("Val", name), at), valid_round)

    def _TimeoutProposeCInput(self, _given: Any) -> None:  # noqa: N802
        self._at().fire("ProposeTimeout")

    def _TimeoutPrevoteCInput(self, _given: Any) -> None:  # noqa: N802
        self._at().fire("PrevoteTimeout")

    def _ProposalAndCommitAndValidCInput(self, given: tuple[int, Any]) -> None:  # noqa: N802
        player = self._at()
        name = given[1][1] if isinstance(given[1], tuple) else given[1]
        found = player.id_of(("Val", name), given[0])
        for peer in ("p1", "p2", "p3"):
            player.vote(peer, PRECOMMIT, given[0], found)
        if found not in player.machine.bodies:
            player.machine.on_body(player.block(name, given[0]))
        player.machine.on_checked(found, None)

    def _RoundSkipCInput(self, round_number: int) -> None:  # noqa: N802
        player = self._at()
        for peer in ("p1", "p2"):
            player.vote(peer, PREVOTE, round_number, NIL_ID)


class System:
    """Takes the states of a run with several validators and the messages between them."""

    def __init__(self, states: list[dict[str, Any]]) -> None:
        """Learn names and proposers from the whole run."""
        first = next(iter(states[0]["system"].values()))
        self._names = sorted(first["es"]["valset"])
        self._proposers: dict[tuple[int, int], str] = {}
        self._valid_rounds: dict[tuple[int, int, str], int] = {}
        for state in states:
            for messages in state["propBuffer"].values():
                for one in messages:
                    self._note(one)
            hist = state["_hist"]
            if isinstance(hist["input"], tuple) and hist["input"][0] == "ProposalDInput":
                self._note(hist["input"][1])
            if hist["output"][0] == "GetValueAndScheduleTimeoutOutput":
                place = hist["output"][1]
                self._proposers[place[0], place[1]] = hist["validator"]
        self._players: dict[str, Player] = {}
        self._late: dict[str, list[Any]] = {}

    def _note(self, proposal: dict[str, Any]) -> None:
        place = (proposal["height"], proposal["round"])
        self._proposers[place] = proposal["srcAddress"]
        self._valid_rounds[(*place, str(proposal["proposal"]))] = proposal["validRound"]

    def _order(self, height: int) -> list[str]:
        """Return a round of proposers that fits all that is known of a height."""
        names = self._names
        known = {r: who for (at, r), who in self._proposers.items() if at == height}
        starts = {(names.index(who) - r) % len(names) for r, who in known.items()}
        start = min(starts) if starts else (height + 1) % len(names)
        order = names[start:] + names[:start]
        for round_number, who in known.items():
            order[round_number % len(names)] = who
        return order

    def take(self, state: dict[str, Any]) -> Faults:
        """Feed the step of one validator and compare its state."""
        hist = state["_hist"]
        name = hist["validator"]
        if name not in state["system"]:
            return [], None
        es = state["system"][name]["es"]
        given = hist["input"]
        tag, value = given if isinstance(given, tuple) else (given, None)
        if tag == "StartDInput":
            height = es["cs"]["height"]
            self._players[name] = Player(name, self._names, height + 1, self._order(height))
            self._late[name] = []
        player = self._players.get(name)
        if player is None:
            return [], None
        waits = bool(es["pendingInputs"]) and tag != "PendingDInput"
        if waits:
            self._late[name].append((tag, value))
        elif tag == "PendingDInput":
            for late in self._late[name]:
                self._feed(player, *late)
            self._late[name].clear()
        else:
            self._feed(player, tag, value)
        is_between = es["cs"]["step"] in {"UnstartedStep", "NoStep"}
        return player.faults(es["cs"], between=is_between), None

    def _feed(self, player: Player, tag: str, value: Any) -> None:
        if tag == "StartDInput":
            player.machine.look()
        elif tag == "ProposeValueDInput":
            player.build(value)
        elif tag == "ProposalDInput":
            good = "invalid" not in str(value["proposal"]).lower()
            player.propose(value["proposal"], value["round"], value["validRound"], good=good)
        elif tag == "VoteDInput":
            self._feed_vote(player, value)
        elif tag == "TimeoutDInput":
            player.fire(value)
        elif tag in {"CertificateDInput", "ProcessCertificateDInput", "CommitCertificateDInput"}:
            for vote in value if isinstance(value, list) else value["votes"]:
                self._feed_vote(player, vote)
        elif tag not in {"NoDInput", "StepChangeDInput", "PendingDInput"}:
            text = f"an input {tag} that is not known"
            raise ValueError(text)

    def _feed_vote(self, player: Player, vote: dict[str, Any]) -> None:
        kind = PREVOTE if vote["voteType"] == "Prevote" else PRECOMMIT
        at, valid_round = vote["round"], -1
        if kind == PREVOTE and vote["valueId"] != "Nil":
            place = (vote["height"], at, str(vote["valueId"][1]))
            valid_round = self._valid_rounds.get(place, -1)
        player.vote(vote["srcAddress"], kind, at, player.id_of(vote["valueId"], at), valid_round)
