"""People at a shop: PINs, waits after wrong ones, sessions, and what each may do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.crypto import Signer
from chain.types import DAY_MS
from node.rpc.jsonrpc import Dispatcher
from node.rpc.served import make_registry
from node.staff.book import Member, StaffBook, check_pin, clean_name
from node.staff.deeds import BAY, DESK, OWNER, functions_of, scope_for
from node.staff.errors import LockedOutError, StaffError
from node.staff.sessions import IDLE_MS, Sessions
from tests.node.rpc.asking import Asker, acct
from tests.node.rpc.staff_story import QUICK, easy_staff

PIN = "482916"
LONG_PIN = "48291637"


def open_shop(folder: Path) -> Asker:
    """Return a shop's node with no staff yet."""
    made = Asker(folder, "shop")
    made.node.staff = easy_staff(made.node, folder)
    made._dispatcher = Dispatcher(make_registry(made.node))
    return made


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Asker]:
    made = open_shop(tmp_path)
    yield made
    made.node.close()


async def hire(shop: Asker, name: str, duty: str = "desk", pin: str = PIN, **more: Any) -> str:
    given = {"name": name, "pin": pin, "duty": duty, "timeout_ms": 0}
    added = await shop.ask("staff_add", **given, **more)
    shop.make_block()
    return str(added["id"])


async def enter(shop: Asker, name: str, pin: str = PIN) -> str:
    return str((await shop.ask("staff_login", name=name, pin=pin))["session"])


async def read(shop: Asker, method: str, **params: Any) -> Any:
    return (await shop.ask(method, **params))["data"]


def call(contract: str, function: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "call", "contract": contract, "function": function, "arguments": arguments}


async def test_staff_work_with_a_key_of_their_own(shop: Asker) -> None:
    await hire(shop, "Mei 小美")
    session = await enter(shop, " mei   小美 ")

    sent = await shop.ask(
        "staff_send", session=session, actions=[call("shops", "close_shop")], timeout_ms=0
    )
    shop.make_block()

    status = await shop.ask("tx_get", tx_id=sent["tx_id"])
    who = await shop.ask("staff_who", session=session)
    assert status["status"] == "final"
    assert (who["shop"], who["scopes"], who["duty"]) == (acct("sparkle"), 31, "desk")
    assert who["key"] in [
        one["key"] for one in (await read(shop, "account_get", account=acct("sparkle")))["keys"]
    ]


@pytest.mark.parametrize(
    ("duty", "action"),
    [
        ("bay", call("shops", "open_shop")),
        ("bay", call("booking", "accept", id="bkg1" + "q" * 58)),
        ("desk", call("shops", "set_hours", weekday=0, opens=0, closes=1)),
        ("desk", {"type": "transfer", "asset": "CNY", "to": acct("alice"), "amount": 1}),
        ("owner", {"type": "transfer", "asset": "CNY", "to": acct("alice"), "amount": 1}),
    ],
)
async def test_nobody_does_more_than_the_shop_trusts_them_with(
    shop: Asker, duty: str, action: dict[str, Any]
) -> None:
    await hire(shop, "Ann", duty)
    session = await enter(shop, "Ann")

    code, _text = await shop.refusal("staff_send", session=session, actions=[action])

    assert code in {3124, -32602}


async def test_the_owner_says_who_works_here_and_others_do_not(shop: Asker) -> None:
    await hire(shop, "Owner", "owner", "739150")
    await hire(shop, "Mei")
    owner, desk = await enter(shop, "Owner", "739150"), await enter(shop, "Mei")
    new = {"name": "Bo", "pin": PIN, "duty": "bay", "timeout_ms": 0}

    code, _text = await shop.refusal("staff_add", **new, session=desk)
    await shop.ask("staff_add", **new, session=owner)

    people = (await shop.ask("staff_list", session=desk))["items"]
    assert code == 3124
    assert [(one["name"], one["duty"]) for one in people] == [
        ("Bo", "bay"), ("Mei", "desk"), ("Owner", "owner"),
    ]  # fmt: skip


