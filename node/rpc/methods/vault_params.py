"""The parameters and results that `blob_*` and `consent_*` share."""

from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema
from typing_extensions import TypedDict

from chain.crypto import SIGNATURE_BYTES
from chain.errors import MalformedBytesError
from chain.ids import decode_id, encode_id
from node.rpc.params import INTEGER_MAX, parse_account, parse_hash
from node.vault.errors import NoVaultError
from node.vault.sealing import BLOB_BYTES_MAX, WRAPPED_BYTES, Wrapped
from node.vault.service import KEYS_MAX, Vault
from node.vault.statements import NONCE_BYTES, Statement

BLOB_PREFIX, CONSENT_PREFIX = "blb", "cns"
PURPOSES = ("SERVICE", "HISTORY", "CLAIM", "OFFERS", "HANDOVER")
BASES = {1: "own", 2: "author", 3: "blob", 4: "kind"}
_LETTERS = "[02-9ac-hj-np-z]{58}"


def _read_id(prefix: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError(f"must be an id {prefix}1...")  # noqa: TRY004 - pydantic's word for it
    try:
        return decode_id(value, prefix)
    except MalformedBytesError as fault:
        raise ValueError(f"{fault}; expected an id {prefix}1...") from None


def parse_blob(value: object) -> bytes:
    """Return the 32 bytes of a blob's name."""
    return _read_id(BLOB_PREFIX, value)


def parse_consent(value: object) -> bytes:
    """Return the 32 bytes of a consent's number."""
    return _read_id(CONSENT_PREFIX, value)


def _parse_bytes(value: object, length_max: int, *, exact: bool = False) -> bytes:
    if not isinstance(value, str) or len(value) > 2 * length_max:
        raise ValueError(f"must be hex digits of at most {length_max} bytes")
    try:
        data = bytes.fromhex(value)
    except ValueError:
        data = b""
    if data.hex() != value or (exact and len(data) != length_max):
        raise ValueError(f"must be lower-case hex digits, two a byte, {length_max} bytes")
    return data


def parse_content(value: object) -> bytes:
    """Return the sealed bytes of a blob."""
    return _parse_bytes(value, BLOB_BYTES_MAX)


def parse_purpose(value: object) -> int:
    """Return the contract's number of a purpose."""
    if value not in PURPOSES:
        raise ValueError(f"must be one of {', '.join(PURPOSES)}")
    return PURPOSES.index(value) + 1


def parse_auth(value: object) -> Statement:
    """Return a signed statement."""
    fields = {"account", "key", "at", "nonce", "signature"}
    if not isinstance(value, dict) or set(value) != fields:
        raise ValueError(f"must be an object with {', '.join(sorted(fields))}")
    at_ms = value["at"]
    if type(at_ms) is not int or not 0 <= at_ms <= INTEGER_MAX:
        raise ValueError("at must be a time in ms")
    return Statement(
        parse_account(value["account"]),
        parse_hash(value["key"]),
        at_ms,
        _parse_bytes(value["nonce"], NONCE_BYTES, exact=True),
        _parse_bytes(value["signature"], SIGNATURE_BYTES, exact=True),
    )


def parse_keys(value: object) -> tuple[Wrapped, ...]:
    """Return wrapped keys."""
    if not isinstance(value, list) or len(value) > KEYS_MAX:
        raise ValueError(f"must be a list of at most {KEYS_MAX} wrapped keys")
    found = []
    for one in value:
        if not isinstance(one, dict) or set(one) != {"blob", "account", "sealed"}:
            raise ValueError("each must be an object with account, blob, sealed")
        sealed = _parse_bytes(one["sealed"], WRAPPED_BYTES, exact=True)
        found.append(Wrapped(parse_blob(one["blob"]), parse_account(one["account"]), sealed))
    return tuple(found)


def _text(description: str, pattern: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "description": description, "pattern": pattern, **more}
    )


def _hex_schema(length: int) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^[0-9a-f]{{{2 * length}}}$"}


def _id_schema(prefix: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{prefix}1{_LETTERS}$"}


def _object(description: str, **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


BlobId = Annotated[
    bytes,
    PlainValidator(parse_blob),
    _text("The name of a blob (blb1...).", f"^{BLOB_PREFIX}1{_LETTERS}$"),
]
ConsentId = Annotated[
    bytes,
    PlainValidator(parse_consent),
    _text("The number of a consent (cns1...).", f"^{CONSENT_PREFIX}1{_LETTERS}$"),
]
Content = Annotated[
    bytes,
    PlainValidator(parse_content),
    _text("The sealed bytes as hex.", "^([0-9a-f]{2})*$", maxLength=2 * BLOB_BYTES_MAX),
]
PurposeName = Annotated[
    int,
    PlainValidator(parse_purpose),
    WithJsonSchema({"enum": list(PURPOSES), "description": "What the details are read for."}),
]
Auth = Annotated[
    Any,  # a Statement; its class would get a schema of its own
    PlainValidator(parse_auth),
    WithJsonSchema(
        _object(
            "Who asks, signed within the last two minutes for this call on this node alone.",
            account=_id_schema("acct"),
            key=_hex_schema(32),
            at={"type": "integer", "minimum": 0, "maximum": INTEGER_MAX},
            nonce=_hex_schema(NONCE_BYTES),
            signature=_hex_schema(SIGNATURE_BYTES),
        )
    ),
]
Keys = Annotated[
    Any,  # Wrapped ones
    PlainValidator(parse_keys),
    WithJsonSchema(
        {
            "type": "array",
            "maxItems": KEYS_MAX,
            "description": "The blob's key, wrapped for each account that may open it.",
            "items": _object(
                "One wrapped key.",
                blob=_id_schema(BLOB_PREFIX),
                account=_id_schema("acct"),
                sealed=_hex_schema(WRAPPED_BYTES),
            ),
        }
    ),
]


class ErasedJson(TypedDict):
    """A node's word that it has destroyed a blob and its keys."""

    blob: str
    owner: str
    erased_at: int
    holder: Annotated[str, Field(description="The account whose node this is.")]
    signature: Annotated[str, Field(description="By the holder's key.")]


def vault_of(node: Any) -> Vault:
    """Return a node's vault. Raises NoVaultError."""
    vault: Vault | None = node.vault
    if vault is None:
        raise NoVaultError
    return vault


def blob_text(name: bytes) -> str:
    """Return the text of a blob's name."""
    return encode_id(BLOB_PREFIX, name)


def consent_text(consent: bytes) -> str:
    """Return the text of a consent's number."""
    return encode_id(CONSENT_PREFIX, consent)
