"""The client against a scripted node: answers, garbage, lost connections, limits."""

import contextlib
import json
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from node.client import (
    AsyncWash,
    BadAnswer,
    Forbidden,
    InvalidParams,
    NodeNotReady,
    NodeUnreachable,
    NotFound,
    RateLimited,
    Refused,
    Unauthenticated,
    WashRpcError,
    WrongChain,
)
from node.client.calls import read_batch, read_json, read_result
from node.client.errors import read_error
from tests.node.client.fake_node import (
    ALICE_TEXT,
    BOOKING_TEXT,
    CNY_TEXT,
    FakeNode,
    RpcFault,
    running,
)


def answer_text(text: str, status: int = 200, **headers: str) -> Any:
    return lambda _request: web.Response(text=text, status=status, headers=headers)


def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def test_a_call_returns_the_result_and_carries_the_token() -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, token="secret") as wash:
        result = await wash.rpc("chain_head", at=None)

    assert result["header"] == {"height": 7}
    assert node.calls == [("chain_head", {})]
    assert node.headers[0]["Authorization"] == "Bearer secret"


async def test_a_batch_answers_in_order_with_errors_in_their_places() -> None:
    node = FakeNode(faults={"node_info": [RpcFault(6001, "NOT_FOUND")]})

    async with running(node) as url, AsyncWash(url) as wash:
        answers = await wash.batch([("chain_head", {}), ("node_info", {})])
        empty = await wash.batch([])

    assert [type(one) for one in answers] == [dict, NotFound]
    assert empty == []


async def test_reading_helpers_return_the_data_alone() -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, account=ALICE_TEXT) as wash:
        view = await wash.read("booking.preview_cancel", booking="bkg1x")
        same = await wash.read((BOOKING_TEXT, "preview_cancel"), {"booking": "bkg1x"})
        account = await wash.account()
        amounts = [await wash.balance(asset=one) for one in ("CNY", CNY_TEXT, "JPY")]
        explained = await wash.explain("00" * 32, "zh")

    assert view == {"contract": "booking", "view": "preview_cancel", "args": {"booking": "bkg1x"}}
    assert same == {**view, "contract": BOOKING_TEXT}
    assert account["account"] == ALICE_TEXT
    assert amounts == [680, 680, 0]
    assert explained["sentence"] == "explained in zh"


async def test_a_connection_that_is_lost_before_the_answer_is_tried_once_more() -> None:
    node = FakeNode(script=[cut])

    async with running(node) as url, AsyncWash(url) as wash:
        head = await wash.head()

    assert head == {"height": 7}


async def test_what_may_not_happen_twice_is_not_tried_again() -> None:
    node = FakeNode(script=[cut])

    async with running(node) as url, AsyncWash(url) as wash:
        with pytest.raises(NodeUnreachable):
            await wash.dev.mine(1)
        mined = await wash.dev.mine(2)

    assert mined == {"blocks": 2}
    assert node.calls == [("dev_mine", {"count": 2})]


async def test_a_node_that_is_not_there_is_told_plainly() -> None:
    async with running(FakeNode()) as url:
        pass  # the port is free again

    async with AsyncWash(url) as wash:
        with pytest.raises(NodeUnreachable, match="is the node running") as caught:
            await wash.head()

    assert caught.value.data == {"sent": False}


async def test_a_node_that_is_busy_is_left_alone_and_asked_again() -> None:
    limited = answer_text("", 429, **{"Retry-After": "0"})
    node = FakeNode(script=[limited, limited])
    node.faults["chain_head"] = [RpcFault(-32002, "RATE_LIMITED", retry_after_ms=1)]

    async with running(node) as url, AsyncWash(url) as wash:
        head = await wash.head()

    assert head == {"height": 7}
    assert node.count("chain_head") == 2


