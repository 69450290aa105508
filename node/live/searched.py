"""Which blocks this node can speak for, and whether a transaction's time is over in all of them."""

from chain.params import read_params
from node.storage.ledger import ChainLedger


def searched_heights(ledger: ChainLedger) -> tuple[int, int]:
    """Return the first and last height whose transactions this node knows."""
    store = ledger.store
    return (store.base_height + 1 if store.base_height else 0), ledger.height


def is_over(ledger: ChainLedger, valid_until: int) -> bool:
    """Tell whether a transaction that is not found is proven to be in no block, now or ever.

    Where the chain began with a snapshot, an earlier block may have it: only one whose validity,
    which is bounded, began after the snapshot's block is known not to be there.
    """
    if ledger.head.time_ms < valid_until:
        return False
    base = ledger.store.base_height
    earliest_ms = valid_until - read_params(ledger.state()).valid_for_max_ms
    return not base or ledger.store.header(base).time_ms < earliest_ms
