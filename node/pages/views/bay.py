"""/bay/{n}: the tablet in a bay: the car, its steps, materials, a photo, and when it is done."""

from typing import Any

from aiohttp import web

from chain.ids import decode_id
from node.pages.asking import AskError, asked
from node.pages.desk import answer_deed, find_worker, for_script, login_page, read_deed
from node.pages.page import GoneError, Shown, Visit, deed, page
from node.pages.shopbook import Stay, read_book
from node.pages.views.console import read_bays, read_shop

STEPS = (1, 2, 3, 4, 5, 6, 7, 8)  # codes of the work, whose names are texts of the page
MATERIALS = (
    ("SHAMPOO", 60), ("FOAM", 80), ("RIMS", 40), ("WAX", 30), ("GLASS", 20), ("TYRE", 20),
)  # fmt: skip
PHOTO_DEED_BYTES_MAX = 2_200_000  # a sealed photo of 1 MiB as hex, with its keys
_BAYS_MAX = 99


@page("/bay/{n}", words="bay")
async def bay(visit: Visit) -> Shown | web.Response:
    """Show a bay: the car that is in it, or the one that may come in."""
    worker = await find_worker(visit)
    if worker is None:
        return login_page(visit)
    about = await read_shop(visit, worker.shop)
    text = visit.part("n")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0  # noqa: PLR2004
    if not 1 <= number <= min(about["bays"], _BAYS_MAX):
        raise GoneError("bay.no_bay")
    book = await read_book(visit, worker.shop)
    car = book.in_bays(about["bays"], await read_bays(visit, worker)).get(number)
    waiting = [one for one in book.open() if one.state == "CHECKED_IN"]
    record = None if car is None else await _record(visit, car)
    values: dict[str, Any] = {
        **about,
        "worker": worker,
        "number": number,
        "car": car,
        "waiting": waiting,
        "steps": STEPS,
        "materials": MATERIALS,
        "done": [] if record is None else record["steps"],
        "has_records": record is not None,
    }
    data = {
        **for_script(worker),
        "after": f"{about['height']}-",
        "bay": number,
        "car": None if car is None else car.id,
        "customer": None if car is None else car.customer,
        "record": None if car is None else decode_id(car.id, "bkg").hex(),
        "hasRecords": await _has_records(visit),
        "begun": record is not None and record["is_begun"],
        "entries": 0 if record is None else record["entries"],
    }
    return visit.show("bay.html", data=data, **values)


async def _has_records(visit: Visit) -> bool:
    (found,) = await visit.ask.all(asked("contract_get", contract="records"))
    return not isinstance(found, AskError)


async def _record(visit: Visit, car: Stay) -> dict[str, Any] | None:
    """Return what the service record has so far; None where the chain keeps no records."""
    name = decode_id(car.id, "bkg").hex()
    if not await _has_records(visit):
        return None
    (record,) = await visit.ask.all(asked("records.record", record=name))
    if isinstance(record, AskError):
        return {"is_begun": False, "entries": 0, "steps": []}
    told = await visit.ask(
        "events_query", filter={"type": "records.*", "values": {"record": name}}, limit=200
    )
    steps = [
        one["values"]["code"] for one in told["items"] if str(one["type"]).endswith(".StepDone")
    ]
    return {"is_begun": True, "entries": record["entries"], "steps": steps}


@deed("/bay/{n}/photo", words="bay")
async def keep_photo(visit: Visit) -> web.Response:
    """Keep a photo that the tablet has sealed; it is longer than other deeds."""
    worker, body = await read_deed(visit, PHOTO_DEED_BYTES_MAX)
    return await answer_deed(visit, worker, "staff_photo", body)
