"""Development chains only: known accounts, money from nothing, a clock that obeys, scenarios."""

import re
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema
from typing_extensions import TypedDict

from chain.errors import LimitError, NotIssuerError, UnknownIdError
from chain.ids import encode_id
from chain.ledger import get_balance
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from node.demo.accounts import ACCOUNTS, UnknownNameError
from node.demo.genesis import MONEY
from node.demo.scenarios import SCENARIOS, Visit
from node.demo.snapshots import Snapshot, SnapshotFailedError, UnknownSnapshotError
from node.demo.tools import Seeded, tools_of
from node.demo.world import DemoSetupError
from node.live.travel import BLOCKS_MAX, Journey, NoBlockError, PastTimeError
from node.rpc.errors import (
    ContractRefusedError,
    InvalidParamsError,
    NotFoundError,
    outcome_error,
)
from node.rpc.forms.shapes import AmountJson, amount_json, find_asset
from node.rpc.params import INTEGER_MAX, AccountId, AssetRef, TimeMs
from node.rpc.registry import Call, rpc_method

MINE_MAX = 1_000
_UNITS = {"d": DAY_MS, "h": HOUR_MS, "m": MINUTE_MS, "s": SECOND_MS, "ms": 1}
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:ms|d|h|m|s))+")
_PART = re.compile(r"([0-9]+)(ms|d|h|m|s)")
_DURATION_FORM = "a number of milliseconds, or a text such as 3h, 1d12h or 90m"


def _parse_duration(value: object) -> int:
    """Return a length of time in ms, from a whole number of them or a text such as 1h30m."""
    if isinstance(value, str) and _DURATION.fullmatch(value[:64]):
        value = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= INTEGER_MAX:
        text = f"must be {_DURATION_FORM}"
        raise ValueError(text)
    return value


Duration = Annotated[
    int,
    PlainValidator(_parse_duration),
    WithJsonSchema(
        {
            "description": f"A length of time: {_DURATION_FORM}.",
            "oneOf": [
                {"type": "integer", "minimum": 1, "maximum": INTEGER_MAX},
                {"type": "string", "pattern": f"^{_DURATION.pattern}$", "maxLength": 64},
            ],
        }
    ),
]
Minted = Annotated[
    int, Field(strict=True, ge=1, le=INTEGER_MAX, description="Money in minor units (fen).")
]
Count = Annotated[int, Field(strict=True, ge=1, le=MINE_MAX, description="How many blocks.")]
SnapshotId = Annotated[
    str, Field(pattern="^[0-9]{1,9}$", description="What `dev_snapshot` answered.")
]
ScenarioName = Annotated[str, Field(max_length=64, description=f"One of {', '.join(SCENARIOS)}.")]


class AboutJson(TypedDict):
    """What an account of the demo is."""

    en: str
    zh: str


class DevAccountJson(TypedDict):
    """An account whose key everybody knows; `seed` is the 32-byte seed of the key, in hex."""

    name: str
    account: str
    seed: str
    public_key: str
    roles: list[str]
    about: AboutJson
    balance: AmountJson | None


class FaucetJson(TypedDict):
    """What the faucet did."""

    tx_id: str
    height: int
    balance: AmountJson


JourneyJson = TypedDict(
    "JourneyJson",
    {
        "from": int,
        "to": int,
        "arrived": bool,
        "blocks": int,
        "timers_fired": int,
        "transactions": int,
        "failed": int,
        "events": int,
        "height": int,
    },
)


class MinedJson(TypedDict):
    """The newest block after some were made."""

    blocks: int
    height: int
    time: int


class HaltJson(TypedDict):
    """A halt as the chain noted it: what fell due in it fires when its grace is over."""

    began: int
    ended: int
    over: int


HaltedJson = TypedDict(
    "HaltedJson",
    {"from": int, "to": int, "height": int, "timers_fired": int, "halt": HaltJson | None},
)


class SnapshotJson(TypedDict):
    """A moment of the chain to come back to; `time` is what the clock said."""

    snapshot: str
    height: int
    time: int


class SeededBookingJson(TypedDict):
    """A booking of a scenario; null where the shop's slot was taken."""

    booking: str | None
    customer: str
    shop: str
    service: str
    start: int
    end: int
    price: AmountJson
    fate: str


class SeededJson(TypedDict):
    """What a scenario made, and what is still to come while time passes."""

    scenario: str
    bookings: list[SeededBookingJson]
    steps_ahead: int
    plays_from: int | None
    plays_until: int | None
    note: str


@rpc_method(dev=True)
def dev_accounts(call: Call) -> list[DevAccountJson]:
    """Return the accounts of the demo with their seeds: anyone may sign for them."""
    node = call.node
    asset = _money(call)
    state = node.state()
    return [
        {
            "name": one.name,
            "account": encode_id("acct", one.account),
            "seed": one.seed.hex(),
            "public_key": one.account.hex(),
            "roles": list(one.roles),
            "about": {"en": one.en, "zh": one.zh},
            "balance": (
                None
                if asset is None
                else amount_json(node, asset, get_balance(state, one.account, asset))
            ),
        }
        for one in ACCOUNTS
    ]


