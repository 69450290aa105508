"""What people are told of their transactions: every sentence there is, and whole stories."""

# ruff: noqa: RUF001 - Chinese has its own commas

import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.receipt import KernelEvent
from chain.roles import Role
from chain.transaction import Action, Call, Change
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node import catalog
from node.demo.accounts import signer_of
from node.demo.catalogue import SPARKLE
from node.live.travel import travel
from node.rpc.forms.wire_forms import snake
from node.rpc.telling.explain_words import Words, clean, sentences, without_nothing
from tests.node.rpc.asking import Asker, acct

WASH = SPARKLE.services[0]
JARGON = re.compile(
    r"hash|\bgas\b|nonce|escrow|smart contract|\bblock|wallet|settle|哈希|区块|合约|钱包|托管",
    re.IGNORECASE,
)
FILE: dict[str, Any] = sentences()


@pytest.fixture
def asker(tmp_path: Path) -> Iterator[Asker]:
    made = Asker(tmp_path)
    yield made
    made.node.close()


def texts(value: Any = FILE) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts(one)


def slots(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def names_of(entries: list[dict[str, Any]]) -> set[str]:
    return {one["name"] for one in entries}


# The file ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [None, *catalog.STANDARD])
def test_no_sentence_needs_a_reader_who_knows_how_a_chain_works(name: str | None) -> None:
    told = FILE if name is None else catalog.words(name)

    assert [text for text in texts(told) if JARGON.search(text)] == []


@pytest.mark.parametrize("name", [None, *catalog.STANDARD])
def test_every_sentence_stands_in_both_languages(name: str | None) -> None:
    def check(entry: Any) -> Iterator[Any]:
        if any(isinstance(one, str) for one in entry.values()):
            if entry.keys() - {"telling"} not in ({"en", "zh"}, {"ask", "done", "zh"}):
                yield entry
        else:
            for one in entry.values():
                yield from check(one)

    assert list(check(FILE if name is None else catalog.words(name))) == []


def test_every_action_and_change_has_its_sentence() -> None:
    kinds = {snake(one.__name__) for one in get_args(Action) if one is not Call}

    assert FILE["chain"].keys() == kinds | {"call", "call_paying"}
    assert FILE["changes"].keys() == {snake(one.__name__) for one in get_args(Change)}
    assert FILE["roles"].keys() == {one.name.lower() for one in Role}


@pytest.mark.parametrize("contract", catalog.STANDARD)
def test_every_function_error_and_event_of_the_standard_contracts_has_its_words(
    contract: str,
) -> None:
    abi, words = catalog.abi(contract), catalog.words(contract)

    told = {key.split(".")[0] for key in words["events"]}

    assert words.keys() == {"actions", "events", "errors", "statuses"}
    assert words["actions"].keys() == names_of(abi["actions"])
    assert told == names_of(abi["events"])
    assert words["errors"].keys() == set(abi["errors"].values())


@pytest.mark.parametrize("contract", catalog.STANDARD)
def test_every_state_that_has_a_sentence_exists(contract: str) -> None:
    states = {name for one in catalog.abi(contract)["enums"].values() for name in one}

    words = catalog.words(contract)

    assert {key.split(".")[1] for key in words["events"] if "." in key} <= states
    assert words["statuses"].keys() <= states


def test_every_state_that_a_booking_reaches_has_its_sentence() -> None:
    states = catalog.abi("booking")["enums"]["State"]
    moved = {name for name, number in states.items() if 2 <= number <= 9} | {"RETURNED"}
    closed = {name for name, number in states.items() if number >= 20 and name != "RETURNED"}

    told = catalog.words("booking")["events"].keys()

    assert {key for key in told if key.startswith("Moved.")} == {f"Moved.{name}" for name in moved}
    assert {key for key in told if key.startswith("Closed.")} == {
        f"Closed.{name}" for name in closed
    }


def test_every_event_of_the_chain_has_its_sentence() -> None:
    told = {key for key in FILE["events"] if key.startswith("chain.")}

    assert told == {f"chain.{one.name.lower()}" for one in KernelEvent}


@pytest.mark.parametrize("contract", catalog.STANDARD)
def test_a_sentence_asks_only_for_what_its_function_or_event_has(contract: str) -> None:
    abi, words = catalog.abi(contract), catalog.words(contract)

    def known(entries: list[dict[str, Any]]) -> set[str]:
        parts = {
            f"{one['name']}_{part['name']}"
            for one in entries
            for part in abi["records"].get(one["type"], ())
        }
        return names_of(entries) | parts

    always = {"who", "yours", "funds", "span"}

    wrong = [
        (one["name"], template)
        for one in abi["actions"]
        for template in words["actions"][one["name"]].values()
        if not slots(template) <= known(one["params"]) | always
    ]
    wrong += [
        (key, template)
        for event in abi["events"]
        for key, entry in words["events"].items()
        if key.split(".")[0] == event["name"]
        for template in texts(entry)
        if not slots(template) <= known(event["fields"]) | {"span"}
    ]

    assert wrong == []


# Words ------------------------------------------------------------------------------------------


class OneCoin:
    """A world of one currency."""

    def asset_record(self, asset: bytes) -> tuple[str, int] | None:
        return {b"cny": ("CNY", 2), b"pts": ("PTS", 0), b"odd": ("ODD\u202e\n", 18)}.get(asset)

    def name_of(self, contract: bytes) -> str | None:  # noqa: ARG002
        return None

    standard_of = shop_name = name_of
    abi_of: Any = name_of

    def assets_of(self, contract: bytes) -> dict[str, bytes]:  # noqa: ARG002
        return {}


EN, ZH = Words(OneCoin(), "en"), Words(OneCoin(), "zh", offset_min=480)


@pytest.mark.parametrize(
    ("asset", "amount", "said"),
    [
        (b"cny", 0, "0.00 CNY"),
        (b"cny", 5, "0.05 CNY"),
        (b"cny", 123_456_789, "1,234,567.89 CNY"),
        (b"pts", 7, "7 PTS"),
        (b"odd", 1, "0.000000000000000001 ODD??"),
    ],
)
def test_money_has_the_decimals_of_its_currency(asset: bytes, amount: int, said: str) -> None:
    assert EN.amount(asset, amount) == said


def test_times_are_told_in_the_readers_zone_to_the_minute() -> None:
    start = 1_767_607_200_000

    assert EN.time(start) == "2026-01-05 10:00 UTC"
    assert ZH.time(start) == "2026-01-05 18:00 UTC+08:00"
    assert EN.span(start, start + 30 * MINUTE_MS) == "2026-01-05 10:00 to 10:30 UTC"
    assert ZH.span(start, start + 6 * HOUR_MS) == "2026-01-05 18:00 至 2026-01-06 00:00 UTC+08:00"
    assert EN.time(2**53 - 1) == "a day beyond the calendar"
    assert Words(OneCoin(), "en", offset_min=-90).time(start) == "2026-01-05 08:30 UTC-01:30"


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (0, "0 s"),
        (30 * MINUTE_MS, "30 min"),
        (HOUR_MS + 1_000, "1 h 1 s"),
        (9 * DAY_MS + HOUR_MS + MINUTE_MS, "9 d 1 h"),
    ],
)
def test_a_length_of_time_is_told_in_two_units(duration: int, said: str) -> None:
    assert EN.duration(duration) == said


