"""Long ways of cars over four validators: one is sold, another one is checked in wrongly."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chain.crypto import sha256
from chain.handles import handle, mark
from chain.ids import decode_id
from node.client import AsyncWash
from node.client.passports import fetch_passport
from node.client.records import Records
from node.client.results import Final
from node.client.vehicles import VehicleFile, new_vehicle, write_vehicle
from node.demo.accounts import account_of, signer_of
from node.passport.anchor import Anchor
from node.passport.build import NoPassportError
from node.passport.form import write_passport
from node.passport.report import Report, Verdict
from node.passport.verify import verify_passport
from tests.e2e.journey_net import DAY_MS, HOUR_MS, JourneyNet, acct, calling
from tests.e2e.journey_town import (
    NONE,
    POLISH,
    POLISH_PRICE,
    STANDARD,
    WASH_PRICE,
    book,
    change,
    open_shops,
    refused,
    said,
    sentences,
    told_of,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
SCRATCH, POLISHED = {"note": "scratch at the left door"}, {"note": "scratch polished out"}
DEPOSIT = 9_975
WRONG_CAR = 2  # the reason of a correction, as the contract numbers it
ROOT = Path(__file__).resolve().parents[2]


def open_shop_with_staff(net: JourneyNet, shop: str) -> None:
    """Open a shop whose owner works alone, so its own key is its staff's."""
    open_shops(net, shop)
    rights: dict[str, Any] = {"duty": 1, "scopes": 31, "refund_max": 0, "device": NONE}
    listed: dict[str, Any] = {
        "key": signer_of(shop).public_key.hex(),
        "until": net.now + 365 * DAY_MS,
    }
    net.do(shop, [calling("shops.set_staff", **rights, **listed)])


def register(net: JourneyNet, owner: str) -> VehicleFile:
    """Let somebody begin the history of a car; returns the file with its secret."""
    made = new_vehicle(bytes.fromhex(net.ask("node_info")["chain_id"]))
    first: dict[str, Any] = {"commitment": made.commitment().hex(), "vin": NONE, "size": 1}
    net.call(owner, "records.register_vehicle", vehicle=made.vehicle, **first)
    return made


def work_on(net: JourneyNet, customer: str, shop: str, booking: str, notes: str) -> str:
    """Record the work on a car that is checked in, until it is paid; returns the record."""
    record = decode_id(booking, "bkg").hex()
    net.call(shop, "booking.start_service", id=booking)
    net.call(shop, "records.start", visit=record, redo_of=NONE, odometer=42)
    written: dict[str, Any] = {"result": "DONE", "notes": sha256(notes.encode()).hex()}
    net.call(shop, "records.finish", record=record, number=2, **written)
    net.call(shop, "booking.ready", id=booking)
    net.call(customer, "booking.confirm", id=booking)
    return record


def visit(net: JourneyNet, customer: str, shop: str, notes: str) -> str:
    """Let a customer have a wash that is recorded; returns the record."""
    slot = net.now + HOUR_MS
    booking = book(net, customer, shop, slot)
    net.at(slot).call(customer, "booking.check_in", id=booking, sponsor=shop)
    return work_on(net, customer, shop, booking, notes)


def place_of(file: VehicleFile, place: int, record: str) -> dict[str, Any]:
    """Return where a record stands under a car's newest secret, and the owner's mark on it."""
    secret = file.secret_bytes()[-1]
    marked = mark(secret, place, bytes.fromhex(record))
    return {"handle": handle(secret, place).hex(), "mark": marked.hex()}


