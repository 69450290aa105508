"""Random lives of customers and shops: a short one at every test run, `make lives` long ones."""

from pathlib import Path

import pytest

from node.catalog import STANDARD
from tests.lives.__main__ import grow_old, live

MANY = 40  # actions that go through in so short a life, of those that people can do


@pytest.mark.timeout(120)
def test_in_random_lives_money_adds_up_no_timer_fails_and_no_pot_is_left(tmp_path: Path) -> None:
    lives = live(tmp_path / "chain", 7, 700, check_every=50)
    world = lives.world

    grow_old(world)
    passed = [name for name, outcomes in lives.done.items() if outcomes["ok"]]

    assert len(passed) > MANY, sorted(passed)
    assert {name.split(".")[0] for name in passed} == set(STANDARD)
    assert (world.fired["timer"] > 0, world.upgraded.total()) == (True, 1)
    world.chain.close()
