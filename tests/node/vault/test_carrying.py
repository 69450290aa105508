"""A shop's sealed details come to its gateway, wait while it is away, and are erased at both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.codec import encode
from chain.ids import decode_id, encode_id
from chain.transaction import Call, signing_bytes
from chain.types import DAY_MS
from node.carrying import TRIES_MAX, asker
from node.client import WashRpcError
from node.client.records import Records, Sealed
from node.demo.accounts import account_of, signer_of
from node.live.visitors import Visitors
from node.vault.carrying import BlobCarrier, Gateway
from node.vault.errors import VaultFullError
from node.vault.hosting import Hosting
from node.vault.keeper import Keeper
from node.vault.sealing import blob_name, keys_hash
from node.vault.service import Vault
from node.vault.store import VaultStore
from tests.node.demo.setting import NOON
from tests.node.vault.vault_node import MIB, VaultNode, people, until, vault_node

ALICE, SPARKLE, HARBOUR = (account_of(one) for one in ("alice", "sparkle", "harbour"))
PHOTO = b"\xff\xd8 jpeg"


class Shop:
    """Harbour's own vault beside Sparkle's node, which is its gateway here; one chain for both."""

    def __init__(self, gateway: VaultNode, folder: Path, records: Records) -> None:
        self.gateway, self.records = gateway, records
        store = VaultStore(folder, 64 * MIB, 16 * MIB)
        self.vault = Vault(gateway.node, signer_of("harbour"), store, 1_000)
        self.keeper = Keeper(self.vault)
        self.is_up, self.asked = True, list[str]()
        self.http = asker(gateway.url)
        self.carrier = BlobCarrier(self.vault, self.ask)

    async def ask(self, method: str, params: dict[str, Any]) -> Any:
        if not self.is_up:
            return None
        self.asked.append(method)
        return await self.http(method, params)

    async def write(self, content: bytes, *, owner: bytes = ALICE) -> bytes:
        """Seal a photo, put it on record as kept by the shop alone, and keep it; its name."""
        sealed = await self.records.seal(content, owner=owner, kind="PHOTOS")
        await self.enter(sealed)
        name = blob_name(owner, sealed.blob)
        self.vault.keep(name, owner, sealed.blob, sealed.keys)
        return name

    async def enter(self, sealed: Sealed) -> None:
        info = self.records._info
        self.records._info = self._own  # type: ignore[method-assign]
        await self.records.enter(sealed)
        self.records._info = info  # type: ignore[method-assign]

    async def _own(self) -> dict[str, Any]:
        return {"sponsor": encode_id("acct", HARBOUR)}

    async def carry(self) -> None:
        """Carry until the gateway is named, and has it."""
        for _ in range(2):
            await self.carrier.carry_all()
            await until(lambda: not len(self.gateway.node.pool))
        await self.carrier.carry_all()


@asynccontextmanager
async def shop_and_gateway(
    folder: Path, room: int = MIB, count: int = 100
) -> AsyncIterator[tuple[Shop, Records]]:
    """Give a shop with its gateway, and what alice does there."""
    async with vault_node(folder / "gateway") as made, people(made, "harbour", "alice") as known:
        made.vault.hosting = Hosting(made.node, signer_of("sparkle"), room, count)
        shop = Shop(made, folder / "shop", known[0])
        try:
            yield shop, known[1]
        finally:
            shop.vault.store.close()


def text(name: bytes) -> str:
    return encode_id("blb", name)


async def test_a_photo_comes_to_the_gateway_and_is_opened_there(tmp_path: Path) -> None:
    async with shop_and_gateway(tmp_path) as (shop, alice):
        name = await shop.write(PHOTO)
        shop.is_up = False
        for _ in range(TRIES_MAX + 3):  # the line is down all night
            await shop.carrier.carry_all()
        shop.is_up = True
        await shop.carry()
        found = await alice.read(text(name), "SERVICE")
        log = await alice.access_log()
        gateway = shop.gateway.vault
        room = gateway.store.kept_for(HARBOUR)
        await shop.carrier.carry_all()  # nothing waits any more

    assert (found.content, found.basis) == (PHOTO, "own")
    assert [one["blob"] for one in log["items"]] == [text(name)]
    assert (gateway.contract.holding(name, SPARKLE), room) == (1, (room[0], 1))
    assert shop.asked == ["node_info", "blob_host", "blob_missing", "blob_put"]


async def test_many_are_named_together_and_a_restart_forgets_none(tmp_path: Path) -> None:
    async with shop_and_gateway(tmp_path) as (shop, _alice):
        names = sorted([await shop.write(PHOTO + bytes([number])) for number in range(10)])
        await shop.carrier.carry_all()
        await until(lambda: not len(shop.gateway.node.pool))
        asked = shop.asked.count("blob_host")  # for eight of them, and for two
        shop.carrier = BlobCarrier(shop.vault, shop.ask)
        for name in shop.vault.store.names():
            shop.carrier.want(name)
        await shop.carry()
        shop.asked.clear()
        for name in names:
            shop.carrier.want(name)
        await shop.carrier.carry_all()

    assert asked == 2
    assert sorted(shop.gateway.vault.store.names()) == names
    assert shop.asked == ["blob_missing"]


async def test_erased_on_the_chain_it_is_gone_at_both_also_from_one_that_was_off(
    tmp_path: Path,
) -> None:
    async with shop_and_gateway(tmp_path) as (shop, alice):
        name, kept = await shop.write(PHOTO), await shop.write(PHOTO + b"2")
        await shop.carry()
        shop.gateway.node.on_commit.remove(shop.keeper.on_commit)  # the shop's computer is off
        receipt = await alice.erase(text(name))
        gateway = shop.gateway.vault
        await until(lambda: gateway.contract.holding(name, SPARKLE) == 2)
        at_shop = shop.vault.store.blob(name) is not None
        waiting = gateway.contract.entry(name).state
        keeper = Keeper(shop.vault)
        await keeper.look_over_all()
        keeper.look()
        await until(lambda: gateway.contract.entry(name).state == 3)
        shop.carrier.want(name)
        await shop.carrier.carry_all()

    assert receipt["holder"] == encode_id("acct", SPARKLE)
    assert (at_shop, waiting) == (True, 2)
    assert shop.vault.store.names() == gateway.store.names() == [kept]
    assert gateway.store.kept_for(HARBOUR)[1] == 1


async def test_what_is_erased_before_it_was_brought_is_not_brought(tmp_path: Path) -> None:
    async with shop_and_gateway(tmp_path) as (shop, alice):
        name = await shop.write(PHOTO)
        await shop.carrier.carry_all()
        await until(lambda: not len(shop.gateway.node.pool))
        await alice._call("erase", {}, blob=text(name))
        await shop.carry()

    assert "blob_put" not in shop.asked
    assert shop.gateway.vault.store.names() == []


async def test_a_gateway_that_lost_its_disk_gets_all_again(tmp_path: Path) -> None:
    async with shop_and_gateway(tmp_path) as (shop, alice):
        name = await shop.write(PHOTO)
        await shop.carry()
        shop.gateway.vault.store.close()
        shop.gateway.vault.store = VaultStore(tmp_path / "new", 64 * MIB, 16 * MIB)
        shop.carrier.want(name)
        await shop.carrier.carry_all()
        found = await alice.read(text(name), "SERVICE")

    assert found.content == PHOTO


async def test_keys_that_came_later_do_not_keep_a_photo_from_its_gateway(tmp_path: Path) -> None:
    async with shop_and_gateway(tmp_path) as (shop, alice):
        name = await shop.write(PHOTO)
        keys = shop.vault.store.first_keys(name)
        assert keys is not None
        later = [type(one)(name, one.account, bytes(80)) for one in keys]
        shop.vault.store.put_keys([*later, type(later[0])(name, SPARKLE, bytes(80))])
        await shop.carry()
        found = await alice.read(text(name), "SERVICE")

    assert found.content == PHOTO
    assert keys_hash(keys) == shop.gateway.vault.contract.entry(name).keys


@pytest.mark.parametrize(("room", "count"), [(100, 100), (MIB, 1)], ids=["bytes", "number"])
async def test_each_shop_has_so_much_room_and_no_more(
    tmp_path: Path, room: int, count: int
) -> None:
    async with shop_and_gateway(tmp_path, room, count) as (shop, _alice):
        names = [await shop.write(PHOTO + bytes([number])) for number in range(2)]
        await shop.carry()

    held = [shop.gateway.vault.contract.holding(name, SPARKLE) for name in names]
    assert (held, shop.gateway.vault.store.names()) == ([0, 0], [])
    assert set(shop.asked) == {"node_info", "blob_host"}
    assert shop.carrier._rounds.waiting() == names


async def test_what_was_promised_and_not_brought_yet_takes_its_room_for_a_day(
    tmp_path: Path,
) -> None:
    async with shop_and_gateway(tmp_path, MIB, 8) as (shop, _alice):
        names = [await shop.write(PHOTO + bytes([number])) for number in range(10)]
        gateway, own = shop.gateway.vault, Gateway(SPARKLE, shop.gateway.node.validator_key)
        assert gateway.hosting is not None

        def host(some: list[bytes]) -> None:
            body = shop.carrier._naming(some, own)
            gateway.host(encode(body), signer_of("harbour").sign(signing_bytes(body)))

        host(names[:8])
        with pytest.raises(VaultFullError):
            host(names[8:])
        now, has = shop.gateway.node.block_time(), gateway.store.has
        taken = [gateway.hosting.promised(HARBOUR, now + one, has)[1] for one in (0, DAY_MS)]
        await until(lambda: not len(shop.gateway.node.pool))

    assert taken == [8, 0]


async def test_what_the_gateway_refuses_is_sent_over_a_slow_line_ever_less_often(
    tmp_path: Path,
) -> None:
    async with shop_and_gateway(tmp_path) as (shop, _alice):
        name = await shop.write(PHOTO)
        await shop.carrier.carry_all()
        await until(lambda: not len(shop.gateway.node.pool))
        shop.gateway.vault.store._bytes_max = 1  # its disk is full
        for _ in range(TRIES_MAX - 10):
            await shop.carrier.carry_all()
        refused = shop.asked.count("blob_put")
        shop.gateway.vault.store._bytes_max = 64 * MIB
        shop.carrier.want(name)
        for _ in range(TRIES_MAX):
            await shop.carrier.carry_all()

    assert (refused, shop.gateway.vault.store.names()) == (7, [name])


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, {"chain_id": "00" * 32}, {"chain_id": "zz", "sponsor": 3}],
)  # fmt: skip
async def test_a_gateway_that_answers_anything_gets_nothing(tmp_path: Path, answer: Any) -> None:
    async with shop_and_gateway(tmp_path) as (shop, _alice):
        name = await shop.write(PHOTO)

        async def ask(method: str, _params: dict[str, Any]) -> Any:
            shop.asked.append(method)
            return answer

        carrier = BlobCarrier(shop.vault, ask)
        carrier.want(name)
        for _ in range(TRIES_MAX + 1):
            await carrier.carry_all()

    assert set(shop.asked) == {"node_info"}
    assert carrier._rounds.waiting() == [name]


async def test_a_gateway_signs_only_what_a_shop_wrote_and_signed(tmp_path: Path) -> None:
    async with (
        shop_and_gateway(tmp_path) as (shop, _alice),
        people(shop.gateway, "sparkle", "bob") as (sparkle, bob),
    ):
        names = {"own": await shop.write(PHOTO)}
        for one, records in (("other's", sparkle), ("bob's", bob)):
            sealed = await records.seal(PHOTO, owner=account_of("bob"), kind="NOTES")
            await records.enter(sealed, sponsor=signer_of("sparkle"))
            names[one] = decode_id(sealed.name, "blb")
        gateway = Gateway(SPARKLE, shop.gateway.node.validator_key)

        async def offer(who: str, name: bytes, signer: str = "", **changes: Any) -> str:
            body = replace(shop.carrier._naming([name], gateway), **changes)
            body = replace(body, account=account_of(who))
            signature = signer_of(signer or who).sign(signing_bytes(body)).hex()
            params = {"body": encode(body).hex(), "signature": signature}
            try:
                await shop.records._wash.rpc("blob_host", **params)
            except WashRpcError as error:
                return str(error.data["name"])
            return "taken"

        place = shop.vault.contract.place()
        assert place is not None
        other_call = Call(place, "erase", (names["own"],), 0)
        found = [
            await offer("harbour", names["own"], "bob"),
            await offer("harbour", names["own"], gas_limit=25_001),
            await offer("harbour", names["own"], actions=(other_call,)),
            await offer("harbour", names["own"], sponsor=None),
            await offer("harbour", names["own"], valid_until=NOON - 1),
            await offer("harbour", names["other's"]),
            await offer("bob", names["bob's"]),
            await offer("harbour", bytes(32)),
            await offer("harbour", names["own"]),
        ]
        shop.gateway.vault.hosting = None
        found.append(await offer("harbour", names["own"]))

    assert found == [
        "BAD_SIGNATURE", "BLOB_REFUSED", "BLOB_REFUSED", "BLOB_REFUSED", "EXPIRED",
        "BLOB_REFUSED", "BLOB_REFUSED", "BLOB_GONE", "taken", "METHOD_DISABLED",
    ]  # fmt: skip


async def test_a_shop_gets_so_many_signatures_a_day(tmp_path: Path) -> None:
    async with shop_and_gateway(tmp_path) as (shop, _alice):
        hosting = shop.gateway.vault.hosting
        assert hosting is not None
        hosting._given = Visitors(0, 10)
        name = await shop.write(PHOTO)
        await shop.carry()

    assert shop.gateway.vault.contract.holding(name, SPARKLE) == 0


async def test_a_number_that_the_gateway_did_not_use_is_used_again_and_by_nobody_else(
    tmp_path: Path,
) -> None:
    async with shop_and_gateway(tmp_path) as (shop, _alice):
        node = shop.gateway.node
        await shop.write(PHOTO)
        shop.is_up = False
        first = shop.carrier._reserve_nonce()
        again = shop.carrier._reserve_nonce()
        others = node.next_nonce(HARBOUR, HARBOUR)
        shop.is_up = True
        await shop.carry()
        after = shop.carrier._reserve_nonce()

    assert (again, others, after) == (first, first + 1, first + 1)
