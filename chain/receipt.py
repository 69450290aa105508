"""Receipts: what became of each timer, fallback and transaction of a block, with its events."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

from chain.codec import AnyValue, AtMost, Between, encode, wire
from chain.types import U8, U16, Count, Hash, Id


class ReceiptKind(IntEnum):
    """What a receipt is of."""

    TIMER = 0
    FALLBACK = 1
    TRANSACTION = 2
    UPGRADE = 3


class KernelEvent(IntEnum):
    """Numbers of the events that the chain itself emits, under the zero contract id."""

    TRANSFERRED = 0  # asset, from, to, amount
    ASSET_ISSUED = 1  # asset, issuer
    MINTED = 2  # asset, to, amount
    BURNED = 3  # asset, from, amount
    DEPLOYED = 4  # instance, code id, account
    POT_FALLBACK = 5  # contract, pot key, to, asset, amount
    TIMER_FAILED = 6  # contract, timer key, trap kind, error, whether it will be tried again
    KEYS_CHANGED = 7  # account
    RECOVERY_CHANGED = 8  # account
    PROPOSED = 9  # proposal, operator
    DECIDED = 10  # proposal
    ADMITTED = 11  # account, by
    REJECTED = 12  # proposal
    ISSUER_CHANGED = 13  # asset, contract
    UPGRADE_PLANNED = 14  # contract, code id, when it begins at the earliest
    UPGRADE_WITHDRAWN = 15  # contract, code id
    UPGRADED = 16  # contract, code id
    UPGRADE_DROPPED = 17  # contract, code id, the chain's error


@wire()
@dataclass(frozen=True, slots=True)
class Event:
    """An event: the contract (zero: the chain), its number there, its values in declared order."""

    contract: Id
    number: U8
    values: Annotated[tuple[AnyValue, ...], AtMost(16)]


@wire()
@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome. `trap` 0: `error` is the chain's own error code, else the machine's."""

    kind: Annotated[int, Between(0, 3)]
    id: Hash
    ok: bool
    trap: U8
    error: U16
    gas_used: Count
    events: Annotated[tuple[Event, ...], AtMost(1_024)]


def count_firings(receipts: Iterable[Receipt]) -> int:
    """Return how many of a block's receipts are of no transaction; those come first."""
    return sum(receipt.kind != ReceiptKind.TRANSACTION for receipt in receipts)


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the bytes of a receipt: a leaf of the block's receipt tree."""
    return encode(receipt)
