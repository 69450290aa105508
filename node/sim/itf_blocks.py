"""Blocks that stand for the values of a model: nothing is executed, only names matter."""

from chain.block import BLOCK_VERSION, Block, Header
from chain.crypto import hash_bytes


def made_block(value: str, height: int, proposer: bytes) -> Block:
    """Return a block of a height whose only content is the name of a value."""
    nothing = bytes(32)
    header = Header(
        version=BLOCK_VERSION,
        chain_id=nothing,
        height=height,
        time_ms=1_000,
        parent_id=nothing,
        proposer=proposer,
        last_commit_hash=nothing,
        evidence_hash=nothing,
        skipped_hash=nothing,
        last_round=0,
        tx_root=hash_bytes("value", value.encode()),
        receipt_root=nothing,
        state_root=nothing,
        validators_hash=nothing,
        next_validators_hash=nothing,
        last_validators_change_height=0,
        params_hash=nothing,
        gas_used=0,
    )
    return Block(header, None, (), (), ())
