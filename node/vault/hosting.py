"""A gateway that keeps sealed details for shops whose own nodes nobody can reach.

To be named as one who keeps something is a duty with a public deadline, so the gateway signs it
itself: for shops of its chain, for what they wrote, while it has room, so often a day.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chain.codec import decode, encode
from chain.crypto import SIGNATURE_BYTES, Signer, verify_signature
from chain.errors import BadSignatureError, WashError
from chain.governance import contract_by_name
from chain.transaction import (
    Call,
    Cosignature,
    SignedTransaction,
    Transaction,
    read_transaction,
    signing_bytes,
    sponsor_bytes,
)
from chain.types import DAY_MS, HOUR_MS
from node.keys.acting import account_of
from node.live.views import look
from node.live.visitors import Visitors
from node.vault.errors import BusyError, RefusedBlobError, VaultFullError
from node.vault.on_chain import KEPT, ConsentContract, Entry

ADD_HOLDER = "add_holder"
TOGETHER_MAX = 8  # blobs in one transaction
GAS_EACH = 25_000
PER_SHOP = 100  # transactions a day
IN_ALL = 400  # a day: with those for visitors within what the chain lets a sponsor co-sign
SHOPS = "shops"


class Hosting:
    """What a gateway keeps for other shops: how much, and that it says so on the chain."""

    def __init__(self, node: Any, signer: Signer, bytes_max: int, blobs_max: int) -> None:
        """`bytes_max` and `blobs_max` are the room of each shop."""
        self._node, self._signer = node, signer
        self._contract = ConsentContract(node)
        self._bytes_max, self._blobs_max = bytes_max, blobs_max
        self._given = Visitors(PER_SHOP, IN_ALL)
        # Of each shop: what was signed for, with its size and when. So many a day bound it.
        self._promised: dict[bytes, dict[bytes, tuple[int, int]]] = {}

    def promised(self, shop: bytes, now: int, has: Callable[[bytes], bool]) -> tuple[int, int]:
        """Return bytes and number of what was signed for within a day and was not brought yet."""
        left = {
            name: (size, at_ms)
            for name, (size, at_ms) in self._promised.pop(shop, {}).items()
            if now - at_ms < DAY_MS and not has(name)
        }
        if left:
            self._promised[shop] = left
        return sum(size for size, _at in left.values()), len(left)

    def check_room(self, used: int, count: int, length: int, more: int = 1) -> None:
        """Raise VaultFullError if a shop that has so much here can not have so much more."""
        if count + more > self._blobs_max:
            raise VaultFullError("one shop", self._blobs_max, "of them")
        if used + length > self._bytes_max:
            raise VaultFullError("one shop", self._bytes_max)

    def sign(
        self,
        body: bytes,
        signature: bytes,
        kept_for: Callable[[bytes], tuple[int, int]],
        has: Callable[[bytes], bool],
    ) -> bytes:
        """Sign and send what names this node as one who keeps what a shop wrote.

        `body` is the shop's transaction, unsigned, `signature` the shop's of it; `kept_for` tells
        bytes and number of what a shop has here, `has` whether something is here. Returns the
        transaction's id. Raises RefusedBlobError, BadSignatureError, VaultFullError, BusyError, and
        what the chain refuses.
        """
        asked = decode(Transaction, body)
        names = self._names(asked)
        if not verify_signature(asked.key or asked.account, signing_bytes(asked), signature):
            raise BadSignatureError("this is not signed by who is said to send it")
        now = self._node.block_time()
        if not self._given.may_take(asked.account, now):
            raise BusyError(HOUR_MS)
        entries = [self._entry(name, asked.account) for name in names]
        sizes = {name: one.size for name, one in zip(names, entries, strict=True)}
        used, count = kept_for(asked.account)
        coming, more = self.promised(asked.account, now, has)
        self.check_room(used + coming, count + more, sum(sizes.values()), len(entries))
        cosignature = Cosignature(self._signer.public_key, bytes(SIGNATURE_BYTES))
        signed = SignedTransaction(asked, signature, cosignature)
        self._try(signed)
        cosignature = replace(cosignature, signature=self._signer.sign(sponsor_bytes(asked)))
        self._given.take(asked.account, now)
        promised = self._promised.setdefault(asked.account, {})
        promised |= {name: (size, now) for name, size in sizes.items()}
        taken = self._node.submit(encode(replace(signed, cosignature=cosignature)))
        tx_id: bytes = taken.tx_id
        return tx_id

    def _names(self, asked: Transaction) -> list[bytes]:
        """Return the blobs that a transaction names this node for, and does nothing else."""
        place, here = self._contract.place(), account_of(self._signer)
        names = [
            one.arguments[0]
            for one in asked.actions
            if isinstance(one, Call)
            and (one.contract, one.function, one.funds) == (place, ADD_HOLDER, 0)
            and one.arguments[1:] == (here,)
        ]
        found = [name for name in names if isinstance(name, bytes)]
        is_short = 1 <= len(found) <= TOGETHER_MAX and asked.gas_limit <= GAS_EACH * len(found)
        if len(found) != len(asked.actions) or asked.sponsor != here or not is_short:
            text = (
                f"a gateway signs 1 to {TOGETHER_MAX} calls of consent.{ADD_HOLDER} that name it, "
                f"with it as sponsor and {GAS_EACH} of gas each, and nothing else"
            )
            raise RefusedBlobError(text)
        return found

    def _entry(self, name: bytes, shop: bytes) -> Entry:
        entry = self._contract.entry(name)
        if entry.author != shop or entry.state != KEPT:
            raise RefusedBlobError("a gateway keeps for a shop what that shop wrote")
        shops = contract_by_name(self._node.state(), SHOPS)
        if shops is None or look(self._node, shops, "shop", shop) is None:
            raise RefusedBlobError("a gateway keeps details for shops, and this account is none")
        return entry

    def _try(self, signed: SignedTransaction) -> None:
        """Raise what the chain would refuse: a failure costs the gateway's quota as well."""
        outcome = self._node.simulate(read_transaction(encode(signed)), signed=False)
        if outcome.error is not None:
            error: WashError = outcome.error
            raise error
        if not outcome.receipt.ok:
            raise RefusedBlobError("the consent contract would not take this now")
