"""Putting a passport together from what a node proves, without knowing how the node is asked.

`collect` is a generator: it yields keys of the state and is sent what they hold, all under one
header. It asks again, for more, until what it was sent is enough. The vehicle's secrets stay with
whoever drives it: a node sees handles.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chain.codec import decode
from chain.errors import WashError
from chain.handles import vin_commitment
from chain.tree_part import PartReader, TreePart
from consensus import Candidate
from contracts.instances import Instance
from node.passport.anchor import STEPS_MAX, NotShownError, check_walk
from node.passport.form import (
    FORMAT,
    GENESIS_BYTES_MAX,
    Content,
    Passport,
    Place,
    Vin,
)
from node.passport.rows import EntryKind, Rows, code_key, instance_key, name_key, value_hash
from node.passport.sequence import Meaning, Sequence, SequenceError

LOOK_AHEAD = 16  # handles asked for at once, or as many as were found so far
ROUNDS_MAX = 2_000  # a secret takes one at least


class NoPassportError(WashError):
    """The chain has nothing that a passport of this vehicle could be made of."""

    code = 6001


@dataclass(frozen=True, slots=True)
class Shown:
    """What a node showed: the newest block, values of keys (None: absent), and their proof."""

    head: Candidate
    values: Mapping[bytes, bytes | None]
    part: TreePart


class _WaitError(Exception):
    """More keys must be asked for first."""


Collecting = Generator[tuple[bytes, ...], Shown, Passport]


def collect(
    vehicle: bytes, secrets: tuple[bytes, ...], keeps_back: Callable[[int], bool]
) -> Collecting:
    """Yield what to ask; return the passport, without genesis and steps.

    `keeps_back` tells of a record's number, from 1, whether its contents stay out. Raises
    NoPassportError where the chain knows no such vehicle or the secrets are not all of it.
    """
    wanted: dict[bytes, None] = {name_key(): None}
    for _ in range(ROUNDS_MAX):
        shown = yield tuple(wanted)
        gathering = _Gathering(shown, wanted, vehicle, secrets)
        try:
            return gathering.passport(keeps_back)
        except _WaitError:
            continue
    raise NoPassportError("the vehicle has more entries than a passport can show")


class _Gathering:
    def __init__(
        self,
        shown: Shown,
        wanted: dict[bytes, None],
        vehicle: bytes,
        secrets: tuple[bytes, ...],
    ) -> None:
        self._shown, self._wanted = shown, wanted
        self._vehicle, self._secrets = vehicle, secrets
        self._used: dict[bytes, bytes | None] = {}

    def _get(self, key: bytes) -> bytes | None:
        """Return a value that was shown; one that was not is wanted the next time."""
        if key not in self._shown.values:
            self._wanted[key] = None
            raise _WaitError
        value = self._used[key] = self._shown.values[key]
        return value

    def _need(self, key: bytes, what: str) -> bytes:
        value = self._get(key)
        if value is None:
            text = f"the chain has no {what}"
            raise NoPassportError(text)
        return value

    def passport(self, keeps_back: Callable[[int], bool]) -> Passport:
        """Return the passport if everything was shown; else raise _WaitError."""
        contract = self._need(name_key(), "contract that keeps records")
        instance = self._need(instance_key(contract), "such contract")
        code = self._need(code_key(decode(Instance, instance).code_id), "code of that contract")
        del self._used[code_key(decode(Instance, instance).code_id)]  # its hash is enough
        rows = Rows(contract, code)
        registration = self._need(rows.key("vehicles", self._vehicle), "such vehicle")
        places = self._places(rows, keeps_back, rows.read("vehicles", registration)["secrets"])
        reader = PartReader(self._shown.head.header.state_root, self._shown.part)
        for key, value in self._used.items():
            if not reader.shows(key, value_hash(value)):
                text = "the node's answer does not prove what it says"
                raise NoPassportError(text)
        part = reader.needed()
        return Passport(
            FORMAT, b"", (), self._shown.head, contract, instance, code, self._vehicle,
            registration, None, self._secrets, places, part.nodes, part.tails,
        )  # fmt: skip

    def _places(
        self, rows: Rows, keeps_back: Callable[[int], bool], registered: int
    ) -> tuple[Place, ...]:
        walk = Sequence(self._vehicle, self._secrets)
        places: list[Place] = []
        number, waits = 0, False
        try:
            for meaning, row, found in self._entries(rows, walk):
                content = None
                number += meaning is Meaning.RECORD
                if meaning is Meaning.RECORD and not keeps_back(number):
                    try:
                        content = self._content(rows, found["record"])
                    except _WaitError:  # the others' rows can be asked for along with these
                        waits = True
                places.append(Place(row, content))
            walk.check_end(registered)
        except SequenceError as error:
            raise NoPassportError(str(error)) from error
        if waits:
            raise _WaitError
        return tuple(places)

    def _entries(
        self, rows: Rows, walk: Sequence
    ) -> Iterator[tuple[Meaning, bytes, dict[str, Any]]]:
        """Yield what stands under each handle in order; the last one looked at is empty."""
        count = 0
        while True:
            key = rows.key("places", walk.spot.handle)
            if key not in self._shown.values:
                following = walk.ahead(max(LOOK_AHEAD, count))
                self._wanted.update(dict.fromkeys(rows.key("places", one) for one in following))
            row = self._get(key)
            if row is None:
                return
            found = rows.read("places", row)
            yield walk.take(found), row, found
            count += 1

    def _content(self, rows: Rows, record: bytes) -> Content:
        row = self._need(rows.key("records", record), "such record")
        said = rows.read("records", row)
        entries = self._numbered(rows, "entries", record, range(1, said["entries"] + 1))
        corrections = self._numbered(rows, "fixes", record, range(1, said["corrections"] + 1))
        materials = [
            number
            for number, entry in enumerate(entries, 1)
            if rows.read("entries", entry)["kind"] == EntryKind.MATERIAL
        ]
        used = self._numbered(rows, "materials", record, materials)
        return Content(row, entries, used, corrections)

    def _numbered(
        self, rows: Rows, name: str, record: bytes, numbers: range | list[int]
    ) -> tuple[bytes, ...]:
        keys = [rows.key(name, record, number) for number in numbers]
        missing = [key for key in keys if key not in self._shown.values]
        if missing:
            self._wanted.update(dict.fromkeys(missing))
            raise _WaitError
        return tuple([self._need(key, f"{name} of a record") for key in keys])


def with_vin(passport: Passport, salt: bytes, vin: str) -> Passport:
    """Return the passport with the number on the car's frame, as the vehicle's file has its salt.

    Raises NoPassportError if this is not the number that was committed.
    """
    number = "".join(vin.split()).upper()
    made = replace(passport, vin=Vin(salt, number))
    found = Rows(passport.contract, passport.code).read("vehicles", passport.registration)["vin"]
    try:
        committed = vin_commitment(salt, number)
    except ValueError as error:
        raise NoPassportError(str(error)) from error
    if committed != found:
        raise NoPassportError("another VIN, or none, was committed for this vehicle")
    return made


def with_beginning(passport: Passport, genesis: bytes, steps: tuple[Candidate, ...]) -> Passport:
    """Return the passport with the way from the genesis, if these steps are one.

    None leads past a recovery, or to a node that began from a snapshot.
    """
    if not 0 < len(genesis) <= GENESIS_BYTES_MAX or len(steps) > STEPS_MAX:
        return passport
    try:
        check_walk(genesis, steps, passport.head)
    except NotShownError:
        return passport
    return replace(passport, genesis=genesis, steps=steps)
