"""`report_compliance`: prepaid money of all shops, and the reserves behind the money itself."""

from typing import Any

from chain.errors import UnknownIdError
from chain.ids import encode_id
from node.live.views import first_keys, look
from node.report.lines import BALANCES
from node.report.making import PREPAID, REGISTER, Shop
from node.rpc.errors import InvalidParamsError
from node.rpc.forms.reports import ComplianceJson, ReserveJson, ShopComplianceJson
from node.rpc.forms.shape_basics import account_text
from node.rpc.methods.report import currency_of, head_of, lines_of
from node.rpc.params import AccountId, Height
from node.rpc.registry import Call, rpc_method

SHOPS_MAX = 10_000
ISSUERS_MAX = 64
MUCH_MONEY, MANY_CARDS = 10_000_000, 100  # prepaid money above 100,000.00, or more open cards
_STATUSES = {1: "ADMITTED", 2: "FROZEN", 3: "CLOSED", 4: "WARNED", 5: "CLOSING"}
_ACCOUNT_BYTES = 32
_REFUSALS = (InvalidParamsError, UnknownIdError)


@rpc_method(tier="shop", errors=_REFUSALS)
async def report_compliance(
    call: Call, *, shop: AccountId | None = None, height: Height | None = None
) -> ComplianceJson:
    """Tell what each shop holds for its customers, and how far the money is covered.

    Of one shop, or of all; at the newest block, or as it was after that of a height. The figures
    follow from the events, and those of the newest block are compared with what the contract itself
    says. Reserves are those of the newest block, and are left out for others.
    """
    head, node = head_of(call, height, "height"), call.node
    register = node.abis.installed(node.state(), REGISTER)
    if shop is not None:
        accounts = [shop]
    elif register is None:
        accounts = []
    else:
        accounts = first_keys(node, register, "shops", _ACCOUNT_BYTES, SHOPS_MAX)
    return {
        "at": head,
        "currency": currency_of(node),
        "shops": [await _comply(call, Shop(node, one), head["height"]) for one in accounts],
        "reserves": _reserves(node) if head["height"] == node.ledger.height else [],
    }


async def _comply(call: Call, shop: Shop, height: int) -> ShopComplianceJson:
    sums = dict.fromkeys((*BALANCES, "sold"), 0)
    async for lines in lines_of(call, shop, height):
        for line in lines:
            for name in sums:
                sums[name] += getattr(line, name)
    node = call.node
    is_whole = node.ledger.store.base_height == 0
    told = _cover(node, shop.account) if node.ledger.height == height else None
    counted = {
        "liability": sums["cards_liability"],
        "held": sums["cards_held"],
        "cards": sums["cards_open"],
        "claims": sums["claim"],
    }
    found = counted if is_whole or told is None else told
    large = ["money"] if found["liability"] > MUCH_MONEY else []
    large += ["cards"] if found["cards"] > MANY_CARDS else []
    owed = found["liability"]
    return {
        "shop": account_text(shop.account),
        "name": shop.name,
        "status": _STATUSES.get(shop.standing(), "UNKNOWN"),
        "collected": sums["sold"] if is_whole else None,
        "liability": owed,
        "held": found["held"],
        "cover_bp": min(10_000, found["held"] * 10_000 // owed) if owed else 10_000,
        "cards": found["cards"],
        "claims": found["claims"],
        "bookings_held": sums["bookings_held"] if is_whole else None,
        "is_whole": is_whole,
        "agrees": counted == told if is_whole and told is not None else None,
        "large": large,
    }


def _cover(node: Any, shop: bytes) -> dict[str, int] | None:
    prepaid = node.abis.installed(node.state(), PREPAID)
    told = None if prepaid is None else look(node, prepaid, "cover", shop)
    if told is None:
        return None
    return {name: int(told[name]) for name in ("liability", "held", "cards", "claims")}


def _reserves(node: Any) -> list[ReserveJson]:
    money = node.abis.installed(node.state(), "money")
    found: list[ReserveJson] = []
    if money is None:
        return found
    for account in first_keys(node, money, "issuers", _ACCOUNT_BYTES, ISSUERS_MAX):
        one = look(node, money, "issuer", account) or {}
        is_stated = bool(one.get("stated_at"))
        liability, custody = int(one.get("liability", 0)), int(one.get("stated_custody", 0))
        found.append(
            {
                "issuer": encode_id("acct", account),
                "liability": liability,
                "attested": custody if is_stated else None,
                "attested_at": int(one["stated_at"]) if is_stated else None,
                "covered": custody >= liability if is_stated else None,
            }
        )
    return found
