"""The demo's node, asked as a client asks it, whose people build, sign and send."""

import json
from pathlib import Path
from typing import Any

from chain.ids import encode_id
from chain.types import HOUR_MS
from node.demo.accounts import signer_of
from node.demo.catalogue import SPARKLE
from node.demo.world import demo_places
from node.live.node import Node
from node.rpc.jsonrpc import Dispatcher
from node.rpc.methods import tx as tx_methods
from node.rpc.methods import tx_build, tx_explain
from node.rpc.registry import Call, Tier, collect
from tests.node.demo.setting import WallClock, open_demo

REGISTRY = collect(tx_methods, tx_build, tx_explain)


def acct(name: str) -> str:
    """Return the text of a demo account's id."""
    return encode_id("acct", signer_of(name).public_key)


class Asker:
    """Asks the methods of the demo's node; time stands still but for `wait`."""

    def __init__(self, folder: Path, tier: Tier = "public") -> None:
        self.wall = WallClock()
        self.node: Node = open_demo(folder, self.wall)
        self.node.sponsor = signer_of("sparkle")
        self.tier, self.is_near = tier, True
        self._dispatcher = Dispatcher(REGISTRY)
        self.places = demo_places()

    async def answer(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the whole answer."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        call = Call(self.node, self.tier, is_near=self.is_near)
        data = await self._dispatcher.handle(json.dumps(request).encode(), call, batch_max=1)
        assert data is not None
        answer: dict[str, Any] = json.loads(data)
        return answer

    async def ask(self, method: str, **params: Any) -> Any:
        """Return the result."""
        answer = await self.answer(method, **params)
        assert "result" in answer, answer
        return answer["result"]

    async def refusal(self, method: str, **params: Any) -> tuple[int, str]:
        """Return the code and message of a refusal."""
        answer = await self.answer(method, **params)
        assert "error" in answer, answer
        return answer["error"]["code"], answer["error"]["message"]

    async def build(self, name: str, *actions: dict[str, Any], **more: Any) -> Any:
        """Return what tx_build makes for a person."""
        return await self.ask("tx_build", account=acct(name), actions=list(actions), **more)

    async def sign(self, name: str, built: Any, sponsor: str | None = None) -> Any:
        """Return what tx_assemble makes of a body and its signatures."""
        message = bytes.fromhex(built["sign_bytes"])
        parts = {"body": built["body"], "signature": signer_of(name).sign(message).hex()}
        if sponsor is not None:
            message = bytes.fromhex(built["sponsor_sign_bytes"])
            parts["sponsor_signature"] = signer_of(sponsor).sign(message).hex()
        return await self.ask("tx_assemble", **parts)

    async def do(self, name: str, *actions: dict[str, Any], sponsor: str | None = None) -> Any:
        """Build, sign, send and put into a block; returns what was built."""
        more = {} if sponsor is None else {"sponsor": acct(sponsor)}
        built = await self.build(name, *actions, **more)
        signed = await self.sign(name, built, sponsor)
        await self.ask("tx_submit", tx=signed["tx"])
        self.make_block()
        return built

    def make_block(self, at: int | None = None) -> None:
        """Make a block, at a time or at once."""
        if at is not None:
            self.wall.now_ms = at
        assert self.node.make_block(self.node.block_time()) is not None
        self.wall.now_ms += 1_000


PAY = {"type": "transfer", "asset": "CNY", "to": acct("bob"), "amount": 1_234}
WASH = SPARKLE.services[0]


def request(asker: Asker, **changes: Any) -> dict[str, Any]:
    """Return the action that asks for a wash tomorrow."""
    start = asker.wall.now_ms + 24 * HOUR_MS
    arguments = {
        "shop": acct("sparkle"), "service": WASH.number, "version": 1, "start": start,
        "end": start + WASH.duration_ms, "cell": WASH.cell, "total": WASH.price,
        "policy": WASH.policy_id.hex(), **changes,
    }  # fmt: skip
    return {
        "type": "call", "contract": "booking", "function": "request", "arguments": arguments,
        "funds": WASH.hold(start),
    }  # fmt: skip
