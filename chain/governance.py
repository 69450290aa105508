"""Governance: what the operators decide together, with more than two thirds of them."""

from dataclasses import dataclass, fields, replace
from typing import Annotated

from chain.codec import AtMost, decode, encode, wire
from chain.crypto import hash_bytes
from chain.errors import (
    LimitError,
    MalformedBytesError,
    RoleError,
    UnknownIdError,
    WrongStateError,
)
from chain.ids import encode_id
from chain.params import ChainParams, read_params, write_params
from chain.proposers import begin_record
from chain.roles import Role, has_role, read_operators, set_role
from chain.state import PENDING_VALIDATORS_KEY, VALIDATORS_KEY, Space, State
from chain.transaction import (
    Change,
    GrantRole,
    InstallContract,
    RevokeRole,
    SetParam,
    SetValidator,
)
from chain.types import Hash, Height, Id
from chain.validators import VALIDATORS_MAX, ValidatorSet, read_validators

ACTIVATION_HEIGHTS = 2  # after the vote: the next block still tells everybody who comes
_PROPOSAL = bytes([Space.PROPOSAL])
_NAME = bytes([Space.NAME])


@wire()
@dataclass(frozen=True, slots=True)
class Proposal:
    """A change and the operators who are for it."""

    change: Change
    votes: Annotated[tuple[Id, ...], AtMost(1_024)]
    proposed_at: Height


@wire()
@dataclass(frozen=True, slots=True)
class PendingValidators:
    """Validators that were voted for, and the first height that they decide."""

    activation: Height
    validators: ValidatorSet


def pending_activation(state: State) -> int | None:
    """Return the height at which other validators take over, or None."""
    data = state.get(PENDING_VALIDATORS_KEY)
    return None if data is None else decode(PendingValidators, data).activation


def activate_validators(state: State, height: int, proposer: bytes) -> None:
    """At the end of a block: put the validators of the next height into force, if they change."""
    data = state.get(PENDING_VALIDATORS_KEY)
    if data is None:
        return
    pending = decode(PendingValidators, data)
    if pending.activation == height + 1:
        begin_record(state, height, proposer)
        state.put(VALIDATORS_KEY, encode(pending.validators))
        state.delete(PENDING_VALIDATORS_KEY)


def propose_removal(state: State, validator: bytes, reason: bytes, height: int) -> None:
    """Open a proposal to remove a validator; nobody has voted for it yet."""
    change = SetValidator(validator, 0)
    state.put(_PROPOSAL + proposal_id(reason), encode(Proposal(change, (), height)))


def proposal_id(change_call: bytes) -> bytes:
    """Return the id of the proposal that the action with this call id makes."""
    return hash_bytes("proposal", change_call)


def propose(state: State, operator: bytes, change: Change, place: tuple[bytes, int]) -> bool:
    """Put a change to the vote, the proposer's vote included; tells whether it is applied already.

    `place` is (the action's call id, the height).
    """
    _check_operator(state, operator)
    _check_change(state, change)
    new_id = proposal_id(place[0])
    state.put(_PROPOSAL + new_id, encode(Proposal(change, (), place[1])))
    return vote(state, operator, new_id, place[1])


def vote(state: State, operator: bytes, proposal: Hash, height: int) -> bool:
    """Count an operator's vote; with more than two thirds the change is applied: True."""
    _check_operator(state, operator)
    data = state.get(_PROPOSAL + proposal)
    if data is None:
        text = f"no open proposal {proposal.hex()}"
        raise UnknownIdError(text)
    record = decode(Proposal, data)
    if operator in record.votes:
        text = "this operator has voted for it before"
        raise WrongStateError(text)
    operators = read_operators(state)
    votes = tuple(sorted(one for one in (*record.votes, operator) if one in operators))
    if 3 * len(votes) > 2 * len(operators):
        _check_change(state, record.change)  # other decisions may have come between
        state.delete(_PROPOSAL + proposal)
        _apply(state, record.change, height)
        return True
    state.put(_PROPOSAL + proposal, encode(replace(record, votes=votes)))
    return False


