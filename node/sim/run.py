"""One seed, one history: a phase of faults, then a healed core that must make progress.

Safety is judged after every event of both phases. In the second, a random core of enough honest
validators is healed and the others stay away or go on lying: everything that was sent must become
final within thirty seconds, and after that an idle network must fall silent but for its status.
"""

from dataclasses import dataclass, field

from chain.validators import read_validators
from consensus import Mode
from node.sim.byzantine import Habit
from node.sim.cluster import Cluster, Shape
from node.sim.faults import Faults, is_silent
from node.sim.member import SimNode
from node.sim.oracle import Violation
from node.sim.world import World

PAY_EVERY_MS = 10_000
HEAL_MAX_MS = 30_000
REJOIN_MAX_MS = 120_000  # a wiped node comes back after others have made a few blocks
QUIET_MS = 30_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate: the seed decides everything else."""

    seed: int
    shape: Shape = field(default_factory=Shape)
    safety_ms: int = 3_600_000
    has_faults: bool = True
    keeps: tuple[int, ...] | None = None  # only these of the faults, for shrinking
    keeps_lines: bool = False


@dataclass(slots=True)
class Outcome:
    """What came of a seed."""

    seed: int
    simulated_seconds: int = 0
    heights: int = 0
    rounds_failed: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    heal_ms: int = 0
    log_hash: str = ""
    events: int = 0
    accused: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


class Run:
    """One simulation from its beginning to its end."""

    def __init__(self, plan: Plan) -> None:
        """Make the cluster of a plan."""
        self.plan = plan
        self.world = World(plan.seed)
        self.world.keeps_lines = plan.keeps_lines
        self.cluster = Cluster(self.world, plan.shape)
        self.faults = Faults(self.cluster)
        self.faults.keeps = None if plan.keeps is None else list(plan.keeps)
        self.heal_ms = 0
        self._is_paying = True

    def run(self) -> Outcome:
        """Simulate to the end, or to the first violation."""
        cluster, world, plan = self.cluster, self.world, self.plan
        self._choose_traitors()
        cluster.boot()
        world.after(1_000, cluster.deploy_bells)
        world.after(3_000, self._pay)
        if plan.has_faults:
            self.faults.start()
        world.run_until(plan.safety_ms, self._is_broken)
        if not self._is_broken() and self._is_promised():
            self._heal()
        return self._outcome()

    def _is_promised(self) -> bool:
        """Whether the protocol promises progress: no more traitors than it withstands."""
        liars = plan_liars(self.cluster)
        return liars <= (len(self.cluster.validator_keys()) - 1) // 3

    def _is_broken(self) -> bool:
        return bool(self.cluster.oracle.violations)

    def _choose_traitors(self) -> None:
        world, shape = self.world, self.plan.shape
        keys = [node.key for node in self.cluster.nodes[: shape.validators]]
        few = shape.byzantine <= (shape.validators - 1) // 3
        count = world.between(0, shape.byzantine) if few else shape.byzantine
        count = min(count, len(keys) - shape.twins)
        for key in world.some_of(keys[shape.twins :], count):
            habits = [habit for habit in Habit if world.chance(300)]
            if not few:  # more than are withstood show their worst
                habits = [Habit.TWO_PROPOSALS, Habit.SPLIT]
            self.cluster.make_traitor(key, habits or [world.one_of(list(Habit))])

    def _pay(self) -> None:
        if self._is_paying:
            self.cluster.pay()
            self.world.after(
                self.world.between(PAY_EVERY_MS // 2, PAY_EVERY_MS * 3 // 2), self._pay
            )

    # Liveness ---------------------------------------------------------------------------------

    def _heal(self) -> None:  # noqa: C901 - in the order of its happening
        cluster, world = self.cluster, self.world
        self._is_paying = False
        self.faults.stop()
        cluster.network.heal()
        for node in cluster.nodes:
            node.disk.is_full = False
            node.resume()
            node.crash_after_effects = None
        core = self._choose_core()
        for node in core:
            if not node.is_up:
                node.boot()
            node.fix_health(None)
        self._await_rejoined(core)
        if self._is_broken():
            return
        cluster.pay()
        start_ms, heights = world.now_ms, {node.number: node.ledger.height for node in core}
        rounds = {node.number: self._round_of(node) for node in core}

        def has_progressed() -> bool:
            return all(node.ledger.height > heights[node.number] for node in core)

        def is_done() -> bool:
            if not self.heal_ms and has_progressed():
                self.heal_ms = world.now_ms - start_ms
            level = {node.ledger.height for node in core}
            return self._is_broken() or (
                not cluster.waiting and has_progressed() and len(level) == 1
            )

        world.run_until(start_ms + HEAL_MAX_MS, is_done)
        if not is_done():
            where = [node.describe() for node in core]
            count = len(cluster.waiting)
            text = f"{count} transactions wait {HEAL_MAX_MS} ms after all healed: {where}"
            cluster.oracle.fail("liveness", world.now_ms, text)
        limit = len(cluster.validator_keys()) + 2
        for node in core:
            used = self._round_of(node) - rounds[node.number]
            if used > limit and node.ledger.height == heights[node.number]:
                cluster.oracle.fail("liveness", world.now_ms, f"node {node.number}: {used} rounds")
        if not self._is_broken():
            self._check_quiet(core)
        cluster.oracle.compare_states(core)

    def _round_of(self, node: SimNode) -> int:
        return 0 if node.engine is None else node.engine.machine.round

    def _choose_core(self) -> list[SimNode]:
        """Choose who is healed: at least a quorum of honest validators; the others go away."""
        cluster, world = self.cluster, self.world
        keys = cluster.validator_keys()
        is_changing = "membership" in self.faults.enabled  # a change may be under way
        able = [
            node
            for node in cluster.nodes
            if node.key in cluster.oracle.honest and (is_changing or node.key in keys)
        ]
        quorum = read_validators(cluster.top().ledger.state()).quorum
        needs_all = is_changing or any(is_silent(node) for node in able)
        count = len(able) if needs_all else world.between(quorum, len(able))
        core = sorted(world.some_of(able, count), key=lambda node: node.number)
        for node in cluster.nodes:
            if node not in core and node.key in cluster.oracle.honest:
                node.crash("left out of the core")
        return core

    def _await_rejoined(self, core: list[SimNode]) -> None:
        """Give nodes that lost their log the blocks that others make while they may not vote."""
        world, cluster = self.world, self.cluster
        if all(_may_vote(node) for node in core):
            return
        end_ms = world.now_ms + REJOIN_MAX_MS
        while world.now_ms < end_ms and not self._is_broken():
            cluster.pay()
            world.run_until(world.now_ms + 4_000, self._is_broken)
            if all(_may_vote(node) for node in core):
                return
        if not self._is_broken():
            text = f"a node that lost its log never votes again: {[n.describe() for n in core]}"
            cluster.oracle.fail("liveness", world.now_ms, text)

    def _check_quiet(self, core: list[SimNode]) -> None:
        """Let due things finish, then see that an idle network says nothing but its status."""
        world, cluster = self.world, self.cluster
        world.run_until(world.now_ms + 40_000, self._is_broken)  # bells that were planned ring
        if cluster.traitors or any(node.engine is None for node in core):
            return
        before = cluster.top().ledger.height
        cluster.is_watching_quiet = True
        world.run_until(world.now_ms + QUIET_MS, self._is_broken)
        cluster.is_watching_quiet = False
        if cluster.top().ledger.height == before and cluster.unquiet:
            cluster.oracle.fail("liveness", world.now_ms, f"idle, yet {cluster.unquiet[:3]}")

    def _outcome(self) -> Outcome:
        cluster, world = self.cluster, self.world
        counts = dict(self.faults.counts)
        for traitor in cluster.traitors.values():
            for habit in traitor.habits:
                name = f"traitor_{habit.name.lower()}"
                counts[name] = counts.get(name, 0) + 1
        return Outcome(
            seed=self.plan.seed,
            simulated_seconds=world.now_ms // 1_000,
            heights=cluster.oracle.ledger.height,
            rounds_failed=cluster.oracle.failed_rounds,
            faults=dict(sorted(counts.items())),
            violations=list(cluster.oracle.violations),
            heal_ms=self.heal_ms,
            log_hash=world.log_hash(),
            events=world.events_done,
            accused=[key.hex() for key in sorted(cluster.oracle.accused)],
            history=self.faults.history,
            lines=world.recent,
        )


def plan_liars(cluster: Cluster) -> int:
    """Return how many validators lie or run twice."""
    members = cluster.validator_keys()
    return len([key for key in members if key not in cluster.oracle.honest])


def _may_vote(node: SimNode) -> bool:
    engine = node.engine
    if engine is None:
        return False
    return engine.mode == Mode.SIGNING or node.key not in engine.machine.validators.keys


def simulate(plan: Plan) -> Outcome:
    """Run one seed."""
    return Run(plan).run()
