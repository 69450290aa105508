"""Whether a rehearsal among validators came to what one validator alone came to, and where not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chain.genesis import Genesis
from chain.receipt import ReceiptKind
from chain.tables import THROW_AWAY
from node.rehearse.chain import is_settled, tally_for_rehearsal
from node.rehearse.errors import RehearsalError
from node.rehearse.tally import ShopTally, Tally
from node.storage.ledger import ChainLedger


class DifferenceError(RehearsalError):
    """Validators that did not come to the same table, or not to the same state."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What several validators agreed on: heights, and the 32-byte state root of the last."""

    validators: int
    heights: int
    state_root: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What one validator's chain says; `state_roots` are of heights 1, 2, ... in order."""

    name: str
    tally: Tally
    state_roots: tuple[bytes, ...]
    transactions: int
    is_settled: bool


def read_back(name: str, folder: Path, genesis: Genesis) -> Kept:
    """Return what a stopped validator's chain says, from what it stored."""
    ledger = ChainLedger(folder / "chain", genesis, tuning=THROW_AWAY)
    try:
        store, tally, transactions = ledger.store, tally_for_rehearsal(), 0
        roots: list[bytes] = []
        for height in range(1, ledger.height + 1):
            receipts = store.receipts(height)
            tally.add_receipts(receipts)
            transactions += sum(one.kind == ReceiptKind.TRANSACTION for one in receipts)
            roots.append(store.header(height).state_root)
        return Kept(name, tally, tuple(roots), transactions, is_settled(store, genesis))
    finally:
        ledger.close()


def find_difference(alone: Tally, kept: Sequence[Kept], sent: int) -> str | None:
    """Return the first difference in words, or None: roots, heights, tables, what was sent."""
    first = kept[0]
    for other in kept[1:]:
        rows = zip(first.state_roots, other.state_roots, strict=False)
        for height, (root, found) in enumerate(rows, 1):
            if root != found:
                return (
                    f"height {height}: the state root of {first.name} is {root.hex()}, that of "
                    f"{other.name} is {found.hex()}"
                )
        if len(first.state_roots) != len(other.state_roots):
            return (
                f"{first.name} has {len(first.state_roots)} heights, "
                f"{other.name} has {len(other.state_roots)}"
            )
    for one in kept:
        difference = _table_difference(alone, one.tally)
        if difference is not None:
            return f"{one.name}: {difference}"
        if one.transactions != sent:
            return f"{one.name}: {one.transactions} transactions in its blocks, {sent} were sent"
        if not one.is_settled:
            return f"{one.name}: money does not add up, or a pot is not empty at the end"
    return None


def _table_difference(alone: Tally, found: Tally) -> str | None:
    """Name the first cell in which a table differs from that of one validator alone."""
    wanted, has = dict(alone.table()), dict(found.table())
    nothing = ShopTally()
    for shop in sorted({*wanted, *has}):
        left, right = wanted.get(shop, nothing).as_dict(), has.get(shop, nothing).as_dict()
        for column, value in left.items():
            if right[column] != value:
                return f"shop {shop!r}: {column} is {right[column]}, alone it is {value}"
        if shop not in has or shop not in wanted:
            return f"shop {shop!r} stands in one of the two tables only"
    if alone.reasons != found.reasons:
        return f"rows were refused for {found.reasons}, alone for {alone.reasons}"
    return None