def _check_operator(state: State, account: bytes) -> None:
    if not has_role(state, account, Role.OPERATOR):
        text = f"{encode_id('acct', account)} is no operator"
        raise RoleError(text)


def _check_change(state: State, change: Change) -> None:
    match change:
        case SetParam(name, value):
            _changed_params(read_params(state), name, value)
        case InstallContract(name, contract):
            if state.get(bytes([Space.INSTANCE]) + contract) is None:
                text = f"no contract {encode_id('ctr', contract)} on this chain"
                raise UnknownIdError(text)
            if not name:
                text = "a name of no letters"
                raise WrongStateError(text)
        case RevokeRole(account, Role.OPERATOR):
            if read_operators(state) == [account]:
                text = "the last operator stays"
                raise WrongStateError(text)
        case SetValidator(key, power):
            pending = pending_activation(state)
            if pending is not None:
                text = f"validators change at height {pending}; one change at a time, try after it"
                raise WrongStateError(text)
            _changed_validators(read_validators(state), key, power)
        case GrantRole() | RevokeRole():
            pass


def _changed_params(params: ChainParams, name: str, value: int) -> ChainParams:
    names = [field.name for field in fields(params)]
    if name not in names or name == "dev":
        text = f"no parameter {name!r}; there are {', '.join(names)}"
        raise UnknownIdError(text)
    changed = replace(params, **{name: value})
    try:
        return decode(ChainParams, encode(changed))  # the declared ranges speak
    except MalformedBytesError as error:
        text = f"parameter {name}: {error}"
        raise WrongStateError(text) from error


def _changed_validators(validators: ValidatorSet, key: bytes, power: int) -> ValidatorSet:
    keys = [one for one in validators.keys if one != key]
    if power:
        keys.append(key)
    if not keys or (len(keys) == len(validators.keys) and power == 0):
        text = "the set of validators would be empty, or the key is not in it"
        raise WrongStateError(text)
    if len(keys) > VALIDATORS_MAX:
        raise LimitError("validators", maximum=VALIDATORS_MAX, found=len(keys))
    return replace(validators, keys=tuple(sorted(keys)))


def _apply(state: State, change: Change, height: int) -> None:
    match change:
        case GrantRole(account, role):
            set_role(state, account, role, held=True)
        case RevokeRole(account, role):
            set_role(state, account, role, held=False)
        case SetParam(name, value):
            write_params(state, _changed_params(read_params(state), name, value))
        case InstallContract(name, contract):
            install_contract(state, name, contract)
        case SetValidator(key, power):
            changed = _changed_validators(read_validators(state), key, power)
            pending = PendingValidators(height + ACTIVATION_HEIGHTS, changed)
            state.put(PENDING_VALIDATORS_KEY, encode(pending))


def install_contract(state: State, name: str, contract: bytes) -> None:
    """Give an instance a name and the standing of a standard contract."""
    state.put(_NAME + name.encode(), contract)
    state.put(bytes([Space.NAME]) + b"\0" + contract, name.encode())


def contract_by_name(state: State, name: str) -> bytes | None:
    """Return the instance installed under a name, or None."""
    return state.get(_NAME + name.encode())


def installed_contracts(state: State, limit: int) -> list[bytes]:
    """Return at most `limit` instances that the operators installed, sorted."""
    start = bytes([Space.NAME]) + b"\0"
    found = state.scan(start, bytes([Space.NAME]) + b"\1", limit)
    return [key[len(start) :] for key, _name in found]


def read_change(state: State, proposal: bytes) -> Change | None:
    """Return the change that an open proposal asks for, or None."""
    data = state.get(_PROPOSAL + proposal)
    return None if data is None else decode(Proposal, data).change


def is_installed(state: State, contract: bytes) -> bool:
    """Tell whether the operators installed an instance."""
    return state.get(bytes([Space.NAME]) + b"\0" + contract) is not None
