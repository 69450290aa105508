"""Validators: who orders blocks, and how many of them decide."""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Annotated

from chain.codec import AtMost, Between, decode, encode, wire
from chain.crypto import hash_bytes
from chain.state import VALIDATORS_KEY, State
from chain.types import U32, PublicKey

VALIDATORS_MAX = 128


class QuorumRule(IntEnum):
    """Against what a quorum is meant."""

    BYZANTINE = 0  # safe with fewer than a third of traitors
    CRASH = 1  # one vote fewer where that goes; for validators who trust each other


@wire()
@dataclass(frozen=True, slots=True)
class ValidatorSet:
    """The validators' keys, sorted; a validator's index in commits is its place here.

    `rule` is a QuorumRule. `epoch` counts the chain's recoveries; votes of another epoch count for
    nothing. Both are in the hash that headers carry, so whoever knows the set knows its quorum.
    """

    keys: Annotated[tuple[PublicKey, ...], AtMost(VALIDATORS_MAX)]
    rule: Annotated[int, Between(0, 1)] = QuorumRule.BYZANTINE
    epoch: U32 = 0

    @property
    def quorum(self) -> int:
        """How many of them decide: floor(2n/3) + 1, or ceil(2n/3) under the rule for crashes."""
        count = len(self.keys)
        return (2 * count + 2) // 3 if self.rule == QuorumRule.CRASH else 2 * count // 3 + 1

    @property
    def skip_threshold(self) -> int:
        """How many in a later round show that somebody honest is there."""
        return len(self.keys) - self.quorum + 1

    @property
    def faults_max(self) -> int:
        """How many traitors the set withstands."""
        return (len(self.keys) - 1) // 3

    @property
    def rule_name(self) -> str:
        """The rule as a genesis file writes it: byzantine or crash."""
        return QuorumRule(self.rule).name.lower()

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
