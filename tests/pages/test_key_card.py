"""The key card: saved with a PIN, taken back from its picture on another phone."""

from pathlib import Path

from tests.pages.conftest import Come
from tests.pages.test_first_visit import book
from tests.pages.town import Town

PIN = "582913"


async def test_another_phone_takes_everything_back_from_the_picture(
    visitor: Come, town: Town, tmp_path: Path
) -> None:
    one = await visitor("zh")
    name = await book(one, town.sparkle)
    await one.page.wait_for_selector("#notice-card")
    await one.open(f"/s/{town.sparkle}")
    await one.page.wait_for_selector("#notice-card")
    await one.open("/c/key")
    await one.check()
    await one.page.fill("#pin", PIN)
    await one.page.fill("#pin-again", PIN)
    await one.press("#make-form button")
    await one.page.wait_for_selector("#done:not([hidden])", timeout=30_000)
    await one.check()
    async with one.page.expect_download() as download:
        await one.press("#download")
    picture = tmp_path / "card.png"
    await (await download.value).save_as(picture)
    await one.open(f"/s/{town.sparkle}")
    assert not await one.page.is_visible("#notice-card")

    other = await visitor("zh")
    await other.open("/c/key")
    await other.page.set_input_files("#picture", picture)
    await other.page.fill("#restore-pin", "000000")
    await other.press("#restore-form button")
    await other.page.wait_for_selector("#restore-said:not([hidden])", timeout=30_000)
    await other.page.fill("#restore-pin", PIN)
    await other.press("#restore-form button")
    await other.page.wait_for_url("**/c", timeout=30_000)

    await other.page.wait_for_selector(f"a[href='/b/{name}']")


async def test_the_seed_lies_sealed_once_there_is_a_pin(visitor: Come) -> None:
    one = await visitor()
    await one.open("/c/key")
    before = await one.page.evaluate("localStorage.getItem('wash.seed')")
    await one.page.fill("#pin", PIN)
    await one.page.fill("#pin-again", PIN)
    await one.press("#make-form button")
    await one.page.wait_for_selector("#done:not([hidden])", timeout=30_000)

    kept = await one.page.evaluate("JSON.stringify(localStorage)")

    assert len(before) == 64
    assert before not in kept
