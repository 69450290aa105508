"""A car is sold: its history goes along, and each side sees what is its own from then on."""

import asyncio
from pathlib import Path
from typing import Any, Self

import pytest

from chain.crypto import sha256
from chain.handles import handle, mark
from chain.ids import encode_id
from chain.types import DAY_MS
from node import catalog
from node.client import AsyncWash, Wash, WashRpcError
from node.client.passports import fetch_passport
from node.client.vehicles import VehicleFile, new_vehicle
from node.demo.accounts import account_of
from node.passport.anchor import Anchor
from node.passport.build import NoPassportError
from node.passport.form import write_passport
from node.passport.report import Report, Verdict
from node.passport.verify import verify_passport
from tests.make import compiled, word
from tests.node.demo.setting import NOON
from tests.node.passport.garage import NOTHING, VISITS
from tests.node.vault.vault_node import VaultNode, people, vault_node

MONTH = NOON + 30 * DAY_MS
SCRATCH = {"note": "scratch at the left door"}
POLISHED = {"note": "scratch polished out"}


def acct(name: str) -> str:
    return encode_id("acct", account_of(name))


class Street:
    """The shop, the seller and the buyer, each with a client of the one node."""

    def __init__(self, made: VaultNode) -> None:
        self.made = made
        names = ("operator", "sparkle", "alice", "bob")
        self.clients = {name: made.client(name) for name in names}
        self.visits = ""

    async def __aenter__(self) -> Self:
        await self.install()
        return self

    async def __aexit__(self, *_: object) -> None:
        for one in self.clients.values():
            await one.close()

    async def call(self, name: str, function: str, **arguments: Any) -> None:
        await self.clients[name].call(f"records.{function}", arguments)

    async def install(self) -> None:
        """Put the records contract on the chain, over visits that are all good."""
        operator = self.clients["operator"]
        self.visits = await self._deploy(operator, compiled(VISITS), [])
        links = [self.visits] * 3
        contract = await self._deploy(operator, catalog.container_bytes("records"), links)
        change = {"type": "install_contract", "name": "records", "contract": contract}
        await operator.send([{"type": "propose", "change": change}])

    async def _deploy(self, wash: AsyncWash, code: bytes, links: list[str]) -> str:
        final = await wash.send([{"type": "deploy", "code": code.hex(), "links": links}])
        made = next(one for one in final.events if one["type"] == "chain.deployed")
        contract: str = made["values"]["contract"]
        return contract

    async def wash(self, customer: str, number: int, notes: str) -> bytes:
        """Let the shop record a visit of a customer."""
        visit = word(f"visit {number}")
        put = {"a0": visit.hex(), "a1": acct(customer)}
        await self.clients["sparkle"].call((self.visits, "put"), put)
        record = visit.hex()
        await self.call("sparkle", "start", visit=record, redo_of=NOTHING.hex(), odometer=12)
        end = {"result": "DONE", "notes": sha256(notes.encode()).hex()}
        await self.call("sparkle", "finish", record=record, number=2, **end)
        return visit

    async def attach(self, name: str, file: VehicleFile, record: bytes, place: int) -> None:
        secret = file.secret_bytes()[-1]
        where = {"handle": handle(secret, place).hex(), "mark": mark(secret, place, record).hex()}
        await self.call(name, "attach", record=record.hex(), **where)

    async def export(self, file: VehicleFile) -> bytes:
        """Return the passport, fetched by the plain client."""

        def fetch() -> bytes:
            with Wash(self.made.url) as wash:
                return write_passport(
                    fetch_passport(wash.rpc, file.vehicle_id, file.secret_bytes())
                )

        return await asyncio.to_thread(fetch)

    async def anchor(self) -> Anchor:
        """Return what the network's own page says today."""
        head = (await self.clients["bob"].rpc("chain_head"))["header"]
        chain_id = self.made.node.ledger.chain_id
        return Anchor(chain_id, head["height"], bytes.fromhex(head["validators_hash"]))


def records_of(report: Report) -> list[str]:
    assert report.verdict is Verdict.GOOD, [one.said() for one in report.checks]
    return [one["record"] for one in report.facts["records"]]


