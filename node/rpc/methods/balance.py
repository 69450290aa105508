"""`money_balance`, `money_held`: what somebody has, free, on hold and being paid out."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import UnknownIdError
from chain.ids import encode_id
from chain.ledger import get_balance
from chain.pots import pot_key, read_allowances, read_pot
from contracts.vm.container import FunctionKind
from contracts.vm.values import KeyForm
from node.live.abis import ContractInfo
from node.rpc.contract_views import find_function, find_info, run_view
from node.rpc.errors import ContractRefusedError
from node.rpc.forms.abi_values import scalars_of
from node.rpc.forms.shapes import AmountJson, account_text, amount_json
from node.rpc.methods.money import MONEY, PayoutJson, money_requests
from node.rpc.methods.shop import REGISTER
from node.rpc.params import AccountId
from node.rpc.reading.fields import StoredMap, standard_map
from node.rpc.reading.newest import newest_naming
from node.rpc.registry import Call, rpc_method

LOOKED_AT_MAX = 1_000  # visits, newest first, until those with money on hold are found
SHOPS_MAX = 10_000
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
    unread: Annotated[
        int, Field(description="Visits and cards with a pot that `held` and `prepaid` lack.")
    ]
    requests: Annotated[list[PayoutJson], Field(description="What is being paid out.")]


@rpc_method(read=True, errors=(UnknownIdError,))
def money_balance(call: Call, *, account: AccountId) -> BalanceJson:
    """Return what somebody has: free, on hold for visits and on cards, and being paid out.

    Each amount on hold is what its contract says now. How many visits and cards have a pot is
    known, and all of them are looked for: `unread` is 0 unless a request for a visit is not among
    the newest 1,000, or is older than what this node keeps.
    """
    node = call.node
    (_slot, asset, _symbol), *_others = find_info(node, MONEY).assets
    open_pots = {
        one.instance: one.open_pots for one in read_allowances(node.state(), account, CONTRACTS_MAX)
    }
    visits, visits_unread = _read(node, "booking", _visits, account, open_pots)
    cards, cards_unread = _read(node, "prepaid", _cards, account, open_pots)
    requests = money_requests(call, holder=account, limit=REQUESTS_MAX)["items"]

    def together(amounts: list[AmountJson]) -> AmountJson:
        return amount_json(node, asset, sum(one["amount"] for one in amounts))

    return {
        "free": amount_json(node, asset, get_balance(node.state(), account, asset)),
        "held": together([one["amount"] for one in visits]),
        "prepaid": together([one["amount"] for one in cards]),
        "paying_out": together([one["amount"] for one in requests]),
        "holds": [*visits, *cards],
        "unread": visits_unread + cards_unread,
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


Finding = Callable[[Any, ContractInfo, bytes], Iterator[HoldJson]]


def _read(
    node: Any, contract: str, find: Finding, account: bytes, open_pots: dict[bytes, int]
) -> tuple[list[HoldJson], int]:
    """Return for what an account has pots open at a contract, and how many were not found."""
    info = _find(node, contract)
    count = 0 if info is None else open_pots.get(info.contract, 0)
    if info is None or not count:
        return [], 0
    found = list(islice(find(node, info, account), count))
    return [one for one in found if one["amount"]["amount"]], count - len(found)


def _visits(node: Any, info: ContractInfo, account: bytes) -> Iterator[HoldJson]:
    """Yield the visits with a pot, newest first; the pot is looked at before the rules are run."""
    newest = newest_naming(node, info, "Requested", "customer", account)
    for event in islice(newest, LOOKED_AT_MAX):
        if read_pot(node.state(), _pot_of_visit(info, event["id"])) is None:
            continue
        booking = encode_id("bkg", event["id"])
        amount = _view(node, info, "held_money", id=booking)
        start = _view(node, info, "booking", id=booking)["start"]
        yield {"kind": "visit", "id": booking, "amount": amount, "start": start}


def _pot_of_visit(info: ContractInfo, booking: bytes) -> bytes:
    (pots,) = info.code.abi.pots
    form = KeyForm(b"\0", scalars_of([("", kind) for kind in pots.key]))
    return pot_key(info.contract, form.encode([booking], 0))


def _cards(node: Any, info: ContractInfo, account: bytes) -> Iterator[HoldJson]:
    """Yield an account's open cards, from the lists that the contract keeps of each shop's."""
    holdings = StoredMap(node, info, "holdings")
    holder, nothing = account_text(account), encode_id("crd", bytes(32))
    for (shop,) in standard_map(node, REGISTER, "shops").keys(b"", b"", SHOPS_MAX):
        if holdings.get(shop, account) is None:
            continue
        given = {"shop": account_text(shop), "holder": holder}
        card = _view(node, info, "next_card", **given, after=nothing)
        while card != nothing:
            amount = _view(node, info, "held_money", card=card)
            yield {"kind": "card", "id": card, "amount": amount, "start": None}
            card = _view(node, info, "next_card", **given, after=card)


def _find(node: Any, name: str) -> ContractInfo | None:
    try:
        return find_info(node, name)
    except UnknownIdError:  # a chain without it
        return None


def _view(node: Any, info: ContractInfo, view: str, **given: Any) -> Any:
    return run_view(node, info, find_function(info, view, FunctionKind.VIEW), given)
