"""The topics of a block: what its events and transactions can be found by."""

from collections.abc import Sequence

from chain.executed import KERNEL_INDEXED, account_topic, event_topic
from chain.receipt import Receipt
from chain.state import State
from chain.transaction import ReceivedTransaction
from chain.types import ZERO_ID
from contracts.instances import Library


def block_topics(
    state: State,
    library: Library,
    receipts: Sequence[Receipt],
    transactions: Sequence[ReceivedTransaction],
) -> list[tuple[int, bytes]]:
    """Return (number, 8-byte topic) of a block's events and of its senders and sponsors.

    Events are numbered through the whole block. An account's topic bears the number of the
    transaction's receipt; the transactions' receipts are the last ones.
    """
    topics: list[tuple[int, bytes]] = []
    number = -1
    for receipt in receipts:
        for event in receipt.events:
            number += 1
            contract, kind, values = event.contract, event.number, event.values
            places = _indexed(state, library, contract, kind)
            if not places:
                topics.append((number, event_topic(contract, kind)))
            topics += [
                (number, event_topic(contract, kind, place, values[place])) for place in places
            ]
    for number, tx in enumerate(transactions, len(receipts) - len(transactions)):
        sender, sponsor = tx.body.account, tx.body.sponsor
        topics.append((number, account_topic(sender)))
        if sponsor is not None and sponsor != sender:
            topics.append((number, account_topic(sponsor)))
    return topics


def _indexed(state: State, library: Library, contract: bytes, kind: int) -> Sequence[int]:
    if contract == ZERO_ID:
        return KERNEL_INDEXED[kind]
    return library.program(state, library.instance(state, contract).code_id).indexed[kind]
