"""JSON forms of what the chain holds: ids, money, events, receipts.

Every method that shows one of these shows it by these functions, so a thing looks the same
wherever it is met.
"""

from collections.abc import Sequence
from typing import Any

from typing_extensions import TypedDict

from chain.errors import PrunedError
from chain.receipt import Event, KernelEvent, Receipt, ReceiptKind
from chain.transaction import Call, Deploy, Transaction, read_transaction
from chain.types import ZERO_ID
from contracts.vm.traps import TrapKind
from node.abi import ContractAbi
from node.live.simulation import BalanceChange
from node.rpc.errors import OutcomeJson, outcome_error
from node.rpc.forms.abi_values import plain_json
from node.rpc.forms.kernel_events import KERNEL_ABI
from node.rpc.forms.shape_basics import (
    SYMBOLS_MAX,
    AmountJson,
    ChainView,
    account_text,
    address_text,
    amount_json,
    asset_text,
    codec_for,
    codec_of,
    contract_name,
    contract_text,
    events_of,
    find_asset,
    kernel_codec,
    key_json,
    label_of,
    list_assets,
    pot_json,
    timer_json,
)


class OriginJson(TypedDict):
    """What an event came from: a transaction, a timer or a pot's fallback."""

    kind: str
    id: str


class EventJson(TypedDict):
    """An event; `id`, `height` and `time` are null in a simulation."""

    id: str | None
    height: int | None
    time: int | None
    level: str
    type: str
    contract: str | None
    origin: OriginJson
    values: dict[str, Any]


class ChangeJson(TypedDict):
    """A free balance before and after."""

    account: str
    before: AmountJson
    after: AmountJson
    change: int


class ReceiptJson(TypedDict):
    """What became of a transaction, timer or fallback; `code` is 0 and `error` null if it is ok."""

    kind: str
    id: str
    status: str
    ok: bool
    code: int
    error: OutcomeJson | None
    height: int | None
    index: int | None
    time: int | None
    gas_used: int
    events: list[EventJson]


def event_json(
    view: ChainView,
    event: Event,
    place: tuple[int, int] | None,
    time_ms: int | None,
    origin: Receipt,
) -> EventJson:
    """Return the JSON form of an event at (height, number in the block); None: a simulation."""
    own = event.contract == ZERO_ID
    name, values = _chain_event(view, event) if own else _contract_event(view, event)
    return EventJson(
        id=None if place is None else f"{place[0]}-{place[1]}",
        height=None if place is None else place[0],
        time=time_ms,
        level="simulated" if place is None else "final",
        type=f"{contract_name(view, event.contract)}.{name}",
        contract=None if own else contract_text(event.contract),
        origin=OriginJson(kind=ReceiptKind(origin.kind).name.lower(), id=origin.id.hex()),
        values=values,
    )


def _contract_event(view: ChainView, event: Event) -> tuple[str, dict[str, Any]]:
    info = view.abis.contract(view.state(), event.contract)
    if info is None or event.number >= len(info.code.abi.events):
        return f"event_{event.number}", _numbered(event.values)
    declared = info.code.abi.events[event.number]
    return declared.name, codec_of(view, info).show_event(declared, event.values)


def _numbered(values: Sequence[Any]) -> dict[str, Any]:
    return {f"v{place}": plain_json(value) for place, value in enumerate(values)}


def _chain_event(view: ChainView, event: Event) -> tuple[str, dict[str, Any]]:
    if event.number >= len(KERNEL_ABI.events):
        return f"event_{event.number}", _numbered(event.values)
    declared = KERNEL_ABI.events[event.number]
    names = [name for name, _kind in declared.fields]
    if len(names) != len(event.values):
        return declared.name, _numbered(event.values)
    raw = dict(zip(names, event.values, strict=True))
    shown = kernel_codec(view).show_event(declared, event.values)
    if "amount" in raw:
        shown["amount"] = amount_json(view, raw["asset"], raw["amount"])
    if event.number in {KernelEvent.POT_FALLBACK, KernelEvent.TIMER_FAILED}:
        shown.update(_explain_key(view, KernelEvent(event.number), raw))
    return declared.name, shown


def _explain_key(view: ChainView, kind: KernelEvent, raw: dict[str, Any]) -> dict[str, Any]:
    """Return what a contract calls the pot that fell back, or the timer that failed and why."""
    info = view.abis.contract(view.state(), raw["contract"])
    if kind == KernelEvent.POT_FALLBACK:
        return {} if info is None else pot_json(codec_of(view, info), info.code, raw["pot"])
    name = None if info is None else info.code.abi.error_name(raw["error"])
    error = dict(outcome_error(raw["trap"], raw["error"], name))
    if info is None:
        return {"error": error}
    return {**timer_json(codec_of(view, info), info.code, raw["timer"]), "error": error}


