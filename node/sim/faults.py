"""Faults, one after another: a fault begins at some time and ends at another.

Each seed enables a random subset of kinds (swarm testing), so that every kind is also seen without
the others. At most `faults_max` validators at a time are hurt in a way that the protocol does not
promise to outlive: traitors, lost logs, wrong clocks.
"""

from collections.abc import Callable

from chain.types import HOUR_MS
from consensus import Mode
from node.sim.cluster import Cluster
from node.sim.member import SimNode
from node.sim.network import Weather
from node.sim.world import START_WALL_MS

Undo = Callable[[], None]


def _nothing() -> None:
    """Undo nothing."""


class Faults:
    """Makes trouble in a cluster until it is told to stop."""

    def __init__(self, cluster: Cluster) -> None:
        """Choose which kinds this seed has."""
        self.cluster, self.world = cluster, cluster.world
        kinds = sorted(_KINDS)
        self.enabled = [kind for kind in kinds if self.world.chance(400)]
        self.counts: dict[str, int] = {}
        self._undo: list[Undo] = []
        self._is_over = False
        self._impaired: set[int] = set()
        self.mean_ms = self.world.one_of((3_000, 8_000, 20_000))
        self.keeps: list[int] | None = None  # with shrinking: which of the faults happen
        self._number = 0
        self.history: list[str] = []

    def start(self) -> None:
        """Begin to make trouble."""
        if self.enabled:
            self.world.after(self.world.between(500, self.mean_ms), self._strike)

    def _strike(self) -> None:
        if self._is_over:
            return
        kind = self.world.one_of(self.enabled)
        number, self._number = self._number, self._number + 1
        wait_ms = self.world.between(200, 2 * self.mean_ms)
        if self.keeps is None or number in self.keeps:
            undo = _KINDS[kind](self)
            if undo is not None:
                self.counts[kind] = self.counts.get(kind, 0) + 1
                self.world.note(f"fault {number} {kind}")
                self.history.append(f"{number} {self.world.now_ms} ms {kind}")
                self._undo.append(undo)
                self.world.after(self.world.between(300, 12_000), self._mend, undo)
        self.world.after(wait_ms, self._strike)

    def _mend(self, undo: Undo) -> None:
        if undo in self._undo:
            self._undo.remove(undo)
            undo()

    def stop(self) -> None:
        """End all faults; what fell is started again."""
        self._is_over = True
        while self._undo:
            self._undo.pop()()

    # Which nodes ------------------------------------------------------------------------------

    def _up(self) -> list[SimNode]:
        return [node for node in self.cluster.nodes if node.is_up]

    def _any(self) -> SimNode | None:
        nodes = self._up()
        return self.world.one_of(nodes) if nodes else None

    def impair(self) -> SimNode | None:
        """Choose a node to be hurt badly, if one more may be."""
        cluster = self.cluster
        members = cluster.validator_keys()
        bad = [node.number for node in cluster.nodes if self._is_hurt(node)]
        fewest = min(len(members), cluster.shape.validators)  # a change may be under way
        spare = (fewest - 1) // 3 - len(bad)
        able = [node for node in self._up() if node.number not in bad and node.key in members]
        if spare < 1 or not able:
            return None
        node = self.world.one_of(able)
        self._impaired.add(node.number)
        return node

    def _is_hurt(self, node: SimNode) -> bool:
        is_liar = node.key not in self.cluster.oracle.honest
        return is_liar or node.number in self._impaired or is_silent(node)

    def heal_impaired(self, node: SimNode) -> None:
        """A node is well again."""
        self._impaired.discard(node.number)

    def restart(self, node: SimNode) -> None:
        """Start a node that fell."""
        if not node.is_up:
            node.boot()


def is_silent(node: SimNode) -> bool:
    """Tell whether a node may not vote for now: its log was lost, or a stranger has its key."""
    until = node.disk.silent_until()
    if until is None or until > node.ledger.height + 1:
        return True
    return node.engine is not None and node.engine.mode == Mode.OBSERVER


