"""The vault of a running node: keeps sealed details, and gives them out while the chain allows it.

Every deed is checked against the state at the head, which is final: a consent that was taken back
in the newest block opens nothing any more. A node that knows it is behind gives nothing out.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Any

from chain.crypto import Signer, hash_bytes
from chain.errors import BadSignatureError, WashError
from node.keys.acting import account_of
from node.live.hearing import BEHIND_MAX, hears_nobody, heights_behind
from node.vault.errors import GoneError, NoVaultError, RefusedBlobError
from node.vault.hosting import Hosting
from node.vault.on_chain import GIVEN, HOLDS, KEPT, ConsentContract, Entry
from node.vault.sealing import WRAPPED_BYTES, Wrapped, blob_name, keys_hash
from node.vault.statements import Deal, Deed, Doorkeeper, Statement
from node.vault.store import Line, Receipt, VaultStore

SALT_BYTES = 16
KEYS_MAX = 64  # in one request


class BehindError(WashError):
    """A node that lacks blocks: it can not know which consents were taken back."""

    code = -32001
    retry = "later"

    def __init__(self) -> None:
        super().__init__("this node is behind the chain and gives nothing out; ask another one")


def receipt_bytes(chain_id: bytes, blob: bytes, owner: bytes, at_ms: int) -> bytes:
    """Return what a holder signs when it has destroyed a blob."""
    return hash_bytes("vault-erased", chain_id + blob + owner + at_ms.to_bytes(8, "big"))


class Vault:
    """Keeps blobs for the account of `signer`, the shop's or gateway's key on this node."""

    def __init__(
        self, node: Any, signer: Signer, store: VaultStore, requests_per_minute: int
    ) -> None:
        self.node, self.signer, self.store = node, signer, store
        self.chance = secrets.token_bytes  # salts of the list of readings
        self.hosting: Hosting | None = None  # where it keeps blobs for other shops as well
        self.on_kept: list[Callable[[bytes], None]] = []  # told of what came
        self.contract = ConsentContract(node)
        self._door = Doorkeeper(
            node.ledger.chain_id, node.validator_key, node.clock.now_ms(), requests_per_minute
        )

    @property
    def holder(self) -> bytes:
        """The account that the chain names as keeping what is here."""
        return account_of(self.signer)

    def put(self, said: Statement, name: bytes, blob: bytes, keys: Sequence[Wrapped]) -> Entry:
        """Keep a blob that the chain has on record with this node's account as a holder.

        Its author or owner brings it. Raises GoneError, RefusedBlobError, VaultFullError.
        """
        self._verify(said, Deal(Deed.PUT, name, digest=keys_hash(keys)))
        entry = self.contract.entry(name)
        if said.account not in {entry.owner, entry.author}:
            raise BadSignatureError("only who the blob is about, or who wrote it, brings it")
        if entry.state != KEPT:
            raise GoneError
        if self.contract.holding(name, self.holder) != HOLDS:
            raise RefusedBlobError("the chain does not name this node as keeping this blob")
        if blob_name(entry.owner, blob) != name or len(blob) != entry.size:
            raise RefusedBlobError("these are not the bytes that the chain has on record")
        check_keys(name, keys)
        if keys_hash(keys) != entry.keys:
            raise RefusedBlobError("these are not the wrapped keys that the chain has on record")
        self._admit(said)
        is_hosted = self.hosting is not None and entry.author != self.holder
        self.keep(name, entry.owner, blob, keys, entry.author if is_hosted else None)
        return entry

    def keep(
        self,
        name: bytes,
        owner: bytes,
        blob: bytes,
        keys: Sequence[Wrapped],
        author: bytes | None = None,
    ) -> None:
        """Keep a blob that was checked; `author` is another shop, within whose room it is kept.

        Raises GoneError, VaultFullError.
        """
        if author is not None and self.hosting is not None and not self.store.has(name):
            self.hosting.check_room(*self.store.kept_for(author), len(blob))
        self.store.put(name, owner, blob, keys, author)
        for tell in self.on_kept:
            tell(name)

    def host(self, body: bytes, signature: bytes) -> bytes:
        """Sign and send what names this node as one who keeps what a shop wrote; returns its id.

        Raises NoVaultError where it keeps nothing for shops, and what `Hosting.sign` does.
        """
        if self.hosting is None:
            raise NoVaultError
        return self.hosting.sign(body, signature, self.store.kept_for, self.store.has)

    def missing(self, names: Sequence[bytes]) -> list[bytes]:
        """Return those that this node is to keep by the chain and does not have."""
        return [
            name
            for name in names
            if self.contract.holding(name, self.holder) == HOLDS
            and self.contract.entry(name).state == KEPT
            and not self.store.has(name)
        ]

    def put_keys(self, said: Statement, consent: bytes, keys: Sequence[Wrapped]) -> int:
        """Keep the wrapped keys that belong to a consent; returns how many were of blobs here.

        The owner brings them. Raises NoConsentError, RefusedBlobError.
        """
        self._verify(said, Deal(Deed.PUT_KEYS, consent, digest=keys_hash(keys)))
        given = self.contract.consent(consent)
        if said.account != given.owner:
            raise BadSignatureError("only who gave the consent brings its keys")
        _check_lengths(keys)
        is_known = given.state == GIVEN and keys_hash(keys) == given.keys
        if not is_known or {one.account for one in keys} - {given.reader}:
            raise RefusedBlobError("these are not the wrapped keys of this consent")
        for name in sorted({one.blob for one in keys}):
            if self.contract.entry(name).owner != given.owner:
                raise RefusedBlobError("a key of somebody else's blob is among the wrapped ones")
        self._admit(said)
        return self.store.put_keys(keys)

    def read(
        self, said: Statement, name: bytes, purpose: int
    ) -> tuple[bytes, bytes | None, int, Entry]:
        """Return a blob, its key as wrapped for the reader, why it may be read, and its entry.

        The reading is in the list before the bytes are out. Raises NoConsentError, PurposeError,
        GoneError, BehindError.
        """
        if self._is_behind():
            raise BehindError
        self._verify(said, Deal(Deed.READ, name, purpose))
        basis = self.contract.check_read(said.account, name, purpose)
        blob = self.store.blob(name)
        if blob is None:
            raise GoneError("these details are not kept by this node")
        entry = self.contract.entry(name)
        self._admit(said)
        salt = self.chance(SALT_BYTES)
        now = self.node.clock.now_ms()
        line = Line(now, name, entry.owner, said.account, purpose, basis, salt)
        self.store.note(line)
        return blob, self.store.wrapped(name, said.account), basis, entry

    def erase(self, said: Statement, name: bytes) -> Receipt:
        """Destroy a blob and its keys because its owner says so; returns the signed receipt.

        Done again it gives the same receipt. Raises GoneError for what was never here.
        """
        self._verify(said, Deal(Deed.ERASE, name))
        done = self.store.receipt(name)
        owner = self.contract.entry(name).owner if done is None else done.owner
        if said.account != owner:
            raise BadSignatureError("only who the details are about has them erased")
        self._admit(said)
        return done or self.destroy(name, owner)

    def destroy(self, name: bytes, owner: bytes) -> Receipt:
        """Destroy a blob, whether or not it ever came here; returns the signed receipt."""
        at_ms = self.node.clock.now_ms()
        signature = self.signer.sign(receipt_bytes(self.node.ledger.chain_id, name, owner, at_ms))
        receipt = Receipt(name, owner, at_ms, signature)
        self.store.erase(receipt)
        return receipt

    def lines(
        self, said: Statement, before: tuple[int, int], limit: int
    ) -> list[tuple[int, int, Line]]:
        """Return (day, number, line) of readings of the signer's own details, the newest first."""
        self._verify(said, Deal(Deed.LOG))
        self._admit(said)
        found: list[tuple[int, int, Line]] = []
        leaves: dict[int, list[bytes]] = {}
        for day, number in self.store.lines_of(said.account, before):
            if day not in leaves:
                leaves[day] = self.store.leaves(day)
            found.append((day, number, Line.read(leaves[day][number])))
            if len(found) == limit:
                break
        return found

    def _is_behind(self) -> bool:
        node = self.node
        is_old = node.chunks is not None or heights_behind(node.driver.engine) > BEHIND_MAX
        return is_old or hears_nobody(node)

    def _verify(self, said: Statement, deal: Deal) -> None:
        self._door.verify(said, deal, self.node.state(), self.node.clock.now_ms())

    def _admit(self, said: Statement) -> None:
        self._door.admit(said, self.node.clock.now_ms())


def check_keys(name: bytes, keys: Sequence[Wrapped]) -> None:
    """Raise RefusedBlobError unless wrapped keys are of one blob and of the right form."""
    if {one.blob for one in keys} - {name}:
        raise RefusedBlobError("a key of another blob is among the wrapped ones")
    _check_lengths(keys)


def _check_lengths(keys: Sequence[Wrapped]) -> None:
    if len(keys) > KEYS_MAX or any(len(one.sealed) != WRAPPED_BYTES for one in keys):
        raise RefusedBlobError(f"wrapped keys have {WRAPPED_BYTES} bytes, at most {KEYS_MAX} come")
