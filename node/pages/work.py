"""What the record of a visit has so far: steps of the work, and photos that are still kept."""

from dataclasses import dataclass
from typing import Any

from chain.ids import encode_id
from node.pages.asking import AskError, asked
from node.pages.page import Visit

ENTRIES_MAX = 200
PHOTOS_MAX = 24


@dataclass(frozen=True, slots=True)
class Work:
    """What was done to a car, in its order: steps by their codes, photos by their names."""

    steps: list[dict[str, Any]]
    photos: list[dict[str, Any]]


async def read_work(visit: Visit, record: str) -> Work | None:
    """Return what a record says of the work; None where the chain keeps no records."""
    wish = {"type": "records.*", "values": {"record": record}}
    (told,) = await visit.ask.all(asked("events_query", filter=wish, limit=ENTRIES_MAX))
    if isinstance(told, AskError):
        return None
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for one in told["items"]:
        by_kind.setdefault(str(one["type"]).rpartition(".")[2], []).append(one)
    steps = [
        {"code": one["values"]["code"], "time": one["time"]} for one in by_kind.get("StepDone", [])
    ]
    return Work(steps, await _photos(visit, by_kind.get("PhotoTaken", [])[:PHOTOS_MAX]))


async def _photos(visit: Visit, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    taken = [
        (encode_id("blb", bytes.fromhex(one["values"]["photo"])), one["time"]) for one in events
    ]
    entries = await visit.ask.all(*[asked("consent.blob", id=blob) for blob, _time in taken])
    return [
        {"blob": blob, "time": time, "state": entry["state"]}
        for (blob, time), entry in zip(taken, entries, strict=True)
        if not isinstance(entry, AskError)  # one of which only a fingerprint was taken
    ]
