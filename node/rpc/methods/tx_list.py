"""`tx_list`: transactions of the chain, newest first."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.transaction import Call as CallAction
from chain.transaction import ReceivedTransaction
from node.rpc.cursor import decode_place, encode_cursor
from node.rpc.errors import HistoryPrunedError, InvalidParamsError, NotFoundError, OutcomeJson
from node.rpc.forms.shapes import account_text, contract_name, receipt_json
from node.rpc.forms.wire_forms import snake
from node.rpc.params import AccountId, ContractRef, Cursor, Limit
from node.rpc.reading.history import NUMBER_STOP, Entry, list_transactions, sent_transactions
from node.rpc.registry import Call, rpc_method


class ListedTransactionJson(TypedDict):
    """A transaction in a list; `tx_get` has all of it."""

    tx_id: str
    height: int
    index: Annotated[int, Field(description="Number of its receipt in the block.")]
    time: int
    sender: str
    sponsor: str | None
    actions: Annotated[
        list[str], Field(description="What it does: an action's type, or contract.function.")
    ]
    ok: bool
    code: int
    error: OutcomeJson | None
    gas_used: int


class TransactionPage(TypedDict):
    """Transactions, newest first; a short page is not always the last."""

    items: list[ListedTransactionJson]
    next_cursor: str | None


@rpc_method(errors=(NotFoundError, HistoryPrunedError))
def tx_list(
    call: Call,
    *,
    account: AccountId | None = None,
    contract: ContractRef | None = None,
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> TransactionPage:
    """Return final transactions, newest first: all, those of an account, or those of a contract.

    An account's are those that it sent or sponsored, a contract's those that call or deployed it.
    Go on while `next_cursor` is there; a page can be short, or empty, before the end, because the
    work for one answer is bounded.
    """
    if account is not None and contract is not None:
        raise InvalidParamsError("contract", "give account or contract, not both")
    node = call.node
    ledger = node.ledger
    found = None if contract is None else node.abis.resolve(node.state(), contract)
    filter_value = ("tx_list", account, found)
    before = decode_place(cursor, filter_value, (ledger.height, NUMBER_STOP))
    if account is not None:
        entries, following = sent_transactions(ledger, account, before, limit)
    else:
        entries, following = list_transactions(ledger, found, before, limit)
    return {
        "items": [_item_json(node, entry) for entry in entries],
        "next_cursor": None if following is None else encode_cursor(filter_value, following),
    }


def _item_json(node: Any, entry: Entry) -> ListedTransactionJson:
    tx = entry.tx
    assert tx is not None, "only transactions are listed here"
    place = entry.height, entry.index
    receipt = receipt_json(
        node, entry.receipt, place, entry.time_ms, first_event=entry.first_event, tx=tx.body
    )
    sponsor = tx.body.sponsor
    return {
        "tx_id": tx.tx_id.hex(),
        "height": entry.height,
        "index": entry.index,
        "time": entry.time_ms,
        "sender": account_text(tx.body.account),
        "sponsor": None if sponsor is None else account_text(sponsor),
        "actions": action_names(node, tx),
        "ok": receipt["ok"],
        "code": receipt["code"],
        "error": receipt["error"],
        "gas_used": receipt["gas_used"],
    }


def action_names(node: Any, tx: ReceivedTransaction) -> list[str]:
    """Return what a transaction does: types of actions, or contract.function."""
    return [
        f"{contract_name(node, action.contract)}.{action.function}"
        if isinstance(action, CallAction)
        else snake(type(action).__name__)
        for action in tx.body.actions
    ]
