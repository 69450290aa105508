"""Codes as the chain knows them: by the hash of their secret, spent once at whichever gateway.

Where the operators installed no contract `admissions`, a gateway's own book is all there is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chain.crypto import sha256
from chain.executed import event_topic
from chain.governance import contract_by_name
from chain.transaction import Call
from chain.types import ZERO_ID
from node.joining.records import Record, Use
from node.live.views import first_keys, look

CONTRACT = "admissions"
CODES_MAX = 1_000  # that are listed
_NOBODY = ZERO_ID
_MARK_BYTES = 32


@dataclass(frozen=True, slots=True)
class ChainCode:
    """A code on the chain; `shop`, `node_key` and `voice` are None where there is nobody."""

    mark: bytes
    maker: bytes
    made_at: int
    until: int
    name_mark: bytes
    shop: bytes | None
    node_key: bytes | None
    used_at: int
    stopped_at: int
    voice: bytes | None
    voice_at: int

    def is_for(self, name: str) -> bool:
        """Tell whether a shop of that name may use it."""
        return self.name_mark in {_NOBODY, mark_of_name(name)}


def mark_of_name(name: str) -> bytes:
    """Return how the chain knows the one name that a code is for; zeros: any."""
    return sha256(name.encode()) if name else _NOBODY


def mark_of(record: Record) -> bytes:
    """Return how the chain knows a code of the own book."""
    return bytes.fromhex(record.secret_hash)


def is_kept(node: Any) -> bool:
    """Tell whether this chain knows codes."""
    return contract_by_name(node.state(), CONTRACT) is not None


def read_code(node: Any, mark: bytes) -> ChainCode | None:
    """Return a code at the head, or None where the chain knows no such code."""
    contract = contract_by_name(node.state(), CONTRACT)
    found = None if contract is None else look(node, contract, "code", mark)
    if not found or not found["made_at"]:
        return None
    is_used = bool(found["used_at"])
    return ChainCode(
        mark=mark,
        maker=found["maker"],
        made_at=found["made_at"],
        until=found["until"],
        name_mark=found["name"],
        shop=found["shop"] if is_used else None,
        node_key=found["node"] if is_used else None,
        used_at=found["used_at"],
        stopped_at=found["stopped_at"],
        voice=found["voice"] if found["voice_at"] else None,
        voice_at=found["voice_at"],
    )


def all_codes(node: Any) -> Iterator[ChainCode]:
    """Yield the codes that the chain knows, at most CODES_MAX, by their marks."""
    contract = contract_by_name(node.state(), CONTRACT)
    marks = [] if contract is None else first_keys(node, contract, "codes", _MARK_BYTES, CODES_MAX)
    for mark in marks:
        found = read_code(node, mark)
        if found is not None:
            yield found


def spending(node: Any, record: Record, use: Use) -> list[Call]:
    """Return what spends a code on the chain, in the transaction that lets its shop in.

    A code that the chain does not know yet is made known by the same. None where it knows no codes.
    """
    contract = contract_by_name(node.state(), CONTRACT)
    if contract is None:
        return []
    mark, known = mark_of(record), read_code(node, mark_of(record))
    first = [] if known is not None else [_offer(contract, record)]
    given = (mark, bytes.fromhex(use.account), bytes.fromhex(use.node_key), mark_of_name(use.name))
    return [*first, Call(contract, "use", given, 0)]


def offering(node: Any, record: Record) -> list[Call]:
    """Return what makes a code known; nothing where the chain knows none, or this one already."""
    contract = contract_by_name(node.state(), CONTRACT)
    if contract is None or read_code(node, mark_of(record)) is not None:
        return []
    return [_offer(contract, record)]


def taking_back(node: Any, mark: bytes) -> list[Call]:
    """Return what takes a code back; nothing where the chain does not know it or has done so."""
    contract, known = contract_by_name(node.state(), CONTRACT), read_code(node, mark)
    if contract is None or known is None or known.stopped_at:
        return []
    return [Call(contract, "take_back", (mark,), 0)]


def _offer(contract: bytes, record: Record) -> Call:
    name = mark_of_name(record.name)
    return Call(contract, "offer", (mark_of(record), record.expires_at, name), 0)


def find_spent(node: Any, mark: bytes) -> tuple[bytes, int] | None:
    """Return (transaction, height) by which a code was spent, or None if it is not kept here."""
    state, store = node.state(), node.ledger.store
    contract = contract_by_name(state, CONTRACT)
    info = None if contract is None else node.abis.contract(state, contract)
    if contract is None or info is None:
        return None
    names = [one.name for one in info.code.abi.events]
    number = names.index("Used")
    for height, _place in store.find_events(event_topic(contract, number, 0, mark), (0, 0), 4):
        for receipt in store.receipts(height):
            for event in receipt.events:
                if (event.contract, event.number, event.values[0]) == (contract, number, mark):
                    return receipt.id, height
    return None
