"""Who may do what with points: accounts of one person, and what strangers are refused."""

from typing import Any

import pytest

from node.catalog import abi
from tests.contracts.standard.loyalty_world import VISIT, LoyaltyWorld, loyalty_world

END = "2026-03-01T00:00Z"


@pytest.fixture
def world() -> LoyaltyWorld:
    return loyalty_world()


# What each action needs, and what a stranger hears.
STRANGERS: dict[str, tuple[tuple[Any, ...], str]] = {
    "earn": (("shop", "alice", 100, VISIT), "not_installed"),
    "owe": (("shop", "alice", 100, VISIT), "not_installed"),
    "use_voucher": (("VOUCHER", "shop", "alice", 1, 100), "not_installed"),
    "redeem": (("shop", 1), "not_enough"),
    "redeem_shared": (("shop", "shop", 1), "not_enough"),
    "issue_voucher": (("alice", "VALUE", 500, False, 0, END, 0), "no_program"),
    "void_voucher": (("VOUCHER",), "not_yours"),
    "make_alliance": (("Ring", 5, 12, "stranger"), "not_operator"),
    "admit_member": (("RING", "stranger"), "not_operator"),
    "prefund": (("RING",), "not_admitted"),
    "withdraw": (("RING", 1), "missing"),
    "leave": (("RING", "shop"), "not_yours"),
    "accept_link": (("alice",), "no_wish"),
    "move_points": (("shop",), "not_linked"),
}
# What changes nothing but the caller's own affairs, and a call that does nothing for strangers.
OPEN = {"set_program", "allow_offers", "link_accounts", "give_back"}


def test_every_action_is_in_one_of_the_tables() -> None:
    actions = {one["name"] for one in abi("loyalty")["actions"]}

    assert actions == STRANGERS.keys() | OPEN


@pytest.mark.parametrize("action", STRANGERS)
def test_a_stranger_is_refused(world: LoyaltyWorld, action: str) -> None:
    known = {"RING": world.ally("shop", "rival"), "VOUCHER": world.owe(500)}
    arguments, error = STRANGERS[action]

    with world.refuses(error):
        world.call(
            "stranger", f"loyalty.{action}", *(known.get(str(one), one) for one in arguments)
        )


# Accounts of one person -------------------------------------------------------------------------


def link(world: LoyaltyWorld, old: str, new: str) -> None:
    world.call(old, "loyalty.link_accounts", new)
    world.call(new, "loyalty.accept_link", old)


def test_alliance_points_move_between_linked_accounts_with_their_months(
    world: LoyaltyWorld,
) -> None:
    ring = world.ally("shop", "rival")
    world.prefund(ring, 500)
    world.earn(8_000, holder="alice1")
    world.at("2026-02-10T00:00Z").earn(3_000, holder="alice1")
    world.tick("48h")
    link(world, "alice1", "alice")

    world.call("alice1", "loyalty.move_points", "shop")

    left = [(world.active(who), world.balance(who, "POINTS")) for who in ("alice1", "alice")]
    months = [
        world.view("loyalty.month_of", at) for at in ("2027-01-01T00:00Z", "2027-02-01T00:00Z")
    ]
    ends = [world.view("loyalty.ending", "shop", "alice", month)["shared"] for month in months]
    assert left == [((10, 0), 10), ((0, 100), 100)]
    assert ends == [80, 20]
    assert (world.money(ring), world.supply()) == ((0, 500, 0), 110)


def test_both_accounts_must_say_that_they_are_one_persons(world: LoyaltyWorld) -> None:
    world.call("alice1", "loyalty.link_accounts", "alice")

    with world.refuses("no_wish"):
        world.call("bob", "loyalty.accept_link", "alice1")
    with world.refuses("not_linked"):
        world.call("alice1", "loyalty.move_points", "shop")


def test_a_link_is_for_ever_and_no_link_leads_on(world: LoyaltyWorld) -> None:
    link(world, "alice1", "alice")
    world.call("bob", "loyalty.link_accounts", "alice1")

    for who, action, other, error in (
        ("alice1", "link_accounts", "bob", "linked"),
        ("alice", "link_accounts", "bob", "linked"),
        ("bob", "link_accounts", "bob", "linked"),
        ("alice1", "accept_link", "bob", "linked"),
    ):
        with world.refuses(error):
            world.call(who, f"loyalty.{action}", other)
    assert world.view("loyalty.linked_to", "alice1") == "alice"


def test_an_account_that_takes_points_meanwhile_can_not_give_them_on(world: LoyaltyWorld) -> None:
    world.call("alice", "loyalty.link_accounts", "bob")
    link(world, "alice1", "alice")

    with world.refuses("linked"):
        world.call("bob", "loyalty.accept_link", "alice")


def test_sixteen_accounts_at_most_lead_to_one(world: LoyaltyWorld) -> None:
    for number in range(16):
        link(world, f"alice{number}", "alice")
    world.call("alice16", "loyalty.link_accounts", "alice")

    with world.refuses("linked"):
        world.call("alice", "loyalty.accept_link", "alice16")


def test_own_points_of_a_shop_stay_where_they_are(world: LoyaltyWorld) -> None:
    world.earn(8_000, holder="alice1")
    world.tick("48h")
    link(world, "alice1", "alice")

    with world.refuses("not_enough"):
        world.call("alice1", "loyalty.move_points", "shop")
