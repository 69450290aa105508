"""JSON forms of headers, certificates and the parameters of a chain."""

from typing_extensions import TypedDict

from chain.block import Block, Commit, Header, block_id
from chain.validators import ValidatorSet


class HeaderJson(TypedDict):
    """A block's header: every field, hashes as hex, and the block's id as `hash`."""

    hash: str
    version: int
    chain_id: str
    height: int
    time_ms: int
    parent_id: str
    proposer: str
    last_commit_hash: str
    evidence_hash: str
    skipped_hash: str
    last_round: int
    tx_root: str
    receipt_root: str
    state_root: str
    validators_hash: str
    next_validators_hash: str
    last_validators_change_height: int
    params_hash: str
    gas_used: int


class CertificateJson(TypedDict):
    """Who signed a block: the validators' keys and their signatures, in the same order."""

    height: int
    round: int
    block_id: str
    signers: list[str]
    signatures: list[str]


class BlockSummaryJson(TypedDict):
    """A block in a list."""

    height: int
    hash: str
    time: int
    transactions: int
    receipts: int
    gas_used: int
    proposer: str


def header_json(header: Header, shown_id: bytes | None = None) -> HeaderJson:
    """Return a header's JSON; `shown_id` is its id where the caller knows it."""
    found = block_id(header) if shown_id is None else shown_id
    return {
        "hash": found.hex(),
        "version": header.version,
        "chain_id": header.chain_id.hex(),
        "height": header.height,
        "time_ms": header.time_ms,
        "parent_id": header.parent_id.hex(),
        "proposer": header.proposer.hex(),
        "last_commit_hash": header.last_commit_hash.hex(),
        "evidence_hash": header.evidence_hash.hex(),
        "skipped_hash": header.skipped_hash.hex(),
        "last_round": header.last_round,
        "tx_root": header.tx_root.hex(),
        "receipt_root": header.receipt_root.hex(),
        "state_root": header.state_root.hex(),
        "validators_hash": header.validators_hash.hex(),
        "next_validators_hash": header.next_validators_hash.hex(),
        "last_validators_change_height": header.last_validators_change_height,
        "params_hash": header.params_hash.hex(),
        "gas_used": header.gas_used,
    }


def certificate_json(commit: Commit, validators: ValidatorSet) -> CertificateJson:
    """Return a certificate with the signers' keys instead of a bitmap."""
    signers = [
        key.hex()
        for index, key in enumerate(validators.keys)
        if commit.signers[index // 8] >> index % 8 & 1
    ]
    return {
        "height": commit.height,
        "round": commit.round,
        "block_id": commit.block_id.hex(),
        "signers": signers,
        "signatures": [one.hex() for one in commit.signatures],
    }


def block_summary(block: Block, receipts: int) -> BlockSummaryJson:
    """Return what a list of blocks shows of one."""
    header = block.header
    return {
        "height": header.height,
        "hash": block_id(header).hex(),
        "time": header.time_ms,
        "transactions": len(block.transactions),
        "receipts": receipts,
        "gas_used": header.gas_used,
        "proposer": header.proposer.hex(),
    }
