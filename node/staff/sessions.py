"""Who is logged in: until the end of the shop's day, and 30 minutes after the last deed at most.

Sessions are in memory only: a node that starts again knows nobody.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chain.crypto import Signer, sha256
from chain.types import MINUTE_MS
from node.staff.book import Member

IDLE_MS = 30 * MINUTE_MS
SESSIONS_MAX = 100
TOKEN_BYTES = 32


@dataclass(slots=True)
class Session:
    """Somebody at work. `ends_ms` is by the clock on the wall, `used_mono` by one without jumps."""

    member: Member
    signer: Signer
    ends_ms: int
    used_mono: int


class Sessions:
    """All sessions of a node, by the hash of their token."""

    def __init__(self, now_ms: Callable[[], int], mono_ms: Callable[[], int]) -> None:
        self._now, self._mono = now_ms, mono_ms
        self._sessions: dict[bytes, Session] = {}

    def begin(self, token: str, member: Member, signer: Signer, ends_ms: int) -> Session:
        """Begin a session under a new token; the one that lay idle longest makes room."""
        self.sweep()
        if len(self._sessions) >= SESSIONS_MAX:
            oldest = min(self._sessions, key=lambda one: self._sessions[one].used_mono)
            del self._sessions[oldest]
        made = Session(member, signer, ends_ms, self._mono())
        self._sessions[_place(token)] = made
        return made

    def find(self, token: str) -> Session | None:
        """Return the session of a token, which counts as used now, or None."""
        self.sweep()
        found = self._sessions.get(_place(token))
        if found is not None:
            found.used_mono = self._mono()
        return found

    def end(self, token: str) -> bool:
        """End a session; tells whether there was one."""
        return self._sessions.pop(_place(token), None) is not None

    def end_of(self, member: str) -> None:
        """End all sessions of a member."""
        self._sessions = {k: s for k, s in self._sessions.items() if s.member.id != member}

    def sweep(self) -> None:
        """Forget those that are over."""
        now, mono = self._now(), self._mono()
        self._sessions = {
            place: one
            for place, one in self._sessions.items()
            if now < one.ends_ms and mono - one.used_mono < IDLE_MS
        }

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._sessions)


def _place(token: str) -> bytes:
    return sha256(token.encode())
