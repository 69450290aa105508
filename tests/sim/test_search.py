"""The exhaustive search: the rules hold in every history of two rounds, and a fork is found."""

import pytest

from node.sim.search import SearchBounds, SearchResult, search


@pytest.mark.sim
@pytest.mark.timeout(170)
def test_two_rounds_with_one_traitor_of_four_hold_every_invariant() -> None:
    assert search(SearchBounds(validators=4, byzantine=1, rounds=2)) == SearchResult(
        states=20_019, transitions=43_872, exhausted=True, violations=[]
    )


def test_without_traitors_three_rounds_are_few_histories() -> None:
    result = search(SearchBounds(validators=4, byzantine=0, rounds=3))

    assert (result.states, result.exhausted, result.violations) == (31, True, [])


def test_two_traitors_of_four_can_fork_and_the_search_shows_how() -> None:
    result = search(SearchBounds(validators=4, byzantine=2, rounds=2))

    (violation,) = result.violations
    assert violation.invariant == "A1"
    assert "is told" in violation.text


def test_a_bound_on_states_is_told() -> None:
    result = search(SearchBounds(validators=4, byzantine=1, rounds=3, states_max=100))

    assert (result.states, result.exhausted, result.violations) == (100, False, [])
