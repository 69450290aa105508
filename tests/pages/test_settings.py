"""Set-up of a shop by its owner: hours, services with rules by name, people, posters."""

import pytest

from tests.pages.conftest import Come
from tests.pages.staff import log_in
from tests.pages.test_first_visit import IN_CHINESE
from tests.pages.town import Town


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_the_owner_sees_what_the_rules_mean_in_money(
    visitor: Come, town: Town, lang: str
) -> None:
    olga = await log_in(visitor, town, "Olga", lang=lang, to="/shop/settings")
    await olga.press("details.service summary >> nth=0")
    await olga.check()
    await olga.shoot("settings")

    told = await olga.text("details.service >> nth=0")

    assert "¥68.00" in told
    assert "¥6.80" in told
    assert "¥20.40" in told


async def test_a_service_is_added_and_offered_to_customers(visitor: Come, town: Town) -> None:
    olga = await log_in(visitor, town, "Olga", to="/shop/settings")
    await olga.press("details.service:last-of-type summary")
    await olga.page.fill("#zh-new", "快速吸尘")
    await olga.page.fill("#en-new", "Quick vacuum")
    await olga.page.fill("#price-new", "25.50")
    await olga.press("label[for=flexible-new]")
    await olga.press("form[data-service=''] button")
    await olga.page.wait_for_selector("#ask[open]")
    await olga.check()
    await olga.press("#ask-yes")
    await olga.page.wait_for_selector("#notice-sending.good")

    offers = town.read("shop_services", shop=town.sparkle)["items"]
    assert [(one["name_zh"], one["price"]["amount"]) for one in offers][-1] == ("快速吸尘", 2_550)


async def test_hours_and_bays_are_saved(visitor: Come, town: Town) -> None:
    olga = await log_in(visitor, town, "Olga", to="/shop/settings")
    await olga.page.fill("[name=to-6]", "18:30")
    await olga.press("form[data-form=hours] button")
    await olga.page.wait_for_selector("#notice-sending.good")
    hours = town.read("shops.hours_on", shop=town.sparkle, weekday=6)
    await olga.page.fill("#quarter", "98")
    await olga.press("form[data-form=bays] button")
    await olga.page.wait_for_selector("#notice-sending.good")

    assert hours["closes"] == int(18.5 * 3_600_000)
    assert town.read("shops.shop", shop=town.sparkle)["quarter_bays"] == 98


async def test_somebody_is_added_and_removed(visitor: Come, town: Town) -> None:
    olga = await log_in(visitor, town, "Olga", to="/shop/settings")
    await olga.press("text=Add somebody >> nth=0")
    await olga.page.fill("#staff-name", "Ken")
    await olga.page.fill("#staff-pin", "604821")
    await olga.press("form[data-form=staff] button")
    await olga.page.wait_for_selector("[data-do=remove][data-name=Ken]")
    await olga.press("[data-do=remove][data-name=Ken]")
    await olga.page.wait_for_selector("#ask[open]")
    assert "out at once" in await olga.text("#ask")
    await olga.press("#ask-yes")

    await olga.page.wait_for_selector("[data-do=remove][data-name=Ken]", state="detached")


async def test_set_up_is_for_the_owner_only(visitor: Come, town: Town) -> None:
    mei = await log_in(visitor, town, "Mei")
    await mei.open("/shop/settings")

    assert "Only the owner" in await mei.text()
