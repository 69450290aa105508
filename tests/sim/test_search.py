"""The exhaustive search: the rules hold in every history of three rounds, and a fork is found."""

import pytest

from node.sim.search import SearchBounds, SearchResult, search


@pytest.mark.sim
@pytest.mark.timeout(170)
@pytest.mark.parametrize(
    ("rounds", "states", "transitions"),
    [
        pytest.param(2, 3_315, 18_682),
        pytest.param(3, 46_406, 308_477, marks=pytest.mark.whole),
    ],
)
def test_one_traitor_of_four_breaks_nothing_in_any_history(
    rounds: int, states: int, transitions: int
) -> None:
    assert search(SearchBounds(validators=4, byzantine=1, rounds=rounds)) == SearchResult(
        states, transitions, exhausted=True, violations=[]
    )


@pytest.mark.sim
@pytest.mark.parametrize(
    ("rounds", "states", "transitions"),
    [
        pytest.param(2, 1_108, 8_149),
        pytest.param(3, 17_971, 172_201, marks=pytest.mark.whole),
    ],
)
def test_four_honest_validators_break_nothing_in_any_history(
    rounds: int, states: int, transitions: int
) -> None:
    assert search(SearchBounds(validators=4, byzantine=0, rounds=rounds)) == SearchResult(
        states, transitions, exhausted=True, violations=[]
    )


def test_two_traitors_of_four_can_fork_and_the_search_shows_how() -> None:
    result = search(SearchBounds(validators=4, byzantine=2, rounds=2))

    assert [(one.invariant, one.text) for one in result.violations] == [
        (
            "A1",
            (
                "B0b and B0a are both decided, or can be with the precommits there are: "
                "round 0: v2 gets a proposal of B0a; round 0: v3 gets a proposal of B0b; "
                "round 0: v2 sees prevotes for B0b; round 0: v3 sees prevotes for B0a"
            ),
        )
    ]


def test_a_bound_on_states_is_told() -> None:
    result = search(SearchBounds(validators=4, byzantine=1, rounds=3, states_max=100))

    assert (result.states, result.exhausted, result.violations) == (100, False, [])
