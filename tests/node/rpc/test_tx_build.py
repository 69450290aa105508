"""Building transactions without a codec: built, signed, put together, sent, read again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.codec import decode
from chain.crypto import Signer
from chain.ids import encode_id
from chain.ledger import get_balance
from chain.transaction import Transaction
from chain.types import HOUR_MS, MINUTE_MS
from node.demo.accounts import signer_of
from node.demo.catalogue import SPARKLE
from node.rpc.action_lookup import ChainLookup
from node.rpc.actions import body_json, read_body
from node.rpc.methods.tx_build import SPONSORED_GAS_MAX, VALID_MS
from tests.make import BOX, MONEY, compiled
from tests.node.rpc.asking import Asker, acct

PAY = {"type": "transfer", "asset": "CNY", "to": acct("bob"), "amount": 1_234}
WASH = SPARKLE.services[0]


@pytest.fixture
def asker(tmp_path: Path) -> Iterator[Asker]:
    made = Asker(tmp_path)
    yield made
    made.node.close()


def request(asker: Asker, **changes: Any) -> dict[str, Any]:
    start = asker.wall.now_ms + 24 * HOUR_MS
    arguments = {
        "shop": acct("sparkle"), "service": WASH.number, "version": 1, "start": start,
        "end": start + WASH.duration_ms, "cell": WASH.cell, "total": WASH.price,
        "policy": WASH.policy_id.hex(), **changes,
    }  # fmt: skip
    return {
        "type": "call", "contract": "booking", "function": "request", "arguments": arguments,
        "funds": WASH.hold(start),
    }  # fmt: skip


async def test_what_is_built_signed_and_sent_is_carried_out(asker: Asker) -> None:
    before = get_balance(asker.node.state(), signer_of("bob").public_key, MONEY)

    built = await asker.do("alice", PAY)

    after = get_balance(asker.node.state(), signer_of("bob").public_key, MONEY)
    status = await asker.ask("tx_get", tx_id=built["tx_id"])
    assert (after - before, status["status"]) == (1_234, "final")


async def test_what_is_left_out_is_filled_in(asker: Asker) -> None:
    now = asker.node.block_time()

    built = await asker.build("alice", PAY)

    body = decode(Transaction, bytes.fromhex(built["body"]))
    assert (built["nonce"], built["valid_until"]) == (body.nonce, body.valid_until)
    assert (body.nonce, body.valid_until) == (0, now + VALID_MS)
    assert (body.key, body.sponsor, body.client_ref) == (None, None, None)
    assert 2_000 < built["gas_limit"] == body.gas_limit < 10_000
    assert built["trial"] == {"ok": True, "error": None}


async def test_what_is_given_stays_as_it_is(asker: Asker) -> None:
    given = {
        "key": "ab" * 32, "nonce": 9, "valid_until": asker.wall.now_ms + MINUTE_MS,
        "gas_limit": 50_000, "sponsor": acct("sparkle"), "client_ref": "cd" * 16,
    }  # fmt: skip

    built = await asker.build("alice", PAY, **given)

    body = decode(Transaction, bytes.fromhex(built["body"]))
    lookup = ChainLookup(asker.node)
    assert {name: body_json(body, lookup)[name] for name in given} == given
    assert built["trial"]["error"]["code"] == 1011  # no key of alice's


async def test_the_next_transaction_of_a_key_gets_the_next_number(asker: Asker) -> None:
    first = await asker.build("alice", PAY)
    signed = await asker.sign("alice", first)
    await asker.ask("tx_submit", tx=signed["tx"])

    second = await asker.build("alice", PAY)

    assert (first["nonce"], second["nonce"]) == (0, 1)


async def test_a_booking_tells_its_id_before_it_is_made(asker: Asker) -> None:
    built = await asker.do("alice", request(asker))

    status = await asker.ask("tx_get", tx_id=built["tx_id"])
    (event,) = status["receipt"]["events"][:1]
    assert built["creates"] == [{"action": 0, "kind": "bkg", "id": event["values"]["id"]}]


async def test_what_one_action_makes_the_next_can_use(asker: Asker) -> None:
    issue = {"type": "issue_asset", "symbol": "PTS", "decimals": 0, "policy": "open"}
    built = await asker.build("alice", issue)
    points = built["creates"][0]["id"]
    mint = {"type": "mint", "asset": points, "to": acct("bob"), "amount": 5}

    await asker.do("alice", issue, mint)

    lookup = ChainLookup(asker.node)
    assert built["creates"] == [{"action": 0, "kind": "asset", "id": points}]
    assert lookup.symbol_of(lookup.find_asset(points)) == "PTS"


async def test_a_deployment_tells_the_contracts_id(asker: Asker) -> None:
    code = compiled(BOX).hex()
    deploy = {"type": "deploy", "code": code, "assets": ["CNY"]}

    built = await asker.do("alice", deploy)

    (made,) = built["creates"]
    lookup = ChainLookup(asker.node)
    assert made["kind"] == "contract"
    assert lookup.is_contract(lookup.find_contract(made["id"]))


async def test_a_trial_that_fails_says_why_before_anybody_signs(asker: Asker) -> None:
    built = await asker.build("alice", request(asker, total=1))

    assert built["trial"]["ok"] is False
    assert built["trial"]["error"]["code"] == 3007
    assert built["trial"]["error"]["reason"] == "price_changed"


async def test_a_summary_names_the_whole_account_and_the_exact_money(asker: Asker) -> None:
    built = await asker.build("alice", PAY)

    assert built["summary"] == {
        "en": f"Pay 12.34 CNY to {acct('bob')}.",
        "zh": f"您向{acct('bob')}支付 12.34 CNY。",
    }


async def test_names_that_nothing_bears_are_told(asker: Asker) -> None:
    pay = {**PAY, "asset": "CNX"}
    call = {"type": "call", "contract": "bookin", "function": "accept"}

    answers = [
        await asker.refusal("tx_build", account=acct("alice"), actions=[one]) for one in (pay, call)
    ]

    assert [code for code, _ in answers] == [6001, 6001]
    assert "booking" in answers[1][1]


async def test_a_slip_in_an_action_is_told_with_its_place(asker: Asker) -> None:
    actions = [PAY, request(asker, shop="sparkle")]

    answer = await asker.answer("tx_build", account=acct("alice"), actions=actions)

    assert answer["error"]["code"] == -32602
    assert answer["error"]["data"]["field"] == "actions[1].arguments.shop"


async def test_a_wrong_signature_is_refused_when_put_together(asker: Asker) -> None:
    built = await asker.build("alice", PAY)

    wrong = await asker.refusal("tx_assemble", body=built["body"], signature="00" * 64)
    unsponsored = await asker.refusal(
        "tx_assemble", body=built["body"], signature="00" * 64, sponsor_signature="00" * 64
    )

    assert wrong[0] == 1002
    assert unsponsored == (-32602, "sponsor_signature: the body names no sponsor")


async def test_a_sponsors_signature_is_asked_for_where_one_is_named(asker: Asker) -> None:
    built = await asker.build("alice", PAY, sponsor=acct("sparkle"))

    code, message = await asker.refusal("tx_assemble", body=built["body"], signature="00" * 64)

    assert code == -32602
    assert acct("sparkle") in message


async def test_a_transaction_is_read_back_field_by_field(asker: Asker) -> None:
    built = await asker.build("alice", request(asker), sponsor=acct("sparkle"))
    signed = await asker.sign("alice", built, "sparkle")

    whole = await asker.ask("tx_decode", tx=signed["tx"])
    bare = await asker.ask("tx_decode", body=built["body"])

    names = ("version", "chain_id", "account", "key", "nonce", "valid_until", "gas_limit",
             "sponsor", "actions", "client_ref")  # fmt: skip
    fields = {name: whole["transaction"][name] for name in names}
    body = read_body(fields, ChainLookup(asker.node))
    assert body == decode(Transaction, bytes.fromhex(built["body"]))
    assert bare["transaction"] == {"tx_id": built["tx_id"], **fields}
    assert whole["sign_bytes"] == bare["sign_bytes"] == built["sign_bytes"]
    assert [one["good"] for one in whole["signatures"]] == [True, True]
    assert bare["signatures"] == []


async def test_a_bad_signature_is_shown_as_bad(asker: Asker) -> None:
    built = await asker.build("alice", PAY)
    signed = await asker.sign("alice", built)
    spoiled = signed["tx"][:-4] + "00" + signed["tx"][-2:]

    shown = await asker.ask("tx_decode", tx=spoiled)

    key = signer_of("alice").public_key.hex()
    assert shown["signatures"] == [{"key": key, "good": False}]


@pytest.mark.parametrize("params", [{}, {"tx": "00", "body": "00"}, {"tx": "zz"}, {"body": "c0"}])
async def test_bytes_that_are_no_transaction_are_refused(
    asker: Asker, params: dict[str, str]
) -> None:
    code, _message = await asker.refusal("tx_decode", **params)

    assert code in {-32602, 1001}


# The shop's part --------------------------------------------------------------------------------


@pytest.fixture
def shop(asker: Asker) -> Asker:
    asker.tier = "shop"
    return asker


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
        parts["sponsor_signature"] = signer_of(sponsor).sign(message).hex()
    signed = await asker.ask("tx_assemble", **parts)
    await asker.ask("tx_submit", tx=signed["tx"])
    asker.make_block()


@pytest.mark.parametrize("sender", ["sparkle", "alice"])
async def test_a_shop_does_not_co_sign_what_its_own_key_sends(shop: Asker, sender: str) -> None:
    key = signer_of("sparkle").public_key.hex()
    if sender == "alice":  # who lets the shop's key sign for her too
        entry: dict[str, object] = {"key": key, "scopes": None, "limits": [], "expires_at": None}
        await shop.do("alice", {"type": "add_key", **entry})
    more = {} if sender == "sparkle" else {"key": key}
    built = await shop.build(sender, request(shop), sponsor=acct("sparkle"), **more)
    assert built["trial"]["ok"]

    code, message = await shop.refusal("tx_sponsor", body=built["body"])

    # The signature would be good as the sender's, and what the sender has could be spent with it.
    assert (code, "for others only" in message) == (1011, True)


async def test_co_signing_needs_the_shops_token_and_key(asker: Asker) -> None:
    built = await asker.build("alice", request(asker), sponsor=acct("sparkle"))

    public = await asker.refusal("tx_sponsor", body=built["body"])
    asker.tier, asker.node.sponsor = "shop", None
    keyless = await asker.refusal("tx_sponsor", body=built["body"])

    assert public[0] in {-32003, -32004}
    assert keyless[0] == -32007
