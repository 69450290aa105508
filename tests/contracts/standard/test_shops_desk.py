"""What a shop says about itself, who works there, what it offers, and whose cards it keeps."""

import hashlib

import pytest

from chain.types import DAY_MS, HOUR_MS
from tests.contracts.standard.register import Town, make_town

KEY, OTHER_KEY, TABLET, PHONE = (bytes([n]) * 32 for n in (1, 2, 3, 4))
POLICY, MATERIALS = bytes([5]) * 32, bytes([6]) * 32
SCOPES = {"check_in": 1, "step": 2, "finish": 4, "refund": 8, "counter": 16}


def with_staff(scopes: int = 31, refund_max: int = 0, device: bytes = TABLET) -> Town:
    town = make_town()
    until = town.now + DAY_MS
    town.do("shop", "set_staff", KEY, 3, scopes, refund_max, device, until)
    return town


def allowed(town: Town, key: bytes = KEY) -> list[str]:
    return [name for name, bit in SCOPES.items() if town.ask("may", "shop", key, bit)]


# Staff ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [(0, []), (1, ["check_in"]), (10, ["step", "refund"]), (31, list(SCOPES))],
)
def test_a_staff_key_may_what_its_scopes_say(scopes: int, expected: list[str]) -> None:
    assert allowed(with_staff(scopes)) == expected


@pytest.mark.parametrize("scope", [0, 3, 5, 31, 32, 255])
def test_what_is_no_scope_nobody_may(scope: int) -> None:
    assert with_staff().ask("may", "shop", KEY, scope) is False


def test_a_staff_key_is_good_at_its_own_shop_and_until_its_end() -> None:
    town = with_staff()

    assert town.ask("may", "rival", KEY, 1) is False
    assert town.ask("may", "shop", OTHER_KEY, 1) is False
    assert allowed(town.tick(DAY_MS - 1)) == list(SCOPES)
    assert allowed(town.tick(1)) == []


def test_a_refund_is_allowed_up_to_its_bound() -> None:
    town = with_staff(8, 5_000)

    assert [town.ask("may_refund", "shop", KEY, n) for n in (5_000, 5_001)] == [True, False]
    assert with_staff(7, 5_000).ask("may_refund", "shop", KEY, 1) is False
    assert with_staff().ask("may_refund", "shop", OTHER_KEY, 0) is False


def test_a_card_shared_among_devices_may_on_each_only_what_that_device_is_for() -> None:
    town = with_staff(1)
    town.do("shop", "set_staff", OTHER_KEY, 3, 12, 100, PHONE, town.now + DAY_MS)

    assert (allowed(town), allowed(town, OTHER_KEY)) == (["check_in"], ["finish", "refund"])


def test_a_lost_device_ends_everything_on_it_at_once_and_nothing_elsewhere() -> None:
    town = with_staff()
    town.do("shop", "set_staff", OTHER_KEY, 1, 31, 100, PHONE, town.now + DAY_MS)
    town.do("shop", "block_device", TABLET, True)
    lost = allowed(town), town.ask("duty", "shop", KEY), allowed(town, OTHER_KEY)
    town.do("shop", "block_device", TABLET, False)
    town.do("shop", "block_device", TABLET, False)

    assert lost == ([], 0, list(SCOPES))
    assert (allowed(town), town.ask("duty", "shop", KEY)) == (list(SCOPES), 3)


# Services ---------------------------------------------------------------------------------------


def offer(town: Town, price: int, length: int = HOUR_MS) -> None:
    town.do("shop", "set_service", 1, price, length, 0, POLICY, "wash")


def content(town: Town, version: int, price: int, materials: bytes, *names: str) -> bytes:
    parts = [
        town.account("shop"), (1).to_bytes(2, "big"), version.to_bytes(4, "big"),
        price.to_bytes(8, "big"), HOUR_MS.to_bytes(8, "big"), b"\0", POLICY, materials,
        *(hashlib.sha256(name.encode()).digest() for name in names),
    ]  # fmt: skip
    return hashlib.sha256(b"".join(parts)).digest()


def test_every_version_of_a_service_can_be_looked_up_for_ever() -> None:
    town = make_town()
    began = town.now
    offer(town, 6_800)
    town.tick("1d")
    town.do("shop", "describe_service", 1, MATERIALS, "洗车", "car wash")
    town.tick("1d")
    offer(town, 7_200)
    town.do("shop", "withdraw_service", 1)

    found = [town.ask("price_of", "shop", 1, version) for version in (1, 2, 3)]
    assert [(one["price"], one["since"] - began) for one in found] == [
        (6_800, 0), (6_800, DAY_MS), (7_200, 2 * DAY_MS),
    ]  # fmt: skip
    assert [one["content"] for one in found] == [
        content(town, 1, 6_800, bytes(32), "wash", "", ""),
        content(town, 2, 6_800, MATERIALS, "wash", "洗车", "car wash"),
        content(town, 3, 7_200, MATERIALS, "wash", "洗车", "car wash"),
    ]
    assert town.ask("service", "shop", 1)["version"] == 3
    with town.refuses("missing"):
        town.ask("price_of", "shop", 1, 4)


