"""The shop's part: what its node co-signs, what only on purpose, and who needs it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.crypto import Signer, verify_signature
from chain.ids import encode_id
from chain.types import DAY_MS
from node.demo.accounts import signer_of
from node.keys.acting import ActingKey
from node.live.visitors import Visitors
from node.rpc.sponsoring import SPONSORED_GAS_MAX
from tests.node.rpc.asking import PAY, WASH, Asker, acct, request


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Asker]:
    made = Asker(tmp_path, "shop")
    yield made
    made.node.close()


async def test_a_shop_co_signs_what_its_customer_asks_for(shop: Asker) -> None:
    stranger = Signer(bytes(31) + b"\x07")
    account = encode_id("acct", stranger.public_key)
    pay = {**PAY, "to": account, "amount": WASH.price}
    await shop.do("alice", pay)
    built = await shop.ask(
        "tx_build", account=account, actions=[request(shop)], sponsor=acct("sparkle")
    )

    cosigned = await shop.ask("tx_sponsor", body=built["body"])
    signed = await shop.ask(
        "tx_assemble",
        body=built["body"],
        signature=stranger.sign(bytes.fromhex(built["sign_bytes"])).hex(),
        sponsor_key=cosigned["key"],
        sponsor_signature=cosigned["signature"],
    )
    await shop.ask("tx_submit", tx=signed["tx"])
    shop.make_block()

    status = await shop.ask("tx_get", tx_id=built["tx_id"])
    assert status["status"] == "final"


async def test_a_shop_co_signs_only_calls_of_installed_contracts(shop: Asker) -> None:
    built = await shop.build("alice", request(shop), PAY, sponsor=acct("sparkle"))

    code, message = await shop.refusal("tx_sponsor", body=built["body"])

    assert code == 1011
    assert "action 1" in message


async def test_a_shop_co_signs_only_what_would_succeed(shop: Asker) -> None:
    late = await shop.build(
        "alice", request(shop, total=1), sponsor=acct("sparkle"), gas_limit=9**5
    )

    code, _message = await shop.refusal("tx_sponsor", body=late["body"])

    assert code == 3007


async def test_a_shop_co_signs_only_within_its_bound_of_gas(shop: Asker) -> None:
    built = await shop.build(
        "alice", request(shop), sponsor=acct("sparkle"), gas_limit=SPONSORED_GAS_MAX + 1
    )

    code, message = await shop.refusal("tx_sponsor", body=built["body"])

    assert (code, "gas_limit" in message) == (1011, True)


async def test_a_shop_does_not_co_sign_for_another_shop(shop: Asker) -> None:
    others = await shop.build("alice", request(shop), sponsor=acct("harbour"))
    nobodys = await shop.build("alice", request(shop))

    other = await shop.refusal("tx_sponsor", body=others["body"])
    nobody = await shop.refusal("tx_sponsor", body=nobodys["body"])

    assert other[0] == 1011
    assert nobody[0] == -32602
    assert acct("sparkle") in nobody[1]


async def test_a_guest_with_money_on_hold_needs_no_sponsor(shop: Asker) -> None:
    guest = Signer(bytes(31) + b"\x07")
    account = encode_id("acct", guest.public_key)
    await shop.do("alice", {**PAY, "to": account, "amount": WASH.price})
    booked = await shop.ask(
        "tx_build", account=account, actions=[request(shop)], sponsor=acct("sparkle")
    )
    await send_as(shop, guest, booked, sponsor="sparkle")
    (made,) = booked["creates"]
    cancel = {
        "type": "call", "contract": "booking", "function": "cancel_booking",
        "arguments": {"id": made["id"]}, "funds": 0,
    }  # fmt: skip

    built = await shop.ask("tx_build", account=account, actions=[cancel])
    await send_as(shop, guest, built)

    status = await shop.ask("tx_get", tx_id=built["tx_id"])
    assert built["trial"] == {"ok": True, "error": None}
    assert status["status"] == "final"


async def test_a_guest_may_not_ask_for_gas_that_no_block_has_for_guests(shop: Asker) -> None:
    guest = Signer(bytes(31) + b"\x07")
    account = encode_id("acct", guest.public_key)
    await shop.do("alice", {**PAY, "to": account, "amount": WASH.price})
    booked = await shop.ask(
        "tx_build", account=account, actions=[request(shop)], sponsor=acct("sparkle")
    )
    await send_as(shop, guest, booked, sponsor="sparkle")
    call = {**request(shop), "funds": 0}
    built = await shop.ask("tx_build", account=account, actions=[call], gas_limit=150_001)

    signature = guest.sign(bytes.fromhex(built["sign_bytes"])).hex()
    signed = await shop.ask("tx_assemble", body=built["body"], signature=signature)
    code, message = await shop.refusal("tx_submit", tx=signed["tx"])

    assert (code, message) == (1012, "gas_limit is 150001, at most 150000 is allowed")
    assert built["trial"]["error"]["code"] == code
    assert len(shop.node.pool) == 0  # it would stay there until its time is over


async def send_as(asker: Asker, guest: Signer, built: Any, sponsor: str | None = None) -> None:
    """Sign what was built with keys of nobody in the demo, and put it into a block."""
    message = bytes.fromhex(built["sign_bytes"])
    parts = {"body": built["body"], "signature": guest.sign(message).hex()}
    if sponsor is not None:
        message = bytes.fromhex(built["sponsor_sign_bytes"])
        parts["sponsor_signature"] = signer_of(sponsor).sign(message).hex()
    signed = await asker.ask("tx_assemble", **parts)
    await asker.ask("tx_submit", tx=signed["tx"])
    asker.make_block()


@pytest.mark.parametrize("sender", ["sparkle", "alice"])
async def test_what_a_shop_co_signs_can_not_be_sent_in_its_name(shop: Asker, sender: str) -> None:
    key = signer_of("sparkle").public_key.hex()
    if sender == "alice":  # who lets the shop's key sign for her too
        entry: dict[str, object] = {"key": key, "scopes": None, "limits": [], "expires_at": None}
        await shop.do("alice", {"type": "add_key", **entry})
    more = {} if sender == "sparkle" else {"key": key}
    built = await shop.build(sender, request(shop), sponsor=acct("sparkle"), **more)

    cosigned = await shop.ask("tx_sponsor", body=built["body"])
    code, message = await shop.refusal(
        "tx_assemble",
        body=built["body"],
        signature=cosigned["signature"],
        sponsor_signature=cosigned["signature"],
    )

    assert (code, key in message) == (1002, True)


def visit(name: str, booking: str) -> dict[str, Any]:
    """Return a call about a booking."""
    return {
        "type": "call", "contract": "booking", "function": name, "arguments": {"id": booking},
        "funds": 0,
    }  # fmt: skip


async def arrived(shop: Asker) -> str:
    """Let the time of a booking of alice's come; returns its id."""
    wish = request(shop)
    booked = await shop.do("alice", wish)
    booking: str = booked["creates"][0]["id"]
    shop.make_block(wish["arguments"]["start"])
    return booking


