"""Messages to a shop: sealed on the phone, answered at the counter, deleted when they are done."""

import asyncio
from typing import Any

import pytest

from node.client import AsyncWash
from node.client.letters import Letters, Said
from node.demo.accounts import seed_of
from tests.pages.conftest import Come
from tests.pages.staff import log_in
from tests.pages.test_first_visit import IN_CHINESE
from tests.pages.test_reviews import paid_visit, rate
from tests.pages.town import Town

SAID = {"en": "The gate is <b>too narrow</b> 🚗", "zh": "大门 <script> 太窄了 🚗"}
ANSWER = "Thank you, we <i>widen</i> it / 谢谢，我们会加宽"  # noqa: RUF001


def sent_to(town: Town, shop: str) -> list[dict[str, Any]]:
    wish = {"type": "reviews.FeedbackSent", "values": {"receiver": shop}}
    found: list[dict[str, Any]] = town.rpc("events_query", filter=wish, after="earliest")["items"]
    return found


async def answer_all(town: Town, name: str) -> list[Said]:
    """Let somebody of the demo read and answer by the plain client; returns what was written."""
    async with AsyncWash(town.url) as wash:
        letters = Letters(wash, seed_of(name))
        received = await letters.received()
        said = [await letters.read(one) for one in received]
        for one in received:
            await letters.answer(one, ANSWER)
        return said


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_a_message_is_read_by_the_shop_alone_and_answered(
    visitor: Come, town: Town, lang: str
) -> None:
    one = await visitor(lang)
    await one.open(f"/s/{town.sparkle}")
    await one.press(f".foot a[href='/c/feedback?s={town.sparkle}']")
    await one.page.wait_for_selector("#none:visible")
    await one.page.fill("#message", SAID[lang])
    await one.press("#feedback-form button")
    await one.page.wait_for_selector("#messages .badge.warm")
    await one.check()
    await one.shoot("feedback")
    mei = await log_in(visitor, town, "Mei", lang=lang, to="/shop")
    await mei.press("#messages a")
    await mei.page.wait_for_selector("form[data-answer=message]")
    read = await mei.page.locator(".said").all_inner_texts()
    await mei.check()
    await mei.page.fill("textarea >> nth=0", ANSWER)
    await mei.press("form[data-answer=message] button >> nth=0")
    await mei.page.wait_for_selector(".reply")
    await mei.shoot("voices")

    await one.page.wait_for_selector("#messages .reply")
    answered = await one.text("#messages .reply .said")
    await one.check()
    message = sent_to(town, town.sparkle)[-1]["values"]["id"]
    sealed = str(town.rpc("letter_get", about=message))
    await one.press("#messages button")
    await one.page.wait_for_selector("#messages .badge.plain")

    assert (SAID[lang] in read, answered) == (True, ANSWER)
    assert SAID[lang].encode().hex() not in sealed
    assert town.read("reviews.feedback", id=message)["stage"] == "CLOSED"
    assert town.rpc("letter_get", about=message)["letters"] == []
    assert await one.page.locator("#messages .said").count() == 0


async def test_a_shop_answers_a_review_and_takes_the_answer_back(visitor: Come, town: Town) -> None:
    one = await visitor()
    _name, visit = await paid_visit(one, town)
    await rate(one, "Fine.")
    mei = await log_in(visitor, town, "Mei", to="/shop/voices")
    row = f"#r-{visit}"
    await mei.press(f"{row} summary")
    await mei.page.fill(f"{row} textarea", ANSWER)
    await mei.press(f"{row} form button")
    await mei.page.wait_for_selector(f"{row} .reply")
    await mei.check()
    await one.open(f"/s/{town.sparkle}")
    shown = await one.page.locator("#reviews .reply .said").all_inner_texts()
    await mei.press(f"{row} summary")
    await mei.press(f"{row} [data-unsay]")
    await mei.page.wait_for_selector(f"{row} .reply", state="detached")

    assert ANSWER in shown
    assert [one["role"] for one in town.rpc("letter_get", about=visit)["letters"]] == ["text"]


async def test_a_message_to_the_operators_comes_from_an_account_of_its_own(
    visitor: Come, town: Town
) -> None:
    one = await visitor()
    await one.open("/c/feedback")
    [operator] = town.rpc("gov_operators")["data"]["operators"]
    await one.page.select_option("#to", operator)
    await one.page.fill("#message", "More shops in the north, please.")
    await one.press("#feedback-form button")
    await one.page.wait_for_selector("#messages .said")

    said = await asyncio.to_thread(lambda: asyncio.run(answer_all(town, "operator")))
    await one.page.wait_for_selector("#messages .reply")

    [sent] = sent_to(town, operator)
    assert said == [Said("More shops in the north, please.", None)]
    assert await one.text("#messages .reply .said") == ANSWER
    assert sent["values"]["sender"] not in [
        made["values"]["sender"] for made in sent_to(town, town.sparkle)
    ]