def _drop(faults: Faults) -> Undo:
    weather = faults.cluster.network.weather
    weather.drop_per_mille = faults.world.one_of((50, 200, 400))
    return lambda: setattr(weather, "drop_per_mille", 0)


def _duplicate(faults: Faults) -> Undo:
    weather = faults.cluster.network.weather
    weather.duplicate_per_mille = faults.world.one_of((50, 300))
    return lambda: setattr(weather, "duplicate_per_mille", 0)


def _reorder(faults: Faults) -> Undo:
    weather = faults.cluster.network.weather
    weather.delay_min_ms, weather.delay_max_ms = 0, faults.world.one_of((200, 800))

    def undo() -> None:
        calm = Weather()
        weather.delay_min_ms, weather.delay_max_ms = calm.delay_min_ms, calm.delay_max_ms

    return undo


def _delay(faults: Faults) -> Undo:
    weather = faults.cluster.network.weather
    weather.late_per_mille = faults.world.one_of((50, 200))
    return lambda: setattr(weather, "late_per_mille", 0)


def _clog(faults: Faults) -> Undo:
    first, second = faults.world.some_of(range(len(faults.cluster.nodes)), 2)
    faults.cluster.network.clog((first, second))
    return lambda: faults.cluster.network.unclog((first, second))


def _cut(faults: Faults, links: list[tuple[int, int]]) -> Undo:
    fresh = [link for link in links if link not in faults.cluster.network.blocked]
    faults.cluster.network.blocked.update(fresh)
    return lambda: faults.cluster.network.blocked.difference_update(fresh)


def _partition(faults: Faults) -> Undo:
    numbers = list(range(len(faults.cluster.nodes)))
    side = faults.world.some_of(numbers, faults.world.between(1, len(numbers) - 1))
    across = [(a, b) for a in numbers for b in numbers if (a in side) != (b in side)]
    return _cut(faults, across)


def _one_way(faults: Faults) -> Undo:
    numbers = list(range(len(faults.cluster.nodes)))
    side = faults.world.some_of(numbers, faults.world.between(1, len(numbers) - 1))
    return _cut(faults, [(a, b) for a in numbers for b in numbers if a in side and b not in side])


def _isolate(faults: Faults) -> Undo:
    numbers = range(len(faults.cluster.nodes))
    alone = faults.world.one_of(numbers)
    return _cut(faults, [link for b in numbers if b != alone for link in ((alone, b), (b, alone))])


def _swizzle(faults: Faults) -> Undo:
    """Stop links one by one, and let them go again in another order."""
    numbers = range(len(faults.cluster.nodes))
    pairs = [(a, b) for a in numbers for b in numbers if a != b]
    links = faults.world.some_of(pairs, min(5, len(pairs)))
    network, world = faults.cluster.network, faults.world
    for place, link in enumerate(links):
        world.after(200 * place, network.clog, link)

    def undo() -> None:
        for place, link in enumerate(world.some_of(links, len(links))):
            world.after(1_100 + 200 * place, network.unclog, link)

    return undo


def _crash(faults: Faults) -> Undo | None:
    node = faults._any()  # noqa: SLF001 - of this module
    if node is None:
        return None
    if faults.world.chance(500):
        node.crash_after_effects = faults.world.between(0, 30)
    else:
        node.crash("killed")
    return lambda: faults.restart(node)


def _keep_unsynced(faults: Faults) -> Undo:
    """A kill, not a power cut: what was written but not synced is there after it."""
    node = faults.world.one_of(faults.cluster.nodes)
    node.disk.loses_unsynced = False

    def undo() -> None:
        node.disk.loses_unsynced = True

    return undo


def _all_crash(faults: Faults) -> Undo:
    nodes = faults._up()  # noqa: SLF001
    for node in nodes:
        node.crash("all at once")

    def undo() -> None:
        for node in nodes:
            faults.restart(node)

    return undo


