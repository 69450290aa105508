"""Details from end to end: kept, asked for, given, read, taken back, erased, over JSON-RPC."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain import merkle
from chain.crypto import sha256, verify_signature
from chain.ids import decode_id, encode_id
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.client import WashRpcError
from node.client.records import Sealed
from node.demo.accounts import account_of, signer_of
from node.vault.sealing import Place, Wrapped, blob_name, keys_hash, seal_details, wrap_key
from node.vault.service import receipt_bytes
from node.vault.statements import Deal, Deed
from tests.node.demo.setting import NOON, WallClock
from tests.node.vault.vault_node import DETAILS, MIB, people, until, vault_node

ALICE, BOB, SPARKLE, HARBOUR = (account_of(n) for n in ("alice", "bob", "sparkle", "harbour"))
MONTH = NOON + 30 * DAY_MS


async def refused(reading: object) -> tuple[int, str]:
    """Return code and name of the refusal of a call."""
    with pytest.raises(WashRpcError) as caught:
        await reading  # type: ignore[misc]
    return caught.value.code, caught.value.data["name"]


async def test_a_consent_opens_details_and_its_end_closes_them(tmp_path: Path) -> None:
    async with (
        vault_node(tmp_path / "node") as made,
        people(made, "sparkle", "alice", "harbour") as (shop, owner, reader),
    ):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        before = await refused(reader.read(blob, "CLAIM"))
        asked = await reader.ask(ALICE, "CLAIM", until=MONTH, blob=blob)
        consent = await owner.grant(HARBOUR, "CLAIM", until=MONTH, blobs=[blob])
        found = await reader.read(blob, "CLAIM")
        other = await refused(reader.read(blob, "OFFERS"))
        await owner.revoke(consent)
        after = await refused(reader.read(blob, "CLAIM"))
        checked = await reader.may_read(HARBOUR, blob, "CLAIM")

    assert asked == consent
    assert (found.content, found.kind, found.basis) == (DETAILS, "VEHICLE", "blob")
    assert before == after == (3501, "NO_CONSENT")
    assert other == (3502, "PURPOSE")
    assert checked == {"allowed": False, "basis": None, "reason": "no_consent"}


async def test_a_kind_opens_what_is_written_later_too(tmp_path: Path) -> None:
    async with (
        vault_node(tmp_path / "node") as made,
        people(made, "sparkle", "alice", "harbour") as (shop, owner, reader),
    ):
        first = await shop.keep({"n": 1}, owner=ALICE, kind="NOTES")
        await owner.grant(HARBOUR, "HISTORY", until=MONTH, kinds=["NOTES"], blobs=[first])
        second = await shop.keep({"n": 2}, owner=ALICE, kind="NOTES")
        photo = await shop.keep(b"\xff\xd8 jpeg", owner=ALICE, kind="PHOTOS")
        found = [await reader.read(blob, "HISTORY") for blob in (first, second)]
        closed = await refused(reader.read(photo, "HISTORY"))
        own = await owner.read(photo, "OFFERS")

    assert [(one.content, one.basis) for one in found] == [({"n": 1}, "kind"), ({"n": 2}, "kind")]
    assert closed == (3501, "NO_CONSENT")
    assert (own.content, own.basis) == (b"\xff\xd8 jpeg", "own")


async def test_after_a_withdrawal_new_details_come_under_a_new_key(tmp_path: Path) -> None:
    async with (
        vault_node(tmp_path / "node") as made,
        people(made, "sparkle", "alice", "harbour", "bob") as (shop, owner, reader, other),
    ):
        terms: dict[str, Any] = {"until": MONTH, "kinds": ["NOTES"]}
        await owner.grant(HARBOUR, "HISTORY", **terms)
        given = await owner.grant(BOB, "HISTORY", **terms)
        key = await shop.record_key(ALICE)
        await shop.keep({"n": 1}, owner=ALICE, kind="NOTES", key=key)
        same = await shop.record_key(ALICE, key)
        await owner.revoke(given)
        late = await refused(shop.keep({"n": 2}, owner=ALICE, kind="NOTES", key=key))
        fresh = await shop.record_key(ALICE, key)
        blob = await shop.keep({"n": 2}, owner=ALICE, kind="NOTES", key=fresh)
        found = await reader.read(blob, "HISTORY")
        shut_out = await refused(other.read(blob, "HISTORY"))
        wrapped = [
            made.vault.store.wrapped(made.vault.store.names()[at], BOB) is not None
            for at in range(2)
        ]

    assert same == key
    assert late[1] == "CONTRACT_REFUSED"
    assert (fresh.epoch, fresh.secret == key.secret) == (1, False)
    assert found.content == {"n": 2}
    assert shut_out == (3501, "NO_CONSENT")
    assert sorted(wrapped) == [False, True]


async def test_a_consent_ends_on_time_without_any_block(tmp_path: Path) -> None:
    wall = WallClock()
    async with (
        vault_node(tmp_path / "node", wall) as made,
        people(made, "sparkle", "alice", "harbour") as (shop, owner, reader),
    ):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        await owner.grant(HARBOUR, "CLAIM", until=NOON + HOUR_MS, blobs=[blob])
        wall.now_ms = NOON + HOUR_MS - 1
        found = await reader.read(blob, "CLAIM")
        height = made.node.ledger.height
        wall.now_ms += 1
        after = await refused(reader.read(blob, "CLAIM"))

        assert made.node.ledger.height == height

    assert (found.content, after) == (DETAILS, (3501, "NO_CONSENT"))


async def test_a_shop_reads_what_it_wrote_for_the_work_alone(tmp_path: Path) -> None:
    async with vault_node(tmp_path / "node") as made, people(made, "sparkle") as (shop,):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        found = await shop.read(blob, "SERVICE")
        other = await refused(shop.read(blob, "OFFERS"))

    assert (found.content, found.basis, other[1]) == (DETAILS, "author", "PURPOSE")


# Erasure ----------------------------------------------------------------------------------------


async def test_erased_details_are_gone_from_disk_and_the_chain_has_the_receipt(
    tmp_path: Path,
) -> None:
    async with (
        vault_node(tmp_path / "node") as made,
        people(made, "sparkle", "alice") as (shop, owner),
    ):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        name = made.vault.store.names()[0]
        bytes_kept = made.vault.store.blob(name) or b""
        wrapped = made.vault.store.wrapped(name, ALICE) or b""
        before = [one in made.files() for one in (bytes_kept, wrapped)]
        receipt = await owner.erase(blob)
        after = [one in made.files() for one in (bytes_kept, wrapped)]
        gone = await refused(owner.read(blob, "SERVICE"))
        await until(lambda: made.vault.contract.entry(name).state == 3)
        again = await refused(
            shop.bring(Sealed(blob, ALICE, "VEHICLE", 0, bytes_kept, ()))  # the very same bytes
        )

    assert (before, after) == ([True, True], [False, False])
    assert gone == again == (3503, "BLOB_GONE")
    signed = receipt_bytes(made.node.ledger.chain_id, name, ALICE, receipt["erased_at"])
    assert verify_signature(SPARKLE, signed, bytes.fromhex(receipt["signature"]))


async def test_erasing_on_the_chain_is_enough(tmp_path: Path) -> None:
    async with (
        vault_node(tmp_path / "node") as made,
        people(made, "sparkle") as (shop,),
        made.client("alice") as wash,
    ):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        name = made.vault.store.names()[0]
        await wash.call("consent.erase", blob=blob)
        await until(lambda: made.vault.contract.entry(name).state == 3)
        await until(lambda: made.vault.store.pending() == [])

        assert made.vault.store.names() == []
        assert made.vault.store.bytes_used() == 0


async def test_nobody_but_the_owner_has_details_erased(tmp_path: Path) -> None:
    async with vault_node(tmp_path / "node") as made, people(made, "sparkle") as (shop,):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        name = made.vault.store.names()[0]
        auth = await shop._sign(Deal(Deed.ERASE, name))
        async with made.client("sparkle") as wash:
            found = await refused(wash.rpc("blob_erase", blob=blob, auth=auth))

        assert made.vault.store.blob(name) is not None

    assert found == (1002, "BAD_SIGNATURE")


# The list of readings ---------------------------------------------------------------------------


async def test_the_owner_sees_each_reading_with_its_proof_and_the_chain_has_the_day(
    tmp_path: Path,
) -> None:
    wall = WallClock()
    async with (
        vault_node(tmp_path / "node", wall) as made,
        people(made, "sparkle", "alice", "bob") as (shop, owner, other),
    ):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        theirs = await shop.keep(DETAILS, owner=BOB, kind="VEHICLE")
        for one in (blob, theirs, blob):
            await shop.read(one, "SERVICE")
        today = await owner.access_log()
        wall.now_ms += DAY_MS
        made.keeper.look()
        day = NOON // DAY_MS
        await until(lambda: made.vault.contract.logged(SPARKLE, day) is not None)
        page = await owner.access_log(limit=1)
        rest = await owner.access_log(cursor=page["next_cursor"])
        strangers = await other.access_log()
        made.keeper.look()
        done = made.vault.store.open_days(day + 1)

    shown = page["items"] + rest["items"]
    assert [one["proof"]["index"] for one in shown] == [2, 0]
    assert [one["on_chain"] for one in today["items"]] == [None, None]
    for one in shown:
        assert (one["reader"], one["purpose"], one["basis"]) == (
            encode_id("acct", SPARKLE), "SERVICE", "author",
        )  # fmt: skip
        assert one["on_chain"] is True
        leaf, proof = merkle.leaf_hash(bytes.fromhex(one["leaf"])), one["proof"]
        path = [bytes.fromhex(step) for step in proof["path"]]
        root = bytes.fromhex(proof["root"])
        assert merkle.verify_inclusion(leaf, proof["index"], proof["size"], path, root)
    assert [one["blob"] for one in strangers["items"]] == [theirs]
    assert done == []


# What is refused --------------------------------------------------------------------------------


async def test_only_what_is_on_record_is_kept(tmp_path: Path) -> None:
    place = Place(ALICE, 4, 0)
    blob = seal_details({"n": 1}, place, key=b"k" * 32, nonce=b"n" * 24)
    name = blob_name(ALICE, blob)
    keys = (Wrapped(name, ALICE, wrap_key(b"k" * 32, ALICE, ephemeral=b"e" * 32)),)
    good = Sealed(encode_id("blb", name), ALICE, "NOTES", 0, blob, keys)

    async with (
        vault_node(tmp_path / "node") as made,
        people(made, "sparkle", "bob") as (shop, stranger),
        made.client("sparkle") as wash,
    ):
        unknown = await refused(shop.bring(good))
        entry = {
            "owner": encode_id("acct", ALICE), "content": sha256(blob).hex(), "size": len(blob),
            "kind": "NOTES", "epoch": 0, "keys": keys_hash(keys).hex(),
        }  # fmt: skip
        other = {**entry, "holder": encode_id("acct", HARBOUR)}
        await wash.call("consent.register", other, sponsor=signer_of("harbour"))
        elsewhere = await refused(shop.bring(good))
        await wash.call(
            "consent.add_holder", blob=encode_id("blb", name), holder=encode_id("acct", SPARKLE)
        )
        changed = await refused(shop.bring(replace(good, blob=blob[:-1] + b"\0")))
        keyless = await refused(shop.bring(replace(good, keys=())))
        by_other = await refused(stranger.bring(good))
        await shop.bring(good)
        await shop.bring(good)

        assert made.vault.store.blob(name) == blob

    assert (unknown[1], by_other[1]) == ("BLOB_GONE", "BAD_SIGNATURE")
    assert {elsewhere, changed, keyless} == {(3504, "BLOB_REFUSED")}


async def test_room_is_bounded_for_each_owner_and_for_all(tmp_path: Path) -> None:
    photo = bytes(1_500_000)
    async with (
        vault_node(tmp_path / "node", bytes_max=4 * MIB, owner_bytes_max=2 * MIB) as made,
        people(made, "sparkle") as (shop,),
    ):
        blob = await shop.keep(photo, owner=ALICE, kind="PHOTOS")
        found = await shop.read(blob, "SERVICE")
        full = await refused(shop.keep(photo, owner=ALICE, kind="PHOTOS"))
        await shop.keep(photo, owner=BOB, kind="PHOTOS")
        all_full = await refused(shop.keep(photo, owner=HARBOUR, kind="PHOTOS"))

    assert found.content == photo
    assert full == all_full == (3505, "VAULT_FULL")


async def test_a_statement_works_once_and_for_its_deed_alone(tmp_path: Path) -> None:
    async with (
        vault_node(tmp_path / "node") as made,
        people(made, "sparkle", "alice") as (shop, owner),
        made.client("alice") as wash,
    ):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        name = made.vault.store.names()[0]
        auth = await owner._sign(Deal(Deed.READ, name, 1))
        asked = {"blob": blob, "purpose": "SERVICE", "auth": auth}
        erasing = await refused(wash.rpc("blob_erase", blob=blob, auth=auth))
        other = await refused(wash.rpc("blob_get", **{**asked, "purpose": "CLAIM"}))
        await wash.rpc("blob_get", **asked)
        again = await refused(wash.rpc("blob_get", **asked))
        old = await owner._sign(Deal(Deed.READ, name, 1))
        made.wall.now_ms += 2 * MINUTE_MS + 1
        stale = await refused(wash.rpc("blob_get", **{**asked, "auth": old}))

    assert (erasing[0], other[0], again[0], stale[0]) == (1002, 1002, 1004, 1006)


async def test_one_account_asks_only_so_often(tmp_path: Path) -> None:
    async with (
        vault_node(tmp_path / "node", requests_per_minute=3) as made,
        people(made, "sparkle", "alice") as (shop, owner),
    ):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        for _ in range(3):
            await owner.read(blob, "SERVICE")
        busy = await refused(owner.read(blob, "SERVICE"))
        made.wall.now_ms += MINUTE_MS
        found = await owner.read(blob, "SERVICE")

    assert (busy[1], found.content) == ("RATE_LIMITED", DETAILS)


async def test_a_node_that_is_behind_gives_nothing_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with vault_node(tmp_path / "node") as made, people(made, "sparkle") as (shop,):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        monkeypatch.setattr("node.vault.service.hears_nobody", lambda _node: True)
        alone = await refused(shop.read(blob, "SERVICE"))
        monkeypatch.undo()
        made.node.chunks = (1, 2)
        behind = await refused(shop.read(blob, "SERVICE"))

    assert alone == behind == (-32001, "NOT_READY")


async def test_a_node_without_a_shops_key_keeps_nothing(tmp_path: Path) -> None:
    async with vault_node(tmp_path / "node") as made, people(made, "alice") as (owner,):
        auth = await owner._sign(Deal(Deed.LOG))
        made.node.vault = None
        async with made.client("alice") as wash:
            found = await refused(wash.rpc("consent_accessLog", auth=auth))

    assert found == (-32007, "METHOD_DISABLED")


async def test_keys_of_a_consent_are_those_on_record(tmp_path: Path) -> None:
    async with (
        vault_node(tmp_path / "node") as made,
        people(made, "sparkle", "alice") as (shop, owner),
        made.client("alice") as wash,
    ):
        blob = await shop.keep(DETAILS, owner=ALICE, kind="VEHICLE")
        consent = await owner.grant(HARBOUR, "CLAIM", until=MONTH, blobs=[blob])
        number = decode_id(consent, "cns")
        kept = made.vault.store.wrapped(made.vault.store.names()[0], HARBOUR)
        found = []
        for records in (owner, shop):
            auth = await records._sign(Deal(Deed.PUT_KEYS, number, digest=keys_hash([])))
            put = wash.rpc("consent_putKeys", consent=consent, keys=[], auth=auth)
            found.append(await refused(put))

    assert kept is not None
    assert found == [(3504, "BLOB_REFUSED"), (1002, "BAD_SIGNATURE")]
