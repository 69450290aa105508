"""Transactions: built here, signed here, and sent until there is an outcome."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from chain.crypto import Signer, verify_signature
from chain.errors import MalformedBytesError
from chain.transaction import Call, Transfer, read_transaction, sponsor_bytes
from node.client import (
    AsyncWash,
    BadAnswer,
    Expired,
    Identity,
    InvalidParams,
    NodeUnreachable,
    NotFound,
    Refused,
    StillPending,
)
from node.client.nonces import Nonces
from tests.node.client.fake_node import (
    ALICE,
    ALICE_TEXT,
    BOOKING,
    BOOKING_TEXT,
    CHAIN_ID,
    CNY,
    CNY_TEXT,
    SHOP,
    SHOP_TEXT,
    TIME,
    FakeNode,
    RpcFault,
    running,
)

PAY = {"type": "transfer", "asset": "CNY", "to": SHOP_TEXT, "amount": 680}
SLOT_TAKEN = {"code": 3001, "name": "SLOT_TAKEN", "message": "taken", "zh": "已被预约",
              "retry": "never", "reason": "slot_taken"}  # fmt: skip


def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def only(node: FakeNode) -> Any:
    (tx,) = node.taken.values()
    return tx


async def test_what_is_signed_is_what_was_asked_for() -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        final = await wash.send([PAY])

    tx = only(node)
    body = tx.body
    assert body.actions == (Transfer(CNY, SHOP.public_key, 680),)
    assert (body.chain_id, body.account, body.key) == (CHAIN_ID, ALICE.public_key, None)
    assert (body.nonce, body.valid_until, body.gas_limit) == (0, TIME + 600_000, 50_000)
    assert [verify_signature(*one) for one in tx.signatures()] == [True]
    assert (final.tx_id, final.ok, final.code, final.name) == (tx.tx_id.hex(), True, 0, "OK")
    assert final.event("chain.transferred") == {"amount": 1}


async def test_a_contract_is_called_by_names_and_its_answer_can_not_redirect_money() -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        await wash.call("booking.request", funds=6800, shop=SHOP_TEXT, start=TIME)
        await wash.call((BOOKING, "request"), {"shop": SHOP_TEXT, "start": 1})

    calls = [tx.body.actions for tx in node.taken.values()]
    first = Call(BOOKING, "request", (SHOP.public_key, TIME), 6800)
    assert calls == [(first,), (Call(BOOKING, "request", (SHOP.public_key, 1), 0),)]
    assert node.count("contract_get") == 2  # by its name and by its id, each once


async def test_a_node_that_answers_about_another_contract_is_not_believed() -> None:
    other = "ctr1" + "q" * 58
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        with pytest.raises((BadAnswer, MalformedBytesError)):
            await wash.call((other, "request"), {"shop": SHOP_TEXT, "start": 1})
        with pytest.raises(BadAnswer, match="told about"):
            await wash.call((b"X" * 32, "request"), {"shop": SHOP_TEXT, "start": 1})

    assert node.taken == {}


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ({**PAY, "amount": -1}, "actions[0].amount"),
        ({**PAY, "to": BOOKING_TEXT}, "actions[0].to"),
        ({**PAY, "more": 1}, "actions[0].more"),
        ({"type": "no"}, "actions[0].type"),
    ],
)
async def test_what_can_not_be_an_action_is_refused_with_its_place(
    action: dict[str, Any], field: str
) -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        with pytest.raises(InvalidParams) as caught:
            await wash.send([action])

    assert caught.value.data["field"] == field


async def test_many_at_once_get_nonces_of_their_own() -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        finals = await asyncio.gather(*[wash.send([{**PAY, "amount": n}]) for n in range(40)])

    assert sorted(tx.body.nonce for tx in node.taken.values()) == list(range(40))
    assert len({final.tx_id for final in finals}) == 40


async def test_a_nonce_that_another_program_took_is_replaced() -> None:
    node = FakeNode(faults={"tx_submit": [RpcFault(1004, "NONCE_USED", nonce=0)]})

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        final = await wash.send([PAY])

    assert final.ok
    assert node.count("tx_build") == 2


async def test_a_failed_receipt_is_raised_unless_it_is_wanted() -> None:
    node = FakeNode(failing=SLOT_TAKEN)

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        with pytest.raises(Refused) as caught:
            await wash.send([PAY])
        final = await wash.send([PAY], check=False)

    error = caught.value
    facts = (error.code, error.name, error.message, error.zh, error.reason)
    assert facts == (3001, "SLOT_TAKEN", "taken", "已被预约", "slot_taken")
    assert error.final is not None
    assert (final.ok, final.code, final.name) == (False, 3001, "SLOT_TAKEN")


async def test_a_refusal_before_any_block_is_the_same_class_and_code() -> None:
    node = FakeNode(faults={"tx_submit": [RpcFault(2001, "INSUFFICIENT_FUNDS", have=1, need=2)]})

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        with pytest.raises(Refused) as caught:
            await wash.send([PAY])

    assert (caught.value.code, caught.value.final, caught.value.data["need"]) == (2001, None, 2)


async def test_the_same_bytes_are_sent_again_when_the_connection_is_lost() -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        signed = await wash.sign(await wash.build([PAY]))
        node.script = [cut, cut, cut, cut, cut]
        final = await wash.submit_and_wait(signed)

    assert final.tx_id == signed.tx_id
    assert list(node.taken) == [signed.tx_id]


async def test_a_node_that_forgot_what_waited_gets_the_same_bytes() -> None:
    node = FakeNode(is_settling=False)

    async def forget() -> None:
        await node.was_given.wait()
        node.taken.clear()
        node.is_settling = True

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        final, _ = await asyncio.gather(wash.send([PAY]), forget())

    assert list(node.taken) == [final.tx_id]
    assert node.count("tx_submit") == 2


async def test_the_refusal_of_bytes_that_came_through_before_is_no_refusal() -> None:
    node = FakeNode()

    def take_and_cut(request: web.Request) -> web.StreamResponse:
        node.taken[signed.tx_id] = read_transaction(signed.data)
        return cut(request)

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        signed = await wash.sign(await wash.build([PAY]))
        node.script = [take_and_cut, cut]
        node.faults["tx_submit"] = [RpcFault(1004, "NONCE_USED")]
        final = await wash.submit_and_wait(signed)

    assert (final.tx_id, final.ok) == (signed.tx_id, True)


async def test_bytes_whose_time_is_over_after_a_lost_connection_are_expired() -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        signed = await wash.sign(await wash.build([PAY]))
        node.script = [cut, cut]
        node.faults["tx_submit"] = [RpcFault(1006, "EXPIRED")]
        with pytest.raises(Expired) as caught:
            await wash.submit_and_wait(signed)

    assert caught.value.tx_id == signed.tx_id


async def test_what_the_node_signed_again_is_followed_and_not_for_ever() -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        first, second = [await wash.sign(await wash.build([PAY])) for _ in range(2)]
        node.taken[second.tx_id] = read_transaction(second.data)
        node.renewed[first.tx_id] = second.tx_id
        final = await wash.submit_and_wait(first)
        node.renewed[second.tx_id] = first.tx_id
        with pytest.raises(Expired):
            await wash.wait(first.tx_id)

    assert (final.tx_id, final.ok) == (second.tx_id, True)


async def test_bytes_that_are_good_for_too_long_are_not_told_as_expired() -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        signed = await wash.sign(await wash.build([PAY]))
        node.script = [cut, cut]
        node.faults["tx_submit"] = [RpcFault(1006, "EXPIRED", latest=1, valid_until=2)]
        with pytest.raises(Refused) as caught:  # they may yet be good, when it is later there
            await wash.submit_and_wait(signed)

    assert caught.value.code == 1006


async def test_a_full_node_is_asked_again() -> None:
    node = FakeNode(faults={"tx_submit": [RpcFault(1010, "MEMPOOL_FULL", retry="later")] * 2})

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        final = await wash.send([PAY])

    assert final.ok
    assert node.count("tx_submit") == 3


async def test_no_outcome_in_time_is_still_pending_and_can_be_waited_for_later() -> None:
    node = FakeNode(is_settling=False)

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        with pytest.raises(StillPending) as caught:
            await wash.send([PAY], timeout_s=0.05)
        node.is_settling = True
        final = await wash.wait(caught.value.tx_id)

    assert final.tx_id == caught.value.tx_id


async def test_bytes_that_never_left_are_not_pending() -> None:
    async with running(FakeNode()) as url, AsyncWash(url, key=ALICE) as wash:
        signed = await wash.sign(await wash.build([PAY]))

    async with AsyncWash(url) as wash:
        with pytest.raises(NodeUnreachable):
            await wash.submit_and_wait(signed, timeout_s=0.05)


async def test_waiting_for_what_nobody_sent_ends_with_not_found() -> None:
    async with running(FakeNode()) as url, AsyncWash(url) as wash:
        with pytest.raises(NotFound):
            await wash.wait("00" * 32, timeout_s=0.05)


async def test_what_was_dropped_before_any_block_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    error = {"code": 1008, "message": "sponsor", "data": {"name": "SPONSOR_REQUIRED", "zh": "z"}}
    answer = {"status": "failed", "error": error}
    monkeypatch.setattr(FakeNode, "tx_wait", lambda _self, _params: answer)

    async with running(FakeNode()) as url, AsyncWash(url) as wash:
        with pytest.raises(Refused) as caught:
            await wash.wait("00" * 32)

    assert (caught.value.code, caught.value.name, caught.value.zh) == (
        1008,
        "SPONSOR_REQUIRED",
        "z",
    )


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"status": "done"},
        {"status": "final"},
        {"status": "final", "receipt": {"id": "11" * 32, "height": 1, "time": 1, "ok": True}},
        {"status": "final", "receipt": {"id": "00" * 32, "height": 1, "time": 1, "ok": True}},
        [],
    ],
)
async def test_a_status_that_makes_no_sense_is_a_bad_answer(
    answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeNode, "tx_wait", lambda _self, _params: answer)

    async with running(FakeNode()) as url, AsyncWash(url) as wash:
        with pytest.raises(BadAnswer):
            await wash.wait("00" * 32)


async def test_a_sponsor_that_is_a_key_signs_here() -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=ALICE, sponsor=SHOP) as wash:
        await wash.send([PAY])
        named = Identity(SHOP.public_key, Signer(b"2" * 32))
        body = await wash.build([PAY], sponsor=named, nonce=9, valid_until=5, gas_limit=7)
        signed = await wash.sign(body, sponsor=named)

    tx = only(node)
    assert tx.body.sponsor == SHOP.public_key
    assert [verify_signature(*one) for one in tx.signatures()] == [True, True]
    cosignature = read_transaction(signed.data).cosignature
    assert cosignature is not None
    assert verify_signature(cosignature.key, sponsor_bytes(body), cosignature.signature)
    assert (body.nonce, body.valid_until, body.gas_limit) == (9, 5, 7)


async def test_a_trial_run_costs_no_nonce_and_raises_what_would_happen() -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=ALICE) as wash:
        good = await wash.simulate([PAY])
        node.failing = SLOT_TAKEN
        with pytest.raises(Refused) as caught:
            await wash.simulate([PAY])
        body = await wash.build([PAY])

    assert good["gas_used"] == 9
    assert caught.value.code == 3001
    assert body.nonce == 0


async def test_nothing_is_sent_without_a_key() -> None:
    async with AsyncWash("http://127.0.0.1:1") as wash:
        with pytest.raises(InvalidParams) as caught:
            await wash.send([PAY])

    assert caught.value.data == {"field": "key"}


@pytest.mark.parametrize("key", [b"short", "zz", "00" * 31])
def test_a_bad_seed_is_refused_without_repeating_it(key: bytes | str) -> None:
    with pytest.raises(MalformedBytesError) as caught:
        AsyncWash(key=key)

    assert str(key) not in str(caught.value)


async def test_another_account_of_the_same_key_is_named_in_the_transaction() -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url, key=b"k" * 32, account=ALICE_TEXT) as wash:
        await wash.send([{**PAY, "asset": CNY_TEXT}])

    body = only(node).body
    assert (body.account, body.key) == (ALICE.public_key, Signer(b"k" * 32).public_key)
    assert node.count("asset_get") == 0  # an id needs no look-up


def test_nonces_are_given_out_once_and_the_last_can_come_back() -> None:
    nonces = Nonces()

    first = [nonces.take(b"a", b"k", 5) for _ in range(3)]
    nonces.give_back(b"a", b"k", 5)
    nonces.give_back(b"a", b"k", 7)
    then = [nonces.take(b"a", b"k", 0), nonces.take(b"a", b"k", 20), nonces.take(b"b", b"k", 1)]
    nonces.forget(b"a", b"k")

    assert (first, then, nonces.take(b"a", b"k", 3)) == ([5, 6, 7], [7, 20, 1], 3)