@pytest.mark.parametrize(
    ("share", "said"), [(0, "0 %"), (1, "0.01 %"), (1_250, "12.5 %"), (10_000, "100 %")]
)
def test_a_part_is_told_in_percent(share: int, said: str) -> None:
    assert EN.share(share) == said


@given(st.text())
def test_a_strangers_text_can_not_break_out_of_its_sentence(text: str) -> None:
    shown = clean(text)

    assert shown.isprintable()
    assert '"' not in shown
    assert len(shown) <= 83


# Stories ----------------------------------------------------------------------------------------


def request(asker: Asker) -> dict[str, Any]:
    start = asker.wall.now_ms + 24 * HOUR_MS
    arguments = {
        "shop": acct("sparkle"), "service": WASH.number, "version": 1, "start": start,
        "end": start + WASH.duration_ms, "cell": WASH.cell, "total": WASH.price,
        "policy": WASH.policy_id.hex(),
    }  # fmt: skip
    return {
        "type": "call", "contract": "booking", "function": "request", "arguments": arguments,
        "funds": WASH.hold(start),
    }  # fmt: skip


def about(booking: str, function: str, **arguments: Any) -> dict[str, Any]:
    return {
        "type": "call", "contract": "booking", "function": function,
        "arguments": {"id": booking, **arguments},
    }  # fmt: skip


def masked(text: str) -> str:
    """Return a text with its ids taken out."""
    return re.sub(r"(acct|bkg|ctr|ast)1\w+…\w{4}", r"\1", text)


async def told(asker: Asker, tx_id: str, **how: Any) -> str:
    """Return the sentence; checks that nothing in the answer is jargon."""
    answer = await asker.ask("tx_explain", tx_id=tx_id, **how)
    assert JARGON.search(json.dumps(answer, ensure_ascii=False)) is None
    return masked(answer["sentence"])


async def test_a_booking_is_told_with_its_time_and_money(asker: Asker) -> None:
    built = await asker.do("alice", request(asker))

    english = await told(asker, built["tx_id"])
    chinese = await told(asker, built["tx_id"], lang="zh", utc_offset_min=480)
    shops = await told(asker, built["tx_id"], account=acct("sparkle"))

    assert english == (
        f'Done: You booked with "{SPARKLE.name}" (acct) from 2026-04-16 12:00 to 12:30 UTC, '
        "price 68.00 CNY; "
        "68.00 CNY are on hold (still yours)."
    )
    assert chinese == (
        f'已生效：您预约"{SPARKLE.name}" (acct)，'
        "时间 2026-04-16 20:00 至 20:30 UTC+08:00，价格 68.00 CNY；"
        "68.00 CNY 冻结中（未消费仍归您）。"
    )
    assert shops == (
        "Done: acct booked with you from 2026-04-16 12:00 to 12:30 UTC, price 68.00 CNY; "
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


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (0, 0, "paid"),
        (7, 0, "paid; {a} owed by {who}, {b} gone"),
        (0, 9, "paid; {a} owed by {who}, {b} gone"),
    ],
)
def test_a_part_that_speaks_of_nothing_is_left_out(a: int, b: int, said: str) -> None:
    values = {"a": a, "b": b, "who": b"shop"}

    assert without_nothing("paid[; {a} owed by {who}, {b} gone]", values) == said
