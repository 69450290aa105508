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
from contracts.vm.container import FunctionKind
from contracts.vm.program import Program, Routine, load_program

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
        self._check_links(state, program, links)
        record = Instance(program.code_id, creator, tuple(assets), tuple(links))
        state.put(_CODE + program.code_id, data)
        state.put(_INSTANCE + contract, encode(record))
        return record, program

    def _check_links(self, state: State, program: Program, links: Sequence[bytes]) -> None:
        """Linked instances exist before, so calls between instances have no cycle."""
        for call in program.container.link_calls:
            target = self.instance(state, links[call.link])
            found = self.program(state, target.code_id)
            kind = FunctionKind.ACTION if call.is_action else FunctionKind.VIEW
            routine = found.entry(call.function, kind)
            if routine is None or routine.function.asset is not None:
                text = (
                    f"link {call.function}: {found.container.name} has no free {kind.name.lower()}"
                )
                raise BadContractError(text)
            shape = (routine.function.params, routine.function.returns)
            if shape != (call.params, call.returns):
                text = (
                    f"link {call.function}: its types differ from those of {found.container.name}"
                )
                raise BadContractError(text)
            if routine.iterates:  # its price holds for readers, not within a block of changes
                text = f"link {call.function}: it walks over keys, which only readers may ask for"
                raise BadContractError(text)
            if routine.worst_case_gas > call.gas_max:
                text = (
                    f"link {call.function}: its worst case is {routine.worst_case_gas} gas, "
                    f"{call.gas_max} are declared"
                )
                raise BadContractError(text)
        depth = 1 + max((self._depth(state, link) for link in links), default=0)
        if depth > LINK_DEPTH_MAX:
            text = f"links nest {depth} deep, at most {LINK_DEPTH_MAX} are allowed"
            raise BadContractError(text)

    def reads_sponsor(self, state: State, contract: bytes, function: str) -> bool:
        """Tell whether an action, or what it calls here or by links, may ask who co-signed.

        Nothing is run: what stands in a branch that is never taken counts too.
        """
        program = self.program(state, self.instance(state, contract).code_id)
        routine = program.entry(function, FunctionKind.ACTION)
        seen: set[tuple[bytes, str]] = set()
        return routine is not None and self._reads_sponsor(state, contract, routine, seen)

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
            target = found.by_name[call.function]
            if self._reads_sponsor(state, linked, target, seen):
                return True
        return False

    def _depth(self, state: State, contract: bytes) -> int:
        depth, layer = 0, [contract]
        while layer:
            depth += 1
            links = [link for one in layer for link in self.instance(state, one).links]
            layer = list(dict.fromkeys(links))  # one stands under many
        return depth