def test_only_a_service_that_exists_is_described() -> None:
    town = make_town()
    with town.refuses("missing"):
        town.do("shop", "describe_service", 1, MATERIALS, "洗车", "wash")
    offer(town, 100)
    town.do("shop", "describe_service", 1, MATERIALS, "洗车", "wash")

    assert town.ask("description", "shop", 1) == {
        "materials": MATERIALS, "name_zh": "洗车", "name_en": "wash",
    }  # fmt: skip


# What is public ---------------------------------------------------------------------------------


def test_a_shop_says_where_it_is_and_when_it_opens() -> None:
    town = make_town()
    profile = {
        "latitude": -3_123, "longitude": 12_147, "about": KEY, "zone": "Asia/Shanghai",
        "address": "上海市洗车路1号", "gateway": "https://shop.example",
    }  # fmt: skip
    town.do("shop", "set_profile", profile)
    town.do("shop", "set_hours", 2, 8 * HOUR_MS, 20 * HOUR_MS)

    assert town.ask("profile", "shop") == profile
    assert town.ask("hours_on", "shop", 2) == {"opens": 8 * HOUR_MS, "closes": 20 * HOUR_MS}
    assert town.ask("hours_on", "shop", 3) == {"opens": 0, "closes": 0}


def test_who_saw_the_licence_is_public_and_the_licence_is_not() -> None:
    town = make_town()
    town.give_role("mayor", "admitter")
    town.do("mayor", "check_licence", "shop", KEY, town.now + DAY_MS)
    with town.refuses("too_late"):
        town.do("mayor", "check_licence", "shop", KEY, town.now)
    with town.refuses("no_shop"):
        town.do("operator", "check_licence", "ann", KEY, town.now + 1)
    with town.refuses("not_admitter"):
        town.do("shop", "check_licence", "shop", KEY, town.now + 1)

    assert town.ask("licence", "shop") == {
        "document": KEY, "checked_by": "mayor", "checked_at": town.now, "until": town.now + DAY_MS,
    }  # fmt: skip


def test_a_shop_names_the_rules_that_it_uses() -> None:
    town = make_town()
    town.do("shop", "name_preset", 1, POLICY, "fair")

    assert town.ask("preset", "shop", 1) == {"policy": POLICY, "name": "fair"}
    with town.refuses("missing"):
        town.ask("preset", "rival", 1)


def test_figures_count_ends_of_visits_and_only_work_that_was_done_is_on_time() -> None:
    town = make_town()
    for outcome in range(12):
        town.tell("note_visit", "shop", outcome, True)
    town.tell("note_visit", "shop", 1, False)

    assert town.ask("figures", "shop") == {
        "settled": 2, "on_time": 2, "redone": 1, "cancelled_by_shop": 1, "weather": 1,
        "missed_by_shop": 1, "lapsed": 1, "missed_by_customer": 1, "ruled": 1,
        "cancelled_by_customer": 1, "declined": 1,
    }  # fmt: skip
    assert len(town.seen("VisitNoted")) == 11
    assert town.ask("figures", "rival")["settled"] == 0


# Cards that a shop keeps ------------------------------------------------------------------------


def test_a_card_is_kept_when_account_and_shop_confirm() -> None:
    town = make_town()
    nobody = town.ask("keeper", "old_li")
    town.do("old_li", "keep_account", "shop", sponsor="shop")

    assert town.account(town.ask("keeper", "old_li")) == town.account("shop")
    assert nobody != "shop"
    assert town.seen("AccountKept") == [{"account": "old_li", "shop": "shop"}]


@pytest.mark.parametrize(
    ("who", "shop", "sponsor", "refusal"),
    [
        ("old_li", "shop", None, "shop_must_sign"),
        ("old_li", "shop", "rival", "shop_must_sign"),
        ("old_li", "ann", "ann", "shop_must_sign"),
        ("rival", "shop", "shop", "is_shop"),
    ],
)
def test_a_card_is_not_kept_otherwise(
    who: str, shop: str, sponsor: str | None, refusal: str
) -> None:
    town = make_town()
    with town.refuses(refusal):
        town.do(who, "keep_account", shop, sponsor=sponsor)


def test_a_card_is_kept_by_one_shop_at_a_time() -> None:
    town = make_town()
    town.do("old_li", "keep_account", "shop", sponsor="shop")
    with town.refuses("known_account"):
        town.do("old_li", "keep_account", "rival", sponsor="rival")


def test_a_kept_card_becomes_the_customers_own_with_a_key_of_his_and_keeps_everything() -> None:
    town = make_town()
    town.do("old_li", "keep_account", "shop", sponsor="shop", signer="desk")
    town.sell("old_li")
    town.leave("old_li")
    with town.refuses("same_key"):
        town.do("old_li", "release_account", signer="desk", sponsor="shop")
    with town.refuses("missing"):
        town.do("shop", "release_account")
    before = town.ask("holder", "shop", "old_li")
    town.do("old_li", "release_account", signer="phone")

    assert town.ask("keeper", "old_li") == town.ask("keeper", "nobody")
    assert town.ask("holder", "shop", "old_li") == before
    with town.refuses("missing"):
        town.do("old_li", "release_account", signer="phone")
