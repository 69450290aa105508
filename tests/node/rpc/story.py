"""A chain on which a day is played by fixed steps, and the calls about it that the page shows.

Its clock stands still but where a step moves it, all keys are known, nothing is left to chance: the
same calls give the same answers on every machine. What is a fact of the machine is masked here, and
nowhere else.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

from chain.genesis import Genesis, ParamsModel
from chain.ids import encode_id
from node.app import build_node
from node.config import Config
from node.config_sections import PoolConfig, RpcConfig, StoreConfig
from node.demo.accounts import signer_of
from node.demo.genesis import GENESIS_TIME_MS, demo_genesis
from node.demo.world import build_world
from node.live.clock import Clock
from node.live.node import Node
from node.rpc.jsonrpc import Dispatcher
from node.rpc.registry import Call, Tier
from node.rpc.served import make_registry
from tests.node.demo.setting import WallClock
from tests.node.passport.door import Door
from tests.node.passport.garage import Garage

Json = dict[str, Any]
MORNING = GENESIS_TIME_MS + 2 * 3_600_000  # Monday, 2026-01-05, ten in the morning in China
STEP_MS = 1_000
_MASKS: dict[str, dict[str, Any]] = {
    # The releases of the program, and the disk that it runs on.
    "node_info": {"version": "0.1.0"},
    "rpc_version": {"node": "0.1.0"},
    "node_health": {"disk_free_bytes": 120_000_000_000},
    # The document would hold this very example.
    # A file of 14 KB, most of it code.
    "passport_build": {
        "file": "nbN3YXNobm9kZS1wYXNzcG9ydC0x",
        "bytes": 14_004,
        "sha256": "00" * 32,
    },
    "rpc.discover": {"info": {"title": "washnode", "version": "0.1.0"}, "methods": []},
}
_DISK_WARNINGS = ("DISK_LOW", "DISK_UNKNOWN")


def mask(method: str, result: Any) -> Any:
    """Return a result in which what differs between machines is replaced by fixed values."""
    if method == "node_health":
        warnings = [one for one in result["warnings"] if one["code"] not in _DISK_WARNINGS]
        result = {**result, "warnings": warnings}
    if method == "rpc.discover":
        result = {**result, "components": {"schemas": {}, "errors": {}}}
    return {**result, **_MASKS[method]} if method in _MASKS else result


def acct(name: str) -> str:
    """Return the text of a demo account's id."""
    return encode_id("acct", signer_of(name).public_key)


def call_action(contract: str, function: str, arguments: Json, funds: int = 0) -> Json:
    """Return an action that calls a contract."""
    made: Json = {"type": "call", "contract": contract, "function": function}
    made["arguments"] = arguments
    return {**made, "funds": funds} if funds else made


class StoryConnection:
    """A WebSocket connection without a socket: the story asks for what would be sent."""

    def __init__(self, node: Node) -> None:
        self.id = "story"
        self.subscriptions: dict[str, Any] = {}
        self.config = RpcConfig()
        self._node = node

    async def send(self, message: bytes) -> None:
        raise AssertionError(message)

    def next_told(self, sub: str) -> Json:
        """Return the parameters of the next `events_next` of a subscription."""
        message, _again = self.subscriptions[sub].next_message(self._node)
        told: Json = json.loads(message or b"null")["params"]
        return told