async def refused(reading: object) -> str:
    with pytest.raises(WashRpcError) as caught:
        await reading  # type: ignore[misc]
    name: str = caught.value.data["name"]
    return name


async def test_a_sold_cars_history_goes_along_and_the_seller_sees_nothing_new(
    tmp_path: Path,
) -> None:
    async with vault_node(tmp_path / "node") as made, Street(made) as street:
        sellers = new_vehicle(made.node.ledger.chain_id)
        first = await _before_the_sale(street, sellers)

        sellers_file = await street.export(sellers)
        seen_by_buyer = verify_passport(sellers_file, await street.anchor())
        buyers = await _sell(street, sellers)
        second = await street.wash("bob", 2, "polished")
        await street.attach("bob", buyers, second, 0)
        whole = verify_passport(await street.export(buyers), await street.anchor())
        old = verify_passport(sellers_file, await street.anchor())
        with pytest.raises(NoPassportError) as blind:
            await street.export(sellers)

    assert records_of(seen_by_buyer) == records_of(old) == [first.hex()]
    assert records_of(whole) == [first.hex(), second.hex()]
    assert whole.facts["vehicle"]["owner"] == acct("bob")
    assert old.facts["height"] < whole.facts["height"]
    assert "the next one is missing" in str(blind.value)
    known = {handle(sellers.secret_bytes()[0], place) for place in range(100)}
    assert handle(buyers.secret_bytes()[1], 0) not in known


async def test_the_sellers_details_close_after_the_sale_and_the_buyers_open_to_the_buyer_alone(
    tmp_path: Path,
) -> None:
    async with (
        vault_node(tmp_path / "node") as made,
        people(made, "sparkle", "alice", "bob") as (shop, seller, buyer),
    ):
        note = await shop.keep(SCRATCH, owner=account_of("alice"), kind="NOTES")
        terms: dict[str, Any] = {"until": MONTH, "kinds": ["NOTES"], "blobs": [note]}
        handover = await seller.grant(account_of("bob"), "HANDOVER", **terms)
        before_buying = await buyer.read(note, "HANDOVER")

        await seller.revoke(handover)
        after = await refused(buyer.read(note, "HANDOVER"))
        later = await shop.keep(POLISHED, owner=account_of("bob"), kind="NOTES")
        by_seller = [await refused(seller.read(later, name)) for name in ("SERVICE", "HANDOVER")]
        by_buyer = await buyer.read(later, "SERVICE")
        own = await seller.read(note, "SERVICE")
        await seller.erase(note)
        gone = [await refused(one.read(note, "SERVICE")) for one in (shop, seller, buyer)]
        wrapped = made.vault.store.wrapped(made.vault.store.names()[0], account_of("alice"))

    assert (before_buying.content, own.content) == (SCRATCH, SCRATCH)
    assert after == "NO_CONSENT"
    assert by_seller == ["NO_CONSENT"] * 2
    assert by_buyer.content == POLISHED
    assert gone == ["BLOB_GONE"] * 3
    assert wrapped is None


async def _before_the_sale(street: Street, file: VehicleFile) -> bytes:
    first = {"commitment": file.commitment().hex(), "vin": NOTHING.hex(), "size": 1}
    await street.call("alice", "register_vehicle", vehicle=file.vehicle, **first)
    record = await street.wash("alice", 1, "scratch")
    await street.attach("alice", file, record, 0)
    return record


async def _sell(street: Street, file: VehicleFile) -> VehicleFile:
    """Let the seller offer the car and give its file, and the buyer take it with a new secret."""
    offer = {"to": acct("bob"), "until": MONTH - DAY_MS}
    await street.call("alice", "offer_vehicle", vehicle=file.vehicle, **offer)
    mine = file.with_new_secret()
    taken = {
        "handle": handle(file.secret_bytes()[0], 1).hex(),
        "commitment": mine.commitment().hex(),
    }
    await street.call("bob", "accept_vehicle", vehicle=file.vehicle, **taken)
    return mine
