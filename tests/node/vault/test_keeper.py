"""What a vault does by itself, also after it was off."""

from pathlib import Path
from typing import Any

import pytest

from chain.crypto import Signer
from chain.ids import encode_id
from chain.types import DAY_MS
from node.client import AsyncWash
from node.demo.accounts import account_of, signer_of
from node.vault.keeper import Keeper
from tests.node.demo.setting import WallClock
from tests.node.vault.vault_node import DETAILS, people, until, vault_node

ALICE, SPARKLE = account_of("alice"), account_of("sparkle")
KEPT, ERASING, ERASED = 1, 2, 3


async def test_a_node_that_was_off_erases_when_it_starts(tmp_path: Path) -> None:
    async with vault_node(tmp_path / "node") as made, people(made, "sparkle") as (shop,):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        name = made.vault.store.names()[0]
        made.node.on_commit.remove(made.keeper.on_commit)  # as if this part was off
        async with AsyncWash(made.url, key=signer_of("alice")) as wash:
            await wash.call("consent.erase", blob=blob)
        missed = made.vault.store.blob(name) is not None

        other = Keeper(made.vault)
        await other.look_over_all()
        other.look()

        await until(lambda: made.vault.contract.entry(name).state == ERASED)
        assert (missed, made.vault.store.blob(name)) == (True, None)


async def test_what_was_said_in_blocks_that_a_snapshot_replaced_is_done_too(tmp_path: Path) -> None:
    async with vault_node(tmp_path / "node") as made, people(made, "sparkle") as (shop,):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        name = made.vault.store.names()[0]
        made.node.on_commit.remove(made.keeper.on_commit)  # it never saw those blocks
        async with AsyncWash(made.url, key=signer_of("alice")) as wash:
            await wash.call("consent.erase", blob=blob)
        for tell in made.node.on_reopen:
            tell()

        await until(lambda: made.vault.contract.entry(name).state == ERASED)
        assert made.vault.store.blob(name) is None


async def test_a_holder_that_never_got_the_bytes_confirms_too(tmp_path: Path) -> None:
    async with (
        vault_node(tmp_path / "node") as made,
        made.client("alice") as wash,
    ):
        entry: dict[str, Any] = {
            "owner": encode_id("acct", ALICE), "content": "00" * 32, "size": 5, "kind": "NOTES",
            "epoch": 0, "keys": "00" * 32, "holder": encode_id("acct", SPARKLE),
        }  # fmt: skip
        final = await wash.call("consent.register", entry, sponsor=signer_of("sparkle"))
        blob = final.event("consent.Registered")["blob"]
        await wash.call("consent.erase", blob=blob)
        await until(lambda: made.vault.store.is_there and made.vault.store.pending() == [])
        shown = await wash.read("consent.blob", id=blob)

    assert (shown["state"], shown["unconfirmed"]) == ("ERASED", 0)


async def test_what_could_not_be_sent_is_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = WallClock()
    async with vault_node(tmp_path / "node", wall) as made, people(made, "sparkle") as (shop,):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        await shop.read(blob, "SERVICE")
        sent: list[str] = []

        def send(_node: Any, _signer: Any, _place: bytes, function: str, *_: Any) -> bool:
            sent.append(function)
            return True

        monkeypatch.setattr("node.vault.keeper.send_call", send)
        wall.now_ms += DAY_MS
        for _ in range(3):
            made.keeper.look()
        wall.now_ms += 120_000
        made.keeper.look()

    assert sent == ["log_accesses"] * 2


async def test_a_refused_call_is_told_in_the_log_and_tried_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wall = WallClock()
    async with vault_node(tmp_path / "node", wall) as made, people(made, "sparkle") as (shop,):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        await shop.read(blob, "SERVICE")
        wall.now_ms += DAY_MS
        made.vault.signer = Signer(b"x" * 32)  # no member of the chain
        made.keeper.look()

    assert "log_accesses could not be sent" in caplog.text
