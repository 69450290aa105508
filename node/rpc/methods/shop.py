"""`shop_*`: which shops there are and what each offers."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import UnknownIdError
from contracts.vm.container import FunctionKind
from node.rpc.contract_views import find_function, find_info, run_view
from node.rpc.errors import ContractRefusedError
from node.rpc.forms.shape_basics import AmountJson, account_text, asset_text
from node.rpc.params import AccountId, Limit
from node.rpc.reading.fields import StoredMap, standard_map
from node.rpc.registry import Call, rpc_method

REGISTER = "shops"
_SERVICES_MAX = 1_000  # withdrawn ones among them
_LOOKED_AT_MAX = 2_000  # names of shops, for one answer
_NAME = -1  # where a stored shop has its name


PartOfName = Annotated[
    str, Field(max_length=100, description="A part of the name; empty for all shops.")
]


class ShopJson(TypedDict):
    """A shop as the list shows it."""

    shop: str
    name: str
    status: Annotated[str, Field(description="ADMITTED, WARNED, CLOSING, FROZEN or CLOSED.")]
    sells: Annotated[bool, Field(description="Whether it takes bookings and sells cards.")]


class ShopsJson(TypedDict):
    """Shops in order of their ids; `next` is the `after` that goes on, null at the end."""

    items: list[ShopJson]
    next: str | None


class ServiceJson(TypedDict):
    """A service as its shop offers it now."""

    service: int
    version: int
    name: str
    name_en: Annotated[str, Field(description="Empty if the shop gave none.")]
    name_zh: Annotated[str, Field(description="Empty if the shop gave none.")]
    price: AmountJson
    duration: int
    cell: Annotated[int, Field(description="0: let by the quarter of an hour, 1: by the day.")]
    policy: Annotated[str, Field(description="The hash of its booking rules.")]


class ServicesJson(TypedDict):
    """What a shop offers, by number."""

    shop: str
    items: list[ServiceJson]


def read_register(call: Call, view: str, **given: Any) -> Any:
    """Return what a view of the register of shops gives; raises UnknownIdError without one."""
    info = find_info(call.node, REGISTER)
    return run_view(call.node, info, find_function(info, view, FunctionKind.VIEW), given)


@rpc_method(read=True, errors=(UnknownIdError,))
def shop_list(
    call: Call, *, after: AccountId | None = None, name: PartOfName = "", limit: Limit = 50
) -> ShopsJson:
    """List the shops that the operators admitted; with `name` those whose name has it as a part.

    Capitals make no difference. At most 2,000 names are looked at for one answer, so a page can be
    short, or empty, and yet have a `next`.
    """
    known = standard_map(call.node, REGISTER, "shops")
    most = max(limit, _LOOKED_AT_MAX) if name else limit
    keys = [shop for (shop,) in known.keys(b"", after or b"", most + 1)]
    items: list[ShopJson] = []
    last = b""
    for last in keys[:most]:
        if not name or _has_name(known, last, name.casefold()):
            items.append(_told(call, account_text(last)))
        if len(items) == limit:
            break
    is_over = not keys or last == keys[-1]
    return {"items": items, "next": None if is_over else account_text(last)}


def _has_name(known: StoredMap, shop: bytes, part: str) -> bool:
    row = known.get(shop)
    return row is not None and part in bytes(row[_NAME]).decode("utf-8", "replace").casefold()


def _told(call: Call, shop: str) -> ShopJson:
    standing = read_register(call, "standing", shop=shop)
    record = read_register(call, "shop", shop=shop)
    return {
        "shop": shop,
        "name": record["name"],
        "status": standing["status"],
        "sells": standing["sells"],
    }


def _money(call: Call) -> tuple[str | None, str | None]:
    """Return symbol and asset of prices: the register names none, bookings are paid in one."""
    try:
        (_slot, asset, symbol), *_others = find_info(call.node, "booking").assets
    except UnknownIdError:
        return None, None
    return symbol, asset_text(asset)


@rpc_method(read=True, errors=(UnknownIdError, ContractRefusedError))
def shop_services(call: Call, *, shop: AccountId) -> ServicesJson:
    """List what a shop offers now, with price, length and the hash of the booking rules."""
    known = standard_map(call.node, REGISTER, "services")
    text = account_text(shop)
    read_register(
        call, "shop", shop=text
    )  # whoever is no shop is refused, rather than told nothing
    symbol, asset = _money(call)
    items: list[ServiceJson] = []
    for _shop, number in known.keys(shop, b"", _SERVICES_MAX):
        record = read_register(call, "service", shop=text, service=number)
        if not record["offered"]:
            continue
        names = read_register(call, "description", shop=text, service=number)
        items.append(
            {
                "service": number,
                "version": record["version"],
                "name": record["name"],
                "name_en": names["name_en"],
                "name_zh": names["name_zh"],
                "price": {
                    "amount": record["price"]["amount"],
                    "currency": symbol,
                    "asset": asset,
                },
                "duration": record["duration"],
                "cell": record["cell"],
                "policy": record["policy"],
            }
        )
    return {"shop": text, "items": items}
