"""The explorer and the pages to learn from: what they show, for everybody, with texts as texts."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import expect

from node.pages.page import Shown
from node.pages.rendering import Renderer
from node.pages.static_files import StaticFiles
from node.pages.words import Words
from tests.pages.browsing import COUNTER, PHONE
from tests.pages.conftest import Come
from tests.pages.test_hostile_texts import HARMLESS, SETTING, TEXTS, Outline
from tests.pages.town import Town

LISTS = ("/learn", "/x", "/x/blocks", "/x/contracts", "/x/parameters", "/x/validators")
OF_ONE = (
    "/x/block/1", "/x/receipt/1/0", "/x/contract/booking", "/x/account/{shop}", "/x/tx/{tx}",
    "/x/search?q=a", "/x/search?q=nothing",
)  # fmt: skip


def a_transaction(town: Town) -> str:
    """Return the id of a transaction of a shop."""
    listed = town.rpc("tx_list", account=town.sparkle, limit=1)["items"]
    return str(listed[0]["tx_id"])


@pytest.mark.parametrize(("lang", "size"), [("en", PHONE), ("zh", PHONE), ("en", COUNTER)], ids=str)
async def test_everybody_can_see_the_explorer(
    visitor: Come, town: Town, lang: str, size: tuple[int, int]
) -> None:
    one = await visitor(lang, size)
    tx = a_transaction(town)
    for path in (*LISTS, *OF_ONE):
        await one.open(path.format(shop=town.sparkle, tx=tx))
        await one.check()
    await one.open("/learn")
    await one.shoot("learn")
    await one.open("/x")
    await one.shoot("explorer")


async def test_the_newest_block_comes_without_reloading(visitor: Come, town: Town) -> None:
    one = await visitor()
    await one.open("/x")
    before = int(await one.text("#height"))

    town.rpc("dev_mine")

    await expect(one.page.locator("#height")).not_to_have_text(str(before))
    assert int(await one.text("#height")) > before


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_a_transaction_is_told_in_words_without_javascript(
    visitor: Come, town: Town, lang: str
) -> None:
    one = await visitor(lang, has_script=False)
    tx = a_transaction(town)

    await one.open("/x")
    await one.page.fill("#q", tx)
    await one.press("form button")

    assert one.page.url == f"{town.url}/x/tx/{tx}"
    assert len(await one.text("#sentence")) > len("Done: .")


def test_a_proof_can_be_taken_along(town: Town) -> None:
    status, headers, body = town.get("/x/proof/1/0")

    assert (status, json.loads(body)["type"]) == (200, "receipt")
    assert headers["Content-Disposition"].startswith("attachment")


def test_each_claim_leads_to_where_it_can_be_checked(town: Town) -> None:
    _status, _headers, body = town.get("/learn")
    links = re.findall(r'class="button quiet small" href="([^"#]+)', body.decode())

    assert len(links) >= 12
    assert [one for one in links if town.get(one)[0] != 200] == []


@pytest.mark.parametrize(
    "path", ["/x/block/999999999", "/x/block/x", "/x/tx/" + "ab" * 32, "/x/account/acct1x"]
)
def test_what_is_not_there_is_a_page_that_says_so(town: Town, path: str) -> None:
    assert town.get(path, Accept="text/html")[0] == 404


@pytest.mark.parametrize("text", ["sparkle", "亮洁"])
def test_a_shop_is_found_by_a_part_of_its_name(town: Town, text: str) -> None:
    _status, headers, _body = town.get(f"/x/search?q={quote(text)}")

    assert headers["Location"] == f"/x/account/{town.sparkle}"


def test_a_search_never_becomes_markup_or_leads_away(town: Town) -> None:
    status, headers, body = town.get("/x/search?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E")

    assert (status, b"<script>alert" in body, "Location" in headers) == (200, False, False)


def tx_page(text: str) -> Shown:
    field = [{"name": text, "text": text, "url": "", "is_hash": False, "ms": None}]
    receipt = {
        "kind": "transaction", "height": 1, "index": 0, "time": 0, "gas_used": 1, "error": None,
    }  # fmt: skip
    values: dict[str, Any] = {
        "id": "ab", "state": "final", "receipt": receipt, "body": None, "actions": [field],
        "told": {"sentence": text, "steps": [{"text": text}] * 2}, "raw": text,
        "events": [{"type": text, "id": "1-0", "fields": field}],
    }  # fmt: skip
    return Shown("explorer_tx.html", values, {"text": text})


def contract_page(text: str) -> Shown:
    function = {"name": text, "doc": text, "params": [{"name": text, "type": text}]}
    contract = {
        "name": None, "code_name": text, "contract": "ctr1x", "code_id": "ab",
        "source_hash": "ab", "creator": "acct1x", "pending_upgrade": None,
    }  # fmt: skip
    values: dict[str, Any] = {
        "contract": contract, "pots": {"items": [], "next_cursor": None},
        "abi": {"doc": text, "views": [function], "actions": [function]},
    }  # fmt: skip
    return Shown("explorer_contract.html", values)


def search_page(text: str) -> Shown:
    hit = {"type": "thing", "id": "x1", "label": text, "url": ""}
    return Shown("explorer_search.html", {"text": text, "hits": [hit]})


@pytest.mark.parametrize("make", [tx_page, contract_page, search_page])
def test_no_text_of_a_stranger_becomes_markup(make: Any) -> None:
    renderer, words = Renderer(StaticFiles(), SETTING), Words("en", "explorer")

    def render(text: str) -> Outline:
        return Outline(renderer.render(make(text), words, "/x"))

    expected = render(HARMLESS).tags
    assert [text for text in TEXTS if render(text).tags != expected] == []
