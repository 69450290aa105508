"""Features: voted for well ahead, taken back in time, never crossed by a program without them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chain.changes import SetFeature
from chain.errors import LimitError, UnknownFeatureError, WrongStateError
from chain.features import (
    FEATURES_MAX,
    NOTICE_HEIGHTS,
    NOTICE_HEIGHTS_DEV,
    Feature,
    changed_features,
    check_features,
    read_features,
    unknown_features,
)
from chain.transaction import Propose
from tests.make import TestChain, genesis

NIGHT = Feature("night-prices", NOTICE_HEIGHTS + 1)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    """Olga is the operator of a development chain."""
    made = TestChain(tmp_path, genesis(params={"dev": 1}))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (replace(NIGHT, activation=NOTICE_HEIGHTS), f"take {NOTICE_HEIGHTS + 1} or later"),
        (replace(NIGHT, name="night prices"), "take letters, digits"),
        (replace(NIGHT, name=""), "take letters, digits"),
        (replace(NIGHT, activation=0), "was not voted for"),
    ],
)
def test_a_feature_is_voted_for_ahead_and_has_a_name(change: Feature, words: str) -> None:
    with pytest.raises(WrongStateError, match=words):
        changed_features((), change, 1, is_dev=False)

    assert changed_features((), NIGHT, 1, is_dev=False) == (NIGHT,)


def test_a_feature_is_moved_or_taken_back_until_it_is_in_force() -> None:
    later = replace(NIGHT, activation=NIGHT.activation + 50)
    gone = replace(NIGHT, activation=0)
    before = NIGHT.activation - 1

    assert changed_features((NIGHT,), later, 51, is_dev=False) == (later,)
    assert changed_features((NIGHT,), gone, before, is_dev=False) == ()
    with pytest.raises(WrongStateError, match="in force since height 1001; it stays"):
        changed_features((NIGHT,), gone, NIGHT.activation, is_dev=False)


def test_there_are_not_more_features_than_a_state_holds() -> None:
    many = tuple([Feature(f"f{number:02}", 5_000) for number in range(FEATURES_MAX)])

    with pytest.raises(LimitError, match="features would be 65, at most 64"):
        changed_features(many, NIGHT, 1, is_dev=False)


def test_a_vote_puts_a_feature_into_the_state_and_another_takes_it_out(chain: TestChain) -> None:
    activation = 1 + NOTICE_HEIGHTS_DEV
    chain.do("olga", Propose(SetFeature("night-prices", activation)))
    voted = read_features(chain.state())
    chain.do("olga", Propose(SetFeature("night-prices", 0)))

    assert voted == (Feature("night-prices", activation),)
    assert read_features(chain.state()) == ()


def test_a_program_stops_before_a_feature_that_it_does_not_know(chain: TestChain) -> None:
    activation = 1 + NOTICE_HEIGHTS_DEV
    chain.do("olga", Propose(SetFeature("night-prices", activation)))
    while chain.head.height < activation - 1:
        chain.run()

    check_features(chain.state(), activation - 1)
    assert unknown_features(chain.state()) == (Feature("night-prices", activation),)
    assert unknown_features(chain.state(), {"night-prices"}) == ()
    check_features(chain.state(), activation, {"night-prices"})
    with pytest.raises(UnknownFeatureError, match="night-prices is in force from height 11 on"):
        chain.build()
