"""Runs a written trace, or a file of either kind of traces."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL
from chain.crypto import hash_bytes
from chain.vote import SignedVote, signed_bytes
from consensus import NIL_ID, Proposal
from node.sim.byzantine import Habit
from node.sim.cluster import Cluster, Shape
from node.sim.errors import TraceError
from node.sim.itf import read_traces, run_model_trace
from node.sim.member import SimNode
from node.sim.tracing import Step, Trace, parse_trace
from node.sim.world import World

_KINDS = {"prevote": PREVOTE, "precommit": PRECOMMIT, "proposal": PROPOSAL}


@dataclass(slots=True)
class TraceOutcome:
    """What came of a trace: `problems` are "invariant: text", empty if all is well."""

    name: str
    heights: int = 0
    failed_rounds: int = 0
    problems: list[str] = field(default_factory=list)


class TraceRun:
    """One run of a trace."""

    def __init__(self, trace: Trace) -> None:
        """Make the cluster."""
        self.trace, self.world = trace, World(trace.seed)
        shape = Shape(
            trace.validators,
            len(trace.byzantine),
            spares=trace.spares,
            twins=trace.twins,
            heartbeat_ms=trace.heartbeat_ms,
            quorum=trace.quorum,
        )
        self.cluster = Cluster(self.world, shape)
        for number in trace.byzantine:
            self.cluster.make_traitor(self._node(number).key, [])
        self.cluster.network.filter = self._passes
        self._dropped: list[Step] = []

    def _node(self, number: int | None) -> SimNode:
        nodes = self.cluster.nodes
        if number is None or number >= len(nodes):
            text = f"trace {self.trace.name}: no node {number}; there are {len(nodes)}"
            raise TraceError(text)
        return nodes[number]

    def run(self) -> TraceOutcome:
        """Carry out all steps and judge the end."""
        cluster, world, trace = self.cluster, self.world, self.trace
        cluster.boot()
        for step in trace.steps:
            world.at(step.at, self._do, step)

        def is_over() -> bool:
            return bool(cluster.oracle.violations)

        world.run_until(trace.until, is_over)
        outcome = TraceOutcome(
            trace.name, cluster.oracle.ledger.height, cluster.oracle.failed_rounds
        )
        outcome.problems = self._judge()
        return outcome

    def _do(self, step: Step) -> None:
        self.world.note(f"trace {step.do}")
        getattr(self, f"_do_{step.do}")(step)

    # Steps ------------------------------------------------------------------------------------

    def _do_partition(self, step: Step) -> None:
        side_of = {number: place for place, side in enumerate(step.sides) for number in side}
        numbers = range(len(self.cluster.nodes))
        self.cluster.network.blocked = {
            (a, b) for a in numbers for b in numbers if side_of.get(a, -1) != side_of.get(b, -1)
        }

    def _do_heal(self, _step: Step) -> None:
        self.cluster.network.heal()

    def _do_cut(self, step: Step) -> None:
        for sender in step.sender or ():
            self.cluster.network.blocked.update([(sender, to) for to in step.to or ()])

    def _do_drop(self, step: Step) -> None:
        self._dropped.append(step)

    def _do_pass(self, _step: Step) -> None:
        self._dropped.clear()

    def _passes(self, sender: int, to: int, message: Any) -> bool:
        return not any(_matches(step, sender, to, message) for step in self._dropped)

    def _do_crash(self, step: Step) -> None:
        for number in step.nodes or (step.node,):
            self._node(number).crash("by the trace")

    def _do_boot(self, step: Step) -> None:
        for number in step.nodes or (step.node,):
            node = self._node(number)
            if not node.is_up:
                node.boot()

    def _do_wipe(self, step: Step) -> None:
        node = self._node(step.node)
        node.crash("wiped by the trace")
        node.disk.wipe()
        if step.ledger:
            node.wipe_ledger(self.cluster.genesis)

    def _do_flip(self, step: Step) -> None:
        node = self._node(step.node)
        node.crash("damaged by the trace")
        node.disk.flip_bit()

    def _do_keep_unsynced(self, step: Step) -> None:
        self._node(step.node).disk.loses_unsynced = False

    def _do_pay(self, _step: Step) -> None:
        self.cluster.pay()

    def _do_bell(self, _step: Step) -> None:
        if self.cluster.bells is None:
            self.cluster.deploy_bells()
        self.cluster.plan_bell()

    def _do_lie(self, step: Step) -> None:
        traitor = self.cluster.traitors.get(self._node(step.node).key)
        if traitor is None:
            text = f"trace {self.trace.name}: node {step.node} is not among the byzantine ones"
            raise TraceError(text)
        traitor.habits = [Habit[name.upper()] for name in step.habits]

    def _do_clock(self, step: Step) -> None:
        self._node(step.node).clock.offset_ms = step.offset_ms

    def _do_pause(self, step: Step) -> None:
        self._node(step.node).pause(self.trace.until)

    def _do_resume(self, step: Step) -> None:
        self._node(step.node).resume()

    def _do_vote_in(self, step: Step) -> None:
        self.cluster.vote_validator(self._node(step.node).key, 1)

    def _do_vote_out(self, step: Step) -> None:
        self.cluster.vote_validator(self._node(step.node).key, 0)

    def _do_recover(self, step: Step) -> None:
        keys = [self._node(number).key for number in step.nodes]
        self.cluster.recover(self._node(step.node), keys)

    def _do_say(self, step: Step) -> None:
        """Let a byzantine node sign any votes: for nil, for what was proposed, for new blocks."""
        cluster = self.cluster
        height = step.height or cluster.oracle.ledger.height + 1
        found = NIL_ID
        if step.block == "proposal":
            found = cluster.proposed.get((height, step.round or 0), NIL_ID)
        for number in range(step.times):
            if step.block == "new":
                found = hash_bytes("new", f"{step.node} {step.at} {number}".encode())
            self._say(step, height, found)

    def _say(self, step: Step, height: int, found: bytes) -> None:
        node, cluster = self._node(step.node), self.cluster
        kind = _KINDS.get(step.what or "prevote", PREVOTE)
        said = (kind, 0, height, step.round or 0, found, step.valid_round, node.key)
        signature = node.signer.sign(signed_bytes(SignedVote(*said, bytes(64)), cluster.chain_id))
        vote = SignedVote(*said, signature)
        cluster.oracle.note_vote(vote)
        for to in step.to if step.to is not None else range(len(cluster.nodes)):
            if to != step.node:
                cluster.network.send(node.number, to, vote)

    # The end ----------------------------------------------------------------------------------

    def _judge(self) -> list[str]:
        cluster, expect = self.cluster, self.trace.expect
        problems = [f"{one.invariant}: {one.text}" for one in cluster.oracle.violations]
        if expect.fork:
            problems = [one for one in problems if not one.startswith("A1")]
            if not any(one.invariant == "A1" for one in cluster.oracle.violations):
                problems.append("expect: no fork came about")
        height, failed = cluster.oracle.ledger.height, cluster.oracle.failed_rounds
        waiting = len(cluster.waiting)
        heads = {self._node(one).ledger.head_id for one in expect.all_equal}
        for invariant, is_good, text in (
            (
                "liveness",
                height >= expect.heights_min,
                _least("heights", height, expect.heights_min),
            ),
            (
                "expect",
                _fits(height, expect.heights_max),
                _most("heights", height, expect.heights_max),
            ),
            (
                "rounds",
                _fits(failed, expect.failed_rounds_max),
                _most("failed rounds", failed, expect.failed_rounds_max),
            ),
            (
                "liveness",
                _fits(waiting, expect.waiting),
                _most("waiting transactions", waiting, expect.waiting),
            ),
            ("liveness", len(heads) <= 1, f"nodes {expect.all_equal} are not at one block"),
        ):
            if not is_good:
                problems.append(f"{invariant}: {text}")
        problems += self._judge_names("accused", expect.accused, cluster.oracle.accused)
        problems += self._judge_names("evidence", expect.evidence, cluster.evidence_keys)
        for number in expect.observers:
            mode = self._node(number).describe().get("mode")
            if mode != "OBSERVER":
                problems.append(f"observers: node {number} is {mode}, OBSERVER expected")
        return problems

    def _judge_names(self, what: str, wanted: tuple[int, ...], found: set[bytes]) -> list[str]:
        missing = [one for one in wanted if self._node(one).key not in found]
        return [f"{what}: nodes {missing} are not named"] if missing else []


def _fits(found: int, most: int | None) -> bool:
    return most is None or found <= most


def _least(what: str, found: int, least: int) -> str:
    return f"{found} {what}, at least {least} expected"


def _most(what: str, found: int, most: int | None) -> str:
    return f"{found} {what}, at most {most} expected"


def _matches(step: Step, sender: int, to: int, message: Any) -> bool:
    if step.sender is not None and sender not in step.sender:
        return False
    if step.to is not None and to not in step.to:
        return False
    vote = message.vote if isinstance(message, Proposal) else message
    if step.what in _KINDS:
        if not isinstance(vote, SignedVote) or vote.kind != _KINDS[step.what]:
            return False
    elif step.what is not None and type(message).__name__ != step.what:
        return False
    for name in ("height", "round"):
        wanted = getattr(step, name)
        if wanted is not None and getattr(vote, name, wanted) != wanted:
            return False
    return True


def run_trace(trace: Trace) -> TraceOutcome:
    """Run a written trace."""
    return TraceRun(trace).run()


def run_file(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Run a trace file of either kind; returns lines for people and the facts."""
    is_model = path.name.endswith((".jsonl", ".jsonl.gz", ".itf.json"))
    return (_run_models if is_model else _run_written)(path)


def _run_written(path: Path) -> tuple[list[str], dict[str, Any]]:
    outcome = run_trace(parse_trace(path.read_bytes()))
    facts = {
        "trace": outcome.name,
        "heights": outcome.heights,
        "rounds_failed": outcome.failed_rounds,
        "problems": outcome.problems,
        "failed": len(outcome.problems),
    }
    line = f"{outcome.name}: {outcome.heights} heights, {outcome.failed_rounds} failed rounds"
    return [line, *outcome.problems], facts


def _run_models(path: Path) -> tuple[list[str], dict[str, Any]]:
    lines: list[str] = []
    rows: list[dict[str, Any]] = []
    for name, itf in read_traces(path):
        result = run_model_trace(name, itf)
        excused = sum(result.excused.values())
        lines.append(
            f"{name}: {result.steps_compared} steps compared, {result.equal} equal, "
            f"{excused} excused {result.excused or ''}"
        )
        lines += [f"  {one}" for one in result.differences]
        rows.append(
            {
                "trace": name,
                "steps_compared": result.steps_compared,
                "equal": result.equal,
                "excused": result.excused,
                "differences": result.differences,
            }
        )
    failed = sum(bool(row["differences"]) for row in rows)
    return lines, {"traces": rows, "failed": failed}
