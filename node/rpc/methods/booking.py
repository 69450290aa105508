"""`booking_*`: free times of a shop, and what a booking would cost before it is made."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import UnknownIdError
from chain.types import DAY_MS, MINUTE_MS, ZERO_ID
from contracts.host import Frame, World
from contracts.vm.container import FunctionKind
from contracts.vm.traps import Trap, TrapKind
from contracts.vm.values import read_arguments
from node.live.abis import ContractInfo
from node.live.views import VIEW_GAS_MAX, make_world
from node.rpc.contract_views import find_function, find_info
from node.rpc.errors import ContractRefusedError, InvalidParamsError, outcome_error
from node.rpc.forms.shape_basics import AmountJson, account_text
from node.rpc.forms.shapes import codec_of
from node.rpc.methods.shop import REGISTER, read_register
from node.rpc.params import AccountId, Text, TimeMs
from node.rpc.reading.fields import StoredMap, standard_map
from node.rpc.registry import Call, rpc_method

BOOKING = "booking"
SPAN_MAX_MS = 15 * DAY_MS
QUARTER_MS = 15 * MINUTE_MS
_EPOCH = date(1970, 1, 1).toordinal()
_TIER_BYTES = 27
_LEAD_MAX = 10 * 365 * DAY_MS  # a tier with a longer lead is for all the time before
_CELLS = 96
_REQUEST_GAS = 500_000

Service = Annotated[int, Field(strict=True, ge=1, le=65_535, description="Number of a service.")]
Step = Annotated[
    int,
    Field(strict=True, ge=5 * MINUTE_MS, le=DAY_MS, description="Time between two offers, ms."),
]
Zone = Annotated[
    Text, Field(description="Zone of the opening hours, for a shop whose profile names none.")
]


class SlotJson(TypedDict):
    """A time at which the service could begin."""

    start: int
    end: int
    free: Annotated[bool, Field(description="Whether a bay is free and the time is to come.")]


class SlotsJson(TypedDict):
    """Times within the opening hours, in order."""

    shop: str
    service: int
    zone: str
    items: list[SlotJson]


class FeeStepJson(TypedDict):
    """What a cancellation costs until a time, that instant included."""

    until: int
    fee: AmountJson
    refund: AmountJson


class QuoteJson(TypedDict):
    """What a booking would hold, and what leaving it would cost when."""

    shop: str
    service: int
    version: int
    start: int
    end: int
    cell: int
    policy: str
    total: AmountJson
    hold: AmountJson
    auto_accept: bool
    cooling_off_until: int
    grace_until: Annotated[int, Field(description="From then on the visit is missed.")]
    settle_after: Annotated[
        int, Field(description="Time to look at the work before the shop is paid.")
    ]
    cancel: list[FeeStepJson]
    missed: FeeStepJson


# Free times ---------------------------------------------------------------------------------------


@rpc_method(read=True, errors=(UnknownIdError, ContractRefusedError, InvalidParamsError))
def booking_slots(
    call: Call,
    *,
    shop: AccountId,
    service: Service,
    from_: TimeMs,
    until: TimeMs,
    step: Step = QUARTER_MS,
    zone: Zone = "UTC",
) -> SlotsJson:
    """List the times within a shop's opening hours at which a service could begin.

    At most 15 days. Announced closures are left out. The booking itself decides: a free time may be
    taken by somebody else meanwhile.
    """
    if not 0 <= until - from_ <= SPAN_MAX_MS:
        raise InvalidParamsError("until", "must be after `from`, at most 15 days")
    text = account_text(shop)
    record = read_register(call, "shop", shop=text)
    offer = read_register(call, "service", shop=text, service=service)
    hours = _Hours(call, shop, _zone_of(call, text, zone))
    bays = record["day_bays"] if offer["cell"] else record["quarter_bays"]
    origin = record["day_start"] if offer["cell"] else 0
    cells = _Cells(standard_map(call.node, BOOKING, "taken"), shop, offer["cell"], bays, origin)
    now = call.node.block_time()
    items: list[SlotJson] = []
    for start, closes in hours.starts(from_, until, step, is_daily=bool(offer["cell"])):
        end = start + offer["duration"]
        if not offer["cell"] and end > closes:
            continue
        items.append(
            {"start": start, "end": end, "free": start > now and cells.are_free(start, end)}
        )
    return {"shop": text, "service": service, "zone": hours.zone, "items": items}


def _zone_of(call: Call, shop: str, fallback: str) -> str:
    named = read_register(call, "profile", shop=shop)["zone"]
    for one in (named, fallback):
        try:
            ZoneInfo(one)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
        return str(one)
    return "UTC"


class _Hours:
    """Opening hours of a shop, day by day in its zone."""

    def __init__(self, call: Call, shop: bytes, zone: str) -> None:
        self.zone = zone
        self._info, self._shop = ZoneInfo(zone), shop
        self._hours = standard_map(call.node, REGISTER, "hours")
        self._closures = standard_map(call.node, REGISTER, "closures")

    def starts(
        self, from_ms: int, until_ms: int, step: int, *, is_daily: bool
    ) -> Iterator[tuple[int, int]]:
        """Yield (start, closing time) in order; work of days begins when the shop opens."""
        day = datetime.fromtimestamp(from_ms // 1_000, UTC).astimezone(self._info).date()
        while (midnight := self._midnight(day)) < until_ms:
            opens, closes = self._hours.get(self._shop, day.weekday()) or (0, 0)
            is_shut = self._closures.get(self._shop, day.toordinal() - _EPOCH) is not None
            day += timedelta(days=1)
            if opens == closes or is_shut:
                continue
            last = opens + 1 if is_daily else closes
            for start in range(midnight + opens, midnight + last, step):
                if from_ms <= start < until_ms:
                    yield start, midnight + closes

    def _midnight(self, day: date) -> int:
        local = datetime(day.year, day.month, day.day, tzinfo=self._info)
        return int(local.timestamp()) * 1_000


class _Cells:
    """Which bays are taken when, as the booking contract counts them."""

    def __init__(self, taken: StoredMap, shop: bytes, cell: int, bays: int, origin: int) -> None:
        self._taken, self._shop, self._cell, self._bays = taken, shop, cell, bays
        self._size, self._origin = DAY_MS if cell else QUARTER_MS, origin
        self._known: dict[int, int] = {}

    def are_free(self, start: int, end: int) -> bool:
        if not self._bays:
            return True
        first = (start - self._origin) // self._size
        last = max((end - self._origin + self._size - 1) // self._size, first + 1)
        return last - first <= _CELLS and all(
            self._used(number) < self._bays for number in range(first, last)
        )

    def _used(self, number: int) -> int:
        if number not in self._known:
            found = self._taken.get(self._shop, self._cell, number)
            self._known[number] = 0 if found is None else found[0]
        return self._known[number]


# What it would cost -------------------------------------------------------------------------------


@rpc_method(read=True, errors=(UnknownIdError, ContractRefusedError))
def booking_quote(
    call: Call,
    *,
    shop: AccountId,
    service: Service,
    start: TimeMs,
    account: AccountId | None = None,
) -> QuoteJson:
    """Tell what a booking would hold and what cancelling or missing it would cost, step by step.

    Nothing of it is worked out here: the booking is tried on a state that nobody keeps, and the
    contract is asked about it as of later times. It is refused as the request would be.
    """
    text = account_text(shop)
    offer = read_register(call, "service", shop=text, service=service)
    trial = _Trial(call, account or ZERO_ID, text)
    booked = trial.request(service, offer, start)
    record = trial.view("booking", id=booked)
    policy = trial.view("policy", id=offer["policy"])
    grace, cooled = start + policy["grace"], trial.now + policy["cooling_off"]
    return {
        "shop": text,
        "service": service,
        "version": offer["version"],
        "start": start,
        "end": start + offer["duration"],
        "cell": offer["cell"],
        "policy": offer["policy"],
        "total": record["total"],
        "hold": trial.held(booked),
        "auto_accept": record["state"] == "ACCEPTED",
        "cooling_off_until": cooled,
        "grace_until": grace,
        "settle_after": policy["settle_after"],
        "cancel": _steps(trial, booked, offer["policy"], [start, cooled - 1, grace - 1]),
        "missed": trial.miss(booked, grace),
    }


def _steps(trial: "_Trial", booked: str, policy: str, marks: list[int]) -> list[FeeStepJson]:
    """Return what leaving costs until each time at which that changes, up to the last mark."""
    start, last = marks[0], marks[-1]
    tiers = bytes.fromhex(trial.view("policy_tiers", id=policy))
    leads = [int.from_bytes(tiers[i : i + 8], "big") for i in range(0, len(tiers), _TIER_BYTES)]
    ends = [start - lead for lead in leads if lead < _LEAD_MAX]
    steps: list[FeeStepJson] = []
    for at in sorted({one for one in [*ends, *marks] if trial.now <= one <= last}):
        step = trial.leave(booked, at)
        if steps and steps[-1]["fee"] == step["fee"]:
            steps[-1] = step
        else:
            steps.append(step)
    return steps


class _Trial:
    """A booking on a state of its own, and the contract's answers about it."""

    def __init__(self, call: Call, account: bytes, shop: str) -> None:
        self._node, self._account, self._shop = call.node, account, shop
        self._info: ContractInfo = find_info(call.node, BOOKING)
        self._world: World = replace(make_world(call.node), origin=account, signer=account)
        self.now: int = self._world.now

    def request(self, service: int, offer: dict[str, Any], start: int) -> str:
        """Make the booking and return its id; raises ContractRefusedError."""
        end, total = start + offer["duration"], offer["price"]["amount"]
        given = {
            "shop": self._shop, "service": service, "version": offer["version"], "start": start,
            "end": end, "cell": offer["cell"], "total": total, "policy": offer["policy"],
        }  # fmt: skip
        hold = self.view("hold", policy=offer["policy"], total=total, start=start, end=end)[
            "amount"
        ]
        try:
            booked = self._run("request", FunctionKind.ACTION, given, hold)
        except ContractRefusedError as refusal:
            # Who missed visits brings the whole price along.
            if hold == total or refusal.outcome.get("reason") not in {
                "wrong_hold",
                "prepay_in_full",
            }:
                raise
            booked = self._run("request", FunctionKind.ACTION, given, total)
        return str(booked)

    def held(self, booked: str) -> AmountJson:
        """Return what is held for the booking."""
        found: AmountJson = self.view("held_money", id=booked)
        return found

    def leave(self, booked: str, at: int) -> FeeStepJson:
        """Return what a cancellation at a time would cost, and what would come back."""
        told = self.view("preview_cancel", id=booked, at=at)
        return {"until": at, "fee": told["fee"], "refund": told["refund"]}

    def miss(self, booked: str, at: int) -> FeeStepJson:
        """Return what a missed visit would cost, as if the shop were open then."""
        told = self.view("preview_no_show", id=booked)
        return {"until": at, "fee": told["fee"], "refund": told["refund"]}

    def view(self, name: str, **given: Any) -> Any:
        """Return what a view gives."""
        return self._run(name, FunctionKind.VIEW, given, 0)

    def _run(self, name: str, kind: FunctionKind, given: dict[str, Any], paid: int) -> Any:
        declared = find_function(self._info, name, kind)
        codec = codec_of(self._node, self._info)
        values = codec.read_arguments(declared, given)
        frame = Frame(self._world, self._info.contract, self._account, paid)
        routine = frame.program.entry(name, kind)
        assert routine is not None, "an ABI has the code's functions"
        try:
            arguments = read_arguments(routine.function.params, values)
            gas = VIEW_GAS_MAX if kind == FunctionKind.VIEW else _REQUEST_GAS
            returned, _left = frame.call(routine, arguments, gas)
        except Trap as trap:
            named = trap.kind == TrapKind.REQUIRE
            reason = self._info.code.abi.error_name(trap.error) if named else None
            raise ContractRefusedError(outcome_error(trap.kind, trap.error, reason)) from trap
        return codec.show_returns(declared, returned)
