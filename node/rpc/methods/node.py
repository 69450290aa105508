"""`node_*`: what this node is and how it is."""

import shutil
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field
from typing_extensions import TypedDict

from chain.ids import encode_id
from consensus import Mode
from node.keys.acting import account_of
from node.live.hearing import BEHIND_MAX, heights_behind
from node.live.upcoming import (
    UPGRADE_COMMAND,
    URGENT_MS,
    find_lacking,
    say_lacking,
)
from node.rpc.forms.blocks import HeaderJson, header_json
from node.rpc.methods.peers import online_validators
from node.rpc.openrpc.document import API_VERSION
from node.rpc.registry import Call, rpc_method

DISK_FREE_BYTES_MIN = 1024**3  # with less, people should act before blocks can not be written
CLOCK_BEHIND_MS_MAX = 1_000
LAG_MS_MAX = 10_000
POOL_SHARE_MAX = 0.8


class HealthWarning(TypedDict):
    """Something that a person should look after."""

    code: str
    text: str
    fix: str


class NodeInfoJson(TypedDict):
    """What a node is."""

    version: Annotated[str, Field(description="Version of the node's program.")]
    api: Annotated[str, Field(description="Version of the API.")]
    chain_id: str
    chain_name: str
    genesis_hash: Annotated[str, Field(description="Id of block 0.")]
    roles: Annotated[
        list[str], Field(description="validator: it makes blocks; archive: it keeps all.")
    ]
    is_dev: bool
    features: list[str]
    sponsor: Annotated[str | None, Field(description="The account it co-signs for.")]
    validator_key: str
    started_at_ms: int
    head: HeaderJson


class CatchingUpJson(TypedDict):
    """How far a node has come with what it lacks."""

    part: Annotated[
        Literal["blocks", "snapshot"],
        Field(description="What it fetches: blocks, or the state of a chain that it begins with."),
    ]
    done: Annotated[int, Field(description="How many are here: blocks, or pieces of the state.")]
    of: Annotated[int, Field(description="How many there are.")]


class NodeHealthJson(TypedDict):
    """How a node is."""

    ready: Annotated[bool, Field(description="Whether it takes transactions and answers reads.")]
    syncing: bool
    catching_up: Annotated[
        CatchingUpJson | None, Field(description="How far it has come; null: it lacks nothing.")
    ]
    height: int
    head_time_ms: int
    time_ms: Annotated[int, Field(description="The node's clock.")]
    lag_ms: Annotated[int, Field(description="How long the oldest due work has waited.")]
    peers: int
    clock_offset_ms: Annotated[int, Field(description="How far its clock was moved on purpose.")]
    disk_free_bytes: int | None
    pending: Annotated[int, Field(description="Transactions that wait for a block.")]
    unsent: Annotated[
        int, Field(description="Transactions of this node's clients that no block has yet.")
    ]
    warnings: list[HealthWarning]


@rpc_method()
def node_info(call: Call) -> NodeInfoJson:
    """Return what this node is: its program, its chain, and its part in it."""
    node = call.node
    ledger = node.ledger
    features = ["contracts", "events", "proofs", "timers"]
    if node.is_dev:
        features.append("dev")
    sponsor = node.sponsor
    if sponsor is not None:
        features.append("sponsor")
    return {
        "version": node.version,
        "api": API_VERSION,
        "chain_id": ledger.chain_id.hex(),
        "chain_name": ledger.genesis.name,
        "genesis_hash": header_json(ledger.store.header(0))["hash"],
        "roles": _roles(node),
        "is_dev": node.is_dev,
        "features": sorted(features),
        "sponsor": None if sponsor is None else encode_id("acct", account_of(sponsor)),
        "validator_key": node.validator_key.hex(),
        "started_at_ms": node.started_at_ms,
        "head": header_json(ledger.head, ledger.head_id),
    }


