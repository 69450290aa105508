"""Checking a passport file: no network, no node, no database, no clock.

What comes out depends on the bytes and on what the reader brings, the anchor, alone. A good
passport shows every record that its owner entered for the vehicle up to the head, in order. It can
not show a visit that was never entered, nor that there is no newer passport.
"""

from typing import Any

from chain.codec import decode
from chain.handles import commitment, vin_commitment
from chain.ids import encode_id
from chain.tree_part import PartReader, TreePart
from contracts.instances import Instance
from contracts.vm.container import code_id
from node.passport.anchor import Anchor, NotShownError
from node.passport.form import Content, Passport, Place, read_passport
from node.passport.head import HeadCheck
from node.passport.report import Examination, Report, StoppedError
from node.passport.rows import EntryKind, Rows, instance_key, name_key, value_hash
from node.passport.sequence import Meaning, Sequence, Spot


def verify_passport(data: bytes, anchor: Anchor, known_codes: tuple[bytes, ...] = ()) -> Report:
    """Return what a passport file shows to a reader with this anchor.

    `known_codes` are ids of code that the reader's program knows; others are told, and no fault:
    the operators of the network installed them.
    """
    seen = Examination()
    try:
        with seen.check("file", length=len(data)):
            passport = read_passport(data)
    except StoppedError:
        return seen.report(is_anchored=False)
    head = HeadCheck(seen, anchor, passport.genesis, passport.steps, passport.head)
    seen.run(head.look, _Records(seen, passport, known_codes).look)
    return seen.report(is_anchored=anchor.is_whole)


