"""Simulated links: every pair of nodes has one in each direction, and anything may happen on it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from consensus import Message
from node.sim.world import World

CLOGGED_MAX = 2_000  # messages kept on a clogged link; older ones are lost


@dataclass(slots=True)
class Weather:
    """How bad all links are: likelihoods per mille, delays in ms."""

    delay_min_ms: int = 5
    delay_max_ms: int = 50
    drop_per_mille: int = 0
    duplicate_per_mille: int = 0
    late_per_mille: int = 0  # such a message takes up to `late_max_ms`
    late_max_ms: int = 10_000


def _let_pass(_sender: int, _to: int, _message: Any) -> bool:
    return True


class Network:
    """Carries messages between nodes by number."""

    def __init__(self, world: World, deliver: Callable[[int, int, Any], None]) -> None:
        """`deliver(to, sender, message)` is called when a message arrives."""
        self._world, self._deliver = world, deliver
        self.weather = Weather()
        self.blocked: set[tuple[int, int]] = set()
        self._clogged: dict[tuple[int, int], list[Message]] = {}
        self.sent = 0
        self.filter: Callable[[int, int, Any], bool] = _let_pass

    def send(self, sender: int, to: int, message: Any) -> None:
        """Send a message; it may be lost, late, doubled or overtaken by others."""
        self.sent += 1
        weather, world = self.weather, self._world
        link = (sender, to)
        if link in self.blocked or not self.filter(sender, to, message):
            return
        if weather.drop_per_mille and world.chance(weather.drop_per_mille):
            return
        waiting = self._clogged.get(link)
        if waiting is not None:
            if len(waiting) < CLOGGED_MAX:
                waiting.append(message)
            return
        copies = 1
        if weather.duplicate_per_mille and world.chance(weather.duplicate_per_mille):
            copies = 2
        for _ in range(copies):
            wait_ms = world.between(weather.delay_min_ms, weather.delay_max_ms)
            if weather.late_per_mille and world.chance(weather.late_per_mille):
                wait_ms = world.between(weather.delay_max_ms, weather.late_max_ms)
            world.after(wait_ms, self._arrive, link, message)

    def _arrive(self, link: tuple[int, int], message: Any) -> None:
        if link not in self.blocked:
            self._deliver(link[1], link[0], message)

    def clog(self, link: tuple[int, int]) -> None:
        """Hold back what is sent on a link from now on."""
        self._clogged.setdefault(link, [])

    def unclog(self, link: tuple[int, int]) -> None:
        """Let what was held back go, all at once."""
        for message in self._clogged.pop(link, []):
            self._world.after(self._world.between(1, 50), self._arrive, link, message)

    def heal(self) -> None:
        """Make all links whole; what was held back is delivered."""
        self.blocked.clear()
        for link in sorted(self._clogged):
            self.unclog(link)
        self.weather = Weather()
