"""People who work at the shops of the tests: made once, logged in when needed."""

import json
from typing import Any

from tests.pages.browsing import COUNTER, Visitor
from tests.pages.conftest import Come
from tests.pages.town import Town

PINS = {"Mei": "482916", "Bo": "573014", "Olga": "739150"}
DUTIES = {"Mei": "desk", "Bo": "bay", "Olga": "owner"}


def hire_all(town: Town) -> None:
    """Let everybody work at Sparkle, with the shop's token, as on its own computer."""
    token = json.loads((town.folder / "tokens.json").read_text("utf-8"))["shop"]
    known = {one["name"] for one in town.rpc_as(token, "staff_list")["items"]}
    for name, pin in PINS.items():
        if name not in known:
            given: dict[str, Any] = {"name": name, "pin": pin, "duty": DUTIES[name]}
            town.rpc_as(token, "staff_add", **given, refund_max=100_000)


async def log_in(
    visitor: Come,
    town: Town,
    name: str,
    *,
    lang: str = "en",
    size: tuple[int, int] = COUNTER,
    to: str = "/shop",
) -> Visitor:
    """Return somebody of the staff, logged in and at a page."""
    hire_all(town)
    one = await visitor(lang, size)
    await one.open(to)
    await one.page.fill("#name", name)
    await one.page.fill("#pin", PINS[name])
    await one.page.keyboard.press("Enter")
    await one.page.wait_for_url(f"**{to}")
    await one.page.wait_for_load_state("load")
    return one
