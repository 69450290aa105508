"""The question of the month: asked once, answered by a press, told to the shop as an average."""

from typing import Any

from node.pages.figures import survey_figure
from tests.pages.conftest import Come
from tests.pages.staff import log_in
from tests.pages.test_reviews import paid_visit
from tests.pages.town import Town


def answers(town: Town) -> list[dict[str, Any]]:
    month = town.read("reviews.month", at_=town.now_ms())
    wish = {"type": "reviews.SurveyAnswered", "values": {"shop": town.sparkle, "month": month}}
    found: list[dict[str, Any]] = town.rpc("events_query", filter=wish, after="earliest")["items"]
    return found


async def test_who_paid_for_a_visit_is_asked_once_a_month_and_may_not_want_to(
    visitor: Come, town: Town
) -> None:
    async def shows() -> bool:
        await one.page.reload()
        await one.page.wait_for_load_state("networkidle")
        return await one.page.is_visible("#survey")

    one = await visitor("zh")
    await paid_visit(one, town)
    before = len(answers(town))
    await one.open("/c")
    await one.page.wait_for_selector("#survey:not([hidden])")
    asked = await one.text("#survey")
    await one.check()
    await one.shoot("survey")
    await one.press("#survey-later")
    after_no = await shows()
    await one.page.evaluate("localStorage.removeItem('wash.asked')")  # as on another phone
    await one.page.reload()
    await one.press("#survey:not([hidden]) [data-answer='4']")
    await one.page.wait_for_selector("#survey-done:not([hidden])")
    told = answers(town)
    await one.page.evaluate("localStorage.removeItem('wash.asked')")
    after_answer = await shows()
    mei = await log_in(visitor, town, "Mei", to="/shop/figures")

    assert "您还会再来 亮洁洗车 吗？" in asked  # noqa: RUF001 - as Chinese is written
    assert (after_no, after_answer) == (False, False)
    assert [each["values"]["answer"] for each in told[before:]] == [4]
    assert "would come again, last month" in await mei.text("[data-survey=last]")
    assert "would come again, this month" in await mei.text("[data-survey=this]")


def test_an_average_is_told_with_two_decimals_and_not_of_nothing() -> None:
    told = [survey_figure({"count": count, "sum": total}) for count, total in ((0, 0), (7, 29))]

    assert told == [None, "4.14"]
