"""A contract's timers and pots over the API."""

from pathlib import Path
from typing import Any

import pytest

from chain.ids import encode_id
from chain.types import HOUR_MS, MINUTE_MS
from node.rpc.errors import InvalidParamsError
from node.rpc.methods import contract_pending as pending
from tests.contracts.standard.setting import HELD
from tests.make import MONEY, TestChain, account
from tests.node.rpc.shop import SLOT, Reader, Shop

ALICE, BOB = (encode_id("acct", account(name)) for name in ("alice", "bob"))
CNY = {"currency": "CNY", "asset": encode_id("ast", MONEY)}


@pytest.fixture
def reader(chain: TestChain, tmp_path: Path) -> Reader:
    return Reader(chain, tmp_path / "abis")


@pytest.fixture
def shop(chain: TestChain) -> Shop:
    return Shop(chain)


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, **CNY}


def test_the_timers_and_the_pot_of_a_booking_are_found_by_its_id(
    reader: Reader, shop: Shop
) -> None:
    booking = shop.book()
    shop.book(start=SLOT + HOUR_MS)
    key = [encode_id("bkg", booking)]

    timers = pending.contract_timers(reader.call, contract="booking", key=key)
    pots = pending.contract_pots(reader.call, contract="booking", key=key)

    assert timers == {
        "items": [
            {
                "timer": "on_no_show", "key": key, "due": SLOT + 20 * MINUTE_MS,
                "first_due": SLOT + 20 * MINUTE_MS, "tries": 0,
            }
        ],
        "next_cursor": None,
    }  # fmt: skip
    (pot,) = pots["items"]
    assert (pot["pot"], pot["key"], pot["amount"], pot["fallback"]) == (
        "held", key, money(HELD), ALICE,
    )  # fmt: skip


def test_all_that_is_pending_comes_in_pages(reader: Reader, shop: Shop) -> None:
    for number in range(5):
        shop.book(start=SLOT + number * HOUR_MS)

    for method in (pending.contract_timers, pending.contract_pots):
        whole = method(reader.call, contract="booking")
        first = method(reader.call, contract="booking", limit=3)
        cursor = first["next_cursor"]
        assert cursor is not None
        second = method(reader.call, contract="booking", limit=3, cursor=cursor)
        assert [*first["items"], *second["items"]] == whole["items"]
        assert (len(whole["items"]), second["next_cursor"]) == (5, None)
        with pytest.raises(InvalidParamsError):
            method(reader.call, contract="shops", cursor=cursor)


def test_a_key_of_another_form_is_refused(reader: Reader, shop: Shop) -> None:
    assert shop.booking

    for key in ([ALICE], ["x", "y"], []):
        with pytest.raises(InvalidParamsError) as caught:
            pending.contract_timers(reader.call, contract="booking", key=key)
        assert caught.value.field.startswith("key")
