"""The explorer and the pages to learn from: what they show, and where claims lead to."""

import json
import re
from urllib.parse import quote

import pytest
from playwright.async_api import expect

from tests.pages.conftest import Come
from tests.pages.town import Town


def a_transaction(town: Town) -> str:
    """Return the id of a transaction of a shop."""
    listed = town.rpc("tx_list", account=town.sparkle, limit=1)["items"]
    return str(listed[0]["tx_id"])


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
