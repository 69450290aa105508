"""A node that serves its API on a port of its own, for tests that knock at the door."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Self

import aiohttp
from pydantic import Field

from chain.tables import Tuning
from chain.transaction import (
    Action,
    Deploy,
    ReceivedTransaction,
    Transaction,
    Transfer,
    instance_id,
    sign_transaction,
)
from chain.transaction import (
    Call as CallAction,
)
from node.config_sections import RpcConfig
from node.live.clock import Clock
from node.live.node import Node
from node.rpc.door.access import Tokens
from node.rpc.door.server import RpcServer
from node.rpc.door.websocket import Pace
from node.rpc.methods import events
from node.rpc.registry import Call, Method, Registry, method_of, rpc_method
from node.storage.ledger import ChainLedger
from node.storage.wal import VoteLog
from tests import make
from tests.make import BOX, GAS, MONEY, START_MS, VALID_MS, account, compiled, signer, word
from tests.node.rpc.spec_methods import SPEC_METHODS

TOKENS = Tokens("s" * 32, "a" * 32)
VECTORS = Path(__file__).parents[2] / "vectors"
EXAMPLES = json.loads((VECTORS / "jsonrpc/spec_examples.json").read_text("utf-8"))["cases"]


class TestNode:
    """A node whose blocks and clock the test makes."""

    __test__ = False

    def __init__(self, folder: Path, *, dev: bool = False) -> None:
        self.now_ms = START_MS
        genesis = make.genesis(params={"block_interval_ms": 1, "dev": int(dev)})

        def open_ledger(is_verified: Callable[[ReceivedTransaction], bool]) -> ChainLedger:
            return ChainLedger(folder / "chain", genesis, is_verified, tuning=Tuning(sync=False))

        log = VoteLog(folder / "votes.log", genesis.chain_id(), sync=False)
        self.node = Node(open_ledger, log, make.VALIDATOR, Clock(lambda: self.now_ms))
        self._nonces = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.node.close()

    def send(self, name: str, *actions: Action, gas: int = GAS) -> bytes:
        """Hand in a transaction; returns its id."""
        body = Transaction(
            1, self.node.ledger.chain_id, account(name), None, next(self._nonces),
            self.now_ms + VALID_MS, gas, None, actions, None,
        )  # fmt: skip
        return self.node.submit(sign_transaction(body, signer(name), None)).tx_id

    def pay(self, count: int = 1) -> bytes:
        """Hand in a transaction with `count` transfers: as many events."""
        return self.send("alice", *[Transfer(MONEY, account("bob"), 1)] * count)

    def block(self) -> int:
        """Make the next block, a second later; returns its height."""
        self.now_ms += 1_000
        assert self.node.make_block(self.now_ms) is not None
        return self.node.ledger.height

    def pay_in_block(self, count: int = 1) -> int:
        """Make a block with `count` events."""
        self.pay(count)
        return self.block()

    def deploy_box(self) -> bytes:
        """Put a box on the chain, in a block of its own."""
        action = Deploy(compiled(BOX), (MONEY,), (), ())
        made = instance_id(self.send("olga", action, gas=300_000), 0)
        self.block()
        return made

    def ring(self, box: bytes, bell: str, at: int) -> None:
        """Let a bell of the box ring at a time, and again in the block of that time."""
        self.send("alice", CallAction(box, "plan", (word(bell), at), 0))
        self.block()
        self.now_ms = at - 1_000
        self.block()


@rpc_method()
async def wait_here(call: Call, *, name: Annotated[str, Field(max_length=20)]) -> str:
    """Wait until the test sets the event of that name in `gates`."""
    await gates(call.node)[name].wait()
    return name


@rpc_method(tier="shop")
def only_shop(call: Call) -> str:
    """Tell the caller's tier."""
    return call.tier


@rpc_method(tier="admin")
def only_admin(call: Call) -> str:
    """Tell the caller's tier."""
    return call.tier


@rpc_method()
def echo(call: Call, *, text: str) -> str:
    """Return a text."""
    del call
    return text


@rpc_method()
def long_text(call: Call, *, length: int) -> str:
    """Return a text of a length."""
    del call
    return "x" * length


