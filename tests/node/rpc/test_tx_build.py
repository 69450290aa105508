"""Building transactions without a codec: built, signed, put together, sent, read again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.codec import decode
from chain.ledger import get_balance
from chain.transaction import Transaction
from chain.types import MINUTE_MS
from node.demo.accounts import signer_of
from node.rpc.action_lookup import ChainLookup
from node.rpc.forms.actions import body_json, read_body
from node.rpc.methods.tx_build import VALID_MS
from tests.make import BOX, MONEY, compiled
from tests.node.rpc.asking import PAY, Asker, acct, request

BELL = """
from wash import *

class Bell(Contract):
    \"\"\"Rings.\"\"\"
    rung: uint

    @action
    def ring(self):
        self.rung += 1
"""
ROPE = """
from wash import *

class Bell(Link):
    @action(gas=40_000)
    def ring(self): ...

class Rope(Contract):
    \"\"\"Rings a bell elsewhere, for which it lays much by.\"\"\"
    bell: Bell

    @action
    def pull(self):
        self.bell.ring()
"""


@pytest.fixture
def asker(tmp_path: Path) -> Iterator[Asker]:
    made = Asker(tmp_path)
    yield made
    made.node.close()


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
    for name in ("sign_bytes", "sponsor_sign_bytes"):
        assert whole[name] == bare[name] == built[name]
    assert whole["signatures"] == [
        {"part": part, "key": signer_of(name).public_key.hex(), "good": True}
        for part, name in (("sender", "alice"), ("sponsor", "sparkle"))
    ]
    assert bare["signatures"] == []


async def test_a_bad_signature_is_shown_as_bad(asker: Asker) -> None:
    built = await asker.build("alice", PAY)
    signed = await asker.sign("alice", built)
    spoiled = signed["tx"][:-4] + "00" + signed["tx"][-2:]

    shown = await asker.ask("tx_decode", tx=spoiled)

    key = signer_of("alice").public_key.hex()
    assert shown["signatures"] == [{"part": "sender", "key": key, "good": False}]
    assert (built["sponsor_sign_bytes"], shown["sponsor_sign_bytes"]) == (None, None)


@pytest.mark.parametrize("params", [{}, {"tx": "00", "body": "00"}, {"tx": "zz"}, {"body": "c0"}])
async def test_bytes_that_are_no_transaction_are_refused(
    asker: Asker, params: dict[str, str]
) -> None:
    code, _message = await asker.refusal("tx_decode", **params)

    assert code in {-32602, 1001}


async def test_what_a_call_lays_by_for_another_contract_is_in_its_gas(asker: Asker) -> None:
    made: list[str] = []
    for source, links in ((BELL, []), (ROPE, made)):
        deploy = {"type": "deploy", "code": compiled(source).hex(), "links": list(links)}
        built = await asker.do("alice", deploy)
        made.append(built["creates"][0]["id"])
    pull = {"type": "call", "contract": made[1], "function": "pull", "arguments": []}

    built = await asker.do("alice", pull)

    status = await asker.ask("tx_get", tx_id=built["tx_id"])
    assert (status["status"], status["receipt"]["ok"]) == ("final", True)
    assert 40_000 < built["gas_limit"] < 50_000
