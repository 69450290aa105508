"""`money_issuers`, `shop_covers`: what everybody may watch of the money in others' hands."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import UnknownIdError
from contracts.vm.container import FunctionKind
from node.rpc.contract_views import find_function, find_info, run_view
from node.rpc.errors import ContractRefusedError
from node.rpc.forms.shape_basics import AmountJson, account_text
from node.rpc.methods.shop import read_register
from node.rpc.params import AccountId, Limit
from node.rpc.reading.fields import standard_map
from node.rpc.registry import Call, rpc_method

ISSUERS_MAX = 64
_MONEY, _PREPAID = "money", "prepaid"


class IssuerJson(TypedDict):
    """An issuer of money: what it owes, what it stated to have, whether it may issue now."""

    issuer: Annotated[str, Field(description="Its account.")]
    liability: Annotated[AmountJson, Field(description="What it owes to those who hold money.")]
    asked: Annotated[AmountJson, Field(description="Of that, what holders asked to be paid out.")]
    custody: Annotated[AmountJson | None, Field(description="Last stated; null: never.")]
    stated_at: Annotated[int | None, Field(description="When it last stated it, ms UTC.")]
    may_issue: Annotated[bool, Field(description="Whether the contract lets it, within limits.")]
    blocked: Annotated[bool, Field(description="An operator stopped it.")]
    short: Annotated[bool, Field(description="It stated less than it owed.")]
    silent: Annotated[bool, Field(description="Its statement is missing.")]
    late: Annotated[int, Field(description="How many holders it paid too late, or not at all.")]


class IssuersJson(TypedDict):
    """All issuers of the network's money."""

    items: Annotated[list[IssuerJson], Field(description="The issuers, by account.")]
    supply: Annotated[AmountJson, Field(description="What money there is.")]
    owed: Annotated[AmountJson, Field(description="What issuers owe for it.")]


class CoverJson(TypedDict):
    """What a shop owes to those who hold its cards, as the contract of cards tells it."""

    shop: Annotated[str, Field(description="The shop's account.")]
    name: Annotated[str, Field(description="What it is called.")]
    liability: Annotated[AmountJson, Field(description="Paid for cards and not used up.")]
    held: Annotated[AmountJson, Field(description="Of that, what is on hold for the holders.")]
    ratio: Annotated[int, Field(description="Held of liability, in hundredths of a percent.")]
    wanted: Annotated[int, Field(description="The least that the operators want held.")]
    cards: Annotated[int, Field(description="Open cards.")]
    claims: Annotated[AmountJson, Field(description="Owed to holders and not on hold.")]
    large: Annotated[
        bool, Field(description="More than 100,000.00 or 100 open cards: it must be reported.")
    ]


class CoversJson(TypedDict):
    """Shops that have sold cards, by id; `next` is the `after` that goes on, null at the end."""

    items: list[CoverJson]
    next: Annotated[str | None, Field(description="What to give as `after`; null at the end.")]


@rpc_method(read=True, errors=(UnknownIdError, ContractRefusedError))
def money_issuers(call: Call) -> IssuersJson:
    """List who issues the network's money, with what each owes and stated to have."""
    node = call.node
    info = find_info(node, _MONEY)
    issuer, allowed, sums = (
        find_function(info, name, FunctionKind.VIEW) for name in ("issuer", "may_issue", "reserves")
    )
    items: list[IssuerJson] = []
    for (account,) in standard_map(node, _MONEY, "issuers").keys(b"", b"", ISSUERS_MAX):
        text = account_text(account)
        one = run_view(node, info, issuer, {"account": text})
        is_stated = bool(one["stated_at"])
        stated: AmountJson = one["stated_custody"]
        items.append(
            {
                "issuer": text,
                "liability": _like(stated, one["liability"]),
                "asked": _like(stated, one["asked"]),
                "custody": stated if is_stated else None,
                "stated_at": one["stated_at"] if is_stated else None,
                "may_issue": run_view(node, info, allowed, {"account": text}),
                "blocked": one["blocked"],
                "short": one["short"],
                "silent": one["silent"],
                "late": one["late"],
            }
        )
    told = run_view(node, info, sums, {})
    return {"items": items, "supply": told["supply"], "owed": told["owed"]}


def _like(money: AmountJson, amount: int) -> AmountJson:
    return {"amount": amount, "currency": money["currency"], "asset": money["asset"]}


@rpc_method(read=True, errors=(UnknownIdError, ContractRefusedError))
def shop_covers(call: Call, *, after: AccountId | None = None, limit: Limit = 50) -> CoversJson:
    """List the shops that have sold prepaid cards, with what they owe and what is on hold for it.

    `large` is the contract's own word for what the rules for prepaid cards ask to be reported.
    """
    node = call.node
    info = find_info(node, _PREPAID)
    cover = find_function(info, "cover", FunctionKind.VIEW)
    keys = standard_map(node, _PREPAID, "tills").keys(b"", after or b"", limit + 1)
    items: list[CoverJson] = []
    for (shop,) in keys[:limit]:
        text = account_text(shop)
        told = run_view(node, info, cover, {"shop": text})
        items.append(
            {
                "shop": text,
                "name": read_register(call, "shop", shop=text)["name"],
                "liability": told["liability"],
                "held": told["held"],
                "ratio": told["ratio"],
                "wanted": told["cover_bp"],
                "cards": told["cards"],
                "claims": told["claims"],
                "large": told["large"],
            }
        )
    return {"items": items, "next": items[-1]["shop"] if len(keys) > limit else None}
