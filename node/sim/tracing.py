"""Written traces: what happens to a cluster, step by step, and what must come of it.

A trace is a JSON file (docs/simulator.md). The cluster is the simulator's own, without random
faults: links, crashes and lies are those that the trace names. Every invariant is judged as always;
`expect` adds what else must hold at the end.
"""

from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node.sim.errors import TraceError

TRACE_BYTES_MAX = 1024 * 1024
_Strict = ConfigDict(frozen=True, extra="forbid")
_Node = Annotated[int, Field(ge=0, le=255)]


class Step(BaseModel):
    """One thing that happens, at `at` ms after the start; what it needs depends on `do`."""

    model_config = _Strict
    at: Annotated[int, Field(ge=0, le=86_400_000)]
    do: Literal[
        "partition", "heal", "cut", "drop", "pass", "crash", "boot", "wipe", "flip", "pay", "bell",
        "lie", "clock", "pause", "resume", "say", "vote_in", "vote_out", "recover", "keep_unsynced",
    ]  # fmt: skip
    node: _Node | None = None
    nodes: tuple[_Node, ...] = ()
    sides: tuple[tuple[_Node, ...], ...] = ()
    sender: tuple[_Node, ...] | None = None
    to: tuple[_Node, ...] | None = None
    what: str | None = None
    height: int | None = None
    round: int | None = None
    habits: tuple[str, ...] = ()
    block: Literal["nil", "proposal", "new"] = "nil"
    times: Annotated[int, Field(ge=1, le=10_000)] = 1
    valid_round: int = -1
    offset_ms: int = 0
    ledger: bool = False


class Expect(BaseModel):
    """What must hold at the end."""

    model_config = _Strict
    heights_min: int = 0
    heights_max: int | None = None
    failed_rounds_max: int | None = None
    all_equal: tuple[_Node, ...] = ()  # these nodes are at one height
    waiting: int | None = 0  # transactions that are not final
    fork: bool = False
    accused: tuple[_Node, ...] = ()
    evidence: tuple[_Node, ...] = ()
    observers: tuple[_Node, ...] = ()


class Trace(BaseModel):
    """The whole file."""

    model_config = _Strict
    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
    about: str
    validators: Annotated[int, Field(ge=1, le=50)] = 4
    byzantine: tuple[_Node, ...] = ()
    twins: Annotated[int, Field(ge=0, le=8)] = 0
    spares: Annotated[int, Field(ge=0, le=4)] = 0
    quorum: Literal["byzantine", "crash"] = "byzantine"
    heartbeat_ms: Annotated[int, Field(ge=0)] = 600_000
    seed: int = 1
    until: Annotated[int, Field(ge=1, le=86_400_000)]
    steps: tuple[Step, ...]
    expect: Expect = Expect()


def parse_trace(data: bytes) -> Trace:
    """Return the trace of a JSON file, or raise TraceError naming what is wrong."""
    if len(data) > TRACE_BYTES_MAX:
        text = f"a trace of {len(data)} bytes, at most {TRACE_BYTES_MAX} are allowed"
        raise TraceError(text)
    try:
        return Trace.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        text = f"trace, {place or 'file'}: {first['msg']}, found {repr(first['input'])[:60]}"
        raise TraceError(text) from error


def shipped_traces() -> list[Trace]:
    """Return the traces that come with the program, by name."""
    folder = files("node.sim") / "traces"
    found = [one for one in folder.iterdir() if one.name.endswith(".json")]
    return [parse_trace(one.read_bytes()) for one in sorted(found, key=lambda one: one.name)]