class Teller:
    """Asks the node of the story; `examples` are the calls that are shown, by method."""

    def __init__(self, folder: Path) -> None:
        self._wall = WallClock(MORNING)
        config = Config(data_dir=folder, store=StoreConfig(sync=False), pool=PoolConfig(checkers=0))
        folder.mkdir(exist_ok=True)
        self.node = build_node(
            config,
            demo_genesis(),
            signer_of("validator"),
            sponsor=signer_of("sparkle"),
            clock=Clock(self._wall.read),
        )
        self.places = build_world(self.node.driver)
        self.registry = make_registry(self.node)
        self._dispatcher = Dispatcher(self.registry)
        self.connection = StoryConnection(self.node)
        self.examples: dict[str, list[Json]] = {}

    # Asking -------------------------------------------------------------------------------------

    async def ask(self, method: str, params: Json | None = None, tier: Tier = "public") -> Any:
        """Return the result of a call that is not shown; a read's data alone."""
        answer = await self._answer(method, params or {}, tier, over_socket=True)
        assert "result" in answer, (method, params, answer)
        declared = self.registry.find(method)
        assert declared is not None
        return answer["result"]["data"] if declared.read else answer["result"]

    async def show(
        self, method: str, name: str, params: Json | None = None, *, tier: Tier = "public"
    ) -> Any:
        """Make a call that is shown under a name; returns its result."""
        given = params or {}
        answer = await self._answer(method, given, tier, over_socket=True)
        assert "result" in answer, (method, params, answer)
        result = mask(method, answer["result"])
        self._keep(method, {"name": name, "params": given, "result": result})
        return answer["result"]

    async def show_on_disk(self, method: str, name: str, file: str) -> Any:
        """Make a call of the owner that writes to a path, shown as another; returns its result."""
        assert self.node.folder is not None, "the story has a folder"
        path, shown = str((self.node.folder / file).absolute()), f"/media/backup/{file}"
        answer = await self._answer(method, {"path": path}, "admin", over_socket=True)
        assert "result" in answer, (method, answer)
        result = {**answer["result"], "path": shown}
        self._keep(method, {"name": name, "params": {"path": shown}, "result": result})
        return answer["result"]

    async def show_passport(self, name: str) -> None:
        """Show the passport of a car with one record, on a chain that has records."""
        assert self.node.folder is not None, "the story has a folder"
        garage = Garage(self.node.folder / "garage")
        garage.register()
        garage.attach(garage.wash(), 0)
        secrets = [one.hex() for one in garage.secrets]
        given: Json = {"vehicle": encode_id("veh", garage.vehicle), "secrets": secrets}
        result = await Door(garage).ask("passport_build", **given)
        garage.chain.close()
        shown = mask("passport_build", result)
        self._keep("passport_build", {"name": name, "params": given, "result": shown})

    async def show_driven(self, method: str, name: str, params: Json) -> Any:
        """Make a call of the owner of a chain whose clock is driven; returns its result."""
        assert self.node.folder is not None, "the story has a folder"
        key = signer_of("validator")
        genesis = Genesis(
            name="rehearsal",
            time_ms=MORNING,
            validators=(key.public_key.hex(),),
            params=ParamsModel(heartbeat_ms=0),
            clock="driven",
        )
        folder = self.node.folder / "driven"
        folder.mkdir()
        node = build_node(Config(data_dir=folder), genesis, key)
        try:
            answer = await self._answer(method, params, "admin", over_socket=False, node=node)
        finally:
            node.close()
        assert "result" in answer, (method, answer)
        self._keep(method, {"name": name, "params": params, "result": answer["result"]})
        return answer["result"]

    async def refuse(
        self, method: str, name: str, params: Json | None = None, *, tier: Tier = "public"
    ) -> Json:
        """Make a call that is refused and shown under a name; returns the error."""
        given = params or {}
        answer = await self._answer(method, given, tier, over_socket=False)
        assert "error" in answer, (method, params, answer)
        self._keep(method, {"name": name, "params": given, "error": answer["error"]})
        error: Json = answer["error"]
        return error

    async def _answer(
        self,
        method: str,
        params: Json,
        tier: Tier,
        *,
        over_socket: bool,
        node: Node | None = None,
    ) -> Json:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        connection = self.connection if over_socket else None
        call = Call(node or self.node, tier, connection, is_near=True)
        async with asyncio.timeout(30):
            data = await self._dispatcher.handle(json.dumps(request).encode(), call, batch_max=1)
        answer: Json = json.loads(data or b"null")
        return answer

    def keep(self, method: str, name: str, params: Json, result: Json) -> None:
        """Show a call that was made on another chain."""
        self._keep(method, {"name": name, "params": params, "result": result})

    def _keep(self, method: str, example: Json) -> None:
        shown = self.examples.setdefault(method, [])
        assert example["name"] not in [one["name"] for one in shown], (method, example["name"])
        shown.append(example)

    # Doing --------------------------------------------------------------------------------------

    def sign(self, name: str, built: Json, sponsor: Json | None = None) -> Json:
        """Return what `tx_assemble` takes: a body with its signatures."""
        signature = signer_of(name).sign(bytes.fromhex(built["sign_bytes"]))
        parts = {"body": built["body"], "signature": signature.hex()}
        if sponsor is not None:
            parts["sponsor_signature"] = sponsor["signature"]
        return parts

    async def signed(self, name: str, *actions: Json) -> str:
        """Return the signed bytes of a transaction, as hex."""
        built = await self.ask("tx_build", {"account": acct(name), "actions": list(actions)})
        made = await self.ask("tx_assemble", self.sign(name, built))
        text: str = made["tx"]
        return text

    async def do(self, name: str, *actions: Json) -> str:
        """Carry out actions of a person in a block of their own; returns the transaction's id."""
        taken = await self.ask("tx_submit", {"tx": await self.signed(name, *actions)})
        self.make_block()
        tx_id: str = taken["tx_id"]
        await self._receipt(tx_id)
        return tx_id

    async def made(self, name: str, action: Json) -> str:
        """Carry out an action that makes something; returns its id, from the first event."""
        done = await self.do(name, action)
        values: Json = (await self._receipt(done))["events"][0]["values"]
        found = next(key for key in ("id", "use", "card", "alliance", "request") if key in values)
        return str(values[found])

    async def _receipt(self, tx_id: str) -> Json:
        receipt: Json = (await self.ask("tx_get", {"tx_id": tx_id}))["receipt"]
        assert receipt["ok"], receipt
        return receipt

    def make_block(self) -> None:
        """Make a block now; a second passes."""
        assert self.node.make_block(self.node.block_time()) is not None
        self._wall.now_ms += STEP_MS

    def close(self) -> None:
        """Close the chain."""
        self.node.close()
