"""Where other nodes can be dialled: what was configured, and what peers told. Time is an argument.

A configured address is never dropped. A told one is a peer's word: at most 64 from one teller and
1,000 addresses in all, so that nobody can fill the book with places that lead to itself. When there
is no room, the told address that failed most often goes, and only if it failed at least once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chain.crypto import hash_bytes
from p2p.errors import BadAddressError, BadPeerFileError
from p2p.urls import URL_BYTES_MAX, check_url

ADDRESSES_MAX = 1_000
TOLD_BY_ONE_MAX = 64
BACKOFF_MS_MIN = 1_000
BACKOFF_MS_MAX = 5 * 60_000
FAILURES_COUNTED_MAX = 1_000
DROPPED_AFTER_FAILURES = 20  # a told address at which nobody was ever found: an hour and a half

Source: TypeAlias = Literal["configured", "told"]
_HexKey: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Address(BaseModel):
    """One place to dial, and what is known of it. Times are ms UTC, None if never."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    url: Annotated[str, Field(max_length=URL_BYTES_MAX)]
    source: Source
    node_key_hex: _HexKey | None = None
    teller_hex: _HexKey | None = None  # the node that told it
    last_success_ms: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    failures: Annotated[int, Field(ge=0, le=FAILURES_COUNTED_MAX)] = 0  # since the last success
    next_attempt_ms: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0

    @property
    def node_key(self) -> bytes | None:
        """The key of the node that is expected there, if it is known."""
        return None if self.node_key_hex is None else bytes.fromhex(self.node_key_hex)


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    version: Annotated[int, Field(ge=1, le=1)]
    addresses: Annotated[list[Address], Field(max_length=ADDRESSES_MAX)]


@dataclass(frozen=True, slots=True)
class _Lot:
    """Draws from chance: the same chance gives the same order."""

    chance: bytes

    def number(self, url: str) -> int:
        return int.from_bytes(hash_bytes("p2p/lot", self.chance + url.encode())[:8], "big")


