"""A full life of a customer's details on real nodes leaves none of them where they do not belong.

Two shops' nodes and a validator; every line between them, and between clients and nodes, is
recorded. In the end all files of all nodes and all that went over the lines are searched.
"""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chain.crypto import sha256
from chain.ids import encode_id
from chain.transaction import Action, Call, read_transaction
from chain.types import DAY_MS, MINUTE_MS
from node.client import AsyncWash, WashRpcError
from node.client.records import Records
from node.demo.accounts import Signing, account_of, make_body, seed_of, sign_body, signer_of
from node.demo.catalogue import SPARKLE
from node.demo.genesis import MONEY
from node.devnet.plan import make_network
from node.devnet.processes import DevNet
from node.keys.store import KeyStore
from node.live.clock import read_wall_ms
from node.rehearse.plan import policy_words
from node.rpc.door.access import TOKENS_NAME, load_or_make_tokens
from tests.e2e.canaries import CANARIES, found_below, found_in
from tests.netted import all_up, ended, level, peers_up, until
from tests.recorder import Recorder
from tests.standard_set import standard_set

SHOPS = {"shop1": "sparkle", "shop2": "harbour"}
WASH = SPARKLE.service(1)
PHOTO = b"\xff\xd8\xff\xe0 a photo of " + CANARIES["plate"].encode()


class Town:
    """The nodes, what lies between, and clients of people."""

    def __init__(self, net: DevNet, folder: Path) -> None:
        self.net, self.folder = net, folder
        self.lines: dict[str, Recorder] = {}
        self.urls: dict[str, str] = {}
        self.clients: list[AsyncWash] = []

    def wash(self, name: str, node: str, **more: Any) -> AsyncWash:
        """Return a client of somebody through a node's recorded line."""
        made = AsyncWash(self.urls[node], key=signer_of(name), **more)
        self.clients.append(made)
        return made

    def records(self, name: str, node: str) -> Records:
        return Records(self.wash(name, node), signer_of(name))

    def wire(self) -> bytes:
        """Return all bytes that went over any line."""
        return b"".join(bytes(one.bytes_seen) for one in self.lines.values())

    async def do(self, name: str, *actions: Action) -> None:
        """Carry out actions that are easier to say in Python than in JSON."""
        wash = self.wash(name, "node1")
        info, account = await wash.rpc("node_info"), await wash.account()
        signing = Signing(
            bytes.fromhex(info["chain_id"]), read_wall_ms(), account["keys"][0]["next_nonce"],
            400_000,
        )  # fmt: skip
        await wash.submit_and_wait(sign_body(make_body(name, signing, *actions), name))


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[Town]:
    """Start everything; in the end the nodes stop in order, so that all is on disk."""
    nodes = make_network(folder / "nodes", 1, 2, time_ms=read_wall_ms(), interval_ms=50)
    made = Town(DevNet(nodes), folder)
    validator = made.net["node1"]
    for node in nodes:
        made.lines[f"{node.name} rpc"] = Recorder(node.rpc_port)
        made.urls[node.name] = f"http://127.0.0.1:{await made.lines[f'{node.name} rpc'].start()}"
        lines = (node.folder / "config.toml").read_text("utf-8").splitlines()
        kept = [one for one in lines if not one.startswith(("url =", "peers ="))]
        if node.name in SHOPS:
            line = made.lines[f"{node.name} p2p"] = Recorder(validator.p2p_port)
            kept.append(f'peers = ["ws://127.0.0.1:{await line.start()}/p2p"]')
            owner = SHOPS[node.name]
            kept += ["[keys]", f'sponsor = "{owner}"']
            KeyStore(node.folder / "keys").add(owner, seed_of(owner), None)
        text = "\n".join(['log_level = "debug"', *kept, ""])
        (node.folder / "config.toml").write_text(text, "utf-8")
        made.net.start(node.name)
    try:
        await all_up(made.net)
        for name in SHOPS:
            await peers_up(made.net[name], 1)
        yield made
        await made.net.stop()
    finally:
        for wash in made.clients:
            await wash.close()
        for one in made.lines.values():
            await one.close()
        ended(made.net)


async def set_up(made: Town) -> None:
    """Put the standard contracts on the chain and let Sparkle open."""
    operator = made.wash("operator", "node1")
    chain_id = bytes.fromhex((await operator.rpc("node_info"))["chain_id"])
    contracts = standard_set(chain_id, read_wall_ms(), MONEY, "booking", "consent")
    for one in contracts.signed:
        await operator.rpc("tx_submit", tx=one.hex())
    await operator.wait(read_transaction(contracts.signed[-1]).tx_id.hex())
    shops, booking = contracts.places["shops"], contracts.places["booking"]
    await made.do(
        "operator",
        *[Call(shops, "admit", (account_of(one), one), 0) for one in SHOPS.values()],
        Call(booking, "publish_policy", policy_words(WASH.rules), 0),
    )
    service = (WASH.number, WASH.price, WASH.duration_ms, WASH.cell, WASH.policy_id, WASH.name)
    await made.do(
        "sparkle",
        Call(shops, "set_settings", (True, False, 0, 3, 1), 0),
        Call(shops, "set_service", service, 0),
        Call(shops, "open_shop", (), 0),
    )


