"""Which key of the state holds what a proof is asked for."""

from collections.abc import Mapping
from typing import Any

from chain.ledger import balance_key
from chain.state import Space
from node.rpc.errors import InvalidParamsError
from node.rpc.forms.shapes import find_asset

# By kind: the space of the key, and the parameters it is made of.
_KINDS: dict[str, tuple[int, tuple[str, ...]]] = {
    "account": (Space.ACCOUNT, ("account",)),
    "balance": (Space.BALANCE, ("account", "asset")),
    "roles": (Space.ROLES, ("account",)),
    "asset": (Space.ASSET, ("asset",)),
    "supply": (Space.SUPPLY, ("asset",)),
    "contract": (Space.INSTANCE, ("contract",)),
    "name": (Space.NAME, ("contract",)),
}


def state_key(node: Any, kind: str, given: Mapping[str, Any]) -> bytes:
    """Return the state key that a proof of `kind` is about; raises InvalidParamsError.

    `given` are the parameters by name, None where they were left out.
    """
    if kind == "state":
        key: bytes = _need(given, "key")
        return key
    space, names = _KINDS[kind]
    parts: list[bytes] = []
    for name in names:
        value = _need(given, name)
        if name == "asset":
            value = find_asset(node, value)
        elif name == "contract":
            value = node.abis.resolve(node.state(), value)
        parts.append(value)
    if kind == "balance":
        return balance_key(*parts)
    middle = b"\0" if kind == "name" else b""  # names by contract stand behind a zero
    return bytes([space]) + middle + b"".join(parts)


def _need(given: Mapping[str, Any], name: str) -> Any:
    value = given.get(name)
    if value is None:
        raise InvalidParamsError(name, "is missing; this kind of proof needs it")
    return value
