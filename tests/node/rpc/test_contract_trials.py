"""Trying a contract's action over the API."""

from pathlib import Path
from typing import Any

import pytest

from chain.ids import encode_id
from chain.types import HOUR_MS
from node.rpc.methods import contract as methods
from tests.contracts.standard.setting import HELD, TOTAL
from tests.make import MONEY, RICH, TestChain, account, word
from tests.node.rpc.shop import POLICY, SLOT, Reader, Shop

ALICE, BOB = (encode_id("acct", account(name)) for name in ("alice", "bob"))
CNY = {"currency": "CNY", "asset": encode_id("ast", MONEY)}
REQUEST = {
    "shop": BOB, "service": 0, "version": 0, "start": SLOT, "end": SLOT + HOUR_MS, "cell": 0,
    "total": TOTAL, "policy": POLICY.hex(),
}  # fmt: skip


@pytest.fixture
def reader(chain: TestChain, tmp_path: Path) -> Reader:
    return Reader(chain, tmp_path / "abis")


@pytest.fixture
def shop(chain: TestChain) -> Shop:
    return Shop(chain)


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, **CNY}


def test_a_trial_tells_the_result_the_events_and_the_money(reader: Reader, shop: Shop) -> None:
    assert shop.booking

    found = methods.contract_simulate(
        reader.call, contract="booking", function="request", account=account("alice"),
        args=REQUEST, funds=HELD,
    )  # fmt: skip

    assert (found["ok"], found["error"]) == (True, None)
    assert [event["type"] for event in found["events"]] == ["booking.Requested", "booking.Moved"]
    assert found["events"][0]["values"]["id"] == found["returns"]
    assert found["returns"].startswith("bkg1")
    assert found["changes"] == [
        {
            "account": ALICE, "before": money(RICH), "after": money(RICH - HELD),
            "change": -HELD,
        }
    ]  # fmt: skip
    assert found["gas_used"] > 0
    assert found["worst_case_gas"] > 0
    assert reader.chain.balance("alice") == RICH


@pytest.mark.parametrize(
    ("changes", "funds", "expected"),
    [
        ({"service": 1, "version": 9}, HELD, (3007, "price_changed")),
        ({}, HELD - 1, (3000, "wrong_hold")),
        ({}, RICH + 1, (2001, None)),
    ],
)
def test_a_trial_that_fails_says_why(
    reader: Reader,
    shop: Shop,
    changes: dict[str, Any],
    funds: int,
    expected: tuple[int, str | None],
) -> None:
    assert shop.booking

    found = methods.contract_simulate(
        reader.call, contract="booking", function="request", account=account("alice"),
        args={**REQUEST, **changes}, funds=funds,
    )  # fmt: skip

    assert found["error"] is not None
    assert not found["ok"]
    assert (found["error"]["code"], found["error"].get("reason")) == expected
    assert (found["returns"], found["events"], found["changes"]) == (None, [], [])


def test_a_trial_of_what_no_block_would_take_says_so(reader: Reader, shop: Shop) -> None:
    assert shop.booking

    found = methods.contract_simulate(
        reader.call, contract="booking", function="cancel_booking", account=word("nobody"),
        args={"id": encode_id("bkg", word("x"))},
    )  # fmt: skip

    assert found["error"] is not None
    assert (found["ok"], found["error"]["code"]) == (False, 1008)
