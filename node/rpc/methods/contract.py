"""Contracts: what there is, what their views tell, what a call would do."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain import ledger
from chain.accounts import read_account
from chain.errors import UnknownIdError, WashError
from chain.params import read_params
from chain.state import Space
from chain.transaction import TX_VERSION, Transaction
from chain.transaction import Call as CallAction
from chain.types import MINUTE_MS
from chain.upgrades import PendingUpgrade, pending_upgrade
from contracts.host import Frame
from contracts.vm.container import FunctionKind
from contracts.vm.traps import Trap
from contracts.vm.values import read_arguments
from node.abi import AbiFunction, BadAbiError
from node.live.abis import ContractInfo
from node.live.simulation import as_received, simulate_freely
from node.live.views import make_world
from node.rpc.contract_views import check_time, find_function, find_info, run_view
from node.rpc.cursor import decode_cursor, encode_cursor
from node.rpc.errors import ContractRefusedError, OutcomeJson, failure_json
from node.rpc.forms.shapes import (
    ChangeJson,
    EventJson,
    account_text,
    asset_text,
    changes_json,
    codec_of,
    contract_text,
    unplaced_receipt,
)
from node.rpc.params import AccountId, Amount, ContractRef, Cursor, Limit, Text, TimeMs
from node.rpc.registry import Call, rpc_method

VALID_MS = 10 * MINUTE_MS
_INSTANCE = bytes([Space.INSTANCE])

Arguments = Annotated[
    dict[str, Any], Field(description="Arguments by name, as the contract's ABI declares them.")
]


class ContractSummary(TypedDict):
    """A contract in a list; `name` is null unless the operators installed it."""

    contract: str
    name: str | None
    code_name: str
    code_id: str
    creator: str


class ContractPage(TypedDict):
    """A part of the list of contracts."""

    items: list[ContractSummary]
    next_cursor: str | None


class BoundAsset(TypedDict):
    """An asset by the name that the contract's code has for it."""

    slot: str
    asset: str
    currency: str


class BoundLink(TypedDict):
    """Another contract by the name that the contract's code has for it."""

    slot: str
    contract: str
    name: str | None


class UpgradeJson(TypedDict):
    """Code that takes over in the first block at `at_ms` or later, and its new bindings."""

    code_id: str
    at_ms: int
    assets: list[str]
    links: list[str]


class ContractJson(ContractSummary):
    """A contract. `gas` has each function's worst case; `abi_source` tells who wrote the ABI."""

    assets: list[BoundAsset]
    links: list[BoundLink]
    gas: dict[str, int]
    vm: int
    compiler: str
    source_hash: str
    abi_hash: str
    abi_source: str
    abi: dict[str, Any]
    pending_upgrade: UpgradeJson | None


class AbiTaken(TypedDict):
    """An ABI that the node keeps from now on."""

    code_id: str
    abi_hash: str


class CallOutcome(TypedDict):
    """What a call would do in the next block; `returns` is what the function gives."""

    ok: bool
    error: OutcomeJson | None
    returns: Any
    gas_used: int
    worst_case_gas: int
    events: list[EventJson]
    changes: list[ChangeJson]


# What there is ----------------------------------------------------------------------------------


@rpc_method(read=True)
def contract_list(call: Call, *, limit: Limit = 50, cursor: Cursor | None = None) -> ContractPage:
    """List the contracts on the chain: installed ones by name, then all others by id."""
    node, state = call.node, call.node.state()
    installed = sorted(node.abis.names(state))
    ids = {contract for _name, contract in installed}
    group, after = (0, b"") if cursor is None else _read_place(cursor)
    found: list[tuple[int, bytes, bytes]] = []  # 0 or 1, name or id, contract
    if group == 0:
        named = [(0, name.encode(), contract) for name, contract in installed]
        found += [one for one in named if one[1] > after]
    start = _INSTANCE if group == 0 else _INSTANCE + after + b"\0"
    others = state.scan(start, bytes([Space.INSTANCE + 1]), limit + 1 + len(ids))
    found += [(1, key[1:], key[1:]) for key, _data in others if key[1:] not in ids]
    page = found[:limit]
    more = len(found) > limit
    return {
        "items": [_summary(call, contract) for _kind, _mark, contract in page],
        "next_cursor": encode_cursor("contract_list", page[-1][:2]) if more else None,
    }


