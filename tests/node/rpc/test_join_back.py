"""Codes on the chain by the API: listed, taken back by two operators, with what they let in."""

from pathlib import Path
from typing import Any

import pytest

from tests.node.rpc.asking import acct
from tests.node.rpc.gateway import NODE, SHOP, Gateway


@pytest.fixture
async def gateway(tmp_path: Path) -> Any:
    made = Gateway(tmp_path, "admin")
    await made.begin()
    yield made
    made.node.close()


async def test_two_operators_take_back_a_code_that_another_account_made(gateway: Gateway) -> None:
    await gateway.made()
    mark = (await gateway.listed())["mark"]

    await gateway.take_back("operator", mark)
    first = await gateway.listed()
    told = await gateway.take_back("carol", mark)
    second = await gateway.listed()

    assert (first["state"], first["voice"], first["maker"]) == (
        "open", acct("operator"), acct("bob"),
    )  # fmt: skip
    assert second["state"] == "revoked"
    assert told["summary"]["en"] == "Take back a code that lets a shop in."
    assert (await gateway.refusal("join_undo_build", account=acct("carol"), mark=mark))[0] == -32602


async def test_what_a_code_let_in_is_out_by_the_same_two_words(gateway: Gateway) -> None:
    await gateway.let_in(await gateway.made())
    mark = (await gateway.listed())["mark"]

    built = await gateway.take_back("operator", mark)
    standing = (await gateway.ask("shops.standing", shop=SHOP))["data"]
    before = [
        (await gateway.ask("account_get", account=one))["data"]["roles"] for one in (SHOP, NODE)
    ]
    await gateway.take_back("carol", mark)
    after = [
        (await gateway.ask("account_get", account=one))["data"]["roles"] for one in (SHOP, NODE)
    ]

    assert [one["type"] for one in built["actions"]] == ["call", "call", "propose", "propose"]
    assert standing["status"] == "FROZEN"
    assert (before, after) == ([["member"], ["member"]], [[], []])
    assert (await gateway.listed())["state"] == "revoked"


async def test_codes_of_other_gateways_are_listed_as_the_chain_knows_them(
    gateway: Gateway, tmp_path: Path
) -> None:
    await gateway.let_in(await gateway.made())
    here = await gateway.listed()
    gateway.open_desk(tmp_path / "another")

    there = await gateway.listed()

    assert here["is_here"]
    assert there == {
        **here, "is_here": False, "number": here["mark"][:16], "made_at": there["made_at"],
        "shop_name": "", "tx_id": None, "height": None, "used_at": there["used_at"],
    }  # fmt: skip


async def test_a_code_that_the_chain_does_not_know_can_not_be_taken_back(gateway: Gateway) -> None:
    code, _text = await gateway.refusal("join_undo_build", account=acct("carol"), mark="00" * 32)

    assert code == 6001
