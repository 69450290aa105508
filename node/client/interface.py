"""A contract's interface as a client needs it: how the arguments of its functions are written.

The client encodes what it signs by itself, by the ABI in the node's answer. A wrong ABI can make it
another call of the same contract, with the same funds: arguments can change places. So a node is
trusted with the ABIs of contracts that pay whom an argument names.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.vm.container import FunctionKind
from node.abi import AbiFunction, BadAbiError, parse_abi
from node.client.errors import BadAnswer
from node.rpc.errors import InvalidParamsError
from node.rpc.forms.abi_values import AssetLabel, Codec


class Interface:
    """One contract on the chain: its id, its assets by name and its functions."""

    def __init__(self, contract: bytes, document: object, assets: Mapping[str, AssetLabel]) -> None:
        self.contract, self.assets = contract, dict(assets)
        try:
            self._abi = parse_abi(document)
        except BadAbiError as error:
            raise BadAnswer(str(error)) from error
        self._codec = Codec(self._abi.enums, self.assets)

    def _function(self, name: str) -> AbiFunction | None:
        return self._abi.init if name == "init" else self._abi.function(name, FunctionKind.ACTION)

    def read_arguments(
        self, function: str, arguments: Mapping[str, Any], path: str
    ) -> tuple[Any, ...]:
        """Return the values of a call in declared order; raises InvalidParamsError."""
        found = self._function(function)
        if found is None:
            known = ", ".join(one.name for one in self._abi.functions_of(FunctionKind.ACTION))
            text = f"the contract has no action {function!r}; there are: {known or 'none'}"
            raise InvalidParamsError(path.replace("arguments", "function"), text)
        return self._codec.read_arguments(found, arguments, path)

    def show_arguments(self, function: str, values: Sequence[Any]) -> dict[str, Any] | None:
        """Return the arguments by name, or None if they do not fit."""
        found = self._function(function)
        return None if found is None else self._codec.show_arguments(found, values)

    def funds_asset(self, function: str) -> bytes | None:
        """Return the asset that an action takes, or None."""
        found = self._function(function)
        label = self.assets.get(found.payable) if found is not None and found.payable else None
        return None if label is None else label.asset
