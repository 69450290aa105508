"""`consent_*`: who may read what, the keys that go with a consent, the list of readings."""

from itertools import groupby
from operator import itemgetter
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chain import merkle
from chain.errors import WashError
from chain.types import DAY_MS
from node.rpc.cursor import decode_place, encode_cursor
from node.rpc.forms.shapes import account_text
from node.rpc.methods.blob import ASKING
from node.rpc.methods.vault_params import (
    BASES,
    PURPOSES,
    Auth,
    BlobId,
    ConsentId,
    Keys,
    PurposeName,
    blob_text,
    consent_text,
    vault_of,
)
from node.rpc.params import AccountId, Cursor, Limit
from node.rpc.registry import Call, rpc_method
from node.vault.errors import GoneError, NoConsentError, PurposeError, RefusedBlobError
from node.vault.on_chain import ConsentContract
from node.vault.service import Vault
from node.vault.store import Line

_NUMBER_STOP = 2**32 - 1
_REASONS = {GoneError.code: "gone", PurposeError.code: "purpose", NoConsentError.code: "no_consent"}


class MayReadJson(TypedDict):
    """Whether somebody may read some details now; `basis` says why, `reason` why not."""

    allowed: bool
    basis: Annotated[str | None, Field(description="own, author, blob or kind; null if not.")]
    reason: Annotated[str | None, Field(description="gone, purpose or no_consent; null if so.")]


class KeysKeptJson(TypedDict):
    """Wrapped keys that are kept from now on."""

    consent: str
    kept: Annotated[int, Field(description="Those whose blobs are kept here.")]


class LineProofJson(TypedDict):
    """A way from a line to the root of its day (RFC 6962)."""

    index: Annotated[int, Field(description="The line's number in its day.")]
    size: Annotated[int, Field(description="How many lines the day has.")]
    path: list[str]
    root: str


class AccessJson(TypedDict):
    """One reading that this node served."""

    time: int
    day: Annotated[int, Field(description="Days since 1970, UTC.")]
    blob: str
    reader: str
    purpose: str
    basis: Annotated[str, Field(description="Why: own, author, blob or kind.")]
    leaf: Annotated[str, Field(description="The line as hex, whose hash is in the tree.")]
    proof: LineProofJson
    on_chain: Annotated[
        bool | None,
        Field(description="Whether the chain has this root; null while it has none of that day."),
    ]


class AccessPage(TypedDict):
    """Readings, the newest first."""

    items: list[AccessJson]
    next_cursor: str | None


@rpc_method(read=True)
def consent_check(
    call: Call, *, reader: AccountId, blob: BlobId, purpose: PurposeName
) -> MayReadJson:
    """Return whether an account may read some details for a purpose now, by the chain alone."""
    try:
        basis = ConsentContract(call.node).check_read(reader, blob, purpose)
    except WashError as error:
        if error.code not in _REASONS:
            raise
        return {"allowed": False, "basis": None, "reason": _REASONS[error.code]}
    return {"allowed": True, "basis": BASES[basis], "reason": None}


@rpc_method(name="consent_putKeys", errors=(*ASKING, NoConsentError, RefusedBlobError))
def consent_put_keys(call: Call, *, consent: ConsentId, keys: Keys, auth: Auth) -> KeysKeptJson:
    """Keep the wrapped keys of a consent, whose hash the chain has; who gave it brings them.

    The statement is for deed 4, and names the consent in place of a blob.
    """
    kept = vault_of(call.node).put_keys(auth, consent, keys)
    return {"consent": consent_text(consent), "kept": kept}


@rpc_method(name="consent_accessLog", errors=ASKING)
def consent_access_log(
    call: Call, *, auth: Auth, cursor: Cursor | None = None, limit: Limit = 50
) -> AccessPage:
    """Return which details of the signer this node gave out: to whom, when, what for.

    Each line comes with its proof. The chain has the root of a day once it is over. The statement
    is for deed 5; a further page needs a new one.
    """
    vault = vault_of(call.node)
    whose = ("consent_accessLog", auth.account)
    before = decode_place(cursor, whose, (call.node.clock.now_ms() // DAY_MS, _NUMBER_STOP))
    found = vault.lines(auth, before, limit + 1)
    shown = found[:limit]
    following = encode_cursor(whose, shown[-1][:2]) if len(found) > limit else None
    items: list[AccessJson] = []
    for day, lines in groupby(shown, key=itemgetter(0)):
        items += _lines_json(vault, day, [(number, line) for _, number, line in lines])
    return {"items": items, "next_cursor": following}


def _lines_json(vault: Vault, day: int, lines: list[tuple[int, Line]]) -> list[AccessJson]:
    """Return lines of one day, whose tree is made once for all of them."""
    leaves = vault.store.leaves(day)
    paths = merkle.inclusion_paths(leaves, [number for number, _ in lines])
    root, logged = merkle.root(leaves), vault.contract.logged(vault.holder, day)
    return [
        {
            "time": line.at_ms,
            "day": day,
            "blob": blob_text(line.blob),
            "reader": account_text(line.reader),
            "purpose": PURPOSES[line.purpose - 1],
            "basis": BASES[line.basis],
            "leaf": line.leaf().hex(),
            "proof": {
                "index": number,
                "size": len(leaves),
                "path": [one.hex() for one in path],
                "root": root.hex(),
            },
            "on_chain": None if logged is None else logged == root,
        }
        for (number, line), path in zip(lines, paths, strict=True)
    ]
