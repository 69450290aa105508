"""Operators at a node that keeps a key of theirs: logging in, acting, letting shops in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.demo.accounts import account_of, signer_of
from node.joining.code import parse_code
from node.joining.desk import Desk
from node.joining.sending import Admitter
from node.rpc.jsonrpc import Dispatcher
from node.rpc.served import make_registry
from tests.node.rpc.asking import Asker, acct
from tests.node.rpc.staff_story import easy_staff

PIN = "48291673"
GATE = "https://gate.example"
OLGA: dict[str, Any] = {"name": "Olga", "pin": PIN, "account": acct("operator")}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Asker]:
    made = Asker(tmp_path, "admin")
    made.node.operators = easy_staff(made.node, tmp_path / "operators")
    admitter = Admitter(account_of("operator"), signer_of("operator"))
    made.node.desk = Desk(made.node, admitter, tmp_path / "admissions")
    made._dispatcher = Dispatcher(make_registry(made.node))
    yield made
    made.node.close()


async def enlist(node: Asker, **more: Any) -> dict[str, Any]:
    added: dict[str, Any] = await node.ask("admin_operator_add", **{**OLGA, **more})
    return added


async def enter(node: Asker, name: str = "Olga", pin: str = PIN) -> str:
    return str((await node.ask("operator_login", name=name, pin=pin))["session"])


async def test_a_login_acts_once_the_accounts_own_key_has_said_so(node: Asker) -> None:
    added = await enlist(node)
    session = await enter(node)
    change = {"type": "set_param", "name": "sponsor_daily_max", "value": 3_000}
    wish = {"session": session, "actions": [{"type": "propose", "change": change}], "timeout_ms": 0}
    before, _text = await node.refusal("operator_send", **wish)

    await node.do("operator", added["action"])
    sent = await node.ask("operator_send", **wish)
    node.make_block()

    params = (await node.ask("chain_getParams"))["data"]["values"]
    assert before == 1011
    assert (await node.ask("tx_get", tx_id=sent["tx_id"]))["status"] == "final"
    assert params["sponsor_daily_max"] == 3_000


async def test_no_money_and_no_key_leaves_by_a_login(node: Asker) -> None:
    added = await enlist(node)
    await node.do("operator", added["action"])
    session = await enter(node)
    money = {"type": "transfer", "asset": "CNY", "to": acct("bob"), "amount": 1}
    key: dict[str, Any] = {
        "type": "add_key",
        "key": "ab" * 32,
        "scopes": None,
        "limits": [],
        "expires_at": None,
    }

    refused = [
        (await node.refusal("operator_send", session=session, actions=[one]))[0]
        for one in (money, key)
    ]
    entry = next(
        one
        for one in (await node.ask("account_get", account=acct("operator")))["data"]["keys"]
        if one["key"] == added["key"]
    )

    assert refused == [3124, 3124]
    assert [one["amount"]["amount"] for one in entry["limits"]] == [0]


async def test_operators_log_in_near_the_node_only(node: Asker) -> None:
    await enlist(node)
    session = await enter(node)
    node.is_near = False

    refused = [
        (await node.refusal("operator_login", name="Olga", pin=PIN))[0],
        (await node.refusal("operator_who", session=session))[0],
        (await node.refusal("operator_codes", session=session))[0],
    ]

    assert refused == [-32004] * 3


@pytest.mark.parametrize(("pin", "text"), [("482916", "at least 8"), ("12345678", "tried first")])
async def test_an_operators_pin_is_longer_than_a_shops(node: Asker, pin: str, text: str) -> None:
    code, told = await node.refusal("admin_operator_add", **{**OLGA, "pin": pin})

    assert code == 3120
    assert text in told


async def test_a_name_is_taken_once_and_who_is_removed_is_out_at_once(node: Asker) -> None:
    added = await enlist(node)
    session = await enter(node)
    taken, _text = await node.refusal("admin_operator_add", **{**OLGA, "name": " olga "})

    gone = await node.ask("admin_operator_remove", id=added["id"])

    assert taken == 3120
    assert gone["name"] == "Olga"
    assert (await node.refusal("operator_who", session=session))[0] == 3123
    assert await node.ask("admin_operator_list") == {"items": []}
    assert (await node.refusal("admin_operator_remove", id=added["id"]))[0] == 3120


async def test_codes_are_for_operators_and_admitters(node: Asker) -> None:
    await enlist(node)
    await enlist(node, name="Bob", account=acct("bob"))
    olga, bob = await enter(node), await enter(node, "Bob")
    given = {"gateways": [GATE], "name": "Crystal", "note": "Ms Li"}

    refused = await node.refusal("operator_code", session=bob, **given)
    made = await node.ask("operator_code", session=olga, **given)
    listed = (await node.ask("operator_codes", session=olga))["items"]
    revoked = await node.ask("operator_code_revoke", session=olga, number=made["number"])

    assert refused[0] == 3124
    assert parse_code(made["code"]).number.hex() == made["number"]
    assert [(one["state"], one["name"], one["note"]) for one in listed] == [
        ("open", "Crystal", "Ms Li")
    ]
    assert revoked["state"] == "revoked"
