"""The client against a real node: money moves, bookings are made, restarts are survived."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from chain.codec import encode
from chain.crypto import Signer
from chain.ids import encode_id
from chain.transaction import call_id
from chain.types import HOUR_MS, MINUTE_MS
from node.client import AsyncWash, Identity, NotFound, Refused, StillPending, Unauthenticated, Wash
from node.demo.accounts import signer_of
from node.demo.catalogue import SPARKLE
from tests.node.client.real_node import TOKENS, demo, serving
from tests.node.demo.setting import NOON, open_demo

ALICE, BOB, SHOP = signer_of("alice"), signer_of("bob"), signer_of("sparkle")
BOB_TEXT, SHOP_TEXT = encode_id("acct", BOB.public_key), encode_id("acct", SHOP.public_key)
START = NOON + 16 * HOUR_MS  # midday tomorrow, for the shop


def pay(amount: int) -> dict[str, Any]:
    return {"type": "transfer", "asset": "CNY", "to": BOB_TEXT, "amount": amount}


def visit(start: int = START) -> dict[str, Any]:
    offer = SPARKLE.service(1)
    return {
        "shop": SHOP_TEXT, "service": 1, "version": 1, "start": start,
        "end": start + offer.duration_ms, "cell": offer.cell, "total": offer.price,
        "policy": offer.policy_id.hex(),
    }  # fmt: skip


async def test_money_moves_and_the_receipt_tells(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_node, url), AsyncWash(url, key=ALICE) as wash:
        before = await wash.balance(BOB_TEXT)
        final = await wash.send([pay(680)])
        after = await wash.balance(BOB_TEXT)
        head = await wash.head()
        words = await wash.explain(final.tx_id, "zh")
        looked_up = await wash.wait(final.tx_id)

    assert after - before == 680
    values = final.event("chain.transferred")
    assert values["amount"]["amount"] == 680
    assert (final.height, final.name) == (head["height"], "OK")
    assert looked_up == final
    assert words["sentence"]


async def test_what_is_built_here_is_what_the_node_would_build(tmp_path: Path) -> None:
    actions = [
        pay(1),
        {"type": "call", "contract": "booking", "function": "request", "arguments": visit(),
         "funds": SPARKLE.service(1).hold(START)},
        {"type": "add_key", "key": "07" * 32, "scopes": None, "limits": [], "expires_at": None},
    ]  # fmt: skip

    async with demo(tmp_path) as (_node, url), AsyncWash(url, key=ALICE) as wash:
        body = await wash.build(actions)
        account = encode_id("acct", ALICE.public_key)
        built = await wash.rpc("tx_build", account=account, actions=actions)

    assert built["body"] == encode(body).hex()


async def test_a_booking_is_made_by_names_and_read_back(tmp_path: Path) -> None:
    hold = SPARKLE.service(1).hold(START)

    async with demo(tmp_path) as (_node, url), AsyncWash(url, key=ALICE) as wash:
        final = await wash.call("booking.request", funds=hold, **visit())
        values = final.event("booking.Requested")
        booking = encode_id("bkg", call_id(bytes.fromhex(final.tx_id), 0))
        stored = await wash.read("booking.booking", id=booking)
        held = await wash.read("booking.held_money", {"id": booking})

    assert values["id"] == booking
    assert stored["start"] == START
    assert held["amount"] == hold


async def test_a_contract_refuses_with_its_own_reason(tmp_path: Path) -> None:
    hold = SPARKLE.service(1).hold(START)

    async with demo(tmp_path) as (_node, url), AsyncWash(url, key=ALICE) as wash:
        with pytest.raises(Refused) as tried:
            await wash.simulate(
                [{"type": "call", "contract": "booking", "function": "request",
                  "arguments": {**visit(), "total": 1}, "funds": hold}]
            )  # fmt: skip
        with pytest.raises(Refused) as sent:
            await wash.call("booking.request", {**visit(), "total": 1}, funds=hold)

    facts = [(one.value.code, one.value.name, one.value.reason) for one in (tried, sent)]
    assert facts[0] == facts[1]
    assert facts[0][2] == "price_changed"
    assert sent.value.final is not None
    assert sent.value.zh


async def test_too_little_money_is_refused_alike_in_a_trial_and_in_a_block(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_node, url), AsyncWash(url, key=ALICE) as wash:
        with pytest.raises(Refused) as tried:
            await wash.simulate([pay(10**12)])
        with pytest.raises(Refused) as sent:
            await wash.send([pay(10**12)])

    assert (tried.value.code, sent.value.code) == (2001, 2001)


async def test_many_at_once_all_come_through(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_node, url), AsyncWash(url, key=ALICE) as wash:
        before = await wash.balance(BOB_TEXT)
        finals = await asyncio.gather(*[wash.send([pay(n)]) for n in range(1, 41)])
        after = await wash.balance(BOB_TEXT)

    assert len({final.tx_id for final in finals}) == 40
    assert after - before == sum(range(1, 41))


async def test_two_programs_with_one_key_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    async with (
        demo(tmp_path) as (_node, url),
        AsyncWash(url, key=ALICE) as one,
        AsyncWash(url, key=ALICE) as other,
    ):
        sent = [wash.send([pay(n)]) for n in range(1, 9) for wash in (one, other)]
        finals = await asyncio.gather(*sent)

    assert len({final.tx_id for final in finals}) == 16


async def test_a_customer_without_an_account_is_sponsored_by_the_node(tmp_path: Path) -> None:
    newcomer = Signer(b"n" * 32)
    hold = SPARKLE.service(1).hold(START)

    async with (
        demo(tmp_path) as (_node, url),
        AsyncWash(url, key=newcomer, sponsor="node", token=TOKENS.shop) as wash,
        AsyncWash(url, key=newcomer, sponsor="node") as stranger,
    ):
        await wash.dev.faucet(newcomer.public_key, 50_000)
        final = await wash.call("booking.request", visit(), funds=hold)
        by_key = await wash.send([pay(3)], sponsor=Identity(SHOP.public_key, SHOP))
        with pytest.raises(Unauthenticated):
            await stranger.call("booking.request", visit(START + HOUR_MS), funds=hold)
        with pytest.raises(Refused) as alone:
            await AsyncWash.send(stranger, [pay(1)], sponsor=Identity(BOB.public_key, newcomer))

    assert final.ok
    assert by_key.ok
    assert alone.value.final is None


async def test_a_shops_node_says_that_the_car_is_there_only_on_purpose(tmp_path: Path) -> None:
    hold = SPARKLE.service(1).hold(START)

    async with (
        demo(tmp_path) as (_node, url),
        AsyncWash(url, key=ALICE, token=TOKENS.shop) as wash,
    ):
        booked = await wash.call("booking.request", visit(), funds=hold)
        booking = booked.event("booking.Requested")["id"]
        await wash.dev.set_time(START)
        with pytest.raises(Refused) as unasked:
            await wash.call("booking.check_in", id=booking, sponsor="node")
        await wash.call("booking.check_in", id=booking, sponsor="node_attests")
        stored = await wash.read("booking.booking", id=booking)

    assert (unasked.value.code, unasked.value.data["function"]) == (1011, "check_in")
    assert stored["co_signed"] is True


async def test_events_are_told_once_through_a_lost_door(tmp_path: Path) -> None:
    node = open_demo(tmp_path)
    numbers = []
    async with serving(node) as url:
        wash = AsyncWash(url, key=ALICE)
        stream = wash.events({"type": "chain.transferred", "account": BOB_TEXT})
        await stream.__aenter__()
        for amount in (1, 2):
            await wash.send([pay(amount)])
        numbers += [(await anext(stream))["values"]["amount"]["amount"] for _ in range(2)]
    async with serving(node, int(url.rpartition(":")[2])):
        for amount in (3, 4):
            await wash.send([pay(amount)])
        numbers += [(await anext(stream))["values"]["amount"]["amount"] for _ in range(2)]
        await stream.close()
        await wash.close()
    node.close()

    assert numbers == [1, 2, 3, 4]
    assert stream.reconnects == 1


async def test_a_closed_door_is_waited_out(tmp_path: Path) -> None:
    node = open_demo(tmp_path)
    async with serving(node) as url:
        wash = AsyncWash(url, key=ALICE)
        signed = await wash.sign(await wash.build([pay(5)]))
    port = int(url.rpartition(":")[2])
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(wash.submit_and_wait(signed))
        await asyncio.sleep(0)
        async with serving(node, port):
            final = await sending
            again = await wash.submit_and_wait(signed)
            await wash.close()
    node.close()

    assert final.ok
    assert again == final


async def test_time_travels_and_snapshots_come_back(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_node, url), AsyncWash(url, key=ALICE) as wash:
        people = await wash.dev.accounts()
        snapshot = await wash.dev.snapshot()
        await wash.send([pay(7)])
        await wash.dev.tick(30 * MINUTE_MS)
        head = await wash.head()
        await wash.dev.mine(2)
        await wash.dev.revert(snapshot)
        seeded = await wash.dev.seed("default")

    assert {one["name"] for one in people} >= {"alice", "bob", "sparkle"}
    assert head["time_ms"] >= NOON + 30 * MINUTE_MS
    assert seeded["scenario"] == "default"


async def test_keys_are_changed_and_the_account_stays(tmp_path: Path) -> None:
    fresh = Signer(b"f" * 32)
    old = ALICE.public_key.hex()

    async with demo(tmp_path) as (_node, url), AsyncWash(url, key=ALICE) as wash:
        add: dict[str, Any] = {
            "type": "add_key",
            "key": fresh.public_key.hex(),
            "scopes": None,
            "limits": [],
        }
        await wash.send([{**add, "expires_at": None}, {"type": "remove_key", "key": old}])
        with pytest.raises(Refused):
            await wash.send([pay(1)])
        final = await wash.send([pay(2)], key=fresh, account=ALICE.public_key)
        keys = [one["key"] for one in (await wash.account())["keys"]]

    assert final.ok
    assert keys == [fresh.public_key.hex()]


async def test_what_does_not_exist_is_not_found(tmp_path: Path) -> None:
    async with demo(tmp_path) as (_node, url), AsyncWash(url, key=ALICE) as wash:
        for actions in ([{**pay(1), "asset": "JPY"}],):
            with pytest.raises(NotFound):
                await wash.send(actions)
        with pytest.raises(NotFound, match="booking"):
            await wash.call("bookin.request", visit())
        with pytest.raises(NotFound):
            await wash.wait("00" * 32, timeout_s=0.01)


async def test_a_halted_chain_leaves_it_pending(tmp_path: Path) -> None:
    async with demo(tmp_path) as (node, url), AsyncWash(url, key=ALICE) as wash:
        node.is_halted = True
        with pytest.raises(StillPending) as caught:
            await wash.send([pay(1)], timeout_s=0.05)
        node.is_halted = False
        node.wake()
        final = await wash.wait(caught.value.tx_id)

    assert final.ok


async def test_plain_code_uses_it_as_well(tmp_path: Path) -> None:
    def script(url: str) -> tuple[bool, int]:
        with Wash(url, key=ALICE) as wash, wash.events(after="earliest") as events:
            final = wash.send([pay(9)])
            for event in events:
                if event["origin"]["id"] == final.tx_id:
                    return final.ok, event["values"]["amount"]["amount"]
        return False, 0

    async with demo(tmp_path) as (_node, url):
        told = await asyncio.to_thread(script, url)

    assert told == (True, 9)


async def test_the_examples_of_the_page_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "client.md").read_text("utf-8")
    examples = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)

    async with demo(tmp_path) as (_node, url):
        code = "\n".join(examples).replace("http://127.0.0.1:8787", url)
        await asyncio.to_thread(exec, code, {"__name__": "page"})

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[6].startswith("3004 WRONG_STATE wrong_state ")