def _roles(node: Any) -> list[str]:
    machine = node.driver.engine.machine
    roles = ["validator"] if machine.me in machine.validators.keys else []
    return [*roles, "archive"] if node.ledger.store.keeps_all else roles


@rpc_method()
def node_health(call: Call) -> NodeHealthJson:
    """Return how this node is, with a warning for whatever a person should look after."""
    node = call.node
    now, head = node.clock.now_ms(), node.ledger.head
    unknown_feature, is_urgent = _unknown_feature(node, head.time_ms)
    vitals = Vitals(
        now_ms=now,
        head_time_ms=head.time_ms,
        lag_ms=_lag_ms(node, now),
        disk_free_bytes=_free_bytes(node.folder),
        pending=len(node.pool),
        is_halted=node.is_halted,
        failure=None if node.failure is None else str(node.failure),
        recovered=None if node.ledger.recovered_from is None else str(node.ledger.recovered_from),
        observes=node.driver.mode_reason if node.driver.mode == Mode.OBSERVER else None,
        alarm=node.driver.alarms[-1] if node.driver.alarms else None,
        paused=node.driver.trouble,
        unknown_feature=unknown_feature,
        is_upgrade_urgent=is_urgent,
        lacks_quorum=_lacks_quorum(node),
        behind=_say_behind(node),
        late=_say_late(node),
        to_sign=node.unsent.to_sign(),
    )
    return {
        "ready": node.failure is None,
        "syncing": vitals.behind is not None,
        "catching_up": _catching_up(node),
        "height": head.height,
        "head_time_ms": head.time_ms,
        "time_ms": now,
        "lag_ms": vitals.lag_ms,
        "peers": 0 if node.network is None else len(node.network.connected()),
        "clock_offset_ms": node.clock.offset_ms,
        "disk_free_bytes": vitals.disk_free_bytes,
        "pending": vitals.pending,
        "unsent": len(node.outbox),
        "warnings": find_warnings(vitals),
    }


class Vitals(NamedTuple):
    """What is measured of a running node."""

    now_ms: int
    head_time_ms: int
    lag_ms: int
    disk_free_bytes: int | None
    pending: int
    is_halted: bool
    failure: str | None
    recovered: str | None
    observes: str | None = None
    alarm: str | None = None
    paused: str | None = None
    unknown_feature: str | None = None
    is_upgrade_urgent: bool = False
    lacks_quorum: str | None = None
    behind: str | None = None
    late: str | None = None
    to_sign: int = 0


def find_warnings(  # noqa: C901, PLR0912 - a warning a line
    vitals: Vitals,
) -> list[HealthWarning]:
    """Return what a person should look after, the worst first."""
    found: list[HealthWarning] = []

    def warn(code: str, text: str, fix: str) -> None:
        found.append({"code": code, "text": text, "fix": fix})

    if vitals.failure is not None:
        fix = "read the log, see that the disk is well and has room, start the node again"
        warn("FAILED", f"the node stopped making blocks: {vitals.failure}", fix)
    if vitals.observes is not None:
        fix = "read docs/operating.md, The vote log"
        warn("OBSERVER", f"the node signs no blocks: {vitals.observes}", fix)
    if vitals.lacks_quorum is not None:
        fix = "start the other validators, look at their connections: washnode peer list"
        warn("NO_QUORUM", vitals.lacks_quorum, fix)
    if vitals.behind is not None:
        warn("SYNCING", vitals.behind, "wait: it ends by itself; what is read until then is old")
    if vitals.alarm is not None:
        warn("ALARM", vitals.alarm, "read the log; keep it for whoever maintains the program")
    if vitals.unknown_feature is not None:
        code = "UPGRADE_DUE" if vitals.is_upgrade_urgent else "UNKNOWN_FEATURE"
        fix = f"run {UPGRADE_COMMAND}, then start the node again"
        warn(code, vitals.unknown_feature, fix)
    if vitals.paused is not None:
        text = f"the node makes no blocks and votes for none: {vitals.paused}"
        warn("PAUSED", text, "go on with: washnode validator resume")
    free = vitals.disk_free_bytes
    if free is None:
        warn("DISK_UNKNOWN", "the data folder can not be asked for its free space", "look at it")
    elif free < DISK_FREE_BYTES_MIN:
        text = f"{free} bytes are free on the disk of the data folder"
        warn("DISK_LOW", text, f"make room: at least {DISK_FREE_BYTES_MIN} bytes")
    behind = vitals.head_time_ms - vitals.now_ms
    if behind > CLOCK_BEHIND_MS_MAX:
        text = f"this machine's clock is {behind} ms behind the newest block"
        warn("CLOCK_BEHIND", text, "set the clock, best by NTP, and start the node again")
    if vitals.lag_ms > LAG_MS_MAX and not vitals.is_halted:
        text = f"work has been due for {vitals.lag_ms} ms"
        warn("LAGGING", text, "see whether the machine is busy with something else")
    if vitals.is_halted:
        warn("HALTED", "blocks are held back on purpose", "end the halt when the test is over")
    if vitals.recovered is not None:
        text = f"the state was made anew from the blocks at the last start: {vitals.recovered}"
        warn("RECOVERED", text, "stop the node with its stop command; look for power cuts")
    return found + _warn_of_outbox(vitals)


