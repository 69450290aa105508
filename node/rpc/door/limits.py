"""How much one client may ask for: a bucket of calls for each address, refilled all the time."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

ADDRESSES_MAX = 4_096  # buckets kept; who is forgotten begins with a full one
BURST_SECONDS = 2  # a full bucket holds this many seconds' worth
_DEBT_SECONDS_MAX = 10  # that one message can cost at most
_PREFIX_BITS = 64  # one subscriber has at least so many IPv6 addresses


def client_of(address: str) -> str:
    """Return what stands for a client: an IPv4 address, or the network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _PREFIX_BITS), strict=False))


def is_loopback(address: str) -> bool:
    """Tell whether a peer is on this machine."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


@dataclass(slots=True)
class _Bucket:
    milli: int  # thousandths of calls left
    at_ms: int


class Buckets:
    """Buckets by client. Time is an argument, ms of any clock that does not go back."""

    def __init__(self, per_second: int, addresses_max: int = ADDRESSES_MAX) -> None:
        """`per_second` 0 sets no limit."""
        self._per_second, self._addresses_max = per_second, addresses_max
        self._full = per_second * BURST_SECONDS * 1_000
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, client: str, cost: int, now_ms: int) -> int:
        """Take `cost` calls; returns 0, or the ms after which it may succeed and takes nothing.

        More than a whole bucket is granted to a full one, which then owes the rest.
        """
        if not self._per_second:
            return 0
        bucket = self._bucket(client, now_ms)
        filled = bucket.milli + max(0, now_ms - bucket.at_ms) * self._per_second
        bucket.milli, bucket.at_ms = min(self._full, filled), now_ms
        need = min(cost * 1_000, self._full)
        if bucket.milli < need:
            return -(-(need - bucket.milli) // self._per_second)
        bucket.milli -= cost * 1_000
        return 0

    def owe(self, client: str, cost: int, now_ms: int) -> None:
        """Take `cost` calls that were made already, so that the next ones wait for them."""
        if self._per_second and cost > 0:
            bucket = self._bucket(client, now_ms)
            bucket.milli -= min(cost, _DEBT_SECONDS_MAX * self._per_second) * 1_000

    def _bucket(self, client: str, now_ms: int) -> _Bucket:
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = _Bucket(self._full, now_ms)
            if len(self._buckets) > self._addresses_max:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(client)
        return bucket

    def __len__(self) -> int:
        """Return how many clients are known."""
        return len(self._buckets)
