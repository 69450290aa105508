"""Validators: who orders blocks, and how many of them decide."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from chain.codec import AtMost, decode, encode, wire
from chain.crypto import hash_bytes
from chain.state import VALIDATORS_KEY, State
from chain.types import PublicKey

VALIDATORS_MAX = 128


@wire()
@dataclass(frozen=True, slots=True)
class ValidatorSet:
    """The validators' keys, sorted; a validator's index in commits is its place here."""

    keys: Annotated[tuple[PublicKey, ...], AtMost(VALIDATORS_MAX)]

    @property
    def quorum(self) -> int:
        """How many of them decide: floor(2n/3) + 1, safe with fewer than n/3 traitors."""
        return 2 * len(self.keys) // 3 + 1

    def set_hash(self) -> bytes:
        """Return the 32-byte hash that headers carry."""
        return _hash_set(self)


@lru_cache(maxsize=8)
def _hash_set(validators: ValidatorSet) -> bytes:
    return hash_bytes("validators", encode(validators))


@lru_cache(maxsize=8)
def _decode_set(data: bytes) -> ValidatorSet:
    return decode(ValidatorSet, data)


def read_validators(state: State) -> ValidatorSet:
    """Return the validators that the state names for the blocks to come."""
    data = state.get(VALIDATORS_KEY)
    assert data is not None, "a chain without validators"
    return _decode_set(data)
