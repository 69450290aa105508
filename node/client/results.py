"""What the client hands back."""

from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
StatusWord = Literal["unknown", "pending", "final", "failed", "expired"]


@dataclass(frozen=True, slots=True)
class Pending:
    """A transaction that the node has taken; nothing is promised before it is final."""

    tx_id: str
    valid_until: int


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction, ready to be sent, now or later, by anybody."""

    tx_id: str
    data: bytes
    nonce: int
    valid_until: int


@dataclass(frozen=True, slots=True)
class Final:
    """The outcome of a transaction in a block, which nothing changes any more.

    `ok` is false for a transaction that was refused there: then `code` and `name` say why.
    """

    tx_id: str
    height: int
    time: int
    ok: bool
    code: int
    name: str
    receipt: Json = field(repr=False)

    @property
    def events(self) -> list[Json]:
        """What happened, in order."""
        events = self.receipt.get("events")
        return list(events) if isinstance(events, list) else []

    def event(self, event_type: str) -> Json:
        """Return the values of the first event of this type, as `booking.Requested`."""
        for one in self.events:
            if one.get("type") == event_type:
                return dict(one.get("values") or {})
        seen = ", ".join(str(one.get("type")) for one in self.events) or "none"
        raise KeyError(f"no event {event_type} in transaction {self.tx_id}; there are: {seen}")
