"""A world with the money contract: an issuer with a statement, two operators, a holder."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from node.workbench import World

SOURCE = Path(__file__).parents[3] / "contracts" / "standard" / "money.wash"
START = "2026-01-05T00:00Z"  # eight in the morning of a Monday, where the issuer is
LIMIT, DAILY, LEAST = 1_000_000, 600_000, 100
RULES = {
    "two": False, "working_days": 3, "week": 0b0011111, "zone": 8 * 3_600_000,
    "every": 30 * 86_400_000, "least": LEAST,
}  # fmt: skip
CUSTODY = sha256(b"bank, owner, number").digest()
PAYEE = sha256(b"where to pay to").digest()


def receipt(number: int | str) -> bytes:
    """Return the reference of a payment at the bank."""
    return sha256(f"payment {number}".encode()).digest()


class MoneyWorld(World):
    """A world with short ways; "bank" is the issuer."""

    def state(self, custody: int, liability: int | None = None, by: str = "bank") -> None:
        """Let an issuer state what it has; without `liability` the contract's own figure."""
        known = self.view("issuer", by)
        owed = known["liability"] if liability is None else liability
        self.call(by, "attest", known["period"] + 1, owed, custody, receipt("statement"))

    def issue(
        self, amount: int, to: str = "alice", number: int | str = 1, by: str = "bank"
    ) -> None:
        """Let an issuer give somebody money for a deposit."""
        self.call(by, "issue", to, amount, receipt(number))

    def ask(self, amount: int, who: str = "alice", of: str = "bank") -> str:
        """Ask for cash; returns the id of the request."""
        request: str = self.call(who, "ask", of, PAYEE, funds=amount)
        return request

    def adds_up(self) -> bool:
        """Tell whether issuers owe exactly what there is, and hold what was asked for."""
        sums: dict[str, Any] = self.view("reserves")
        return (sums["owed"], sums["asked"]) == (sums["supply"], self.held())


@cache
def _made(two: bool) -> MoneyWorld:  # noqa: FBT001 - one of two worlds
    world = MoneyWorld(time=START, funds=0)
    for name in ("alice", "bob", "bank", "other", "olga"):
        world.account(name)
    world.give_role("olga", "operator")
    world.add(SOURCE, install=True, arguments=[{**RULES, "two": two}])
    return world


def bare_world(*, two: bool = False) -> MoneyWorld:
    """Return a world in which nobody issues money yet."""
    return _made(two).copy()


def money_world() -> MoneyWorld:
    """Return a world with an issuer that has stated its reserves and may issue."""
    world = bare_world()
    world.call("operator", "register", "bank", CUSTODY, LIMIT, DAILY)
    world.state(0)
    return world