@rpc_method(dev=True, errors=(NotFoundError, NotIssuerError, LimitError, UnknownIdError))
async def dev_faucet(
    call: Call, *, account: AccountId, amount: Minted, asset: AssetRef | None = None
) -> FaucetJson:
    """Give an account money that did not exist before.

    The demo's issuer signs, so it works for the demo's own money (taken when `asset` is left out)
    and for assets that another account of the demo issued.
    """
    node = call.node
    found = _money(call) if asset is None else find_asset(node, asset)
    if found is None:
        raise InvalidParamsError("asset", "is missing, and this chain began without any asset")
    height, receipt = await tools_of(node).mint(account, found, amount)
    if not receipt.ok:
        raise ContractRefusedError(outcome_error(receipt.trap, receipt.error, None))
    state = node.state()
    return {
        "tx_id": receipt.id.hex(),
        "height": height,
        "balance": amount_json(node, found, get_balance(state, account, found)),
    }


@rpc_method(dev=True, errors=(PastTimeError, NoBlockError))
async def dev_increaseTime(call: Call, *, duration_ms: Duration) -> JourneyJson:
    """Let time pass at once; everything that falls due on the way happens at its own time.

    A journey ends early after many blocks: `arrived` is false then, and the next one goes on.
    """
    return _journey_json(call, await tools_of(call.node).travel_by(duration_ms))


@rpc_method(dev=True, errors=(PastTimeError, NoBlockError))
async def dev_setTime(call: Call, *, time: TimeMs) -> JourneyJson:
    """Let time pass at once until `time`, which must be later than now."""
    return _journey_json(call, await tools_of(call.node).travel(time))


@rpc_method(dev=True, errors=(NoBlockError,))
async def dev_mine(call: Call, *, count: Count = 1) -> MinedJson:
    """Make blocks now, also empty ones."""
    made = await tools_of(call.node).mine(count)
    header = made[-1].block.header
    return {"blocks": len(made), "height": header.height, "time": header.time_ms}


@rpc_method(dev=True, errors=(PastTimeError, NoBlockError))
async def dev_halt(call: Call, *, duration_ms: Duration) -> HaltedJson:
    """Let the chain stand still for a while, then make one block, as after a power cut.

    `halt` is what the chain noted: what fell due while it stood waits until `over`, and
    customers' deadlines wait as long. It is null if nothing fell due, or the halt was too short.
    """
    began_ms = call.node.block_time()
    executed, halt = await tools_of(call.node).halt(duration_ms)
    header = executed.block.header
    return {
        "from": began_ms,
        "to": header.time_ms,
        "height": header.height,
        "timers_fired": executed.timers_fired,
        "halt": (
            None if halt is None else {"began": halt.began, "ended": halt.ended, "over": halt.over}
        ),
    }


@rpc_method(dev=True, errors=(SnapshotFailedError,))
async def dev_snapshot(call: Call) -> SnapshotJson:
    """Keep the whole chain as it is now, to come back to; the latest ten are kept."""
    return _snapshot_json(await tools_of(call.node).snapshot())


@rpc_method(dev=True, errors=(UnknownSnapshotError, SnapshotFailedError))
async def dev_revert(call: Call, *, snapshot: SnapshotId) -> SnapshotJson:
    """Go back to a snapshot, the clock included; it is kept, those taken after it are not."""
    return _snapshot_json(await tools_of(call.node).revert(int(snapshot)))


@rpc_method(dev=True, errors=(UnknownNameError, DemoSetupError))
async def dev_seed(call: Call, *, scenario: ScenarioName = "default") -> SeededJson:
    """Make bookings to play with, from now on.

    `default`: one finished, one in service, one whose customer will not come, one to cancel, one
    that waits for the shop. `busy-saturday`: sixty for the next Saturday with every ending; who
    comes, cancels or complains does so in time. `empty`: none.
    """
    seeded = await tools_of(call.node).seed(scenario)
    return {
        "scenario": scenario,
        "bookings": [_booking_json(call, *one) for one in seeded.visits],
        "steps_ahead": seeded.steps_ahead,
        "plays_from": seeded.first_step_ms,
        "plays_until": seeded.last_step_ms,
        "note": _note(seeded),
    }


def _money(call: Call) -> bytes | None:
    """Return the first asset of the genesis file, or None."""
    assets = call.node.ledger.genesis.assets
    return find_asset(call.node, assets[0].symbol) if assets else None


def _journey_json(call: Call, journey: Journey) -> JourneyJson:
    assert journey.blocks <= BLOCKS_MAX + 1, journey
    return {
        "from": journey.from_ms,
        "to": journey.to_ms,
        "arrived": journey.has_arrived,
        "blocks": journey.blocks,
        "timers_fired": journey.timers_fired,
        "transactions": journey.transactions,
        "failed": journey.failed,
        "events": journey.events,
        "height": call.node.ledger.height,
    }


def _snapshot_json(snapshot: Snapshot) -> SnapshotJson:
    return {
        "snapshot": str(snapshot.number),
        "height": snapshot.height,
        "time": snapshot.now_ms,
    }


def _booking_json(call: Call, visit: Visit, booking: bytes | None) -> SeededBookingJson:
    return {
        "booking": None if booking is None else encode_id("bkg", booking),
        "customer": visit.customer,
        "shop": visit.shop,
        "service": visit.offer.name,
        "start": visit.start_ms,
        "end": visit.end_ms,
        "price": amount_json(call.node, MONEY, visit.offer.price),
        "fate": visit.fate,
    }


def _note(seeded: Seeded) -> str:
    if not seeded.steps_ahead:
        return "everything is done; what falls due later happens by itself"
    return (
        f"{seeded.steps_ahead} steps follow as time passes; dev_increaseTime and dev_setTime move "
        "it ahead"
    )
