"""Events of one kind that name an account, newest first, straight from the store's index."""

from collections.abc import Iterator
from typing import Any

from chain.errors import PrunedError
from chain.executed import event_topic
from chain.receipt import Receipt
from chain.tables import Place
from node.live.abis import ContractInfo

_PAGE = 16


def newest_naming(
    node: Any, info: ContractInfo, event: str, field: str, account: bytes
) -> Iterator[dict[str, Any]]:
    """Yield what a contract's events of a name told, those whose field is the account."""
    declared = info.code.abi.events
    number = next(i for i, one in enumerate(declared) if one.name == event)
    names = [name for name, _kind in declared[number].fields]
    place = names.index(field)
    topic = event_topic(info.contract, number, place, account)
    store, before = node.ledger.store, (node.ledger.height + 1, 0)
    while found := store.newest_events(topic, before, _PAGE):
        for at in found:
            try:
                receipts = store.receipts(at[0])
            except PrunedError:  # what is older is not kept here
                return
            values = _values_at(receipts, at, (info.contract, number))
            if values is not None and values[place] == account:  # topics are short, and may lie
                yield dict(zip(names, values, strict=True))
        before = found[-1]


def _values_at(receipts: list[Receipt], at: Place, kind: tuple[bytes, int]) -> Any:
    """Return the values of the event with a number in its block, None if it is of another kind."""
    number = at[1]
    for receipt in receipts:
        if number < len(receipt.events):
            event = receipt.events[number]
            return event.values if (event.contract, event.number) == kind else None
        number -= len(receipt.events)
    return None
