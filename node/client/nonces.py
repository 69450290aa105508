"""Numbers for transactions: each key counts its own, and many may be on their way at once."""

IN_FLIGHT_MAX = 256  # not yet final of one client: as far back as a chain remembers single nonces


class Nonces:
    """The next nonce of each (account, key) that this client has used."""

    def __init__(self) -> None:
        self._next: dict[tuple[bytes, bytes], int] = {}

    def take(self, account: bytes, key: bytes, lowest: int) -> int:
        """Return a nonce that was not taken here before, at least `lowest` (the node's own)."""
        nonce = max(lowest, self._next.get((account, key), 0))
        self._next[account, key] = nonce + 1
        return nonce

    def give_back(self, account: bytes, key: bytes, nonce: int) -> None:
        """Take back a nonce that nothing was sent with, if it was the last one."""
        if self._next.get((account, key)) == nonce + 1:
            self._next[account, key] = nonce

    def forget(self, account: bytes, key: bytes) -> None:
        """Begin again from what the node says."""
        self._next.pop((account, key), None)
