"""A server of a few methods, each with one way to answer or to fail."""

import json
from typing import Any

from chain.errors import InsufficientFundsError, StoreError
from node.rpc.errors import NotFoundError
from node.rpc.jsonrpc import Dispatcher, DispatchLimits
from node.rpc.params import AccountId, Height
from node.rpc.registry import Call, Tier, rpc_method
from tests.node.rpc.spec_methods import FakeNode, call_of, registry_of


class OpenConnection:
    """A WebSocket connection that nobody reads."""

    id = "c1"

    def __init__(self) -> None:
        self.subscriptions: dict[str, Any] = {}

    async def send(self, message: bytes) -> None:
        raise AssertionError(message)


@rpc_method()
def echo(call: Call, *, value: str, note_: str | None = None) -> str:
    """Return the value."""
    del call, note_
    return value


@rpc_method(read=True)
def height_get(call: Call, *, height: Height | None = None) -> int | None:
    """Return a height."""
    del call
    return height


@rpc_method(errors=(NotFoundError,))
async def account_get(call: Call, *, account: AccountId) -> str:
    """Refuse, whatever the account."""
    del call
    raise NotFoundError(f"account {account.hex()}", (0, 7))


@rpc_method()
def broken(call: Call) -> str:
    """Fail as a mistake in the program does."""
    raise KeyError("secret " + call.tier)


@rpc_method()
def broken_disk(call: Call) -> str:
    """Fail as a full disk does."""
    del call
    raise StoreError("secret place")


@rpc_method()
def unwritable(call: Call) -> object:
    """Return what has no JSON form."""
    del call
    return object()


@rpc_method()
def spend(call: Call) -> str:
    """Refuse with facts."""
    del call
    raise InsufficientFundsError(have=1, need=2)


@rpc_method(tier="shop")
def shop_only(call: Call) -> str:
    """Answer to shops."""
    return call.tier


@rpc_method(tier="admin")
def admin_only(call: Call) -> str:
    """Answer to admins."""
    return call.tier


@rpc_method(dev=True)
def dev_only(call: Call) -> str:
    """Answer on a development chain."""
    return call.tier


@rpc_method(websocket_only=True)
def socket_only(call: Call) -> str:
    """Answer over a WebSocket."""
    assert call.connection is not None
    return call.connection.id


METHODS = (echo, height_get, account_get, broken, broken_disk, unwritable, spend)
CLOSED = (shop_only, admin_only, dev_only, socket_only)
HEAD = {"height": 7, "hash": "00" * 31 + "07", "time": 1_700_000_000_000}


def make_call(node: FakeNode | None = None, tier: Tier = "public") -> Call:
    return call_of(node or FakeNode(), tier)


def make_dispatcher(limits: DispatchLimits | None = None) -> Dispatcher:
    return Dispatcher(registry_of(*METHODS, *CLOSED), limits)


async def answer(text: str | bytes | dict[str, Any] | list[Any], call: Call | None = None) -> Any:
    """Return what a dispatcher answers to a message, decoded."""
    data = (
        text
        if isinstance(text, bytes)
        else (text if isinstance(text, str) else json.dumps(text)).encode()
    )
    said = await make_dispatcher().handle(data, call or make_call(), batch_max=5)
    return None if said is None else json.loads(said)


async def ask(method: str, params: Any = None, call: Call | None = None) -> Any:
    """Return the result of one call, or its error's (code, message)."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method}
    said = await answer(request if params is None else {**request, "params": params}, call)
    assert said["id"] == 1
    return said["result"] if "result" in said else (said["error"]["code"], said["error"]["message"])


def reduced(said: Any) -> Any:
    """Return an answer without what the specification leaves to the server."""
    if isinstance(said, list):
        return [reduced(one) for one in said]
    if said is None or "result" in said:
        return said
    return {**said, "error": said["error"]["code"]}
