"""The methods of development chains, called as clients call them."""

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.crypto import public_key
from chain.ids import encode_id
from chain.transaction import Transfer
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.demo.accounts import account_of
from node.demo.genesis import MONEY
from node.demo.script import send
from node.live.node import Node
from node.live.travel import TIME_MAX_MS
from node.rpc.jsonrpc import Dispatcher
from node.rpc.methods import dev
from node.rpc.registry import Call, collect
from tests.node.demo.setting import NOON, WallClock, open_demo

CNY = encode_id("ast", MONEY)
ALICE = encode_id("acct", account_of("alice"))
Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = open_demo(tmp_path, WallClock())
    yield made
    made.close()


@pytest.fixture
def ask(node: Node) -> Ask:
    """Call a method; returns the result, or the error's code and message."""
    dispatcher = Dispatcher(collect(dev))

    async def call(method: str, **params: Any) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = await dispatcher.handle(
            json.dumps(request).encode(), Call(node, "public"), batch_max=1
        )
        assert answer is not None
        told = json.loads(answer)
        if "error" in told:
            return told["error"]["code"], told["error"]["message"]
        return told["result"]

    return call


async def test_the_accounts_come_with_their_seeds(ask: Ask) -> None:
    accounts = await ask("dev_accounts")

    alice = next(one for one in accounts if one["name"] == "alice")
    seed = bytes.fromhex(alice.pop("seed"))
    assert alice == {
        "name": "alice",
        "account": ALICE,
        "public_key": public_key(seed).hex(),
        "roles": ["member"],
        "about": {"en": "customer", "zh": "顾客"},
        "balance": {"amount": 1_000_000, "currency": "CNY", "asset": CNY},
    }
    assert len(accounts) == 10


async def test_the_faucet_tells_the_new_balance(ask: Ask, node: Node) -> None:
    given = await ask("dev_faucet", account=ALICE, amount=500, asset="CNY")
    again = await ask("dev_faucet", account=ALICE, amount=500)

    assert given["balance"] == {"amount": 1_000_500, "currency": "CNY", "asset": CNY}
    assert again["balance"]["amount"] == 1_001_000
    assert node.status(bytes.fromhex(given["tx_id"])).height == given["height"]


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"account": ALICE, "amount": 2**53 - 1}, 2004, "what the issuer owes"),
        ({"account": ALICE, "amount": 0}, -32602, "amount"),
        ({"account": ALICE, "amount": 1, "asset": "EUR"}, 6001, "EUR"),
        ({"account": "alice", "amount": 1}, -32602, "account"),
    ],
)
async def test_the_faucet_says_what_it_can_not_do(
    ask: Ask, params: dict[str, Any], code: int, message: str
) -> None:
    found, said = await ask("dev_faucet", **params)

    assert found == code
    assert message in said


async def test_a_chain_without_money_has_no_faucet(ask: Ask, node: Node) -> None:
    node.ledger.genesis = node.ledger.genesis.model_copy(update={"assets": ()})

    refused = await ask("dev_faucet", account=ALICE, amount=1)

    assert refused[0] == -32602
    assert {one["balance"] for one in await ask("dev_accounts")} == {None}


@pytest.mark.parametrize(
    ("duration", "passed_ms"),
    [
        (5_000, 5_000),
        ("3h", 3 * HOUR_MS),
        ("1h30m", 90 * MINUTE_MS),
        ("250ms", 250),
        ("2m5s", 125_000),
    ],
)
async def test_time_is_moved_by_a_number_or_a_text(
    ask: Ask, duration: int | str, passed_ms: int
) -> None:
    await ask("dev_seed", scenario="empty")  # the shops open

    journey = await ask("dev_increaseTime", duration_ms=duration)

    assert journey == {
        "from": NOON, "to": NOON + passed_ms, "arrived": True, "blocks": 1, "timers_fired": 0,
        "transactions": 0, "failed": 0, "events": 0, "height": journey["height"],
    }  # fmt: skip


