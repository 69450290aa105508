"""Contract instances: code on the chain, bound to assets and to other instances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from chain.codec import AtMost, decode, encode, wire
from chain.errors import BadContractError, UnknownIdError
from chain.ids import encode_id
from chain.ledger import read_asset
from chain.state import Space, State
from chain.types import Hash, Id
from chain.upgrades import pending_upgrade
from contracts.vm.container import FunctionKind, LinkCall
from contracts.vm.program import LinkForm, Program, Routine, load_program

_CODE = bytes([Space.CODE])
_INSTANCE = bytes([Space.INSTANCE])
PROGRAMS_MAX = 256  # prepared programs kept in memory
LINK_DEPTH_MAX = 4


@wire()
@dataclass(frozen=True, slots=True)
class Instance:
    """What an instance is: its code, who made it, its assets and links in declared order."""

    code_id: Hash
    creator: Id
    assets: Annotated[tuple[Id, ...], AtMost(8)]
    links: Annotated[tuple[Id, ...], AtMost(8)]


class Library:
    """Programs and instances by their bytes: a cache of pure functions, invisible to results."""

    def __init__(self) -> None:
        self._programs: dict[bytes, Program] = {}
        self._instances: dict[bytes, Instance] = {}

    def instance(self, state: State, contract: bytes) -> Instance:
        """Return an instance's record, or raise UnknownIdError."""
        data = state.get(_INSTANCE + contract)
        if data is None:
            text = f"no contract {encode_id('ctr', contract)} on this chain"
            raise UnknownIdError(text)
        record = self._instances.get(data)
        if record is None:
            if len(self._instances) >= PROGRAMS_MAX:
                self._instances.clear()
            record = self._instances[data] = decode(Instance, data)
        return record

    def program(self, state: State, code: bytes) -> Program:
        """Return the prepared program of a code id that is on the chain."""
        program = self._programs.get(code)
        if program is None:
            data = state.get(_CODE + code)
            assert data is not None, f"an instance of code {code.hex()}, which is not stored"
            program = self._keep(load_program(data))
        return program

    def _keep(self, program: Program) -> Program:
        if len(self._programs) >= PROGRAMS_MAX:
            self._programs.clear()
        self._programs[program.code_id] = program
        return program

    def deploy(
        self,
        state: State,
        contract: bytes,
        creator: bytes,
        parts: tuple[bytes, Sequence[bytes], Sequence[bytes]],
    ) -> tuple[Instance, Program]:
        """Put a new instance on the chain; `parts` are container bytes, assets, links.

        Raises BadContractError if the container is refused or the bindings do not fit it.
        """
        data, assets, links = parts
        program = self._keep(load_program(data))
        container = program.container
        if len(assets) != len(container.assets) or len(links) != len(container.links):
            text = (
                f"{container.name} takes assets {list(container.assets)} and links "
                f"{list(container.links)}; {len(assets)} and {len(links)} are given"
            )
            raise BadContractError(text)
        for asset in assets:
            read_asset(state, asset)
        self.check_links(state, program, links)
        record = Instance(program.code_id, creator, tuple(assets), tuple(links))
        state.put(_CODE + program.code_id, data)
        state.put(_INSTANCE + contract, encode(record))
        return record, program

    def check_links(
        self, state: State, program: Program, links: Sequence[bytes], since: int = 0
    ) -> None:
        """Raise BadContractError unless the code fits what it links to from `since` ms on.

        Linked instances exist before, so calls between instances have no cycle. Code that waits to
        be theirs has to fit as well.
        """
        for call in program.container.link_calls:
            for code in self.codes(state, links[call.link], since):
                fault = link_fault(call, self.program(state, code))
                if fault is not None:
                    raise BadContractError(fault)
        self.check_depth(state, links)

    def check_depth(self, state: State, links: Sequence[bytes]) -> None:
        """Raise BadContractError if an instance with these links would nest links too deep."""
        depth = 1 + max((self._depth(state, link) for link in links), default=0)
        if depth > LINK_DEPTH_MAX:
            text = f"links nest {depth} deep, at most {LINK_DEPTH_MAX} are allowed"
            raise BadContractError(text)

    def codes(self, state: State, contract: bytes, since: int) -> list[bytes]:
        """Return the codes that an instance runs at some time from `since` ms on, as decided."""
        current = self.instance(state, contract).code_id
        waiting = pending_upgrade(state, contract)
        if waiting is None:
            return [current]
        return [waiting.code_id] if waiting.at_ms < since else [current, waiting.code_id]

    def all_links(self, state: State, contract: bytes) -> tuple[bytes, ...]:
        """Return what an instance links to, and will link to by an upgrade that waits."""
        links = self.instance(state, contract).links
        waiting = pending_upgrade(state, contract)
        return links if waiting is None else links + waiting.links

    def reads_sponsor(self, state: State, contract: bytes, function: str) -> bool:
        """Tell whether an action, or what it calls here or by links, may ask who co-signed.

        Nothing is run: what stands in a branch that is never taken counts too.
        """
        program = self.program(state, self.instance(state, contract).code_id)
        routine = program.entry(function, FunctionKind.ACTION)
        seen: set[tuple[bytes, str]] = set()
        return routine is not None and self._reads_sponsor(state, contract, routine, seen)

    def gas_set_aside(self, state: State, contract: bytes, function: str) -> int:
        """Return how much gas an action lays by at once for its dearest call of a linked instance.

        What of it is not used comes back, so a call may need more than it takes in the end.
        """
        program = self.program(state, self.instance(state, contract).code_id)
        routine = program.entry(function, FunctionKind.ACTION)
        calls = () if routine is None else routine.links
        return max((call.gas_max for call in calls), default=0)

    def _reads_sponsor(
        self, state: State, contract: bytes, routine: Routine, seen: set[tuple[bytes, str]]
    ) -> bool:
        if routine.reads_sponsor:
            return True
        instance = self.instance(state, contract)
        for call in routine.links:
            linked = instance.links[call.link]
            if (linked, call.function) in seen:
                continue
            seen.add((linked, call.function))
            found = self.program(state, self.instance(state, linked).code_id)
            target = found.by_name.get(call.function)
            if target is not None and self._reads_sponsor(state, linked, target, seen):
                return True
        return False

    def _depth(self, state: State, contract: bytes) -> int:
        depth, layer = 0, [contract]
        while layer:
            depth += 1
            links = [link for one in layer for link in self.all_links(state, one)]
            layer = list(dict.fromkeys(links))  # one stands under many
        return depth


def link_fault(call: LinkCall | LinkForm, target: Program) -> str | None:
    """Return why a linked call can not be bound to some code, or None if it can."""
    kind = FunctionKind.ACTION if call.is_action else FunctionKind.VIEW
    routine, name = target.entry(call.function, kind), target.container.name
    if routine is None or routine.function.asset is not None:
        return f"link {call.function}: {name} has no free {kind.name.lower()}"
    if (routine.function.params, routine.function.returns) != (call.params, call.returns):
        return f"link {call.function}: its types differ from those of {name}"
    if routine.iterates:  # its price holds for readers, not within a block of changes
        return f"link {call.function}: it walks over keys, which only readers may ask for"
    if routine.worst_case_gas > call.gas_max:
        return (
            f"link {call.function}: its worst case is {routine.worst_case_gas} gas, "
            f"{call.gas_max} are declared"
        )
    return None


def linked_routine(call: LinkForm, target: Program) -> Routine | None:
    """Return what a linked call runs in some code, or None if it does not fit that code."""
    try:
        return call.fitting[target.code_id]
    except KeyError:
        fits = link_fault(call, target) is None
        found = call.fitting[target.code_id] = target.by_name[call.function] if fits else None
        return found