def receipt_json(
    view: ChainView,
    receipt: Receipt,
    place: tuple[int, int] | None,
    time_ms: int | None,
    *,
    first_event: int | None = None,
    tx: Transaction | None = None,
) -> ReceiptJson:
    """Return the JSON form of a receipt at (height, index in the block); None: a simulation.

    `first_event` is the number in the block of its first event, `tx` its transaction; what is left
    out is looked up.
    """
    if place is not None and first_event is None:
        earlier = view.ledger.store.receipts(place[0])[: place[1]] if receipt.events else []
        first_event = sum(len(one.events) for one in earlier)
    error = None if receipt.ok else receipt_error(view, receipt, tx)
    events = [
        event_json(view, event, None if place is None else (place[0], number), time_ms, receipt)
        for number, event in enumerate(receipt.events, first_event or 0)
    ]
    return ReceiptJson(
        kind=ReceiptKind(receipt.kind).name.lower(),
        id=receipt.id.hex(),
        status="final" if receipt.ok else "failed",
        ok=receipt.ok,
        code=0 if error is None else error["code"],
        error=error,
        height=None if place is None else place[0],
        index=None if place is None else place[1],
        time=time_ms,
        gas_used=receipt.gas_used,
        events=events,
    )


def block_receipts_json(view: ChainView, height: int) -> list[ReceiptJson]:
    """Return the receipts of a stored block."""
    time_ms = view.ledger.store.header(height).time_ms
    first_event = 0
    shown = []
    for index, receipt in enumerate(view.ledger.store.receipts(height)):
        place = (height, index)
        shown.append(receipt_json(view, receipt, place, time_ms, first_event=first_event))
        first_event += len(receipt.events)
    return shown


def receipt_error(view: ChainView, receipt: Receipt, tx: Transaction | None = None) -> OutcomeJson:
    """Return why something failed, by the name that its contract has for it."""
    name = None
    if receipt.trap == TrapKind.REQUIRE:
        abis = _suspects(view, receipt, tx)
        names = dict.fromkeys(abi.error_name(receipt.error) for abi in abis)
        names.pop(None, None)
        name = next(iter(names)) if len(names) == 1 else None
    return outcome_error(receipt.trap, receipt.error, name)


def _suspects(view: ChainView, receipt: Receipt, tx: Transaction | None) -> list[ContractAbi]:
    """Return the ABIs of the contracts one of which failed: a receipt names none itself."""
    state, abis = view.state(), view.abis
    if receipt.kind != ReceiptKind.TRANSACTION:
        contracts = [event.values[0] for event in receipt.events if event.contract == ZERO_ID]
        return [found.code.abi for one in contracts if (found := abis.contract(state, one))]
    if tx is None:
        place = view.ledger.store.find_transaction(receipt.id)
        if place is None:
            return []
        try:
            tx = read_transaction(view.ledger.store.block(place[0]).transactions[place[1]]).body
        except PrunedError:  # the receipt is kept, what it is of is not
            return []
    suspects = []
    for action in tx.actions:
        if isinstance(action, Deploy):
            suspects.append(abis.code(action.code).abi)
        elif isinstance(action, Call) and (found := abis.contract(state, action.contract)):
            suspects.append(found.code.abi)
    return suspects


def unplaced_receipt(
    view: ChainView, receipt: Receipt, tx: Transaction | None = None
) -> ReceiptJson:
    """Return the JSON form of the receipt of a simulation."""
    return receipt_json(view, receipt, None, None, tx=tx)


def changes_json(view: ChainView, changes: Sequence[BalanceChange]) -> list[ChangeJson]:
    """Return the JSON form of changed balances."""
    return [
        ChangeJson(
            account=address_text(view, one.account),
            before=amount_json(view, one.asset, one.before),
            after=amount_json(view, one.asset, one.after),
            change=one.after - one.before,
        )
        for one in changes
    ]


__all__ = [
    "SYMBOLS_MAX", "AmountJson", "ChainView", "ChangeJson", "EventJson", "OriginJson",
    "ReceiptJson", "account_text", "address_text", "amount_json", "asset_text",
    "block_receipts_json", "changes_json", "codec_for", "codec_of", "contract_name",
    "contract_text", "event_json", "events_of", "find_asset", "key_json", "label_of",
    "list_assets", "pot_json", "receipt_error", "receipt_json", "timer_json", "unplaced_receipt",
]  # fmt: skip
