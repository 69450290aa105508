"""`money_balance`, `money_held`: what somebody has, free, on hold and being paid out."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import UnknownIdError
from chain.ids import encode_id
from chain.ledger import get_balance
from chain.pots import read_allowances
from contracts.vm.container import FunctionKind
from node.live.abis import ContractInfo
from node.rpc.contract_views import find_function, find_info, run_view
from node.rpc.errors import ContractRefusedError
from node.rpc.forms.shapes import AmountJson, account_text, amount_json
from node.rpc.methods.money import MONEY, PayoutJson, money_requests
from node.rpc.params import AccountId
from node.rpc.reading.newest import newest_naming
from node.rpc.registry import Call, rpc_method

LOOKED_AT_MAX = 200  # visits, or cards, newest first, for one answer
CONTRACTS_MAX = 64
REQUESTS_MAX = 32  # that the contract lets one holder have
BOOKINGS_MAX = 500
BookingIds = Annotated[
    list[Annotated[str, Field(pattern="^bkg1[02-9ac-hj-np-z]{58}$")]],
    Field(min_length=1, max_length=BOOKINGS_MAX, description="Ids of bookings."),
]


class HoldJson(TypedDict):
    """Money that is on hold for a visit or on a card, and still the customer's."""

    kind: Annotated[Literal["visit", "card"], Field(description="What it is on hold for.")]
    id: Annotated[str, Field(description="The booking, or the card.")]
    amount: Annotated[AmountJson, Field(description="On hold now.")]
    start: Annotated[int | None, Field(description="When the visit begins, ms UTC.")]


class BalanceJson(TypedDict):
    """What an account has of the network's money, all of it as the contracts tell it."""

    free: Annotated[AmountJson, Field(description="To be used at once.")]
    held: Annotated[AmountJson, Field(description="On hold for visits, still the customer's.")]
    prepaid: Annotated[AmountJson, Field(description="On hold on cards, still the customer's.")]
    paying_out: Annotated[AmountJson, Field(description="Asked for in cash and not yet paid.")]
    holds: Annotated[list[HoldJson], Field(description="What is on hold, one by one.")]
    requests: Annotated[list[PayoutJson], Field(description="What is being paid out.")]


@rpc_method(read=True, errors=(UnknownIdError,))
def money_balance(call: Call, *, account: AccountId) -> BalanceJson:
    """Return what somebody has: free, on hold for visits and on cards, and being paid out.

    Each amount on hold is what its contract says now; the newest 200 visits and cards are looked
    at, as far as the account has open pots there.
    """
    node = call.node
    (_slot, asset, _symbol), *_others = find_info(node, MONEY).assets
    open_pots = {
        one.instance: one.open_pots for one in read_allowances(node.state(), account, CONTRACTS_MAX)
    }
    visits = list(_visits(node, account, open_pots))
    cards = list(_cards(node, account, open_pots))
    requests = money_requests(call, holder=account, limit=REQUESTS_MAX)["items"]

    def together(amounts: list[AmountJson]) -> AmountJson:
        return amount_json(node, asset, sum(one["amount"] for one in amounts))

    return {
        "free": amount_json(node, asset, get_balance(node.state(), account, asset)),
        "held": together([one["amount"] for one in visits]),
        "prepaid": together([one["amount"] for one in cards]),
        "paying_out": together([one["amount"] for one in requests]),
        "holds": [*visits, *cards],
        "requests": requests,
    }


class HeldJson(TypedDict):
    """What is on hold for bookings, one by one as the contract tells it, and added up."""

    total: Annotated[AmountJson, Field(description="All of it.")]
    items: Annotated[list[HoldJson], Field(description="Those for which something is on hold.")]


@rpc_method(read=True, errors=(UnknownIdError,))
def money_held(call: Call, *, bookings: BookingIds) -> HeldJson:
    """Return what is on hold for some bookings, such as those of a shop that are not over.

    Each amount is what the contract says now; bookings that it does not know hold nothing.
    """
    node = call.node
    (_slot, asset, _symbol), *_others = find_info(node, MONEY).assets
    info = find_info(node, "booking")
    items: list[HoldJson] = []
    for booking in dict.fromkeys(bookings):
        try:
            amount = _view(node, info, "held_money", id=booking)
            start = _view(node, info, "booking", id=booking)["start"] if amount["amount"] else None
        except ContractRefusedError:
            continue
        if amount["amount"]:
            items.append({"kind": "visit", "id": booking, "amount": amount, "start": start})
    total = sum(one["amount"]["amount"] for one in items)
    return {"total": amount_json(node, asset, total), "items": items}


def _visits(node: Any, account: bytes, open_pots: dict[bytes, int]) -> Iterator[HoldJson]:
    info = _find(node, "booking")
    left = 0 if info is None else open_pots.get(info.contract, 0)
    if info is None or not left:
        return
    newest = newest_naming(node, info, "Requested", "customer", account)
    for event in islice(newest, LOOKED_AT_MAX):
        booking = encode_id("bkg", event["id"])
        amount = _view(node, info, "held_money", id=booking)
        if amount["amount"]:
            start = _view(node, info, "booking", id=booking)["start"]
            yield {"kind": "visit", "id": booking, "amount": amount, "start": start}
            left -= 1
        if not left:
            return


def _cards(node: Any, account: bytes, open_pots: dict[bytes, int]) -> Iterator[HoldJson]:
    info = _find(node, "prepaid")
    if info is None or not open_pots.get(info.contract, 0):
        return
    seen: set[str] = set()
    for event, field in (("Sold", "holder"), ("Transferred", "to")):
        for found in islice(newest_naming(node, info, event, field, account), LOOKED_AT_MAX):
            card = encode_id("crd", found["card"])
            if card in seen:
                continue
            seen.add(card)
            amount = _view(node, info, "held_money", card=card)
            holder = _view(node, info, "card", card=card)["holder"] if amount["amount"] else ""
            if holder == account_text(account):
                yield {"kind": "card", "id": card, "amount": amount, "start": None}


def _find(node: Any, name: str) -> ContractInfo | None:
    try:
        return find_info(node, name)
    except UnknownIdError:  # a chain without it
        return None


def _view(node: Any, info: ContractInfo, view: str, **given: Any) -> Any:
    return run_view(node, info, find_function(info, view, FunctionKind.VIEW), given)
