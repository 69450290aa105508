"""What a store holds and how it may use the machine."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

_HEIGHT_BYTES = 8
_PLACE = (5, 3)  # bytes of a height and of a number within it, in indexes
Place: TypeAlias = tuple[int, int]  # a height and a number in its block


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a store uses disk and memory; what it holds is the same with any.

    `sync`: wait for the disk at every block. Caches are dropped at once when full. `nodes_held_max`
    tree records wait in memory to be written together: most are changed again and again, and after
    a dirty stop the tree is made anew from the values.
    """

    sync: bool = True
    write_buffer_bytes: int = 16 * 1024 * 1024
    values_cached_max: int = 200_000
    nodes_cached_max: int = 60_000
    nodes_held_max: int = 4_096
    blocks_cached_bytes: int = 16 * 1024 * 1024  # as stored; the newest that were asked for
    receipts_cached_bytes: int = 4 * 1024 * 1024  # likewise; decoded they take some six times that


THROW_AWAY = Tuning(  # for chains that can be made again: all of a year's bookings in memory
    sync=False,
    write_buffer_bytes=64 * 1024 * 1024,
    values_cached_max=1_000_000,
    nodes_cached_max=400_000,
    nodes_held_max=100_000,
)


class Table(Enum):
    """Key prefixes; a prefix is never reused."""

    META = b"m"
    BLOCK = b"b"  # height -> block
    COMMIT = b"c"  # height -> certificate
    RECEIPTS = b"r"  # height -> receipts
    BLOCK_ID = b"i"  # block id -> height
    TRANSACTION = b"t"  # tx id -> height, number
    TOPIC = b"e"  # topic, height, number of the event -> nothing
    STATE = b"s"  # state key -> value
    NODE = b"n"  # path -> tree record
    HEADER = b"h"  # height -> header, where the block itself is not kept


def height_key(height: int) -> bytes:
    """Return the key of a height."""
    return height.to_bytes(_HEIGHT_BYTES, "big")


def place_key(height: int, number: int) -> bytes:
    """Return the bytes of a place, which sort as places do."""
    return height.to_bytes(_PLACE[0], "big") + number.to_bytes(_PLACE[1], "big")


def read_place(data: bytes) -> Place:
    """Return the place that `place_key` wrote."""
    return int.from_bytes(data[: _PLACE[0]], "big"), int.from_bytes(data[_PLACE[0] :], "big")
