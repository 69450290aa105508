"""A key with the account that it acts for: the account's first key may be long gone."""

from chain.crypto import Signer


class ActingKey(Signer):
    """A key that signs for an account whose id need not be its own."""

    __slots__ = ("account",)

    def __init__(self, seed: bytes, account: bytes) -> None:
        """Expand a 32-byte `seed`; `account` is whom it acts for."""
        super().__init__(seed)
        self.account = account


def account_of(signer: Signer) -> bytes:
    """Return the account that a key acts for: its own, unless it was told another."""
    return signer.account if isinstance(signer, ActingKey) else signer.public_key


def other_key(signer: Signer) -> str | None:
    """Return a key as a transaction names it, in hex; None for the account's first one."""
    return None if account_of(signer) == signer.public_key else signer.public_key.hex()
