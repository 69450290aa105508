"""`money_requests`: what waits to be paid out, a list that no view of the contract gives."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import UnknownIdError
from chain.ids import encode_id
from contracts.vm.container import FunctionKind
from node.rpc.contract_views import find_function, find_info, run_view
from node.rpc.errors import InvalidParamsError
from node.rpc.forms.shapes import AmountJson
from node.rpc.params import AccountId, Limit
from node.rpc.reading.fields import standard_map
from node.rpc.registry import Call, rpc_method

MONEY = "money"
REQUESTS_READ_MAX = 5_000  # looked at for one answer
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
    """Requests that wait, the most urgent first; `more` if there are others."""

    items: Annotated[list[PayoutJson], Field(description="The requests.")]
    more: Annotated[bool, Field(description="Whether there are others.")]


@rpc_method(read=True, errors=(UnknownIdError, InvalidParamsError))
def money_requests(
    call: Call,
    *,
    issuer: AccountId | None = None,
    holder: AccountId | None = None,
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
    shown = sorted(wanted)[:limit]
    return {
        "items": [_request(node, encode_id("red", one)) for _due, one in shown],
        "more": len(wanted) > limit or len(keys) == REQUESTS_READ_MAX,
    }


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
