"""Photos from the bay: plain pictures, sealed on the tablet, for the customer and nobody else."""

import asyncio
import json
import struct
import zlib
from itertools import count

import pytest
from playwright.async_api import FilePayload, Route

from chain.ids import decode_id, encode_id
from node.client import AsyncWash
from node.client.errors import WashRpcError
from node.client.records import Records
from node.demo.accounts import seed_of
from tests.pages.browsing import Visitor
from tests.pages.conftest import Come
from tests.pages.staff import PINS, hire_all
from tests.pages.test_first_visit import IN_CHINESE, book
from tests.pages.test_history import enter
from tests.pages.town import MINUTE_MS, Town

REDRAWN = """async (data) => {
  const here = document.querySelector("script[src*='app.js']").src;
  const { redraw } = await import(here.replace("app.js", "photo.js"));
  return [...await redraw(new Blob([new Uint8Array(data)]))];
}"""
FREE_BAYS = count(40)  # cars stay in them here
PLACE = b"Guangzhou, 23.1291 N"


def picture_with_a_place() -> bytes:
    """Return a red PNG of 40 by 30 whose file tells where it was taken, as Exif and as text."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    rows = b"".join(b"\0" + b"\xff\0\0" * 40 for _ in range(30))
    head = struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0)
    exif = b"MM\0*\0\0\0\x08\0\0" + PLACE
    parts = [
        (b"IHDR", head),
        (b"eXIf", exif),
        (b"tEXt", b"Comment\0" + PLACE),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in parts)


async def car_in_the_bay(one: Visitor, town: Town) -> str:
    """Let a customer hand a car over; returns the booking."""
    name = await book(one, town.sparkle)
    town.travel(town.read("booking.booking", id=name)["start"] - 5 * MINUTE_MS)
    await one.open(f"/b/{name}")
    await one.press("[data-action=code]")
    await one.press("#show-code button[value=yes]")
    await one.page.wait_for_selector(".steps li:nth-child(3).now")
    return name


async def bo_at_the_tablet(visitor: Come, town: Town, name: str, lang: str) -> Visitor:
    """Let Bo begin the work, on a tablet in the shop's own network without protected pages."""
    hire_all(town)
    bo = await visitor(lang, (800, 1100))
    bo.url = town.lan_url
    await bo.open(f"/bay/{next(FREE_BAYS)}")
    await bo.page.fill("#name", "Bo")
    await bo.page.fill("#pin", PINS["Bo"])
    await bo.page.keyboard.press("Enter")
    await bo.press(f"[data-do=start][data-id={name}]")
    await bo.page.wait_for_selector("label[for=photo]")
    return bo


async def choose(bo: Visitor, data: bytes) -> None:
    """Let the camera give a file."""
    file = FilePayload(name="car.png", mimeType="image/png", buffer=data)
    await bo.page.set_input_files("#photo", file)


async def take_photo(bo: Visitor, data: bytes) -> None:
    await choose(bo, data)
    await bo.page.wait_for_selector("#undo:visible")
    await bo.press("[data-step='2']")  # what waited before is sent at once
    await bo.page.wait_for_selector("[data-step='2'].done", timeout=30_000)


async def look_into_the_history(one: Visitor, town: Town, name: str) -> int:
    """Let the visit end and be entered; returns how many photos its owner sees in the history."""
    record = decode_id(name, "bkg").hex()
    number = town.read("records.record", record=record)["entries"] + 1
    town.do(
        "sparkle", "records.finish", record=record, number=number, result="DONE", notes="00" * 32
    )
    await one.open(await enter(one))
    await one.press("#records details summary")
    await one.page.wait_for_selector("#records img")
    await one.check()
    return await one.page.locator("#records img").count()


async def line_while_it_comes(one: Visitor) -> str:
    """Return what the booking's page says while the photo is not at its node yet."""

    async def lack(route: Route) -> None:
        asked = route.request.post_data or ""
        if "blob_get" not in asked:
            await route.continue_()
            return
        error = {"code": 3503, "message": "not here", "data": {"name": "BLOB_GONE"}}
        number = json.loads(asked)["id"]
        await route.fulfill(json={"jsonrpc": "2.0", "id": number, "error": error})

    await one.page.route("**/rpc", lack)
    await one.page.reload()
    await one.page.wait_for_selector("#photo-list .soft")
    said = await one.text("#photo-list .soft")
    await one.page.unroute("**/rpc")
    return said


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_the_customer_sees_photos_as_they_are_taken_and_later_and_nobody_else_does(
    visitor: Come, town: Town, lang: str
) -> None:
    one, other = await visitor(lang), await visitor(lang)
    name = await car_in_the_bay(one, town)
    bo = await bo_at_the_tablet(visitor, town, name, lang)
    await choose(bo, b"<svg onload=alert(1)>")
    await bo.page.wait_for_selector("#notice-sending.bad")
    waits = await bo.page.locator("#undo:visible").count()
    await take_photo(bo, picture_with_a_place())
    is_plain_page = await bo.page.evaluate("isSecureContext")
    await one.page.wait_for_selector("#photos img")
    await one.page.wait_for_selector("#done span")
    done = await one.text("#done")
    size = await one.page.evaluate(
        "(async () => { const it = document.querySelector('#photos img'); await it.decode();"
        " return [it.naturalWidth, it.naturalHeight]; })()"
    )
    await one.check()
    await one.shoot("photo")
    coming = await line_while_it_comes(one)
    await other.open(f"/b/{name}")
    in_history = await look_into_the_history(one, town, name)

    record = decode_id(name, "bkg").hex()
    photo = town.read("records.entry", record=record, number=2)["content"]
    kept = b"".join(path.read_bytes() for path in (town.folder / "vault").iterdir())
    assert {"en": "Foam", "zh": "打泡沫"}[lang] in done
    assert {"en": "On its way", "zh": "正从门店传来"}[lang] in coming
    assert waits == 0  # what is no picture is not kept
    assert (is_plain_page, size, b"JFIF" in kept) == (False, [40, 30], False)
    assert in_history == 1
    assert await other.page.locator("#photos:visible").count() == 0
    with pytest.raises(WashRpcError):
        await asyncio.to_thread(lambda: asyncio.run(look(town, "sparkle", photo)))
    with pytest.raises(WashRpcError):
        await asyncio.to_thread(lambda: asyncio.run(look(town, "harbour", photo)))


async def test_where_and_when_a_picture_was_taken_does_not_leave_the_tablet(
    visitor: Come, town: Town
) -> None:
    bo = await visitor("en", (800, 1100))
    await bo.open(f"/s/{town.sparkle}")
    picture = picture_with_a_place()

    made = bytes(
        await bo.page.evaluate(
            REDRAWN,
            list(picture),
        )
    )

    assert PLACE in picture
    assert made[:3] == b"\xff\xd8\xff"
    assert PLACE not in made
    assert b"Exif" not in made


async def look(town: Town, name: str, photo: str) -> object:
    """Let somebody of the demo try to open a photo."""
    async with AsyncWash(town.url) as wash:
        blob = encode_id("blb", bytes.fromhex(photo))
        return await Records(wash, seed_of(name)).read(blob, "SERVICE")
