"""Who sees what about a customer: asked, answered, read, taken back, erased."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from chain.types import DAY_MS
from node.client import AsyncWash
from node.client.errors import WashRpcError
from node.client.records import Records
from node.demo.accounts import seed_of
from tests.pages.browsing import Visitor
from tests.pages.conftest import Come
from tests.pages.test_first_visit import IN_CHINESE, book
from tests.pages.town import Town

DETAILS = {"plate": "沪A·12345", "note": "scratch at the left door <b>"}


def deal(town: Town, name: str, work: Callable[[Records], Any]) -> Any:
    """Let somebody of the demo deal with sealed details, by the plain client."""

    async def run() -> Any:
        async with AsyncWash(town.url) as wash:
            return await work(Records(wash, seed_of(name)))

    return asyncio.run(run())


async def write(town: Town, owner: str) -> str:
    """Let the shop keep something about a customer; returns the blob."""
    made: str = await asyncio.to_thread(
        deal, town, "sparkle", lambda shop: shop.keep(DETAILS, owner=owner, kind="NOTES")
    )
    return made


async def ask(town: Town, owner: str, blob: str) -> None:
    """Let another shop ask to see it."""
    until = town.now_ms() + 30 * DAY_MS
    await asyncio.to_thread(
        deal,
        town,
        "harbour",
        lambda shop: shop.ask(owner, "CLAIM", until=until, blob=blob),
    )


async def read(town: Town, blob: str) -> Any:
    """Let the other shop read it."""
    return await asyncio.to_thread(deal, town, "harbour", lambda shop: shop.read(blob, "CLAIM"))


async def customer_with_notes(one: Visitor, town: Town) -> tuple[str, str]:
    """Return the account of a customer at sparkle, and a blob about them."""
    name = await book(one, town.sparkle)
    owner = town.read("booking.booking", id=name)["customer"]
    return owner, await write(town, owner)


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_a_yes_opens_the_details_and_a_switch_closes_them(
    visitor: Come, town: Town, lang: str
) -> None:
    one = await visitor(lang)
    owner, blob = await customer_with_notes(one, town)
    await ask(town, owner, blob)
    await one.open("/c/privacy")
    await one.page.wait_for_selector("#questions li")
    await one.check()
    await one.shoot("privacy-asked")

    await one.press("#questions .button:not(.quiet)")
    await one.page.wait_for_selector("#readers li >> nth=1")
    opened = await read(town, blob)
    await one.check()
    await one.shoot("privacy")
    await one.press("#readers li:has-text('Harbour') input, #readers li:has-text('港湾') input")
    await one.page.wait_for_selector("#readers li >> nth=1", state="detached")

    assert opened.content == DETAILS
    with pytest.raises(WashRpcError):
        await read(town, blob)
    await one.press("#show-log")
    await one.page.wait_for_selector("#log li")
    assert ("港湾" if lang == "zh" else "Harbour") in await one.text("#log")
    await one.check()


async def test_a_no_opens_nothing(visitor: Come, town: Town) -> None:
    one = await visitor()
    owner, blob = await customer_with_notes(one, town)
    await ask(town, owner, blob)
    await one.open("/c/privacy")

    await one.press("#questions .button.quiet")
    await one.page.wait_for_selector("#asked", state="hidden")

    with pytest.raises(WashRpcError):
        await read(town, blob)


async def test_details_are_shown_to_their_owner_as_text_and_erased(
    visitor: Come, town: Town
) -> None:
    one = await visitor()
    _owner, blob = await customer_with_notes(one, town)
    await one.open("/c/privacy")
    await one.press("#kept .button.quiet")
    await one.page.wait_for_selector("#kept dd")
    shown = await one.text("#kept")
    await one.check()

    await one.press("#kept .button.link")
    await one.page.wait_for_selector("#ask-erase[open]")
    await one.press("#ask-erase button[value=yes]")
    await one.page.wait_for_selector("#kept .button", state="detached")

    assert all(text in shown for text in DETAILS.values())
    assert town.read("consent.blob", id=blob)["state"] in {"ERASING", "ERASED"}
