"""What customers write to the operators, and texts of reviews that operators hide."""

from typing import Any

import pytest

from node.pages.views.ops_voices import open_votes
from tests.pages.browsing import COUNTER, Visitor
from tests.pages.conftest import Come
from tests.pages.test_ops import enter
from tests.pages.test_photos import picture_with_a_place
from tests.pages.test_reviews import paid_visit, rate
from tests.pages.town import Town

PIN = "48291673"
SAID = "More shops in the <b>north</b>, please 🚗"
ANSWER = "Two open in <i>May</i> / 五月开两家"


@pytest.fixture(scope="session", name="town")
def another(later_town: Town) -> Town:
    """Where nobody counts what is written to the operators."""
    return later_town


async def write(visitor: Come, town: Town, text: str, lang: str = "en") -> Visitor:
    """Let somebody new write to the operators."""
    one = await visitor(lang)
    await one.open("/c/feedback")
    [operator] = town.read("gov_operators")["operators"]
    await one.page.select_option("#to", operator)
    await one.page.fill("#message", text)
    await one.press("#feedback-form button")
    await one.page.wait_for_selector("#messages .said")
    return one


async def test_a_message_to_the_operators_is_read_by_a_login_and_answered(
    visitor: Come, town: Town
) -> None:
    before = await write(visitor, town, "Before the login was made.")
    made = town.command("login", "add", "Vera", "--from", "operator", WASH_PIN=PIN)
    one = await write(visitor, town, SAID, "zh")
    vera = await visitor("en", COUNTER)
    await vera.open("/ops/login?to=/ops/voices")
    await vera.page.fill("#name", "Vera")
    await vera.page.fill("#pin", PIN)
    await vera.page.keyboard.press("Enter")
    await vera.page.wait_for_selector("#o-messages")
    listed = vera.page.locator("[id^=m-]")
    mine = listed.filter(has_text="north")
    await vera.check()
    await vera.shoot("ops-voices")
    shown = [await mine.locator(".said").inner_text(), await mine.locator(".badge").inner_text()]
    sealed = await vera.page.locator("#o-messages ~ ul").inner_text()
    await mine.locator("textarea").fill(ANSWER)
    await mine.locator("button").click()
    await vera.page.wait_for_selector(".notice.good[role=status]")
    answered = await listed.filter(has_text="north").locator(".badge").inner_text()

    await one.page.wait_for_selector("#messages .reply")
    await one.check()
    reply = await one.text("#messages .reply .said")
    await one.press("#messages button")
    await one.page.wait_for_selector("#messages .badge.plain")
    await before.press("#messages button")
    await before.page.wait_for_selector("#messages .badge.plain")
    await vera.page.reload()
    town.command("login", "remove", made["id"], "--from", "operator")

    assert shown == [SAID, "waits for you"]
    assert "This login can not open it" in sealed
    assert (answered, reply) == ("answered", ANSWER)
    assert SAID not in await vera.text()


async def test_a_text_is_hidden_for_a_reason_and_shown_again(visitor: Come, town: Town) -> None:
    one = await visitor()
    _name, visit = await paid_visit(one, town)
    await rate(one, "Call me at 138 0013 8000", picture=picture_with_a_place())
    operator = await enter(visitor, "/ops/voices", "zh")
    await operator.page.select_option("#of-shop", town.sparkle)
    await operator.press("form[method=get] button")
    row = f"#r-{visit}"
    await operator.press(f"{row} [data-picture] summary")
    await operator.page.wait_for_selector(f"{row} [data-picture] img")
    await operator.page.select_option(f"{row} select", "PERSONAL")
    await operator.press(f"{row} button")
    await operator.page.wait_for_selector("#sentence")
    asked = await operator.text()
    await operator.check()
    untouched = town.read("reviews.review_of", visit=visit)["hidden"]
    await operator.press("#yes")
    await operator.page.wait_for_selector(".notice.good[role=status]")
    await operator.check()
    hidden = await operator.text(row)
    await one.page.reload()
    await one.page.wait_for_selector("#review .card")
    seen = await one.text("#review")
    pictures = await operator.page.locator(f"{row} [data-picture]").count()

    await operator.page.select_option(f"{row} select", "SHOWN")
    await operator.press(f"{row} button")
    await operator.press("#yes")
    await operator.page.wait_for_selector(".notice.good[role=status]")

    assert ("涉及个人信息" in asked, "138 0013" in asked, untouched) == (True, True, "SHOWN")
    assert ("涉及个人信息" in hidden, "138 0013" in hidden, pictures) == (True, False, 0)
    assert ("tells something about a person" in seen, "138 0013" in seen) == (True, False)
    assert "138 0013" in await operator.text(row)


async def test_messages_and_votes_are_for_who_is_logged_in(town: Town) -> None:
    shown = town.get("/ops/voices")
    posted = town.post("/ops/voices", "what=answer&id=x&text=y", Origin=town.url)

    assert (shown[0], shown[1]["Location"]) == (303, "/ops/login?to=%2Fops%2Fvoices")
    assert (posted[0], posted[1]["Location"]) == (303, "/ops/login?to=%2Fops%2Fvoices")


def test_votes_are_open_until_they_are_decided_and_the_last_of_each_counts() -> None:
    def vote(place: str, visit: str, who: str, hidden: str) -> dict[str, Any]:
        return {"id": place, "values": {"visit": visit, "operator": who, "hidden": hidden}}

    voted = [
        vote("3-0", "a", "ann", "INSULT"),
        vote("4-0", "b", "ann", "INSULT"),
        vote("5-0", "a", "ann", "ILLEGAL"),
        vote("6-1", "a", "bob", "ILLEGAL"),
        vote("7-0", "c", "ann", "INSULT"),
        vote("10-0", "b", "bob", "OFF_TOPIC"),
        vote("11-0", "c", "bob", "SHOWN"),
    ]
    judged = [{"id": "6-2", "values": {"visit": "a"}}, {"id": "7-1", "values": {"visit": "c"}}]

    found = open_votes(voted, judged)

    assert list(found.items()) == [
        ("c", {"SHOWN": ["bob"]}),
        ("b", {"INSULT": ["ann"], "OFF_TOPIC": ["bob"]}),
    ]
