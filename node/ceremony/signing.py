"""Members sign the genesis that they compared, and all their signatures make it final."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from chain.crypto import Signer, hash_bytes, verify_signature
from chain.ids import encode_id
from node.ceremony.entry import Entry
from node.ceremony.form import MEMBERS_MAX, VERSION, Form, Hex32, Hex64, Version, read_form, refuse
from node.ceremony.gathering import Collected, Gathering, check_gathering, parse_collected

_SIGNATURE: Literal["washnode genesis signature"] = "washnode genesis signature"
_FINAL: Literal["washnode genesis final"] = "washnode genesis final"
_NAMED_MAX = 8  # of those who are missing; a refusal takes one line


class MemberSignature(Form):
    """One member's signature, as a file; `file` is the hash of the genesis with all its entries."""

    kind: Literal["washnode genesis signature"]
    version: Version
    chain_id: Hex32
    file: Hex32
    account: Hex32
    signature: Hex64


class FinalGenesis(Gathering):
    """A genesis that every member signed; `signatures` are in the order of the members."""

    kind: Literal["washnode genesis final"]
    signatures: Annotated[tuple[Hex64, ...], Field(min_length=1, max_length=MEMBERS_MAX)]


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a member's node can be dialled, and the key (hex) by which it is known."""

    url: str
    key: str


def sign_genesis(found: Collected, signer: Signer) -> MemberSignature:
    """Return a member's signature of a genesis; raises CeremonyError for one who is no member."""
    account = signer.public_key.hex()
    if account not in {one.account for one in found.members}:
        refuse(f"{_name(account)} is no member of this chain; sign with the key of your entry")
    file_hash = found.file_hash()
    return MemberSignature(
        kind=_SIGNATURE,
        version=VERSION,
        chain_id=found.genesis().chain_id().hex(),
        file=file_hash.hex(),
        account=account,
        signature=signer.sign(_message(file_hash)).hex(),
    )


def parse_signature(data: bytes) -> MemberSignature:
    """Return the signature in a JSON file, or raise CeremonyError; `finalize` checks it."""
    return read_form(MemberSignature, data)


def finalize(found: Collected, signatures: Iterable[MemberSignature]) -> FinalGenesis:
    """Return the genesis with the signatures of all members.

    Raises CeremonyError that names whose signature is missing, bad, or of another file.
    """
    names = {one.account: one for one in found.members}
    chain_id, file_hash = found.genesis().chain_id().hex(), found.file_hash()
    by_account: dict[str, str] = {}
    for one in signatures:
        if one.account not in names:
            refuse(f"{_name(one.account)} signed and is no member; leave its signature out")
        who, again = names[one.account], "; have it sign this file"
        if one.chain_id != chain_id:
            refuse(f"{who} signed chain {one.chain_id}, this is {chain_id}{again}")
        if one.file != file_hash.hex():
            refuse(f"{who} signed this chain with other names or addresses of members{again}")
        _check_signature(who, one.signature, file_hash)
        by_account[one.account] = one.signature
    missing = [str(one) for one in found.members if one.account not in by_account]
    if missing:
        rest = len(missing) - _NAMED_MAX
        more = f" and {rest} others" if rest > 0 else ""
        refuse(f"not signed by {', '.join(missing[:_NAMED_MAX])}{more}; all members have to sign")
    return FinalGenesis(
        kind=_FINAL,
        version=VERSION,
        draft=found.draft,
        members=found.members,
        signatures=tuple(by_account[one.account] for one in found.members),
    )


def parse_final(data: bytes) -> FinalGenesis:
    """Return a final genesis, every signature in it checked, or raise GenesisError."""
    found = read_form(FinalGenesis, data)
    check_gathering(found)
    if len(found.signatures) != len(found.members):
        refuse(f"{len(found.signatures)} signatures of {len(found.members)} members")
    file_hash = found.file_hash()
    for who, signature in zip(found.members, found.signatures, strict=True):
        _check_signature(who, signature, file_hash)
    return found


class _Kind(Form):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)
    kind: str


def parse_any(data: bytes) -> Collected | FinalGenesis:
    """Return a genesis that members still have to sign, or a final one; checked, as by its own."""
    is_final = read_form(_Kind, data).kind == _FINAL
    return parse_final(data) if is_final else parse_collected(data)


def _check_signature(who: Entry, signature: str, file_hash: bytes) -> None:
    key, made = bytes.fromhex(who.account), bytes.fromhex(signature)
    if not verify_signature(key, _message(file_hash), made):
        refuse(f"the signature of {who} is bad: it is not of this file; have it sign this file")


def _message(file_hash: bytes) -> bytes:
    # Apart from what members sign in their entries and, as members of the chain, ever after.
    return hash_bytes("genesis-signature", file_hash)


def _name(account: str) -> str:
    return encode_id("acct", bytes.fromhex(account))


def peers_of(found: Gathering, own: Iterable[str] = ()) -> tuple[Peer, ...]:
    """Return the members' nodes that can be dialled, without those of the keys in `own` (hex)."""
    left_out = {*own}
    return tuple(
        Peer(one.url, one.node_key)
        for one in found.members
        if one.url and left_out.isdisjoint({one.account, one.node_key})
    )
