"""Reviews in people's own words: written, answered, changed once, taken back, hidden."""

import asyncio

import pytest
from playwright.async_api import FilePayload

from chain.ids import decode_id
from tests.pages.browsing import Visitor
from tests.pages.conftest import Come
from tests.pages.test_first_visit import IN_CHINESE, book
from tests.pages.test_photos import PLACE, picture_with_a_place
from tests.pages.town import MINUTE_MS, Town

SAID = {"en": "Spotless <b>inside</b>, thank you 🚗", "zh": "内饰干净 <script> 谢谢 🚗"}


async def paid_visit(one: Visitor, town: Town) -> tuple[str, str]:
    """Let a customer's visit be over and paid, at the booking's page; returns booking and visit."""
    name = await book(one, town.sparkle)
    town.travel(town.read("booking.booking", id=name)["start"] - 5 * MINUTE_MS)
    await one.open(f"/b/{name}")
    await one.press("[data-action=code]")
    await one.press("#show-code button[value=yes]")
    await one.page.wait_for_selector(".steps li:nth-child(3).now")
    town.do("sparkle", "booking.start_service", id=name)
    town.do("sparkle", "booking.ready", id=name)
    await one.press("[data-action=confirm]")
    await one.press("#ask-confirm button[value=yes]")
    await one.page.wait_for_selector("#rate:not([hidden])")
    return name, decode_id(name, "bkg").hex()


async def rate(one: Visitor, text: str, stars: int = 5, picture: bytes = b"") -> None:
    """Fill in the form and send it."""
    if picture:
        file = FilePayload(name="car.png", mimeType="image/png", buffer=picture)
        await one.page.set_input_files("#rate-picture", file)
    for name in ("clean", "on_time", "staff", "value"):
        await one.press(f"label[for={name}-{stars}]")
    await one.page.fill("#rate-words", text)
    await one.press("#rate-form button")
    await one.page.wait_for_selector("#notice-rated")
    await one.page.wait_for_selector("#review .card")


async def look_at_the_picture(other: Visitor) -> list[int]:
    """Open the newest review's picture on a shop's page; returns its width and height."""
    await other.press("#reviews [data-picture] summary >> nth=0")
    await other.page.wait_for_selector("#reviews [data-picture] img >> nth=0")
    size: list[int] = await other.page.evaluate(
        "(async () => { const it = document.querySelector('#reviews img'); await it.decode();"
        " return [it.naturalWidth, it.naturalHeight]; })()"
    )
    return size


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_a_review_in_words_is_shown_changed_once_and_taken_back(
    visitor: Come, town: Town, lang: str
) -> None:
    one, other = await visitor(lang), await visitor(lang)
    name, visit = await paid_visit(one, town)
    await rate(one, SAID[lang], picture=picture_with_a_place())
    await one.check()
    await one.shoot("reviewed")
    mine = await one.text("#review .said")
    await other.open(f"/s/{town.sparkle}")
    public = await other.page.locator("#reviews .said").all_inner_texts()
    picture = await look_at_the_picture(other)
    content = town.rpc("letter_get", about=visit)["letters"][0]["content"]
    await other.check()

    await one.press("[data-action=edit]")
    begun = await one.page.input_value("#rate-words")
    await one.page.fill("#rate-words", "Four now")
    await one.press("label[for=clean-4]")
    await one.press("#rate-form button")
    await one.page.wait_for_selector("#review .said:text-is('Four now')")
    kept = await one.page.locator("#review [data-picture]").count()
    changed = town.read("reviews.review_of", visit=visit)["scores"]["clean"]
    edits_left = await one.page.locator("[data-action=edit]").count()
    await one.press("[data-action=unsay]")
    await one.press("#ask-unsay button[value=yes]")
    await one.page.wait_for_selector("#review .said", state="detached")
    await other.open(f"/b/{name}")

    assert (mine, SAID[lang] in public, begun) == (SAID[lang], True, SAID[lang])
    assert (picture, kept) == ([40, 30], 1)
    assert PLACE.hex() not in content
    assert (changed, edits_left) == (4, 0)
    assert town.rpc("letter_get", about=visit)["letters"] == []
    assert town.read("reviews.review_of", visit=visit)["text"] == "00" * 32
    assert await other.page.locator("#review .button:visible").count() == 0


async def test_a_text_that_was_written_without_a_line_comes_to_the_node_later(
    visitor: Come, town: Town
) -> None:
    one = await visitor()
    _name, visit = await paid_visit(one, town)

    async def lose(route: object) -> None:
        data = route.request.post_data or ""  # type: ignore[attr-defined]
        await (route.abort() if "letter_put" in data else route.continue_())  # type: ignore[attr-defined]

    await one.page.route("**/rpc", lose)
    await rate(one, "Kept on my phone")
    lacking = town.rpc("letter_get", about=visit)["letters"][0]["state"]
    await one.page.unroute("**/rpc")
    await one.page.reload()
    await one.page.wait_for_selector("#review .said")

    assert lacking == "elsewhere"
    assert town.rpc("letter_get", about=visit)["letters"][0]["text"] == "Kept on my phone"


async def test_the_operators_hide_a_text_for_a_reason(visitor: Come, town: Town) -> None:
    one = await visitor()
    _name, visit = await paid_visit(one, town)
    await rate(one, "Call me at 138 0013 8000")
    await asyncio.to_thread(
        town.do, "operator", "reviews.judge_text", visit=visit, hidden="PERSONAL"
    )
    await one.page.reload()

    shown = await one.text("#review")
    [letter] = town.rpc("letter_get", about=visit)["letters"]

    assert "tells something about a person" in shown
    assert "138 0013" not in shown
    assert (letter["state"], letter["reason"], letter["text"]) == ("hidden", "PERSONAL", None)