def backoff_ms(failures: int, lot: int) -> int:
    """Return how long to wait after so many failures: 1 s doubling to 5 min, a quarter by lot.

    Without the lot, nodes that lost the same gateway would come back in step.
    """
    whole = min(BACKOFF_MS_MAX, BACKOFF_MS_MIN << min(max(0, failures - 1), 20))
    return whole - lot % (whole // 4)


class AddressBook:
    """Addresses by URL."""

    def __init__(self) -> None:
        """Begin empty."""
        self._addresses: dict[str, Address] = {}

    def __len__(self) -> int:
        """Return how many addresses are kept."""
        return len(self._addresses)

    def get(self, url: str) -> Address | None:
        """Return what is known of a URL."""
        return self._addresses.get(url)

    def all(self) -> list[Address]:
        """Return all addresses, by URL."""
        return [self._addresses[url] for url in sorted(self._addresses)]

    def add_configured(self, url: str, node_key: bytes | None = None) -> Address:
        """Keep an address that the operator named; raises BadAddressError.

        Also if the book is full: then a told one is dropped. What was known of it stays known.
        """
        checked, key = check_url(url), node_key.hex() if node_key else None
        known = self._addresses.get(checked)
        if known is None and len(self._addresses) >= ADDRESSES_MAX and not self._drop_told(0):
            why = f"the book holds {ADDRESSES_MAX} configured addresses; take some off"
            raise BadAddressError(why)
        base = known or Address(url=checked, source="configured")
        changes = {"source": "configured", "teller_hex": None, "next_attempt_ms": 0}
        kept = base.model_copy(update={**changes, "node_key_hex": key or base.node_key_hex})
        self._addresses[checked] = kept
        return kept

    def forget_configured(self, urls: Collection[str]) -> None:
        """Drop configured addresses that are not among these URLs: the settings have changed."""
        for address in self.all():
            if address.source == "configured" and address.url not in urls:
                del self._addresses[address.url]

    def add_told(self, url: str, node_key: bytes | None, teller: bytes) -> bool:
        """Keep an address that a peer told; False if it is known, or there is no room for it.

        Raises BadAddressError. What a peer tells of a known address changes nothing.
        """
        checked = check_url(url)
        if checked in self._addresses:
            return False
        told = sum(one.teller_hex == teller.hex() for one in self._addresses.values())
        if told >= TOLD_BY_ONE_MAX:
            return False
        if len(self._addresses) >= ADDRESSES_MAX and not self._drop_told(1):
            return False
        self._addresses[checked] = Address(
            url=checked,
            source="told",
            node_key_hex=node_key.hex() if node_key else None,
            teller_hex=teller.hex(),
        )
        return True

    def _drop_told(self, failures_min: int) -> bool:
        told = [one for one in self.all() if one.source == "told" and one.failures >= failures_min]
        if not told:
            return False
        worst = max(told, key=lambda one: (one.failures, -(one.last_success_ms or 0)))
        del self._addresses[worst.url]
        return True

    def due(
        self, now_ms: int, count: int, chance: bytes, besides: Collection[str] = ()
    ) -> list[Address]:
        """Return at most `count` addresses to dial now, `besides` those at work already.

        Configured ones come first, then those that answered before; within these by lot.
        """
        lot = _Lot(chance)
        ready = [
            one
            for one in self._addresses.values()
            if one.next_attempt_ms <= now_ms and one.url not in besides
        ]
        ready.sort(
            key=lambda one: (
                one.source != "configured",
                one.last_success_ms is None,
                lot.number(one.url),
            )
        )
        return ready[:count]

    def note_success(self, url: str, node_key: bytes, now_ms: int) -> None:
        """Note that a node answered there; its key is known from now on."""
        known = self._addresses.get(url)
        if known is not None:
            changes = {"last_success_ms": now_ms, "failures": 0, "node_key_hex": node_key.hex()}
            # A pause as after a failure: a peer that hangs up at once is not dialled in a loop.
            changes["next_attempt_ms"] = now_ms + BACKOFF_MS_MIN
            self._addresses[url] = known.model_copy(update=changes)

    def note_failure(self, url: str, now_ms: int, chance: bytes) -> None:
        """Note that nobody, or the wrong node, answered; the next attempt is later each time."""
        known = self._addresses.get(url)
        if known is None:
            return
        failures = min(known.failures + 1, FAILURES_COUNTED_MAX)
        was_never_there = known.source == "told" and known.last_success_ms is None
        if was_never_there and failures >= DROPPED_AFTER_FAILURES:
            del self._addresses[url]
            return
        wait_ms = backoff_ms(failures, _Lot(chance).number(url))
        changes = {"failures": failures, "next_attempt_ms": now_ms + wait_ms}
        self._addresses[url] = known.model_copy(update=changes)

    def forget(self, url: str) -> bool:
        """Drop a told address; False if it is none."""
        known = self._addresses.get(url)
        if known is None or known.source == "configured":
            return False
        del self._addresses[url]
        return True

    def share(self, count: int, chance: bytes) -> list[Address]:
        """Return at most `count` addresses to tell others, by lot.

        Only those that this node has found a node at: hearsay is not handed on.
        """
        lot = _Lot(chance)
        good = [
            one
            for one in self._addresses.values()
            if one.last_success_ms is not None and not one.failures
        ]
        return sorted(good, key=lambda one: lot.number(one.url))[:count]

    def to_json(self) -> str:
        """Return the book as JSON text."""
        return _File(version=1, addresses=self.all()).model_dump_json(indent=1)

    @classmethod
    def from_json(cls, text: str) -> "AddressBook":
        """Return the book that `to_json` wrote; raises BadPeerFileError."""
        try:
            addresses = _File.model_validate_json(text).addresses
            book = cls()
            for one in addresses:
                if check_url(one.url) != one.url or one.url in book._addresses:
                    raise BadPeerFileError("addresses", f"{one.url!r} is not in its one form")
                book._addresses[one.url] = one
        except ValidationError as error:
            raise BadPeerFileError("addresses", str(error.errors()[0]["msg"])) from error
        except BadAddressError as error:
            raise BadPeerFileError("addresses", str(error)) from error
        return book
