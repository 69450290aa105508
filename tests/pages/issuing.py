"""Who issues the money of the tests' town, without a browser."""

from itertools import count
from typing import Any

from chain.crypto import sha256
from tests.pages.town import Town

_PAPER = "5a" * 32
_deposits = count()


def issuer_of(town: Town) -> str:
    """Return the account of who issues the money."""
    (found,) = town.read("money_issuers")["items"]
    return str(found["issuer"])


def state(town: Town, custody: int = 10**12) -> None:
    """Let the issuer state what lies in its account."""
    found = town.read("money.issuer", account=issuer_of(town))
    period, owed = found["period"] + 1, found["liability"]
    given = {"period": period, "liability": owed, "custody": custody, "document": _PAPER}
    town.do("issuer", "money.attest", **given)


def pay_in(town: Town, account: str, amount: int) -> str:
    """Let the issuer give money for a deposit; returns the receipt's number."""
    state(town)
    reference = sha256(b"deposit %d" % next(_deposits)).hex()
    given: dict[str, Any] = {"to": account, "amount": amount, "reference": reference}
    return str(town.do("issuer", "money.issue", **given).tx_id)
