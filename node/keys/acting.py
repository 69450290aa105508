"""A key with the account that it acts for: the account's first key may be long gone."""

from collections.abc import Sequence

from chain.crypto import Signer


class ActingKey(Signer):
    """A key that signs for an account whose id need not be its own.

    What others seal for an account they seal for its id, its first key. Whoever has keys of before
    still opens that with them; they sign nothing.
    """

    __slots__ = ("account", "earlier")

    def __init__(self, seed: bytes, account: bytes, earlier: Sequence[Signer] = ()) -> None:
        """Expand a 32-byte `seed`; `account` is whom it acts for."""
        super().__init__(seed)
        self.account, self.earlier = account, tuple(earlier)

    def open_box(self, sealed: bytes) -> bytes | None:
        """Return what was sealed for this key or one of before, or None."""
        opened = super().open_box(sealed)
        for key in self.earlier:
            opened = key.open_box(sealed) if opened is None else opened
        return opened


def account_of(signer: Signer) -> bytes:
    """Return the account that a key acts for: its own, unless it was told another."""
    return signer.account if isinstance(signer, ActingKey) else signer.public_key


def other_key(signer: Signer) -> str | None:
    """Return a key as a transaction names it, in hex; None for the account's first one."""
    return None if account_of(signer) == signer.public_key else signer.public_key.hex()
