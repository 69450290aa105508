"""`operator_*`: operators log in at a node that keeps a key of theirs, and act with it."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import WashError
from chain.governance import contract_by_name
from chain.ids import decode_id
from chain.roles import Role, has_role
from chain.transaction import Action, Admit, Oppose, Propose, Vote
from chain.transaction import Call as CallAction
from chain.types import HOUR_MS
from node.rpc.action_lookup import ChainLookup
from node.rpc.errors import ForbiddenError
from node.rpc.forms.actions import ActionsJson, read_actions
from node.rpc.methods.staff import Name, Pin, SessionText
from node.rpc.methods.staff_sending import build, sign_and_wait
from node.rpc.methods.tx import TxStatusJson, WaitMs
from node.rpc.methods.tx_build import Reference
from node.rpc.registry import Call, rpc_method
from node.staff.book import Member
from node.staff.errors import (
    LockedOutError,
    NoSessionError,
    NotYoursError,
    StaffError,
    WrongPinError,
)
from node.staff.operators import CALLS
from node.staff.service import Staffing
from node.staff.sessions import Session

SESSION_MS = 8 * HOUR_MS
_ROLES = (Role.OPERATOR, Role.ADMITTER)


class FarOperatorError(ForbiddenError):
    """An operator who is neither on the node's machine nor behind a server of it with HTTPS."""

    def __init__(self) -> None:
        WashError.__init__(
            self, "operators log in on the node's own machine, or by HTTPS through a server on it"
        )


class LoggedInJson(TypedDict):
    """An operator who is logged in."""

    name: Annotated[str, Field(description="The name that was logged in with.")]
    account: Annotated[str, Field(description="The account that is acted for.")]
    key: Annotated[str, Field(description="The key of this login.")]
    roles: Annotated[
        list[str], Field(description="What the account is now: operator, admitter, both or none.")
    ]
    ends_at: Annotated[int, Field(description="When it ends at the latest, ms UTC.")]


class LoginJson(LoggedInJson):
    """The same with the secret token, which nothing else tells."""

    session: Annotated[str, Field(description="The token to give with what follows.")]


class OperatorOutJson(TypedDict):
    """Whether there was such a session."""

    ended: Annotated[bool, Field(description="Whether a session ended now.")]


def operators_of(call: Call) -> Staffing:
    """Return who logs in at this node; raises FarOperatorError for who is elsewhere."""
    if not call.is_near:
        raise FarOperatorError
    found: Staffing | None = call.node.operators
    if found is None:
        raise NoSessionError
    return found


def session_of(call: Call, session: str) -> Session:
    """Return a session; raises NoSessionError, FarOperatorError."""
    return operators_of(call).session(session)


def roles_of(call: Call, account: str) -> list[str]:
    """Return which of the roles that matter here an account has now."""
    state, found = call.node.state(), decode_id(account, "acct")
    return [role.name.lower() for role in _ROLES if has_role(state, found, role)]


@rpc_method(errors=(WrongPinError, LockedOutError, FarOperatorError, StaffError))
async def operator_login(call: Call, *, name: Name, pin: Pin) -> LoginJson:
    """Log in as an operator with name and PIN; the answer is the only place with the token.

    Only on the node's own machine, or by HTTPS through a server on it. Waits after wrong PINs are
    those of `staff_login`.
    """
    ends = call.node.clock.now_ms() + SESSION_MS
    token, session = await operators_of(call).log_in(name, pin, lambda _one: ends)
    return {"session": token, **_who(call, session)}


@rpc_method(errors=(FarOperatorError,))
def operator_logout(call: Call, *, session: SessionText) -> OperatorOutJson:
    """End an operator's session."""
    return {"ended": operators_of(call).sessions.end(session)}


@rpc_method(errors=(NoSessionError, FarOperatorError))
def operator_who(call: Call, *, session: SessionText) -> LoggedInJson:
    """Return who a session belongs to, and what the account may do now."""
    return _who(call, session_of(call, session))


def _who(call: Call, session: Session) -> LoggedInJson:
    member = session.member
    return {
        "name": member.name,
        "account": member.account,
        "key": member.key,
        "roles": roles_of(call, member.account),
        "ends_at": session.ends_ms,
    }


@rpc_method(errors=(NoSessionError, NotYoursError, FarOperatorError, WashError))
async def operator_send(
    call: Call,
    *,
    session: SessionText,
    actions: ActionsJson,
    client_ref: Reference | None = None,
    timeout_ms: WaitMs = 10_000,
) -> TxStatusJson:
    """Propose, vote, admit, stop a shop or an issuer, or hide a text, by who is logged in.

    Whatever an operator does once in years is left to the command line and a key that lies
    elsewhere.
    """
    who = session_of(call, session)
    for place, action in enumerate(read_actions(actions, ChainLookup(call.node))):
        _check(call, place, action)
    member = who.member
    built = build(call, member.account, actions, client_ref, key=signing_key(member))
    return await sign_and_wait(call, built, who.signer, timeout_ms)


def signing_key(member: Member) -> str | None:
    """Return what names a login's key in a transaction: nothing for the account's own."""
    is_own = decode_id(member.account, "acct").hex() == member.key
    return None if is_own else member.key


def _check(call: Call, place: int, action: Action) -> None:
    """Raise NotYoursError for what operators do not do in a browser."""
    match action:
        case Propose() | Vote() | Oppose() | Admit():
            return
        case CallAction(contract, function):
            state: Any = call.node.state()
            for name, functions in CALLS.items():
                if contract_by_name(state, name) == contract and function in functions:
                    return
        case _:
            pass
    text = f"action {place} is nothing that operators do here; see washnode gov and washnode tx"
    raise NotYoursError(text)
