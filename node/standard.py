"""The standard contracts as a set: what each is bound to, and in which order they are deployed.

Assets and links are those that the compiled contracts declare. A link's slot is called like its
contract; the exceptions stand here, as do the arguments of deployments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from chain.types import DAY_MS, HOUR_MS
from contracts.vm.opcodes import Op
from node import catalog

POINTS_SYMBOLS = {"points": "PTS"}  # what contracts issue themselves, from their first day on
_CALLED = {"register": "shops", "cards": "prepaid"}
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "booking": {"no_show_delay": DAY_MS, "tell": True},
    # Two operators decide; three days of Monday to Friday, eight hours ahead of UTC.
    "money": {
        "two": True, "working_days": 3, "week": 0b0011111, "zone": 8 * HOUR_MS,
        "every": 30 * DAY_MS, "least": 100,
    },
    "reviews": {"hide_votes": 2},
    "admissions": {"voices": 2},
}  # fmt: skip

# What is other where there is one operator, whose word no second one can confirm.
_ALONE: dict[str, dict[str, Any]] = {
    "money": {"two": False}, "reviews": {"hide_votes": 1}, "admissions": {"voices": 1},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Binding:
    """A standard contract's assets by slot, `issued` of them its own, and links by slot.

    `arguments` are those of its deployment, by name.
    """

    name: str
    assets: tuple[str, ...]
    issued: tuple[str, ...]
    links: Mapping[str, str]
    arguments: Mapping[str, Any]

    @property
    def arguments_alone(self) -> Mapping[str, Any]:
        """The arguments on a chain that has one operator."""
        return {**self.arguments, **_ALONE.get(self.name, {})}


@cache
def bindings(names: tuple[str, ...] = catalog.STANDARD) -> tuple[Binding, ...]:
    """Return those of some names, each behind those that it links to."""
    waiting = {name: _binding(name) for name in names}
    found: dict[str, Binding] = {}
    while waiting:
        ready = [one for one in waiting.values() if set(one.links.values()) <= found.keys()]
        assert ready, f"links without a contract, or in a circle: {sorted(waiting)}"
        for one in ready:
            found[one.name] = waiting.pop(one.name)
    return tuple(found.values())


def _binding(name: str) -> Binding:
    program = catalog.program(name)
    container = program.container
    minting = {
        container.assets[step[4]]
        for routine in program.routines
        for step in routine.steps
        if step[0] == Op.MINT
    }
    issued = tuple(slot for slot in container.assets if slot in minting and slot in POINTS_SYMBOLS)
    links = {slot: _CALLED.get(slot, slot) for slot in container.links}
    return Binding(name, container.assets, issued, links, _ARGUMENTS.get(name, {}))
