"""The client at its edges: bad ABIs, lying nodes, lines that are refused."""

from typing import Any

import pytest

from chain.crypto import Signer
from chain.errors import MalformedBytesError
from chain.ids import encode_id
from chain.transaction import SIGNING_PREFIX
from node.client import (
    AsyncWash,
    BadAnswer,
    Final,
    InvalidParams,
    NodeUnreachable,
    NotFound,
    Refused,
    Wash,
    WrongChain,
)
from node.client.accounts import read_account, show_account
from node.client.errors import read_error
from node.client.interface import Interface
from node.rpc.forms.abi_values import AssetLabel
from tests.node.client.fake_node import (
    ABI,
    ALICE,
    ALICE_TEXT,
    BOOKING,
    CNY,
    SHOP,
    SHOP_TEXT,
    TIME,
    FakeNode,
    RpcFault,
    running,
)

PAY = {"type": "transfer", "asset": "CNY", "to": SHOP_TEXT, "amount": 680}


def test_an_interface_reads_and_shows_the_same_arguments() -> None:
    interface = Interface(BOOKING, ABI, {"cash": AssetLabel(CNY, "CNY")})
    named = {"shop": SHOP_TEXT, "start": TIME}

    values = interface.read_arguments("request", named, "arguments")

    assert values == (SHOP.public_key, TIME)
    assert interface.show_arguments("request", values) == named
    assert interface.show_arguments("nothing", values) is None
    assert [interface.funds_asset(one) for one in ("request", "nothing")] == [CNY, None]


@pytest.mark.parametrize("abi", [None, [], {}, {**ABI, "actions": [{}]}])
async def test_an_abi_that_is_none_is_a_bad_answer(
    abi: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = FakeNode()
    good = node.contract_get({})
    bad = {**good, "data": {**good["data"], "abi": abi}}
    monkeypatch.setattr(FakeNode, "contract_get", lambda _self, _params: bad)

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        with pytest.raises(BadAnswer):
            await wash.call("booking.request", shop=SHOP_TEXT, start=1)


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("node_info", {"chain_id": "00"}),
        ("node_info", {"chain_id": "zz" * 32}),
        ("node_info", []),
        ("tx_build", {"nonce": -1}),
        ("tx_build", {"nonce": 1, "valid_until": 1, "gas_limit": "1"}),
        ("tx_build", None),
        ("tx_submit", {"tx_id": 1}),
        ("asset_get", {"asset": 1, "symbol": "CNY"}),
        ("asset_get", {"asset": "ast1nonsense", "symbol": "CNY"}),
    ],
)
async def test_a_node_that_answers_nonsense_gets_nothing_signed_or_sent_twice(
    method: str, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeNode, method, lambda _self, _params: answer)
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        with pytest.raises(BadAnswer):
            await wash.send([PAY])

    assert node.taken == {}


async def test_a_function_or_contract_that_can_not_be_is_refused_here() -> None:
    async with running(FakeNode()) as url, AsyncWash(url, key=ALICE) as wash:
        for name in ("request", ".request", "booking."):
            with pytest.raises(InvalidParams):
                await wash.call(name)
        with pytest.raises(InvalidParams, match="no action 'reqest'; there are: request"):
            await wash.call("booking.reqest")


async def test_a_node_that_sponsors_nobody_and_one_that_signs_wrongly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = FakeNode()
    info = node.node_info({})
    bad = {"key": SHOP.public_key.hex(), "signature": "00" * 64}

    async with running(node) as url:
        async with AsyncWash(url, key=ALICE, sponsor="node") as wash:
            with pytest.raises(NotFound, match="sponsors nobody"):
                await wash.send([PAY])
        monkeypatch.setattr(FakeNode, "node_info", lambda _s, _p: {**info, "sponsor": SHOP_TEXT})
        monkeypatch.setattr(FakeNode, "tx_sponsor", lambda _s, _p: bad, raising=False)
        async with AsyncWash(url, key=ALICE, sponsor="node") as wash:
            with pytest.raises(BadAnswer, match="not over the transaction"):
                await wash.send([PAY])

    assert node.taken == {}


