"""The state of the ledger as a flat map, and one block's changes on top of it.

Every key begins with one byte of `Space`. Keys of `Space.QUEUE` are an index that follows from the
pots and timers (when what falls due); they are stored but are no leaves of the state tree.
Everything else is.
"""

from enum import IntEnum
from typing import Final, Protocol

from chain.types import SAFE_INT_MAX


class Space(IntEnum):
    """First byte of a state key; a number is never reused."""

    ACCOUNT = 0x01  # account -> keys, guardians
    NONCES = 0x02  # account, key -> window of used nonces
    BALANCE = 0x03  # account, asset -> amount
    ASSET = 0x04  # asset -> issuer, symbol, policy
    SUPPLY = 0x05  # asset -> amount in existence
    ROLES = 0x06  # account -> bits
    QUOTA = 0x07  # sponsor -> day, transactions
    ALLOWANCE = 0x08  # account, instance -> open pots, unsponsored calls used
    RECOVERY = 0x09  # account -> approvals, time
    SPENDING = 0x0A  # account, key, asset -> window, spent
    PROPOSAL = 0x0B  # proposal -> change, votes
    NAME = 0x0C  # name -> contract instance installed by the operators
    STORAGE = 0x10  # instance, field, key -> row
    POT = 0x11  # instance, class, key -> pot
    TIMER = 0x13  # instance, handler, key -> timer
    CODE = 0x14  # code id -> container
    INSTANCE = 0x15  # instance -> code id, bindings
    CHAIN = 0x16  # name -> what there is one of
    RETRY = 0x17  # instance -> due time of its latest retry
    PENDING = 0x18  # instance not installed -> number of timers
    DEAD_LETTER = 0x19  # instance, handler, key -> why
    QUEUE = 0xF0  # due, kind, sequence -> key of the pot or timer (derived)


QUEUE_PREFIX: Final = bytes([Space.QUEUE])  # the greatest prefix: no other key sorts behind it
QUEUE_STOP: Final = bytes([Space.QUEUE + 1])
SEQUENCE_KEY: Final = bytes([Space.CHAIN]) + b"sequence"
HALT_KEY: Final = bytes([Space.CHAIN]) + b"halt"
PARAMS_KEY: Final = bytes([Space.CHAIN]) + b"params"
OPERATORS_KEY: Final = bytes([Space.CHAIN]) + b"operators"
VALIDATORS_KEY: Final = bytes([Space.CHAIN]) + b"validators"
PENDING_VALIDATORS_KEY: Final = bytes([Space.CHAIN]) + b"next-validators"
PROPOSERS_KEY: Final = bytes([Space.CHAIN]) + b"proposers"


class StateReader(Protocol):
    """The committed state: what a block builds on."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value at a key, or None."""
        ...

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Return at most `limit` pairs with start <= key < stop, in key order."""
        ...


class _Absent:
    __slots__ = ()


_ABSENT = _Absent()
_UNKNOWN = _Absent()


class State:
    """Reads through to a reader; collects changes; undoes them back to a mark.

    Values are immutable bytes, so a change is one entry in a dict and its undo another. `revert`
    takes back everything since the mark; `changes` are what a commit writes, in no particular
    order.
    """

    __slots__ = ("_base", "_changes", "_journal", "_reader")

    def __init__(self, reader: StateReader) -> None:
        """Start with no changes on top of `reader`."""
        self._reader = reader
        self._base: dict[bytes, bytes | None] = {}
        self._changes: dict[bytes, bytes | None] = {}
        self._journal: list[tuple[bytes, bytes | _Absent | None]] = []

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key` with all changes so far, or None."""
        value = self._changes.get(key, _UNKNOWN)
        if value is not _UNKNOWN:
            return value  # type: ignore[return-value]
        value = self._base.get(key, _UNKNOWN)
        if value is _UNKNOWN:
            value = self._base[key] = self._reader.get(key)
        return value  # type: ignore[return-value]

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value at `key`."""
        self._journal.append((key, self._changes.get(key, _ABSENT)))
        self._changes[key] = value

    def delete(self, key: bytes) -> None:
        """Forget `key`."""
        self._journal.append((key, self._changes.get(key, _ABSENT)))
        self._changes[key] = None

    def mark(self) -> int:
        """Return a mark for `revert`."""
        return len(self._journal)

    def revert(self, mark: int) -> None:
        """Take back every change made since `mark`."""
        journal, changes = self._journal, self._changes
        while len(journal) > mark:
            key, old = journal.pop()
            if old is _ABSENT:
                del changes[key]
            else:
                changes[key] = old  # type: ignore[assignment]

    def settle(self) -> None:
        """Forget how to revert: what is done so far stays."""
        self._journal.clear()

    def changes(self) -> dict[bytes, bytes | None]:
        """Return what changed against the reader: key -> new value, None for forgotten keys."""
        return self._changes

    def before(self, key: bytes) -> bytes | None:
        """Return what the reader has at `key`, without any change."""
        value = self._base.get(key, _UNKNOWN)
        if value is _UNKNOWN:
            value = self._base[key] = self._reader.get(key)
        return value  # type: ignore[return-value]

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Return at most `limit` pairs of start <= key < stop in key order, changes included.

        Costs grow with the number of changes; meant for the start of a block and for reads.
        """
        changed = {key: value for key, value in self._changes.items() if start <= key < stop}
        found = dict(self._reader.scan(start, stop, limit + len(changed)))
        found.update({key: value for key, value in changed.items() if value is not None})
        gone = [key for key, value in changed.items() if value is None]
        for key in gone:
            found.pop(key, None)
        return [(key, found[key]) for key in sorted(found)[:limit]]


def get_uint(state: State, key: bytes) -> int:
    """Return the 8-byte big-endian number at `key`, 0 if there is none."""
    data = state.get(key)
    return 0 if data is None else int.from_bytes(data, "big")


def put_uint(state: State, key: bytes, value: int) -> None:
    """Set the number at `key`; 0 forgets the key, so that equal states have equal keys."""
    assert 0 <= value <= SAFE_INT_MAX, (key.hex(), value)
    if value:
        state.put(key, value.to_bytes(8, "big"))
    else:
        state.delete(key)
