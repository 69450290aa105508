"""Calling methods: parameters, reads, tiers, faults, bounds."""

import json
import logging

import pytest

from node.rpc.errors import RateLimitedError
from node.rpc.jsonrpc import Dispatcher, DispatchLimits
from node.rpc.registry import Tier
from tests.node.rpc.sample_methods import (
    HEAD,
    METHODS,
    OpenConnection,
    answer,
    ask,
    make_call,
    make_dispatcher,
)
from tests.node.rpc.spec_methods import FakeNode, call_of, registry_of


async def test_a_wrong_parameter_is_named() -> None:
    refusals = [
        await ask("echo"),
        await ask("echo", {"value": 1}),
        await ask("echo", {"value": "a", "extra": "b"}),
        await ask("echo", {"value": "a", "note_": "b"}),
        await ask("height_get", {"height": True}),
        await ask("height_get", {"height": -1}),
    ]

    takes = "this method takes: value, note"
    assert refusals == [
        (-32602, "value: is missing"),
        (-32602, "value: should be a valid string"),
        (-32602, f"extra: is unknown; {takes}"),
        (-32602, f"note_: is unknown; {takes}"),
        (-32602, "height: should be a valid integer"),
        (-32602, "height: should be greater than or equal to 0"),
    ]


async def test_a_refusal_carries_what_a_program_needs() -> None:
    said = await answer({"jsonrpc": "2.0", "id": 1, "method": "spend"})

    assert said["error"] == {
        "code": 2001,
        "message": "have 1, need 2 (minor units)",
        "data": {
            "have": 1,
            "need": 2,
            "name": "INSUFFICIENT_FUNDS",
            "zh": "余额不足",
            "retry": "rebuild",
        },
    }


async def test_a_read_says_at_which_block() -> None:
    answers = [
        await ask("height_get", {"height": 3}),
        await ask("height_get", {"at": "final"}),
        await ask("height_get", {"at": "latest"}),
        await ask("height_get", {"at": 7}),
        await ask("height_get", {"at": HEAD["hash"]}),
    ]

    assert answers == [{"at": HEAD, "data": 3}, *[{"at": HEAD, "data": None}] * 4]


async def test_a_read_of_another_block_is_refused() -> None:
    pruned = "older state is not kept; the first height to read is 7"

    assert await ask("height_get", {"at": 6}) == (-32009, pruned)
    assert await ask("height_get", {"at": "00" * 32}) == (-32009, pruned)
    assert await ask("height_get", {"at": 8}) == (6001, "block 8 was not found in blocks 0 to 7")


async def test_tiers_are_told_apart() -> None:
    tiers: list[Tier] = ["public", "shop", "admin"]

    asked = [
        await ask(name, call=make_call(tier=tier))
        for tier in tiers
        for name in ("shop_only", "admin_only")
    ]

    codes = [one if isinstance(one, str) else one[0] for one in asked]
    assert codes == [-32003, -32003, "shop", -32004, "admin", "admin"]


async def test_methods_of_development_chains_answer_nowhere_else() -> None:
    refused = await ask("dev_only")
    answered = await ask("dev_only", call=make_call(FakeNode(is_dev=True)))

    assert refused == (-32007, "dev_only exists on development chains only")
    assert answered == "public"


async def test_methods_of_connections_need_one() -> None:
    call = call_of(FakeNode(), connection=OpenConnection())

    assert (await ask("socket_only"))[0] == -32007
    assert await ask("socket_only", call=call) == "c1"


@pytest.mark.parametrize("method", ["broken", "unwritable"])
async def test_a_fault_of_the_program_is_told_by_its_number_only(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        said = await answer({"jsonrpc": "2.0", "id": 1, "method": method})

    assert said["error"]["code"] == -32603
    assert said["error"]["message"] == "the node failed; incident 1 in its log says more"
    assert "secret" not in json.dumps(said)
    assert [record.getMessage() for record in caplog.records] == [f"incident 1 in {method}"]
    assert caplog.records[0].exc_info is not None


async def test_a_failing_disk_is_told_to_the_node() -> None:
    node = FakeNode()

    refusal = await ask("broken_disk", call=make_call(node))

    assert refusal == (-32603, "the node failed; incident 1 in its log says more")
    assert [str(failure) for failure in node.failures] == ["secret place"]


async def test_an_answer_that_is_too_large_is_not_sent() -> None:
    dispatcher = make_dispatcher(DispatchLimits(response_bytes_max=1_000))
    sizes = [600, 600, 300, 900]
    batch = [
        {"jsonrpc": "2.0", "method": "echo", "id": size, "params": {"value": "a" * size}}
        for size in sizes
    ]

    said = await dispatcher.handle(json.dumps(batch).encode(), make_call(), batch_max=5)

    assert said is not None
    codes = [one.get("error", {"code": 0})["code"] for one in json.loads(said)]
    assert codes[:2] == [0, -32005]
    single = await dispatcher.handle(json.dumps(batch[3]).encode(), make_call(), batch_max=5)
    assert single is not None
    assert "result" in json.loads(single)


async def test_who_admits_calls_is_told_their_number_first() -> None:
    told: list[int] = []

    def admit(calls: int) -> None:
        told.append(calls)
        if calls > 1:
            raise RateLimitedError(250)

    one = {"jsonrpc": "2.0", "method": "echo", "id": 9, "params": {"value": "1"}}
    dispatcher = make_dispatcher()

    texts = [json.dumps(message).encode() for message in (one, [one, one])]
    said = [await dispatcher.handle(text, make_call(), batch_max=5, admit=admit) for text in texts]

    assert told == [1, 2]
    assert said[0] == b'{"jsonrpc":"2.0","id":9,"result":"1"}'
    refusal = json.loads(said[1] or b"")["error"]
    assert (refusal["code"], refusal["data"]["retry_after_ms"]) == (-32002, 250)


async def test_every_call_is_told_to_the_observer() -> None:
    seen: list[tuple[str, int]] = []
    dispatcher = Dispatcher(
        registry_of(*METHODS), None, lambda name, code, _seconds: seen.append((name, code))
    )
    calls = ["echo", "spend", "any name at all"]
    batch = [{"jsonrpc": "2.0", "method": name, "params": {}} for name in calls]

    await dispatcher.handle(json.dumps([*batch, 1]).encode(), make_call(), batch_max=5)
    await dispatcher.handle(b"[", make_call(), batch_max=5)

    assert seen == [
        ("echo", -32602),
        ("spend", 2001),
        ("unknown", -32601),
        ("unknown", -32600),
        ("unknown", -32700),
    ]


async def test_unknown_parameters_by_the_thousand_are_refused_at_the_first() -> None:
    params = {f"{number:064}{'x' * 64}": 1 for number in range(20_000)}

    code, message = await ask("echo", params)

    assert code == -32602
    assert len(message) < 200