def _read_place(cursor: str) -> tuple[int, bytes]:
    group, mark = decode_cursor(cursor, "contract_list", (int, bytes))
    assert isinstance(group, int), "decode_cursor gives what was asked for"
    assert isinstance(mark, bytes), "decode_cursor gives what was asked for"
    return group, mark


def _summary(call: Call, contract: bytes) -> ContractSummary:
    node, state = call.node, call.node.state()
    info = node.abis.contract(state, contract)
    assert info is not None, "listed contracts exist"
    return {
        "contract": contract_text(contract),
        "name": node.abis.name_of(state, contract),
        "code_name": info.code.abi.name,
        "code_id": info.instance.code_id.hex(),
        "creator": account_text(info.instance.creator),
    }


@rpc_method(read=True, errors=(UnknownIdError,))
def contract_get(call: Call, *, contract: ContractRef) -> ContractJson:
    """Show a contract: its code, ABI, assets and links, and what its functions cost at most.

    `abi_source` is `author` for the ABI that the code names by its hash, or `code` for one made
    from the code alone, in which parameters have no names; `contract_putAbi` takes the author's.
    """
    node, state = call.node, call.node.state()
    info = find_info(node, contract)
    container = info.code.container
    program = node.ledger.executor.library.program(state, info.instance.code_id)
    links = zip(container.links, info.instance.links, strict=True)
    return {
        **_summary(call, info.contract),
        "assets": [
            {"slot": slot, "asset": asset_text(asset), "currency": symbol}
            for slot, asset, symbol in info.assets
        ],
        "links": [
            {
                "slot": slot,
                "contract": contract_text(link),
                "name": node.abis.name_of(state, link),
            }
            for slot, link in links
        ],
        "gas": {
            one.name: one.worst_case_gas
            for one in program.routines
            if one.function.kind != FunctionKind.INTERNAL
        },
        "vm": container.vm,
        "compiler": container.compiler,
        "source_hash": container.source_hash.hex(),
        "abi_hash": container.abi_hash.hex(),
        "abi_source": "code" if info.code.is_derived else "author",
        "abi": info.code.document,
        "pending_upgrade": _upgrade_json(pending_upgrade(state, info.contract)),
    }


def _upgrade_json(upgrade: PendingUpgrade | None) -> UpgradeJson | None:
    if upgrade is None:
        return None
    return {
        "code_id": upgrade.code_id.hex(),
        "at_ms": upgrade.at_ms,
        "assets": [asset_text(one) for one in upgrade.assets],
        "links": [contract_text(one) for one in upgrade.links],
    }


@rpc_method(tier="shop", errors=(UnknownIdError, BadAbiError))
def contract_putAbi(
    call: Call,
    *,
    contract: ContractRef,
    abi: Annotated[dict[str, Any], Field(description="The ABI that the compiler wrote.")],
) -> AbiTaken:
    """Give the ABI of a contract's code, so that this node shows its values by name.

    It is taken only if it is the one whose hash the code names and fits the code.
    """
    node = call.node
    info = find_info(node, contract)
    taken = node.abis.put(node.state(), info.instance.code_id, abi)
    return {"code_id": taken.code_id.hex(), "abi_hash": taken.container.abi_hash.hex()}


# Asking and trying ------------------------------------------------------------------------------


