"""What the client has learnt of the chain: contracts by name, assets by symbol, interfaces.

A name is asked for once and then means the same contract as long as the client lives, so a node can
not change its mind between two transactions. Who wants to trust no node with names uses ids.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chain.errors import MalformedBytesError
from chain.ids import decode_id
from node.client.connection import Connection
from node.client.errors import BadAnswer
from node.client.interface import Interface
from node.rpc.forms.abi_values import AssetLabel
from node.rpc.forms.actions import ArgumentCodec

_CONTRACT_FIELDS = {"contract", "contracts", "links"}
_ASSET_FIELDS = {"asset", "assets", "currency"}


def read_data(answer: object) -> Any:
    """Return what a reading method answers, without the place at which it was read."""
    if isinstance(answer, dict) and answer.keys() == {"at", "data"}:
        return answer["data"]
    return answer


class Book:
    """Contracts and assets that were asked for; serves as `Lookup` of `node.rpc.actions`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._interfaces: dict[bytes, Interface] = {}
        self._contracts: dict[str, bytes] = {}
        self._assets: dict[str, AssetLabel] = {}
        self._symbols: dict[bytes, str] = {}

    # Asking the node ----------------------------------------------------------------------------

    async def prepare(self, actions: Sequence[Mapping[str, Any]]) -> None:
        """Learn everything that reading these actions needs."""
        for action in actions:
            called = action.get("contract") if action.get("type") == "call" else None
            if isinstance(called, str):
                await self.learn_contract(called)
            for field, text in _references(action):
                if field in _CONTRACT_FIELDS and not text.startswith("ctr1"):
                    await self.learn_contract(text)
                if field in _ASSET_FIELDS and not text.startswith("ast1"):
                    await self.learn_asset(text)

    async def learn_contract(self, reference: str) -> Interface:
        """Return the interface of a contract, given its name or `ctr1...`."""
        known = self._contracts.get(reference)
        if known is not None:
            return self._interfaces[known]
        data = read_data(await self._connection.call("contract_get", {"contract": reference}))
        if not isinstance(data, dict) or not isinstance(data.get("contract"), str):
            raise BadAnswer(f"to contract_get: {str(data)[:200]}")
        contract = _read_id(data["contract"], "ctr")
        if reference.startswith("ctr1") and contract != decode_id(reference, "ctr"):
            raise BadAnswer(f"asked for {reference}, told about {data['contract']}")
        interface = Interface(contract, data.get("abi"), _read_labels(data.get("assets")))
        self._contracts[reference] = contract
        self._interfaces[contract] = interface
        for label in interface.assets.values():
            self._learn(label)
        return interface

    async def learn_asset(self, reference: str) -> AssetLabel:
        """Return an asset's id and symbol, given one of them."""
        known = self._assets.get(reference)
        if known is not None:
            return known
        data = read_data(await self._connection.call("asset_get", {"asset": reference}))
        label = _read_label(data)
        named = decode_id(reference, "ast") if reference.startswith("ast1") else label.asset
        if named != label.asset:
            raise BadAnswer(f"asked for {reference}, told about {label.symbol}")
        self._assets[reference] = label
        self._learn(label)
        return label

    def _learn(self, label: AssetLabel) -> None:
        self._symbols[label.asset] = label.symbol

    # Lookup -------------------------------------------------------------------------------------

    def find_asset(self, text: str) -> bytes:
        """Return the asset of a symbol or id."""
        known = self._assets.get(text)
        return decode_id(text, "ast") if known is None else known.asset

    def symbol_of(self, asset: bytes) -> str | None:
        """Return an asset's symbol, or None."""
        return self._symbols.get(asset)

    def find_contract(self, text: str) -> bytes:
        """Return the contract of a name or id."""
        known = self._contracts.get(text)
        return decode_id(text, "ctr") if known is None else known

    def codec_of(self, contract: bytes) -> ArgumentCodec | None:
        """Return how a contract's arguments are written, or None."""
        return self._interfaces.get(contract)

    def codec_of_code(self, code: bytes) -> ArgumentCodec | None:  # noqa: ARG002
        """Know nothing of code that is not on the chain: its arguments are given as an array."""
        return None

    def funds_asset(self, contract: bytes, function: str) -> bytes | None:
        """Return the asset that a function takes, or None."""
        found = self._interfaces.get(contract)
        return None if found is None else found.funds_asset(function)


def _references(value: object, field: str = "") -> Iterator[tuple[str, str]]:
    """Yield (field, text) of everything in an action that may name a contract or an asset."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name != "arguments":
                yield from _references(inner, name)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _references(inner, field)


def _read_id(text: str, prefix: str) -> bytes:
    try:
        return decode_id(text, prefix)
    except MalformedBytesError as error:
        raise BadAnswer(f"an id from the node: {error}") from error


def _read_label(data: object) -> AssetLabel:
    if isinstance(data, dict):
        asset, symbol = data.get("asset"), data.get("symbol") or data.get("currency")
        if isinstance(asset, str) and isinstance(symbol, str):
            return AssetLabel(_read_id(asset, "ast"), symbol)
    raise BadAnswer(f"no asset: {str(data)[:200]}")


def _read_labels(entries: object) -> dict[str, AssetLabel]:
    """Read a contract's assets by their names in its code."""
    labels: dict[str, AssetLabel] = {}
    if not isinstance(entries, list):
        raise BadAnswer(f"no assets of a contract: {str(entries)[:200]}")
    for entry in entries:
        label = _read_label(entry)
        labels[str(entry.get("slot"))] = label
    return labels
