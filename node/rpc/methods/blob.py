"""`blob_*`: sealed details of customers, kept and given out under their consent."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import (
    BadSignatureError,
    ExpiredError,
    KeyScopeError,
    NonceUsedError,
    StoreError,
    WashError,
)
from chain.ids import encode_id
from node.rpc.forms.shapes import account_text
from node.rpc.methods.vault_params import (
    BASES,
    Auth,
    BlobId,
    Content,
    ErasedJson,
    Keys,
    PurposeName,
    blob_text,
    vault_of,
)
from node.rpc.registry import Call, rpc_method
from node.vault.errors import (
    BusyError,
    GoneError,
    NoConsentError,
    NoVaultError,
    PurposeError,
    RefusedBlobError,
    VaultFullError,
)
from node.vault.service import BehindError

ASKING: tuple[type[WashError], ...] = (
    NoVaultError, ExpiredError, BadSignatureError, KeyScopeError, NonceUsedError, BusyError,
    GoneError, StoreError,
)  # fmt: skip


class KeptJson(TypedDict):
    """A blob that is kept from now on."""

    blob: str
    owner: str
    size_bytes: int
    keys: Annotated[int, Field(description="For how many accounts its key is wrapped.")]


class BlobJson(TypedDict):
    """A blob, as it is sealed."""

    blob: str
    owner: str
    author: str
    kind: Annotated[int, Field(description="The contract's number of its kind.")]
    epoch: Annotated[int, Field(description="Which of the owner's keys it is under.")]
    basis: Annotated[str, Field(description="Why it may be read: own, author, blob or kind.")]
    content: Annotated[str, Field(description="The sealed bytes as hex.")]
    key: Annotated[str | None, Field(description="Its key, wrapped for the reader; null: none.")]


@rpc_method(errors=(*ASKING, RefusedBlobError, VaultFullError))
def blob_put(call: Call, *, blob: BlobId, content: Content, keys: Keys, auth: Auth) -> KeptJson:
    """Keep sealed details that the chain has on record; their author or owner brings them.

    Bytes, length and wrapped keys must be those on record, and this node's account (`sponsor` of
    `node_info`) one of those that keep them. The statement is for deed 1.
    """
    entry = vault_of(call.node).put(auth, blob, content, keys)
    return {
        "blob": blob_text(blob),
        "owner": account_text(entry.owner),
        "size_bytes": len(content),
        "keys": len(keys),
    }


@rpc_method(errors=(*ASKING, NoConsentError, PurposeError, BehindError))
def blob_get(call: Call, *, blob: BlobId, purpose: PurposeName, auth: Auth) -> BlobJson:
    """Return sealed details, if the chain allows it to whoever signed, for this purpose, now.

    The reading is on the owner's list before the details go out. The statement is for deed 2.
    """
    content, wrapped, basis, entry = vault_of(call.node).read(auth, blob, purpose)
    return {
        "blob": blob_text(blob),
        "owner": account_text(entry.owner),
        "author": account_text(entry.author),
        "kind": entry.kind,
        "epoch": entry.epoch,
        "basis": BASES[basis],
        "content": content.hex(),
        "key": None if wrapped is None else wrapped.hex(),
    }


@rpc_method(errors=ASKING)
def blob_erase(call: Call, *, blob: BlobId, auth: Auth) -> ErasedJson:
    """Destroy sealed details and their wrapped keys here, for good; their owner asks.

    To have them destroyed everywhere, call `erase` of the consent contract: then every node that
    keeps them does so by itself. The statement is for deed 3.
    """
    vault = vault_of(call.node)
    receipt = vault.erase(auth, blob)
    return {
        "blob": blob_text(blob),
        "owner": account_text(receipt.owner),
        "erased_at": receipt.at_ms,
        "holder": encode_id("acct", vault.holder),
        "signature": receipt.signature.hex(),
    }
