"""Features: rules that come into force at a height which the operators voted for.

A program that does not know a feature must not make or judge blocks from that height on: it stops
before it. The chain itself takes any name, so that all versions of the program agree on the vote.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from chain.codec import AtMost, decode, encode, wire
from chain.errors import LimitError, UnknownFeatureError, WrongStateError
from chain.state import Space, State
from chain.types import Height, Name

TWO_END_MEMBERSHIP = "two-end-membership"  # two operators take the role of a member
KNOWN_FEATURES = frozenset({TWO_END_MEMBERSHIP})  # a new rule brings its name
FEATURES_MAX = 64
NOTICE_HEIGHTS = 1_000  # between the deciding vote and the first block by the new rule
NOTICE_HEIGHTS_DEV = 10  # on development chains
FEATURES_KEY = bytes([Space.CHAIN]) + b"features"
_MARKS = str.maketrans("._-", "000")


@wire()
@dataclass(frozen=True, slots=True)
class Feature:
    """A feature and the first height of the blocks that follow it."""

    name: Name
    activation: Height


@wire()
@dataclass(frozen=True, slots=True)
class _Features:
    entries: Annotated[tuple[Feature, ...], AtMost(FEATURES_MAX)]


def read_features(state: State) -> tuple[Feature, ...]:
    """Return all features that were voted for, in force or not yet, by name."""
    data = state.get(FEATURES_KEY)
    return () if data is None else decode(_Features, data).entries


def is_in_force(state: State, name: str, height: int) -> bool:
    """Tell whether a block at `height` follows a rule that the operators voted for."""
    return any(one.name == name and one.activation <= height for one in read_features(state))


def changed_features(
    features: tuple[Feature, ...], changed: Feature, height: int, *, is_dev: bool
) -> tuple[Feature, ...]:
    """Return the features after a decision at `height`; activation 0 takes one back.

    Raises WrongStateError for one that is in force, that comes too soon, or has no proper name, and
    LimitError for too many.
    """
    name, activation = changed.name, changed.activation
    plain = name.translate(_MARKS)
    if not (plain.isascii() and plain.isalnum()):
        text = f"feature {name!r}: take letters, digits, dots, _ and -"
        raise WrongStateError(text)
    known = {one.name: one.activation for one in features}
    if name in known and known[name] <= height:
        text = f"feature {name} is in force since height {known[name]}; it stays"
        raise WrongStateError(text)
    if activation == 0:
        if name not in known:
            text = f"feature {name} was not voted for; there is nothing to take back"
            raise WrongStateError(text)
        del known[name]
    else:
        earliest = height + (NOTICE_HEIGHTS_DEV if is_dev else NOTICE_HEIGHTS)
        if activation < earliest:
            text = f"feature {name} would be in force at height {activation}; take {earliest}"
            raise WrongStateError(f"{text} or later, so that every node can be updated")
        known[name] = activation
    if len(known) > FEATURES_MAX:
        raise LimitError("features", maximum=FEATURES_MAX, found=len(known))
    return tuple([Feature(one, known[one]) for one in sorted(known)])


def write_features(state: State, features: tuple[Feature, ...]) -> None:
    """Put the features into the state; none leaves no key."""
    if features:
        state.put(FEATURES_KEY, encode(_Features(features)))
    else:
        state.delete(FEATURES_KEY)


def unknown_features(state: State, known: Collection[str] = KNOWN_FEATURES) -> tuple[Feature, ...]:
    """Return the features that this program lacks, the first to come into force first."""
    missing = [one for one in read_features(state) if one.name not in known]
    return tuple(sorted(missing, key=lambda one: (one.activation, one.name)))


def check_features(state: State, height: int, known: Collection[str] = KNOWN_FEATURES) -> None:
    """Raise UnknownFeatureError if a block at `height` follows a rule that this program lacks."""
    for one in unknown_features(state, known):
        if one.activation <= height:
            raise UnknownFeatureError(one.name, one.activation)
