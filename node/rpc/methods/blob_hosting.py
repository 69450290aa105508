"""`blob_host`, `blob_missing`: a gateway keeps sealed details for shops that nobody can reach."""

from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema
from typing_extensions import TypedDict

from chain.errors import BadSignatureError, StoreError, WashError
from node.rpc.methods.tx_build import Signature
from node.rpc.methods.vault_params import BLOB_PREFIX, blob_text, parse_blob, vault_of
from node.rpc.params import HexBytes
from node.rpc.registry import Call, rpc_method
from node.vault.errors import (
    BusyError,
    GoneError,
    NoVaultError,
    RefusedBlobError,
    VaultFullError,
)

NAMES_MAX = 64


def parse_names(value: object) -> tuple[bytes, ...]:
    """Return names of blobs."""
    if not isinstance(value, list) or not 1 <= len(value) <= NAMES_MAX:
        raise ValueError(f"must be a list of 1 to {NAMES_MAX} names of blobs")
    return tuple(parse_blob(one) for one in value)


Names = Annotated[
    Any,  # a tuple of bytes
    PlainValidator(parse_names),
    WithJsonSchema(
        {
            "type": "array",
            "minItems": 1,
            "maxItems": NAMES_MAX,
            "description": "Names of blobs.",
            "items": {"type": "string", "pattern": f"^{BLOB_PREFIX}1[02-9ac-hj-np-z]{{58}}$"},
        }
    ),
]


class HostedJson(TypedDict):
    """A transaction that names this node as one who keeps some details; it is on its way."""

    tx_id: str


class MissingJson(TypedDict):
    """Which details this node is to keep and lacks."""

    missing: Annotated[list[str], Field(description="In the order of the question.")]


@rpc_method(
    errors=(
        NoVaultError, RefusedBlobError, BadSignatureError, GoneError, VaultFullError, BusyError,
        StoreError, WashError,
    )
)  # fmt: skip
def blob_host(call: Call, *, body: HexBytes, signature: Signature) -> HostedJson:
    """Sign, as one who will keep sealed details, and send what a shop has signed before.

    `body` is the shop's transaction: 1 to 8 calls of `consent.add_holder` that name this node's
    account (`sponsor` of `node_info`), which is its sponsor too. The shop wrote those details, and
    has room here. Once it is final, `blob_put` brings them.
    """
    vault = vault_of(call.node)
    return {"tx_id": vault.host(body, bytes.fromhex(signature)).hex()}


@rpc_method(errors=(NoVaultError, GoneError, StoreError))
def blob_missing(call: Call, *, blobs: Names) -> MissingJson:
    """Return which sealed details this node is to keep by the chain and does not have.

    So whoever brings many of them need not bring those that are here.
    """
    return {"missing": [blob_text(one) for one in vault_of(call.node).missing(blobs)]}
