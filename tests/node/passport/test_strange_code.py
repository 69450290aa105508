"""Contracts that a forger installs on a chain of his own: read as far as they fit, or refused."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.codec import encode_value
from chain.handles import commitment, handle
from chain.tree_part import prove_keys
from node import catalog
from node.passport.anchor import Anchor
from node.passport.form import FORMAT, SLIP_FORMAT, Passport, write_passport
from node.passport.report import Verdict
from node.passport.rows import code_key, instance_key, name_key
from node.passport.slip import verify_slip
from node.passport.verify import verify_passport
from node.rpc.reading.light_steps import candidate_at
from tests.make import TestChain, word
from tests.node.passport.garage import secret

PLACE = """record: Hash
    mark: Hash
    vehicle: Hash
    commitment: Hash
    at: Time
    detached_at: Time"""
SOURCE = '''
from wash import *

class Vehicle(Record):
    {vehicle}

class Place(Record):
    {place}

class Service(Record):
    shop: Address
    entries: u16
    corrections: u16
    handle: Hash
    service: u16
    finished_at: Time

class Entry(Record):
    kind: {kind}

class Records(Contract):
    """Records."""

    {vehicles}: Map[Hash, Vehicle]
    places: Map[{place_key}, Place]
    records: Map[Hash, Service]
    entries: Map[tuple[Hash, {number}], Entry]
    materials: Map[tuple[Hash, u16], Entry]
    fixes: Map[tuple[Hash, u16], Entry]

    @action
    def register(self, vehicle: Hash, commitment: Hash):
        """Register a vehicle."""
        self.{vehicles}[vehicle] = Vehicle(commitment=commitment, secrets=1)
'''
GOOD = {
    "vehicle": "commitment: Hash\n    vin: Hash\n    secrets: u16",
    "place": PLACE,
    "kind": "u8",
    "vehicles": "vehicles",
    "place_key": "Hash",
    "number": "u16",
}
VEHICLE, SECRET = word("vehicle"), secret("1")


def forge(folder: Path, source: str) -> bytes:
    """Return the passport of a vehicle without records, under a contract of one's own."""
    chain = TestChain(folder)
    contract = chain.deploy(source, assets=(), installed="records")
    assert chain.call("olga", contract, "register", VEHICLE, commitment(SECRET)).ok
    store = chain.ledger.store
    instance = store.get(instance_key(contract)) or b""
    code = next(value for _key, value in store.iterate(code_key(bytes(32)), code_key(b"\xff" * 32)))
    prefix = b"\x10" + contract
    ((key, registration),) = list(store.iterate(prefix, prefix + b"\xff"))
    shown = (name_key(), instance_key(contract), key, prefix + b"\x01" + handle(SECRET, 0))
    part = prove_keys(store, shown)
    head = candidate_at(chain.ledger, chain.ledger.height)
    chain.close()
    return write_passport(
        Passport(
            FORMAT, b"", (), head, contract, instance, code, VEHICLE, registration, None,
            (SECRET,), (), part.nodes, part.tails,
        )
    )  # fmt: skip


def look(data: bytes) -> tuple[Verdict, list[str]]:
    report = verify_passport(data, Anchor())
    return report.verdict, [one.code for one in report.checks if one.ok is False]


def test_code_that_keeps_more_or_other_things_besides_is_read(tmp_path: Path) -> None:
    more = {**GOOD, "place": PLACE + "\n    note: Text[24]", "kind": "u16"}

    assert look(forge(tmp_path / "good", SOURCE.format(**GOOD))) == (Verdict.UNANCHORED, [])
    assert look(forge(tmp_path / "more", SOURCE.format(**more))) == (Verdict.UNANCHORED, [])


@pytest.mark.parametrize(
    "change",
    [
        {"vehicles": "cars"},
        {"vehicle": "commitment: u16\n    vin: Hash\n    secrets: u16"},
        {"vehicle": "commitment: Hash\n    secrets: u16"},
        {"vehicle": "commitment: Hash\n    vin: Hash\n    secrets: Hash"},
        {"place": PLACE.replace("record: Hash", "record: u32")},
        {"place": PLACE.replace("at: Time", "at: Hash", 1)},
        {"place_key": "u32"},
        {"kind": "Text[8]"},
        {"number": "u32"},
    ],
)
def test_code_that_keeps_other_things_under_these_names_is_refused(
    tmp_path: Path, change: dict[str, str]
) -> None:
    source = SOURCE.format(**{**GOOD, **change})
    if "commitment: u16" in source or "secrets: Hash" in source:
        source = source.replace("commitment=commitment, secrets=1", "vin=commitment")

    assert look(forge(tmp_path, source)) == (Verdict.BAD, ["contract"])


scalars = st.none() | st.booleans() | st.integers(-9, 2**40) | st.binary(max_size=40)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=14), max_leaves=20)
named = st.builds(
    lambda name, rest: [name, *rest],
    st.sampled_from([FORMAT, SLIP_FORMAT]),
    st.lists(values, min_size=7, max_size=14),
)


@settings(max_examples=40)
@given(st.binary(max_size=200) | named.map(encode_value))
def test_any_bytes_are_refused_without_an_accident(data: bytes) -> None:
    container = catalog.program("records").container

    assert verify_passport(data, Anchor()).verdict is Verdict.BAD
    assert verify_slip(data, Anchor(), container).verdict is Verdict.BAD