def _flip(faults: Faults) -> Undo | None:
    node = faults.impair()
    if node is None:
        return None
    node.crash("killed, and a bit of its log flips")
    node.disk.flip_bit()

    def undo() -> None:
        faults.restart(node)
        faults.heal_impaired(node)  # it counts as hurt while it observes

    return undo


def _wipe(faults: Faults) -> Undo | None:
    node = faults.impair()
    if node is None:
        return None
    node.crash("killed, and its disk is lost")
    node.disk.wipe()
    if faults.world.chance(500):
        node.wipe_ledger(faults.cluster.genesis)

    def undo() -> None:
        faults.restart(node)
        faults.heal_impaired(node)

    return undo


def _full(faults: Faults) -> Undo | None:
    node = faults._any()  # noqa: SLF001
    if node is None:
        return None
    node.disk.is_full = True

    def undo() -> None:
        node.disk.is_full = False
        faults.restart(node)

    return undo


def _low_disk(faults: Faults) -> Undo | None:
    node = faults._any()  # noqa: SLF001
    if node is None:
        return None
    node.fix_health("little room is left on the disk")
    return lambda: node.fix_health(None)


def _slow_sync(faults: Faults) -> Undo:
    node = faults.world.one_of(faults.cluster.nodes)
    node.disk.sync_ms = (500, 2_000)
    return lambda: setattr(node.disk, "sync_ms", (1, 8))


def _step_clock(faults: Faults) -> Undo | None:
    node = faults.impair()
    if node is None:
        return None
    node.clock.offset_ms = faults.world.one_of((-HOUR_MS, -20_000, 1_000, 5_000, HOUR_MS))

    def undo() -> None:
        node.clock.offset_ms = 0
        faults.heal_impaired(node)

    return undo


def _drift(faults: Faults) -> Undo:
    for node in faults.cluster.nodes:
        node.clock.drift_ppm = faults.world.between(-200, 200)

    def undo() -> None:
        for node in faults.cluster.nodes:
            node.clock.drift_ppm = 0

    return undo


def _freeze_clock(faults: Faults) -> Undo | None:
    node = faults.impair()
    if node is None:
        return None
    node.clock.frozen_at_ms = START_WALL_MS + faults.world.now_ms

    def undo() -> None:
        node.clock.frozen_at_ms = None
        faults.heal_impaired(node)

    return undo


def _pause(faults: Faults) -> Undo | None:
    node = faults._any()  # noqa: SLF001
    if node is None:
        return None
    node.pause(faults.world.between(500, 60_000))
    return node.resume


def _membership(faults: Faults) -> Undo | None:
    """Vote a spare node in, or out again."""
    cluster, spares = faults.cluster, faults.cluster.shape.spares
    if not spares:
        return None
    number = faults.cluster.shape.validators + faults.world.between(0, spares - 1)
    key = cluster.nodes[number].key
    cluster.vote_validator(key, 0 if key in cluster.validator_keys() else 1)
    return _nothing


def _bells(faults: Faults) -> Undo | None:
    """Let timers fall due soon, perhaps while nobody hears anybody."""
    if faults.cluster.bells is None:
        return None
    for _ in range(3):
        faults.cluster.plan_bell()
    return _nothing


_KINDS: dict[str, Callable[[Faults], Undo | None]] = {
    "all_crash": _all_crash,
    "bells": _bells,
    "bit_flip": _flip,
    "clock_drift": _drift,
    "clock_frozen": _freeze_clock,
    "clock_step": _step_clock,
    "clog": _clog,
    "crash": _crash,
    "delay": _delay,
    "disk_full": _full,
    "disk_low": _low_disk,
    "disk_wiped": _wipe,
    "drop": _drop,
    "duplicate": _duplicate,
    "isolate": _isolate,
    "keep_unsynced": _keep_unsynced,
    "membership": _membership,
    "one_way": _one_way,
    "partition": _partition,
    "pause": _pause,
    "reorder": _reorder,
    "slow_sync": _slow_sync,
    "swizzle": _swizzle,
}
FAULT_KINDS = tuple(sorted(_KINDS))
