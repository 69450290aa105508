"""What people are told of their transactions: every sentence there is."""

import re
from collections.abc import Iterator
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
from node.demo.catalogue import SPARKLE
from node.rpc.forms.wire_forms import snake
from node.rpc.telling.explain_words import Words, clean, sentences, without_nothing
from tests.node.rpc.told import JARGON

WASH = SPARKLE.services[0]
FILE: dict[str, Any] = sentences()


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


@pytest.mark.parametrize("name", [None, *catalog.SHIPPED])
def test_no_sentence_needs_a_reader_who_knows_how_a_chain_works(name: str | None) -> None:
    told = FILE if name is None else catalog.words(name)

    assert [text for text in texts(told) if JARGON.search(text)] == []


@pytest.mark.parametrize("contract", catalog.SHIPPED)
def test_every_sentence_reads_well_when_somebody_in_it_is_you(contract: str) -> None:
    declared = catalog.abi(contract)
    people = {
        one["name"]
        for kind, fields in (("actions", "params"), ("events", "fields"))
        for part in declared[kind]
        for one in part[fields]
        if one["type"] == "address"
    }
    # "You owes it", "the shop you".
    wrong = re.compile(
        rf"(^|\b(if|that|until|and) ){{({'|'.join(people | {'who'})})}} (no longer )?\w+s\b"
        rf"|[Tt]he shop {{({'|'.join(people)})}}"
    )

    assert [text for text in texts(catalog.words(contract)) if wrong.search(text)] == []


@pytest.mark.parametrize("name", [None, *catalog.SHIPPED])
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


@pytest.mark.parametrize("contract", catalog.SHIPPED)
def test_every_function_error_and_event_of_the_standard_contracts_has_its_words(
    contract: str,
) -> None:
    abi, words = catalog.abi(contract), catalog.words(contract)

    told = {key.split(".")[0] for key in words["events"]}

    assert words.keys() == {"actions", "events", "errors", "statuses"}
    assert words["actions"].keys() == names_of(abi["actions"])
    assert told == names_of(abi["events"])
    assert words["errors"].keys() == set(abi["errors"].values())


@pytest.mark.parametrize("contract", catalog.SHIPPED)
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


@pytest.mark.parametrize("contract", catalog.SHIPPED)
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

    assert EN.time(start) == "Mon 2026-01-05 10:00 UTC"
    assert ZH.time(start) == "2026-01-05 周一 18:00 UTC+08:00"
    assert EN.span(start, start + 30 * MINUTE_MS) == "Mon 2026-01-05 10:00 to 10:30 UTC"
    night = ZH.span(start, start + 6 * HOUR_MS)
    assert night == "2026-01-05 周一 18:00 至 2026-01-06 周二 00:00 UTC+08:00"
    assert EN.time(2**53 - 1) == "a day beyond the calendar"
    assert Words(OneCoin(), "en", offset_min=-90).time(start) == "Mon 2026-01-05 08:30 UTC-01:30"


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
