"""The register: who is a shop, who works there, when it is open, what it offers."""

import pytest

from chain.changes import GrantRole
from chain.roles import Role
from chain.transaction import AccountKey, AddKey, Propose, RemoveKey
from chain.types import DAY_MS, HOUR_MS
from contracts.vm.container import FunctionKind
from node.catalog import abi, program
from tests.contracts.standard.setting import START, TOTAL, account
from tests.contracts.standard.world import BookingWorld, new_world

KEY, DEVICE = bytes([7]) * 32, bytes([8]) * 32
TODAY = START // DAY_MS
LINKED = ("note_holder", "start_clock", "stop_clock", "note_use", "note_visit")


def record(name: str, values: list[object]) -> dict[str, object]:
    fields = [one["name"] for one in abi("shops")["records"][name]]
    return dict(zip(fields, values, strict=True))


def arguments(world: BookingWorld) -> dict[str, tuple[object, ...]]:
    """Return good arguments of every action of the register."""
    return {
        "admit": (account("stranger"), "new"),
        "set_status": (account("shop"), 2),
        "set_settings": (True, False, 0, 1, 1),
        "open_shop": (),
        "close_shop": (),
        "set_hours": (0, 0, DAY_MS),
        "announce_closure": (TODAY + 1,),
        "withdraw_closure": (TODAY + 1,),
        "announce_closing": (START + 40 * DAY_MS,),
        "set_staff": (KEY, 3, 7, 0, DEVICE, START + DAY_MS),
        "revoke_staff": (KEY,),
        "block_device": (DEVICE, True),
        "set_profile": (3123, 12147, KEY, "Asia/Shanghai", "1 Wash Road", "https://shop.example"),
        "check_licence": (account("shop"), KEY, START + DAY_MS),
        "name_preset": (1, world.policy_id, "fair"),
        "set_service": (2, TOTAL, HOUR_MS, 1, world.policy_id, "coat"),
        "describe_service": (1, KEY, "洗车", "wash"),
        "withdraw_service": (1,),
        "keep_account": (account("shop"),),
        "release_account": (),
        "note_holder": (account("shop"), account("alice"), 1),
        "start_clock": (account("shop"), account("alice"), 0),
        "stop_clock": (account("shop"), account("alice")),
        "note_use": (account("shop"), account("alice")),
        "note_visit": (account("shop"), 1, True),
    }


def test_every_action_of_the_register_is_in_the_table() -> None:
    container = program("shops").container

    actions = {f.name for f in container.functions if f.kind == FunctionKind.ACTION}

    assert actions == set(arguments(new_world()))


@pytest.mark.parametrize("action", arguments(new_world()))
def test_somebody_who_is_no_shop_changes_nothing(action: str) -> None:
    world = new_world()

    outcome = world.call("stranger", action, *arguments(world)[action])

    told = {
        "admit": "not_admitter", "set_status": "not_operator", "set_settings": "missing",
        "close_shop": "not_open", "revoke_staff": "no_staff", "withdraw_service": "missing",
        "withdraw_closure": "no_closure", "announce_closing": "missing",
        "check_licence": "not_admitter", "describe_service": "missing",
        "keep_account": "shop_must_sign", "release_account": "missing",
        **dict.fromkeys(LINKED, "not_installed"),
    }  # fmt: skip
    assert outcome == told.get(action, "no_shop")


def test_the_operators_and_their_admitters_admit_shops_once() -> None:
    world = new_world()
    world.run("operator", Propose(GrantRole(account("bob"), Role.ADMITTER)))

    outcomes = [
        world.call("bob", "admit", account("stranger"), "洗车"),
        world.call("operator", "admit", account("stranger"), "again"),
        world.call("stranger", "open_shop"),
    ]

    assert outcomes == ["ok", "known_shop", "ok"]
    found = record("Shop", world.read("shop", account("stranger")))
    assert (found["status"], found["name"]) == (1, "洗车".encode())


@pytest.mark.parametrize(
    ("status", "outcome"), [(0, "bad_status"), (1, "ok"), (3, "ok"), (4, "bad_status")]
)
def test_a_status_is_one_of_three(status: int, outcome: str) -> None:
    world = new_world()

    assert world.call("operator", "set_status", account("shop"), status) == outcome


