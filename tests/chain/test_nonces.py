"""The window of nonces against a set that remembers everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import NonceStaleError, NonceTooFarError, NonceUsedError, WashError
from chain.nonces import find_nonce, next_nonce, take_nonce
from chain.types import NONCE_JUMP_MAX, NONCE_WINDOW
from tests.make import account, memory_state

ALICE, PHONE = account("alice"), account("alice's phone")


class Model:
    """All nonces ever used; the highest seen is -1 at first."""

    def __init__(self) -> None:
        self.used: set[int] = set()

    def take(self, nonce: int) -> type[WashError] | None:
        highest = max(self.used, default=-1)
        if nonce > highest + NONCE_JUMP_MAX:
            return NonceTooFarError
        if nonce <= highest - NONCE_WINDOW:
            return NonceStaleError
        if nonce in self.used:
            return NonceUsedError
        self.used.add(nonce)
        return None


steps = st.lists(
    st.integers(-3, 3)
    | st.integers(-NONCE_WINDOW - 2, -NONCE_WINDOW + 2)
    | st.integers(NONCE_JUMP_MAX - 2, NONCE_JUMP_MAX + 2),
    max_size=60,
)


@given(steps)
def test_the_window_answers_as_a_memory_of_all_nonces(moves: list[int]) -> None:
    state, model = memory_state(), Model()

    answers = []
    for move in moves:
        nonce = max(0, max(model.used, default=-1) + move)
        try:
            take_nonce(state, ALICE, ALICE, nonce)
            answer = None
        except WashError as error:
            answer = type(error)
        answers.append((nonce, answer, model.take(nonce)))

    assert [one for one in answers if one[1] is not one[2]] == []
    assert next_nonce(state, ALICE, ALICE) == max(model.used, default=-1) + 1


def test_every_key_has_a_window_of_its_own() -> None:
    state = memory_state()

    take_nonce(state, ALICE, ALICE, 5)
    take_nonce(state, ALICE, PHONE, 5)

    assert (next_nonce(state, ALICE, ALICE), next_nonce(state, ALICE, PHONE)) == (6, 6)


def test_errors_name_the_nonces_that_would_do() -> None:
    state = memory_state()
    take_nonce(state, ALICE, ALICE, 1_000)

    with pytest.raises(NonceTooFarError) as far:
        take_nonce(state, ALICE, ALICE, 2_025)
    with pytest.raises(NonceStaleError) as stale:
        take_nonce(state, ALICE, ALICE, 744)

    assert (far.value.highest, stale.value.lowest) == (2_024, 745)


@given(steps)
def test_whether_a_number_is_used_is_known_as_far_back_as_numbers_are_remembered(
    offsets: list[int],
) -> None:
    state, model = memory_state(), Model()
    for offset in offsets:
        nonce = max(0, max(model.used, default=-1) + offset)
        if model.take(nonce) is None:
            take_nonce(state, ALICE, PHONE, nonce)
    highest = max(model.used, default=-1)

    for nonce in range(max(0, highest - NONCE_WINDOW - 2), highest + 3):
        is_old = nonce <= highest - NONCE_WINDOW
        expected = None if is_old else nonce in model.used
        assert find_nonce(state, ALICE, PHONE, nonce) is expected
    assert find_nonce(state, ALICE, ALICE, 0) is False