def _warn_of_outbox(vitals: Vitals) -> list[HealthWarning]:
    found: list[HealthWarning] = []
    if vitals.late is not None:
        fix = "look at the line; see washnode outbox list"
        found.append({"code": "UNSENT", "text": vitals.late, "fix": fix})
    if vitals.to_sign:
        text = f"{vitals.to_sign} transactions are in no block and their time is over"
        fix = "let those who sent them sign again: washnode outbox list"
        found.append({"code": "SIGN_AGAIN", "text": text, "fix": fix})
    return found


def _lacks_quorum(node: Any) -> str | None:
    """Return why no block can be decided now, as far as the connections show it."""
    validators = node.driver.engine.machine.validators
    online, count = online_validators(node), len(validators.keys)
    if online >= validators.quorum or node.driver.engine.me not in validators.keys:
        return None
    return (
        f"{online} of {count} validators are connected, {validators.quorum} are needed: blocks "
        "wait, nothing is lost, and go on by themselves when enough are back"
    )


def _catching_up(node: Any) -> CatchingUpJson | None:
    """Return how far this node has come with catching up, or None if there is nothing to catch."""
    if node.chunks is not None:
        done, count = node.chunks
        return {"part": "snapshot", "done": done, "of": count}
    behind, height = heights_behind(node.driver.engine), node.ledger.height
    if behind <= BEHIND_MAX:
        return None
    return {"part": "blocks", "done": height, "of": height + behind}


def _say_behind(node: Any) -> str | None:
    found = _catching_up(node)
    if found is None:
        return None
    done, count = found["done"], found["of"]
    if found["part"] == "snapshot":
        return f"the node fetches a snapshot of the chain: {done} of {count} chunks are here"
    return f"the node catches up: {count - done} blocks that others have are missing here"


def _say_late(node: Any) -> str | None:
    count, age_ms = node.unsent.late()
    if not count:
        return None
    return (
        f"{count} transactions of this node's clients are in no block yet, the oldest for "
        f"{age_ms // 1_000} s; they are kept on disk and sent again by themselves"
    )


def _unknown_feature(node: Any, now_ms: int) -> tuple[str | None, bool]:
    """Return what this program lacks first and whether that leaves only days."""
    lacking = find_lacking(node)
    if not lacking:
        return None, False
    return say_lacking(lacking[0], now_ms), lacking[0].is_within(URGENT_MS, now_ms)


def _lag_ms(node: Any, now_ms: int) -> int:
    due = node.driver.next_work_time()
    return 0 if due is None else max(0, now_ms - due)


def _free_bytes(folder: Path | None) -> int | None:
    try:
        return None if folder is None else shutil.disk_usage(folder).free
    except OSError:
        return None
