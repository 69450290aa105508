"""A shop's own node and its gateway, two real nodes: photos and letters come to both, at night too.

The gateway is the validator as well. The shop's node dials it and listens to nobody.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chain.ids import decode_id, encode_id
from node.client import AsyncWash, WashRpcError
from node.client.letters import Letters
from node.client.records import Records
from node.client.results import Final, Json
from node.demo.accounts import account_of, seed_of, signer_of
from node.devnet.plan import make_network
from node.devnet.processes import DevNet
from node.keys.store import KeyStore
from node.letters.form import letter_name, write_public
from node.live.clock import read_wall_ms
from tests.e2e.gateway import command, facts
from tests.e2e.journey_net import Actions, calling
from tests.e2e.journey_town import (
    FAIR,
    WASH,
    WASH_PRICE,
    offering,
    publishing,
    requesting,
)
from tests.netted import all_up, ended, give_sponsor, level, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]
GATE, SHOP = "node1", "shop1"
SPARKLE, DESK = "sparkle", "harbour"  # whose keys the shop's node and the gateway have
FIRST, SECOND = b"\xff\xd8\xff first" * 50, b"\xff\xd8\xff second" * 50
PIN = "48291673"
SHORTLY_MS = 500  # until a booking begins


class Pair:
    """The two nodes, and clients of people at either."""

    def __init__(self, folder: Path) -> None:
        nodes = make_network(folder / "nodes", 1, 1, time_ms=read_wall_ms(), interval_ms=50)
        self.net = DevNet(nodes)
        self.gate, self.shop = self.net[GATE], self.net[SHOP]
        KeyStore(self.gate.folder / "keys").add("operator", seed_of("operator"), None)
        give_sponsor(self.gate, "desk", DESK)
        give_sponsor(self.shop, "shop", SPARKLE)
        with (self.shop.folder / "config.toml").open("a", encoding="utf-8") as settings:
            settings.write(f'\n[pages]\nurl = "{self.gate.rpc_url}"\n')
        self.at_gate, self.at_shop = AsyncWash(self.gate.rpc_url), AsyncWash(self.shop.rpc_url)

    async def begin(self) -> None:
        """Start both, and let a shop open that offers a wash."""
        self.net.start(GATE)
        self.net.start(SHOP)
        await all_up(self.net)
        words = ("contract", "standard", "--from", "operator")
        await asyncio.to_thread(facts, *words, data=self.gate.folder)
        shop = encode_id("acct", account_of(SPARKLE))
        settings = {"accept_quotes": False, "day_start": 0, "quarter_bays": 0, "day_bays": 0}
        admit = calling("shops.admit", shop=shop, name="Sparkle")
        await self.do("operator", admit, publishing("fair"))
        await level([self.gate, self.shop])
        await self.do(
            SPARKLE,
            calling("shops.set_settings", auto_accept=True, **settings),
            offering(WASH, WASH_PRICE, FAIR, "Wash"),
            calling("shops.open_shop"),
        )

    async def do(self, who: str, *actions: Json, sponsor: str | None = None) -> Final:
        """Carry out actions of somebody: the shop's by its own node, others' by the gateway."""
        signer, payer = signer_of(who), None if sponsor is None else signer_of(sponsor)
        sent: Actions = list(actions)
        wash = self.at_shop if who == SPARKLE else self.at_gate
        return await wash.send(sent, key=signer, sponsor=payer)

    async def paid_visit(self, who: str) -> str:
        """Let somebody's car be washed and paid; returns the visit."""
        start = int((await self.at_gate.rpc("node_health"))["time_ms"]) + SHORTLY_MS
        booked = await self.do(who, requesting(SPARKLE, start))
        name = str(booked.event("booking.Requested")["id"])
        await self.do(who, calling("booking.check_in", id=name), sponsor=SPARKLE)
        await level([self.gate, self.shop])
        await self.do(SPARKLE, calling("booking.start_service", id=name))
        await self.do(SPARKLE, calling("booking.ready", id=name))
        await self.do(who, calling("booking.confirm", id=name))
        return decode_id(name, "bkg").hex()

    async def switch_on(self) -> None:
        """Let the shop's computer start, and hear of all that happened."""
        self.net.start(SHOP)
        await all_up(self.net, SHOP)
        await level([self.gate, self.shop])

    async def close(self) -> None:
        """End both."""
        await self.at_gate.close()
        await self.at_shop.close()
        ended(self.net)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("pair"))
    try:
        await made.begin()
        yield made
    finally:
        await made.close()


