"""A passport shows all records of a vehicle, and nothing that was changed or left out."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from chain.block import make_commit
from chain.handles import handle
from node.passport.anchor import Anchor
from node.passport.build import NoPassportError
from node.passport.form import Passport, read_passport, write_passport
from node.passport.report import Report, Verdict
from node.passport.verify import verify_passport
from tests.make import signer, word
from tests.node.passport.garage import OWNER, SHOP, VIN, Garage, four, secret

FLIPS = 2_000


@pytest.fixture(scope="module")
def garage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garage]:
    """Four validators; three records, a change of secret between them, and one more record."""
    start, keys = four()
    made = Garage(tmp_path_factory.mktemp("garage"), start, keys)
    made.register()
    for place in range(3):
        made.attach(made.wash(materials=place), place)
    made.rotate(3)
    made.attach(made.wash(), 0)
    yield made
    made.chain.close()


@pytest.fixture(scope="module")
def good(garage: Garage) -> bytes:
    return garage.file()


def verdict(garage: Garage, passport: Passport | bytes) -> Verdict:
    data = passport if isinstance(passport, bytes) else write_passport(passport)
    return verify_passport(data, garage.anchor()).verdict


def failed(report: Report) -> list[str]:
    """Return the codes of the checks that failed."""
    return [one.code for one in report.checks if one.ok is False]


def test_a_good_passport_shows_every_record_in_order(garage: Garage, good: bytes) -> None:
    report = verify_passport(good, garage.anchor())

    records = report.facts["records"]
    visits = [word(f"visit {number}").hex() for number in range(1, 5)]
    assert report.verdict is Verdict.GOOD
    assert [one.code for one in report.checks] == [
        *("file", "certificate", "genesis", "network", "checkpoint", "state", "contract"),
        *("vehicle", "vin", *["record"] * 5, "secrets", "end", "nothing_else"),
    ]
    assert all(one.ok for one in report.checks)
    assert [one["record"] for one in records] == visits
    assert [len(one["content"]["materials"]) for one in records] == [0, 1, 2, 1]
    assert records[2]["content"]["materials"][1] == {
        "entry": 3, "sku": "WAX-7", "batch": "B1", "quantity": 25, "unit": 1,
    }  # fmt: skip
    assert report.facts["vehicle"]["secrets"] == 2


def test_without_an_anchor_the_file_only_agrees_with_itself(garage: Garage, good: bytes) -> None:
    whole = garage.anchor()
    anchors = (
        Anchor(),
        Anchor(whole.chain_id),
        Anchor(None, whole.height, whole.validators_hash),
    )

    verdicts = [verify_passport(good, anchor).verdict for anchor in anchors]

    assert verdicts == [Verdict.UNANCHORED] * 3


def test_a_checkpoint_of_any_height_serves_while_the_validators_are_the_same(
    garage: Garage, good: bytes
) -> None:
    height = garage.chain.ledger.height
    first = garage.anchor(height)

    for at in (1, height - 1, height, height + 1_000):
        assert verify_passport(good, replace(first, height=at)).verdict is Verdict.GOOD


@pytest.mark.parametrize("field", ["chain_id", "validators_hash"])
def test_a_wrong_anchor_is_refused(garage: Garage, good: bytes, field: str) -> None:
    wrong = replace(garage.anchor(), **cast("dict[str, Any]", {field: word("other")}))

    report = verify_passport(good, wrong)

    assert report.verdict is Verdict.BAD
    assert failed(report) == ["network" if field == "chain_id" else "checkpoint"]
    assert report.facts == {}


def test_no_byte_of_a_passport_can_be_changed(garage: Garage, good: bytes) -> None:
    anchor, random = garage.anchor(), Random(7)
    places = random.sample(range(len(good)), min(FLIPS, len(good)))

    taken = []
    for place in places:
        changed = bytearray(good)
        changed[place] ^= 1 << random.randrange(8)
        if verify_passport(bytes(changed), anchor).verdict is not Verdict.BAD:
            taken.append(place)

    assert taken == []


def test_bytes_cut_off_or_added_are_refused(garage: Garage, good: bytes) -> None:
    for data in (b"", good[:-1], good[:100], good + b"\x00", good + good):
        assert verdict(garage, data) is Verdict.BAD


@pytest.mark.parametrize("left_out", range(5))
def test_a_record_or_a_change_of_secret_can_not_be_left_out(
    garage: Garage, good: bytes, left_out: int
) -> None:
    whole = read_passport(good)
    places = list(whole.places)
    del places[left_out]

    report = verify_passport(write_passport(replace(whole, places=tuple(places))), garage.anchor())

    assert report.verdict is Verdict.BAD
    assert failed(report) == ["end" if left_out == 4 else "record"]


def test_the_newest_secret_can_not_be_kept_back_with_its_records(
    garage: Garage, good: bytes
) -> None:
    whole = read_passport(good)
    shorter = replace(whole, secrets=whole.secrets[:1], places=whole.places[:3])

    assert verdict(garage, shorter) is Verdict.BAD
    with pytest.raises(NoPassportError):
        garage.passport(secrets=1)


def test_contents_can_be_kept_back_and_existence_can_not(garage: Garage, good: bytes) -> None:
    data = garage.file(back=(1, 3))

    report = verify_passport(data, garage.anchor())

    shown = [one["content"] is not None for one in report.facts["records"]]
    assert report.verdict is Verdict.GOOD
    assert shown == [False, True, False, True]
    assert len(data) < len(good)
    assert next(one.said() for one in report.checks if one.code == "record") == (
        "record 1 is there, its contents are kept back"
    )


def test_a_part_of_a_records_contents_can_not_be_left_out_or_changed(
    garage: Garage, good: bytes
) -> None:
    whole = read_passport(good)
    content = whole.places[2].content
    assert content is not None

    def changed(**fields: Any) -> Verdict:
        places = list(whole.places)
        places[2] = replace(places[2], content=replace(content, **fields))
        return verdict(garage, replace(whole, places=tuple(places)))

    assert changed() is Verdict.GOOD
    assert changed(entries=content.entries[:-1]) is Verdict.BAD
    assert changed(entries=content.entries[::-1]) is Verdict.BAD
    assert changed(materials=()) is Verdict.BAD
    assert changed(materials=content.materials[::-1]) is Verdict.BAD
    assert changed(corrections=(content.record,)) is Verdict.BAD
    assert changed(record=content.record[:-1]) is Verdict.BAD


def test_secrets_of_another_vehicle_show_nothing(garage: Garage, good: bytes) -> None:
    whole = read_passport(good)

    assert verdict(garage, replace(whole, secrets=())) is Verdict.BAD
    assert verdict(garage, replace(whole, secrets=(secret("9"), whole.secrets[1]))) is Verdict.BAD
    assert verdict(garage, replace(whole, secrets=(whole.secrets[0], secret("9")))) is Verdict.BAD
    assert verdict(garage, replace(whole, secrets=(*whole.secrets, secret("3")))) is Verdict.BAD
    assert verdict(garage, replace(whole, vehicle=word("other"))) is Verdict.BAD


def test_the_number_on_the_frame_is_shown_or_not_at_all(garage: Garage, good: bytes) -> None:
    whole = read_passport(good)
    silent = verify_passport(write_passport(replace(whole, vin=None)), garage.anchor())
    assert whole.vin is not None

    assert verify_passport(good, garage.anchor()).facts["vehicle"]["vin"] == VIN
    assert (silent.verdict, silent.facts["vehicle"]["vin"]) == (Verdict.GOOD, None)
    for number in (VIN.lower(), VIN[:-1], VIN[:-1] + "2", "W W"):
        other = replace(whole, vin=replace(whole.vin, number=number))
        assert failed(verify_passport(write_passport(other), garage.anchor())) == ["vin"]


def test_a_certificate_below_quorum_is_refused(garage: Garage, good: bytes) -> None:
    whole = read_passport(good)
    head, commit = whole.head, whole.head.commit
    signed = dict(zip(head.validators.keys, commit.signatures, strict=True))

    for count, expected in ((4, Verdict.GOOD), (3, Verdict.GOOD), (2, Verdict.BAD)):
        some = dict(list(signed.items())[:count])
        fewer = make_commit(head.validators, (commit.height, 0), commit.block_id, some)
        cut = replace(whole, head=replace(head, commit=fewer))
        assert verdict(garage, cut) is expected


def test_code_that_is_not_the_contracts_is_refused(garage: Garage, good: bytes) -> None:
    whole = read_passport(good)
    other = replace(whole, code=whole.code[:-1] + bytes([whole.code[-1] ^ 1]))

    assert failed(verify_passport(write_passport(other), garage.anchor())) == ["contract"]


def test_idle_pieces_of_the_state_are_refused(garage: Garage, good: bytes) -> None:
    whole = read_passport(good)
    more = replace(whole, tails=(*whole.tails, bytes(64)))

    assert failed(verify_passport(write_passport(more), garage.anchor())) == ["nothing_else"]


def test_code_that_the_program_does_not_know_is_told_and_no_fault(
    garage: Garage, good: bytes
) -> None:
    report = verify_passport(good, garage.anchor(), (word("newer code"),))

    assert report.verdict is Verdict.GOOD
    assert [one.code for one in report.checks if one.ok is None] == ["code"]


def test_what_somebody_else_put_under_a_handle_takes_its_place_and_is_no_record(
    tmp_path: Path,
) -> None:
    garage = Garage(tmp_path)
    garage.register()
    mine, other = garage.wash(), garage.wash(customer=SHOP)
    stolen = handle(garage.secrets[0], 0)
    garage.call(SHOP, "attach", other, stolen, word("no mark"))
    garage.attach(mine, 1)

    report = verify_passport(garage.file(), garage.anchor())
    garage.chain.close()

    assert report.verdict is Verdict.GOOD
    assert [one["record"] for one in report.facts["records"]] == [mine.hex()]
    assert [one.code for one in report.checks if one.said().startswith("entry 1")] == ["record"]


def test_a_record_taken_out_again_stays_readable(tmp_path: Path) -> None:
    garage = Garage(tmp_path)
    garage.register()
    wrong = garage.wash()
    garage.attach(wrong, 0)
    garage.call(OWNER, "detach", wrong, bytes(32), sponsor=signer(SHOP))

    report = verify_passport(garage.file(), garage.anchor())
    garage.chain.close()

    (record,) = report.facts["records"]
    assert report.verdict is Verdict.GOOD
    assert record["detached_at"] == garage.chain.now
    assert [one["reason"] for one in record["content"]["corrections"]] == [2]


def test_a_vehicle_without_records_has_a_passport_too(tmp_path: Path) -> None:
    garage = Garage(tmp_path)
    with pytest.raises(NoPassportError):
        garage.passport()
    garage.register()

    report = verify_passport(garage.file(), garage.anchor())
    garage.chain.close()

    assert (report.verdict, report.facts["records"]) == (Verdict.GOOD, [])


def test_more_entries_than_are_looked_for_at_once_are_found(tmp_path: Path) -> None:
    garage = Garage(tmp_path)
    garage.register()
    for place in range(20):
        garage.attach(garage.wash(materials=0), place)

    report = verify_passport(garage.file(), garage.anchor())
    garage.chain.close()

    assert len(report.facts["records"]) == 20
