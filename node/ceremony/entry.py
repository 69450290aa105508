"""A member's entry: who it is and what it brings, signed by itself for one draft."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from chain.codec import encode_value
from chain.crypto import Signer, hash_bytes, verify_signature
from chain.ids import encode_id
from chain.types import SAFE_INT_MAX
from node.ceremony.draft import Draft, draft_hash
from node.ceremony.form import (
    ASSETS_MAX,
    VERSION,
    Form,
    Hex32,
    Hex64,
    NodeUrl,
    PlainName,
    Version,
    read_form,
    refuse,
)

_KIND: Literal["washnode genesis entry"] = "washnode genesis entry"
_NO_SIGNATURE = "00" * 64


class Entry(Form):
    """One member. `balances` are minor units of what the member itself issues, by symbol.

    `validator` is the key of its node where it is one that decides on blocks, which signs as well:
    nobody can name another's. `url` is where its node can be dialled, or empty.
    """

    kind: Literal["washnode genesis entry"]
    version: Version
    draft: Hex32
    account: Hex32
    name: PlainName
    validator: Hex32 | None
    url: NodeUrl
    roles: Annotated[tuple[Literal["member", "operator"], ...], Field(min_length=1, max_length=2)]
    balances: Annotated[
        dict[str, Annotated[int, Field(ge=1, le=SAFE_INT_MAX)]], Field(max_length=ASSETS_MAX)
    ]
    signature: Hex64
    validator_signature: Hex64 | None

    @property
    def node_key(self) -> str:
        """The key by which its node is known, as hex: its validator's, else the member's own."""
        return self.validator or self.account

    def __str__(self) -> str:
        """Say who it is, for texts."""
        return f"{self.name!r} ({encode_id('acct', bytes.fromhex(self.account))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a member says of itself."""

    name: str
    url: str = ""
    is_operator: bool = False
    balances: Mapping[str, int] = field(default_factory=dict)


def make_entry(draft: Draft, wishes: Wishes, signer: Signer, validator: Signer | None) -> Entry:
    """Return a signed entry, checked as one that came as a file; raises CeremonyError.

    `signer` is the key whose public key is the member's account, `validator` that of its node.
    """
    unsigned = Entry.model_construct(
        kind=_KIND,
        version=VERSION,
        draft=draft_hash(draft).hex(),
        account=signer.public_key.hex(),
        name=wishes.name,
        validator=None if validator is None else validator.public_key.hex(),
        url=wishes.url,
        roles=("member", "operator") if wishes.is_operator else ("member",),
        balances=dict(wishes.balances),
        signature=_NO_SIGNATURE,
        validator_signature=None if validator is None else _NO_SIGNATURE,
    )
    message = entry_hash(read_form(Entry, unsigned.text().encode()))
    signed = unsigned.model_copy(
        update={
            "signature": signer.sign(message).hex(),
            "validator_signature": None if validator is None else validator.sign(message).hex(),
        }
    )
    entry = parse_entry(signed.text().encode())
    check_entry(draft, entry)
    return entry


def entry_hash(entry: Entry) -> bytes:
    """Return the 32 bytes that a member signs: all of its entry but the signatures."""
    return hash_bytes(
        "genesis-entry",
        encode_value(
            (
                entry.version,
                bytes.fromhex(entry.draft),
                bytes.fromhex(entry.account),
                entry.name,
                None if entry.validator is None else bytes.fromhex(entry.validator),
                entry.url,
                entry.roles,
                sorted(entry.balances.items()),
            )
        ),
    )


def parse_entry(data: bytes) -> Entry:
    """Return the entry in a JSON file, its signatures checked, or raise CeremonyError."""
    entry = read_form(Entry, data)
    check_signatures(entry)
    return entry


def check_signatures(entry: Entry) -> None:
    """Raise CeremonyError unless a member, and its validator's key, signed an entry."""
    message, again = entry_hash(entry), "; it was changed, ask for it anew"
    if entry.roles not in {("member",), ("member", "operator")}:
        refuse(f"roles of {entry} are {', '.join(entry.roles)}; a member is named first{again}")
    if not _is_by(entry.account, message, entry.signature):
        refuse(f"the entry of {entry} is not as its key signed it{again}")
    if (entry.validator is None) != (entry.validator_signature is None):
        refuse(f"the entry of {entry} has a validator or its signature, not both{again}")
    if entry.validator is None or entry.validator_signature is None:
        return
    if not _is_by(entry.validator, message, entry.validator_signature):
        refuse(f"the entry of {entry} is not as its validator's key signed it{again}")


def _is_by(key: str, message: bytes, signature: str) -> bool:
    return verify_signature(bytes.fromhex(key), message, bytes.fromhex(signature))


def check_entry(draft: Draft, entry: Entry) -> None:
    """Raise CeremonyError unless an entry is for a draft and takes no more than it may."""
    expected = draft_hash(draft).hex()
    if entry.draft != expected:
        refuse(
            f"the entry of {entry} is for draft {entry.draft}, this is {expected}; "
            "it or the draft was changed: add the entry to this draft again"
        )
    issued = {one.symbol for one in draft.assets if one.issuer == entry.account}
    for symbol in sorted(entry.balances):
        if symbol not in issued:
            refuse(f"{entry} holds {symbol!r} and does not issue it; only an issuer begins with it")