class _Records:
    """The contract, the vehicle, and its records in order."""

    def __init__(
        self, seen: Examination, passport: Passport, known_codes: tuple[bytes, ...]
    ) -> None:
        self._seen, self._passport, self._known = seen, passport, known_codes

    def look(self) -> None:
        """Check all that the state shows, and that nothing in the file is idle."""
        seen, passport = self._seen, self._passport
        pieces = TreePart(passport.nodes, passport.tails)
        count = len(pieces.nodes) + len(pieces.tails)
        with seen.check("state", count=count):
            self._tree = PartReader(passport.head.header.state_root, pieces)
        self._contract()
        self._vehicle()
        self._sequence()
        with seen.check("nothing_else"):
            if self._tree.needed() != pieces:
                raise NotShownError("there are pieces of the state that show nothing asked for")

    def _need(self, what: str, key: bytes, value: bytes | None) -> None:
        if not self._tree.shows(key, value_hash(value)):
            said = "its absence" if value is None else f"these {len(value)} bytes"
            text = f"{what}: the state does not show {said}"
            raise NotShownError(text)

    def _contract(self) -> None:
        passport = self._passport
        shown = encode_id("ctr", passport.contract)
        with self._seen.check("contract", contract=shown):
            self._need("name", name_key(), passport.contract)
            self._need("instance", instance_key(passport.contract), passport.instance)
            found = decode(Instance, passport.instance).code_id
            if code_id(passport.code) != found:
                text = f"code {code_id(passport.code).hex()}, it runs {found.hex()}"
                raise NotShownError(text)
            self._rows = Rows(passport.contract, passport.code)
        if self._known and found not in self._known:
            self._seen.skip("code", "code_unknown", code_id=found.hex()[:16])
        self._seen.facts.update(contract=shown, code_id=found.hex())

    def _vehicle(self) -> None:
        passport, rows = self._passport, self._rows
        shown = encode_id("veh", passport.vehicle)
        with self._seen.check("vehicle", vehicle=shown):
            key = rows.key("vehicles", passport.vehicle)
            self._need("registration", key, passport.registration)
            self._registration = rows.read("vehicles", passport.registration)
            if not passport.secrets:
                raise NotShownError("there is no secret of the vehicle")
            if commitment(passport.secrets[0]) != self._registration["commitment"]:
                raise NotShownError("the first secret is not the one that was registered")
        self._seen.facts["vehicle"] = {
            "id": shown,
            **rows.show("vehicles", passport.registration),
            "vin": self._vin(),
        }

    def _vin(self) -> str | None:
        vin = self._passport.vin
        if vin is None:
            self._seen.skip("vin", "vin_missing")
            return None
        with self._seen.check("vin", vin=vin.number):
            try:
                committed = vin_commitment(vin.salt, vin.number)
            except ValueError as error:
                raise NotShownError(str(error)) from error
            if committed != self._registration["vin"] or vin.number != vin.number.upper():
                raise NotShownError("this is not the number that the owner committed")
        return vin.number

    def _sequence(self) -> None:
        passport = self._passport
        walk = Sequence(passport.vehicle, passport.secrets)
        records: list[dict[str, Any]] = []
        for place in passport.places:
            self._entry(walk, place, records)
        self._seen.facts["records"] = records
        with self._seen.check("secrets", count=len(passport.secrets)):
            walk.check_end(self._registration["secrets"])
        height = passport.head.header.height
        with self._seen.check("end", height=height, count=len(records)):
            self._need("next entry", self._rows.key("places", walk.spot.handle), None)

    def _entry(self, walk: Sequence, place: Place, records: list[dict[str, Any]]) -> None:
        spot = walk.spot
        where = f"entry {spot.number + 1} of secret {spot.secret + 1}"
        numbers = {"secret": spot.secret + 1, "entry": spot.number + 1}
        with self._seen.check("record") as line:
            self._need(where, self._rows.key("places", spot.handle), place.row)
            found = self._rows.read("places", place.row)
            meaning = walk.take(found)
            if meaning is Meaning.RECORD:
                records.append(self._record(len(records) + 1, spot, place, found))
                line.say(_record_sentence(place, found), number=len(records))
            elif place.content is not None:
                text = f"{where}: contents of what is no record"
                raise NotShownError(text)
            else:
                line.say(meaning.value, **numbers)

    def _record(
        self, number: int, spot: Spot, place: Place, found: dict[str, Any]
    ) -> dict[str, Any]:
        shown = {
            "number": number,
            "record": found["record"].hex(),
            "entered_at": found["at"],
            "detached_at": found["detached_at"] or None,
            "content": None,
        }
        if place.content is not None:
            shown["content"] = self._content(spot, found, place.content)
        return shown

    def _content(self, spot: Spot, found: dict[str, Any], content: Content) -> dict[str, Any]:
        rows, record = self._rows, found["record"]
        self._need("record", rows.key("records", record), content.record)
        said = rows.read("records", content.record)
        if not found["detached_at"] and said["handle"] != spot.handle:
            raise NotShownError("the record says that it stands elsewhere")
        self._lengths("entries", said["entries"], content.entries)
        self._lengths("corrections", said["corrections"], content.corrections)
        numbers = []
        for number, row in enumerate(content.entries, 1):
            self._need(f"entry {number}", rows.key("entries", record, number), row)
            if rows.read("entries", row)["kind"] == EntryKind.MATERIAL:
                numbers.append(number)
        self._lengths("materials", len(numbers), content.materials)
        for number, row in zip(numbers, content.materials, strict=True):
            self._need(f"material {number}", rows.key("materials", record, number), row)
        for number, row in enumerate(content.corrections, 1):
            self._need(f"correction {number}", rows.key("fixes", record, number), row)
        return {
            **rows.show("records", content.record),
            "entries": [rows.show("entries", row) for row in content.entries],
            "materials": [
                {"entry": number, **rows.show("materials", row)}
                for number, row in zip(numbers, content.materials, strict=True)
            ],
            "corrections": [rows.show("fixes", row) for row in content.corrections],
        }

    @staticmethod
    def _lengths(what: str, expected: int, found: tuple[bytes, ...]) -> None:
        if len(found) != expected:
            text = f"{len(found)} {what}, the record has {expected}"
            raise NotShownError(text)


def _record_sentence(place: Place, found: dict[str, Any]) -> str:
    if found["detached_at"]:
        return "record_taken_out"
    return "record_kept_back" if place.content is None else "record"
