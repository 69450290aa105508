"""Telling people what became of a transaction, or of something that happened by itself."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.receipt import ReceiptKind
from chain.transaction import read_transaction
from node.rpc.action_lookup import ChainLookup
from node.rpc.errors import InvalidParamsError, NotFoundError
from node.rpc.forms.shapes import receipt_error
from node.rpc.params import AccountId, Height, Lang, TxId
from node.rpc.registry import Call, rpc_method
from node.rpc.telling.explain import Explained, Explainer, StepJson
from node.rpc.telling.explain_words import Words

Offset = Annotated[
    int,
    Field(strict=True, ge=-720, le=840, description="The reader's time zone, minutes from UTC."),
]
Place = Annotated[
    int, Field(strict=True, ge=0, le=2**31 - 1, description="Number of the receipt in its block.")
]


class ExplainedJson(TypedDict):
    """What a transaction asked for and what became of it, in people's words."""

    status: str
    sentence: str
    steps: list[StepJson]


@rpc_method(errors=(NotFoundError, InvalidParamsError))
def tx_explain(
    call: Call,
    *,
    tx_id: TxId | None = None,
    height: Height | None = None,
    index: Place | None = None,
    lang: Lang = "en",
    account: AccountId | None = None,
    utc_offset_min: Offset = 0,
) -> ExplainedJson:
    """Tell in people's words what a transaction asked for, what became of it and what helps.

    Give `tx_id`, or `height` and `index` of a receipt, which may be a timer's. `account` is who
    reads and is called "you"; without it, that is the sender.
    """
    if (tx_id is None) == (height is None) or (height is None) != (index is None):
        raise InvalidParamsError("tx_id", "give either tx_id, or height and index of a receipt")
    node, lookup = call.node, ChainLookup(call.node)

    def explainer(sender: bytes | None) -> Explainer:
        return Explainer(Words(lookup, lang, account or sender, utc_offset_min))

    if tx_id is None:
        assert height is not None
        assert index is not None
        return _explain_receipt(node, (height, index), explainer)
    status = node.status(tx_id)
    if status.height is not None and status.number is not None:
        return _explain_receipt(node, (status.height, status.number), explainer)
    pending = node.pool.get(tx_id)
    if pending is not None:
        told = explainer(pending.body.account).asked(pending.body, "pending")
        return {"status": "pending", **told}
    if status.status == "expired":
        return {"status": "expired", **explainer(None).expired()}
    if status.error is not None and status.is_settled:
        return {"status": "failed", **explainer(None).refused(status.error)}
    raise NotFoundError(f"transaction {tx_id.hex()}", status.searched)


def _explain_receipt(
    node: Any, place: tuple[int, int], explainer: Callable[[bytes | None], Explainer]
) -> ExplainedJson:
    height, number = place
    store, head = node.ledger.store, node.ledger.height
    receipts = store.receipts(height) if 0 < height <= head else []
    if number >= len(receipts):
        raise NotFoundError(f"receipt {number} of block {height}", (0, head))
    receipt = receipts[number]
    status = "final" if receipt.ok else "failed"
    if receipt.kind != ReceiptKind.TRANSACTION:
        failure = None if receipt.ok else receipt_error(node, receipt)
        told: Explained = explainer(None).receipt(receipt, None, failure)
        return {"status": status, **told}
    transactions = store.block(height).transactions
    data = transactions[number - (len(receipts) - len(transactions))]
    body = read_transaction(data).body
    failure = None if receipt.ok else receipt_error(node, receipt, body)
    told = explainer(body.account).receipt(receipt, body, failure)
    return {"status": status, **told}
