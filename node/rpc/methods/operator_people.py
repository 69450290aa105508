"""`admin_operator_*`: who may act for an operator's account at this node, under which PIN."""

import asyncio
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.transaction import asset_id
from chain.types import DAY_MS, ZERO_ID
from node.rpc.errors import MethodDisabledError
from node.rpc.forms.shape_basics import account_text, asset_text, list_assets
from node.rpc.methods.operator import roles_of
from node.rpc.methods.staff import Name, Pin
from node.rpc.methods.staff_people import MemberId
from node.rpc.params import AccountId
from node.rpc.registry import Call, rpc_method
from node.staff.book import Member, clean_name
from node.staff.errors import StaffError
from node.staff.operators import OPERATOR
from node.staff.service import VALID_FOR_MS, Staffing

PIN_DIGITS_MIN = 8  # it opens more than a shop's: four more digits are ten thousand times the work
_LIMITS_MAX = 4


class OperatorLoginJson(TypedDict):
    """Somebody who may act for an account here."""

    id: Annotated[str, Field(description="What names this login.")]
    name: Annotated[str, Field(description="The name to log in with; it stays on this node.")]
    account: Annotated[str, Field(description="The account that is acted for.")]
    key: Annotated[str, Field(description="The key of this login, sealed under the PIN.")]
    until: Annotated[int, Field(description="When the key ends by itself, ms UTC.")]
    roles: Annotated[list[str], Field(description="What the account is now.")]


class NewOperatorLoginJson(OperatorLoginJson):
    """The same, with what the account's own key has to sign before it works."""

    action: Annotated[
        dict[str, Any],
        Field(description="Gives the key to the account: until then nobody can act with it."),
    ]


class OperatorLoginsJson(TypedDict):
    """All logins of operators at this node."""

    items: Annotated[list[OperatorLoginJson], Field(description="By account and name.")]


def _book(call: Call) -> Staffing:
    found: Staffing | None = call.node.operators
    if found is None:
        text = "this node keeps no data, so it can keep no keys"
        raise MethodDisabledError(text)
    return found


@rpc_method(tier="admin", errors=(StaffError, MethodDisabledError))
async def admin_operator_add(
    call: Call, *, name: Name, pin: Pin, account: AccountId
) -> NewOperatorLoginJson:
    """Make a login for an operator: a new key, sealed under a PIN of 8 digits or more.

    The key works once the account's own key has signed the answer's `action`. It ends after a year,
    moves none of the network's money, and can give no keys to the account.
    """
    staffing = _book(call)
    if len(pin) < PIN_DIGITS_MIN:
        text = f"an operator's PIN has at least {PIN_DIGITS_MIN} digits"
        raise StaffError(text)
    if staffing.book.named(name):
        text = f"{clean_name(name)!r} is taken"
        raise StaffError(text)
    identity, seed, signer = staffing.new_key()
    until = call.node.block_time() + VALID_FOR_MS
    key, owner = signer.public_key.hex(), account_text(account)
    member = Member(identity, clean_name(name), owner, key, OPERATOR, until)
    await asyncio.to_thread(staffing.book.add, member, seed, pin)
    return {**_shown(call, member), "action": _granting(call, member)}


def _granting(call: Call, member: Member) -> dict[str, Any]:
    """Return the action that gives a key to its account: no money leaves by it."""
    state = call.node.state()
    own = [one for one, it in list_assets(state) if one == asset_id(ZERO_ID, it.symbol)]
    money = own[:_LIMITS_MAX]  # of the network's own there is one, as a rule
    limits = [{"asset": asset_text(one), "amount": 0, "window_ms": DAY_MS} for one in money]
    bounds = {"scopes": None, "limits": limits, "expires_at": member.until_ms}
    return {"type": "add_key", "key": member.key, **bounds}


@rpc_method(tier="admin", errors=(MethodDisabledError,))
def admin_operator_list(call: Call) -> OperatorLoginsJson:
    """List who may act for an operator's account here."""
    return {"items": [_shown(call, one) for one in _book(call).book.all()]}


@rpc_method(tier="admin", errors=(StaffError, MethodDisabledError))
def admin_operator_remove(call: Call, *, id_: MemberId) -> OperatorLoginJson:
    """Forget a login and its key; its sessions end now.

    The account's own key takes the key off the chain besides (`remove_key`).
    """
    staffing = _book(call)
    member = staffing.book.get(id_)
    if member is None:
        text = f"nobody here has the id {id_}"
        raise StaffError(text)
    staffing.sessions.end_of(id_)
    staffing.book.remove(id_)
    return _shown(call, member)


def _shown(call: Call, member: Member) -> OperatorLoginJson:
    return {
        "id": member.id,
        "name": member.name,
        "account": member.account,
        "key": member.key,
        "until": member.until_ms,
        "roles": roles_of(call, member.account),
    }