_GATES: dict[int, dict[str, asyncio.Event]] = {}


def gates(node: Node) -> dict[str, asyncio.Event]:
    """Return the events that `wait_here` waits for, by name."""
    return _GATES.setdefault(id(node), {})


def test_registry() -> Registry:
    """Return the specification's methods, those above and the event stream's."""
    own = (*SPEC_METHODS, wait_here, only_shop, only_admin, echo, long_text)
    streamed = (
        events.events_subscribe, events.events_ack, events.events_unsubscribe, events.events_query,
    )  # fmt: skip
    methods: list[Method] = [method_of(one) for one in (*own, *streamed)]
    return Registry(methods)


test_registry.__test__ = False  # type: ignore[attr-defined]


class Door:
    """A server with an HTTP client beside it."""

    def __init__(self, made: TestNode, server: RpcServer, port: int) -> None:
        self.made, self.server, self.port = made, server, port
        self.node = made.node
        self.client = aiohttp.ClientSession(f"http://127.0.0.1:{port}")
        self._ids = itertools.count(1)

    async def post(self, data: Any, **headers: str) -> tuple[int, Any]:
        """POST /rpc; returns status and JSON, None without a body."""
        sent = {"Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        kind = {"data": data} if isinstance(data, (bytes, str)) else {"json": data}
        async with self.client.post("/rpc", headers=sent, **kind) as response:
            body = await response.read()
            return response.status, await response.json() if body else None

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method over HTTP; returns its result or its error."""
        status, answer = await self.post(request(method, 1, **params))
        assert status == 200, answer
        return answer.get("result", answer.get("error"))


def request(method: str, number: int | None, **params: Any) -> dict[str, Any]:
    """Return a request; `from_` stands for `from`; no number: a notification."""
    named = {name.rstrip("_"): value for name, value in params.items()}
    made = {"jsonrpc": "2.0", "method": method, "params": named}
    return made if number is None else {**made, "id": number}


@asynccontextmanager
async def open_door(made: TestNode, pace: Pace | None = None, **config: Any) -> AsyncIterator[Door]:
    """Serve a node until the block ends."""
    settings = RpcConfig(port=0, **{"requests_per_second": 0, **config})
    server = RpcServer(made.node, test_registry(), settings, TOKENS, pace=pace)
    door = Door(made, server, await server.start())
    try:
        yield door
    finally:
        await door.client.close()
        await server.stop()


class Client:
    """The other side of a connection: sorts answers from events."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.told: list[dict[str, Any]] = []
        self._number = 0

    async def call(self, method: str, **params: Any) -> Any:
        """Return the result or error of a call; what was told meanwhile is kept in `told`."""
        self._number += 1
        await self.socket.send_json(request(method, self._number, **params))
        while True:
            message = await self.receive()
            if "id" in message:
                assert message["id"] == self._number
                return message.get("result", message.get("error"))
            self.told.append(message["params"])

    async def receive(self) -> Any:
        return json.loads(await self.socket.receive_str(timeout=5))

    async def next_told(self) -> Any:
        """Return the parameters of the next `events_next`."""
        if self.told:
            return self.told.pop(0)
        message = await self.receive()
        assert (message["jsonrpc"], message["method"]) == ("2.0", "events_next")
        return message["params"]

    async def ids_until(self, last: str) -> list[str]:
        """Return the ids of all events up to one."""
        found: list[str] = []
        while last not in found:
            found += [one["id"] for one in (await self.next_told())["events"]]
        return found


@asynccontextmanager
async def connect(made: TestNode, pace: Pace | None = None, **config: Any) -> AsyncIterator[Client]:
    async with open_door(made, pace, **config) as door, door.client.ws_connect("/ws") as socket:
        yield Client(socket)


def plain(answer: Any) -> Any:
    """Return an answer without what the specification leaves open: texts of errors, order."""
    if isinstance(answer, list):
        return sorted(
            (plain(one) for one in answer), key=lambda one: sorted(map(repr, one.items()))
        )
    if isinstance(answer, dict) and "error" in answer:
        return {**answer, "error": answer["error"]["code"]}
    return answer
