"""A shop's letters come to the gateway where its customers are, and theirs to the shop."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from node.carrying import TRIES_MAX, Rounds, SilentError, asker
from node.letters.carrying import Carrier
from node.letters.form import letter_name
from tests.node.test_letters_kept import NOTHING, REPLY, TEXT, VISIT, Told

SHOP = bytes([9]) * 32


class Gateway:
    """A gateway's answers, by the letters that it keeps."""

    def __init__(self, letters: Told) -> None:
        self.letters, self.is_up = letters, True
        self.asked: list[str] = []

    async def ask(self, method: str, params: dict[str, Any]) -> Any:
        self.asked.append(method)
        if not self.is_up:
            return None
        if method == "letter_put":
            self.letters.put(VISIT, bytes.fromhex(params["content"]))
            return {}
        found = self.letters.get(VISIT)
        shown = [
            {"name": one.name.hex(), "content": None if letter is None else letter.hex()}
            for one, letter in found
        ]
        return {"letters": shown}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Told]:
    made = Told(tmp_path / "shop")
    (tmp_path / "shop").mkdir()
    made.say(TEXT, REPLY)
    yield made
    made.store.close()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    (tmp_path / "gateway").mkdir()
    made = Gateway(Told(tmp_path / "gateway"))
    made.letters.say(TEXT, REPLY)
    yield made
    made.letters.store.close()


async def test_each_side_gets_what_it_lacks(shop: Told, gateway: Gateway) -> None:
    carrier = Carrier(shop, SHOP, gateway.ask)
    gateway.letters.put(VISIT, TEXT)
    shop.put(VISIT, REPLY)
    gateway.is_up = False
    carrier.want(VISIT)
    await carrier.carry_all()  # the line is down
    gateway.is_up = True

    await carrier.carry_all()  # what came may have to go to another gateway
    await carrier.carry_all()
    await carrier.carry_all()  # nothing waits any more

    names = sorted([letter_name(TEXT), letter_name(REPLY)])
    assert shop.store.names(VISIT.key()) == gateway.letters.store.names(VISIT.key()) == names
    assert gateway.asked == ["letter_get", "letter_get", "letter_put", "letter_get"]


async def test_what_comes_while_it_is_carried_is_carried_too(shop: Told, gateway: Gateway) -> None:
    async def ask(method: str, params: dict[str, Any]) -> Any:
        answer = await gateway.ask(method, params)
        if len(gateway.asked) == 1:
            shop.put(VISIT, REPLY)
        return answer

    carrier = Carrier(shop, SHOP, ask)
    shop.put(VISIT, TEXT)
    await carrier.carry_all()
    await carrier.carry_all()

    names = sorted([letter_name(TEXT), letter_name(REPLY)])
    assert gateway.letters.store.names(VISIT.key()) == names


async def test_what_somebody_looks_for_is_asked_for(shop: Told, gateway: Gateway) -> None:
    carrier = Carrier(shop, SHOP, gateway.ask)
    gateway.letters.put(VISIT, TEXT)
    gateway.letters.put(VISIT, REPLY)
    shop.get(VISIT)
    await carrier.carry_all()

    assert [letter for _named, letter in shop.get(VISIT)] == [TEXT, REPLY]


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, {"letters": 3}, {"letters": [{"name": 1}]},
     {"letters": [{"name": letter_name(TEXT).hex(), "content": "zz"}]},
     {"letters": [{"name": letter_name(TEXT).hex(), "content": REPLY.hex() + "00"}]}],
)  # fmt: skip
async def test_a_gateway_that_answers_anything_changes_nothing(shop: Told, answer: Any) -> None:
    async def ask(method: str, params: dict[str, Any]) -> Any:
        del method, params
        return answer

    carrier = Carrier(shop, SHOP, ask)
    carrier.want(VISIT)
    await carrier.carry_all()

    assert shop.store.names(VISIT.key()) == []


