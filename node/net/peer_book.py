"""Addresses, faults and bans, kept in the node's folder across restarts."""

from pathlib import Path

from node.live.clock import Clock


class PeerBook:
    """Minimal."""

    def __init__(self, folder: Path | None, configured: tuple[str, ...], clock: Clock) -> None:
        self._clock = clock
        self._due = dict.fromkeys(configured, 0)
        self._waits = dict.fromkeys(configured, 500)

    def due(self) -> list[str]:
        now = self._clock.mono_ms()
        return [url for url, at in self._due.items() if at <= now]

    def failed(self, url: str) -> None:
        self._due[url] = self._clock.mono_ms() + self._waits[url]
        self._waits[url] = min(2 * self._waits[url], 10_000)

    def reached(self, url: str, _key: bytes) -> None:
        self._waits[url] = 500
        self._due[url] = self._clock.mono_ms() + 1_000

    def fault(self, _key: bytes, _address: str, _name: str) -> bool:
        return False

    def ban(self, key: bytes, duration_ms: int) -> None: ...

    def is_banned(self, _key: bytes) -> bool:
        return False

    def is_banned_address(self, _address: str) -> bool:
        return False

    def save(self, *, is_last: bool = False) -> None: ...