async def test_a_shop_gives_its_word_only_if_it_is_asked_for(shop: Asker) -> None:
    booking = await arrived(shop)
    built = await shop.build("alice", visit("check_in", booking), sponsor=acct("sparkle"))

    unasked = await shop.answer("tx_sponsor", body=built["body"])
    refused = await shop.answer("tx_sponsor", body=built["body"], attest=False)
    meant = await shop.ask("tx_sponsor", body=built["body"], attest=True)

    error = unasked["error"]
    shown = {name: error["data"][name] for name in ("action", "function")}
    assert (error["code"], shown) == (1011, {"action": 0, "function": "check_in"})
    assert "attest true" in error["message"]
    assert refused["error"] == error
    message = bytes.fromhex(built["sponsor_sign_bytes"])
    key, signature = bytes.fromhex(meant["key"]), bytes.fromhex(meant["signature"])
    assert verify_signature(key, message, signature)


async def test_a_word_hidden_behind_other_calls_is_found(shop: Asker) -> None:
    booking = await arrived(shop)
    calls = [request(shop), visit("check_in", booking)]
    built = await shop.build("alice", *calls, sponsor=acct("sparkle"), gas_limit=150_000)

    code, message = await shop.refusal("tx_sponsor", body=built["body"])

    assert (code, message[:9]) == (1011, "action 1:")