async def test_a_node_that_stays_busy_is_given_up_on() -> None:
    node = FakeNode(faults={"chain_head": [RpcFault(-32002, "RATE_LIMITED", retry_after_ms=1)] * 9})
    soon = answer_text("", 429, **{"Retry-After": "86400"})

    async with running(node) as url, AsyncWash(url) as wash:
        with pytest.raises(RateLimited):
            await wash.head()
        node.script.append(soon)
        with pytest.raises(RateLimited) as caught:
            await wash.head()

    assert node.count("chain_head") == 6
    assert caught.value.retry_after_ms == 86_400_000


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        ("<html>", 200, BadAnswer),
        ("", 200, BadAnswer),
        ("[]", 200, BadAnswer),
        ('{"jsonrpc":"2.0","id":99,"result":1}', 200, BadAnswer),
        ('{"jsonrpc":"2.0","id":true,"result":1}', 200, BadAnswer),
        ('{"jsonrpc":"1.0","id":1,"result":1}', 200, BadAnswer),
        ('{"jsonrpc":"2.0","id":1}', 200, BadAnswer),
        ('{"jsonrpc":"2.0","id":1,"error":7}', 200, BadAnswer),
        ("[" * 100_000, 200, BadAnswer),
        ("nothing here", 404, BadAnswer),
        ("", 401, Unauthenticated),
        ("", 403, Forbidden),
        ("", 413, InvalidParams),
        ("", 503, NodeNotReady),
        ('{"jsonrpc":"2.0","id":null,"error":{"code":-32004,"message":"no"}}', 403, Forbidden),
    ],
)
async def test_whatever_is_no_answer_is_a_typed_error(
    text: str, status: int, expected: type[WashRpcError]
) -> None:
    script = [answer_text(text, status)] * 2
    node = FakeNode(script=script)

    async with running(node) as url, AsyncWash(url) as wash:
        with pytest.raises(WashRpcError) as caught:
            await wash.head()

    assert type(caught.value) is expected


async def test_an_answer_beyond_the_bound_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.client.transport.ANSWER_BYTES_MAX", 1_000)
    node = FakeNode(script=[answer_text("1" * 200_000)])

    async with running(node) as url, AsyncWash(url) as wash:
        with pytest.raises(BadAnswer, match="more than 1000 bytes"):
            await wash.head()


async def test_a_redirect_does_not_get_the_token() -> None:
    other = FakeNode()

    async with running(other) as elsewhere:
        away = answer_text("", 307, Location=elsewhere + "/rpc")
        async with running(FakeNode(script=[away])) as url, AsyncWash(url, token="t") as wash:
            with pytest.raises(BadAnswer):
                await wash.head()

    assert other.headers == []


async def test_a_slow_node_runs_into_the_time_limit() -> None:
    async with running(FakeNode()) as url, AsyncWash(url, timeout_s=0.000_001) as wash:
        with pytest.raises(NodeUnreachable, match="no answer from"):
            await wash.head()


@pytest.mark.parametrize("url", ["", "127.0.0.1:8787", "ftp://x", "http://"])
async def test_what_is_no_address_is_refused(url: str) -> None:
    async with AsyncWash(url) as wash:
        with pytest.raises(InvalidParams) as caught:
            await wash.head()

    assert caught.value.data == {"field": "url"}


async def test_parameters_without_a_json_form_are_refused_before_anything_is_sent() -> None:
    async with AsyncWash("http://127.0.0.1:1") as wash:
        for value in (b"bytes", float("nan"), {1, 2}):
            with pytest.raises(InvalidParams):
                await wash.rpc("chain_head", value=value)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (1003, WrongChain),
        (1004, Refused),
        (3001, Refused),
        (5002, Refused),
        (6001, NotFound),
        (-32602, InvalidParams),
        (-32003, Unauthenticated),
        (-32004, Forbidden),
        (-32002, RateLimited),
        (-32001, NodeNotReady),
        (-32603, WashRpcError),
        (7001, WashRpcError),
    ],
)
def test_each_kind_of_error_has_its_class(code: int, expected: type[WashRpcError]) -> None:
    data = {"name": "NAME", "zh": "不行", "retry": "later", "field": "x"}

    error = read_error({"code": code, "message": "no", "data": data})

    assert type(error) is expected
    facts = (error.code, error.name, error.message, error.zh, error.retry, error.data)
    assert facts == (code, "NAME", "no", "不行", "later", data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["jsonrpc", "id", "result", "error", "code", "message", "data"]), inner
        )
    ),
    max_leaves=8,
)


@given(json_values)
def test_no_answer_whatever_it_is_raises_anything_but_client_errors(answer: Any) -> None:
    text = json.dumps(answer).encode()

    for read in (lambda: read_result(read_json(text), 1), lambda: read_batch(read_json(text), [1])):
        with contextlib.suppress(WashRpcError):
            read()
