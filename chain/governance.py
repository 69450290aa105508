"""Governance: what the operators decide together, with more than two thirds of them."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Annotated, TypeAlias

from chain.changes import (
    GrantRole,
    InstallContract,
    RevokeRole,
    SetFeature,
    SetIssuer,
    SetParam,
    SetValidator,
    UpgradeContract,
    WithdrawUpgrade,
)
from chain.codec import AtMost, decode, encode, wire
from chain.crypto import hash_bytes, verify_signature
from chain.errors import MalformedBytesError, RoleError, UnknownIdError, WrongStateError
from chain.features import (
    TWO_END_MEMBERSHIP,
    Feature,
    changed_features,
    is_in_force,
    read_features,
    write_features,
)
from chain.ids import encode_id
from chain.ledger import issue_asset, put_asset, read_asset
from chain.membership import check_validator_change, plan_change
from chain.params import ChainParams, read_params, write_params
from chain.readiness import Verify, check_readiness
from chain.roles import Role, has_role, read_operators, set_role
from chain.state import Space, State
from chain.transaction import AllowContracts, Change, IssueAsset, asset_id
from chain.types import ZERO_ID, Hash, Height, Id
from chain.upgrades import forget_upgrade, plan_upgrade, planned

TWO_VOTES = 2
_PROPOSAL = bytes([Space.PROPOSAL])
_NAME = bytes([Space.NAME])


@wire()
@dataclass(frozen=True, slots=True)
class Proposal:
    """A change, the operators who are for it and those who are against it, each sorted."""

    change: Change
    votes: Annotated[tuple[Id, ...], AtMost(1_024)]
    proposed_at: Height
    against: Annotated[tuple[Id, ...], AtMost(1_024)] = ()


AskCode: TypeAlias = Callable[[State, Change, int], None]  # state, change, time of the block


def _allow_all(_state: State, _change: Change, _now: int) -> None:
    """Ask no code: for states without contracts."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """Where a vote falls: the chain, height and time of its block, what checks signatures there.

    `ask_code` raises the refusal of a change that contracts on the chain do not allow.
    """

    chain_id: bytes
    height: int
    now: int
    verify: Verify = verify_signature
    ask_code: AskCode = _allow_all


def propose_removal(state: State, validator: bytes, reason: bytes, height: int) -> None:
    """Open a proposal to remove a validator; nobody has voted for it yet."""
    change = SetValidator(validator, 0)
    state.put(_PROPOSAL + proposal_id(reason), encode(Proposal(change, (), height)))


def proposal_id(change_call: bytes) -> bytes:
    """Return the id of the proposal that the action with this call id makes."""
    return hash_bytes("proposal", change_call)


def propose(
    state: State, operator: bytes, change: Change, change_call: bytes, at: Occasion
) -> bool:
    """Put a change to the vote, the proposer's vote included; tells whether it is applied already.

    `change_call` is the call id of the action. Raises the typed refusal of a change that could not
    be made now; one that adds a validator must carry its proof of readiness.
    """
    _check_operator(state, operator)
    check_proposal(state, change, at)
    new_id = proposal_id(change_call)
    state.put(_PROPOSAL + new_id, encode(Proposal(change, (), at.height)))
    return vote(state, operator, new_id, at)


def vote(state: State, operator: bytes, proposal: Hash, at: Occasion) -> bool:
    """Count an operator's vote; with enough of them the change is applied: True."""
    _check_operator(state, operator)
    record = _need_proposal(state, proposal)
    if operator in record.votes:
        text = "this operator has voted for it before"
        raise WrongStateError(text)
    operators = read_operators(state)
    votes = tuple(sorted(one for one in (*record.votes, operator) if one in operators))
    if len(votes) >= needed_at(state, record.change, at.height):
        _check_change(state, record.change, at)  # other decisions may have come between
        state.delete(_PROPOSAL + proposal)
        _apply(state, record.change, at)
        return True
    against = tuple([one for one in record.against if one != operator])
    state.put(_PROPOSAL + proposal, encode(replace(record, votes=votes, against=against)))
    return False


def oppose(state: State, operator: bytes, proposal: Hash, height: int) -> bool:
    """Count an operator against a proposal, its vote taken back; closed when it can not pass: True.

    That is when so many are against it that all others together are too few to decide it.
    """
    _check_operator(state, operator)
    record = _need_proposal(state, proposal)
    if operator in record.against:
        text = "this operator is against it already"
        raise WrongStateError(text)
    operators = read_operators(state)
    against = tuple(sorted(one for one in (*record.against, operator) if one in operators))
    if len(operators) - len(against) < needed_at(state, record.change, height):
        state.delete(_PROPOSAL + proposal)
        return True
    votes = tuple([one for one in record.votes if one != operator])
    state.put(_PROPOSAL + proposal, encode(replace(record, votes=votes, against=against)))
    return False


def _need_proposal(state: State, proposal: bytes) -> Proposal:
    record = read_proposal(state, proposal)
    if record is None:
        text = f"no open proposal {proposal.hex()}"
        raise UnknownIdError(text)
    return record


def majority(operators: int) -> int:
    """Return how many of so many operators carry most changes: more than two thirds of them."""
    return 2 * operators // 3 + 1


def votes_needed(change: Change, operators: int) -> int:
    """Return how many of so many operators carry a change.

    Two are enough to take the admitter's role from somebody: who admits strangers is soon stopped.
    """
    most = majority(operators)
    is_stop = isinstance(change, RevokeRole) and change.role == Role.ADMITTER
    return min(most, TWO_VOTES) if is_stop else most


