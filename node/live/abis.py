"""What is known of the contracts on the chain: their ABIs, names, and ids by name.

An ABI belongs to code, not to an instance. Those of the contracts that ship are built in, others
are given once and kept in a folder; for the rest one is made from the code itself.
"""

import difflib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from chain.codec import decode
from chain.errors import MalformedBytesError, UnknownIdError
from chain.governance import contract_by_name
from chain.ids import decode_id, encode_id
from chain.ledger import read_asset
from chain.state import Space, State
from contracts.instances import Instance
from contracts.vm.container import Container, FunctionKind, code_id, decode_container
from node import catalog
from node.abi import ABI_BYTES_MAX, BadAbiError, ContractAbi, abi_bytes
from node.abi_of_code import derive_abi, derived_document, read_abi
from node.files import move_over

BUILT_IN = (*catalog.SHIPPED, "notes")
KEPT_MAX = 256  # codes and contracts remembered
NAMES_MAX = 1_000  # installed names that are looked through
LISTED_MAX = 12  # names told to who wrote none that is near
_CODE = bytes([Space.CODE])
_INSTANCE = bytes([Space.INSTANCE])
_NAME = bytes([Space.NAME])
_NAMES_START, _NAMES_STOP = _NAME + b"\1", bytes([Space.NAME + 1])  # behind the index by contract


def near_or_all(text: str, names: Sequence[str]) -> str:
    """Return what to say to who wrote `text` for one of `names`: those near, or what there is."""
    near = difflib.get_close_matches(text[:64], names, n=3)
    if near:
        return f"did you mean {' or '.join(near)}?"
    more = ", ..." if len(names) > LISTED_MAX else ""
    listed = ", ".join(names[:LISTED_MAX]) + more if names else "none"
    return f"{'there is' if len(names) == 1 else 'there are'} {listed}"


@dataclass(frozen=True, slots=True)
class CodeAbi:
    """The ABI of one code with its published document; `is_derived`: made from the code."""

    code_id: bytes
    container: Container
    abi: ContractAbi
    document: dict[str, Any]
    is_derived: bool

    def timer_name(self, number: int) -> str | None:
        """Return the name of the timer with a number among the timers, or None."""
        timers = [one.name for one in self.container.functions if one.kind == FunctionKind.TIMER]
        return timers[number] if number < len(timers) else None


@dataclass(frozen=True, slots=True)
class ContractInfo:
    """An instance with what is known of its code; `assets` are (slot, asset id, symbol).

    `kept` holds what readers made of it.
    """

    contract: bytes
    instance: Instance
    code: CodeAbi
    assets: tuple[tuple[str, bytes, str], ...]
    kept: dict[str, object] = field(default_factory=dict, compare=False)


@cache
def _built_in() -> dict[bytes, dict[str, Any]]:
    """Return the documents of the contracts that ship by their hash."""
    documents = [catalog.abi(name) for name in BUILT_IN]
    return {sha256(abi_bytes(document)).digest(): document for document in documents}


