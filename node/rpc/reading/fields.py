"""What a contract has stored under its maps' keys, for lists that no view of it gives."""

from collections.abc import Sequence
from typing import Any

from chain.errors import UnknownIdError
from chain.state import Space
from node.live.abis import ContractInfo
from node.rpc.contract_views import find_info

_STORAGE = bytes([Space.STORAGE])


class StoredMap:
    """One map of a contract at the head."""

    def __init__(self, node: Any, info: ContractInfo, name: str) -> None:
        """Raises UnknownIdError if the contract has no such map."""
        self._state = node.state()
        program = node.ledger.executor.library.program(self._state, info.instance.code_id)
        for form in program.fields:
            if form.name == name:
                self._form = form
                break
        else:
            text = f"{info.code.abi.name} stores nothing under {name}"
            raise UnknownIdError(text)
        self._base = _STORAGE + info.contract

    def get(self, *key: Any) -> Sequence[Any] | None:
        """Return the values of a record, or None if there is none."""
        data = self._state.get(self._base + self._form.key.encode(list(key), 0))
        return None if data is None else self._form.row.decode(data)

    def keys(self, prefix: bytes, after: bytes, limit: int) -> list[list[Any]]:
        """Return at most `limit` keys that begin with the bytes of some parts, in order.

        `after` is the bytes of the parts behind `prefix` to go on after.
        """
        start = self._base + self._form.key.tag + prefix
        stop = (int.from_bytes(start, "big") + 1).to_bytes(len(start), "big")
        first = start + after + b"\0" if after else start
        skip = len(self._base) + len(self._form.key.tag)
        found = self._state.scan(first, stop, limit)
        return [self._form.key.decode(key[skip:]) for key, _data in found]


def standard_map(node: Any, contract: str, name: str) -> StoredMap:
    """Return a map of the contract that is installed under a name; raises UnknownIdError."""
    return StoredMap(node, find_info(node, contract), name)
