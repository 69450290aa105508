"""`outbox_*`: what this node's clients sent and no block has yet."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import WashError
from chain.transaction import read_transaction
from node.live.hearing import hears_nobody
from node.live.outbox import Kept
from node.live.unsent import NotOverError, OtherDeedError
from node.rpc.errors import OutcomeJson, error_text
from node.rpc.forms.shapes import account_text
from node.rpc.methods.tx import SubmittedJson, status_json
from node.rpc.methods.tx_list import action_names
from node.rpc.params import HexBytes, Limit, TxId
from node.rpc.registry import Call, rpc_method


class UnsentJson(TypedDict):
    """One transaction of the outbox."""

    tx_id: str
    state: Annotated[
        str,
        Field(
            description="waiting: it is sent until a block has it. expired: proven to be in no "
            "block, now or ever. refused: no block may have it. failed: a block has it, and it "
            "changed nothing. unclear: its time is over, and older blocks are not kept here."
        ),
    ]
    sender: str
    sponsor: str | None
    actions: Annotated[
        list[str], Field(description="What it does: an action's type, or contract.function.")
    ]
    valid_until: int
    since: Annotated[int | None, Field(description="When this node took it, ms.")]
    renewed_here: Annotated[bool, Field(description="Whether this node signs it again by itself.")]
    error: OutcomeJson | None
    tx: Annotated[str, Field(description="The signed bytes as hex.")]


class OutboxJson(TypedDict):
    """The outbox: what waits, and what is over and was neither signed again nor dropped."""

    cut_off: Annotated[bool, Field(description="Whether the node hears of no others now.")]
    waiting: Annotated[int, Field(description="How many are sent until a block has them.")]
    over: Annotated[int, Field(description="How many are over.")]
    items: list[UnsentJson]


class DroppedJson(TypedDict):
    """A transaction that is kept no more."""

    tx_id: str
    dropped: Annotated[bool, Field(description="Always true.")]


@rpc_method(tier="shop")
def outbox_list(call: Call, *, limit: Limit = 50) -> OutboxJson:
    """Return what clients of this node sent and no block has yet, the oldest first.

    What is `expired` may be signed again under another number: `outbox_renew`. What is over in any
    other way is for a person to read, and `outbox_drop` takes it off the list.
    """
    node = call.node
    waiting, over = node.outbox.waiting(), node.outbox.over()
    return {
        "cut_off": hears_nobody(node),
        "waiting": len(waiting),
        "over": len(over),
        "items": [_item(node, one) for one in (*over, *waiting)[:limit]],
    }


def _item(node: Any, kept: Kept) -> UnsentJson:
    tx = read_transaction(kept.data)
    return {
        "tx_id": kept.tx_id.hex(),
        "state": kept.fate or "waiting",
        "sender": account_text(tx.body.account),
        "sponsor": None if tx.body.sponsor is None else account_text(tx.body.sponsor),
        "actions": action_names(node, tx),
        "valid_until": tx.body.valid_until,
        "since": kept.since_ms or None,
        "renewed_here": node.unsent.is_renewed_here(kept),
        "error": _error(node, kept),
        "tx": kept.data.hex(),
    }


def _error(node: Any, kept: Kept) -> OutcomeJson | None:
    if kept.fate == "failed":
        status = status_json(node, kept.tx_id, node.status(kept.tx_id))
        return status["receipt"]["error"] if "receipt" in status else None
    if kept.fate is None:
        return None
    text = error_text(kept.code)
    message = kept.text or text.en
    return OutcomeJson(
        code=kept.code, name=text.name, message=message, zh=text.zh, retry=text.retry
    )


@rpc_method(tier="shop", errors=(WashError, NotOverError, OtherDeedError))
def outbox_renew(call: Call, *, tx_id: TxId, tx: HexBytes) -> SubmittedJson:
    """Take the same transaction, signed again, for one that is proven to be in no block.

    Sender, sponsor and actions must be those of the old one. Both changes are on the disk together,
    and the second who tries is refused: so it happens once.
    """
    taken = call.node.unsent.renew(tx_id, tx)
    return {"tx_id": taken.tx_id.hex(), "status": "pending", "valid_until": taken.valid_until}


@rpc_method(tier="shop", errors=(NotOverError,))
def outbox_drop(call: Call, *, tx_id: TxId) -> DroppedJson:
    """Take a transaction that is over off the list; one that waits may be in a block any moment."""
    outbox = call.node.outbox
    kept = outbox.find(tx_id)
    if kept is None or kept.fate is None:
        raise NotOverError(tx_id)
    outbox.remove([tx_id])
    return {"tx_id": tx_id.hex(), "dropped": True}
