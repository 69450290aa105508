"""The newest things that were asked for, up to a number of bytes."""

from collections import OrderedDict
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Recent(Generic[Item]):
    """Items by height; the one that was asked for longest ago goes first."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._items: OrderedDict[int, tuple[Item, int]] = OrderedDict()

    def get(self, height: int) -> Item | None:
        """Return the item of a height, or None."""
        found = self._items.get(height)
        if found is None:
            return None
        self._items.move_to_end(height)
        return found[0]

    def keep(self, height: int, item: Item, size_bytes: int) -> None:
        """Keep an item of so many bytes; one that is larger than all the room is not kept."""
        if size_bytes > self._bytes_max or height in self._items:
            return
        self._items[height] = (item, size_bytes)
        self._bytes += size_bytes
        while self._bytes > self._bytes_max:
            _height, (_item, size) = self._items.popitem(last=False)
            self._bytes -= size

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
        self._bytes = 0
