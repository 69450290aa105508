"""A customer and an owner to whom enough has happened that every page has something to show."""

from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser

from chain.ids import decode_id, encode_id
from node.demo.accounts import ISSUER_DESK
from node.demo.staff import PRACTICE_PIN
from tests.pages.browsing import COUNTER, PHONE, Visitor
from tests.pages.issuing import pay_in
from tests.pages.staff import PINS, hire_all
from tests.pages.test_history import NONE, enter, hand_over, visit
from tests.pages.town import Town

HOSTILE = "<img src=x onerror=alert(1)>\"'</script>{{1}} \u202etxet"  # work that a shop asks for


@dataclass(frozen=True)
class Furnished:
    """Who looks at the pages, and the names that stand in their addresses."""

    customer: Visitor
    owner: Visitor
    cashier: Visitor
    operator: Visitor
    names: dict[str, Any]

    def who_sees(self, path: str) -> Visitor:
        """Return whose browser has something to show at an address."""
        if path.startswith("/desk"):
            return self.cashier
        if path.startswith("/ops/") and path != "/ops/login":
            return self.operator
        is_of_staff = path.startswith(("/shop", "/bay")) and path != "/shop/login"
        return self.owner if is_of_staff else self.customer

    @property
    def visitors(self) -> tuple[Visitor, ...]:
        """Everybody who looks."""
        return self.customer, self.owner, self.cashier, self.operator


async def furnish(browser: Browser, town: Town) -> Furnished:
    """Let a customer have a visit paid, one under way and a car; let the owner log in."""
    customer = await Visitor.come(browser, town.url, "en", PHONE, has_script=True)
    paid = encode_id("bkg", bytes.fromhex(await visit(customer, town)))
    await customer.press("[data-action=confirm]")
    await customer.press("#ask-confirm button[value=yes]")
    await customer.page.wait_for_selector("#end")
    car = await enter(customer)
    booking = await hand_over(customer, town)
    record = decode_id(booking, "bkg").hex()
    town.do("sparkle", "booking.start_service", id=booking)
    town.do("sparkle", "records.start", visit=record, redo_of=NONE, odometer=43)
    town.do("sparkle", "booking.ask_extra", id=booking, price=3_000, work=HOSTILE)
    hire_all(town)
    owner = await _log_in(browser, town, "/shop", "Olga", PINS["Olga"])
    cashier = await _log_in(browser, town, "/desk", ISSUER_DESK, PRACTICE_PIN)
    operator = await _log_in(browser, town, "/ops/admit", "operator", PRACTICE_PIN)
    found = town.read("booking.booking", id=booking)
    latest = town.rpc("tx_list", account=found["customer"], limit=1)["items"][0]
    names = {
        "shop": town.sparkle,
        "booking": booking,
        "paid": paid,
        "account": found["customer"],
        "car": car.partition("#")[0].rpartition("/")[2],
        "tx": latest["tx_id"],
        "block": latest["height"],
        "index": latest["index"],
        "paid_in": pay_in(town, found["customer"], 5_000),
    }
    return Furnished(customer, owner, cashier, operator, names)


async def _log_in(browser: Browser, town: Town, path: str, name: str, pin: str) -> Visitor:
    one = await Visitor.come(browser, town.url, "en", COUNTER, has_script=True)
    await one.open(path)
    await one.page.fill("#name", name)
    await one.page.fill("#pin", pin)
    await one.page.keyboard.press("Enter")
    await one.page.wait_for_url(f"**{path}")
    return one