@pytest.mark.parametrize(
    ("action", "values", "outcome"),
    [
        ("set_settings", (True, True, DAY_MS, 0, 0), "bad_day_start"),
        ("set_settings", (True, True, DAY_MS - 1, 65_535, 65_535), "ok"),
        ("set_hours", (7, 0, 1), "bad_hours"),
        ("set_hours", (6, 2, 1), "bad_hours"),
        ("set_hours", (6, 0, DAY_MS + 1), "bad_hours"),
        ("set_hours", (6, 0, 0), "ok"),
        ("announce_closure", (TODAY,), "too_late"),
        ("announce_closure", (TODAY + 400,), "ok"),
        ("announce_closure", (TODAY + 401,), "too_far"),
        ("set_staff", (KEY, 0, 1, 0, DEVICE, START + DAY_MS), "bad_staff"),
        ("set_staff", (KEY, 4, 1, 0, DEVICE, START + DAY_MS), "bad_staff"),
        ("set_staff", (KEY, 1, 1, 0, DEVICE, START), "bad_staff"),
        ("set_staff", (KEY, 1, 32, 0, DEVICE, START + DAY_MS), "bad_staff"),
        ("set_profile", (9_001, 0, KEY, "UTC", "", ""), "bad_place"),
        ("set_profile", (-9_000, 18_000, KEY, "UTC", "", ""), "ok"),
        ("set_profile", (0, -18_001, KEY, "UTC", "", ""), "bad_place"),
        ("announce_closing", (START + 30 * DAY_MS,), "too_soon"),
        ("announce_closing", (START + 401 * DAY_MS,), "too_far"),
        ("set_service", (0, 1, 1, 0, KEY, ""), "bad_service"),
        ("set_service", (1, 0, 1, 0, KEY, ""), "bad_service"),
        ("set_service", (1, 1, 0, 0, KEY, ""), "bad_service"),
        ("set_service", (1, 1, 1, 2, KEY, ""), "bad_service"),
    ],
)
def test_settings_are_checked(action: str, values: tuple[object, ...], outcome: str) -> None:
    world = new_world()

    assert world.call("shop", action, *values) == outcome


def test_a_staff_key_has_its_duty_until_it_is_over_or_revoked() -> None:
    world = new_world()
    world.must("shop", "set_staff", KEY, 2, 1, 0, DEVICE, START + DAY_MS)
    world.must("shop", "set_staff", bytes(32), 3, 1, 0, DEVICE, START + DAY_MS)

    now = [world.read("duty", account("shop"), KEY), world.read("duty", account("rival"), KEY)]
    world.must("shop", "revoke_staff", bytes(32))
    revoked = world.read("duty", account("shop"), bytes(32))
    world.at(START + DAY_MS).must("rival", "open_shop")
    over = world.read("duty", account("shop"), KEY)

    assert (now, revoked, over) == ([2, 0], 0, 0)


def test_every_change_of_a_service_counts_its_version() -> None:
    world = new_world()

    world.must("shop", "set_service", 1, TOTAL, HOUR_MS, 0, world.policy_id, "wash")
    world.must("shop", "set_service", 9, TOTAL, HOUR_MS, 0, world.policy_id, "wax")

    versions = [
        record("Service", world.read("service", account("shop"), n))["version"] for n in (1, 9)
    ]
    assert versions == [2, 1]


def test_a_withdrawn_service_comes_back_with_a_new_version() -> None:
    world = new_world()

    world.must("shop", "withdraw_service", 1)
    world.must("shop", "set_service", 1, TOTAL, HOUR_MS, 0, world.policy_id, "wash")

    found = record("Service", world.read("service", account("shop"), 1))
    assert (found["version"], found["offered"]) == (2, True)


def test_an_account_that_is_no_member_lets_a_shop_keep_it_and_leaves_with_a_key_of_its_own() -> (
    None
):
    world = new_world()
    world.must("old_li", "keep_account", account("shop"), sponsor="shop")
    kept = world.read("keeper", account("old_li"))
    world.run("old_li", AddKey(AccountKey(account("phone"), None, (), None)), sponsor="shop")
    refused = world.call("old_li", "release_account", sponsor="shop")
    world.run("old_li", RemoveKey(account("old_li")), sponsor="shop", keys=("phone",))
    world.must("old_li", "release_account", sponsor="rival", keys=("phone",))

    assert (kept, refused) == (account("shop"), "same_key")
    assert world.read("keeper", account("old_li")) == bytes(32)