async def test_it_is_given_up_after_some_time_and_begun_anew_when_somebody_looks(
    shop: Told, gateway: Gateway
) -> None:
    carrier = Carrier(shop, SHOP, gateway.ask)
    carrier.want(VISIT)
    for _ in range(TRIES_MAX + 3):
        await carrier.carry_all()
    asked = len(gateway.asked)
    shop.get(VISIT)
    await carrier.carry_all()

    assert (asked, len(gateway.asked)) == (TRIES_MAX, TRIES_MAX + 1)
    assert NOTHING not in shop.store.names(VISIT.key())


async def test_nothing_is_given_up_while_the_line_is_down(shop: Told, gateway: Gateway) -> None:
    carrier = Carrier(shop, SHOP, gateway.ask)
    shop.put(VISIT, TEXT)
    gateway.is_up = False
    carrier.want(VISIT)
    for _ in range(TRIES_MAX + 3):
        await carrier.carry_all()
    gateway.is_up = True
    await carrier.carry_all()

    assert gateway.letters.store.names(VISIT.key()) == [letter_name(TEXT)]


@pytest_asyncio.fixture
async def server() -> AsyncIterator[TestServer]:
    async def answer(request: web.Request) -> web.Response:
        asked = await request.json()
        if asked["method"] == "letter_get":
            return web.json_response({"jsonrpc": "2.0", "id": 1, "result": {"letters": []}})
        return web.Response(text="x" * 1_000, content_type="text/html")

    app = web.Application()
    app.router.add_post("/rpc", answer)
    made = TestServer(app)
    await made.start_server()
    yield made
    await made.close()


async def test_a_gateway_is_asked_over_http(server: TestServer) -> None:
    ask = asker(str(server.make_url("")).rstrip("/"))
    nobody = asker("http://127.0.0.1:1")

    found = [await ask("letter_get", {}), await ask("letter_put", {}), await nobody("x", {})]

    assert found == [{"letters": []}, None, None]


@pytest.mark.parametrize("depth", ["[" * 200_000, '{"a":' * 100_000])
async def test_brackets_without_end_are_no_answer(depth: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=depth)

    app = web.Application()
    app.router.add_post("/rpc", answer)
    async with TestServer(app) as server:
        assert await asker(str(server.make_url("")).rstrip("/"))("letter_get", {}) is None


async def test_what_nobody_thought_of_ends_no_node_and_holds_up_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    carried = []

    async def carry(thing: int) -> bool:
        carried.append(thing)
        return not 1 // thing

    rounds = Rounds(carry, waiting_max=9, tries_max=2)
    for thing in (0, 2):
        rounds.want(thing)
    await rounds.carry_all()
    await rounds.carry_all()

    assert (carried, rounds.waiting()) == ([0, 2, 0], [])
    assert "can not be carried" in caplog.text


async def test_one_thing_that_never_has_an_answer_keeps_nothing_else_from_being_carried() -> None:
    carried = []

    async def carry(thing: str) -> bool:
        if thing == "broken there":
            raise SilentError
        carried.append(thing)
        return True

    rounds = Rounds(carry, waiting_max=9)
    for thing in ("broken there", "first", "second"):
        rounds.want(thing)
    await rounds.carry_all()
    before = list(carried)
    await rounds.carry_all()

    assert (before, carried, rounds.waiting()) == ([], ["first", "second"], ["broken there"])


async def test_what_is_new_finds_room_where_too_much_waits() -> None:
    carried = []

    async def carry(thing: int) -> bool:
        carried.append(thing)
        if thing == 1:
            rounds.want(4)  # while it is carried it makes room itself
        return True

    rounds = Rounds(carry, waiting_max=2)
    for thing in (0, 1, 2):
        rounds.want(thing)
    await rounds.carry_all()
    await rounds.carry_all()

    assert (carried, rounds.waiting()) == ([1, 2, 4], [])
