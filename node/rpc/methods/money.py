"""`money_requests`: what waits to be paid out, a list that no view of the contract gives."""

from heapq import nsmallest
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.codec import Value
from chain.errors import UnknownIdError
from chain.ids import encode_id
from contracts.vm.container import FunctionKind
from node.rpc.contract_views import find_function, find_info, run_view
from node.rpc.cursor import decode_cursor, encode_cursor
from node.rpc.errors import InvalidParamsError
from node.rpc.forms.shapes import AmountJson
from node.rpc.params import AccountId, Cursor, Limit
from node.rpc.reading.fields import standard_map
from node.rpc.registry import Call, rpc_method

MONEY = "money"
REQUESTS_READ_MAX = 50_000  # looked at for one answer: the most urgent may be any of them
_DUE = 4  # where a stored request has its deadline


class PayoutJson(TypedDict):
    """A request for cash that waits."""

    request: Annotated[str, Field(description="Its id.")]
    holder: Annotated[str, Field(description="Who asked.")]
    issuer: Annotated[str, Field(description="Who is to pay.")]
    amount: Annotated[AmountJson, Field(description="On hold until then.")]
    asked_at: Annotated[int, Field(description="When it was asked for, ms UTC.")]
    due: Annotated[int, Field(description="When it has to be paid at the latest, ms UTC.")]
    payee: Annotated[str, Field(description="Fingerprint of the account to pay to.")]
    begun: Annotated[bool, Field(description="The issuer is about to pay; no way back.")]


class PayoutsJson(TypedDict):
    """Requests that wait, the most urgent first, and how many there are on all pages."""

    items: Annotated[list[PayoutJson], Field(description="The requests.")]
    count: Annotated[int, Field(description="How many wait, on all pages.")]
    next_cursor: Annotated[str | None, Field(description="Goes on with less urgent ones.")]
    more: Annotated[bool, Field(description="Whether there are others behind these.")]


@rpc_method(read=True, errors=(UnknownIdError, InvalidParamsError))
def money_requests(
    call: Call,
    *,
    issuer: AccountId | None = None,
    holder: AccountId | None = None,
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> PayoutsJson:
    """List requests for cash that wait to be paid: all, those to an issuer, or those of a holder.

    The most urgent first. Requests that were paid, taken back or sent back are in the events.
    """
    if issuer is not None and holder is not None:
        raise InvalidParamsError("holder", "give issuer or holder, not both")
    node = call.node
    known = standard_map(node, MONEY, "requests")
    if holder is None:
        keys = known.keys(b"", b"", REQUESTS_READ_MAX)
    else:
        keys = standard_map(node, MONEY, "of_holder").keys(holder, b"", REQUESTS_READ_MAX)
    rows = [(identity, known.get(identity) or ()) for *_of, identity in keys]
    wanted = [(row[_DUE], one) for one, row in rows if row and issuer in (None, row[1])]
    of: Value = ["money_requests", issuer or b"", holder or b""]
    behind = wanted if cursor is None else _behind(wanted, cursor, of)
    shown = nsmallest(limit + 1, behind)
    following = encode_cursor(of, shown[limit - 1]) if len(shown) > limit else None
    return {
        "items": [_request(node, encode_id("red", one)) for _due, one in shown[:limit]],
        "count": len(wanted),
        "next_cursor": following,
        "more": following is not None or len(keys) == REQUESTS_READ_MAX,
    }


def _behind(wanted: list[tuple[int, bytes]], cursor: str, of: Value) -> list[tuple[int, bytes]]:
    """Return the requests that are less urgent than the last of the page before."""
    due, last = decode_cursor(cursor, of, (int, bytes))
    assert isinstance(due, int), "decode_cursor gives what was asked for"
    assert isinstance(last, bytes), "decode_cursor gives what was asked for"
    return [one for one in wanted if one > (due, last)]


def _request(node: Any, request: str) -> PayoutJson:
    info = find_info(node, MONEY)
    view = find_function(info, "request", FunctionKind.VIEW)
    found = run_view(node, info, view, {"id": request})
    return {
        "request": request,
        "holder": found["holder"],
        "issuer": found["issuer"],
        "amount": found["amount"],
        "asked_at": found["asked_at"],
        "due": found["due"],
        "payee": found["payee"],
        "begun": found["begun"],
    }
