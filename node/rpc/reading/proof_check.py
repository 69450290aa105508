"""Checking a proof offline: from one hash that the reader trusts to a fact of the ledger.

A proof (what `chain_getProof` answers) carries everything else: the block's header, the validators,
their certificate, and a path from what is proved to a root that the header names. The reader
brings the hash of the validators it trusts and, to tell networks apart, the chain's id. A proof is
somebody's text: anything may stand in it, and `check_proof` raises ProofError or tells the truth.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn

from chain.block import Commit, Header, block_id
from chain.codec import decode
from chain.errors import InvalidBlockError, MalformedBytesError
from chain.receipt import Receipt
from chain.rules import check_commit
from chain.transaction import ReceivedTransaction
from chain.tree import Proof
from chain.tree_record import DEPTH_MAX
from chain.types import SAFE_INT_MAX
from chain.validators import VALIDATORS_MAX, QuorumRule, ValidatorSet
from consensus import LeafProof, ProofError, check_receipt, check_state, check_transaction

__all__ = ["FORMAT", "ProofError", "ProofType", "Proven", "check_proof"]

FORMAT = "washnode-proof-1"
HEX_LENGTH_MAX = 4 * 1024 * 1024  # the longest receipt or value, as hex, with room
PATH_LENGTH_MAX = 64
HASH_LENGTH = 64  # of hex
_RULES = {rule.name.lower(): rule for rule in QuorumRule}

ProofType = Literal["block", "transaction", "receipt", "state"]


@dataclass(frozen=True, slots=True)
class Proven:
    """What a good proof shows: a block that the validators certified, and what stands in it.

    `index` is the place that the proof gives the transaction or receipt; that it stands in the
    block is proven, its place only as far as the path tells. Of a state proof, `value` None says
    that the key was absent after this block.
    """

    type: ProofType
    header: Header
    block_id: bytes
    validators: ValidatorSet
    index: int | None = None
    transaction: ReceivedTransaction | None = None
    receipt: Receipt | None = None
    key: bytes | None = None
    value: bytes | None = None


def check_proof(proof: object, *, validators_hash: bytes, chain_id: bytes | None = None) -> Proven:
    """Return what a proof shows under the trusted validators, or raise ProofError.

    `validators_hash` is the `validators_hash` of a header that the reader trusts; `chain_id` None
    takes the network on trust as well.
    """
    members = _members(proof)
    if members.get("format") != FORMAT:
        _refuse("format", f"is not {FORMAT!r}; this program reads no other")
    try:
        block = _check_block(members, validators_hash, chain_id)
    except MalformedBytesError as error:
        raise ProofError(f"header or certificate: {error}") from error
    check = _CHECKS.get(str(members.get("type")))
    if check is None:
        _refuse("type", "is none of " + ", ".join(_CHECKS))
    return check(members, block)


def _check_block(
    members: Mapping[str, object], validators_hash: bytes, chain_id: bytes | None
) -> Proven:
    header = decode(Header, _bytes(members, "header"))
    if chain_id is not None and header.chain_id != chain_id:
        _refuse("header", f"is of chain {header.chain_id.hex()}, expected {chain_id.hex()}")
    if header.validators_hash != validators_hash:
        _refuse("header", "was not made under the validators that are trusted")
    validators = _read_validators(members)
    if not validators.keys or validators.set_hash() != header.validators_hash:
        _refuse("validators", "are not those that the header names")
    try:
        check_commit(decode(Commit, _bytes(members, "commit")), header, validators)
    except InvalidBlockError as error:
        raise ProofError(f"certificate: {error}") from error
    return Proven("block", header, block_id(header), validators)


def _read_validators(members: Mapping[str, object]) -> ValidatorSet:
    keys = _list(members, "validators", VALIDATORS_MAX)
    rule, epoch = _RULES.get(str(members.get("rule"))), members.get("epoch")
    if rule is None:
        _refuse("rule", "is none of " + ", ".join(_RULES))
    if type(epoch) is not int or not 0 <= epoch <= SAFE_INT_MAX:
        _refuse("epoch", "is no count of recoveries")
    return ValidatorSet(
        tuple([_unhex("validators", key, HASH_LENGTH) for key in keys]), rule, epoch
    )


def _check_transaction(members: Mapping[str, object], block: Proven) -> Proven:
    proof = _leaf_proof(members)
    tx = check_transaction(block.header, proof)
    return _extend(block, "transaction", index=proof.index, transaction=tx)


def _check_receipt(members: Mapping[str, object], block: Proven) -> Proven:
    proof = _leaf_proof(members)
    receipt = check_receipt(block.header, proof)
    return _extend(block, "receipt", index=proof.index, receipt=receipt)


def _leaf_proof(members: Mapping[str, object]) -> LeafProof:
    leaf = _bytes(members, "leaf")
    path = [_unhex("path", one, HASH_LENGTH) for one in _list(members, "path", PATH_LENGTH_MAX)]
    index, size = members.get("index"), members.get("size")
    if type(index) is not int or type(size) is not int:
        _refuse("index", "and size must be integers")
    if not 0 <= index < size <= SAFE_INT_MAX:
        _refuse("index", "must be from 0 to below size")
    return LeafProof(leaf, index, size, tuple(path))


def _check_state(members: Mapping[str, object], block: Proven) -> Proven:
    key = _bytes(members, "key")
    value = None if members.get("value") is None else _bytes(members, "value")
    nodes = [_unhex("nodes", one) for one in _list(members, "nodes", DEPTH_MAX)]
    check_state(block.header, key, value, Proof(tuple(nodes), _bytes(members, "other")))
    return _extend(block, "state", key=key, value=value)


_CHECKS: dict[str, Callable[[Mapping[str, object], Proven], Proven]] = {
    "block": lambda _members, block: block,
    "transaction": _check_transaction,
    "receipt": _check_receipt,
    "state": _check_state,
}


def _extend(
    block: Proven,
    kind: ProofType,
    *,
    index: int | None = None,
    transaction: ReceivedTransaction | None = None,
    receipt: Receipt | None = None,
    key: bytes | None = None,
    value: bytes | None = None,
) -> Proven:
    place = block.header, block.block_id, block.validators
    return Proven(kind, *place, index, transaction, receipt, key, value)


def _members(proof: object) -> Mapping[str, object]:
    if not isinstance(proof, Mapping):
        _refuse("proof", "is no JSON object")
    return proof


def _list(members: Mapping[str, object], name: str, length_max: int) -> list[object]:
    found = members.get(name)
    if not isinstance(found, list) or len(found) > length_max:
        _refuse(name, f"is no list of at most {length_max}")
    return found


def _bytes(members: Mapping[str, object], name: str) -> bytes:
    return _unhex(name, members.get(name))


def _unhex(name: str, text: object, length: int | None = None) -> bytes:
    if not isinstance(text, str) or len(text) > HEX_LENGTH_MAX or not text.isascii():
        _refuse(name, "is no hex text")
    if length is not None and len(text) != length:
        _refuse(name, f"has {len(text)} hex digits, expected {length}")
    try:
        data = bytes.fromhex(text)
    except ValueError:
        _refuse(name, "is no hex text")
    if 2 * len(data) != len(text):  # fromhex skips spaces
        _refuse(name, "is no hex text")
    return data


def _refuse(name: str, why: str) -> NoReturn:
    raise ProofError(f"{name} {why}")
