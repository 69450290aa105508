"""A shop as helper: whoever lost phone and card gets the account back, if the owner says who it is.

The chain counts the shop as one helper of several, waits three days, and lets the old phone stop
it. So all that is decided here is whether the owner, and nobody else of the staff, asks for it.
"""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chain.accounts import read_account, read_recovery
from chain.errors import WashError
from chain.ids import decode_id
from chain.state import Space
from chain.transaction import ApproveRecovery, FinishRecovery
from node.rpc.forms.shape_basics import account_text
from node.rpc.methods.account import RecoveryJson, recovery_json
from node.rpc.methods.staff import SessionText
from node.rpc.methods.staff_sending import send_as_shop, staffing_of
from node.rpc.methods.tx import TxStatusJson, WaitMs
from node.rpc.methods.tx_build import PublicKeyHex
from node.rpc.params import AccountId, Limit
from node.rpc.registry import Call, rpc_method
from node.staff.deeds import OWNER
from node.staff.errors import NoSessionError, NoStaffError, NotYoursError

RECOVERIES_READ_MAX = 2_000  # under way at once on the whole chain, looked at for one answer


class HelpedJson(TypedDict):
    """An account that others are about to give back to its owner."""

    account: Annotated[str, Field(description="Its id.")]
    threshold: Annotated[int, Field(description="How many helpers must agree.")]
    helpers: Annotated[int, Field(description="How many there are.")]
    recovery: Annotated[RecoveryJson, Field(description="What is under way.")]


class HelpedPage(TypedDict):
    """Accounts with a recovery under way, in the order of their ids."""

    items: Annotated[list[HelpedJson], Field(description="The accounts.")]


@rpc_method(read=True)
def account_recoveries(call: Call, *, guardian: AccountId, limit: Limit = 50) -> HelpedPage:
    """List recoveries under way of accounts that chose somebody as a guardian."""
    state, prefix = call.node.state(), bytes([Space.RECOVERY])
    items: list[HelpedJson] = []
    for key, _data in state.scan(prefix, bytes([Space.RECOVERY + 1]), RECOVERIES_READ_MAX):
        account = key[1:]
        record, recovery = read_account(state, account), read_recovery(state, account)
        if guardian not in record.guardians or recovery is None:
            continue
        items.append(
            {
                "account": account_text(account),
                "threshold": record.threshold,
                "helpers": len(record.guardians),
                "recovery": recovery_json(recovery),
            }
        )
        if len(items) == limit:
            break
    return {"items": items}


@rpc_method(errors=(NoSessionError, NotYoursError, NoStaffError, WashError))
async def staff_help(
    call: Call,
    *,
    session: SessionText,
    account: AccountId,
    key: PublicKeyHex,
    timeout_ms: WaitMs = 10_000,
) -> TxStatusJson:
    """Agree for the shop that a lost account goes to a new key; after the wait, finish it.

    The owner's alone, with the key of the shop itself: no key of staff may decide it. The customer
    has to have chosen the shop as guardian.
    """
    staffing = staffing_of(call)
    member = staffing.session(session).member
    if member.duty != OWNER:
        text = "only the owner gives a lost account back"
        raise NotYoursError(text)
    state = call.node.state()
    if decode_id(member.account, "acct") not in read_account(state, account).guardians:
        text = f"{account_text(account)} did not choose this shop as helper"
        raise NotYoursError(text)
    recovery, new_key = read_recovery(state, account), bytes.fromhex(key)
    ready_at = None if recovery is None or recovery.new_key != new_key else recovery.ready_at
    is_over = ready_at is not None and ready_at <= call.node.block_time()
    action = FinishRecovery(account) if is_over else ApproveRecovery(account, new_key)
    return await send_as_shop(call, staffing, member.account, (action,), timeout_ms)