@pytest.mark.parametrize("duration", [0, -1, True, 1.5, "", "3", "3 h", "h", "1y", None, "9" * 70])
async def test_what_is_no_duration_is_refused(ask: Ask, duration: object) -> None:
    code, message = await ask("dev_increaseTime", duration_ms=duration)

    assert code == -32602
    assert "a text such as 3h" in message


async def test_time_is_set_forward_only(ask: Ask) -> None:
    journey = await ask("dev_setTime", time=NOON + DAY_MS)
    back = await ask("dev_setTime", time=NOON)
    away = await ask("dev_setTime", time=TIME_MAX_MS + 1)

    assert journey["to"] == NOON + DAY_MS
    assert (back[0], away[0]) == (3004, 3004)


async def test_mining_tells_the_newest_block(ask: Ask, node: Node) -> None:
    mined = await ask("dev_mine", count=3)

    assert mined == {"blocks": 3, "height": node.ledger.height, "time": NOON + 2}
    assert (await ask("dev_mine", count=1_001))[0] == -32602


async def test_a_halt_is_told_as_the_chain_noted_it(ask: Ask) -> None:
    await ask("dev_seed")

    halted = await ask("dev_halt", duration_ms="2h")

    assert halted["to"] == NOON + 2 * HOUR_MS
    assert halted["timers_fired"] == 3  # of the finished visit: figures, points, its card holder
    assert halted["halt"] == {
        "began": NOON + 30 * MINUTE_MS,
        "ended": NOON + 2 * HOUR_MS,
        "over": NOON + 2 * HOUR_MS + 15 * MINUTE_MS,
    }


async def test_a_halt_without_anything_due_is_null(ask: Ask) -> None:
    halted = await ask("dev_halt", duration_ms="2h")

    assert halted["halt"] is None


async def test_a_revert_answers_what_the_snapshot_did(ask: Ask, node: Node) -> None:
    kept = await ask("dev_snapshot")
    send(node, "alice", Transfer(MONEY, account_of("bob"), 5))
    await ask("dev_increaseTime", duration_ms="30d")

    back = await ask("dev_revert", snapshot=kept["snapshot"])

    assert back == kept == {"snapshot": "1", "height": node.ledger.height, "time": NOON}
    assert await ask("dev_revert", snapshot="9") == (6001, "no snapshot 9; kept are 1")
    assert (await ask("dev_revert", snapshot="../1"))[0] == -32602


async def test_the_default_scenario_is_done_at_once(ask: Ask) -> None:
    seeded = await ask("dev_seed")

    bookings = seeded.pop("bookings")
    assert seeded == {
        "scenario": "default",
        "steps_ahead": 0,
        "plays_from": None,
        "plays_until": None,
        "note": "everything is done; what falls due later happens by itself",
    }
    assert [one["fate"] for one in bookings] == [
        "finished", "in_service", "missed", "waiting", "lapses",
    ]  # fmt: skip
    first = bookings[0]
    assert first.pop("booking").startswith("bkg1")
    assert first == {
        "customer": "alice",
        "shop": "sparkle",
        "service": "Exterior wash / 外观快洗",
        "start": NOON + 10 * MINUTE_MS,
        "end": NOON + 40 * MINUTE_MS,
        "price": {"amount": 6_800, "currency": "CNY", "asset": CNY},
        "fate": "finished",
    }


async def test_a_busy_saturday_says_what_is_to_come(ask: Ask) -> None:
    seeded = await ask("dev_seed", scenario="busy-saturday")

    assert len(seeded["bookings"]) == 60
    assert seeded["steps_ahead"] > 150
    assert NOON < seeded["plays_from"] < seeded["plays_until"] < NOON + 5 * DAY_MS
    assert seeded["note"].startswith(f"{seeded['steps_ahead']} steps follow as time passes")
    assert (await ask("dev_seed", scenario="nothing"))[0] == 6001


async def test_on_other_chains_the_methods_are_disabled(ask: Ask, node: Node) -> None:
    node.is_dev = False
    registry = collect(dev)

    refused = {name: (await ask(name))[0] for name in registry.names(dev=True)}

    assert set(refused.values()) == {-32007}
    assert len(refused) == 9
    assert registry.names(dev=False) == []
