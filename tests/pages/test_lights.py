"""What colour a light has, judged from answers of the API."""

from typing import Any

import pytest

from chain.types import DAY_MS
from node.pages import lights
from node.pages.lights import Light

HEALTH: dict[str, Any] = {
    "time_ms": 1_000_000, "head_time_ms": 999_000, "lag_ms": 0, "peers": 2, "syncing": False,
    "disk_free_bytes": 9 * 1024**3,
}  # fmt: skip
PEERS: dict[str, Any] = {
    "listening": 1,
    "peers": [{"clock_offset_ms": 40}, {"clock_offset_ms": None}],
}
KEYS = ("a", "b", "c", "d")


def validators(seen: int = 4, *, twice: bool = False) -> dict[str, Any]:
    items = [
        {"key": key, "is_silent": place >= seen, "tombstoned": twice and key == "a"}
        for place, key in enumerate(KEYS)
    ]
    return {"items": items, "seen": seen, "quorum": 3}


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "CNY", "asset": "ast1"}


def issuer(**more: Any) -> dict[str, Any]:
    well = {"short": False, "blocked": False, "late": 0, "silent": False, "stated_at": DAY_MS}
    return {**well, **more}


@pytest.mark.parametrize(
    ("seen", "twice", "colour"),
    [(4, 0, "green"), (3, 0, "amber"), (2, 0, "red"), (4, 1, "red")],
)
def test_validators_are_well_while_all_are_at_work_and_a_matter_for_now_below_a_quorum(
    seen: int, twice: int, colour: str
) -> None:
    found, _signing = lights.of_validators(
        validators(seen, twice=bool(twice)), dict.fromkeys(KEYS, 10_000)
    )

    values = {"seen": seen, "count": 4, "quorum": 3, "missing": 4 - seen}
    assert found == Light("validators", colour, values)  # type: ignore[arg-type]


def test_who_signs_less_than_half_is_looked_after_unless_it_is_missing_altogether() -> None:
    signed = lights.shares(validators(3), [{"signers": ["a", "b"]}, {"signers": ["a", "b", "c"]}])
    _validators, signing = lights.of_validators(validators(3), signed)
    _validators, fewer = lights.of_validators(validators(3), {**signed, "c": 4_999})

    assert signed == {"a": 10_000, "b": 10_000, "c": 5_000, "d": 0}
    assert signing == Light("signing", "green", {"least_bp": 0})
    assert fewer.colour == "amber"


@pytest.mark.parametrize(
    ("age_ms", "lag_ms", "practice", "colour"),
    [
        (720_000, 0, 0, "green"),
        (720_001, 0, 0, "red"),
        (720_001, 0, 1, "green"),
        (0, 10_001, 0, "amber"),
    ],
)
def test_blocks_stand_still_two_minutes_after_the_heartbeat(
    age_ms: int, lag_ms: int, practice: int, colour: str
) -> None:
    health = {**HEALTH, "head_time_ms": HEALTH["time_ms"] - age_ms, "lag_ms": lag_ms}
    blocks = [{"time": time} for time in (9_000, 5_000, 4_000, 3_000)]

    found = lights.of_blocks(health, blocks, 600_000, is_dev=bool(practice))

    assert found == Light("blocks", colour, {"gap_ms": 1_000, "age_ms": age_ms})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "colours"),
    [
        ({}, "green green green green"),
        ({"peers": 1}, "amber green green green"),
        ({"peers": 0}, "red green green green"),
        ({"syncing": True}, "green amber green green"),
        ({"lag_ms": 60_001}, "green red green green"),
        ({"disk_free_bytes": 4 * 1024**3}, "green green amber green"),
        ({"disk_free_bytes": 1024**3 - 1}, "green green red green"),
        ({"disk_free_bytes": None}, "green green amber green"),
        ({"head_time_ms": 1_000_251}, "green green green amber"),
        ({"head_time_ms": 1_001_001}, "green green green red"),
    ],
    ids=str,
)
def test_a_node_is_judged_by_its_peers_its_lag_its_disk_and_its_clock(
    changed: dict[str, Any], colours: str
) -> None:
    found = lights.of_node({**HEALTH, **changed}, PEERS, validators())

    assert [one.colour for one in found] == colours.split()


def test_a_network_of_one_computer_needs_no_peers() -> None:
    alone = {"items": [{}], "seen": 1, "quorum": 1}

    found = lights.of_node({**HEALTH, "peers": 0}, {"listening": None, "peers": []}, alone)

    assert found[0] == Light("peers", "green", {"count": 0})


def test_rules_to_come_are_looked_after_and_unknown_ones_stop_the_program() -> None:
    coming = {"name": "x", "in_force": False, "known": True}
    strange = {"name": "y", "in_force": False, "known": False}

    assert lights.of_votes([], []) == [
        Light("proposals", "green", {"count": 0}),
        Light("features", "green", {"count": 0, "name": ""}),
    ]
    assert lights.of_votes([{}], [coming]) == [
        Light("proposals", "amber", {"count": 1}),
        Light("features", "amber", {"count": 1, "name": "x"}),
    ]
    assert lights.of_votes([], [coming, strange])[1] == Light(
        "features", "red", {"count": 1, "name": "y"}
    )


@pytest.mark.parametrize(
    ("changed", "colour"),
    [
        ({}, "green"),
        ({"silent": True}, "amber"),
        ({"stated_at": None}, "amber"),
        ({"stated_at": -40 * DAY_MS}, "amber"),
        ({"short": True}, "red"),
        ({"blocked": True}, "red"),
        ({"late": 1}, "red"),
    ],
    ids=str,
)
def test_an_issuer_is_judged_by_its_statements_and_payments(
    changed: dict[str, Any], colour: str
) -> None:
    assert lights.of_issuer(issuer(**changed), 2 * DAY_MS) == colour


def test_more_money_than_issuers_owe_is_never_well() -> None:
    told = {"items": [issuer()], "supply": money(101), "owed": money(100)}

    assert lights.of_money(told, 2 * DAY_MS).colour == "red"
    assert lights.of_money({**told, "supply": money(100)}, 2 * DAY_MS).colour == "green"


def test_cards_beyond_the_threshold_are_filed_and_missing_money_comes_first() -> None:
    well = {"ratio": 10_000, "wanted": 10_000, "large": False}
    large, short = {**well, "large": True}, {**well, "ratio": 9_999}

    found = [lights.of_cards(one) for one in ([], [well], [well, large], [well, large, short])]

    assert found == [
        Light("prepaid", "green", {"count": 0}), Light("prepaid", "green", {"count": 1}),
        Light("prepaid", "amber", {"count": 1}), Light("prepaid", "red", {"count": 1}),
    ]  # fmt: skip
    assert lights.worst([*found]) == "red"