def files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_photos_are_opened_at_the_gateway_day_and_night_and_erased_at_both(
    pair: Pair,
) -> None:
    shop = Records(pair.at_shop, signer_of(SPARKLE))
    alice, bob = (Records(pair.at_gate, signer_of(one)) for one in ("alice", "bob"))
    owner = account_of("alice")

    async def opened(blob: str) -> bool:
        try:
            return (await alice.read(blob, "SERVICE")).content in {FIRST, SECOND}
        except WashRpcError:
            return False

    await level([pair.gate, pair.shop])
    first = await shop.keep(FIRST, owner=owner, kind="PHOTOS")
    await until(lambda: opened(first), "the first photo at the gateway")
    second = await shop.keep(SECOND, owner=owner, kind="PHOTOS")
    pair.net.kill(SHOP)  # at once, whatever was on its way
    sealed = files(pair.shop.folder / "vault")
    at_night = await opened(first)
    with pytest.raises(WashRpcError) as stranger:
        await bob.read(first, "SERVICE")
    receipt = await alice.erase(first)
    waiting = await pair.at_gate.read("consent.blob", id=first)

    await pair.switch_on()
    await until(lambda: opened(second), "the photo that waited")

    async def erased() -> Any:
        entry = await pair.at_gate.read("consent.blob", id=first)
        return entry if entry["state"] == "ERASED" else None

    gone = await until(erased, "the shop's word that it erased")
    log = await alice.access_log()
    with pytest.raises(WashRpcError) as at_gate:
        await alice.read(first, "SERVICE")

    assert (at_night, stranger.value.data["name"]) == (True, "NO_CONSENT")
    assert receipt["holder"] == encode_id("acct", account_of(DESK))
    assert (waiting["state"], waiting["holders"]) == ("ERASING", 2)
    assert (gone["unconfirmed"], at_gate.value.data["name"]) == (0, "BLOB_GONE")
    assert {one["blob"] for one in log["items"]} == {first, second}
    assert sealed != b""


async def review_texts(wash: AsyncWash, visit: str) -> dict[str, str]:
    """Return what a node has of a review and its reply, by role."""
    found = (await wash.rpc("letter_get", about=visit))["letters"]
    return {one["role"]: one["text"] for one in found if one["text"] is not None}


async def test_a_review_comes_to_the_shop_and_its_reply_to_the_gateway(pair: Pair) -> None:
    visit = await pair.paid_visit("bob")
    pair.net.kill(SHOP)  # it is night when the customer writes
    text, reply = write_public("Spotless, thank you"), write_public("Come again")
    words: dict[str, Any] = {
        "scores": {"clean": 5, "on_time": 5, "staff": 5, "value": 4},
        "reasons": 0,
        "text": letter_name(text).hex(),
    }
    await pair.do("bob", calling("reviews.review", visit=visit, **words))
    await pair.at_gate.rpc("letter_put", about=visit, content=text.hex())
    await pair.switch_on()

    async def is_there(wash: AsyncWash, role: str) -> bool:
        return role in await review_texts(wash, visit)

    await until(lambda: is_there(pair.at_shop, "text"), "the review at the shop")
    answered = calling("reviews.reply", visit=visit, reply=letter_name(reply).hex())
    await pair.do(SPARKLE, answered)
    await pair.at_shop.rpc("letter_put", about=visit, content=reply.hex())
    await until(lambda: is_there(pair.at_gate, "reply"), "the reply at the gateway")

    everything = {"text": "Spotless, thank you", "reply": "Come again"}
    assert await review_texts(pair.at_gate, visit) == everything
    assert await review_texts(pair.at_shop, visit) == everything


async def test_a_message_comes_to_the_shop_and_its_answer_to_the_gateway(pair: Pair) -> None:
    carol = Letters(pair.at_gate, signer_of("carol"))
    shop = Letters(pair.at_shop, signer_of(SPARKLE))
    await carol.write(account_of(SPARKLE), "The gate is narrow")
    await level([pair.gate, pair.shop])
    (message,) = await shop.received()

    async def read() -> Any:
        return (await shop.read(message)).message

    async def answer() -> Any:
        return (await carol.read(message)).answer

    question = await until(read, "the message at the shop")
    await shop.answer(message, "We widen it")
    said_back = await until(answer, "the answer at the gateway")

    assert (question, said_back) == ("The gate is narrow", "We widen it")


async def test_a_message_to_the_operators_comes_to_their_own_node_and_the_answer_back(
    pair: Pair,
) -> None:
    # This node is an operator's own as well: somebody logs in at it.
    KeyStore(pair.shop.folder / "keys").add("operator", seed_of("operator"), None)
    made = await asyncio.to_thread(
        command, "login", "add", "Olga", "--from", "operator", data=pair.shop.folder, WASH_PIN=PIN
    )
    carol = Letters(pair.at_gate, signer_of("carol"))
    await level([pair.gate, pair.shop])
    name = await carol.write(account_of("operator"), "More shops in the north")
    message = await carol.message(name)
    (kept,) = (await pair.at_gate.rpc("letter_get", about=name))["letters"]

    async def fetched() -> bool:
        return bytes.fromhex(kept["name"]) in files(pair.shop.folder / "letters")

    await until(fetched, "the message at the operator's node, before anybody looks for it there")
    session = (await pair.at_shop.rpc("operator_login", name="Olga", pin=PIN))["session"]
    (read,) = (await pair.at_shop.rpc("operator_letters", session=session))["items"]
    await pair.at_shop.rpc("operator_answer", session=session, id=name, text="Two open in May")

    async def answer() -> Any:
        return (await carol.read(message)).answer

    said_back = await until(answer, "the operators' answer at the gateway")

    assert (made.returncode, read["message"], read["lacks"]) == (0, "More shops in the north", None)
    assert said_back == "Two open in May"
