"""By a rule that operators vote for, two of them end what one admitter let in."""

import pytest

from chain.changes import GrantRole, RevokeRole
from chain.features import TWO_END_MEMBERSHIP, Feature, write_features
from chain.governance import Occasion, needed_at, proposal_id, propose, vote
from chain.roles import Role, has_role, set_role
from chain.state import State
from chain.transaction import Change
from tests.make import account, memory_state, word

SAM = account("sam")


def council(height: int, count: int = 7) -> State:
    """Return a state of several operators in which two end a membership from a height on."""
    state = memory_state()
    for name in ("olga", *[f"operator {number}" for number in range(1, count)]):
        set_role(state, account(name), Role.OPERATOR, held=True)
    set_role(state, SAM, Role.MEMBER, held=True)
    write_features(state, (Feature(TWO_END_MEMBERSHIP, height),))
    return state


@pytest.mark.parametrize(
    ("change", "height", "needed"),
    [
        (RevokeRole(SAM, Role.MEMBER), 10, 2),
        (RevokeRole(SAM, Role.MEMBER), 9, 5),
        (RevokeRole(SAM, Role.DEPLOYER), 10, 5),
        (GrantRole(SAM, Role.MEMBER), 10, 5),
        (RevokeRole(account("olga"), Role.MEMBER), 10, 5),
        (RevokeRole(SAM, Role.ADMITTER), 9, 2),
    ],
    ids=str,
)
def test_by_a_rule_that_was_voted_for_two_operators_end_a_membership(
    change: Change, height: int, needed: int
) -> None:
    assert needed_at(council(10), change, height) == needed
    assert needed_at(council(10, count=1), RevokeRole(SAM, Role.MEMBER), 10) == 1


@pytest.mark.parametrize(("height", "is_over"), [(9, False), (10, True)])
def test_the_second_word_ends_a_membership_from_the_height_of_the_rule_on(
    height: int,
    is_over: bool,  # noqa: FBT001 - one of two outcomes
) -> None:
    state, at = council(10), Occasion(word("chain"), height, 1)

    propose(state, account("olga"), RevokeRole(SAM, Role.MEMBER), word("call"), at)
    ends = vote(state, account("operator 1"), proposal_id(word("call")), at)

    assert ends is is_over
    assert has_role(state, SAM, Role.MEMBER) is not is_over
