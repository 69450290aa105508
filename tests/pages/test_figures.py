"""Figures of a shop: what is counted, and how it is looked at."""

import pytest

from chain.types import DAY_MS, HOUR_MS
from node.pages import figures
from node.pages.shopbook import CardUse, ShopBook, Stay
from tests.pages.browsing import PHONE
from tests.pages.conftest import Come
from tests.pages.staff import log_in
from tests.pages.test_first_visit import IN_CHINESE
from tests.pages.town import Town

ZONE = "Asia/Shanghai"
NOON = 1_767_585_600_000  # Monday 2026-01-05, noon in Shanghai


def stay(number: int, state: str, days_ago: int, money: int, customer: str = "ann") -> Stay:
    at = NOON - days_ago * DAY_MS
    return Stay(
        f"b{number}", customer, at, 6_800, at - HOUR_MS, state=state, came_at=at,
        over_at=at + HOUR_MS, to_shop=money, service=1,
    )  # fmt: skip


def book() -> ShopBook:
    made = ShopBook("shop")
    stays = (
        stay(1, "SETTLED", 10, 6_800),
        stay(2, "SETTLED", 3, 6_800),
        stay(3, "NO_SHOW_CUSTOMER", 2, 2_040, "bob"),
        stay(4, "CANCELLED_CUSTOMER", 1, 680, "cy"),
        stay(5, "SETTLED", 40, 6_800, "bob"),
    )
    made.stays = {one.id: one for one in stays}
    made.uses = {"u": CardUse("u", "c", NOON, "SETTLED", NOON, 3_990, 2, "ann")}
    return made


def test_money_is_counted_on_the_day_on_which_it_came() -> None:
    days = figures.by_day(book(), figures.last_days(NOON, 7, ZONE))

    told = {one["day"]: (one["money"], one["visits"]) for one in days if one["money"]}
    assert len(days) == 7
    assert told == {
        "2026-01-02": (6_800, 1),
        "2026-01-03": (2_040, 0),
        "2026-01-04": (680, 0),
        "2026-01-05": (3_990, 1),
    }


def test_services_and_rates_say_what_they_are_a_part_of() -> None:
    span = figures.last_days(NOON, 30, ZONE)

    services, rates = figures.by_service(book(), span), figures.rates(book(), span)

    assert [(one["service"], one["money"], one["visits"]) for one in services] == [
        (1, 16_320, 2), (2, 3_990, 1),
    ]  # fmt: skip
    assert (rates["done"], rates["missed_bp"], rates["redone_bp"]) == (2, 3_333, 0)
    assert (rates["cancelled_bp"], rates["repeat_days"]) == (2_500, 7)


def test_a_shop_without_visits_has_no_rates() -> None:
    span = figures.last_days(NOON, 7, ZONE)
    empty = ShopBook("shop")

    rates = figures.rates(empty, span)

    assert (rates["missed_bp"], rates["repeat_days"]) == (None, None)
    assert figures.busy_hours(figures.heat(empty, span)) == list(range(8, 20))


def test_the_map_of_hours_is_darkest_where_most_cars_came() -> None:
    rows = figures.heat(book(), figures.last_days(NOON, 30, ZONE))

    assert rows[4]["hours"][12] == (2, 4)  # two Fridays
    assert rows[0]["hours"][9] == (0, 0)


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_figures_are_looked_at_and_taken_along(visitor: Come, town: Town, lang: str) -> None:
    mei = await log_in(visitor, town, "Mei", lang=lang, to="/shop/figures")
    await mei.page.wait_for_selector("#chart canvas")
    await mei.check()
    await mei.shoot("figures")
    async with mei.page.expect_download() as download:
        await mei.press("a[href^='/shop/figures.csv']")
    path = await (await download.value).path()

    lines = path.read_text("utf-8-sig").splitlines()
    assert len(lines) >= 33


async def test_figures_fit_on_a_phone(visitor: Come, town: Town) -> None:
    mei = await log_in(visitor, town, "Mei", size=PHONE, to="/shop/figures")
    await mei.check()
    await mei.open("/shop")
    await mei.check()
    await mei.shoot("console")
