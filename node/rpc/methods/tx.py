"""Sending transactions and learning what became of them."""

from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from chain.codec import decode
from chain.errors import MalformedBytesError, WashError
from chain.transaction import Transaction, read_transaction
from node.live.outcomes import Pending, TxStatus
from node.live.simulation import as_received
from node.rpc.errors import InvalidParamsError, OutcomeJson, failure_json
from node.rpc.forms.shapes import (
    ChangeJson,
    EventJson,
    ReceiptJson,
    changes_json,
    receipt_json,
    unplaced_receipt,
)
from node.rpc.params import HexBytes, TimeMs, TxId
from node.rpc.registry import Call, rpc_method

BATCH_TRANSACTIONS_MAX = 2_000
WAIT_MS_MAX = 30_000

Batch = Annotated[
    list[HexBytes],
    Field(
        min_length=1,
        max_length=BATCH_TRANSACTIONS_MAX,
        description="Signed transactions, each as hex.",
    ),
]
WaitMs = Annotated[
    int,
    Field(strict=True, ge=0, le=WAIT_MS_MAX, description="How long to wait at most, ms."),
]


class SubmittedJson(TypedDict):
    """The answer to a transaction that was taken."""

    tx_id: str
    status: str
    valid_until: int


class RefusedJson(TypedDict):
    """The answer to a transaction of a batch that was not taken."""

    error: OutcomeJson


class TxStatusJson(TypedDict):
    """What is known of a transaction."""

    tx_id: str
    status: str
    receipt: NotRequired[ReceiptJson]
    error: NotRequired[OutcomeJson]
    searched: NotRequired[dict[str, Any]]
    renewed_as: NotRequired[
        Annotated[str, Field(description="The same signed again, by this node or its client.")]
    ]


class SimulatedJson(TypedDict):
    """What a transaction would do in the next block."""

    ok: bool
    error: OutcomeJson | None
    gas_used: int
    events: list[EventJson]
    changes: list[ChangeJson]


@rpc_method(errors=(WashError,))
def tx_submit(call: Call, *, tx: HexBytes) -> SubmittedJson:
    """Take a signed transaction for the next block.

    The answer says `pending`, never success: ask `tx_wait` or `tx_get` what became of it. The same
    bytes again get the same answer, so a lost connection is no reason to fear a second payment.
    """
    return _submitted(call, call.node.submit(tx))


@rpc_method()
async def tx_submitBatch(call: Call, *, txs: Batch) -> list[SubmittedJson | RefusedJson]:
    """Take many signed transactions; each is answered by itself, in order."""
    answers = await call.node.submit_batch(txs)
    return [
        {"error": failure_json(answer)}
        if isinstance(answer, WashError)
        else _submitted(call, answer)
        for answer in answers
    ]


def _submitted(call: Call, taken: Pending) -> SubmittedJson:
    node, tx_id = call.node, taken.tx_id
    status = node.status(tx_id).status if taken.is_known else "pending"
    return {"tx_id": tx_id.hex(), "status": status, "valid_until": taken.valid_until}


@rpc_method(errors=(MalformedBytesError,))
def tx_simulate(
    call: Call, *, tx: HexBytes | None = None, body: HexBytes | None = None
) -> SimulatedJson:
    """Tell what a transaction would do in the next block, without sending it.

    Give `tx`, the signed bytes, or `body`, the unsigned ones, whose signatures are taken as given.
    `error` is what `tx_submit` would refuse it with, or what its receipt would say.
    """
    node = call.node
    if (tx is None) == (body is None):
        raise InvalidParamsError("tx", "give either tx or body")
    signed = tx is not None
    received = read_transaction(tx) if tx is not None else as_received(_read_body(body or b""))
    outcome = node.simulate(received, signed=signed)
    if outcome.receipt is None:
        assert outcome.error is not None, "it is refused, or it has a receipt"
        refusal = failure_json(outcome.error)
        return {"ok": False, "error": refusal, "gas_used": 0, "events": [], "changes": []}
    shown = unplaced_receipt(node, outcome.receipt, received.body)
    return {
        "ok": outcome.receipt.ok,
        "error": shown["error"],
        "gas_used": outcome.receipt.gas_used,
        "events": shown["events"],
        "changes": changes_json(node, outcome.changes),
    }


def _read_body(data: bytes) -> Transaction:
    return decode(Transaction, data)


@rpc_method()
def tx_get(call: Call, *, tx_id: TxId, valid_until: TimeMs | None = None) -> TxStatusJson:
    """Tell what is known of a transaction.

    `pending`: it waits. `final`: it is in a block. `failed`: it is in a block and changed nothing,
    or no block can contain it; `error` says why. `expired`: its time is over, and the blocks
    searched prove that it is in none. `unknown`: this node never saw it; with its `valid_until`
    that too can be told as expired.
    """
    return status_json(call.node, tx_id, call.node.status(tx_id, valid_until))


@rpc_method()
async def tx_wait(
    call: Call, *, tx_id: TxId, timeout_ms: WaitMs = 10_000, valid_until: TimeMs | None = None
) -> TxStatusJson:
    """Wait until a transaction is settled, and tell what became of it.

    When the time is over first, the answer is what is known then: `pending` is no error.
    """
    await call.node.wait(tx_id, timeout_ms)
    return status_json(call.node, tx_id, call.node.status(tx_id, valid_until))


def status_json(node: Any, tx_id: bytes, status: TxStatus) -> TxStatusJson:
    """Return the JSON form of a status."""
    shown: TxStatusJson = {"tx_id": tx_id.hex(), "status": status.status}
    if status.height is not None and status.number is not None:
        receipt = node.ledger.store.receipts(status.height)[status.number]
        time_ms = node.ledger.store.header(status.height).time_ms
        shown["receipt"] = receipt_json(node, receipt, (status.height, status.number), time_ms)
    if status.error is not None:
        shown["error"] = failure_json(status.error)
    if status.searched is not None:
        first, last = status.searched
        shown["searched"] = {"from": first, "to": last, "complete": first == 0}
    if status.renewed_as is not None:
        shown["renewed_as"] = status.renewed_as.hex()
    return shown