async def test_a_node_that_co_signs_as_a_sender_would_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = FakeNode()
    info = {**node.node_info({}), "sponsor": SHOP_TEXT}
    asked: list[bool] = []

    def sponsor(_self: FakeNode, params: dict[str, Any]) -> dict[str, str]:
        asked.append(params["attest"])
        message = SIGNING_PREFIX + bytes.fromhex(params["body"])
        return {"key": SHOP.public_key.hex(), "signature": SHOP.sign(message).hex()}

    monkeypatch.setattr(FakeNode, "node_info", lambda _s, _p: info)
    monkeypatch.setattr(FakeNode, "tx_sponsor", sponsor, raising=False)

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        with pytest.raises(BadAnswer, match="not over the transaction"):
            await wash.send([PAY], sponsor="node")
        with pytest.raises(BadAnswer, match="not over the transaction"):
            await wash.send([PAY], sponsor="node_attests")

    assert (node.taken, asked) == ({}, [False, True])


async def test_a_client_of_one_chain_signs_for_no_other() -> None:
    node = FakeNode()
    here = bytes.fromhex(node.node_info({})["chain_id"])
    there = bytes(32)

    async with (
        running(node) as url,
        AsyncWash(url, key=ALICE, chain_id=here.hex()) as good,
        AsyncWash(url, key=ALICE, chain_id=there) as other,
    ):
        await good.send([PAY])
        body = await good.build([PAY])
        with pytest.raises(WrongChain) as built:
            await other.send([PAY])
        with pytest.raises(WrongChain) as signed:
            await other.sign(body)

    assert len(node.taken) == 1
    for caught in (built, signed):
        assert caught.value.data == {"expected": there.hex(), "found": here.hex()}
        assert caught.value.code == 1003


@pytest.mark.parametrize("chain_id", ["c4", "zz" * 32, b"", bytes(31)])
def test_an_id_that_is_no_chains_is_refused(chain_id: bytes | str) -> None:
    with pytest.raises(MalformedBytesError, match="no chain's id"):
        Wash(chain_id=chain_id)


async def test_a_nonce_that_stays_taken_is_given_up_on() -> None:
    used = [RpcFault(1004, "NONCE_USED"), RpcFault(1005, "NONCE_STALE"), RpcFault(1013, "FAR")]
    node = FakeNode(faults={"tx_submit": [*used]})

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        with pytest.raises(Refused) as caught:
            await wash.send([PAY])

    assert (caught.value.code, node.count("tx_build")) == (1013, 3)


async def test_a_place_without_a_stream_is_told_at_once() -> None:
    async with running(FakeNode()) as url, AsyncWash(url + "/elsewhere") as wash:
        with pytest.raises(NodeUnreachable, match="404"):
            await anext(wash.events())


async def test_a_subscription_that_is_given_up_by_the_node_begins_again() -> None:
    node = FakeNode()
    node.emit(2)

    async with running(node) as url, AsyncWash(url) as wash:
        stream = wash.events(after="earliest")
        first = (await anext(stream))["n"], (await anext(stream))["n"]
        error = {"code": 6001, "message": "no such subscription"}
        await node.lines[0].say({"jsonrpc": "2.0", "id": 9, "error": error})
        node.emit(1)
        second = (await anext(stream))["n"]
        await stream.close()

    assert (first, second) == ((0, 1), 2)


def test_accounts_have_two_forms() -> None:
    assert read_account(ALICE_TEXT) == read_account(ALICE.public_key) == ALICE.public_key
    assert show_account(ALICE.public_key) == show_account(ALICE_TEXT) == ALICE_TEXT
    for wrong in (b"short", encode_id("ctr", Signer(b"c" * 32).public_key)):
        with pytest.raises(MalformedBytesError):
            read_account(wrong)


def test_an_outcome_without_the_event_says_what_there_is() -> None:
    final = Final("00", 1, 2, True, 0, "OK", {"events": [{"type": "booking.Paid", "values": {}}]})

    with pytest.raises(KeyError, match=r"there are: booking\.Paid"):
        final.event("booking.Closed")


def test_an_error_that_is_no_error_is_a_bad_answer() -> None:
    assert type(read_error({"code": True, "message": 1})) is BadAnswer
