"""`join_undo_build`: how operators take back a code of whichever gateway, and what it let in."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.changes import RevokeRole
from chain.errors import UnknownIdError
from chain.governance import contract_by_name, open_proposals
from chain.roles import Role, has_role
from node.joining.on_chain import CONTRACT, ChainCode, read_code
from node.live.views import look
from node.rpc.errors import InvalidParamsError, NotFoundError
from node.rpc.forms.shape_basics import account_text
from node.rpc.methods.tx_build import SummaryJson, TrialJson, tx_build
from node.rpc.params import AccountId
from node.rpc.registry import Call, rpc_method

_REGISTER = "shops"
_SELLS = {1, 4, 5}  # admitted, warned, closing: statuses that freezing ends
_PROPOSALS_MAX = 1_000

CodeMark = Annotated[
    str, Field(pattern="^[0-9a-f]{64}$", description="How the chain knows a code: 64 hex digits.")
]
Json = dict[str, Any]


class UndoJson(TypedDict):
    """What takes a code back, as actions to be signed, and what they do in people's words."""

    actions: Annotated[
        list[Json], Field(description="As `tx_build` and `operator_send` take them.")
    ]
    summary: Annotated[SummaryJson, Field(description="What they do.")]
    trial: Annotated[TrialJson, Field(description="Whether they would succeed now.")]


@rpc_method(errors=(NotFoundError, InvalidParamsError, UnknownIdError))
def join_undo_build(call: Call, *, account: AccountId, mark: CodeMark) -> UndoJson:
    """Build what an operator signs to take back a code, whichever gateway made it.

    It takes the word of two operators. Of a code that was used, the admission goes as well: its
    shop is frozen at once, and the operators' votes take the role of a member from its account and
    its node's key; whoever signs first proposes that, the others vote for it.
    """
    found = read_code(call.node, bytes.fromhex(mark))
    if found is None:
        raise NotFoundError(f"code {mark}", (0, call.node.ledger.height))
    actions = _actions(call.node, found, account)
    if not actions:
        raise InvalidParamsError("mark", "nothing is left to take back, or to vote for")
    built = tx_build(call, account=account, actions=actions)
    return {"actions": actions, "summary": built["summary"], "trial": built["trial"]}


def _actions(node: Any, code: ChainCode, operator: bytes) -> list[Json]:
    actions: list[Json] = []
    if not code.stopped_at:
        actions.append(_call(CONTRACT, "take_back", code=code.mark.hex()))
    if code.shop is None or code.node_key is None:
        return actions
    register = contract_by_name(node.state(), _REGISTER)
    standing = None if register is None else look(node, register, "standing", code.shop)
    if standing and standing["status"] in _SELLS:
        shop = account_text(code.shop)
        actions.append(_call(_REGISTER, "set_status", shop=shop, status="FROZEN"))
    for one in (code.shop, code.node_key):
        actions += _expelling(node, one, operator)
    return actions


def _expelling(node: Any, member: bytes, operator: bytes) -> list[Json]:
    """Return the proposal, or the vote for it, that takes the role of a member from an account."""
    state, wanted = node.state(), RevokeRole(member, Role.MEMBER)
    if not has_role(state, member, Role.MEMBER):
        return []
    for proposal, record in open_proposals(state, b"", _PROPOSALS_MAX):
        if record.change == wanted:
            voted = operator in record.votes
            return [] if voted else [{"type": "vote", "proposal": proposal.hex()}]
    change = {"type": "revoke_role", "account": account_text(member), "role": "member"}
    return [{"type": "propose", "change": change}]


def _call(contract: str, function: str, **arguments: Any) -> Json:
    return {"type": "call", "contract": contract, "function": function, "arguments": arguments}
