"""What executing a block gives: everything a commit writes, and nothing written yet."""

from collections.abc import Mapping
from dataclasses import dataclass

from chain.block import Block
from chain.crypto import hash_bytes
from chain.receipt import KernelEvent, Receipt
from chain.transaction import ReceivedTransaction

# Which values of the chain's own events can be searched for.
KERNEL_INDEXED: dict[int, tuple[int, ...]] = {
    KernelEvent.TRANSFERRED: (0, 1, 2),
    KernelEvent.ASSET_ISSUED: (0, 1),
    KernelEvent.MINTED: (0, 1),
    KernelEvent.BURNED: (0, 1),
    KernelEvent.DEPLOYED: (0, 1, 2),
    KernelEvent.POT_FALLBACK: (0, 2),
    KernelEvent.TIMER_FAILED: (0,),
    KernelEvent.KEYS_CHANGED: (0,),
    KernelEvent.RECOVERY_CHANGED: (0,),
    KernelEvent.PROPOSED: (0, 1),
    KernelEvent.DECIDED: (0,),
    KernelEvent.ADMITTED: (0,),
    KernelEvent.REJECTED: (0,),
    KernelEvent.ISSUER_CHANGED: (0, 1),
    KernelEvent.UPGRADE_PLANNED: (0, 1),
    KernelEvent.UPGRADE_WITHDRAWN: (0, 1),
    KernelEvent.UPGRADED: (0, 1),
    KernelEvent.UPGRADE_DROPPED: (0, 1),
}
TOPIC_BYTES = 8


@dataclass(frozen=True, slots=True)
class ExecutedBlock:
    """A block with its outcome.

    `receipts` are in block order, `receipt_bytes` their encodings; `timers_fired` of them, of
    upgrades, timers and fallbacks, come first.
    `topics` are (number in the block of the event, or of the receipt where the topic is an
    account's, 8-byte topic). `changes` are state keys with
    their new values or None, `nodes` the same for records of the state tree. `refused` lists
    transactions that a builder left out, with the error. `transactions` are those of the block as
    they were decoded, so that nobody decodes them again.
    """

    block: Block
    block_id: bytes
    receipts: tuple[Receipt, ...]
    receipt_bytes: tuple[bytes, ...]
    tx_ids: tuple[bytes, ...]
    topics: tuple[tuple[int, bytes], ...]
    changes: Mapping[bytes, bytes | None]
    nodes: Mapping[bytes, bytes | None]
    timers_fired: int
    refused: tuple[tuple[bytes, Exception], ...]
    transactions: tuple[ReceivedTransaction, ...] = ()


def event_topic(
    contract: bytes, number: int, field: int | None = None, value: object = None
) -> bytes:
    """Return the 8-byte topic of one indexed field's value of an event type.

    Event types without indexed fields have one topic for all of them (`field` nil). Topics are
    short on purpose: a reader looks at the event itself before it believes one.
    """
    data = contract + bytes([number])
    if field is not None:
        data += bytes([field]) + topic_bytes(value)
    return hash_bytes("topic", data)[:TOPIC_BYTES]


def account_topic(account: bytes) -> bytes:
    """Return the 8-byte topic of the transactions that an account sent or sponsored."""
    return hash_bytes("topic", account)[:TOPIC_BYTES]  # an event's topic hashes more bytes


def topic_bytes(value: object) -> bytes:
    """Return the bytes of an indexed value: integers as 16 signed bytes, bytes as they are."""
    if isinstance(value, int):
        return value.to_bytes(16, "big", signed=True)
    assert isinstance(value, bytes), value
    return value
