"""What pages show while their node catches up with the others: a bar, or a sentence alone."""

import json
from typing import Any

import pytest
from playwright.async_api import Route, expect

from node.pages.page import Setting, Shown
from node.pages.rendering import Renderer
from node.pages.static_files import StaticFiles
from node.pages.words import Lang, Words
from tests.pages.conftest import Come
from tests.pages.test_first_visit import IN_CHINESE
from tests.pages.town import Town

SETTING = Setting("Asia/Shanghai", "", is_dev=True, sponsors=True)
BEHIND = {"part": "blocks", "done": 40, "of": 100}


def banner(lang: Lang, catching_up: Any) -> str:
    """Return what stands above a page."""
    shown = Shown("error.html", {"what": "missing", "text": "error.missing"})
    html = Renderer(StaticFiles(), SETTING).render(shown, Words(lang, "error"), "/", catching_up)
    return html.partition('id="notices" role="status" aria-live="polite">')[2].partition("<nos")[0]


@pytest.mark.parametrize(
    ("lang", "told"),
    [("en", "Entries of the record: <span data-done>40</span>"), ("zh", "记录条数: ")],
)
def test_without_scripts_a_sentence_tells_how_far_the_node_is(lang: Lang, told: str) -> None:
    assert told in banner(lang, BEHIND)
    assert '<progress value="40" max="100"' in banner(lang, BEHIND)
    assert banner(lang, None).strip() == ""


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_the_bar_moves_and_says_when_all_is_there(
    visitor: Come, town: Town, lang: Lang
) -> None:
    one = await visitor(lang)
    states = [{"part": "blocks", "done": 90, "of": 100}, None]

    async def page(route: Route) -> None:
        answer = await route.fetch()
        body = (await answer.text()).replace("<noscript>", banner(lang, BEHIND) + "<noscript>", 1)
        await route.fulfill(response=answer, body=body)

    async def rpc(route: Route) -> None:
        asked = json.loads(route.request.post_data or "{}")
        if asked.get("method") != "node_health":
            await route.continue_()
            return
        health = {**town.rpc("node_health"), "catching_up": states[0]}
        states[:-1] = states[1:-1]
        told = {"jsonrpc": "2.0", "id": asked["id"], "result": health}
        await route.fulfill(json=told)

    await one.page.route(f"**/s/{town.sparkle}", page)
    await one.page.route("**/rpc", rpc)
    await one.open(f"/s/{town.sparkle}")
    await one.check()
    await one.shoot("catching-up")
    await expect(one.page.locator("#catching-up progress")).to_have_attribute("value", "90")
    await expect(one.page.locator("#notice-caught-up")).to_be_visible()

    assert await one.page.locator("#catching-up").count() == 0
