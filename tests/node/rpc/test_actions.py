"""Actions as JSON: every kind, there and back, and what is refused."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from chain.codec import decode, encode
from chain.crypto import Signer
from chain.ids import encode_id
from chain.transaction import (
    Action,
    Burn,
    Call,
    Change,
    Deploy,
    SignedTransaction,
    Transaction,
    Transfer,
    read_transaction,
    sign_transaction,
    tx_id,
)
from node.rpc.errors import InvalidParamsError
from node.rpc.forms.actions import (
    ACTIONS_SCHEMA,
    body_json,
    check_body,
    read_actions,
    read_body,
    show_action,
    transaction_json,
)
from node.rpc.forms.wire_forms import snake
from tests.make import MONEY, account, word
from tests.node.rpc.action_vectors import BOOKING, BOOKINGS, FILE, VectorLookup, make_vectors

LOOKUP = VectorLookup()
CASES: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))["cases"]
BOB, CNY = encode_id("acct", account("bob")), encode_id("ast", MONEY)
TRANSFER = {"type": "transfer", "asset": CNY, "to": BOB, "amount": 680}

# Every wire form of an action is a value of this kind, so random ones are found by their codec.
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=40)
VALUES = st.recursive(SCALARS | st.text(max_size=40), lambda one: st.lists(one, max_size=3))


def refusal(*actions: Any) -> tuple[str, str]:
    with pytest.raises(InvalidParamsError) as caught:
        read_actions(list(actions), LOOKUP)
    return caught.value.field, str(caught.value)


def test_the_golden_transactions_are_what_is_made_today() -> None:
    written = json.loads(FILE.read_text("utf-8"))

    assert json.loads(json.dumps(make_vectors())) == written


def test_every_kind_of_action_and_change_is_among_the_golden_ones() -> None:
    actions = [one for case in CASES for one in case["transaction"]["actions"]]
    changes = [one["change"]["type"] for one in actions if one["type"] == "propose"]

    assert {one["type"] for one in actions} == {snake(one.__name__) for one in get_args(Action)}
    assert set(changes) == {snake(one.__name__) for one in get_args(Change)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_golden_transaction_decodes_to_what_its_json_says(case: dict[str, Any]) -> None:
    body = read_body(case["transaction"], LOOKUP)

    received = read_transaction(bytes.fromhex(case["tx"]))

    assert received.body == decode(Transaction, bytes.fromhex(case["body"])) == body
    assert received.tx_id.hex() == case["tx_id"] == tx_id(body).hex()
    assert check_body(body).hex() == case["body"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_is_shown_of_a_transaction_is_read_as_the_same(case: dict[str, Any]) -> None:
    body = decode(Transaction, bytes.fromhex(case["body"]))

    shown = json.loads(json.dumps(body_json(body, LOOKUP)))

    assert read_body(shown, LOOKUP) == body
    assert read_actions(shown["actions"], LOOKUP) == body.actions


@given(arguments=st.lists(VALUES, max_size=6), funds=st.integers(0, 2**53 - 1))
def test_any_arguments_that_a_call_can_carry_come_back_from_their_json(
    arguments: list[Any], funds: int
) -> None:
    action = Call(BOOKING, "request", tuple(arguments), funds)
    unknown = Call(word("unknown"), "f", tuple(arguments), funds)

    shown = [json.loads(json.dumps(show_action(one, LOOKUP))) for one in (action, unknown)]

    assert read_actions(shown, LOOKUP) == (action, unknown)


@given(st.binary(max_size=64), st.integers(0, 2**53 - 1), st.lists(VALUES, max_size=3))
def test_any_deployment_comes_back_from_its_json(
    code: bytes, amount: int, arguments: list[Any]
) -> None:
    actions = (
        Deploy(code, (MONEY,), (word("box"),), tuple(arguments)),
        Transfer(MONEY, account("bob"), amount),
        Burn(MONEY, amount),
    )

    shown = [show_action(one, LOOKUP) for one in actions]

    assert read_actions(json.loads(json.dumps(shown)), LOOKUP) == actions


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_is_taken_and_what_is_shown_fit_the_published_schema(case: dict[str, Any]) -> None:
    body = read_body(case["transaction"], LOOKUP)
    validator = Draft202012Validator(ACTIONS_SCHEMA)

    validator.validate(case["transaction"]["actions"])
    validator.validate(body_json(body, LOOKUP)["actions"])

    assert not validator.is_valid([*case["transaction"]["actions"], {"type": "unheard_of"}])


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda one: st.lists(one, max_size=3)
    | st.dictionaries(st.sampled_from(["type", "asset", "amount", "to", "change", "x"]), one),
))  # fmt: skip
def test_any_other_json_is_refused_and_nothing_else_happens(given_json: Any) -> None:
    with pytest.raises(InvalidParamsError):
        read_actions(given_json, LOOKUP)


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"type": "pay"}, "actions[0].type", "expected one of transfer, issue_asset"),
        ({"type": None}, "actions[0].type", "found null"),
        ({"to": BOB[:-1] + "q"}, "actions[0].to", "wrong checksum"),
        ({"to": CNY}, "actions[0].to", "begins with 'ast', expected 'acct'"),
        ({"to": 3}, "actions[0].to", "expected an account (acct1...), found 3"),
        ({"asset": "\ud800"}, "actions[0].asset", "whole Unicode"),
        ({"asset": "x" * 91}, "actions[0].asset", "at most 90 bytes, found 91"),
        ({"amount": -1}, "actions[0].amount", "expected an integer 0..9007199254740991, found -1"),
        ({"amount": 2**53}, "actions[0].amount", "found 9007199254740992"),
        ({"amount": True}, "actions[0].amount", "found True"),
        ({"amount": 6.0}, "actions[0].amount", "found 6.0"),
        ({"amount": {}}, "actions[0].amount", "minor units"),
        ({"amount": {"amount": 1, "asset": BOOKINGS}}, "actions[0].amount.asset", "begins with"),
        ({"memo": "hello"}, "actions[0].memo", "is no member here; there are: asset, to, amount"),
    ],
)
def test_a_slip_is_told_with_its_place(change: dict[str, Any], place: str, said: str) -> None:
    field, message = refusal({**TRANSFER, **change})

    assert field == place
    assert said in message


def test_an_amount_may_name_its_asset_and_no_other() -> None:
    other = encode_id("ast", word("other"))

    right = {**TRANSFER, "amount": {"amount": 680, "asset": CNY}}
    wrong = {**TRANSFER, "amount": {"amount": 680, "asset": other}}

    assert read_actions([right], LOOKUP) == (Transfer(MONEY, account("bob"), 680),)
    assert refusal(wrong)[0] == "actions[0].amount.asset"


@pytest.mark.parametrize(
    ("action", "place"),
    [
        ({"type": "add_key", "key": "00" * 32}, "actions[1].scopes"),
        (
            {"type": "add_key", "key": "00" * 32, "scopes": [{"contract": BOOKINGS}]},
            "actions[1].scopes[0].functions",
        ),
        ({"type": "set_guardians", "threshold": 1}, "actions[1].guardians"),
    ],
)
def test_what_would_mean_everything_when_forgotten_must_be_said(
    action: dict[str, Any], place: str
) -> None:
    assert refusal(TRANSFER, action)[0] == place


def test_arguments_are_checked_by_the_contracts_abi() -> None:
    def call(function: str, arguments: Any) -> dict[str, Any]:
        return {
            "type": "call", "contract": BOOKINGS, "function": function, "arguments": arguments,
        }  # fmt: skip

    missing = refusal(call("accept", {}))
    mistyped = refusal(call("accept", {"id": BOB}))
    unknown = refusal(call("acept", {}))

    assert missing[0] == "actions[0].arguments.id"
    assert mistyped[0] == "actions[0].arguments.id"
    assert unknown[0] == "actions[0].function"
    assert "it has: publish_policy, request, accept" in unknown[1]


def test_more_actions_or_arguments_than_a_transaction_takes_are_refused() -> None:
    call = {"type": "call", "contract": BOOKINGS, "function": "f", "arguments": [0] * 65}

    assert refusal(*[TRANSFER] * 17) == (
        "actions", "actions: expected an array of at most 16, found 17",
    )  # fmt: skip
    assert refusal(call)[0] == "actions[0].arguments"
    assert refusal() == ("actions", "actions: a transaction has at least one action")


def test_arguments_nested_too_deep_are_refused_before_they_are_packed() -> None:
    value: Any = 1
    for _ in range(60):
        value = [value]
    call = {"type": "call", "contract": BOOKINGS, "function": "f", "arguments": [value]}

    assert refusal(call)[0].startswith("actions[0].arguments[0][0]")


def test_a_signed_transaction_shows_its_ids_and_who_signed() -> None:
    body = read_body(CASES[0]["transaction"], LOOKUP)
    alice, shop = Signer(word("alice")), Signer(word("shop"))
    received = read_transaction(sign_transaction(body, alice, shop))

    shown = transaction_json(received, LOOKUP)

    assert received.cosignature is not None
    assert {name: shown[name] for name in ("tx_id", "witness_id", "signing_key", "bytes")} == {
        "tx_id": received.tx_id.hex(),
        "witness_id": received.witness_id.hex(),
        "signing_key": body.account.hex(),
        "bytes": len(received.data),
    }
    assert shown["signature"] == received.signature.hex()
    assert shown["cosignature"] == {
        "key": shop.public_key.hex(), "signature": received.cosignature.signature.hex(),
    }  # fmt: skip
    assert encode(SignedTransaction(body, received.signature, received.cosignature)) == (
        received.data
    )


def test_arguments_that_do_not_fit_the_abi_are_shown_as_they_are() -> None:
    call = Call(BOOKING, "accept", (b"\x01" * 31,), 0)

    shown = show_action(call, LOOKUP)

    assert shown["arguments"] == [{"hex": "01" * 31}]
    assert read_actions([shown], LOOKUP) == (call,)
