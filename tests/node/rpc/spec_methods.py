"""The methods that the examples of the JSON-RPC specification call."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from node.rpc.registry import (
    Call,
    Connection,
    Method,
    Registry,
    Tier,
    method_of,
    rpc_method,
)


@rpc_method(positional=True)
def subtract(call: Call, *, minuend: int, subtrahend: int) -> int:
    """Return minuend - subtrahend."""
    del call
    return minuend - subtrahend


@rpc_method(positional=True)
def sum(call: Call, *, a: int = 0, b: int = 0, c: int = 0) -> int:  # noqa: A001
    """Return the sum."""
    del call
    return a + b + c


@rpc_method(positional=True)
async def update(call: Call, *, a: int, b: int, c: int, d: int, e: int) -> None:
    """Take five numbers."""
    del call, a, b, c, d, e


@rpc_method(positional=True)
def notify_hello(call: Call, *, a: int) -> None:
    """Take a number."""
    del call, a


@rpc_method(positional=True)
def notify_sum(call: Call, *, a: int, b: int, c: int) -> None:
    """Take three numbers."""
    del call, a, b, c


@rpc_method(positional=True)
def get_data(call: Call) -> list[str | int]:
    """Return two values."""
    del call
    return ["hello", 5]


SPEC_METHODS = (subtract, sum, update, notify_hello, notify_sum, get_data)


@dataclass
class FakeNode:
    """As much of a node as calling methods needs."""

    is_dev: bool = False
    version: str = "0.1.0"
    failures: list[Exception] = field(default_factory=list)
    ledger: Any = field(
        default_factory=lambda: SimpleNamespace(
            head=SimpleNamespace(height=7, time_ms=1_700_000_000_000), head_id=bytes(31) + b"\x07"
        )
    )

    def fail(self, error: Exception) -> None:
        self.failures.append(error)


def call_of(node: FakeNode, tier: Tier = "public", connection: Connection | None = None) -> Call:
    """Return a call to something that is a node only as far as calling needs it."""
    return Call(cast("Any", node), tier, connection)


def registry_of(*functions: Any) -> Registry:
    methods: list[Method] = [method_of(function) for function in functions]
    return Registry(methods)


def spec_registry() -> Registry:
    """Return the registry of the specification's examples."""
    return registry_of(*SPEC_METHODS)
