"""A garage's node behind its JSON-RPC door, asked as the plain client asks it."""

import asyncio
import json
from typing import Any, Self

from node.client.calls import read_json, read_result
from node.rpc.jsonrpc import Dispatcher
from node.rpc.registry import Call, Tier
from node.rpc.served import make_registry
from tests.node.passport.garage import Garage
from tests.node.rpc.reading import Reader


class Door:
    """Stands for a client: `rpc` answers or raises as `Wash.rpc` does."""

    def __init__(self, garage: Garage) -> None:
        self.garage = garage
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._node = Reader(garage.chain).node
        self._dispatcher = Dispatcher(make_registry(self._node))
        self.tier: Tier = "shop"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    async def ask(self, method: str, **params: Any) -> Any:
        self.asked.append((method, params))
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        call = Call(self._node, self.tier)
        data = await self._dispatcher.handle(json.dumps(request).encode(), call, batch_max=1)
        assert data is not None
        return read_result(read_json(data), 1)

    def rpc(self, method: str, **params: Any) -> Any:
        return asyncio.run(self.ask(method, **params))
