"""Figures of the business: reserves, co-signing, sealed details."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.changes import InstallContract
from chain.ids import encode_id
from chain.transaction import Call, Deploy, Propose, instance_id
from node.catalog import container_bytes
from tests.contracts.standard.money_world import CUSTODY, DAILY, LIMIT, RULES, receipt
from tests.make import MONEY, account, signer
from tests.node.monitoring.scraped import Scrape, parse
from tests.node.rpc.door import Door, TestNode, open_door

NUMBERS = (
    RULES["two"], RULES["working_days"], RULES["week"], RULES["zone"], RULES["every"],
    RULES["least"],
)  # fmt: skip
BANK, OTHER = encode_id("acct", account("bob")), encode_id("acct", account("sam"))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[TestNode]:
    with TestNode(tmp_path) as node:
        yield node


async def scrape(door: Door) -> Scrape:
    async with door.client.get("/metrics") as response:
        return parse(await response.text())


def install_money(made: TestNode) -> bytes:
    deploy = Deploy(container_bytes("money"), (MONEY,), (), NUMBERS)
    contract = instance_id(made.send("olga", deploy, gas=300_000), 0)
    made.block()
    made.send("olga", Propose(InstallContract("money", contract)))
    made.block()
    return contract


async def test_reserves_are_what_issuers_stated_and_owe(made: TestNode) -> None:
    async with open_door(made) as door:
        none = await scrape(door)
        money = install_money(made)

        def call(name: str, function: str, *arguments: object) -> None:
            made.send(name, Call(money, function, arguments, 0))
            made.block()

        call("olga", "register", account("bob"), CUSTODY, LIMIT, DAILY)
        call("olga", "register", account("sam"), CUSTODY, LIMIT, DAILY)
        silent = await scrape(door)
        call("olga", "take_over", account("bob"), 5_000)
        call("bob", "attest", 1, 5_000, 4_500, receipt("statement"))
        made.now_ms += 60_000
        stated = await scrape(door)

    def shown(found: Scrape) -> list[dict[str, float]]:
        names = ("attested", "liability", "age_seconds")
        return [found.table(f"wash_reserve_{name}", "issuer") for name in names]

    assert shown(none) == [{}, {}, {}]
    assert shown(silent) == [{}, {BANK: 0, OTHER: 0}, {}]
    assert shown(stated) == [{BANK: 4_500}, {BANK: 5_000, OTHER: 0}, {BANK: 60}]


async def test_what_a_shop_may_still_co_sign_is_shown(made: TestNode) -> None:
    async with open_door(made) as door:
        without = await scrape(door)
        made.node.sponsor = signer("bob")
        fresh = await scrape(door)

    labels = {"shop": encode_id("acct", account("bob"))}
    assert without.table("wash_sponsor_quota_left", "shop") == {}
    assert fresh.value("wash_sponsor_quota_left", **labels) == 2_500
    assert without.value("wash_blob_bytes") == 0


async def test_sealed_details_are_counted_where_they_are_kept(made: TestNode) -> None:
    class Store:
        is_there = True

        def bytes_used(self) -> int:
            return 77

    class Vault:
        store = Store()

    vault: Any = Vault()
    async with open_door(made) as door:
        made.node.vault = vault
        found = await scrape(door)
        made.node.vault = None

    assert found.value("wash_blob_bytes") == 77
