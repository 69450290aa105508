"""How values look: money, times in zones, lengths, names in two languages."""

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.pages import showing

MONDAY = 1_767_571_200_000  # 2026-01-05, midnight UTC


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "¥0.00"),
        (5, "¥0.05"),
        (123_456_789, "¥1,234,567.89"),
        (-680, "-¥6.80"),
        ({"amount": 1_250, "currency": "EUR"}, "€12.50"),
        ({"amount": 1_250, "currency": "JPY"}, "¥1,250"),
        ({"amount": 100, "currency": "XAF"}, "XAF 1.00"),
    ],
)
def test_money_is_written_as_people_write_it(amount: object, text: str) -> None:
    assert showing.show_money(amount) == text


def test_times_are_the_shops_with_their_weekday() -> None:
    assert showing.show_time(MONDAY, "Asia/Shanghai", "en") == "Mon 5 Jan, 08:00"
    assert showing.show_time(MONDAY, "Asia/Shanghai", "zh") == "1月5日 周一 08:00"
    assert showing.show_time(MONDAY, "America/New_York", "en") == "Sun 4 Jan, 19:00"


def test_what_is_not_today_has_its_day() -> None:
    times = [MONDAY + hours * HOUR_MS for hours in (15, 16, -9)]  # 23:00, midnight, Sunday

    shown = [showing.show_near(one, MONDAY, "Asia/Shanghai", "en") for one in times]

    assert shown == ["23:00", "Tue 6 Jan, 00:00", "Sun 4 Jan, 23:00"]


def test_a_day_begins_at_midnight_of_the_zone_also_when_clocks_change() -> None:
    before = 1_774_738_800_000  # 2026-03-28 23:00 UTC: midnight in Berlin, 23 hours to the next

    assert showing.midnight(before + HOUR_MS, "Europe/Berlin") == before
    assert showing.midnight(before, "Europe/Berlin", 1) == before + 23 * HOUR_MS


@pytest.mark.parametrize(
    ("length", "en", "zh"),
    [
        (0, "0 min", "0 分钟"),
        (90 * MINUTE_MS, "1 h 30 min", "1 小时 30 分钟"),
        (DAY_MS, "1 day", "1 天"),
        (2 * DAY_MS + HOUR_MS + MINUTE_MS, "2 days 1 h", "2 天 1 小时"),
    ],
)
def test_lengths_have_two_units_at_most(length: int, en: str, zh: str) -> None:
    assert (showing.show_duration(length, "en"), showing.show_duration(length, "zh")) == (en, zh)


def test_a_name_in_two_languages_is_shown_in_one() -> None:
    both = "Sparkle / 亮洁"

    shown = [showing.pick_name(both, lang) for lang in ("en", "zh")]

    assert shown == ["Sparkle", "亮洁"]
    assert showing.pick_name("A / B", "zh") == "A / B"
    assert showing.pick_name("Wash", "zh") == "Wash"


def test_an_unknown_zone_falls_back() -> None:
    assert showing.zone_of("", "Asia/Shanghai") == "Asia/Shanghai"
    assert showing.zone_of("../../etc/passwd", "no/zone") == "UTC"


def test_shares_and_short_ids() -> None:
    assert [showing.show_percent(one) for one in (0, 1_000, 1_250, 5)] == [
        "0 %", "10 %", "12.5 %", "0.05 %",
    ]  # fmt: skip
    assert showing.shorten("acct1ezk45a9gdy7nymlr53x9h3ydfa6nsrn") == "acct1ezk45…nsrn"
    assert showing.shorten("short") == "short"


def test_a_day_that_is_far_away_has_its_year() -> None:
    shown = [showing.show_date(MONDAY, "Asia/Shanghai", lang) for lang in ("en", "zh")]

    assert shown == ["Mon 5 Jan 2026", "2026年1月5日 周一"]


def test_points_are_no_money() -> None:
    amounts = [{"amount": 68, "currency": one, "asset": None} for one in ("CNY", "PTS", None)]

    assert [showing.is_money(one) for one in amounts] == [True, False, False]
