"""Messages and their answers: the specification's examples, and what it leaves open."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.rpc.jsonrpc import Dispatcher
from tests.node.rpc.sample_methods import answer, ask, make_call, make_dispatcher, reduced
from tests.node.rpc.spec_methods import spec_registry

VECTORS = Path(__file__).parents[2] / "vectors" / "jsonrpc"
EXAMPLES = json.loads((VECTORS / "spec_examples.json").read_text("utf-8"))["cases"]


@pytest.mark.parametrize("case", EXAMPLES, ids=[case["name"] for case in EXAMPLES])
async def test_the_examples_of_the_specification_are_answered_as_it_says(
    case: dict[str, Any],
) -> None:
    dispatcher = Dispatcher(spec_registry())

    said = await dispatcher.handle(case["request_text"].encode(), make_call(), batch_max=50)

    assert reduced(None if said is None else json.loads(said)) == reduced(case["response"])


@pytest.mark.parametrize("text", [b"", b"{", b"[NaN]", b"\xff", b"[" * 100_000, b'"\\ud800"'])
async def test_a_text_that_is_not_json_is_answered_without_an_id(text: bytes) -> None:
    said = await answer(text)

    assert (said["id"], said["error"]["code"]) == (None, -32700)
    assert said["error"]["data"] == {
        "name": "PARSE_ERROR",
        "zh": "内容不是有效的 JSON",
        "retry": "never",
    }


NO_REQUESTS: dict[str, tuple[Any, Any]] = {
    "null": (None, None),
    "a number": (1, None),
    "a string": ("echo", None),
    "an empty object": ({}, None),
    "no version": ({"method": "echo", "id": 1}, 1),
    "version 1.0": ({"jsonrpc": "1.0", "method": "echo", "id": 1}, 1),
    "a number as the version": ({"jsonrpc": 2.0, "method": "echo", "id": 1}, 1),
    "no method": ({"jsonrpc": "2.0", "id": "a"}, "a"),
    "a number as the method": ({"jsonrpc": "2.0", "method": 1, "id": 1}, 1),
    "no parameters but null": ({"jsonrpc": "2.0", "method": "echo", "id": 1, "params": None}, 1),
    "a string as parameters": ({"jsonrpc": "2.0", "method": "echo", "id": 1, "params": "a"}, 1),
    "a misnamed member": ({"jsonrpc": "2.0", "method": "echo", "id": 1, "args": {}}, 1),
    "a float as the id": ({"jsonrpc": "2.0", "method": "echo", "id": 1.5}, None),
    "a whole float as the id": ({"jsonrpc": "2.0", "method": "echo", "id": 1.0}, None),
    "a bool as the id": ({"jsonrpc": "2.0", "method": "echo", "id": True}, None),
    "a list as the id": ({"jsonrpc": "2.0", "method": "echo", "id": [1]}, None),
    "an id beyond 2^53-1": ({"jsonrpc": "2.0", "method": "echo", "id": 2**53}, None),
}


@pytest.mark.parametrize(("message", "identity"), NO_REQUESTS.values(), ids=NO_REQUESTS.keys())
async def test_json_that_is_no_request_is_refused_with_the_id_it_had(
    message: Any, identity: Any
) -> None:
    said = await answer(json.dumps(message))

    assert (said["id"], said["error"]["code"]) == (identity, -32600)


@pytest.mark.parametrize("identity", [0, -1, 2**53 - 1, 1 - 2**53, "", "é\u2028", "1", None])
async def test_an_id_comes_back_exactly(identity: Any) -> None:
    said = await answer(
        {"jsonrpc": "2.0", "method": "echo", "id": identity, "params": {"value": "a"}}
    )

    assert said == {"jsonrpc": "2.0", "id": identity, "result": "a"}


async def test_names_that_no_method_has_are_not_found() -> None:
    unknown = ["echo ", "Echo", "rpc.unknown", "booking.none", "_no_method", "__class__", ""]

    codes = [(await ask(name))[0] for name in unknown]

    assert codes == [-32601] * len(unknown)


async def test_parameters_go_by_name_only() -> None:
    assert await ask("echo", {"value": "a", "note": "b"}) == "a"
    assert await ask("echo", ["a"]) == (
        -32602,
        "params: must be an object: parameters are given by name",
    )


async def test_notifications_are_answered_by_nothing_even_when_they_fail() -> None:
    texts = ["echo", "broken", "none", "shop_only", "account_get"]
    notifications = [{"jsonrpc": "2.0", "method": name} for name in texts]

    answers = [await answer(one) for one in notifications]

    assert answers == [None] * len(texts)
    assert await answer(notifications) is None


async def test_a_batch_is_answered_in_order() -> None:
    batch: list[Any] = [
        {"jsonrpc": "2.0", "method": "echo", "id": "b", "params": {"value": "1"}},
        {"jsonrpc": "2.0", "method": "echo", "params": {"value": "2"}},
        7,
        {"jsonrpc": "2.0", "method": "none", "id": "a"},
        {"jsonrpc": "2.0", "method": "echo", "id": "b", "params": {"value": "3"}},
    ]

    said = await answer(batch)

    assert reduced(said) == [
        {"jsonrpc": "2.0", "id": "b", "result": "1"},
        {"jsonrpc": "2.0", "id": None, "error": -32600},
        {"jsonrpc": "2.0", "id": "a", "error": -32601},
        {"jsonrpc": "2.0", "id": "b", "result": "3"},
    ]


async def test_a_batch_has_at_least_one_call_and_not_too_many() -> None:
    one = {"jsonrpc": "2.0", "method": "echo", "id": 1, "params": {"value": "1"}}

    assert (await answer([]))["error"]["code"] == -32600
    assert len(await answer([one] * 5)) == 5
    too_many = await answer([one] * 6)
    assert too_many["error"]["code"] == -32006
    assert too_many["error"]["data"]["maximum"] == 5


ids = st.none() | st.integers() | st.floats(allow_nan=False) | st.text() | st.booleans()
params = (
    st.none()
    | st.lists(st.integers())
    | st.dictionaries(st.sampled_from(["value", "at", "height", "x"]), ids)
)
requests = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.sampled_from(["2.0", "1.0", 2]),
        "method": st.sampled_from(["echo", "height_get", "spend", "none", 3]),
        "id": ids,
        "params": params,
        "more": st.none(),
    },
)


@given(message=requests | st.lists(requests, max_size=7) | ids)
async def test_whatever_json_comes_the_answer_is_well_formed(message: Any) -> None:
    said = await make_dispatcher().handle(json.dumps(message).encode(), make_call(), batch_max=5)

    answers = [] if said is None else json.loads(said)
    for one in answers if isinstance(answers, list) else [answers]:
        assert set(one) in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"})
        assert one["jsonrpc"] == "2.0"


@given(data=st.binary(max_size=200))
async def test_whatever_bytes_come_nothing_is_raised(data: bytes) -> None:
    said = await make_dispatcher().handle(data, make_call(), batch_max=5)

    assert said is None or json.loads(said)
