"""Model traces: states that a model checker wrote down, fed to this engine step by step.

The traces are in the Informal Trace Format (ITF), made from the Quint specification of Tendermint
in informalsystems/malachite: one validator's rules (`consensusTest`), its tallies
(`votekeeperTest`), or several validators with messages between them (`lineNN` and others). After
each step the model's state is compared with ours.
"""

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node.sim.errors import TraceError
from node.sim.itf_rounds import LoneValidator, System
from node.sim.itf_votes import Keeper

FILE_BYTES_MAX = 64 * 1024 * 1024
EXCUSES = (
    "vr in prevotes",
    "proposer order",
    "on-demand work",
    "nil-precommit shortcut",
    "skip to >= r",
)


@dataclass(slots=True)
class TraceResult:
    """What came of one model trace; `excused` counts steps by excuse."""

    name: str
    steps_compared: int = 0
    equal: int = 0
    excused: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def count(self, step: int, faults: list[str], excuse: str | None) -> None:
        """Count one compared step; `faults` say which fields differ."""
        self.steps_compared += 1
        if not faults:
            self.equal += 1
        elif excuse is not None:
            self.excused[excuse] = self.excused.get(excuse, 0) + 1
        else:
            self.differences.append(f"step {step}: {'; '.join(faults)}")


def plain(value: Any) -> Any:  # noqa: PLR0911 - a kind a line
    """Return an ITF value as plain Python: sums as (tag, value), or the tag alone.

    Sets become lists, maps dictionaries, big integers integers.
    """
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "#bigint" in value:
        return int(value["#bigint"])
    if "#set" in value:
        return [plain(one) for one in value["#set"]]
    if "#map" in value:
        return {_key(plain(one)): plain(other) for one, other in value["#map"]}
    if "#tup" in value:
        return tuple(plain(one) for one in value["#tup"])
    if value.keys() == {"tag", "value"}:
        held = plain(value["value"])
        return value["tag"] if held == () else (value["tag"], held)
    return {name: plain(one) for name, one in value.items() if name != "#meta"}


def _key(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def read_traces(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return (name, trace) of every trace in a .jsonl, .jsonl.gz or .itf.json file."""
    data = path.read_bytes()
    if path.name.endswith(".gz"):
        with gzip.open(path) as file:
            data = file.read(FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        text = f"{path.name}: more than {FILE_BYTES_MAX} bytes"
        raise TraceError(text)
    try:
        if path.name.endswith(".itf.json"):
            return [(path.name.removesuffix(".itf.json"), json.loads(data))]
        lines = [json.loads(line) for line in data.splitlines() if line.strip()]
        return [(line["name"], line["itf"]) for line in lines]
    except (ValueError, KeyError, TypeError) as error:
        text = f"{path.name} holds no model traces: {error}"
        raise TraceError(text) from error


def run_model_trace(name: str, itf: dict[str, Any]) -> TraceResult:
    """Feed a model trace to the engine and compare after each step; raises TraceError."""
    try:
        states = [plain(state) for state in itf["states"]]
        names = itf["vars"]
        result = TraceResult(name)
        if "bookkeeper" in names:
            _run(result, states, Keeper())
        elif "input" in names:
            _run(result, states, LoneValidator())
        else:
            short = [{one.rsplit("::", 1)[-1]: state[one] for one in state} for state in states]
            _run(result, short, System(short))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        text = f"{name} is no trace of a known kind: {type(error).__name__} {error}"
        raise TraceError(text) from error
    return result


def _run(result: TraceResult, states: list[dict[str, Any]], player: Any) -> None:
    """Let a player take every state that is not the one before it once more."""
    before: dict[str, Any] | None = None
    for number, state in enumerate(states):
        if state != before:
            faults, excuse = player.take(state)
            result.count(number, faults, excuse)
        before = state
