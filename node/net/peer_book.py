"""Addresses, faults and bans, kept in the node's folder across restarts."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol, TypeVar

from node.files import put_whole
from node.live.clock import Clock
from node.storage.disk import disk_faults
from p2p import (
    PEERS_TOLD_MAX,
    Address,
    AddressBook,
    BadPeerFileError,
    PeerAddress,
    PeerList,
    ScoreBook,
    by_address,
    by_key,
)

ADDRESSES_NAME, SCORES_NAME = "peers-known.json", "peers-scores.json"
FILE_BYTES_MAX = 4 * 1024 * 1024
SAVE_EVERY_MS = 30_000
DIALS_MAX = 16  # at one time
_LOOPBACK = frozenset({"127.0.0.1", "::1", ""})  # everybody behind a proxy on this machine

_log = logging.getLogger("washnode.net")


class _Book(Protocol):
    def to_json(self) -> str:
        """Return the book as JSON text."""


_Kept = TypeVar("_Kept", bound=_Book)


class PeerBook:
    """What is known of others, whether they are connected or not."""

    def __init__(self, folder: Path | None, configured: Collection[str], clock: Clock) -> None:
        """Read what an earlier start left; raises BadAddressError for a configured address."""
        self._folder, self._clock = folder, clock
        self._addresses = self._read(ADDRESSES_NAME, AddressBook.from_json, AddressBook())
        self._scores = self._read(SCORES_NAME, ScoreBook.from_json, ScoreBook())
        self._addresses.forget_configured(configured)
        for url in configured:
            self._addresses.add_configured(url)
        self._saved_ms = clock.mono_ms()

    def _read(self, name: str, parse: Callable[[str], _Kept], empty: _Kept) -> _Kept:
        """Return what a file has; a damaged one is told and begun anew: it is only a help."""
        if self._folder is None or not (self._folder / name).exists():
            return empty
        try:
            with (self._folder / name).open("rb") as file:
                return parse(file.read(FILE_BYTES_MAX).decode())
        except (BadPeerFileError, OSError, UnicodeDecodeError) as error:
            _log.warning("%s is begun anew: %s", name, error)
            return empty

    # Addresses --------------------------------------------------------------------------------

    def due(self, besides: Collection[str]) -> list[Address]:
        """Return what should be dialled now, besides those at work already."""
        return self._addresses.due(
            self._clock.now_ms(), DIALS_MAX, secrets.token_bytes(16), besides
        )

    def failed(self, url: str) -> None:
        """Nobody answered there, or the wrong one."""
        self._addresses.note_failure(url, self._clock.now_ms(), secrets.token_bytes(16))

    def reached(self, url: str, key: bytes) -> None:
        """A node answered there."""
        self._addresses.note_success(url, key, self._clock.now_ms())

    def all(self) -> list[Address]:
        """Return every known address."""
        return self._addresses.all()

    def add(self, url: str) -> None:
        """Keep an address by the operator's word; raises BadAddressError."""
        self._addresses.add_configured(url)

    def take_told(self, told: PeerList, teller: bytes) -> None:
        """Keep what a peer tells of others, as far as there is room; raises BadAddressError."""
        for one in told.addresses:
            self._addresses.add_told(one.url, one.node_key, teller)

    def to_tell(self) -> PeerList:
        """Return some addresses at which nodes were found."""
        chosen = self._addresses.share(PEERS_TOLD_MAX, secrets.token_bytes(16))
        return PeerList(tuple([PeerAddress(one.url, one.node_key) for one in chosen]))

    # Faults and bans --------------------------------------------------------------------------

    def fault(self, key: bytes | None, address: str, name: str) -> bool:
        """Count a fault against a key, or an address whose key is not proven; true if banned."""
        now_ms = self._clock.now_ms()
        if key is not None:
            return self._scores.note_fault(by_key(key), name, now_ms)
        return address not in _LOOPBACK and self._scores.note_fault(
            by_address(address), name, now_ms
        )

    def ban(self, key: bytes, duration_ms: int) -> None:
        """Ban a key by the operator's word."""
        self._scores.ban(by_key(key), duration_ms, self._clock.now_ms())

    def pardon(self, key: bytes) -> bool:
        """Forget what is held against a key; false if nothing was."""
        return self._scores.pardon(by_key(key))

    def is_banned(self, key: bytes) -> bool:
        """Tell whether a key is banned now."""
        return self._scores.is_banned(by_key(key), self._clock.now_ms())

    def is_banned_address(self, address: str) -> bool:
        """Tell whether nobody is answered at an address now."""
        return self._scores.is_banned(by_address(address), self._clock.now_ms())

    def banned(self) -> list[tuple[str, int]]:
        """Return who is banned, and until when, ms UTC."""
        return self._scores.banned(self._clock.now_ms())

    # Files ------------------------------------------------------------------------------------

    async def save(self, *, is_last: bool = False) -> None:
        """Write both files now and then; nobody else waits for the disk. Raises StoreError."""
        now_ms = self._clock.mono_ms()
        if self._folder is None or (now_ms - self._saved_ms < SAVE_EVERY_MS and not is_last):
            return
        self._saved_ms = now_ms
        texts = {ADDRESSES_NAME: self._addresses.to_json(), SCORES_NAME: self._scores.to_json()}
        with disk_faults(self._folder):
            for name, text in texts.items():
                await asyncio.to_thread(put_whole, self._folder / name, text, replace=True)
