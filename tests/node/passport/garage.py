"""A chain with the records contract, visits to record, and vehicles with their secrets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chain.changes import InstallContract
from chain.crypto import Signer
from chain.genesis import Genesis
from chain.handles import commitment, handle, mark, vin_commitment
from chain.transaction import Call, Deploy, Propose, instance_id
from chain.tree_part import prove_keys
from consensus import Candidate
from node import catalog
from node.passport.anchor import Anchor
from node.passport.build import Collecting, Shown, collect, with_beginning, with_vin
from node.passport.form import Passport, write_passport
from node.rpc.reading.light_steps import candidate_at, steps_to
from tests.make import TestChain, account, genesis, signer, word

# Stands for the registers of shops, bookings and cards: everybody is staff, all visits are good.
VISITS = '''
from wash import *

class Visit(Record):
    customer: Address
    shop: Address
    stage: u8
    checked_in: bool
    co_signed: bool
    service: u16
    paid: uint
    over_at: Time

class Visits(Contract):
    """Visits."""

    visits: Map[Hash, Visit]

    @action
    def put(self, id: Hash, customer: Address):
        """Note a visit."""
        self.visits[id] = Visit(customer=customer, shop=caller(), stage=2, checked_in=True)

    @view
    def may(self, shop: Address, key: Hash, scope: u8) -> bool:
        """Everybody is staff."""
        return True

    @view
    def keeper(self, account: Address) -> Address:
        """Nobody's key is kept by a shop."""
        return zero_address()

    @view
    def visit(self, id: Hash) -> Visit:
        """A visit."""
        return self.visits.get(id)
'''
SHOP, OWNER, BUYER = "bob", "alice", "sam"
NOTHING = bytes(32)
UNREAD = 65_535
VIN, SALT = "WVWZZZ1JZXW000001", word("salt")


def secret(name: str) -> bytes:
    """Return a vehicle's secret."""
    return word(f"secret {name}")


class Garage:
    """Bob's shop records; alice owns the vehicle."""

    def __init__(
        self, folder: Path, start: Genesis | None = None, voters: list[Signer] | None = None
    ) -> None:
        self.chain = TestChain(folder, start)
        self.chain.voters = voters or self.chain.voters
        visits = self.chain.deploy(VISITS, assets=(), installed="visits")
        self.visits = visits
        self.records = self._deploy(visits)
        self.vehicle = word("vehicle")
        self.secrets = [secret("1")]
        self._count = 0

    def _deploy(self, visits: bytes) -> bytes:
        code = catalog.container_bytes("records")
        tx = self.chain.sign("olga", Deploy(code, (), (visits,) * 3, ()), gas_limit=400_000)
        (receipt,) = self.chain.run(tx).receipts
        assert receipt.ok, receipt
        contract = instance_id(tx.tx_id, 0)
        assert self.chain.do("olga", Propose(InstallContract("records", contract))).ok
        return contract

    def call(self, name: str, function: str, *arguments: Any, **more: Any) -> None:
        """Call an action of the contract that succeeds."""
        receipt = self.chain.call(name, self.records, function, *arguments, **more)
        assert receipt.ok, (function, receipt)

    def action(self, function: str, *arguments: Any) -> Call:
        """Return a call of the contract, for a block with others."""
        return Call(self.records, function, arguments, 0)

    def register(self) -> None:
        """Begin the vehicle's history."""
        first, vin = commitment(self.secrets[0]), vin_commitment(SALT, VIN)
        self.call(OWNER, "register_vehicle", self.vehicle, 1, first, vin)

    def wash(self, *, materials: int = 1, customer: str = OWNER) -> bytes:
        """Record a whole visit; return the record."""
        self._count += 1
        visit = word(f"visit {self._count}")
        put = self.chain.call(SHOP, self.visits, "put", visit, account(customer))
        assert put.ok, put
        self.call(SHOP, "start", visit, NOTHING, UNREAD)
        for number in range(materials):
            material = ("WAX-7", f"B{number}", 25, 1)
            self.call(SHOP, "material", visit, number + 2, *material)
        self.call(SHOP, "finish", visit, materials + 2, 1, NOTHING)
        return visit

    def attach(self, record: bytes, place: int, *, marked: bytes | None = None) -> None:
        """Enter a record as number `place` of the newest secret."""
        newest = self.secrets[-1]
        own = mark(newest, place, record) if marked is None else marked
        self.call(OWNER, "attach", record, handle(newest, place), own)

    def rotate(self, place: int) -> None:
        """Change the secret as number `place` of the newest one."""
        following = secret(str(len(self.secrets) + 1))
        at = handle(self.secrets[-1], place)
        self.call(OWNER, "rotate", self.vehicle, at, commitment(following))
        self.secrets.append(following)

    def show(self, keys: tuple[bytes, ...]) -> Shown:
        """Return what a node answers about keys."""
        ledger = self.chain.ledger
        values = {key: ledger.store.get(key) for key in keys}
        return Shown(self.candidate(ledger.height), values, prove_keys(ledger.store, keys))

    def candidate(self, height: int) -> Candidate:
        """Return a block as a light client gets it."""
        return candidate_at(self.chain.ledger, height)

    def passport(
        self, *, back: tuple[int, ...] = (), secrets: int | None = None, is_named: bool = True
    ) -> Passport:
        """Return the passport at the head; `back` are the records whose contents stay out."""
        ledger = self.chain.ledger
        collecting = collect(self.vehicle, tuple(self.secrets[:secrets]), lambda n: n in back)
        made = drive(collecting, self.show)
        made = with_vin(made, SALT, VIN) if is_named else made
        steps = steps_to(ledger, ledger.height)
        return with_beginning(made, ledger.genesis.canonical_bytes(), steps)

    def file(self, **more: Any) -> bytes:
        """Return the passport file at the head."""
        return write_passport(self.passport(**more))

    def anchor(self, height: int | None = None) -> Anchor:
        """Return what somebody who knows the network brings along."""
        ledger = self.chain.ledger
        at = ledger.height if height is None else height
        return Anchor(ledger.chain_id, at, ledger.store.header(at).validators_hash)


def drive(collecting: Collecting, show: Callable[[tuple[bytes, ...]], Shown]) -> Passport:
    """Answer what a collection asks until it is done."""
    keys = next(collecting)
    while True:
        try:
            keys = collecting.send(show(keys))
        except StopIteration as done:
            made: Passport = done.value
            return made


def four() -> tuple[Genesis, list[Signer]]:
    """Return a genesis of four validators, and their keys."""
    keys = [signer(f"validator {number}") for number in range(4)]
    return genesis(validators=keys), keys
