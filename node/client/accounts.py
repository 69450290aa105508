"""Who signs: keys and accounts in the forms that people have them."""

from dataclasses import dataclass
from typing import TypeAlias

from chain.crypto import KEY_BYTES, Signer
from chain.errors import MalformedBytesError
from chain.ids import decode_id, encode_id

ACCOUNT_PREFIX = "acct"
ID_BYTES = 32
KeyLike: TypeAlias = Signer | bytes | str
AccountLike: TypeAlias = bytes | str


@dataclass(frozen=True, slots=True)
class Identity:
    """An account and the key that signs for it."""

    account: bytes
    signer: Signer

    @property
    def key(self) -> bytes | None:
        """The key as a transaction names it: None for the account's first key."""
        public = self.signer.public_key
        return None if public == self.account else public


def read_key(key: KeyLike) -> Signer:
    """Return the signer of a `Signer`, a 32-byte seed or its 64 hex digits."""
    if isinstance(key, Signer):
        return key
    if isinstance(key, str):
        try:
            seed = bytes.fromhex(key)
        except ValueError:
            # The text is a secret, so the message does not repeat it.
            raise MalformedBytesError("a seed as text is 64 hex digits") from None
    else:
        seed = key
    if len(seed) != KEY_BYTES:
        raise MalformedBytesError(f"a seed has {KEY_BYTES} bytes, this has {len(seed)}")
    return Signer(seed)


def read_chain_id(chain_id: bytes | str) -> bytes:
    """Return the 32 bytes of a chain's id given as bytes or as 64 hex digits."""
    try:
        data = bytes.fromhex(chain_id) if isinstance(chain_id, str) else chain_id
    except ValueError:
        data = b""
    if len(data) != ID_BYTES:
        raise MalformedBytesError(f"{chain_id!r:.80} is no chain's id, which is 64 hex digits")
    return data


def read_account(account: AccountLike) -> bytes:
    """Return the 32 bytes of an account given as bytes or as `acct1...`."""
    if isinstance(account, str):
        return decode_id(account, ACCOUNT_PREFIX)
    if len(account) != KEY_BYTES:
        raise MalformedBytesError(f"an account has {KEY_BYTES} bytes, this has {len(account)}")
    return account


def show_account(account: AccountLike) -> str:
    """Return an account as text: `acct1...`; text goes through as it is."""
    return account if isinstance(account, str) else encode_id(ACCOUNT_PREFIX, account)


def read_identity(key: KeyLike, account: AccountLike | None) -> Identity:
    """Return who signs with `key`; without `account` it is the one that the key made."""
    signer = read_key(key)
    return Identity(signer.public_key if account is None else read_account(account), signer)
