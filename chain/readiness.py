"""Readiness: a candidate shows that it runs before anybody votes it in.

It signs the chain's id and the id of a recent block, which nobody knew long before. Blocks at
multiples of ten heights are kept in the state for this, a few of them; the one at height 0 is named
by the chain's id, which stands for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from chain.block import Header, block_id
from chain.codec import encode_value, wire
from chain.crypto import Signer
from chain.errors import NotReadyError
from chain.state import Space, State
from chain.types import Hash, Height, Signature

READY_PREFIX = b"washnode-ready-v1\0"
READY_AGE_MAX = 50  # heights between the block that is signed and the proposal
ANCHOR_HEIGHTS = 10  # every tenth block: a leaf of the state for each would be paid by all
Verify: TypeAlias = Callable[[bytes, bytes, bytes], bool]  # key, message, signature
_SLOTS = 8  # more than READY_AGE_MAX reaches back
_ANCHOR = bytes([Space.CHAIN]) + b"anchor-"


@wire()
@dataclass(frozen=True, slots=True)
class Readiness:
    """The proof: which block was the newest to sign, and the candidate's signature."""

    height: Height
    block_id: Hash
    signature: Signature


def ready_bytes(chain_id: bytes, key: bytes, height: int, anchor: bytes) -> bytes:
    """Return what a candidate signs: chain, its own key, height and id of a block."""
    return READY_PREFIX + encode_value((chain_id, key, height, anchor))


def note_anchor(state: State, parent: Header) -> None:
    """At the beginning of a block: keep its parent's id, if candidates may sign it."""
    if parent.height and parent.height % ANCHOR_HEIGHTS == 0:
        state.put(_anchor_key(parent.height), block_id(parent))


def _anchor_key(height: int) -> bytes:
    return _ANCHOR + bytes([height // ANCHOR_HEIGHTS % _SLOTS])


def _anchor_at(state: State, chain_id: bytes, height: int) -> bytes | None:
    return state.get(_anchor_key(height)) if height else chain_id


def newest_anchor(state: State, chain_id: bytes, head_height: int) -> tuple[int, bytes]:
    """Return (height, id) of the newest block that a candidate may sign, by the head's state."""
    height = max(head_height - 1, 0) // ANCHOR_HEIGHTS * ANCHOR_HEIGHTS
    anchor = _anchor_at(state, chain_id, height)
    assert anchor is not None, height
    return height, anchor


def prove_readiness(signer: Signer, chain_id: bytes, anchor: tuple[int, bytes]) -> Readiness:
    """Return a candidate's proof over the block (height, id) that `newest_anchor` gives."""
    height, anchor_id = anchor
    message = ready_bytes(chain_id, signer.public_key, height, anchor_id)
    return Readiness(height, anchor_id, signer.sign(message))


def check_readiness(
    state: State,
    chain_id: bytes,
    key: bytes,
    proof: Readiness | None,
    *,
    height: int,
    verify: Verify,
) -> None:
    """Raise NotReadyError unless `key` proved its readiness to a block at `height`."""
    again = "let its node make a new proof with: washnode validator ready"
    if proof is None:
        text = f"candidate {key.hex()} has not proved that it is ready; {again}"
        raise NotReadyError(text)
    age = height - proof.height
    if not 1 <= age <= READY_AGE_MAX:
        text = (
            f"candidate {key.hex()} signed height {proof.height}, this is height {height}; "
            f"at most {READY_AGE_MAX} may lie between; {again}"
        )
        raise NotReadyError(text)
    is_anchor = proof.height % ANCHOR_HEIGHTS == 0
    if not is_anchor or _anchor_at(state, chain_id, proof.height) != proof.block_id:
        text = (
            f"candidate {key.hex()} signed {proof.block_id.hex()} at height {proof.height}, "
            f"which is no block of this chain that counts; {again}"
        )
        raise NotReadyError(text)
    message = ready_bytes(chain_id, key, proof.height, proof.block_id)
    if not verify(key, message, proof.signature):
        text = f"candidate {key.hex()} did not sign this proof; {again}"
        raise NotReadyError(text)
