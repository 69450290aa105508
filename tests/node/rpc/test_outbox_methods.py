"""What no block has: kept, told, signed again once it is proven, and never done twice."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from chain.transaction import read_transaction
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.live import unsent
from node.rpc.methods import outbox, tx, tx_build, tx_explain
from node.rpc.methods.node import Vitals, find_warnings
from node.rpc.registry import collect
from tests.node.rpc import asking
from tests.node.rpc.asking import PAY, Asker, acct, request
from tests.node.rpc.test_node_methods import WELL

OPEN = {"type": "call", "contract": "shops", "function": "open_shop", "arguments": {}, "funds": 0}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    methods = collect(tx, tx_build, tx_explain, outbox)
    monkeypatch.setattr(asking, "REGISTRY", methods)
    made = Asker(tmp_path, "shop")
    yield made
    made.node.close()


async def unsent_of(shop: Asker, name: str, action: dict[str, Any], **more: Any) -> str:
    """Let a transaction wait that no block gets to see: the line is down."""
    built = await shop.build(name, action, **more)
    made = await shop.sign(name, built, "sparkle" if "sponsor" in more else None)
    signed = read_transaction(bytes.fromhex(made["tx"]))
    shop.node.outbox.add(signed.tx_id, signed.data)
    return str(made["tx_id"])


async def pass_by(shop: Asker, duration_ms: int) -> None:
    """Let blocks of others arrive after a time, without what waits here."""
    shop.make_block(shop.wall.now_ms + duration_ms)
    shop.make_block()
    await shop.node.unsent.take()


async def renewed(shop: Asker) -> None:
    """Let the node sign again what it can."""
    with suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await shop.node.unsent.run()


async def listed(shop: Asker) -> dict[str, tuple[str, bool]]:
    found = await shop.ask("outbox_list")
    return {one["tx_id"]: (one["state"], one["renewed_here"]) for one in found["items"]}


async def test_what_a_shop_signed_is_signed_again_by_its_node_once_it_is_proven_to_be_over(
    shop: Asker,
) -> None:
    old = await unsent_of(shop, "sparkle", OPEN)
    await pass_by(shop, HOUR_MS)
    before = await listed(shop), (await shop.ask("tx_get", tx_id=old))["status"]

    await renewed(shop)
    (new,) = await listed(shop)
    told = await shop.ask("tx_get", tx_id=old)
    shop.make_block()
    final = await shop.ask("tx_get", tx_id=new)

    assert before == ({old: ("expired", True)}, "pending")
    assert (told["status"], told["renewed_as"]) == ("expired", new)
    assert (final["status"], await listed(shop)) == ("final", {})


async def test_steps_are_signed_again_in_the_order_in_which_they_were_taken(shop: Asker) -> None:
    close = {**OPEN, "function": "close_shop"}
    old = [await unsent_of(shop, "sparkle", [OPEN, close][n % 2], nonce=n) for n in range(6)]
    await pass_by(shop, HOUR_MS)
    await renewed(shop)
    shop.make_block()
    new = [(await shop.ask("tx_get", tx_id=one))["renewed_as"] for one in old]
    places = [(await shop.ask("tx_get", tx_id=one))["receipt"]["index"] for one in new]

    assert places == sorted(places)


async def test_what_moves_money_or_is_somebody_elses_waits_for_a_signature(shop: Asker) -> None:
    paid = await unsent_of(shop, "sparkle", PAY)
    booked = await unsent_of(shop, "alice", request(shop), sponsor=acct("sparkle"))
    await pass_by(shop, HOUR_MS)
    await renewed(shop)

    assert await listed(shop) == {paid: ("expired", False), booked: ("expired", False)}
    assert shop.node.unsent.to_sign() == 2
    codes = [one["code"] for one in find_warnings(Vitals(**WELL, to_sign=2))]
    assert codes == ["SIGN_AGAIN"]


async def test_a_time_that_is_over_by_the_clock_alone_proves_nothing(shop: Asker) -> None:
    """The line went down just as it was sent: a block elsewhere may have it."""
    old = await unsent_of(shop, "sparkle", OPEN)
    shop.wall.now_ms += HOUR_MS
    await shop.node.unsent.take()
    await renewed(shop)
    waiting = await listed(shop)
    late = shop.node.unsent.late()

    assert waiting == {old: ("waiting", False)}
    assert late == (1, HOUR_MS)


async def test_a_client_signs_again_once(shop: Asker) -> None:
    old = await unsent_of(shop, "alice", PAY)
    await pass_by(shop, HOUR_MS)
    fresh = [await shop.sign("alice", await shop.build("alice", PAY, nonce=n)) for n in (7, 8)]

    taken = await shop.ask("outbox_renew", tx_id=old, tx=fresh[0]["tx"])
    code, _text = await shop.refusal("outbox_renew", tx_id=old, tx=fresh[1]["tx"])
    shop.make_block()
    final = await shop.ask("tx_get", tx_id=taken["tx_id"])

    assert (taken["tx_id"], code) == (fresh[0]["tx_id"], 4020)
    assert (final["status"], await listed(shop)) == ("final", {})


@pytest.mark.parametrize(
    ("name", "action", "what"),
    [("alice", {**PAY, "amount": 9}, "actions"), ("carol", PAY, "account")],
)
async def test_another_deed_is_no_renewal(
    shop: Asker, name: str, action: dict[str, Any], what: str
) -> None:
    old = await unsent_of(shop, "alice", PAY)
    await pass_by(shop, HOUR_MS)
    other = await shop.sign(name, await shop.build(name, action, nonce=7))

    code, text = await shop.refusal("outbox_renew", tx_id=old, tx=other["tx"])

    assert (code, what in text, await listed(shop)) == (4020, True, {old: ("expired", False)})


async def test_what_is_refused_in_the_end_stays_with_its_reason_until_it_is_dropped(
    shop: Asker,
) -> None:
    old = await unsent_of(shop, "alice", PAY)
    await shop.do("alice", {**PAY, "amount": 9})  # under the same number
    await pass_by(shop, MINUTE_MS)
    (item,) = (await shop.ask("outbox_list"))["items"]
    waiting = await unsent_of(shop, "carol", PAY)
    kept, _text = await shop.refusal("outbox_drop", tx_id=waiting)
    await shop.ask("outbox_drop", tx_id=old)

    assert (item["state"], item["error"]["name"], kept) == ("refused", "NONCE_USED", 4020)
    assert await listed(shop) == {waiting: ("waiting", False)}


async def test_a_step_that_failed_after_everybody_went_home_is_shown(shop: Asker) -> None:
    booked = await shop.do("alice", request(shop))
    (booking,) = [one["id"] for one in booked["creates"] if one["kind"] == "bkg"]
    step = {"type": "call", "contract": "booking", "function": "accept", "funds": 0,
            "arguments": {"id": booking}}  # fmt: skip
    old = await unsent_of(shop, "alice", step, gas_limit=100_000)  # not hers to take
    shop.wall.now_ms += 2 * MINUTE_MS
    await shop.node.unsent.take()  # the line is back
    shop.make_block()
    (item,) = (await shop.ask("outbox_list"))["items"]

    assert (item["tx_id"], item["state"]) == (old, "failed")
    assert (item["error"]["name"], item["error"]["zh"]) == ("ROLE", "只有门店可以执行此操作")


@pytest.mark.parametrize(("is_used", "state"), [(False, "expired"), (True, "unclear")])
async def test_where_older_blocks_are_missing_the_number_tells(
    shop: Asker,
    monkeypatch: pytest.MonkeyPatch,
    is_used: bool,  # noqa: FBT001
    state: str,
) -> None:
    """A snapshot has no blocks, and yet the numbers that every key has used."""
    monkeypatch.setattr(unsent, "is_over", lambda *_any: False)
    monkeypatch.setattr(unsent, "find_nonce", lambda *_any: is_used)
    old = await unsent_of(shop, "alice", PAY)
    await pass_by(shop, HOUR_MS)

    assert await listed(shop) == {old: (state, False)}


async def test_nothing_is_signed_again_while_nobody_is_heard_or_after_three_days(
    shop: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent, "hears_nobody", lambda _node: True)
    old = await unsent_of(shop, "sparkle", OPEN)
    await pass_by(shop, HOUR_MS)
    await renewed(shop)
    alone = await listed(shop)
    shop.wall.now_ms += 3 * DAY_MS

    assert alone == {old: ("expired", True)}
    assert await listed(shop) == {old: ("expired", False)}


async def test_what_is_signed_at_the_counter_is_good_for_a_day(shop: Asker) -> None:
    booked = await shop.do("alice", request(shop))
    (booking,) = [one["id"] for one in booked["creates"] if one["kind"] == "bkg"]
    step = {"type": "call", "contract": "booking", "funds": 0, "arguments": {"id": booking}}
    now = shop.node.block_time()

    valid = {
        name: (await shop.build("alice", {**step, "function": name}))["valid_until"] - now
        for name in ("check_in", "arrived", "confirm", "cancel_booking")
    }

    day = dict.fromkeys(("check_in", "arrived", "confirm"), DAY_MS)
    assert valid == {**day, "cancel_booking": 10 * MINUTE_MS}


async def test_a_shop_that_hears_nobody_co_signs_later_steps_of_a_visit(
    shop: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain does not know the first steps yet, so a trial run says nothing."""
    booked = await shop.do("alice", request(shop))
    (booking,) = [one["id"] for one in booked["creates"] if one["kind"] == "bkg"]
    confirm = {"type": "call", "contract": "booking", "function": "confirm", "funds": 0,
               "arguments": {"id": booking}}  # fmt: skip
    built = await shop.build("alice", confirm, sponsor=acct("sparkle"), gas_limit=100_000)
    code, _text = await shop.refusal("tx_sponsor", body=built["body"])
    monkeypatch.setattr(tx_build, "hears_nobody", lambda _node: True)

    cosigned = await shop.ask("tx_sponsor", body=built["body"])

    assert (code > 0, len(cosigned["signature"])) == (True, 128)
