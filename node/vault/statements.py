"""Who asks: a statement, signed for one deed on one node, good for two minutes and once. Pure.

The bytes that are signed are the tagged hash "vault-statement" (as in docs/protocol.md) of

    chain id (32) || node (32) || account (32) || deed (1) || blob (32) || purpose (1)
    || time, ms (8, big-endian) || nonce (16) || digest (32)

`node` is the node's validator key, so that no node can show a statement to another one. `digest` is
of what the deed brings along: the hash of its wrapped keys; zeros for others.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass
from enum import IntEnum

from chain.accounts import authorize_key
from chain.crypto import Signer, hash_bytes, verify_signature
from chain.errors import BadSignatureError, ExpiredError, KeyScopeError, NonceUsedError
from chain.state import State
from chain.types import MINUTE_MS
from node.vault.errors import BusyError

LIFE_MS = 2 * MINUTE_MS
NONCE_BYTES = 16
REMEMBERED_MAX = 65_536
ACCOUNTS_MAX = 4_096
NO_BLOB = NO_DIGEST = bytes(32)


class Deed(IntEnum):
    """What a statement is for."""

    PUT = 1
    READ = 2
    ERASE = 3
    PUT_KEYS = 4
    LOG = 5


@dataclass(frozen=True, slots=True)
class Deal:
    """What is to be done, which both sides know without being told by the statement."""

    deed: Deed
    blob: bytes = NO_BLOB
    purpose: int = 0
    digest: bytes = NO_DIGEST


@dataclass(frozen=True, slots=True)
class Statement:
    """Who signed, with which key, when; `at_ms` is the signer's clock."""

    account: bytes
    key: bytes
    at_ms: int
    nonce: bytes
    signature: bytes


def statement_bytes(chain_id: bytes, node: bytes, deal: Deal, said: Statement) -> bytes:
    """Return the 32 bytes that are signed."""
    return hash_bytes(
        "vault-statement",
        chain_id + node + said.account + bytes([deal.deed]) + deal.blob + bytes([deal.purpose])
        + said.at_ms.to_bytes(8, "big") + said.nonce + deal.digest,
    )  # fmt: skip


def sign_statement(
    signer: Signer, account: bytes, where: tuple[bytes, bytes], deal: Deal, fresh: tuple[int, bytes]
) -> Statement:
    """Return a signed statement; `where` is (chain id, node's key), `fresh` (time ms, nonce)."""
    at_ms, nonce = fresh
    unsigned = Statement(account, signer.public_key, at_ms, nonce, b"")
    signature = signer.sign(statement_bytes(*where, deal, unsigned))
    return Statement(account, signer.public_key, at_ms, nonce, signature)


class Doorkeeper:
    """Lets each statement in once, and each account only so often. Time is an argument."""

    def __init__(self, chain_id: bytes, node: bytes, started_ms: int, per_minute: int) -> None:
        """What was signed before `started_ms` is refused: nobody remembers whether it was used."""
        self._where, self._started_ms = (chain_id, node), started_ms
        self._per_minute = per_minute
        self._used: OrderedDict[tuple[bytes, bytes], int] = OrderedDict()
        self._recent: OrderedDict[bytes, deque[int]] = OrderedDict()

    def verify(self, said: Statement, deal: Deal, state: State, now_ms: int) -> None:
        """Raise the refusal of a statement that is stale or not signed by its account."""
        if abs(now_ms - said.at_ms) > LIFE_MS or said.at_ms < self._started_ms:
            raise ExpiredError(now=now_ms, valid_until=said.at_ms + LIFE_MS)
        if not verify_signature(
            said.key, statement_bytes(*self._where, deal, said), said.signature
        ):
            raise BadSignatureError("the statement is not signed by this key for this deed here")
        if authorize_key(state, said.account, said.key, now_ms) is not None:
            raise KeyScopeError("only a key without bounds speaks for an account's details")

    def admit(self, said: Statement, now_ms: int) -> None:
        """Raise the refusal of a statement that was used before, or is one too many.

        Called for what is allowed otherwise: so strangers can not fill this memory.
        """
        self._forget(now_ms)
        if (said.key, said.nonce) in self._used:
            raise NonceUsedError(int.from_bytes(said.nonce, "big"))
        self._count(said.account, now_ms)
        self._used[said.key, said.nonce] = said.at_ms + LIFE_MS

    def _forget(self, now_ms: int) -> None:
        while self._used:
            oldest = next(iter(self._used))
            # They are in order of coming, not of their ends: those differ by two lives at most.
            if self._used[oldest] + LIFE_MS >= now_ms:
                break
            del self._used[oldest]
        if len(self._used) >= REMEMBERED_MAX:
            raise BusyError(LIFE_MS)

    def _count(self, account: bytes, now_ms: int) -> None:
        recent = self._recent.setdefault(account, deque())
        self._recent.move_to_end(account)
        while recent and recent[0] <= now_ms - MINUTE_MS:
            recent.popleft()
        if len(recent) >= self._per_minute:
            raise BusyError(recent[0] + MINUTE_MS - now_ms)
        recent.append(now_ms)
        if len(self._recent) > ACCOUNTS_MAX:
            self._recent.popitem(last=False)