def washnode(*words: str) -> Any:
    """Run a command and return its answer."""
    done = subprocess.run(
        [sys.executable, "-m", "node", *words, "--json"],
        capture_output=True, check=False, cwd=ROOT, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def look_at(net: JourneyNet, data: bytes) -> Report:
    """Check a passport without the network, but for what its page says of today."""
    head = net.wash.head()
    chain_id = bytes.fromhex(net.ask("node_info")["chain_id"])
    anchor = Anchor(chain_id, head["height"], bytes.fromhex(head["validators_hash"]))
    report = verify_passport(data, anchor)
    assert report.verdict is Verdict.GOOD, [one.said() for one in report.checks]
    return report


def export(net: JourneyNet, file: VehicleFile) -> bytes:
    """Return a car's passport."""
    return write_passport(fetch_passport(net.wash.rpc, file.vehicle_id, file.secret_bytes()))


def records_of(report: Report) -> list[str]:
    """Return the records that a passport shows."""
    return [one["record"] for one in report.facts["records"]]


def sell(net: JourneyNet, file: VehicleFile, buyer: str) -> VehicleFile:
    """Let the buyer take an offered car, with a secret of the buyer's own; returns its new file."""
    mine = file.with_new_secret()
    taken: dict[str, Any] = {
        "handle": handle(file.secret_bytes()[-1], 1).hex(),
        "commitment": mine.commitment().hex(),
    }
    net.call(buyer, "records.accept_vehicle", vehicle=file.vehicle, **taken)
    return mine


def test_a_sold_cars_past_goes_along_and_the_seller_sees_nothing_new(
    journeys: JourneyNet, tmp_path: Path
) -> None:
    net, seller, buyer = journeys, "customer19", "customer20"
    open_shop_with_staff(net, "shop3")
    sellers = register(net, seller)
    first = visit(net, seller, "shop3", "scratch")
    net.call(seller, "records.attach", record=first, **place_of(sellers, 0, first))
    write_vehicle(tmp_path / "car.json", sellers)
    passport = tmp_path / "car.passport"

    url = net.net["node1"].rpc_url
    exported = washnode(
        "passport", "export", str(tmp_path / "car.json"), "--out", str(passport), "--rpc", url
    )
    checkpoint = f"{exported['height']}:{exported['validators_hash']}"
    words = ("--genesis", exported["chain_id"], "--checkpoint", checkpoint)
    verified = washnode("passport", "verify", str(passport), *words)
    until = net.now + 20 * DAY_MS
    net.call(seller, "records.offer_vehicle", vehicle=sellers.vehicle, to=acct(buyer), until=until)
    buyers = sell(net, sellers, buyer)
    second = visit(net, buyer, "shop3", "polished")
    net.call(buyer, "records.attach", record=second, **place_of(buyers, 0, second))
    whole = look_at(net, export(net, buyers))
    with pytest.raises(NoPassportError, match="the next one is missing"):
        export(net, sellers)
    with net.refuses("not_owner"):
        net.call(
            seller,
            "records.rotate",
            vehicle=sellers.vehicle,
            handle="11" * 32,
            commitment="22" * 32,
        )

    assert (verified["verdict"], [one["record"] for one in verified["facts"]["records"]]) == (
        "good",
        [first],
    )
    assert records_of(look_at(net, passport.read_bytes())) == [first]
    assert records_of(whole) == [first, second]
    assert whole.facts["vehicle"]["owner"] == acct(buyer)
    known = {handle(sellers.secret_bytes()[0], place) for place in range(100)}
    assert handle(buyers.secret_bytes()[1], 0) not in known
    (transferred,) = net.events("records.VehicleTransferred", vehicle=sellers.vehicle)
    named = {"vehicle": sellers.vehicle, "before": seller, "owner": buyer}
    assert net.plain(transferred["values"]) == named
    assert told_of(net, transferred) == said("a car's history is taken over")
    assert len(net.roots()) == 1


def test_the_sellers_details_close_with_the_sale(journeys: JourneyNet) -> None:
    net = journeys
    open_shops(net, "shop1")

    with net.switched_on("shop1"):
        told = net.meanwhile(hand_over_and_close(net.net["shop1"].rpc_url, net.now + 30 * DAY_MS))
        agreed = net.roots()

    assert told["before"] == (SCRATCH, POLISHED)
    assert told["revoked"] == (3501, "NO_CONSENT")
    assert told["seller"] == [(3501, "NO_CONSENT")] * 2
    assert told["erased"] == [(3503, "BLOB_GONE")] * 3
    assert len(agreed) == 1


async def hand_over_and_close(url: str, until: int) -> dict[str, Any]:
    """Let a buyer read what a seller allows, and each of them lose what is the other's."""
    async with AsyncWash(url, timeout_s=60) as wash:
        names = ("shop1", "customer19", "customer20")
        shop, seller, buyer = [Records(wash, signer_of(one)) for one in names]
        told: dict[str, Any] = {}
        old = await shop.keep(SCRATCH, owner=account_of("customer19"), kind="NOTES")
        terms: dict[str, Any] = {"until": until, "kinds": ["NOTES"], "blobs": [old]}
        await seller.grant(account_of("customer20"), "HANDOVER", **terms)
        seen = (await buyer.read(old, "HANDOVER")).content
        await seller.revoke_all()
        told["revoked"] = await refused(buyer.read(old, "HANDOVER"))
        new = await shop.keep(POLISHED, owner=account_of("customer20"), kind="NOTES")
        told["before"] = seen, (await buyer.read(new, "SERVICE")).content
        told["seller"] = [await refused(seller.read(new, one)) for one in ("SERVICE", "HANDOVER")]
        await seller.erase(old)
        told["erased"] = [await refused(one.read(old, "SERVICE")) for one in (shop, seller, buyer)]
        return told


def check_in_the_wrong_car(net: JourneyNet, customer: str, shop: str) -> tuple[str, str, Final]:
    """Let staff mix up two visits, and both correct it; returns wash, polish, the correction."""
    slot = net.now + HOUR_MS
    wash = book(net, customer, shop, slot)
    terms: dict[str, Any] = {"service": POLISH, "price": POLISH_PRICE, "policy": STANDARD}
    polish = book(net, customer, shop, slot, held=DEPOSIT, **terms)
    net.at(slot).call(customer, "booking.check_in", id=polish, sponsor=shop)
    with net.refuses("shop_must_sign"):
        net.call(customer, "booking.undo_check_in", id=polish)
    return wash, polish, net.call(customer, "booking.undo_check_in", id=polish, sponsor=shop)


def test_a_wrong_cars_check_in_and_record_are_corrected_by_both_and_stay_readable(
    journeys: JourneyNet,
) -> None:
    net, customer, shop = journeys, "customer21", "shop13"
    before = [net.balance(one) for one in (customer, shop)]
    open_shop_with_staff(net, shop)
    small, large = register(net, customer), register(net, customer)
    wash, polish, undone = check_in_the_wrong_car(net, customer, shop)
    again = net.read("booking.booking", id=polish)

    net.call(customer, "booking.check_in", id=wash, sponsor=shop)
    record = work_on(net, customer, shop, wash, "shampoo")
    wrong, right = place_of(large, 0, record), place_of(small, 0, record)
    net.call(customer, "records.attach", record=record, **wrong)
    with net.refuses("not_co_signed"):
        net.call(customer, "records.detach", record=record, content=NONE)
    detached = net.call(customer, "records.detach", record=record, content=NONE, sponsor=shop)
    net.call(customer, "records.attach", record=record, **right)
    net.call(customer, "booking.check_in", id=polish, sponsor=shop)
    net.call(customer, "booking.pay", id=polish, funds=POLISH_PRICE - DEPOSIT)
    work_on(net, customer, shop, polish, "polish")

    paid = WASH_PRICE + POLISH_PRICE
    assert change(before, [net.balance(one) for one in (customer, shop)]) == [-paid, paid]
    assert (again["state"], again["checked_in"], again["co_signed"]) == ("ACCEPTED", False, False)
    old, new = [net.read("records.by_handle", handle=one["handle"]) for one in (wrong, right)]
    assert (old["record"], new["record"], new["detached_at"]) == (record, record, 0)
    assert net.read("records.record", record=record)["handle"] == right["handle"]
    corrected = {"shop": shop, "number": 1, "entry": 0, "reason": "WRONG_CAR", "by": "BOTH"}
    assert net.seen("records.Corrected", record=record) == [{"record": record, **corrected}]
    assert records_of(look_at(net, export(net, small))) == [record]
    (seen,) = look_at(net, export(net, large)).facts["records"]
    assert (seen["record"], seen["detached_at"]) == (record, old["detached_at"])
    assert [one["reason"] for one in seen["content"]["corrections"]] == [WRONG_CAR]
    assert sentences(net, tx_id=undone.tx_id) == said("a check-in is taken back")
    assert sentences(net, tx_id=detached.tx_id) == said("a record stood with the wrong car")
    assert len(net.roots()) == 1
