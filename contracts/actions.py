"""What each action of a transaction does: by the ledger's functions, calls by the machine."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from chain import accounts, governance, ledger
from chain.changes import SetIssuer, SetValidator, UpgradeContract, WithdrawUpgrade
from chain.errors import (
    ActionRefusedError,
    MalformedBytesError,
    RoleError,
    UnknownIdError,
    WrongStateError,
)
from chain.ids import encode_id
from chain.receipt import Event, KernelEvent
from chain.roles import Role, has_role, set_role
from chain.state import State
from chain.transaction import (
    AccountKey,
    Action,
    AddKey,
    Admit,
    AllowContracts,
    ApproveRecovery,
    Burn,
    Call,
    CancelRecovery,
    Change,
    Deploy,
    FinishRecovery,
    IssueAsset,
    Mint,
    Oppose,
    Propose,
    RemoveKey,
    SetGuardians,
    Transfer,
    Vote,
    asset_id,
    call_id,
    instance_id,
)
from chain.types import ZERO_ID
from chain.upgrades import pending_upgrade
from contracts.host import Frame, World
from contracts.upgrades import check_decision
from contracts.vm.container import FunctionKind
from contracts.vm.traps import Trap, TrapKind
from contracts.vm.values import read_arguments

KERNEL_ACTION_GAS = 700
READINESS_GAS = 700  # the signature of a candidate
DEPLOY_GAS_PER_BYTE = 12  # decoding, verifying and preparing what is slow to verify
_GAS: dict[type, int] = {Call: 0, Transfer: 800}


def run_actions(
    world: World, actions: Sequence[Action], limits: AccountKey | None, gas: int
) -> tuple[int, int, int]:
    """Run actions in order until one fails; returns (gas left, trap, error), 0, 0 if none did."""
    try:
        for place, action in enumerate(actions):
            world.place = place
            gas -= fixed_gas(action)
            if gas < 0:  # before the work that it pays for
                return 0, TrapKind.GAS, 0
            gas = run_action(world, action, limits, gas)
    except Trap as failure:
        left = 0 if failure.kind == TrapKind.GAS else failure.gas_left
        return left, int(failure.kind), failure.error
    except (ActionRefusedError, MalformedBytesError) as refusal:
        return gas, 0, refusal.code
    return gas, 0, 0


def run_action(world: World, action: Action, limits: AccountKey | None, gas: int) -> int:
    """Carry out one action whose `fixed_gas` is paid for; returns the gas left.

    Raises Trap, ActionRefusedError or MalformedBytesError; the caller undoes the transaction.
    """
    if type(action) is Call:
        return run_call(world, action, limits, gas)[1]
    if limits is not None:
        _count_spending(world, action, limits, None)
    if type(action) is Deploy:
        return _run_deploy(world, action, gas)
    _KERNEL[type(action)](world, action)
    return gas


def fixed_gas(action: Action) -> int:
    """Return the gas of an action beside code that it runs; it is due before it is tried."""
    if type(action) is Deploy:
        return KERNEL_ACTION_GAS + DEPLOY_GAS_PER_BYTE * len(action.code)
    if type(action) is Propose and isinstance(action.change, SetValidator):
        return KERNEL_ACTION_GAS + READINESS_GAS
    return _GAS.get(type(action), KERNEL_ACTION_GAS)


def _count_spending(
    world: World, action: Action, limits: AccountKey, paid_asset: bytes | None
) -> None:
    spent = accounts.spent_by(action, paid_asset)
    if spent is not None:
        accounts.spend_limit(world.state, world.origin, limits, world.now, spent)


def run_call(
    world: World, action: Call, limits: AccountKey | None, gas: int
) -> tuple[list[Any], int]:
    """Carry out a call; returns what the function gives and the gas left; raises as run_action."""
    state, contract, funds = world.state, action.contract, action.funds
    frame = Frame(world, contract, world.origin, funds)
    routine = frame.program.entry(action.function, FunctionKind.ACTION)
    if routine is None:
        text = f"{frame.program.container.name} has no action {action.function!r}"
        raise UnknownIdError(text)
    slot = routine.function.asset
    if funds:
        if slot is None:
            text = f"{action.function} takes no money, {funds} came with the call"
            raise WrongStateError(text)
        asset = frame.instance.assets[slot]
        if limits is not None:
            _count_spending(world, action, limits, asset)
        ledger.check_contract_allowed(state, contract, asset)
        ledger.debit(state, world.origin, asset, funds)
    arguments = read_arguments(routine.function.params, action.arguments)
    return frame.call(routine, arguments, gas)


def _run_deploy(world: World, action: Deploy, gas: int) -> int:
    state, creator = world.state, world.origin
    allowed = has_role(state, creator, Role.OPERATOR) or has_role(state, creator, Role.DEPLOYER)
    if not allowed and not world.params.dev:
        who = encode_id("acct", creator)
        text = f"{who} is neither operator nor deployer; ask the operators for the role"
        raise RoleError(text)
    contract = instance_id(world.origin_id, world.place)
    parts = (action.code, action.assets, action.links)
    record, program = world.library.deploy(state, contract, creator, parts)
    if program.init is not None:
        arguments = read_arguments(program.init.function.params, action.arguments)
        gas = Frame(world, contract, creator).call(program.init, arguments, gas)[1]
    elif action.arguments:
        text = f"{program.container.name} takes no arguments at deployment"
        raise MalformedBytesError(text)
    _note(world, KernelEvent.DEPLOYED, contract, record.code_id, creator)
    return gas


def _note(world: World, event: KernelEvent, *values: Any) -> None:
    world.events.append(Event(ZERO_ID, event, values))


def _transfer(world: World, action: Transfer) -> None:
    ledger.transfer(world.state, world.origin, action.asset, action.to, action.amount)
    _note(world, KernelEvent.TRANSFERRED, action.asset, world.origin, action.to, action.amount)


def _issue(world: World, action: IssueAsset) -> None:
    asset = ledger.issue_asset(world.state, world.origin, action)
    _note(world, KernelEvent.ASSET_ISSUED, asset, action.issuer or world.origin)


def _mint(world: World, action: Mint) -> None:
    ledger.mint(world.state, world.origin, action.asset, action.to, action.amount)
    _note(world, KernelEvent.MINTED, action.asset, action.to, action.amount)


def _burn(world: World, action: Burn) -> None:
    ledger.burn(world.state, world.origin, action.asset, world.origin, action.amount)
    _note(world, KernelEvent.BURNED, action.asset, world.origin, action.amount)


def _allow(world: World, action: AllowContracts) -> None:
    ledger.allow_contracts(world.state, world.origin, action.asset, action.contracts)


def _add_key(world: World, action: AddKey) -> None:
    accounts.add_key(world.state, world.origin, action.entry)
    _note(world, KernelEvent.KEYS_CHANGED, world.origin)


def _remove_key(world: World, action: RemoveKey) -> None:
    accounts.remove_key(world.state, world.origin, action.key)
    _note(world, KernelEvent.KEYS_CHANGED, world.origin)


def _set_guardians(world: World, action: SetGuardians) -> None:
    accounts.set_guardians(world.state, world.origin, action)
    _note(world, KernelEvent.KEYS_CHANGED, world.origin)


def _approve(world: World, action: ApproveRecovery) -> None:
    clock = (world.now, world.params)
    accounts.approve_recovery(world.state, world.origin, action.account, action.new_key, clock)
    _note(world, KernelEvent.RECOVERY_CHANGED, action.account)


def _cancel_recovery(world: World, action: CancelRecovery) -> None:  # noqa: ARG001 - one shape
    accounts.cancel_recovery(world.state, world.origin)
    _note(world, KernelEvent.RECOVERY_CHANGED, world.origin)


def _finish_recovery(world: World, action: FinishRecovery) -> None:
    record = accounts.read_account(world.state, action.account)
    if world.origin not in record.guardians:
        who, whose = encode_id("acct", world.origin), encode_id("acct", action.account)
        text = f"{who} is no guardian of {whose}"
        raise RoleError(text)
    accounts.finish_recovery(world.state, action.account, world.now)
    _note(world, KernelEvent.KEYS_CHANGED, action.account)


def _occasion(world: World) -> governance.Occasion:
    ask_code = partial(check_decision, world.library)
    return governance.Occasion(world.chain_id, world.height, world.now, world.verify, ask_code)


def _propose(world: World, action: Propose) -> None:
    state, change = world.state, action.change
    at = _occasion(world)
    change_call = call_id(world.origin_id, world.place)
    applied = governance.propose(state, world.origin, change, change_call, at)
    proposal = governance.proposal_id(change_call)
    _note(world, KernelEvent.PROPOSED, proposal, world.origin)
    if applied:
        _note_decided(world, proposal, change)


def _vote(world: World, action: Vote) -> None:
    record = governance.read_proposal(world.state, action.proposal)
    change = None if record is None else record.change
    if governance.vote(world.state, world.origin, action.proposal, _occasion(world)):
        _note_decided(world, action.proposal, change)


def _oppose(world: World, action: Oppose) -> None:
    if governance.oppose(world.state, world.origin, action.proposal, world.height):
        _note(world, KernelEvent.REJECTED, action.proposal)


def _note_decided(world: World, proposal: bytes, change: Change | None) -> None:
    _note(world, KernelEvent.DECIDED, proposal)
    match change:
        case IssueAsset(symbol, issuer=bytes() as issuer):
            _note(world, KernelEvent.ASSET_ISSUED, asset_id(ZERO_ID, symbol), issuer)
        case SetIssuer(asset, contract):
            _note(world, KernelEvent.ISSUER_CHANGED, asset, contract)
        case UpgradeContract(contract, code_id):
            waiting = pending_upgrade(world.state, contract)
            assert waiting is not None, "it was just planned"
            _note(world, KernelEvent.UPGRADE_PLANNED, contract, code_id, waiting.at_ms)
        case WithdrawUpgrade(contract, code_id):
            _note(world, KernelEvent.UPGRADE_WITHDRAWN, contract, code_id)
        case _:
            pass


def _admit(world: World, action: Admit) -> None:
    state: State = world.state
    if not (
        has_role(state, world.origin, Role.ADMITTER) or has_role(state, world.origin, Role.OPERATOR)
    ):
        text = f"{encode_id('acct', world.origin)} is neither admitter nor operator"
        raise RoleError(text)
    set_role(state, action.account, Role.MEMBER, held=True)
    _note(world, KernelEvent.ADMITTED, action.account, world.origin)


_KERNEL: dict[type, Callable[[World, Any], None]] = {
    Transfer: _transfer,
    IssueAsset: _issue,
    Mint: _mint,
    Burn: _burn,
    AllowContracts: _allow,
    AddKey: _add_key,
    RemoveKey: _remove_key,
    SetGuardians: _set_guardians,
    ApproveRecovery: _approve,
    CancelRecovery: _cancel_recovery,
    FinishRecovery: _finish_recovery,
    Propose: _propose,
    Vote: _vote,
    Admit: _admit,
    Oppose: _oppose,
}