async def test_co_signing_needs_the_shops_token_and_key(shop: Asker) -> None:
    built = await shop.build("alice", request(shop), sponsor=acct("sparkle"))

    shop.tier = "public"
    public = await shop.refusal("tx_sponsor", body=built["body"])
    shop.tier, shop.node.sponsor = "shop", None
    keyless = await shop.refusal("tx_sponsor", body=built["body"])

    assert public[0] in {-32003, -32004}
    assert keyless[0] == -32007


async def test_where_pages_are_served_visitors_are_co_signed_for_within_limits(
    shop: Asker,
) -> None:
    shop.tier, shop.node.visitors = "public", Visitors(per_account=2, in_all=3)
    bodies = {
        name: (await shop.build(name, request(shop), sponsor=acct("sparkle")))["body"]
        for name in ("alice", "bob", "carol")
    }

    answers = [
        await shop.answer("tx_sponsor", body=bodies[name])
        for name in ("alice", "alice", "alice", "bob", "carol")
    ]

    codes = [one.get("error", {}).get("code", 0) for one in answers]
    assert codes == [0, 0, -32002, 0, -32002]


async def test_a_visitor_never_gets_the_shops_word(shop: Asker) -> None:
    booking = await arrived(shop)
    shop.node.visitors = Visitors()
    built = await shop.build("alice", visit("check_in", booking), sponsor=acct("sparkle"))
    shop.tier = "public"

    asked = await shop.refusal("tx_sponsor", body=built["body"], attest=True)
    unasked = await shop.refusal("tx_sponsor", body=built["body"])

    assert (asked[0], unasked[0]) == (-32003, 1011)


def test_the_limits_for_visitors_begin_anew_each_day() -> None:
    visitors, one, other = Visitors(per_account=1, in_all=2), b"1" * 32, b"2" * 32
    visitors.take(one, 0)

    today = [visitors.may_take(who, DAY_MS - 1) for who in (one, other)]
    tomorrow = [visitors.may_take(who, DAY_MS) for who in (one, other)]

    assert (today, tomorrow) == ([False, True], [True, True])


async def test_a_shop_whose_key_was_replaced_goes_on_as_the_same_account(shop: Asker) -> None:
    fresh = ActingKey(bytes(31) + b"\x09", signer_of("sparkle").public_key)
    add: dict[str, Any] = {"type": "add_key", "key": fresh.public_key.hex()}
    add |= {"scopes": None, "limits": [], "expires_at": None}
    remove = {"type": "remove_key", "key": signer_of("sparkle").public_key.hex()}
    await shop.do("sparkle", add, remove)
    built = await shop.build("alice", request(shop), sponsor=acct("sparkle"), gas_limit=150_000)
    body, mine = built["body"], bytes.fromhex(built["sign_bytes"])
    refused, _message = await shop.refusal("tx_sponsor", body=body)

    shop.node.sponsor = fresh
    cosigned = await shop.ask("tx_sponsor", body=body)
    signed = await shop.ask(
        "tx_assemble",
        body=body,
        signature=signer_of("alice").sign(mine).hex(),
        sponsor_key=cosigned["key"],
        sponsor_signature=cosigned["signature"],
    )
    await shop.ask("tx_submit", tx=signed["tx"])
    shop.make_block()

    status = await shop.ask("tx_get", tx_id=built["tx_id"])
    assert (refused, status["status"]) == (1011, "final")
