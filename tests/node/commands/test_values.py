"""Words of a command line as values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.commands.output import CommandError
from node.commands.values import (
    Reader,
    need_duration,
    parse_duration,
    parse_money,
    parse_time,
    split_words,
)

ALICE = "acct1" + "q" * 58
ACCOUNT = {"type": "string", "pattern": "^acct1[02-9ac-hj-np-z]{58}$"}
MONEY = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "object", "properties": {"amount": {"type": "integer"}}},
    ]
}


def find(name: str) -> str | None:
    return {"alice": ALICE}.get(name)


def read(schema: dict[str, Any], text: str) -> Any:
    return Reader(find, shared={"#/a": {"type": "boolean"}}).read_word("x", text, schema)


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "integer"}, "12", 12),
        ({"type": "integer"}, "-12", -12),
        ({"type": "integer"}, "1h30m", 5_400_000),
        ({"type": "integer"}, "1970-01-02", 86_400_000),
        ({"type": "integer"}, "1970-01-01T08:00+08:00", 0),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "No", False),
        ({"type": "string"}, "12", "12"),
        ({"type": "string", "pattern": "^[0-9a-f]+$"}, "ab", "ab"),
        (ACCOUNT, "alice", ALICE),
        (ACCOUNT, ALICE, ALICE),
        (MONEY, "12.34", 1234),
        (MONEY, "1234", 1234),
        (MONEY, '{"amount": 5}', {"amount": 5}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "null", None),
        ({"anyOf": [{"enum": ["open", "shut"]}, {"type": "integer"}]}, "shut", "shut"),
        ({"anyOf": [{"enum": ["open", "shut"]}, {"type": "integer"}]}, "7", 7),
        ({"enum": [1, 2]}, "2", 2),
        ({"type": "array", "items": ACCOUNT}, "alice,alice", [ALICE, ALICE]),
        ({"type": "array", "items": {"type": "integer"}}, "[1, 2]", [1, 2]),
        ({"type": "array", "items": {"type": "integer"}}, "", []),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
        ({"$ref": "#/a"}, "yes", True),
        ({}, "12", 12),
        ({}, "plain text", "plain text"),
    ],
)
def test_a_word_is_read_as_the_type_that_is_declared(
    schema: dict[str, Any], text: str, value: object
) -> None:
    assert read(schema, text) == value


@pytest.mark.parametrize(
    ("schema", "text", "said"),
    [
        ({"type": "integer", "maximum": 9}, "10", "x: expected a whole number from"),
        ({"type": "integer"}, "ten", "found 'ten'"),
        ({"type": "boolean"}, "maybe", "x: expected true or false, found 'maybe'"),
        (ACCOUNT, "bob", "x: expected an account"),
        ({"type": "string", "pattern": "^[0-9a-f]+$"}, "xyz", "text like ^[0-9a-f]+$"),
        ({"type": "string", "pattern": "^bkg1[a-z]{58}$"}, "bkg1x", "text like bkg1..., found"),
        ({"enum": ["a", "b"]}, "c", "one of a, b"),
        ({"type": "object"}, "{", "not JSON"),
        ({"type": "object"}, "12", "an object in JSON"),
    ],
)
def test_a_word_of_another_type_ends_the_command_with_what_was_expected(
    schema: dict[str, Any], text: str, said: str
) -> None:
    with pytest.raises(CommandError) as caught:
        read(schema, text)

    assert said in caught.value.message
    assert caught.value.exit_code == 2


def test_times_from_now_count_from_one_reading_of_the_clock() -> None:
    clock = iter([1_000_000])
    time = {"type": "integer", "description": "ms since 1970, UTC"}
    reader = Reader(find, now_ms=lambda: next(clock))

    values = reader.read(
        ["start=+2h", "end=+2h30m", "never=null"],
        {"start": time, "end": time, "never": {"anyOf": [time, {"type": "null"}]}},
        "request",
    )

    assert values == {"start": 8_200_000, "end": 10_000_000, "never": None}


@pytest.mark.parametrize(
    ("about", "text", "said"),
    [
        ("ms", "+2h", "a whole number"),
        ("ms since 1970, UTC", "+", "a time like"),
        ("ms since 1970, UTC", "+2", "a time like"),
        ("ms since 1970, UTC", "3h", "a time like"),
        ("ms since 1970, UTC", "-3h", "a time like"),
    ],
)
def test_only_times_are_counted_from_now_and_a_length_is_no_time(
    about: str, text: str, said: str
) -> None:
    reader = Reader(find, now_ms=lambda: 0)

    with pytest.raises(CommandError, match=f"expected {said}"):
        reader.read_word("x", text, {"type": "integer", "description": about})


def test_names_are_checked_against_what_is_taken() -> None:
    reader = Reader(find)

    values = reader.read(["a=1", "b:=[true]"], {"a": {"type": "integer"}, "b": {}}, "m")

    assert values == {"a": 1, "b": [True]}
    with pytest.raises(CommandError, match="m takes no c"):
        reader.read(["c=1"], {"a": {}}, "m")


@pytest.mark.parametrize("words", [["a"], ["=1"], ["a b=1"], ["a=1", "a=2"]])
def test_words_that_are_no_pairs_end_the_command(words: list[str]) -> None:
    with pytest.raises(CommandError):
        split_words(words)


@pytest.mark.parametrize(
    ("text", "decimals", "units"),
    [
        ("12.34", 2, 1234),
        ("12.3", 2, 1230),
        ("1234", 2, 1234),
        ("12.345", 2, None),
        ("12.34", None, None),
        ("1234", None, 1234),
        ("0.01", 2, 1),
        ("12.", 2, None),
        (".5", 2, None),
        ("-1", 2, None),
        ("1e3", 2, None),
    ],
)
def test_money_is_whole_minor_units_or_has_a_point(
    text: str, decimals: int | None, units: int | None
) -> None:
    assert parse_money(text, decimals) == units


@given(st.integers(0, 2**53 - 1))
def test_an_amount_written_with_its_point_is_the_same_amount(units: int) -> None:
    assert parse_money(f"{units // 100}.{units % 100:02d}", 2) == units


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)))  # noqa: DTZ001
def test_a_time_with_its_offset_is_its_milliseconds(moment: datetime) -> None:
    milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

    assert parse_time(moment.isoformat()) == milliseconds


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_times_and_durations(text: str) -> None:
    found = (parse_duration(text), parse_time(text), parse_money(text, 2))

    assert all(one is None or isinstance(one, int) for one in found)


@pytest.mark.parametrize("text", ["", "0", "0s", "2 h", "h", "-1h", "99999999999999999999"])
def test_no_length_of_time_ends_the_command(text: str) -> None:
    with pytest.raises(CommandError):
        need_duration(text)
