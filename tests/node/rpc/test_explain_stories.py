"""What people are told of their transactions: whole stories."""

# ruff: noqa: RUF001 - Chinese has its own commas

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.types import DAY_MS
from node.demo.accounts import signer_of
from node.demo.catalogue import SPARKLE
from node.live.travel import travel
from tests.node.rpc.asking import Asker, acct, request
from tests.node.rpc.told import JARGON, masked, told


@pytest.fixture
def asker(tmp_path: Path) -> Iterator[Asker]:
    made = Asker(tmp_path)
    yield made
    made.node.close()


def about(booking: str, function: str, **arguments: Any) -> dict[str, Any]:
    return {
        "type": "call", "contract": "booking", "function": function,
        "arguments": {"id": booking, **arguments},
    }  # fmt: skip


async def test_a_booking_is_told_with_its_time_and_money(asker: Asker) -> None:
    built = await asker.do("alice", request(asker))

    english = await told(asker, built["tx_id"])
    chinese = await told(asker, built["tx_id"], lang="zh", utc_offset_min=480)
    shops = await told(asker, built["tx_id"], account=acct("sparkle"))

    assert english == (
        f'Done: You booked with "{SPARKLE.name}" (acct) from Thu 2026-04-16 12:00 to 12:30 UTC, '
        "price 68.00 CNY; "
        "68.00 CNY are on hold (still yours)."
    )
    assert chinese == (
        f'已生效：您预约"{SPARKLE.name}" (acct)，'
        "时间 2026-04-16 周四 20:00 至 20:30 UTC+08:00，价格 68.00 CNY；"
        "68.00 CNY 冻结中（未消费仍归您）。"
    )
    assert shops == (
        "Done: acct booked with you from Thu 2026-04-16 12:00 to 12:30 UTC, price 68.00 CNY; "
        "68.00 CNY are on hold (still the customer's)."
    )


async def test_a_cancellation_tells_how_the_money_was_split(asker: Asker) -> None:
    booked = await asker.do("alice", request(asker))
    booking = booked["creates"][0]["id"]

    cancelled = await asker.do("alice", about(booking, "cancel_booking"))

    assert await told(asker, cancelled["tx_id"]) == (
        "Done: You cancelled booking bkg; Booking bkg was cancelled by the customer: the shop "
        "keeps 0.00 CNY by the agreed rules, 68.00 CNY back to you."
    )


async def test_a_failure_tells_why_and_what_helps(asker: Asker) -> None:
    booked = await asker.do("alice", request(asker))

    failed = await asker.do("bob", about(booked["creates"][0]["id"], "cancel_booking"))

    assert await told(asker, failed["tx_id"]) == (
        "Did not go through, nothing taken: Cancel booking bkg; the agreed rules say what the "
        "shop keeps. Why: only the customer of this booking can do this."
    )


async def test_too_little_money_is_told(asker: Asker) -> None:
    pay = {"type": "transfer", "asset": "CNY", "to": acct("bob"), "amount": 2**40}

    built = await asker.do("alice", pay)

    assert await told(asker, built["tx_id"], lang="zh") == (
        "未成功，未扣款：您向acct支付 10,995,116,277.76 CNY。原因：余额不足，请充值后再试。"
    )


async def test_what_waits_is_told_as_in_progress(asker: Asker) -> None:
    pay = {"type": "transfer", "asset": "CNY", "to": acct("bob"), "amount": 100}
    built = await asker.build("alice", pay)
    await asker.ask("tx_submit", tx=(await asker.sign("alice", built))["tx"])

    assert await told(asker, built["tx_id"]) == "In progress: Pay 1.00 CNY to acct."


async def test_what_came_too_late_took_nothing(asker: Asker) -> None:
    pay = {"type": "transfer", "asset": "CNY", "to": acct("bob"), "amount": 100}
    built = await asker.build("alice", pay)
    await asker.ask("tx_submit", tx=(await asker.sign("alice", built))["tx"])
    offered, asker.node.pool.offer = asker.node.pool.offer, lambda *_: []  # type: ignore[method-assign]
    asker.make_block(built["valid_until"] + 1)
    asker.node.pool.offer = offered  # type: ignore[method-assign]

    answer = await asker.ask("tx_explain", tx_id=built["tx_id"])

    assert answer == {
        "status": "expired",
        "sentence": "Did not go through in time, nothing taken. "
        "Make it again if it is still wanted.",
        "steps": [],
    }


async def test_a_missed_visit_is_told_though_nobody_sent_anything(asker: Asker) -> None:
    await asker.do("sparkle", {"type": "call", "contract": "shops", "function": "open_shop"})
    await asker.do("alice", request(asker))
    first = asker.node.ledger.height + 1
    await travel(asker.node, asker.wall.now_ms + 3 * DAY_MS)

    stories = [
        masked((await asker.ask("tx_explain", height=height, index=0))["sentence"])
        for height in range(first, asker.node.ledger.height + 1)
        if asker.node.ledger.store.receipts(height)
    ]

    assert len(stories) >= 1
    assert all(one.startswith("Done by itself when it was due: ") for one in stories)
    assert any("Missed visit, booking bkg" in one for one in stories)


async def test_what_nobody_knows_is_not_found(asker: Asker) -> None:
    unknown = await asker.refusal("tx_explain", tx_id="00" * 32)
    beyond = await asker.refusal("tx_explain", height=10**9, index=0)
    both = await asker.refusal("tx_explain", tx_id="00" * 32, height=1, index=0)
    half = await asker.refusal("tx_explain", height=1)

    assert [one[0] for one in (unknown, beyond, both, half)] == [6001, 6001, -32602, -32602]


async def test_the_whole_set_up_of_a_chain_can_be_told(asker: Asker) -> None:
    store = asker.node.ledger.store
    stories = [
        await asker.ask("tx_explain", height=height, index=index, lang=lang)
        for lang in ("en", "zh")
        for height in range(1, asker.node.ledger.height + 1)
        for index in range(len(store.receipts(height)))
    ]

    shown = json.dumps(stories, ensure_ascii=False)

    assert len(stories) > 10
    assert JARGON.search(shown) is None
    assert signer_of("operator").public_key.hex() not in shown
