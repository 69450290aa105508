"""How many transactions a node co-signs for strangers: so many an account, so many in all."""

from collections import OrderedDict

from chain.types import DAY_MS

PER_ACCOUNT = 60  # a day; a visit takes about ten
IN_ALL = 2_000  # a day: the chain lets a sponsor co-sign 2,500, and the shop needs some itself
_ACCOUNTS_MAX = 10_000


class Visitors:
    """Counts what was co-signed for whom on one day. Time is an argument, ms."""

    def __init__(self, per_account: int = PER_ACCOUNT, in_all: int = IN_ALL) -> None:
        self._per_account, self._in_all = per_account, in_all
        self._day = -1
        self._total = 0
        self._counts: OrderedDict[bytes, int] = OrderedDict()

    def may_take(self, account: bytes, now_ms: int) -> bool:
        """Tell whether one more is within the limits."""
        self._begin_day(now_ms)
        return self._total < self._in_all and self._counts.get(account, 0) < self._per_account

    def take(self, account: bytes, now_ms: int) -> None:
        """Count one."""
        self._begin_day(now_ms)
        self._total += 1
        self._counts[account] = self._counts.get(account, 0) + 1
        self._counts.move_to_end(account)
        if len(self._counts) > _ACCOUNTS_MAX:
            self._counts.popitem(last=False)

    def _begin_day(self, now_ms: int) -> None:
        day = now_ms // DAY_MS
        if day != self._day:
            self._day, self._total = day, 0
            self._counts.clear()