def needed_at(state: State, change: Change, height: int) -> int:
    """Return how many of the present operators carry a change in a block at `height`.

    By the rule `two-end-membership` two are enough to take a member's role: one admitter lets a
    stranger in, and may do so again. Of an operator it stays with all of them.
    """
    needed = votes_needed(change, len(read_operators(state)))
    if not isinstance(change, RevokeRole) or change.role != Role.MEMBER:
        return needed
    if has_role(state, change.account, Role.OPERATOR):
        return needed
    is_two = is_in_force(state, TWO_END_MEMBERSHIP, height)
    return min(needed, TWO_VOTES) if is_two else needed


def check_proposal(state: State, change: Change, at: Occasion) -> None:
    """Raise the typed refusal of a change that may not be put to the vote now."""
    _check_change(state, change, at)
    if isinstance(change, SetValidator):
        if change.power:
            proof = change.ready
            check_readiness(
                state, at.chain_id, change.key, proof, height=at.height, verify=at.verify
            )
        elif change.ready is not None:
            text = "a removal with a proof of readiness; leave the proof out"
            raise WrongStateError(text)


def _check_operator(state: State, account: bytes) -> None:
    if not has_role(state, account, Role.OPERATOR):
        text = f"{encode_id('acct', account)} is no operator"
        raise RoleError(text)


def _check_change(state: State, change: Change, at: Occasion) -> None:
    _check_of_kind(state, change, at)
    at.ask_code(state, change, at.now)


def _check_of_kind(  # noqa: C901 - a kind a line
    state: State, change: Change, at: Occasion
) -> None:
    height = at.height
    match change:
        case SetParam(name, value):
            _changed_params(read_params(state), name, value)
        case InstallContract(name, contract):
            _check_name(state, name, contract)
        case RevokeRole(account, Role.OPERATOR):
            if read_operators(state) == [account]:
                text = "the last operator stays"
                raise WrongStateError(text)
        case SetValidator(key, power):
            check_validator_change(state, key, power, height)
        case SetFeature():
            _changed_features(state, change, height)
        case UpgradeContract(contract):
            _check_installed(state, contract)
            _try(state, change, at)
        case SetIssuer(asset, contract):
            _check_own(state, asset)
            _check_installed(state, contract)
        case AllowContracts(asset):
            _check_own(state, asset)
        case IssueAsset() | WithdrawUpgrade():
            _try(state, change, at)
        case GrantRole() | RevokeRole():
            pass


def _check_name(state: State, name: str, contract: bytes) -> None:
    if state.get(bytes([Space.INSTANCE]) + contract) is None:
        text = f"no contract {encode_id('ctr', contract)} on this chain"
        raise UnknownIdError(text)
    if not name:
        text = "a name of no letters"
        raise WrongStateError(text)


def _check_installed(state: State, contract: bytes) -> None:
    if not is_installed(state, contract):
        text = f"{encode_id('ctr', contract)} was not installed by the operators"
        raise WrongStateError(text)


def _check_own(state: State, asset: bytes) -> None:
    symbol = read_asset(state, asset).symbol
    if asset != asset_id(ZERO_ID, symbol):
        text = f"{symbol!r} belongs to whoever made it; the operators decide on the chain's own"
        raise WrongStateError(text)


def _try(state: State, change: Change, at: Occasion) -> None:
    mark = state.mark()
    _apply(state, change, at)
    state.revert(mark)


def _changed_features(state: State, change: SetFeature, height: int) -> tuple[Feature, ...]:
    changed, is_dev = Feature(change.name, change.height), bool(read_params(state).dev)
    return changed_features(read_features(state), changed, height, is_dev=is_dev)


def _issue(state: State, action: IssueAsset) -> None:
    """Make an asset of the chain's own, as the genesis file does."""
    if action.issuer is None:
        text = "an asset without an issuer; name the account that mints it"
        raise WrongStateError(text)
    issue_asset(state, ZERO_ID, action)


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


def _apply(state: State, change: Change, at: Occasion) -> None:  # noqa: C901 - a kind a line
    height = at.height
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
            plan_change(state, key, power, height)
        case SetFeature():
            write_features(state, _changed_features(state, change, height))
        case IssueAsset():
            _issue(state, change)
        case AllowContracts(asset, contracts):
            allowed = tuple(sorted(contracts))
            put_asset(state, asset, replace(read_asset(state, asset), contracts=allowed))
        case UpgradeContract():
            plan_upgrade(state, planned(state, change, at.now))
        case WithdrawUpgrade(contract, code_id):
            forget_upgrade(state, contract, code_id)
        case SetIssuer(asset, contract):
            put_asset(state, asset, replace(read_asset(state, asset), issuer=contract))


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


def read_proposal(state: State, proposal: bytes) -> Proposal | None:
    """Return an open proposal, or None."""
    data = state.get(_PROPOSAL + proposal)
    return None if data is None else decode(Proposal, data)


def open_proposals(state: State, after: bytes, limit: int) -> list[tuple[bytes, Proposal]]:
    """Return at most `limit` open proposals with their ids, those above the id `after`, by id."""
    start, stop = _PROPOSAL + after + b"\0", bytes([Space.PROPOSAL + 1])
    found = state.scan(start if after else _PROPOSAL, stop, limit)
    return [(key[1:], decode(Proposal, data)) for key, data in found]


def is_installed(state: State, contract: bytes) -> bool:
    """Tell whether the operators installed an instance."""
    return state.get(bytes([Space.NAME]) + b"\0" + contract) is not None
