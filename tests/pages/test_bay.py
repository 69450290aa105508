"""The tablet in a bay: big tiles, ten seconds to take a tap back, one hand."""

from chain.ids import decode_id
from tests.pages.conftest import Come
from tests.pages.staff import log_in
from tests.pages.test_first_visit import book
from tests.pages.town import MINUTE_MS, Town

TABLET = (800, 1100)
TILE_LEAST = 64


async def test_a_car_is_started_and_finished_in_the_bay(visitor: Come, town: Town) -> None:
    customer = await visitor()
    name = await book(customer, town.sparkle)
    start = town.read("booking.booking", id=name)["start"]
    town.travel(start - 5 * MINUTE_MS)
    await customer.open(f"/b/{name}")
    await customer.press("[data-action=code]")
    await customer.page.wait_for_selector("#show-code[open]")
    await customer.press("#show-code button[value=yes]")
    await customer.page.wait_for_selector(".steps li:nth-child(3).now")
    bo = await log_in(visitor, town, "Bo", size=TABLET, to="/bay/3")
    await bo.check()
    await bo.press(f"[data-do=start][data-id={name}]")
    await bo.page.wait_for_selector("[data-do=finish]")
    heights = await bo.page.evaluate(
        "[...document.querySelectorAll('.tablet button, .numbers a')].filter((one) => !one.hidden)"
        ".map((one) => one.getBoundingClientRect().height)"
    )
    other = await log_in(visitor, town, "Mei", size=TABLET, to="/bay/3")  # another tablet
    assert await other.page.locator("[data-do=finish]").count() == 1
    await other.leave()
    await bo.press("[data-step='1']")
    await bo.press("[data-material=WAX]")  # what waited before is sent at once
    await bo.page.wait_for_selector("[data-step='1'].done")
    await bo.press("[data-do=finish]")
    await bo.page.wait_for_selector("#undo:not([hidden])")
    await bo.check()
    await bo.shoot("bay")
    await bo.press("#undo")
    await bo.page.wait_for_selector("#notice-sending.good")
    before = town.read("booking.booking", id=name)["state"]
    await bo.press("[data-do=finish]")
    await bo.page.wait_for_selector("[data-do=finish]", state="detached", timeout=30_000)

    visit = decode_id(name, "bkg").hex()
    record = town.read("records.record", record=visit)
    assert (record["result"], record["entries"]) == ("DONE", 4)
    assert min(heights) >= TILE_LEAST
    assert before == "IN_SERVICE"
    assert town.read("booking.booking", id=name)["state"] == "READY"