async def test_who_leaves_is_out_at_once(shop: Asker) -> None:
    before = (await read(shop, "account_get", account=acct("sparkle")))["keys"]
    member = await hire(shop, "Mei")
    session = await enter(shop, "Mei")

    await shop.ask("staff_remove", id=member, timeout_ms=0)
    shop.make_block()

    keys = (await read(shop, "account_get", account=acct("sparkle")))["keys"]
    assert (await shop.refusal("staff_who", session=session))[0] == 3123
    assert [one["key"] for one in keys] == [one["key"] for one in before]


async def test_five_wrong_pins_lock_a_name_and_a_restart_forgets_none(
    shop: Asker, tmp_path: Path
) -> None:
    await hire(shop, "Mei")
    for _ in range(5):
        assert (await shop.refusal("staff_login", name="Mei", pin="000001"))[0] == 3121

    code, _text = await shop.refusal("staff_login", name="Mei", pin=PIN)
    shop.node.staff = easy_staff(shop.node, tmp_path)
    again, _text = await shop.refusal("staff_login", name="Mei", pin=PIN)

    assert (code, again) == (3122, 3122)


async def test_a_name_that_nobody_has_is_refused_like_a_wrong_pin(shop: Asker) -> None:
    await hire(shop, "Mei")

    answers = [
        await shop.refusal("staff_login", name=name, pin="000001") for name in ("Mei", "Nobody")
    ]

    assert answers[0] == answers[1]


async def test_thirty_wrong_tries_under_any_names_close_the_door_for_a_while(shop: Asker) -> None:
    staff = shop.node.staff
    staff._wrong = [shop.node.clock.now_ms()] * 30

    with pytest.raises(LockedOutError):
        await staff.log_in("whoever", PIN, lambda _member: 0)


async def test_a_card_for_who_has_no_phone_is_the_shops_to_keep(shop: Asker) -> None:
    await hire(shop, "Mei")
    session = await enter(shop, "Mei")

    kept = await shop.ask("staff_keep", session=session, timeout_ms=0)
    shop.make_block()

    assert await read(shop, "shops.keeper", account=kept["account"]) == acct("sparkle")
    refused = await shop.refusal(
        "staff_send", session=session, actions=[call("shops", "open_shop")], kept=kept["account"]
    )
    strange = await shop.refusal(
        "staff_send", session=session, actions=[call("shops", "open_shop")], kept=acct("alice")
    )
    assert (refused[0], strange[0]) == (3124, 3124)


async def test_a_kept_card_becomes_its_customers_alone(shop: Asker) -> None:
    await hire(shop, "Mei")
    session = await enter(shop, "Mei")
    account = (await shop.ask("staff_keep", session=session, timeout_ms=0))["account"]
    shop.make_block()
    own = Signer(bytes(31) + b"\x09")
    given = {"session": session, "account": account, "key": own.public_key.hex(), "timeout_ms": 0}

    await shop.ask("staff_release", **given)
    shop.make_block()
    built = await shop.ask(
        "tx_build", account=account, key=own.public_key.hex(), sponsor=acct("sparkle"),
        actions=[call("shops", "release_account")],
    )  # fmt: skip
    paid = await shop.ask("tx_sponsor", body=built["body"])
    signed = await shop.ask(
        "tx_assemble", body=built["body"], sponsor_signature=paid["signature"],
        signature=own.sign(bytes.fromhex(built["sign_bytes"])).hex(),
    )  # fmt: skip
    await shop.ask("tx_submit", tx=signed["tx"])
    shop.make_block()
    await shop.ask("staff_release", **given)
    shop.make_block()

    keys = (await read(shop, "account_get", account=account))["keys"]
    assert [one["key"] for one in keys] == [own.public_key.hex()]


def test_sessions_end_with_the_day_and_when_nobody_does_anything() -> None:
    clock = {"now": 0, "mono": 0}
    sessions = Sessions(lambda: clock["now"], lambda: clock["mono"])
    member: Any = Member("s-1", "Mei", "acct1", "00", DESK, DAY_MS)
    signer: Any = None
    sessions.begin("first", member, signer, DAY_MS)
    clock["mono"] = IDLE_MS - 1
    kept = sessions.find("first")
    clock["mono"] += IDLE_MS
    idle = sessions.find("first")
    sessions.begin("second", member, signer, DAY_MS)
    clock["now"] = DAY_MS

    assert kept is not None
    assert (idle, sessions.find("second")) == (None, None)


