"""Upgrades: which code may take over from which, when it is decided and when it begins.

What a contract keeps (rows, pots, timers, events, errors) is only appended to, so everything that
was stored before reads on. Installed contracts that link to it must still fit: they can veto.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from chain import governance
from chain.changes import SetParam, UpgradeContract
from chain.codec import encode
from chain.errors import ActionRefusedError, UpgradeRefusedError, WrongStateError
from chain.ids import encode_id
from chain.ledger import read_asset
from chain.params import ChainParams, read_params
from chain.receipt import Event, KernelEvent, Receipt, ReceiptKind
from chain.state import Space, State
from chain.transaction import Change, event_receipt_id
from chain.types import BASIS_POINTS, ZERO_ID
from chain.upgrades import (
    UPGRADES_PER_BLOCK,
    PendingUpgrade,
    forget_upgrade,
    planned,
    read_upgrades,
)
from contracts.firing import TIMER_OVERHEAD_GAS
from contracts.instances import Instance, Library, link_fault
from contracts.vm.container import Container, FunctionKind, Kind, Row
from contracts.vm.program import Program

INSTALLED_MAX = 1_000  # installed contracts that a decision looks at
_TIMER_PARAMS = frozenset({"block_gas_max", "timer_gas_share_bp"})
_UPGRADE_ID = 2  # kind of the ids of their receipts


def check_decision(library: Library, state: State, change: Change, now: int) -> None:
    """Raise the typed refusal of a decision at `now` ms that code on the chain does not allow."""
    if isinstance(change, SetParam) and change.name in _TIMER_PARAMS:
        changed = replace(read_params(state), **{change.name: change.value})
        why = f"{change.name} = {change.value} would leave"
        for contract in governance.installed_contracts(state, INSTALLED_MAX):
            code = library.instance(state, contract).code_id
            _check_timers_fit(library.program(state, code), changed, why)
    if isinstance(change, UpgradeContract):
        check_upgrade(library, state, planned(state, change, now))


def _check_timers_fit(program: Program, params: ChainParams, why: str) -> None:
    """Refuse timers of an installed contract that fit no block."""
    budget = params.block_gas_max * params.timer_gas_share_bp // BASIS_POINTS
    for routine in program.timers:
        need = routine.worst_case_gas + TIMER_OVERHEAD_GAS
        if need > budget:
            text = (
                f"timer {routine.name} of an installed contract needs up to {need} gas, "
                f"{why} {budget} for timers"
            )
            raise WrongStateError(text)


def check_upgrade(library: Library, state: State, upgrade: PendingUpgrade) -> Instance:
    """Return what the contract becomes; raises the typed refusal of an upgrade that does not fit.

    Asked when it is proposed, at every vote, and when it begins: others change in between.
    """
    contract = upgrade.contract
    old = library.instance(state, contract)
    if state.get(bytes([Space.CODE]) + upgrade.code_id) is None:
        text = f"no code {upgrade.code_id.hex()} on this chain; deploy a contract of it first"
        raise UpgradeRefusedError(text)
    if upgrade.code_id == old.code_id:
        text = "the contract runs this code already"
        raise UpgradeRefusedError(text)
    program = library.program(state, upgrade.code_id)
    check_takes_over(library.program(state, old.code_id).container, program.container)
    new = replace(
        old,
        code_id=upgrade.code_id,
        assets=old.assets + upgrade.assets,
        links=old.links + upgrade.links,
    )
    _check_bindings(state, program.container, new, upgrade)
    _check_no_circle(library, state, upgrade)
    library.check_links(state, program, new.links, upgrade.at_ms)
    why = "blocks leave"
    _check_timers_fit(program, read_params(state), why)
    _check_users(library, state, upgrade, program)
    return new


def check_takes_over(old: Container, new: Container) -> None:
    """Raise UpgradeRefusedError unless all that `old` stored and told means the same in `new`."""
    fault = next(_faults(old, new), None)
    if fault is not None:
        raise UpgradeRefusedError(fault)


def _faults(old: Container, new: Container) -> Iterator[str]:
    if new.name != old.name:
        yield f"the code is of {new.name}, the contract is {old.name}"
    parts: tuple[tuple[str, Sequence[Any], Sequence[Any]], ...] = (
        ("asset", old.assets, new.assets),
        ("link", old.links, new.links),
        ("pots", old.pots, new.pots),
        ("event", old.events, new.events),
        ("error", old.errors, new.errors),
        ("timer", _timers(old), _timers(new)),
    )
    for what, before, after in parts:
        for place, (one, other) in enumerate(zip_longest(before, after[: len(before)])):
            if one != other:
                name = one if isinstance(one, str) else getattr(one, "name", one)
                name = name[0] if isinstance(name, tuple) else name
                yield f"{what} {place + 1} was {name}; it must stay as it is, new ones follow it"
    for place, one in enumerate(old.fields):
        name = f"state variable {place + 1}, {one.name},"
        other = new.fields[place] if place < len(new.fields) else None
        if other is None or (other.name, other.key) != (one.name, one.key):
            yield f"{name} must keep its place, name and key; new ones follow it"
        elif other.row[: len(one.row)] != one.row:
            yield f"{name} may only get new parts behind the ones it has"
        elif _is_row_unreadable(one.row, other.row):
            yield f"{name} has a part of varying length, behind which only such parts may follow"


def _timers(container: Container) -> list[tuple[str, Any]]:
    found = [one for one in container.functions if one.kind == FunctionKind.TIMER]
    return [(one.name, one.params) for one in found]


def _is_row_unreadable(old: Row, new: Row) -> bool:
    """Tell whether old rows do not read as new ones: parts of fixed width are stored first."""
    varies = any(one.scalar.kind >= Kind.BYTES for one in old)
    return varies and any(one.scalar.kind < Kind.BYTES for one in new[len(old) :])


def _check_bindings(
    state: State, container: Container, new: Instance, upgrade: PendingUpgrade
) -> None:
    for what, names, bound, added in (
        ("assets", container.assets, new.assets, upgrade.assets),
        ("links", container.links, new.links, upgrade.links),
    ):
        if len(bound) != len(names):
            missing = list(names[len(bound) - len(added) :])
            text = f"the code has {len(missing)} more {what}, {missing}; {len(added)} are given"
            raise UpgradeRefusedError(text)
    for asset in upgrade.assets:
        read_asset(state, asset)


def _check_no_circle(library: Library, state: State, upgrade: PendingUpgrade) -> None:
    """A contract of before may be linked to by what it is to link to; calls never go in circles."""
    layer = list(upgrade.links)
    while layer:
        if upgrade.contract in layer:
            text = f"the links would lead back to {encode_id('ctr', upgrade.contract)} itself"
            raise UpgradeRefusedError(text)
        links = [link for one in layer for link in library.all_links(state, one)]
        layer = list(dict.fromkeys(links))


def _check_users(library: Library, state: State, upgrade: PendingUpgrade, program: Program) -> None:
    mark = state.mark()
    place = bytes([Space.INSTANCE]) + upgrade.contract
    old = library.instance(state, upgrade.contract)
    state.put(place, encode(replace(old, links=old.links + upgrade.links)))
    try:
        for contract in governance.installed_contracts(state, INSTALLED_MAX):
            links = library.all_links(state, contract)
            if upgrade.contract in links:
                _check_user(library, state, (contract, links), upgrade, program)
            if upgrade.links:
                library.check_depth(state, links)
    finally:
        state.revert(mark)


def _check_user(
    library: Library,
    state: State,
    user: tuple[bytes, Sequence[bytes]],
    upgrade: PendingUpgrade,
    program: Program,
) -> None:
    contract, links = user
    for code in library.codes(state, contract, upgrade.at_ms):
        container = library.program(state, code).container
        for call in container.link_calls:
            fault = link_fault(call, program) if links[call.link] == upgrade.contract else None
            if fault is not None:
                text = f"{container.name}, which the operators installed, would not fit: {fault}"
                raise UpgradeRefusedError(text)


def begin_upgrades(library: Library, state: State, height: int, now: int) -> list[Receipt]:
    """Let the code that waited until `now` take over; one that fits no longer is dropped.

    Returns a receipt for each, in order of their times.
    """
    waiting = read_upgrades(state)
    if not waiting or waiting[0].at_ms > now:
        return []
    receipts: list[Receipt] = []
    due = [one for one in waiting[:UPGRADES_PER_BLOCK] if one.at_ms <= now]
    for place, upgrade in enumerate(due):
        forget_upgrade(state, upgrade.contract, upgrade.code_id)
        try:
            instance = check_upgrade(library, state, upgrade)
        except ActionRefusedError as refusal:
            error = refusal.code
            told = (upgrade.contract, upgrade.code_id, error)
            event = Event(ZERO_ID, KernelEvent.UPGRADE_DROPPED, told)
        else:
            error = 0
            state.put(bytes([Space.INSTANCE]) + upgrade.contract, encode(instance))
            event = Event(ZERO_ID, KernelEvent.UPGRADED, (upgrade.contract, upgrade.code_id))
        receipts.append(
            Receipt(
                kind=ReceiptKind.UPGRADE,
                id=event_receipt_id(_UPGRADE_ID, height, place),
                ok=not error,
                trap=0,
                error=error,
                gas_used=0,
                events=(event,),
            )
        )
    return receipts