async def book_and_arrive(made: Town) -> None:
    """Let alice book at Sparkle and hand her car over, the shop's node co-signing."""
    token = load_or_make_tokens(made.net["shop1"].folder / TOKENS_NAME).shop
    alice = made.wash("alice", "shop1", token=token)
    start = read_wall_ms() // MINUTE_MS * MINUTE_MS + 5 * MINUTE_MS
    order = {
        "shop": encode_id("acct", account_of("sparkle")), "service": WASH.number, "version": 1,
        "start": start, "end": start + WASH.duration_ms, "cell": WASH.cell, "total": WASH.price,
        "policy": WASH.policy_id.hex(),
    }  # fmt: skip
    final = await alice.call("booking.request", order, funds=WASH.hold(start))
    booking = final.event("booking.Requested")["id"]
    await alice.call("booking.check_in", id=booking, sponsor="node_attests")


async def refused(reading: Any) -> str:
    with pytest.raises(WashRpcError) as caught:
        await reading
    return str(caught.value.data["name"])


async def live(made: Town) -> bytes:
    """Live the whole life of some details; returns the bytes of their blob."""
    shop, owner = made.records("sparkle", "shop1"), made.records("alice", "shop1")
    reader, elsewhere = made.records("harbour", "shop1"), made.records("harbour", "shop2")
    alice, harbour = account_of("alice"), account_of("harbour")
    sealed = await shop.seal(dict(CANARIES), owner=alice, kind="VEHICLE")
    await shop.enter(sealed)
    await shop.bring(sealed)
    blob = sealed.name
    photo = await shop.keep(PHOTO, owner=alice, kind="PHOTOS")
    await shop.add_holder(blob, harbour, sponsor=signer_of("harbour"))
    held = {"blob": blob, "holder": encode_id("acct", harbour)}
    await _seen_everywhere(made, "consent.holding", held)
    await made.records("sparkle", "shop2").bring(sealed)
    until_ms = read_wall_ms() + 30 * DAY_MS
    await reader.ask(alice, "CLAIM", until=until_ms, blob=blob)
    terms: dict[str, Any] = {"until": until_ms, "blobs": [blob]}
    consent = await owner.grant(harbour, "CLAIM", **terms)
    found = await reader.read(blob, "CLAIM")
    assert (found.content, found.basis) == (CANARIES, "blob")
    assert (await owner.read(photo, "SERVICE")).content == PHOTO
    seen = (await owner.access_log())["items"]
    assert encode_id("acct", harbour) in [one["reader"] for one in seen]

    await owner.revoke(consent)
    assert await refused(reader.read(blob, "CLAIM")) == "NO_CONSENT"
    await _seen_everywhere(made, "consent.epoch", {"owner": encode_id("acct", alice)})
    assert await refused(elsewhere.read(blob, "CLAIM")) == "NO_CONSENT"

    for one in (blob, photo):
        await owner.erase(one)
        assert await refused(owner.read(one, "SERVICE")) == "BLOB_GONE"

    async def is_erased() -> bool:
        stored = await made.clients[0].read("consent.blob", id=blob)
        return bool(stored["state"] == "ERASED" and stored["holders"] == 2)

    await until(is_erased, "the confirmation of both nodes")
    return sealed.blob


async def _seen_everywhere(made: Town, view: str, arguments: dict[str, Any]) -> None:
    """Wait until the second shop's node reads of the chain what the first does."""
    one, other = made.wash("bob", "shop1"), made.wash("bob", "shop2")

    async def is_level() -> bool:
        return bool(await one.read(view, arguments) == await other.read(view, arguments) != 0)

    await until(is_level, f"{view} on both nodes")


@pytest.mark.parametrize("name", CANARIES)
def test_the_search_finds_a_canary_in_every_form(name: str) -> None:
    text = CANARIES[name]
    digest = sha256(text.encode())

    missed = [
        form
        for form in (
            text.encode(), text.encode().hex().encode(), json.dumps({"a": text}).encode(),
            json.dumps({"a": text}, ensure_ascii=False).encode(), digest, digest.hex().encode(),
            *(b64encode(bytes(shift) + text.encode() + b"z") for shift in range(3)),
        )
        if name not in found_in(b"so " + form + b" on")
    ]  # fmt: skip

    assert missed == []


@pytest.mark.e2e
@pytest.mark.timeout(120)
async def test_a_customers_details_are_nowhere_but_with_those_who_may_read_them(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as made:
        await set_up(made)
        await level(made.net.nodes)
        await book_and_arrive(made)
        sealed = await live(made)
        first = [path for path in made.net["shop1"].folder.rglob("*") if path.is_file()]

    wire = made.wire()
    assert sealed.hex().encode() in wire  # the lines are those that were used
    assert len(first) > 10
    assert found_in(wire) == []
    assert found_below(tmp_path) == []
    files = [path.read_bytes() for path in (tmp_path / "nodes").rglob("*") if path.is_file()]
    assert not any(sealed[:64] in one or sealed[-64:] in one for one in files)
