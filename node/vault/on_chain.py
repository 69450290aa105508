"""What the consent contract says at the head, which is final: asked before anything goes out."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from chain.errors import WashError
from chain.governance import contract_by_name
from chain.types import ZERO_ID
from contracts.host import Frame
from contracts.vm.container import FunctionKind
from contracts.vm.traps import Trap, TrapKind
from node import catalog
from node.live.views import make_world
from node.vault.errors import GoneError, NoConsentError, PurposeError

CONTRACT_NAME = "consent"
VIEW_GAS_MAX = 300_000
KEPT, ERASING, ERASED, OVERDUE = 1, 2, 3, 4
GIVEN = 2
HOLDS = 1
HOLDERS_MAX = 4  # of one blob, as the contract has it
_REFUSALS: dict[str, type[WashError]] = {
    "gone": GoneError,
    "purpose": PurposeError,
    "no_consent": NoConsentError,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A blob as the chain has it on record."""

    owner: bytes
    author: bytes
    kind: int
    state: int
    size: int
    epoch: int
    holders: int
    author_until: int
    keys: bytes


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent as the chain has it on record."""

    owner: bytes
    reader: bytes
    state: int
    keys: bytes


class ConsentContract:
    """The consent contract of a node's chain."""

    def __init__(self, node: Any) -> None:
        self._node = node

    def place(self) -> bytes | None:
        """Return the contract's id, or None where the operators have installed none."""
        return contract_by_name(self._node.state(), CONTRACT_NAME)

    def entry(self, blob: bytes) -> Entry:
        """Return what is on record of a blob. Raises GoneError if nothing is."""
        try:
            found = self._record("Blob", self._look("blob", blob))
        except Trap as trap:
            raise GoneError from trap
        return Entry(**{name: found[name] for name in Entry.__slots__})

    def consent(self, consent: bytes) -> Consent:
        """Return a consent. Raises NoConsentError if there is none of that number."""
        try:
            found = self._record("Consent", self._look("consent", consent))
        except Trap as trap:
            raise NoConsentError from trap
        return Consent(**{name: found[name] for name in Consent.__slots__})

    def check_read(self, reader: bytes, blob: bytes, purpose: int) -> int:
        """Return why a reader may read now: the number that the contract gives.

        Raises GoneError, PurposeError, NoConsentError.
        """
        try:
            (basis,) = self._look("check_read", reader, blob, purpose)
        except Trap as trap:
            name = self._errors()[trap.error - 1] if trap.kind == TrapKind.REQUIRE else "gone"
            refusal = _REFUSALS.get(name, NoConsentError)
            raise refusal from trap
        return int(basis)

    def holding(self, blob: bytes, holder: bytes) -> int:
        """Return 1 if an account keeps a blob by the chain, 2 if it has confirmed its end."""
        (found,) = self._look("holding", blob, holder)
        return int(found)

    def logged(self, holder: bytes, day: int) -> bytes | None:
        """Return the root that an account has fixed for a day, or None."""
        root, count = self._look("access_day", holder, day)
        return bytes(root) if count else None

    def _look(self, view: str, *arguments: Any) -> list[Any]:
        node = self._node
        place = contract_by_name(node.state(), CONTRACT_NAME)
        if place is None:
            raise GoneError("the operators of this chain have installed no consent contract")
        frame = Frame(make_world(node), place, ZERO_ID)
        routine = frame.program.entry(view, FunctionKind.VIEW)
        assert routine is not None, f"the consent contract has no view {view}"
        values, _gas = frame.call(routine, list(arguments), VIEW_GAS_MAX)
        return list(values)

    @staticmethod
    def _record(name: str, values: list[Any]) -> dict[str, Any]:
        return dict(zip(_fields(name), values, strict=True))

    @staticmethod
    def _errors() -> tuple[str, ...]:
        return tuple(catalog.program(CONTRACT_NAME).container.errors)


@cache
def _fields(name: str) -> tuple[str, ...]:
    return tuple(one["name"] for one in catalog.abi(CONTRACT_NAME)["records"][name])


@cache
def event_number(name: str) -> int:
    """Return the number of an event of the contract."""
    events = catalog.program(CONTRACT_NAME).container.events
    return next(number for number, one in enumerate(events) if one.name == name)