@rpc_method(read=True, errors=(UnknownIdError, ContractRefusedError))
def contract_read(
    call: Call,
    *,
    contract: ContractRef,
    view: Text,
    args: Arguments | None = None,
    time: TimeMs | None = None,
) -> Any:
    """Ask a view of a contract; the answer has the form that the contract's ABI says.

    The view sees the newest state at the next block's time, or at `time` if that is given, which
    answers what would be then if nothing else happened.
    """
    check_time(call.node, time)
    info = find_info(call.node, contract)
    found = find_function(info, view, FunctionKind.VIEW)
    return run_view(call.node, info, found, args or {}, time_ms=time)


@rpc_method(errors=(UnknownIdError,))
def contract_simulate(
    call: Call,
    *,
    contract: ContractRef,
    function: Text,
    account: AccountId,
    args: Arguments | None = None,
    funds: Amount = 0,
    sponsor: AccountId | None = None,
) -> CallOutcome:
    """Tell what a call of a contract's action would do in the next block, without sending it."""
    node = call.node
    info = find_info(node, contract)
    declared = find_function(info, function, FunctionKind.ACTION)
    values = codec_of(node, info).read_arguments(declared, args or {})
    action = CallAction(info.contract, function, values, funds)
    key = read_account(node.state(), account).keys[0].key
    body = Transaction(
        version=TX_VERSION,
        chain_id=node.ledger.chain_id,
        account=account,
        key=None if key == account else key,
        nonce=node.next_nonce(account, key),
        valid_until=node.block_time() + VALID_MS,
        gas_limit=0,
        sponsor=sponsor,
        actions=(action,),
        client_ref=None,
    )
    body, outcome = simulate_freely(node, body, read_params(node.state()))
    program = node.ledger.executor.library.program(node.state(), info.instance.code_id)
    worst = program.by_name[function].worst_case_gas
    if outcome.receipt is None:
        assert outcome.error is not None, "a simulation ends with one or the other"
        return _no_effect(failure_json(outcome.error), gas_used=0, worst=worst)
    shown = unplaced_receipt(node, outcome.receipt, body)
    if not outcome.receipt.ok:
        return _no_effect(shown["error"], gas_used=outcome.receipt.gas_used, worst=worst)
    returned = _returned(node, info, declared, as_received(body).tx_id, body)
    return {
        "ok": True,
        "error": None,
        "returns": returned,
        "gas_used": outcome.receipt.gas_used,
        "worst_case_gas": worst,
        "events": shown["events"],
        "changes": changes_json(node, outcome.changes),
    }


def _no_effect(error: OutcomeJson | None, *, gas_used: int, worst: int) -> CallOutcome:
    return {
        "ok": False,
        "error": error,
        "returns": None,
        "gas_used": gas_used,
        "worst_case_gas": worst,
        "events": [],
        "changes": [],
    }


def _returned(
    node: Any, info: ContractInfo, function: AbiFunction, tx_id: bytes, body: Transaction
) -> Any:
    """Return what an action gives, by running it alone; null if it does not run that way.

    Receipts do not keep it. What falls due before it in the same block is not carried out here.
    """
    if function.returns is None:
        return None
    (action,) = body.actions
    assert isinstance(action, CallAction), action
    world = make_world(node)
    world.origin_id, world.origin, world.signer = tx_id, body.account, body.key or body.account
    world.sponsor = body.sponsor or world.sponsor
    frame = Frame(world, info.contract, body.account, action.funds)
    routine = frame.program.entry(function.name, FunctionKind.ACTION)
    assert routine is not None, "an ABI has the code's functions"
    try:
        if action.funds:
            assert routine.function.asset is not None, "the simulation took the money"
            asset = info.instance.assets[routine.function.asset]
            ledger.debit(world.state, body.account, asset, action.funds)
        arguments = read_arguments(routine.function.params, action.arguments)
        values, _gas_left = frame.call(routine, arguments, body.gas_limit)
    except (Trap, WashError):
        return None
    return codec_of(node, info).show_returns(function, values)
