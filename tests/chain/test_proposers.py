"""The order of proposers: everybody is in it, and whoever is down costs one failed round."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.block import make_commit
from chain.codec import encode
from chain.proposers import (
    FAILURES_MAX,
    Proposers,
    Standing,
    note_block,
    proposer_order,
    read_proposers,
    write_proposers,
)
from chain.state import PROPOSERS_KEY, VALIDATORS_KEY, State
from chain.validators import QuorumRule, ValidatorSet
from tests.make import memory_state, word

HEIGHTS = 60
GENESIS_PROPOSER = bytes(32)


def keys_of(count: int) -> tuple[bytes, ...]:
    return tuple(sorted(word(f"validator {number}") for number in range(count)))


def begun(validators: ValidatorSet) -> State:
    state = memory_state()
    state.put(VALIDATORS_KEY, encode(validators))
    return state


def recorded(state: State) -> Proposers:
    record = read_proposers(state)
    assert record is not None
    return record


def entry(state: State, key: bytes) -> Standing:
    (found,) = [one for one in recorded(state).entries if one.key == key]
    return found


def note(
    state: State, height: int, proposer: bytes, *, failed: int = 0, absent: bytes = b""
) -> None:
    """Apply a block whose parent was certified in round `failed` by all but `absent`."""
    record = read_proposers(state)
    if record is None:
        note_block(state, height, proposer, None, GENESIS_PROPOSER)
        return
    keys = record.validators.keys
    signatures = {key: bytes(64) for key in keys if key != absent}
    commit = make_commit(record.validators, (height - 1, failed), bytes(32), signatures)
    note_block(state, height, proposer, commit, record.previous)


standings = st.builds(
    Standing,
    key=st.sampled_from(keys_of(12)),
    last_seen=st.integers(0, 100),
    failures=st.integers(0, FAILURES_MAX),
    demoted_until=st.integers(0, 200),
    tombstoned=st.booleans(),
)
records = st.builds(
    Proposers,
    validators=st.just(ValidatorSet(keys_of(4))),
    previous=st.sampled_from(keys_of(12)),
    order=st.just(()),
    entries=st.lists(standings, max_size=12, unique_by=lambda one: one.key).map(tuple),
)
sets = st.sets(st.sampled_from(keys_of(12)), min_size=1).map(
    lambda keys: ValidatorSet(tuple(sorted(keys)))
)


@given(sets, records, st.integers(1, 200))
def test_every_validator_is_in_the_order_once(
    validators: ValidatorSet, record: Proposers, height: int
) -> None:
    state = begun(validators)
    write_proposers(state, record)

    order = proposer_order(state, height)

    assert sorted(order) == list(validators.keys)


@given(sets, records, st.integers(1, 200))
def test_nobody_stands_behind_one_that_is_last_but_those_who_are_last_too(
    validators: ValidatorSet, record: Proposers, height: int
) -> None:
    state = begun(validators)
    write_proposers(state, record)
    known = {one.key: one for one in record.entries}

    def is_last(key: bytes) -> bool:
        one = known.get(key)
        return one is not None and (
            one.tombstoned
            or one.demoted_until > height
            or height > one.last_seen + len(validators.keys) + 1
        )

    order = proposer_order(state, height)

    later = [key for key in validators.keys if key > record.previous]
    earlier = [key for key in validators.keys if key <= record.previous]
    assert order == tuple(sorted(later + earlier, key=is_last))


def test_the_ring_begins_after_the_last_proposer() -> None:
    keys = keys_of(4)
    state = begun(ValidatorSet(keys))

    orders = [proposer_order(state, 1)]
    for height, proposer in enumerate((keys[1], keys[3]), 1):
        note(state, height, proposer)
        orders.append(proposer_order(state, height + 1))

    assert orders == [keys, (keys[2], keys[3], keys[0], keys[1]), keys]


def test_a_validator_unseen_for_more_than_a_turn_and_one_is_last_until_it_signs() -> None:
    keys = keys_of(4)
    state = begun(ValidatorSet(keys))
    for height in range(1, 7):
        note(state, height, keys[0], absent=keys[1])
        assert proposer_order(state, height + 1)[0] == keys[1] or height == 6

    order = proposer_order(state, 7)
    note(state, 7, keys[0])

    assert entry(state, keys[1]).last_seen == 6
    assert order == (keys[2], keys[3], keys[0], keys[1])
    assert proposer_order(state, 8) == (keys[1], keys[2], keys[3], keys[0])


def test_a_demoted_validator_is_last_until_its_time_is_over() -> None:
    keys = keys_of(4)
    state = begun(ValidatorSet(keys))
    note(state, 1, keys[0])
    note(state, 2, keys[2])  # round 0 was that of keys[1]

    note(state, 3, keys[3], failed=1)

    assert entry(state, keys[1]) == Standing(keys[1], 2, 1, 7, tombstoned=False)
    assert [proposer_order(state, height).index(keys[1]) for height in (4, 6, 7)] == [3, 3, 1]


def test_a_tombstoned_validator_is_last_for_good() -> None:
    keys = keys_of(4)
    state = begun(ValidatorSet(keys))
    note(state, 1, keys[0])
    record = recorded(state)
    bad = replace(record.entries[1], tombstoned=True)
    write_proposers(state, replace(record, entries=(record.entries[0], bad, *record.entries[2:])))

    places = []
    for height in range(2, 40):
        order = proposer_order(state, height)
        places.append(order.index(keys[1]))
        note(state, height, order[0])

    assert places == [3] * 38


def failed_rounds(validators: ValidatorSet, crashed: set[bytes], *, plain: bool) -> int:
    """Return how many rounds fail in `HEIGHTS` blocks while some validators are down."""
    keys = validators.keys
    state, total, failed, turn = begun(validators), 0, 0, 0
    for height in range(1, HEIGHTS + 1):
        order = keys[turn:] + keys[:turn] if plain else proposer_order(state, height)
        live = [place for place, key in enumerate(order) if key not in crashed]
        proposer = order[live[0]]
        commit = None
        if height > 1:
            signatures = {key: bytes(64) for key in keys if key not in crashed}
            commit = make_commit(validators, (height - 1, failed), bytes(32), signatures)
        parent = keys[turn - 1]
        note_block(state, height, proposer, commit, parent)
        turn = (keys.index(proposer) + 1) % len(keys)
        failed = live[0]
        total += failed
    return total


@pytest.mark.parametrize("count", [3, 4, 7, 10])
def test_each_crashed_validator_costs_one_round_where_a_plain_ring_loses_one_each_turn(
    count: int,
) -> None:
    rule = QuorumRule.CRASH if count == 3 else QuorumRule.BYZANTINE
    validators, down = ValidatorSet(keys_of(count), rule), count // 3
    crashed = {*validators.keys[1 : 1 + down]}

    totals = [failed_rounds(validators, crashed, plain=plain) for plain in (False, True)]

    turns, rest = divmod(HEIGHTS, count - down)
    assert totals == [down, down * (turns + (rest > 1))]


def test_failures_are_forgiven_one_with_each_proposal() -> None:
    keys = keys_of(4)
    state = begun(ValidatorSet(keys))
    note(state, 1, keys[0])
    record = recorded(state)
    failing = replace(record.entries[2], failures=3)
    write_proposers(
        state, replace(record, entries=(*record.entries[:2], failing, record.entries[3]))
    )

    left = []
    for height in range(2, 7):
        note(state, height, keys[2])
        left.append(entry(state, keys[2]).failures)

    assert left == [2, 1, 0, 0, 0]


def test_a_demotion_doubles_up_to_thirty_two_turns() -> None:
    keys = keys_of(4)
    state = begun(ValidatorSet(keys))
    note(state, 1, keys[0])
    lasting = []
    for height in range(2, 10):
        record = recorded(state)
        write_proposers(state, replace(record, order=(keys[1], keys[0])))
        note(state, height, keys[0], failed=1)
        lasting.append(entry(state, keys[1]).demoted_until - height)

    # The order's second is the parent's proposer, its first fails each time.
    assert lasting == [4, 8, 16, 32, 64, 128, 128, 128]


@pytest.mark.parametrize(("failed", "blamed"), [(0, 0), (1, 1), (2, 0), (9, 0)])
def test_more_failed_rounds_than_crashes_explain_blame_nobody(failed: int, blamed: int) -> None:
    keys = keys_of(4)
    state = begun(ValidatorSet(keys))
    note(state, 1, keys[0])
    note(state, 2, keys[3])

    note(state, 3, keys[0], failed=failed)

    assert sum(one.failures > 0 for one in recorded(state).entries) == blamed


def test_the_proposer_of_a_block_is_not_blamed_for_an_earlier_round_of_its_own() -> None:
    keys = keys_of(4)
    state = begun(ValidatorSet(keys))
    note(state, 1, keys[0])
    note(state, 2, keys[1])  # made in round 0, certified in round 1

    note(state, 3, keys[2], failed=1)

    assert [one.failures for one in recorded(state).entries] == [0, 0, 0, 0]


def test_a_newcomer_is_given_a_turn_before_it_counts_as_absent() -> None:
    old, new = keys_of(4), keys_of(5)
    (newcomer,) = {*new} - {*old}
    state = begun(ValidatorSet(old))
    note(state, 1, old[0])
    state.put(VALIDATORS_KEY, encode(ValidatorSet(new)))

    note(state, 2, old[1])
    first = entry(state, newcomer)
    for height in range(3, 9):  # it is not there, and fails no round
        note(state, height, old[0], absent=newcomer)

    places = [proposer_order(state, height).index(newcomer) for height in (8, 9)]
    assert first == Standing(newcomer, 2, 0, 0, tombstoned=False)
    assert places[0] < places[1] == 4


def test_a_validator_that_left_is_forgotten() -> None:
    keys = keys_of(4)
    state = begun(ValidatorSet(keys))
    note(state, 1, keys[0])
    state.put(VALIDATORS_KEY, encode(ValidatorSet(keys[:3])))

    note(state, 2, keys[1])

    assert [one.key for one in recorded(state).entries] == list(keys[:3])


def test_a_chain_of_one_validator_keeps_no_record() -> None:
    (key,) = keys_of(1)
    state = begun(ValidatorSet((key,)))

    for height in range(1, 4):
        note_block(state, height, key, None, key)

    assert state.get(PROPOSERS_KEY) is None
    assert proposer_order(state, 4) == (key,)
