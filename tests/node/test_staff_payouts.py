"""A shop's money taken out by its owner: whose key, whose PIN, and whom to pay."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.crypto import Signer, hash_bytes
from node.staff.errors import StaffError
from node.staff.payouts import KEPT_MAX, PayoutBook, check_payee
from tests.node.rpc.asking import Asker, acct
from tests.node.test_staff import PIN, call, enter, hire, open_shop, read


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Asker]:
    made = open_shop(tmp_path)
    yield made
    made.node.close()


async def test_the_owner_takes_money_out_by_the_shops_own_key_and_the_pin_once_more(
    shop: Asker,
) -> None:
    owner = await _owner_with_an_issuer(shop)
    wish = {"session": owner, "issuer": acct("issuer"), "amount": 2_000, "to": " Bank  1 "}

    wrong, _text = await shop.refusal("staff_pay_out", **wish, pin="739151", timeout_ms=0)
    for _ in range(2):
        await shop.ask("staff_pay_out", **wish, pin="739150", timeout_ms=0)
        shop.make_block()

    waiting = (await read(shop, "money_requests", holder=acct("sparkle")))["items"]
    codes = (await shop.ask("staff_payouts", session=owner))["items"]
    assert wrong == 3121
    assert [(one["amount"]["amount"], one["issuer"]) for one in waiting] == [
        (2_000, acct("issuer")), (2_000, acct("issuer")),
    ]  # fmt: skip
    assert len({one["payee"] for one in waiting}) == 2
    assert [(one["request"], one["to"]) for one in codes] == [
        (one["request"], "Bank 1") for one in waiting
    ]
    for one, shown in zip(codes, waiting, strict=True):
        _kind, request, salt, text = one["code"].lower().split(":")
        assert request == shown["request"]
        assert hash_bytes("payout", bytes.fromhex(salt + text)).hex() == shown["payee"]


async def test_the_owner_takes_a_request_back_and_another_computer_knows_the_code_for_cash(
    shop: Asker, tmp_path: Path
) -> None:
    owner = await _owner_with_an_issuer(shop)
    wish = {"session": owner, "issuer": acct("issuer"), "amount": 100, "pin": "739150"}
    await shop.ask("staff_pay_out", **wish, timeout_ms=0)
    shop.make_block()
    (before,) = (await shop.ask("staff_payouts", session=owner))["items"]
    shop.node.staff.payouts = PayoutBook(tmp_path / "other")

    (after,) = (await shop.ask("staff_payouts", session=owner))["items"]
    back = call("money", "withdraw", request=before["request"])
    await shop.ask("staff_send", session=owner, actions=[back], timeout_ms=0)
    shop.make_block()

    assert (before["to"], after) == ("", before)
    assert (await shop.ask("staff_payouts", session=owner))["items"] == []


async def test_nobody_else_takes_the_shops_money_out(shop: Asker) -> None:
    owner = await _owner_with_an_issuer(shop)
    await hire(shop, "Mei")
    desk = await enter(shop, "Mei")
    wish = {"issuer": acct("issuer"), "amount": 100, "timeout_ms": 0}
    ask = call("money", "ask", issuer=acct("issuer"), payee="00" * 32) | {"funds": 100}

    refused = [
        (await shop.refusal("staff_pay_out", session=desk, pin=PIN, **wish))[0],
        (await shop.refusal("staff_payouts", session=desk))[0],
        (await shop.refusal("staff_send", session=owner, actions=[ask]))[0],
    ]
    shop.is_near = False
    far = [
        (await shop.refusal("staff_pay_out", session=owner, pin="739150", **wish))[0],
        (await shop.refusal("staff_payouts", session=owner))[0],
    ]

    assert (refused, far) == ([3124, 3124, 1011], [-32004, -32004])
    assert (await read(shop, "money_requests", holder=acct("sparkle")))["items"] == []


async def test_five_wrong_pins_beside_money_lock_the_name_as_at_the_login(shop: Asker) -> None:
    owner = await _owner_with_an_issuer(shop)
    wish = {"session": owner, "issuer": acct("issuer"), "amount": 100, "timeout_ms": 0}

    codes = [
        (await shop.refusal("staff_pay_out", **wish, pin=pin))[0]
        for pin in (*["739151"] * 5, "739150")
    ]

    assert codes == [3121] * 5 + [3122]


async def test_what_was_sent_is_told_as_sent_also_where_nobody_else_can_wait(
    shop: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await _owner_with_an_issuer(shop)
    wish = {"session": owner, "issuer": acct("issuer"), "amount": 100, "pin": "739150"}
    monkeypatch.setattr("node.live.outcomes.WAITERS_MAX", 0)

    told = await shop.ask("staff_pay_out", **wish, timeout_ms=10_000)
    shop.make_block()

    (waiting,) = (await read(shop, "money_requests", holder=acct("sparkle")))["items"]
    assert (told["sent"]["status"], told["payee"]) == ("pending", waiting["payee"])


async def _owner_with_an_issuer(shop: Asker) -> str:
    """Return the session of an owner, on a chain where somebody owes money."""
    stated = {"period": 1, "liability": 0, "custody": 10**9, "document": "5a" * 32}
    await shop.do("issuer", call("money", "attest", **stated))
    await hire(shop, "Olga", "owner", "739150")
    return await enter(shop, "Olga", "739150")


def test_a_damaged_list_of_payees_is_begun_anew_and_no_payee_is_strange(tmp_path: Path) -> None:
    (tmp_path / "payouts.json").write_text('[{"salt": 1}, 2]', "utf-8")
    signer = Signer(bytes(32))
    book = PayoutBook(tmp_path)
    first = book.next(signer, "", [])
    book.keep(first)

    second = PayoutBook(tmp_path).next(signer, "", [])

    assert (len(first.salt), first.salt == second.salt) == (32, False)
    for text in ("a" * 121, "bank\u202e1"):
        with pytest.raises(StaffError):
            check_payee(text)


def test_a_request_that_waits_keeps_its_payee_whatever_is_tried_meanwhile(tmp_path: Path) -> None:
    signer, book = Signer(bytes(32)), PayoutBook(tmp_path)
    bank = book.next(signer, "Bank 1", [])
    book.keep(bank)
    for _ in range(2 * KEPT_MAX):  # the line is down, or there is too little money
        book.keep(book.next(signer, "Bank 2", [bank.print]), [bank.print])

    assert PayoutBook(tmp_path).find(signer, bank.print) == bank
    assert len(json.loads((tmp_path / "payouts.json").read_text("utf-8"))) == KEPT_MAX
