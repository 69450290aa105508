"""Changing the validators: one at a time, two heights after the vote, never past a quorum.

Whoever leaves or comes, those who were seen lately must be a quorum of the set that is to decide.
It is asked when a change is proposed, when it is decided, and when it comes into force.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chain.block import Header
from chain.codec import decode, encode, wire
from chain.errors import LastValidatorError, LimitError, QuorumRiskError, WrongStateError
from chain.features import check_features
from chain.proposers import begin_record, read_proposers
from chain.readiness import note_anchor
from chain.state import PENDING_VALIDATORS_KEY, VALIDATORS_KEY, Space, State
from chain.types import Height
from chain.validators import VALIDATORS_MAX, ValidatorSet, read_validators

ACTIVATION_HEIGHTS = 2  # after the vote: the next block still tells everybody who comes
DROPPED_KEY = bytes([Space.CHAIN]) + b"dropped-validators"


@wire()
@dataclass(frozen=True, slots=True)
class PendingValidators:
    """Validators that were voted for, and the first height that they decide."""

    activation: Height
    validators: ValidatorSet


def read_pending(state: State) -> PendingValidators | None:
    """Return the change of validators that waits for its height, or None."""
    data = state.get(PENDING_VALIDATORS_KEY)
    return None if data is None else decode(PendingValidators, data)


def pending_activation(state: State) -> int | None:
    """Return the height at which other validators take over, or None."""
    pending = read_pending(state)
    return None if pending is None else pending.activation


def read_dropped(state: State) -> PendingValidators | None:
    """Return the last change that was decided and dropped, as it would have left no quorum."""
    data = state.get(DROPPED_KEY)
    return None if data is None else decode(PendingValidators, data)


def begin_block(state: State, parent: Header) -> bool:
    """At the beginning of the block above `parent`; tells whether a change waits for its height.

    Raises UnknownFeatureError if that block follows a rule that this program lacks.
    """
    check_features(state, parent.height + 1)
    note_anchor(state, parent)
    return state.get(PENDING_VALIDATORS_KEY) is not None


def activate_validators(state: State, height: int, proposer: bytes) -> None:
    """At the end of a block: put the validators of the next height into force, if they change.

    One of them that fell silent since the vote can make the change a danger; then it is dropped.
    """
    pending = read_pending(state)
    if pending is None or pending.activation != height + 1:
        return
    state.delete(PENDING_VALIDATORS_KEY)
    try:
        check_quorum_seen(state, pending.validators, height)
    except QuorumRiskError:
        state.put(DROPPED_KEY, encode(pending))
        return
    begin_record(state, height, proposer)
    state.put(VALIDATORS_KEY, encode(pending.validators))


def check_validator_change(state: State, key: bytes, power: int, height: int) -> ValidatorSet:
    """Return the validators after a change; raises the typed refusal if it may not be made."""
    pending = pending_activation(state)
    if pending is not None:
        text = f"validators change at height {pending}; one change at a time, try after it"
        raise WrongStateError(text)
    changed = _changed_validators(read_validators(state), key, power)
    check_quorum_seen(state, changed, height)
    return changed


def plan_change(state: State, key: bytes, power: int, height: int) -> None:
    """Let a decided change wait for its height; raises as `check_validator_change`."""
    changed = check_validator_change(state, key, power, height)
    pending = PendingValidators(height + ACTIVATION_HEIGHTS, changed)
    state.put(PENDING_VALIDATORS_KEY, encode(pending))


def _changed_validators(validators: ValidatorSet, key: bytes, power: int) -> ValidatorSet:
    if (key in validators.keys) == bool(power):
        text = f"{key.hex()} is {'a' if power else 'no'} validator; there is nothing to change"
        raise WrongStateError(text)
    keys = [one for one in validators.keys if one != key]
    if power:
        keys.append(key)
    if not keys:
        raise LastValidatorError(key)
    if len(keys) > VALIDATORS_MAX:
        raise LimitError("validators", maximum=VALIDATORS_MAX, found=len(keys))
    return replace(validators, keys=tuple(sorted(keys)))


def silent_validators(state: State, keys: Sequence[bytes], height: int) -> tuple[bytes, ...]:
    """Return those of `keys` that no block of late shows, seen from a block at `height`.

    Late are as many heights as there are validators, and one more: within them each proposes once.
    Who is no validator yet proved its readiness and counts as seen. So does a chain's only one.
    """
    record = read_proposers(state)
    if record is None:
        return ()
    window = len(read_validators(state).keys) + 1
    last_seen = {entry.key: entry.last_seen for entry in record.entries}
    return tuple([key for key in keys if height - last_seen.get(key, height) > window])


def check_quorum_seen(state: State, validators: ValidatorSet, height: int) -> None:
    """Raise QuorumRiskError unless those of a set who were seen lately can decide alone."""
    silent = silent_validators(state, validators.keys, height)
    seen = len(validators.keys) - len(silent)
    if seen < validators.quorum:
        raise QuorumRiskError(seen=seen, quorum=validators.quorum, silent=silent)
