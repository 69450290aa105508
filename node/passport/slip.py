"""A slip: one finished record for a QR code, with the block that says how it ended.

It has the receipt in which the work ended, so it stays small on a chain of any size. It says
nothing of a vehicle, and nothing of corrections made later: that is what a passport is for.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from chain.codec import decode, encode, encode_value
from chain.crypto import HASH_BYTES
from chain.errors import MalformedBytesError
from chain.ids import encode_id
from chain.merkle import leaf_hash
from chain.receipt import Event, Receipt
from consensus import Candidate
from contracts.vm.container import Container, Kind
from node.passport.anchor import Anchor, NotShownError
from node.passport.base45 import decode_base45, encode_base45
from node.passport.form import SLIP_FORMAT, Slip, read_slip
from node.passport.head import HeadCheck
from node.passport.report import Examination, Report, StoppedError

PREFIX = "WASH1:"  # letters that QR codes pack as tightly as the rest
FINISHED = "Finished"
TEXT_LENGTH_MAX = 4_296  # what the largest QR code takes of such letters


def write_slip(
    head: Candidate, receipt: bytes, place: tuple[int, int], path: Sequence[bytes]
) -> bytes:
    """Return the bytes of a slip; `place` is (index, size) of the receipt, `path` its proof."""
    same = head.next_validators == head.validators
    following = None if same else head.next_validators
    facts = (head.header, head.commit, head.validators, following)
    sides = _find_sides(*place, len(path))
    return encode(Slip(SLIP_FORMAT, *facts, receipt, sides, tuple(path)))


def _find_sides(index: int, size: int, length: int) -> int:
    """Return on which side each hash of a path stands (RFC 9162 section 2.1.3.2)."""
    sides, last = 0, size - 1
    for place in range(length):
        if index & 1 or index == last:
            sides |= 1 << place
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        index >>= 1
        last >>= 1
    return sides


def slip_text(data: bytes) -> str:
    """Return the text that the QR code of a slip has."""
    return PREFIX + encode_base45(data)


def slip_bytes(text: str) -> bytes:
    """Return the bytes of a slip from the text of its QR code, or raise MalformedBytesError."""
    if not text.startswith(PREFIX):
        said = f"the text of a slip begins with {PREFIX}"
        raise MalformedBytesError(said)
    return decode_base45(text.removeprefix(PREFIX))


def verify_slip(
    data: bytes, anchor: Anchor, container: Container, contract: bytes | None = None
) -> Report:
    """Return what a slip shows to a reader with this anchor.

    `container` is the code of the records contract that the reader's program knows, `contract` the
    network's instance of it: a slip can not prove that the operators installed it.
    """
    seen = Examination()
    try:
        with seen.check("file", "slip", length=len(data)):
            slip = read_slip(data)
    except StoppedError:
        return seen.report(is_anchored=False)
    following = slip.next_validators or slip.validators
    head = Candidate(slip.header, slip.commit, slip.validators, following)
    record = _Record(seen, slip, container, contract)
    seen.run(HeadCheck(seen, anchor, b"", (), head).look, record.look)
    return seen.report(is_anchored=anchor.is_whole and contract is not None)


class _Record:
    def __init__(
        self, seen: Examination, slip: Slip, container: Container, contract: bytes | None
    ) -> None:
        self._seen, self._slip, self._container = seen, slip, container
        self._contract = contract

    def look(self) -> None:
        """Check that the block has the receipt, and that it is of the end of one record."""
        with self._seen.check("receipt"):
            receipt = self._receipt()
            event = self._finished(receipt)
        shown = encode_id("ctr", event.contract)
        if self._contract is None:
            self._seen.skip("contract", "contract_unasked", contract=shown)
        else:
            with self._seen.check("contract", "slip_contract", contract=shown):
                if event.contract != self._contract:
                    text = f"written by {shown}, expected {encode_id('ctr', self._contract)}"
                    raise NotShownError(text)
        facts = {"contract": shown, "receipt": receipt.id.hex(), "record": self._show(event)}
        self._seen.facts.update(facts)

    def _receipt(self) -> Receipt:
        slip = self._slip
        node = leaf_hash(slip.receipt)
        for place, other in enumerate(slip.path):
            pair = other + node if slip.sides >> place & 1 else node + other
            node = sha256(b"\x01" + pair).digest()
        if node != slip.header.receipt_root or slip.sides >> len(slip.path):
            raise NotShownError("the path does not lead from the receipt to the block")
        return decode(Receipt, slip.receipt)

    def _finished(self, receipt: Receipt) -> Event:
        """Return the one event in which a record ended."""
        numbers = [
            place for place, one in enumerate(self._container.events) if one.name == FINISHED
        ]
        length = len(self._container.events[numbers[0]].fields)
        found = [
            event
            for event in receipt.events
            if event.number in numbers
            and len(event.values) == length
            and all(isinstance(value, int | bytes) for value in event.values)
            and (self._contract is None or event.contract == self._contract)
        ]
        if len(found) != 1:
            text = f"a receipt with {len(found)} ends of records, expected one"
            raise NotShownError(text)
        return found[0]

    def _show(self, event: Event) -> dict[str, Any]:
        fields = self._container.events[event.number].fields
        return {
            field.name: _shown(field.scalar.kind, value)
            for field, value in zip(fields, event.values, strict=True)
        }


def _shown(kind: int, value: Any) -> Any:
    if kind == Kind.ADDR and isinstance(value, bytes) and len(value) == HASH_BYTES:
        return encode_id("acct", value)
    return value.hex() if isinstance(value, bytes) else value


def is_slip(data: bytes) -> bool:
    """Tell whether bytes are meant as a slip, from how they begin."""
    return data[1:].startswith(encode_value(SLIP_FORMAT))
