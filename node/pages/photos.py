"""Photos in the record of a visit: which there are, and which of them are still kept."""

from typing import Any

from chain.ids import encode_id
from node.pages.asking import AskError, asked
from node.pages.page import Visit

PHOTOS_MAX = 24


async def list_photos(visit: Visit, record: str) -> list[dict[str, Any]] | None:
    """Return a record's photos in their order; None where the chain keeps no records."""
    (told,) = await visit.ask.all(
        asked(
            "events_query",
            filter={"type": "records.PhotoTaken", "values": {"record": record}},
            limit=PHOTOS_MAX,
        )
    )
    if isinstance(told, AskError):
        return None
    taken = [
        (encode_id("blb", bytes.fromhex(one["values"]["photo"])), one["time"])
        for one in told["items"]
    ]
    entries = await visit.ask.all(*[asked("consent.blob", id=blob) for blob, _time in taken])
    return [
        {"blob": blob, "time": time, "state": entry["state"]}
        for (blob, time), entry in zip(taken, entries, strict=True)
        if not isinstance(entry, AskError)  # one of which only a fingerprint was taken
    ]
