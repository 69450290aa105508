"""Making proofs: what `node.rpc.proof_check` needs to believe a fact of this chain.

Blocks, transactions and receipts are proven at any height; the state only at the head, because
older versions of it are not kept.
"""

from collections.abc import Sequence
from typing import NotRequired

from typing_extensions import TypedDict

from chain.codec import encode
from chain.merkle import inclusion_path
from chain.state import QUEUE_PREFIX
from chain.transaction import read_transaction
from chain.tree import prove_key
from chain.tree_part import prove_keys
from node.rpc.errors import InvalidParamsError, NotFoundError
from node.rpc.forms.blocks import CertificateJson, HeaderJson, certificate_json, header_json
from node.rpc.reading.proof_check import FORMAT, ProofType
from node.rpc.reading.validator_history import find_validators
from node.storage.ledger import ChainLedger


class ProofJson(TypedDict):
    """A proof as it travels.

    `header`, `commit` and `validators` are what is checked, `fields` and `certificate` the same for
    people. `rule` and `epoch` belong to the validators: without them neither their hash nor their
    quorum can be told. `next_validators` is there only where the set changes with this block, under
    the same rule and epoch: who follows the chain goes on with them, and their hash is in the
    header. A transaction's or receipt's proof has
    `leaf`, `index`, `size` and `path`; one of the state `key`, `value` (null: absent), `nodes` and
    `other`.
    """

    format: str
    type: ProofType
    header: str
    fields: HeaderJson
    commit: str
    certificate: CertificateJson
    validators: list[str]
    rule: str
    epoch: int
    next_validators: NotRequired[list[str]]
    leaf: NotRequired[str]
    index: NotRequired[int]
    size: NotRequired[int]
    path: NotRequired[list[str]]
    key: NotRequired[str]
    value: NotRequired[str | None]
    nodes: NotRequired[list[str]]
    other: NotRequired[str]


class ProofsJson(TypedDict):
    """Values of several state keys, all under the state root of one block.

    `proof` is that of the block. `values` are in the order of the keys (null: absent). `nodes` and
    `tails` are the pieces of the state tree that show them, each of them once.
    """

    proof: ProofJson
    values: list[str | None]
    nodes: list[str]
    tails: list[str]


def prove_block(ledger: ChainLedger, height: int) -> ProofJson:
    """Return the proof that the validators certified the block at a height (from 1 on)."""
    if height == 0:
        raise NotFoundError("the certificate of block 0 (proofs begin with block 1)")
    header, commit = ledger.store.header(height), ledger.store.commit(height)
    validators = find_validators(ledger, header.validators_hash)
    proof: ProofJson = {
        "format": FORMAT,
        "type": "block",
        "header": encode(header).hex(),
        "fields": header_json(header),
        "commit": encode(commit).hex(),
        "certificate": certificate_json(commit, validators),
        "validators": [key.hex() for key in validators.keys],
        "rule": validators.rule_name,
        "epoch": validators.epoch,
    }
    if header.next_validators_hash != header.validators_hash:
        following = find_validators(ledger, header.next_validators_hash)
        proof["next_validators"] = [key.hex() for key in following.keys]
    return proof


def prove_transaction(ledger: ChainLedger, height: int, index: int) -> ProofJson:
    """Return the proof of the transaction at `index` of a block."""
    data = ledger.store.block(height).transactions
    leaves = [read_transaction(one).witness_id for one in data]
    proof = prove_block(ledger, height)
    return _add_leaf(proof, "transaction", data[index], (leaves, index))


def prove_receipt(ledger: ChainLedger, height: int, index: int) -> ProofJson:
    """Return the proof of the receipt at `index` of a block."""
    leaves = ledger.store.receipt_bytes(height)
    proof = prove_block(ledger, height)
    return _add_leaf(proof, "receipt", leaves[index], (leaves, index))


def prove_state(ledger: ChainLedger, key: bytes) -> ProofJson:
    """Return the proof of a state key's value, or of its absence, at the head."""
    if key >= QUEUE_PREFIX:
        raise InvalidParamsError("key", "is of an index that no state root covers")
    proof = prove_block(ledger, ledger.height)
    found = prove_key(ledger.store, key)
    value = ledger.store.get(key)
    proof["type"] = "state"
    proof["key"] = key.hex()
    proof["value"] = None if value is None else value.hex()
    proof["nodes"] = [node.hex() for node in found.nodes]
    proof["other"] = found.other.hex()
    return proof


def prove_states(ledger: ChainLedger, keys: Sequence[bytes]) -> ProofsJson:
    """Return the proof of several state keys' values, or of their absence, at the head."""
    if any(key >= QUEUE_PREFIX for key in keys):
        raise InvalidParamsError("keys", "names one of an index that no state root covers")
    values = [ledger.store.get(key) for key in keys]
    part = prove_keys(ledger.store, keys)
    return {
        "proof": prove_block(ledger, ledger.height),
        "values": [None if value is None else value.hex() for value in values],
        "nodes": [node.hex() for node in part.nodes],
        "tails": [tail.hex() for tail in part.tails],
    }


def _add_leaf(
    proof: ProofJson, kind: ProofType, leaf: bytes, place: tuple[Sequence[bytes], int]
) -> ProofJson:
    leaves, index = place
    proof["type"] = kind
    proof["leaf"] = leaf.hex()
    proof["index"] = index
    proof["size"] = len(leaves)
    proof["path"] = [one.hex() for one in inclusion_path(leaves, index)]
    return proof
