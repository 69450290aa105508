"""Messages as bytes and back, as a network carries them."""

from dataclasses import dataclass

from chain.codec import decode, encode, wire
from consensus import Message


@wire()
@dataclass(frozen=True, slots=True)
class Envelope:
    """One message with its tag."""

    message: Message


def over_the_wire(message: Message) -> Message:
    """Return what the receiver of a message's bytes has."""
    return decode(Envelope, encode(Envelope(message))).message
