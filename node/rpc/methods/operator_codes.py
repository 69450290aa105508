"""`operator_*`, codes: an operator who is logged in lets shops in, as `admin_join_*` do."""

from chain.errors import StoreError
from node.joining.code import JoinCodeError
from node.joining.desk import VALID_FOR_DEFAULT_MS
from node.joining.errors import NoAdmissionsError, UnknownCodeError, UsedCodeError
from node.rpc.methods.join import (
    CodeNumber,
    GatewayUrls,
    JoinCodeJson,
    JoinCodesJson,
    NewJoinCodeJson,
    Note,
    ShopName,
    ValidFor,
    admin_join_code,
    admin_join_codes,
    admin_join_revoke,
)
from node.rpc.methods.operator import FarOperatorError, roles_of, session_of
from node.rpc.methods.staff import SessionText
from node.rpc.registry import Call, rpc_method
from node.staff.errors import NoSessionError, NotYoursError

_REFUSALS = (NoSessionError, NotYoursError, FarOperatorError, NoAdmissionsError, StoreError)


def _check(call: Call, session: str) -> None:
    """Raise NotYoursError unless who is logged in may let shops in: that takes no vote."""
    if not roles_of(call, session_of(call, session).member.account):
        text = "this account is neither an operator nor an admitter now"
        raise NotYoursError(text)


@rpc_method(errors=(*_REFUSALS, JoinCodeError))
def operator_code(
    call: Call,
    *,
    session: SessionText,
    gateways: GatewayUrls,
    name: ShopName = "",
    note: Note = "",
    valid_for_ms: ValidFor = VALID_FOR_DEFAULT_MS,
) -> NewJoinCodeJson:
    """Make a code that lets one shop in: one of that name, or of any."""
    _check(call, session)
    return admin_join_code(call, gateways=gateways, name=name, note=note, valid_for_ms=valid_for_ms)


@rpc_method(errors=_REFUSALS)
def operator_codes(call: Call, *, session: SessionText) -> JoinCodesJson:
    """Return the codes that this node made, and what became of each."""
    _check(call, session)
    return admin_join_codes(call)


@rpc_method(errors=(*_REFUSALS, UnknownCodeError, UsedCodeError))
def operator_code_revoke(call: Call, *, session: SessionText, number: CodeNumber) -> JoinCodeJson:
    """Take back a code that nobody has used yet."""
    _check(call, session)
    return admin_join_revoke(call, number=number)
