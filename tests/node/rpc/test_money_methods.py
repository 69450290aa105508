"""The list of requests for cash."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.rpc.jsonrpc import Dispatcher
from node.rpc.served import make_registry
from tests.node.rpc.asking import Asker, acct


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Asker]:
    made = Asker(tmp_path, "public")
    made._dispatcher = Dispatcher(make_registry(made.node))
    yield made
    made.node.close()


def call(function: str, funds: int = 0, **arguments: Any) -> dict[str, Any]:
    action = {"type": "call", "contract": "money", "function": function, "arguments": arguments}
    return {**action, "funds": funds}


async def ask_for(shop: Asker, name: str, amount: int) -> str:
    built = await shop.do(name, call("ask", amount, issuer=acct("issuer"), payee="5a" * 32))
    return str(built["creates"][0]["id"])


async def items(shop: Asker, **params: Any) -> list[Any]:
    found: list[Any] = (await shop.ask("money_requests", **params))["data"]["items"]
    return found


async def test_requests_come_with_the_most_urgent_first_and_leave_when_they_are_over(
    shop: Asker,
) -> None:
    first = await ask_for(shop, "bob", 20_000)
    second = await ask_for(shop, "alice", 500)

    listed = await items(shop, issuer=acct("issuer"))
    of_alice = await items(shop, holder=acct("alice"))
    await shop.do("issuer", call("begin_payment", request=first))
    await shop.do("issuer", call("paid", request=first, reference="07" * 32))
    left = await items(shop)

    assert {one["request"]: one["amount"]["amount"] for one in listed} == {
        first: 20_000, second: 500,
    }  # fmt: skip
    assert [one["due"] for one in listed] == sorted(one["due"] for one in listed)
    assert ([one["request"] for one in of_alice], [one["begun"] for one in listed]) == (
        [second], [False, False],
    )  # fmt: skip
    assert [one["request"] for one in left] == [second]
    assert await items(shop, issuer=acct("bob")) == []
