"""A small node for the client's tests: it keeps transactions in a list and says what it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from chain.crypto import Signer
from chain.ids import encode_id
from chain.transaction import ReceivedTransaction, asset_id, read_transaction

ALICE, SHOP = Signer(b"a" * 32), Signer(b"s" * 32)
ALICE_TEXT, SHOP_TEXT = encode_id("acct", ALICE.public_key), encode_id("acct", SHOP.public_key)
CHAIN_ID = bytes(range(32))
CNY = asset_id(SHOP.public_key, "CNY")
CNY_TEXT = encode_id("ast", CNY)
BOOKING = b"B" * 32
BOOKING_TEXT = encode_id("ctr", BOOKING)
TIME = 1_800_000_000_000
Params = dict[str, Any]

ABI: dict[str, Any] = {
    "vm": 1, "name": "booking", "doc": "", "assets": ["cash"], "links": [], "enums": {},
    "records": {}, "init": None, "views": [], "timers": [], "events": [], "errors": {},
    "state": [], "pots": [],
    "actions": [
        {
            "name": "request", "doc": "", "returns": None, "payable": "cash",
            "params": [
                {"name": "shop", "type": "address"},
                {"name": "start", "type": "uint", "meaning": {"time": "ms"}},
            ],
        },
    ],
}  # fmt: skip


class RpcFault(Exception):  # noqa: N818
    """What a method of the fake raises to answer with an error."""

    def __init__(self, code: int, name: str = "", **data: Any) -> None:
        super().__init__(name)
        self.answer = {"code": code, "message": name.lower(), "data": {"name": name, **data}}


@dataclass
class FakeNode:
    """Answers by its methods' names. `script` holds answers that come first, one a request."""

    url: str = ""
    calls: list[tuple[str, Params]] = field(default_factory=list)
    taken: dict[str, ReceivedTransaction] = field(default_factory=dict)
    script: list[Callable[[web.Request], web.StreamResponse]] = field(default_factory=list)
    lines: list["FakeLine"] = field(default_factory=list)
    events: list[Params] = field(default_factory=list)
    faults: dict[str, list[RpcFault]] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)
    is_settling: bool = True  # what is taken is final at once
    renewed: dict[str, str] = field(default_factory=dict)  # ids of what was signed again
    failing: Params | None = None  # the error in every receipt
    drop_line_after: int | None = None
    wakeup: asyncio.Event = field(default_factory=asyncio.Event)
    was_given: asyncio.Event = field(default_factory=asyncio.Event)  # a transaction, or a line

    def count(self, method: str) -> int:
        return sum(name == method for name, _ in self.calls)

    async def answer_http(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        if self.script:
            return self.script.pop(0)(request)
        asked = json.loads(await request.read())
        if isinstance(asked, list):
            return web.json_response([self.answer(one) for one in reversed(asked)])
        return web.json_response(self.answer(asked))

    def answer(self, asked: Params) -> Params:
        head = {"jsonrpc": "2.0", "id": asked["id"]}
        method, params = asked["method"], asked["params"]
        self.calls.append((method, params))
        try:
            if self.faults.get(method):
                raise self.faults[method].pop(0)
            return {**head, "result": getattr(self, method)(params)}
        except RpcFault as fault:
            return {**head, "error": fault.answer}

    # Methods ----------------------------------------------------------------------------------

    def node_info(self, _params: Params) -> Params:
        return {"chain_id": CHAIN_ID.hex(), "is_dev": True}

    def chain_head(self, _params: Params) -> Params:
        return {"header": {"height": 7}, "certificate": None}

    def account_get(self, params: Params) -> Params:
        balance = {"amount": 680, "currency": "CNY", "asset": CNY_TEXT}
        return read({"account": params["account"], "keys": [], "balances": [balance]})

    def asset_get(self, _params: Params) -> Params:
        return read({"asset": CNY_TEXT, "symbol": "CNY", "decimals": 2})

    def contract_get(self, _params: Params) -> Params:
        assets = [{"slot": "cash", "asset": CNY_TEXT, "currency": "CNY"}]
        return read({"contract": BOOKING_TEXT, "abi": ABI, "assets": assets})

    def contract_read(self, params: Params) -> Params:
        return read(params)

    def tx_build(self, _params: Params) -> Params:
        nonce = len(self.taken)
        return {"nonce": nonce, "valid_until": TIME + 600_000, "gas_limit": 50_000, "body": "00"}

    def tx_simulate(self, _params: Params) -> Params:
        return {"ok": self.failing is None, "error": self.failing, "gas_used": 9, "events": []}

    def tx_submit(self, params: Params) -> Params:
        tx = read_transaction(bytes.fromhex(params["tx"]))
        used = [one.body.nonce for one in self.taken.values() if one.tx_id != tx.tx_id]
        if tx.body.nonce in used:
            raise RpcFault(1004, "NONCE_USED", nonce=tx.body.nonce)
        self.taken[tx.tx_id.hex()] = tx
        self.was_given.set()
        return {
            "tx_id": tx.tx_id.hex(), "status": "pending", "valid_until": tx.body.valid_until,
        }  # fmt: skip

    def tx_get(self, params: Params) -> Params:
        tx_id = params["tx_id"]
        if tx_id in self.renewed:
            return {"tx_id": tx_id, "status": "expired", "renewed_as": self.renewed[tx_id]}
        if tx_id not in self.taken:
            return {"tx_id": tx_id, "status": "unknown"}
        if not self.is_settling:
            return {"tx_id": tx_id, "status": "pending"}
        failing = self.failing
        receipt = {
            "id": tx_id, "height": 8, "time": TIME, "ok": failing is None,
            "code": 0 if failing is None else failing["code"], "error": failing,
            "events": [{"type": "chain.transferred", "values": {"amount": 1}}],
        }  # fmt: skip
        return {
            "tx_id": tx_id, "status": "final" if failing is None else "failed", "receipt": receipt,
        }  # fmt: skip

    tx_wait = tx_get

    def tx_explain(self, params: Params) -> Params:
        return {"sentence": f"explained in {params['lang']}", "steps": []}

    def dev_mine(self, params: Params) -> Params:
        return {"blocks": params["count"]}

    # Events -----------------------------------------------------------------------------------

    async def answer_line(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        line = FakeLine(self, socket)
        self.lines.append(line)
        self.was_given.set()
        await line.run()
        return socket

    def emit(self, count: int) -> None:
        start = len(self.events)
        self.events += [{"id": f"{n + 1}-0", "n": n} for n in range(start, start + count)]
        self.wakeup.set()


class FakeLine:
    """One WebSocket with one subscription."""

    def __init__(self, node: FakeNode, socket: web.WebSocketResponse) -> None:
        self.node, self.socket = node, socket
        self.subscribed: Params = {}
        self.acked: list[str] = []
        self.sent = 0

    async def run(self) -> None:
        node = self.node
        first = json.loads((await self.socket.receive()).data)
        self.subscribed = first["params"]
        start = self.subscribed["from"]
        at = {"latest": len(node.events), "earliest": 0}.get(start)
        at = int(start.split("-")[0]) if at is None else at
        result = {"sub": "s1", "next_id": f"{at + 1}-0", "latest_id": f"{len(node.events)}-0"}
        await self.say({"jsonrpc": "2.0", "id": first["id"], "result": result})
        async with asyncio.TaskGroup() as tasks:
            pushing = tasks.create_task(self.push(at))
            async for message in self.socket:
                assert message.type is WSMsgType.TEXT
                asked = json.loads(message.data)
                assert asked["method"] == "events_ack"
                self.acked.append(asked["params"]["id"])
                await self.say({"jsonrpc": "2.0", "id": asked["id"], "result": {}})
                node.wakeup.set()
            pushing.cancel()

    async def push(self, at: int) -> None:
        """Send events within the window; the connection is cut where the test wants it."""
        node, start = self.node, at
        while True:
            node.wakeup.clear()
            last = int(self.acked[-1].split("-")[0]) if self.acked else start
            room = self.subscribed["window"] - (at - max(last, start))
            events = node.events[at : at + max(0, min(room, 3))]
            if node.drop_line_after is not None and self.sent >= node.drop_line_after:
                node.drop_line_after = None
                transport = self.socket._req.transport if self.socket._req else None
                assert transport is not None
                transport.abort()
                return
            if not events:
                await node.wakeup.wait()
                continue
            at += len(events)
            self.sent += len(events)
            latest = f"{at}-0"
            params = {"sub": "s1", "events": events, "latest_id": latest}
            await self.say({"jsonrpc": "2.0", "method": "events_next", "params": params})

    async def say(self, message: Params) -> None:
        await self.socket.send_str(json.dumps(message))


def read(data: Any) -> Params:
    return {"at": {"height": 7, "hash": "00" * 32, "time": TIME}, "data": data}


@asynccontextmanager
async def running(node: FakeNode, port: int = 0) -> AsyncIterator[str]:
    """Serve the fake on a free port of this machine."""
    app = web.Application()
    app.router.add_post("/rpc", node.answer_http)
    app.router.add_get("/ws", node.answer_line)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        node.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield node.url
    finally:
        for line in node.lines:
            await line.socket.close()
        await runner.cleanup()
