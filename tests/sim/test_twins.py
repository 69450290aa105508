"""Twins: validators with two lives break nothing while they are few, and fork when they are not."""

from itertools import islice

import pytest

from node.sim.many import spread
from node.sim.twins import Schedule, TwinsResult, count_schedules, run_schedule, schedules
from tests.sim.commands import sim


def run(validators: int, twins: int, count: int) -> list[TwinsResult]:
    return list(spread(run_schedule, islice(schedules(validators, twins, 4), count), jobs=2))


@pytest.mark.sim
@pytest.mark.parametrize(("validators", "twins", "count"), [(4, 1, 150), (7, 2, 50)])
def test_as_many_twins_as_are_withstood_break_nothing(
    validators: int, twins: int, count: int
) -> None:
    results = run(validators, twins, count)

    assert [(one.schedule, one.violations) for one in results if one.violations] == []
    assert len(results) == count


@pytest.mark.sim
def test_one_pair_of_twins_too_many_forks_and_is_accused() -> None:
    forked = [one for one in run(4, 2, 60) if one.violations]

    assert {one.violations[0].invariant for one in forked} == {"A1"}
    assert {one.accused for one in forked} == {2}


def test_schedules_that_differ_in_names_are_one() -> None:
    found = list(schedules(4, 1, 1))

    assert (len(set(found)), count_schedules(4, 1, 1)) == (20, 64)
    assert Schedule(4, 1, ((0, 0b01110),)) in found


@pytest.mark.sim
def test_the_command_tells_what_broke_and_how_to_see_it_again() -> None:
    code, facts = sim("--twins", "60", "--validators", "4", "--byzantine", "2", "--jobs", "1")
    first = facts["violations"][0]

    again, alone = sim("--twins", "1", "--seed", str(first["schedule"]), "--byzantine", "2")

    assert (code, again) == (1, 1)
    assert alone["violations"] == [first]