class AbiBook:
    """ABIs by code; caches nothing that could be wrong after the chain went back a few blocks."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` keeps ABIs that were given; None: none are taken."""
        self._folder = folder
        self.kept: dict[str, object] = {}  # what readers made of the chain's own events
        self._codes: dict[bytes, CodeAbi] = {}
        self._contracts: dict[tuple[bytes, bytes], ContractInfo] = {}

    # Contracts ----------------------------------------------------------------------------------

    def contract(self, state: State, contract: bytes) -> ContractInfo | None:
        """Return what is known of an instance, or None if there is none of that id."""
        data = state.get(_INSTANCE + contract)
        if data is None:
            return None
        found = self._contracts.get((contract, data))
        if found is None:
            instance = decode(Instance, data)
            code = self._code_on_chain(state, instance.code_id)
            slots = zip(code.container.assets, instance.assets, strict=True)
            assets = tuple([(slot, one, read_asset(state, one).symbol) for slot, one in slots])
            found = ContractInfo(contract, instance, code, assets)
            _keep(self._contracts, (contract, data), found)
        return found

    def abi_for(self, state: State, contract: bytes) -> ContractAbi:
        """Return an instance's ABI; raises UnknownIdError."""
        found = self.contract(state, contract)
        if found is None:
            text = f"no contract {encode_id('ctr', contract)} on this chain"
            raise UnknownIdError(text)
        return found.code.abi

    def is_contract(self, state: State, value: bytes) -> bool:
        """Tell whether an id is that of an instance."""
        return state.get(_INSTANCE + value) is not None

    def name_of(self, state: State, contract: bytes) -> str | None:
        """Return the name that means an instance now, or None; a successor may have taken it."""
        data = state.get(_NAME + b"\0" + contract)
        if data is None or state.get(_NAME + data) != contract:
            return None
        return data.decode()

    def names(self, state: State, limit: int = NAMES_MAX) -> list[tuple[str, bytes]]:
        """Return at most `limit` (name, contract) of installed contracts by name."""
        found = state.scan(_NAMES_START, _NAMES_STOP, limit)
        return [(key[1:].decode(), contract) for key, contract in found]

    def installed(self, state: State, name: str) -> bytes | None:
        """Return the contract that the operators installed under a name, or None."""
        try:
            return contract_by_name(state, name) if name and name[0] != "\0" else None
        except UnicodeEncodeError:  # half of a surrogate pair
            return None

    def resolve(self, state: State, text: str) -> bytes:
        """Return the contract that a registered name or "ctr1..." means; raises UnknownIdError."""
        named = self.installed(state, text)
        if named is not None:
            return named
        if text[:4].lower() == "ctr1":
            try:
                contract = decode_id(text, "ctr")
            except MalformedBytesError as error:
                raise UnknownIdError(str(error)) from error
            if self.is_contract(state, contract):
                return contract
            message = f"no contract {text.lower()} on this chain"
            raise UnknownIdError(message)
        names = [name for name, _contract in self.names(state)]
        known = near_or_all(text, names) if names else "none is registered here"
        message = f"no contract is called {text[:64]!r}; {known} (an id ctr1... is also taken)"
        raise UnknownIdError(message)

    # Codes --------------------------------------------------------------------------------------

    def code(self, data: bytes) -> CodeAbi:
        """Return the ABI of container bytes, on the chain or not; raises MalformedBytesError."""
        wanted = code_id(data)
        found = self._codes.get(wanted)
        return self._make(wanted, decode_container(data)) if found is None else found

    def put(self, state: State, code: bytes, document: dict[str, Any]) -> CodeAbi:
        """Keep the ABI of a code that is on the chain; raises UnknownIdError or BadAbiError.

        Only the one whose hash the code names is taken, so who gives it does not matter.
        """
        if self._folder is None:
            text = "this node keeps no ABIs"
            raise BadAbiError(text)
        container = self._code_on_chain(state, code).container
        found = CodeAbi(code, container, read_abi(document, container), document, False)
        _write_atomically(self._folder / f"{code.hex()}.json", abi_bytes(document))
        _keep(self._codes, code, found)
        self._contracts.clear()
        return found

    def _code_on_chain(self, state: State, code: bytes) -> CodeAbi:
        found = self._codes.get(code)
        if found is not None:
            return found
        data = state.get(_CODE + code)
        if data is None:
            text = f"no code {code.hex()} on this chain"
            raise UnknownIdError(text)
        found = self._make(code, decode_container(data))
        _keep(self._codes, code, found)
        return found

    def _make(self, code: bytes, container: Container) -> CodeAbi:
        for document in self._documents(code, container):
            try:
                return CodeAbi(code, container, read_abi(document, container), document, False)
            except BadAbiError:
                continue  # an author's slip, or a file that somebody changed: the code will do
        return CodeAbi(code, container, derive_abi(container), derived_document(container), True)

    def _documents(self, code: bytes, container: Container) -> Iterator[dict[str, Any]]:
        shipped = _built_in().get(container.abi_hash)
        if shipped is not None:
            yield shipped
        if self._folder is None:
            return
        try:
            with (self._folder / f"{code.hex()}.json").open("rb") as file:
                text = file.read(ABI_BYTES_MAX + 1)
            yield json.loads(text)
        except (OSError, ValueError, RecursionError):
            return


def _keep(cache_: dict[Any, Any], key: Any, value: Any) -> None:
    if len(cache_) >= KEPT_MAX:
        cache_.clear()
    cache_[key] = value


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    move_over(temporary, path)
