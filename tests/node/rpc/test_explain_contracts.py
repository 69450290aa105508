"""One action of every standard contract, as a running node tells people of it."""

# ruff: noqa: RUF001 - Chinese has its own commas

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.governance import contract_by_name
from chain.ids import encode_id
from chain.types import DAY_MS
from node import catalog
from node.demo.accounts import account_of
from node.live.views import look
from tests.node.demo.setting import NOON
from tests.node.rpc.asking import Asker, acct, request
from tests.node.rpc.story import call_action
from tests.node.rpc.told import JARGON, masked, told

UNTIL = NOON + 30 * DAY_MS
NOTHING, SOMETHING = "00" * 32, "5a" * 32
SHOP = '"Sparkle Car Wash / 亮洁洗车" (acct)'
SPAN, SPAN_ZH = "Fri 2026-05-15 20:00 UTC+08:00", "2026-05-15 周五 20:00 UTC+08:00"
# Per contract: the sentence, then what its events tell, in both languages.
TOLD: dict[str, tuple[list[str], list[str]]] = {
    "booking": (
        [
            (
                f"Done: You booked with {SHOP} from Thu 2026-04-16 20:00 to 20:30 UTC+08:00, price "
                "68.00 CNY; 68.00 CNY are on hold (still yours)."
            ),
            (
                "Booking bkg is made for Thu 2026-04-16 20:00 UTC+08:00: price 68.00 CNY, "
                "68.00 CNY on hold"
            ),
            "Booking bkg is accepted",
        ],
        [
            (
                f"已生效：您预约{SHOP}，时间 2026-04-16 周四 20:00 至 20:30 UTC+08:00，"
                "价格 68.00 CNY；68.00 CNY 冻结中（未消费仍归您）。"
            ),
            "预约 bkg 已提交，时间 2026-04-16 周四 20:00 UTC+08:00：价格 68.00 CNY，冻结 68.00 CNY",
            "预约 bkg 已接受",
        ],
    ),
    "consent": (
        [
            (
                "Done: You asked acct to be allowed to read details, to deal with a complaint, "
                f"until {SPAN}."
            ),
            f"You asked acct for leave to read details, to deal with a complaint, until {SPAN}",
        ],
        [
            f"已生效：您请求读取acct的资料（用于处理投诉），至 {SPAN_ZH}。",
            f"您请求读取acct的资料（用于处理投诉），至 {SPAN_ZH}",
        ],
    ),
    "loyalty": (
        [
            f"Done: You let {SHOP} make offers until {SPAN}.",
            f"You let {SHOP} make offers until {SPAN}",
        ],
        [
            f"已生效：您允许{SHOP}在 {SPAN_ZH} 前提供优惠。",
            f"您允许{SHOP}在 {SPAN_ZH} 前提供优惠",
        ],
    ),
    "money": (
        [
            (
                "Done: You asked acct to pay out 200.00 CNY; they stay on hold (still yours); "
                "200.00 CNY are on hold for you, to be paid out by acct until Tue 2026-04-21 00:00 "
                "UTC+08:00."
            ),
            (
                "200.00 CNY are on hold for you, to be paid out by acct until Tue 2026-04-21 00:00 "
                "UTC+08:00"
            ),
        ],
        [
            (
                "已生效：您向acct申请兑付 200.00 CNY，冻结中（未消费仍归您）；"
                "您的 200.00 CNY 已冻结，acct须在 2026-04-21 周二 00:00 UTC+08:00 前兑付。"
            ),
            "您的 200.00 CNY 已冻结，acct须在 2026-04-21 周二 00:00 UTC+08:00 前兑付",
        ],
    ),
    "prepaid": (
        [
            "Done: You bought a prepaid card; 680.00 CNY are on hold (still yours).",
            f"Card crd of {SHOP} is sold to you: 680.00 CNY on hold",
        ],
        [
            "已生效：您购买预付卡；680.00 CNY 冻结中（未消费仍归您）。",
            f"{SHOP}的预付卡 crd 售予您：冻结 680.00 CNY",
        ],
    ),
    "records": (
        [
            "Done: You began the history of the car veh.",
            "The car veh has a history that belongs to you",
        ],
        ["已生效：您为车辆 veh 建立档案。", "车辆 veh 已建档，归属您"],
    ),
    "reviews": (
        [f"Done: You sent {SHOP} a message.", f"Message fbk went to {SHOP}"],
        [f"已生效：您向{SHOP}发送一条仅其可读的反馈。", f"反馈 fbk 已送达{SHOP}"],
    ),
    "shops": (
        ["Done: You opened the shop for today.", "You opened for today"],
        ["已生效：您今日开店。", "您已开店"],
    ),
}


@pytest.fixture
def asker(tmp_path: Path) -> Iterator[Asker]:
    made = Asker(tmp_path)
    yield made
    made.node.close()


def deed(asker: Asker, contract: str) -> tuple[str, dict[str, Any]]:
    """Return who does what."""
    prepaid = contract_by_name(asker.node.state(), "prepaid")
    assert prepaid is not None
    sale = look(asker.node, prepaid, "sale", account_of("sparkle"), 1)
    question = {
        "owner": acct("alice"), "scope": encode_id("blb", bytes(32)), "kinds": 1,
        "purpose": "CLAIM", "until": UNTIL,
    }  # fmt: skip
    car = {
        "vehicle": encode_id("veh", bytes(range(32))), "size": 2, "commitment": SOMETHING,
        "vin": NOTHING,
    }  # fmt: skip
    offers = {"shop": acct("sparkle"), "until": UNTIL}
    cash = {"issuer": acct("issuer"), "payee": SOMETHING}
    card = {"offer": encode_id("off", sale["offer"])}
    message = {"receiver": acct("sparkle"), "message": SOMETHING}
    return {
        "booking": ("alice", request(asker)),
        "consent": ("harbour", call_action("consent", "request", question)),
        "loyalty": ("alice", call_action("loyalty", "allow_offers", offers)),
        "money": ("bob", call_action("money", "ask", cash, 20_000)),
        "prepaid": ("erin", call_action("prepaid", "buy", card, 68_000)),
        "records": ("alice", call_action("records", "register_vehicle", car)),
        "reviews": ("alice", call_action("reviews", "post_feedback", message)),
        "shops": ("sparkle", call_action("shops", "open_shop", {})),
    }[contract]


@pytest.mark.parametrize("contract", catalog.STANDARD)
async def test_an_action_of_each_contract_is_told_in_whole_sentences(
    asker: Asker, contract: str
) -> None:
    built = await asker.do(*deed(asker, contract))

    for lang, expected in zip(("en", "zh"), TOLD[contract], strict=True):
        how = {"tx_id": built["tx_id"], "lang": lang, "utc_offset_min": 480}
        sentence = await told(asker, **how)
        steps = (await asker.ask("tx_explain", **how))["steps"]
        events = [masked(one["text"]) for one in steps if one["kind"] == "event"]
        assert [sentence, *events] == expected
        assert [one for one in (sentence, *events) if "{" in one or JARGON.search(one)] == []
