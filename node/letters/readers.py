"""With which of an account's keys its letters are read. Pure.

A shop reads with its own key, which its node has. An operator's own key lies elsewhere: who logs in
for the account has a key of that login, which moves no money and may call anything. So letters to
operators are sealed for these keys as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass

READERS_MAX = 8


@dataclass(frozen=True, slots=True)
class KeyBounds:
    """A key of an account, as far as it matters here."""

    key: bytes
    has_scopes: bool
    amounts: tuple[int, ...]  # that its limits let leave
    expires_at: int | None

    @property
    def is_free(self) -> bool:
        """Whether it has no bounds at all."""
        return not self.has_scopes and not self.amounts and self.expires_at is None

    def is_login(self, now_ms: int) -> bool:
        """Tell whether it may do anything but move money, for a time that is not over."""
        is_for_a_time = self.expires_at is not None and now_ms < self.expires_at
        return is_for_a_time and not self.has_scopes and not any(self.amounts)


def own_keys(keys: Iterable[KeyBounds]) -> list[bytes]:
    """Return the key that letters to an account are sealed for: the first without bounds."""
    return [one.key for one in keys if one.is_free][:1]


def operators_keys(keys: Iterable[KeyBounds], now_ms: int) -> list[bytes]:
    """Return the keys that letters to an operator are sealed for: that one, and those of logins."""
    known = list(keys)
    logins = [one.key for one in known if one.is_login(now_ms)]
    return [*own_keys(known), *logins][:READERS_MAX]
