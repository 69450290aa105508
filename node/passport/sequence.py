"""The order in which a vehicle's handles are filled, and what a whole sequence is.

The owner enters things under the handles of the newest secret, from number 0 without gaps. The last
entry of a secret is the change to the next one. Somebody who sees a handle on its way to the chain
may use it first; what stands there is then without the owner's mark, or about another vehicle. Such
an entry takes up its place and is no record of this vehicle.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from chain.handles import commitment, handle, mark
from chain.types import ZERO_ID


class Meaning(Enum):
    """What stands under a handle."""

    RECORD = "record"
    CHANGE = "change"  # of the vehicle's secret
    STRANGE = "strange"  # somebody else's


class SequenceError(Exception):
    """The entries do not fit the secrets."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the sequence: entry `number` of secret `secret`, both from 0; and its handle."""

    secret: int
    number: int
    handle: bytes


class Sequence:
    """Walks from handle to handle: give `take` what stands under `spot`, until nothing does."""

    def __init__(self, vehicle: bytes, secrets: tuple[bytes, ...]) -> None:
        """Begin at the first handle of the first secret."""
        self._vehicle, self._secrets = vehicle, secrets
        self.spot = Spot(0, 0, handle(secrets[0], 0))

    def take(self, place: dict[str, Any]) -> Meaning:
        """Return what a row of `places` means at this spot, and go to the next one.

        Raises SequenceError where the secret changes to one that is not the next.
        """
        secret, number = self.spot.secret, self.spot.number
        if place["vehicle"] == self._vehicle:
            following = self._secrets[secret + 1 : secret + 2]
            if not following:
                text = f"secret {secret + 1} is not the newest: the next one is missing"
                raise SequenceError(text)
            if commitment(following[0]) != place["commitment"]:
                text = f"secret {secret + 2} is not the one that followed secret {secret + 1}"
                raise SequenceError(text)
            self.spot = Spot(secret + 1, 0, handle(following[0], 0))
            return Meaning.CHANGE
        own = mark(self._secrets[secret], number, place["record"])
        self.spot = Spot(secret, number + 1, handle(self._secrets[secret], number + 1))
        is_own = place["vehicle"] == ZERO_ID and place["mark"] == own
        return Meaning.RECORD if is_own else Meaning.STRANGE

    def check_end(self, registered: int) -> None:
        """Raise SequenceError unless the newest secret is reached, and is as many as registered."""
        count, reached = len(self._secrets), self.spot.secret + 1
        if reached != count:
            text = f"{count} secrets, but the entries lead to secret {reached} only"
            raise SequenceError(text)
        if count != registered:
            text = f"{count} secrets, and the vehicle has had {registered}"
            raise SequenceError(text)

    def ahead(self, count: int) -> Iterator[bytes]:
        """Yield the handles from this spot on, `count` of them."""
        secret = self._secrets[self.spot.secret]
        for number in range(self.spot.number, self.spot.number + count):
            yield handle(secret, number)
