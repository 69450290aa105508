"""Four validators and a head for them, for tests of the engine."""

from dataclasses import replace
from typing import Any

from chain.block import Block
from chain.validators import ValidatorSet
from consensus import Head
from tests.consensus.light_chain import header_of
from tests.make import signer, word

NOW, HEAD_MS = 10_000, 9_000
FOUR = {one.public_key: one for one in map(signer, ("ann", "ben", "cid", "dan"))}
SET = ValidatorSet(tuple(sorted(FOUR)))
ME, FIRST, SECOND, THIRD = (FOUR[SET.keys[one]] for one in (3, 0, 1, 2))


def head_at(height: int = 0, validators: ValidatorSet = SET, **changes: Any) -> Head:
    """Return the head at a height; validators propose in the order of their keys."""
    order = validators.keys
    head = Head(height, word("head"), HEAD_MS, None, validators, order, 200, 0)
    return replace(head, **changes)


def block_by(proposer: bytes, validators: ValidatorSet = SET, name: str = "a") -> Block:
    """Return a block of height 1; another name is another block."""
    header = header_of(1, validators, proposer=proposer, time_ms=NOW, state_root=word(name))
    return Block(header, None, (), (), ())
