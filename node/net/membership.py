"""Whom the chain lets read it: validators, and accounts that hold a role. Pure."""

from chain.codec import decode
from chain.membership import PendingValidators
from chain.recovery import RecoveryPlan
from chain.roles import Role, has_role
from chain.state import PENDING_VALIDATORS_KEY, State
from chain.validators import read_validators


def is_validator(state: State, key: bytes, plans: tuple[RecoveryPlan, ...] = ()) -> bool:
    """Tell whether a key decides blocks, is about to, or would by an operators' plan."""
    sets = [read_validators(state), *[plan.validators for plan in plans]]
    data = state.get(PENDING_VALIDATORS_KEY)
    if data is not None:
        sets.append(decode(PendingValidators, data).validators)
    return any(key in one.keys for one in sets)


def may_read(state: State, key: bytes, plans: tuple[RecoveryPlan, ...] = ()) -> bool:
    """Tell whether a node with this key may be given the chain.

    Its key is a validator's, or that of an account with any role (an observer's is enough).
    """
    return is_validator(state, key, plans) or any(has_role(state, key, role) for role in Role)
