"""A demo chain's node that is asked anything, and what must hold of every answer."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis.strategies import SearchStrategy
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from chain.ids import encode_id
from chain.ledger import get_supply
from chain.state import Space
from node.catalog import STANDARD, abi
from node.config_sections import RpcConfig
from node.demo.accounts import account_of, signer_of
from node.demo.world import demo_places
from node.joining.desk import Desk
from node.joining.sending import Admitter
from node.live.abis import AbiBook
from node.live.node import Node
from node.rpc.jsonrpc import Dispatcher
from node.rpc.registry import Call, Connection, Tier, collect
from node.rpc.served import MODULES, make_registry
from tests.node.demo.setting import WallClock, open_demo
from tests.node.rpc.schema_values import Fitting, Seen

ERROR_BYTES_MAX = 4_096
ANSWER_SECONDS_MAX = 0.05  # for the one method that waits
DOING = tuple(collect(*MODULES).names(dev=True))
VIEWS = tuple(f"{name}.{one['name']}" for name in STANDARD for one in abi(name)["views"])
METHODS = (*DOING, *VIEWS)


_DESCRIBED: dict[str, Any] = {}


@dataclass
class FakeConnection:
    """A WebSocket connection that nobody is at the other end of."""

    id: str = "nobody"
    subscriptions: dict[str, Any] = field(default_factory=dict)
    config: RpcConfig = field(default_factory=RpcConfig)

    async def send(self, message: bytes) -> None:
        raise AssertionError(message)


class Target:
    """The node, its description of itself, and what its chain holds."""

    def __init__(self, folder: Path, tier: Tier = "admin") -> None:
        self._loop = asyncio.new_event_loop()
        self.node: Node = open_demo(folder, WallClock())
        self.node.abis = AbiBook(folder / "abis")
        self.node.sponsor = signer_of("sparkle")
        operator = Admitter(account_of("operator"), signer_of("operator"))
        self.node.desk = Desk(self.node, operator, folder / "admissions")
        self.node.desk.wait_ms = 0
        self.tier = tier
        self.connection: Connection = FakeConnection()
        self._dispatcher = Dispatcher(make_registry(self.node))
        self.codes: Counter[int] = Counter()  # how often each error was the answer, 0: none
        document = described(self)
        self._components = document["components"]
        self.methods: dict[str, Any] = {one["name"]: one for one in document["methods"]}
        self._names = {one["code"]: one["name"] for one in self.ask("rpc_errors")}
        self.seen = Seen()
        self._look_around()
        self.fitting = Fitting(self._components["schemas"], self.seen)

    def close(self) -> None:
        self.node.close()
        self._loop.close()

    def params(self, name: str) -> SearchStrategy[dict[str, Any]]:
        """Return parameters that fit what the node publishes of a method, examples included."""
        method = self.methods[name]
        shown = [
            {one["name"]: one["value"] for one in example["params"]}
            for example in method.get("examples", [])
        ] + self._examples().get(name, [])
        return self.fitting.params_near(method["params"], shown)

    def _examples(self) -> dict[str, list[dict[str, Any]]]:
        """Return calls that succeed on this chain at this time."""
        booking, seen = self.seen.by_name["booking"][0], self.seen.by_name
        view = {"contract": "booking", "view": "booking", "args": {"id": booking}}
        return {
            "contract_read": [view],
            "tx_sponsor": [{"body": body} for body in seen["body"]],
            "tx_simulate": [{"tx": tx} for tx in seen["tx"]],
            "tx_submit": [{"tx": tx} for tx in seen["tx"]],
            "tx_submitBatch": [{"txs": seen["tx"]}],
        }

    # Asking -----------------------------------------------------------------------------------

    def send(self, data: bytes) -> bytes | None:
        """Return what the node answers to a message."""
        call = Call(self.node, self.tier, self.connection)
        return self._loop.run_until_complete(self._dispatcher.handle(data, call, batch_max=50))

    def ask(self, method: str, **params: Any) -> Any:
        """Return the result of a call that must succeed."""
        answer = self.send(request(method, params))
        assert answer is not None
        told = json.loads(answer)
        assert "result" in told, told
        return told["result"]

    def check(self, method: str, params: Mapping[str, Any]) -> Any:
        """Ask, and check all that holds of any answer; returns it, None if none came in time."""
        if method == "tx_wait":
            answer = self._in_time(request(method, params))
        else:
            answer = self.send(request(method, params))
        assert self.node.failure is None
        assert self.node.pool.bytes_held == sum(len(tx.data) for tx in self.node.pool)
        if answer is None:
            assert method == "tx_wait"
            return None
        told = json.loads(answer)
        assert (told.pop("jsonrpc"), told.pop("id")) == ("2.0", "a")
        if "error" in told:
            assert len(answer) <= ERROR_BYTES_MAX
            self.check_error(method, told["error"])
        else:
            self.check_result(method, told["result"])
        assert len(told) == 1
        self.codes[told.get("error", {}).get("code", 0)] += 1
        return told

    def _in_time(self, data: bytes) -> bytes | None:
        call = Call(self.node, self.tier, self.connection)

        async def handle() -> bytes | None:
            try:
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    return await self._dispatcher.handle(data, call, batch_max=1)
            except TimeoutError:
                return None

        return self._loop.run_until_complete(handle())

    def check_error(self, method: str, error: dict[str, Any]) -> None:
        """Check an error: published of the method, well formed, and never the node's own fault."""
        assert set(error) == {"code", "message", "data"}
        code, data = error["code"], error["data"]
        assert code in self._names, error
        assert code != -32603, error
        assert (data["name"], bool(error["message"]), bool(data["zh"])) == (
            data["name"] if code == 5002 else self._names[code], True, True,
        ), error  # fmt: skip
        assert data["retry"] in {"never", "same", "later", "rebuild"}, error
        published = {
            self._components["errors"][one["$ref"].rpartition("/")[2]]["code"]
            for one in self.methods[method]["errors"]
        }
        # A round number stands for its thousand, 1000 for all that is wrong with transactions.
        kinds = {code, code // 1_000 * 1_000 if code > 0 else code}
        kinds |= {1_000} if code // 1_000 == 2 else set()
        assert kinds & published, (error, published)
        if code == -32602:
            assert isinstance(data["field"], str), error

    def check_result(self, method: str, result: Any) -> None:
        """Check a result against what is published of it."""
        schema = {**self.methods[method]["result"]["schema"], "components": self._components}
        Draft202012Validator(schema).validate(result)

    # The chain --------------------------------------------------------------------------------

    def _look_around(self) -> None:
        """Let things happen on the chain, and note the values that tell of them."""
        self.seen.note(self.ask("dev_seed", scenario="default"))
        self.seen.note(self.ask("dev_snapshot"), "snapshot")
        for method in ("dev_accounts", "chain_head", "chain_getParams", "chain_getValidators"):
            self.seen.note(self.ask(method))
        for method in ("asset_list", "contract_list", "chain_listBlocks", "tx_list"):
            self.seen.note(self.ask(method, limit=3))
        self.seen.note(self.ask("events_query", limit=200))
        for contract in ("booking", "shops"):
            for kind in ("pots", "timers"):
                self.seen.note(self.ask(f"contract_{kind}", contract=contract))
        self._prepare_transactions()
        self._note_words()

    def _prepare_transactions(self) -> None:
        alice = encode_id("acct", signer_of("alice").public_key)
        bob = encode_id("acct", signer_of("bob").public_key)
        for amount in (1, 10**12):
            action = {"type": "transfer", "asset": "CNY", "to": bob, "amount": amount}
            for more in ({}, {"sponsor": encode_id("acct", signer_of("sparkle").public_key)}):
                built = self.ask("tx_build", account=alice, actions=[action], **more)
                signature = signer_of("alice").sign(bytes.fromhex(built["sign_bytes"])).hex()
                parts = {"body": built["body"], "signature": signature}
                self.seen.note({**built, **parts, "actions": [action]})
                if not more:
                    self.seen.note(self.ask("tx_assemble", **parts), "tx")
        waiting = self.seen.by_name["tx"][0]
        self.seen.note(self.ask("tx_submit", tx=waiting))
        self.seen.note(self.seen.by_name["tx"], "txs")

    def _note_words(self) -> None:
        booking = self.seen.by_name["booking"][0]
        words: dict[str, list[Any]] = {
            "contract": ["booking", "shops", encode_id("ctr", demo_places().booking)],
            "asset": ["CNY"],
            "currency": ["CNY"],
            "view": _named("views"),
            "function": _named("actions"),
            "args": [{"id": booking}, {}, {"shop": "sparkle"}],
            "arguments": [{"id": booking}, {}],
            "abi": [abi("booking")],
            "id": [booking],
            "key": ["00", "deadline"],
            "type": ["booking.Closed", "booking.*", "chain.transferred", "block"],
            "from": ["latest", "earliest", "1-", "3-0"],
            "after": ["latest", "earliest", "1-", "3-0"],
            "q": ["Sparkle", "booking", "3"],
            "scenario": ["default", "busy-saturday", "empty"],
            "sub": [self.ask("events_subscribe")["sub"]],
            "cursor": [one for one in self.seen.by_name["next_cursor"] if one is not None],
        }
        for name, values in words.items():
            self.seen.note(values, name)
            self.seen.by_name[name] = values + self.seen.by_name[name][:20]

    def check_money(self) -> None:
        """Check that the balances and pots of every asset add up to its supply."""
        store, sums = self.node.ledger.store, Counter[bytes]()
        for key, value in store.iterate(bytes([Space.BALANCE]), bytes([Space.BALANCE + 1])):
            sums[key[33:]] += int.from_bytes(value, "big")
        for _key, value in store.iterate(bytes([Space.POT]), bytes([Space.POT + 1])):
            sums[value[64:96]] += int.from_bytes(value[:8], "big")
        assert sums
        state = self.node.state()
        assert dict(sums) == {asset: get_supply(state, asset) for asset in sums}

    def check_alive(self) -> None:
        """Check that the node goes on: it makes a block with what waits, and money adds up."""
        node = self.node
        self.check_money()
        node.is_halted = False
        node.pause(None)
        height = node.ledger.height
        assert node.make_block(node.block_time()) is not None
        assert node.ledger.height == height + 1
        self.check_money()


def described(target: "Target") -> dict[str, Any]:
    """Return what the node says of its methods; every node of the demo says the same."""
    if not _DESCRIBED:
        _DESCRIBED.update(target.ask("rpc.discover"))
    return _DESCRIBED


def _named(kind: str) -> list[str]:
    return [one["name"] for name in STANDARD for one in abi(name)[kind]]


def request(method: str, params: Any) -> bytes:
    """Return the bytes of a request."""
    return json.dumps({"jsonrpc": "2.0", "id": "a", "method": method, "params": params}).encode()


@contextmanager
def open_target(folder: Path, tier: Tier = "admin") -> Iterator[Target]:
    target = Target(folder, tier)
    try:
        yield target
    finally:
        target.close()
