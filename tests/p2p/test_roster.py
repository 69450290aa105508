"""Who stays connected: room, strangers, two connections with one key."""

from dataclasses import replace
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.handshake import NodeRole
from p2p.roster import ROOM, Accepted, Candidate, Refused, Roster

OWN = b"\x50" * 32
LOWER, HIGHER = b"\x10" * 32, b"\x90" * 32
FULL = Candidate(
    connection_id=1, node_key=LOWER, role=NodeRole.FULL, is_known=False, is_dialer=False
)


def one(number: int, **changes: object) -> Candidate:
    key = bytes([0x60, number]) + bytes(30)
    return replace(FULL, connection_id=number, node_key=key, **changes)  # type: ignore[arg-type]


def full_roster(*, known: int = 0) -> Roster:
    """Return a roster with room for three full nodes that holds three."""
    roster = Roster(OWN, {**ROOM, NodeRole.FULL: 3})
    for number in range(1, 4):
        assert roster.offer(one(number, is_known=number <= known)) == Accepted()
    return roster


def test_banned_peers_and_ourselves_are_refused() -> None:
    roster = Roster(OWN)

    answers = [
        roster.offer(replace(FULL, is_banned=True)),
        roster.offer(replace(FULL, node_key=OWN)),
    ]

    assert (answers, len(roster)) == ([Refused("banned"), Refused("self")], 0)


def test_when_full_a_stranger_is_refused_and_a_known_node_takes_the_newest_strangers_place() -> (
    None
):
    roster = full_roster(known=1)

    assert roster.offer(one(9)) == Refused("full")
    assert roster.offer(one(9, is_known=True)) == Accepted(((3, "full"),))
    assert [peer.connection_id for peer in roster.connections()] == [1, 2, 9]


def test_when_full_of_known_nodes_a_known_one_is_refused() -> None:
    assert full_roster(known=3).offer(one(9, is_known=True)) == Refused("full")


def test_rooms_are_apart() -> None:
    roster = full_roster()

    assert roster.offer(one(9, role=NodeRole.VALIDATOR)) == Accepted()
    assert (roster.count(NodeRole.FULL), roster.count(NodeRole.VALIDATOR)) == (3, 1)


def test_a_place_becomes_free_when_a_connection_ends() -> None:
    roster = full_roster()

    assert (roster.remove(2), roster.remove(2)) == (True, False)
    assert roster.offer(one(9)) == Accepted()


@pytest.mark.parametrize(
    ("peer_key", "first_is_dialer", "answer"),
    [
        (LOWER, True, Accepted(((1, "duplicate"),))),
        (LOWER, False, Refused("duplicate")),
        (HIGHER, True, Refused("duplicate")),
        (HIGHER, False, Accepted(((1, "duplicate"),))),
    ],
)
def test_of_two_the_one_that_the_lower_key_dialed_stays(
    peer_key: bytes,
    first_is_dialer: bool,  # noqa: FBT001
    answer: Accepted | Refused,
) -> None:
    roster = Roster(OWN)
    first = replace(FULL, node_key=peer_key, is_dialer=first_is_dialer)
    roster.offer(first)

    second = replace(first, connection_id=2, is_dialer=not first_is_dialer)

    assert roster.offer(second) == answer


def test_who_dials_again_has_lost_the_first() -> None:
    roster = full_roster()

    assert roster.offer(replace(one(2), connection_id=7)) == Accepted(((2, "duplicate"),))
    assert [peer.connection_id for peer in roster.connections()] == [1, 3, 7]


def test_a_duplicate_with_another_role_needs_room_there() -> None:
    roster = full_roster()
    validator = one(9, role=NodeRole.VALIDATOR)
    roster.offer(validator)

    again = replace(validator, connection_id=10, role=NodeRole.FULL)

    assert roster.offer(again) == Refused("full")
    assert roster.offer(replace(again, is_known=True)) == Accepted(((9, "duplicate"), (3, "full")))
    assert roster.count(NodeRole.FULL) == 3


@given(st.randoms(use_true_random=False))
def test_both_sides_keep_the_same_of_crossing_connections(lot: Random) -> None:
    """Two nodes dial each other; each hears of the two connections in its own order."""
    ids = count()
    crossing = [(next(ids), True), (next(ids), False)]
    kept = []
    for own, peer, is_us in ((LOWER, HIGHER, True), (HIGHER, LOWER, False)):
        roster, seen = Roster(own), crossing.copy()
        lot.shuffle(seen)
        for number, lower_dialed in seen:
            roster.offer(
                replace(FULL, connection_id=number, node_key=peer, is_dialer=lower_dialed == is_us)
            )
        kept.append([peer.connection_id for peer in roster.connections()])

    assert kept == [[0], [0]]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 9),
            st.sampled_from(NodeRole),
            st.booleans(),
            st.booleans(),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_one_connection_a_key_within_the_room_whatever_comes(
    steps: list[tuple[int, NodeRole, bool, bool, bool]],
) -> None:
    roster = Roster(OWN, dict.fromkeys(NodeRole, 2))
    staying: set[int] = set()
    for number, (name, role, is_known, is_dialer, leaves) in enumerate(steps):
        if leaves and staying:
            gone = min(staying)
            assert roster.remove(gone)
            staying.discard(gone)
        base = one(name, role=role, is_known=is_known, is_dialer=is_dialer)
        answer = roster.offer(replace(base, connection_id=100 + number))
        if isinstance(answer, Accepted):
            staying.add(100 + number)
            staying -= {closed for closed, _reason in answer.closing}

        peers = roster.connections()
        assert {peer.connection_id for peer in peers} == staying
        assert len({peer.node_key for peer in peers}) == len(peers)
        assert all(roster.count(one_role) <= 2 for one_role in NodeRole)
