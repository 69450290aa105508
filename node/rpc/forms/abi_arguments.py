"""The arguments of one contract's actions as JSON, by its ABI. Pure: clients use it too."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.vm.container import FunctionKind
from node.abi import AbiFunction, ContractAbi, Single
from node.rpc.errors import InvalidParamsError
from node.rpc.forms.abi_values import Codec


class AbiArguments:
    """Reads and shows the arguments of one contract's actions, and of its deployment ("init")."""

    def __init__(self, abi: ContractAbi, codec: Codec) -> None:
        self.abi, self.codec = abi, codec

    def _function(self, name: str) -> AbiFunction | None:
        if name == "init":
            return self.abi.init
        return self.abi.function(name, FunctionKind.ACTION)

    def read_arguments(
        self, function: str, arguments: Mapping[str, Any], path: str
    ) -> tuple[Any, ...]:
        """Return canonical values in declared order; raises InvalidParamsError with the path."""
        declared = self._function(function)
        if declared is None:
            if function == "init" and not arguments:
                return ()
            known = ", ".join(one.name for one in self.abi.functions_of(FunctionKind.ACTION))
            field = path.rpartition(".")[0]
            text = f"{self.abi.name} has no action {function!r}; it has: {known}"
            raise InvalidParamsError(f"{field}.function" if field else "function", text)
        return self.codec.read_arguments(declared, arguments, path)

    def show_arguments(self, function: str, values: Sequence[Any]) -> dict[str, Any] | None:
        """Return the arguments by name, or None if that would not lead back to these values."""
        declared = self._function(function)
        if declared is None:
            return None
        shown = self.codec.show_arguments(declared, values)
        if shown is None or self.codec.read_arguments(declared, shown) != tuple(values):
            return None  # a text sent as its bytes, for instance: such values are shown bare
        return shown

    def payable(self, function: str) -> str | None:
        """Return the name of the asset that a function takes, or None."""
        declared = self._function(function)
        return None if declared is None else declared.payable

    def created_prefix(self, function: str) -> str | None:
        """Return the prefix of the id that an action gives for what it creates, or None."""
        declared = self._function(function)
        returns = None if declared is None else declared.returns
        meaning = returns.meaning if isinstance(returns, Single) else None
        return meaning[1] if meaning is not None and meaning[0] == "id" else None
