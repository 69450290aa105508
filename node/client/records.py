"""Sealed details: made, kept on nodes, read under consent, taken back, erased.

    records = Records(wash, key)
    blob = await records.keep({"plate": "..."}, owner="acct1...", kind="VEHICLE")
    consent = await records.grant("acct1...", "CLAIM", until=..., blobs=[blob])
    found = await records.read(blob, "CLAIM")

Sealing and opening happen here; nodes only ever see sealed bytes and wrapped keys. Keys are wrapped
for the first key of an account that has no bounds: that is the one its owner has on paper.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chain.crypto import KEY_BYTES, sha256
from chain.ids import decode_id, encode_id
from node.client.accounts import AccountLike, KeyLike, read_account, read_identity, show_account
from node.client.api import AsyncWash
from node.client.book import read_data
from node.client.errors import BadAnswer, InvalidParams, NotFound
from node.client.results import Final, Json
from node.vault.sealing import (
    Place,
    Wrapped,
    blob_name,
    fresh_key,
    fresh_nonce,
    keys_hash,
    open_blob,
    seal_content,
    seal_details,
    unwrap_key,
    wrap_key,
)
from node.vault.statements import NONCE_BYTES, Deal, Deed, sign_statement

KINDS = ("CONTACT", "VEHICLE", "PHOTOS", "NOTES", "FEEDBACK", "PREFERENCES")
PURPOSES = ("SERVICE", "HISTORY", "CLAIM", "OFFERS", "HANDOVER")
ANY_BLOB = bytes(32)
_ID_BYTES = 32


@dataclass(frozen=True, slots=True)
class RecordKey:
    """The key of a record, and the owner's epoch that it is good for."""

    epoch: int
    secret: bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """Details as they leave: the blob with its name, and its key wrapped for its readers."""

    name: str
    owner: bytes
    kind: str
    epoch: int
    blob: bytes
    keys: tuple[Wrapped, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """Details that were read: a dict, or bytes as of a photo; `basis` says why it was allowed."""

    content: dict[str, Any] | bytes
    owner: str
    author: str
    kind: str
    basis: str


class Records:
    """Somebody's dealings with sealed details, through the node of `wash`.

    `key` opens and signs, for `account` (by default the one that the key made).
    """

    def __init__(self, wash: AsyncWash, key: KeyLike, account: AccountLike | None = None) -> None:
        self._wash, self._identity = wash, read_identity(key, account)
        self._where: tuple[bytes, bytes] | None = None

    # Writing ------------------------------------------------------------------------------------

    async def record_key(self, owner: AccountLike, before: RecordKey | None = None) -> RecordKey:
        """Return the key for the next blob of a record: the one before, while nobody was shut out.

        Once the owner has taken a consent back, it is a new one, which the blob's readers of today
        get wrapped and nobody else.
        """
        epoch = await self._wash.read("consent.epoch", owner=show_account(owner))
        if before is not None and before.epoch == epoch:
            return before
        return RecordKey(int(epoch), fresh_key())

    async def keep(
        self,
        content: dict[str, Any] | bytes,
        *,
        owner: AccountLike,
        kind: str,
        key: RecordKey | None = None,
        **sending: Any,
    ) -> str:
        """Seal details, put them on record and give them to the node; returns the blob's name.

        `sending` is for `wash.call`, as `sponsor`.
        """
        sealed = await self.seal(content, owner=owner, kind=kind, key=key)
        await self.enter(sealed, **sending)
        await self.bring(sealed)
        return sealed.name

    async def seal(
        self,
        content: dict[str, Any] | bytes,
        *,
        owner: AccountLike,
        kind: str,
        key: RecordKey | None = None,
    ) -> Sealed:
        """Seal details here; nobody is told yet.

        The key is wrapped for the owner, for who writes, and for all who may read the kind now.
        """
        whose, number = read_account(owner), _number(KINDS, kind, "kind")
        used = await self.record_key(whose) if key is None else key
        blob = _seal(content, Place(whose, number, used.epoch), used.secret)
        name = blob_name(whose, blob)
        listed = await self._wash.read("consent.readers", owner=show_account(whose), kind=kind)
        accounts = {whose, self._identity.account, *_split(bytes.fromhex(listed))}
        keys = [await self._wrap(name, one, used.secret) for one in sorted(accounts)]
        return Sealed(encode_id("blb", name), whose, kind, used.epoch, blob, tuple(keys))

    async def enter(self, sealed: Sealed, **sending: Any) -> Final:
        """Put sealed details on record, with this node as the first that keeps them.

        Its account signs too: either it is the one that writes, or `sponsor="node_attests"`.
        """
        info = await self._info()
        return await self._call(
            "register",
            sending,
            owner=show_account(sealed.owner),
            content=sha256(sealed.blob).hex(),
            size=len(sealed.blob),
            kind=sealed.kind,
            epoch=sealed.epoch,
            keys=keys_hash(sealed.keys).hex(),
            holder=info["sponsor"],
        )

    async def bring(self, sealed: Sealed) -> None:
        """Give sealed details that are on record to this node, which must be named as a holder."""
        deal = Deal(Deed.PUT, decode_id(sealed.name, "blb"), digest=keys_hash(sealed.keys))
        await self._wash.rpc(
            "blob_put",
            blob=sealed.name,
            content=sealed.blob.hex(),
            keys=_show_keys(sealed.keys),
            auth=await self._sign(deal),
        )

    async def add_holder(self, blob: str, holder: AccountLike, **sending: Any) -> Final:
        """Name one more account whose node keeps a blob; it signs too, as `sponsor`."""
        return await self._call("add_holder", sending, blob=blob, holder=show_account(holder))

    # Asking and giving --------------------------------------------------------------------------

    async def ask(
        self,
        owner: AccountLike,
        purpose: str,
        *,
        until: int,
        blob: str | None = None,
        kinds: Iterable[str] = (),
        **sending: Any,
    ) -> str:
        """Ask an owner for one blob or for kinds; returns the number of the consent to be."""
        final = await self._call(
            "request",
            sending,
            owner=show_account(owner),
            scope=encode_id("blb", ANY_BLOB) if blob is None else blob,
            kinds=_mask(kinds),
            purpose=purpose,
            until=until,
        )
        return str(final.event("consent.Asked")["id"])

    async def grant(
        self,
        reader: AccountLike,
        purpose: str,
        *,
        until: int,
        begins: int = 0,
        blobs: Sequence[str] = (),
        kinds: Sequence[str] = (),
        **sending: Any,
    ) -> str:
        """Let somebody read; returns the consent's number.

        Either one of `blobs` alone, or all of `kinds`, later ones included: then `blobs` are those
        of today that the reader gets the keys of. Their keys are fetched and wrapped anew here.
        """
        if not kinds and len(blobs) != 1:
            text = "a consent is for one blob, or for kinds"
            raise InvalidParams(text, data={"field": "blobs"})
        secrets_of = {name: await self._secret(name) for name in blobs}
        whom = read_account(reader)
        keys = [
            await self._wrap(decode_id(name, "blb"), whom, secret)
            for name, secret in secrets_of.items()
        ]
        final = await self._call(
            "grant",
            sending,
            reader=show_account(whom),
            scope=encode_id("blb", ANY_BLOB) if kinds else blobs[0],
            kinds=_mask(kinds),
            purpose=purpose,
            begins=begins,
            until=until,
            keys=keys_hash(keys).hex(),
        )
        consent = str(final.event("consent.Given")["id"])
        if keys:
            deal = Deal(Deed.PUT_KEYS, decode_id(consent, "cns"), digest=keys_hash(keys))
            await self._wash.rpc(
                "consent_putKeys",
                consent=consent,
                keys=_show_keys(keys),
                auth=await self._sign(deal),
            )
        return consent

    async def decline(self, consent: str, **sending: Any) -> Final:
        """Say no to a question."""
        return await self._call("decline", sending, id=consent)

    async def revoke(self, consent: str, **sending: Any) -> Final:
        """Take a consent back; what was read already can not be unread."""
        return await self._call("revoke", sending, id=consent)

    async def revoke_all(self, **sending: Any) -> Final:
        """Take all consents back, as after the loss of a phone."""
        return await self._call("revoke_all", sending)

    # Reading and erasing ------------------------------------------------------------------------

    async def read(self, blob: str, purpose: str) -> Opened:
        """Return details as they were written. Raises Refused, with the reason, if not allowed."""
        answer = await self._get(blob, purpose)
        if answer["key"] is None:
            raise NotFound(f"the key of {blob} is not wrapped for this account")
        key = unwrap_key(bytes.fromhex(answer["key"]), self._identity.signer)
        sealed, place = _place_of(blob, answer)
        return Opened(
            open_blob(sealed, place, key=key),
            answer["owner"],
            answer["author"],
            KINDS[answer["kind"] - 1],
            answer["basis"],
        )

    async def may_read(self, reader: AccountLike, blob: str, purpose: str) -> Json:
        """Return whether somebody may read some details now, and why or why not."""
        answer = await self._wash.rpc(
            "consent_check", reader=show_account(reader), blob=blob, purpose=purpose
        )
        found: Json = read_data(answer)
        return found

    async def erase(self, blob: str, **sending: Any) -> Json:
        """Have details destroyed: on record for all who keep them, and at once on this node.

        Returns this node's signed receipt.
        """
        await self._call("erase", sending, blob=blob)
        deal = Deal(Deed.ERASE, decode_id(blob, "blb"))
        receipt: Json = await self._wash.rpc("blob_erase", blob=blob, auth=await self._sign(deal))
        return receipt

    async def access_log(self, cursor: str | None = None, limit: int = 50) -> Json:
        """Return who was given details of one's own by this node, the newest first."""
        auth = await self._sign(Deal(Deed.LOG))
        page: Json = await self._wash.rpc(
            "consent_accessLog", auth=auth, cursor=cursor, limit=limit
        )
        return page

    # Helpers ------------------------------------------------------------------------------------

    async def _call(self, function: str, sending: dict[str, Any], **arguments: Any) -> Final:
        signer, account = self._identity.signer, self._identity.account
        name = f"consent.{function}"
        return await self._wash.call(name, arguments, key=signer, account=account, **sending)

    async def _info(self) -> Json:
        info: Json = read_data(await self._wash.rpc("node_info"))
        if info.get("sponsor") is None:
            raise NotFound("this node keeps no details: it has no shop's key")
        return info

    async def _sign(self, deal: Deal) -> Json:
        """Return a statement for one deed on this node."""
        if self._where is None:
            info = await self._info()
            self._where = bytes.fromhex(info["chain_id"]), bytes.fromhex(info["validator_key"])
        health: Json = await self._wash.rpc("node_health")
        fresh = int(health["time_ms"]), secrets.token_bytes(NONCE_BYTES)
        identity = self._identity
        said = sign_statement(identity.signer, identity.account, self._where, deal, fresh)
        return {
            "account": show_account(said.account),
            "key": said.key.hex(),
            "at": said.at_ms,
            "nonce": said.nonce.hex(),
            "signature": said.signature.hex(),
        }

    async def _get(self, blob: str, purpose: str) -> Json:
        number = _number(PURPOSES, purpose, "purpose")
        auth = await self._sign(Deal(Deed.READ, decode_id(blob, "blb"), number))
        answer: Json = await self._wash.rpc("blob_get", blob=blob, purpose=purpose, auth=auth)
        return answer

    async def _secret(self, blob: str) -> bytes:
        """Return the key of a blob of one's own, checked against the blob."""
        answer = await self._get(blob, "SERVICE")
        if answer["key"] is None:
            raise NotFound(f"the key of {blob} is not wrapped for this account")
        key = unwrap_key(bytes.fromhex(answer["key"]), self._identity.signer)
        sealed, place = _place_of(blob, answer)
        open_blob(sealed, place, key=key)
        return key

    async def _wrap(self, blob: bytes, account: bytes, secret: bytes) -> Wrapped:
        public = await self._box_key(account)
        sealed = wrap_key(secret, public, ephemeral=secrets.token_bytes(KEY_BYTES))
        return Wrapped(blob, account, sealed)

    async def _box_key(self, account: bytes) -> bytes:
        """Return the first key of an account that has no bounds."""
        for one in (await self._wash.account(account))["keys"]:
            if one["scopes"] is None and not one["limits"] and one["expires_at"] is None:
                return bytes.fromhex(one["key"])
        raise NotFound(f"{show_account(account)} has no key without bounds to wrap for")


def _seal(content: dict[str, Any] | bytes, place: Place, secret: bytes) -> bytes:
    nonce = fresh_nonce()
    if isinstance(content, bytes):
        return seal_content(content, place, key=secret, nonce=nonce)
    return seal_details(content, place, key=secret, nonce=nonce)


def _number(names: Sequence[str], name: str, field: str) -> int:
    if name not in names:
        raise InvalidParams(f"{field}: one of {', '.join(names)}", data={"field": field})
    return names.index(name) + 1


def _mask(kinds: Iterable[str]) -> int:
    return sum(1 << _number(KINDS, kind, "kinds") - 1 for kind in sorted(set(kinds)))


def _split(listed: bytes) -> list[bytes]:
    return [listed[at : at + _ID_BYTES] for at in range(0, len(listed), _ID_BYTES)]


def _show_keys(keys: Iterable[Wrapped]) -> list[Json]:
    return [
        {
            "blob": encode_id("blb", one.blob),
            "account": show_account(one.account),
            "sealed": one.sealed.hex(),
        }
        for one in keys
    ]


def _place_of(blob: str, answer: Json) -> tuple[bytes, Place]:
    """Return the sealed bytes of an answer and what they are of; they must be those of the name."""
    sealed, owner = bytes.fromhex(answer["content"]), read_account(answer["owner"])
    if blob_name(owner, sealed) != decode_id(blob, "blb"):
        raise BadAnswer(f"the node gave other bytes than {blob}")
    return sealed, Place(owner, answer["kind"], answer["epoch"])
