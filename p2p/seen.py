"""What was seen before: a bounded set of ids that forgets the oldest."""


class SeenIds:
    """Ids in the order in which they came; a full set forgets its oldest for each new one.

    An id that is forgotten is taken for new once more: gossip then carries it a second time, and
    whoever it is for must be able to bear that.
    """

    def __init__(self, count_max: int) -> None:
        """Keep at most `count_max` ids."""
        assert count_max > 0, count_max
        self._count_max = count_max
        self._ids: dict[bytes, None] = {}

    def __len__(self) -> int:
        """Return how many ids are kept."""
        return len(self._ids)

    def __contains__(self, one: object) -> bool:
        """Tell whether an id is kept."""
        return one in self._ids

    def add(self, one: bytes) -> bool:
        """Keep an id; True if it was not kept before."""
        if one in self._ids:
            return False
        if len(self._ids) >= self._count_max:
            del self._ids[next(iter(self._ids))]
        self._ids[one] = None
        return True