@pytest.mark.parametrize("pin", ["", "12345", "123456", "987654", "111111", "12345a", "1" * 13])
def test_pins_that_anybody_would_try_are_refused(pin: str) -> None:
    with pytest.raises(StaffError):
        check_pin(pin)


def test_names_have_one_form(tmp_path: Path) -> None:
    book = StaffBook(tmp_path / "staff", QUICK)
    book.add(Member("s-1", clean_name("Zoe\u0308"), "acct1", "00", BAY, 1), bytes(32), PIN)

    with pytest.raises(StaffError):
        book.add(Member("s-2", "ZOË", "acct1", "00", BAY, 1), bytes(32), PIN)
    assert [one.name for one in book.named("zo\u00eb")] == ["Zo\u00eb"]


def test_keys_may_call_what_their_duty_is_and_no_more() -> None:
    assert functions_of(BAY)["booking"] == ("start_service", "ready")
    assert "shops" not in functions_of(BAY)
    assert functions_of(OWNER)["shops"] == ()
    assert scope_for("shops", "set_service") is None


async def test_a_cashier_does_what_the_desk_of_an_issuer_does_and_nothing_else(shop: Asker) -> None:
    await hire(shop, "Cai", "cashier", LONG_PIN)
    session = await enter(shop, "Cai", LONG_PIN)
    asked = call("money", "begin_payment", request="red1" + "q" * 58)

    who = await shop.ask("staff_who", session=session)
    (listed,) = (await shop.ask("staff_list", session=session))["items"]
    refused = [
        (await shop.refusal("staff_send", session=session, actions=[action]))[0]
        for action in (
            call("shops", "open_shop"),
            call("money", "ask", issuer=acct("issuer"), payee="00" * 32),
            {"type": "transfer", "asset": "CNY", "to": acct("alice"), "amount": 1},
        )
    ]

    assert (who["duty"], who["scopes"], listed["active"]) == ("cashier", 32, True)
    assert refused == [3124, 3124, 3124]
    assert scope_for(asked["contract"], asked["function"]) == 32


async def test_a_cashier_is_not_let_in_from_afar(shop: Asker) -> None:
    await hire(shop, "Cai", "cashier", LONG_PIN)
    await hire(shop, "Mei")
    near, action = (
        await enter(shop, "Cai", LONG_PIN),
        call("money", "decline", request="red1", answer=1),
    )
    shop.is_near = False

    codes = [
        (await shop.refusal("staff_login", name="Cai", pin=PIN))[0],
        (await shop.refusal("staff_send", session=near, actions=[action]))[0],
    ]

    assert codes == [-32004, -32004]
    assert await enter(shop, "Mei")


async def test_a_cashier_whose_key_was_taken_back_is_trusted_with_nothing(shop: Asker) -> None:
    member = await hire(shop, "Cai", "cashier", LONG_PIN)
    session = await enter(shop, "Cai", LONG_PIN)
    key = shop.node.staff.book.get(member).key
    await shop.do("sparkle", {"type": "remove_key", "key": key})

    who = await shop.ask("staff_who", session=session)

    assert who["scopes"] == 0


async def test_the_owner_alone_helps_and_only_who_chose_the_shop(shop: Asker) -> None:
    await hire(shop, "Olga", "owner", "739150")
    await hire(shop, "Mei")
    owner, desk = await enter(shop, "Olga", "739150"), await enter(shop, "Mei")
    given = {"account": acct("carol"), "key": "07" * 32, "timeout_ms": 0}
    stranger, _text = await shop.refusal("staff_help", session=owner, **given)
    chosen = {"type": "set_guardians", "guardians": [acct("sparkle")], "threshold": 1}
    await shop.do("carol", chosen)

    not_owner, _text = await shop.refusal("staff_help", session=desk, **given)
    await shop.ask("staff_help", session=owner, **given)
    shop.make_block()

    (found,) = (await read(shop, "account_recoveries", guardian=acct("sparkle")))["items"]
    assert (stranger, not_owner) == (3124, 3124)
    assert (found["account"], found["recovery"]["new_key"]) == (acct("carol"), "07" * 32)
    assert (await read(shop, "account_recoveries", guardian=acct("bob")))["items"] == []
