"""Ranges that are asked for ahead: from those who have them, bounded, and kept until their turn."""

from node.net.prefetch import AHEAD_RANGES, ASKED_MAX, Prefetch

ANN, BOB = b"a" * 32, b"b" * 32


def test_ranges_ahead_are_asked_of_all_who_have_them_in_turn() -> None:
    asked = Prefetch().plan(1, [(ANN, 1_000), (BOB, 250)], 0)

    assert [(peer, one.start) for peer, one in asked] == [
        (ANN, 101),
        (BOB, 201),
        (ANN, 301),
        (ANN, 401),
    ]


def test_an_open_question_is_asked_of_another_after_a_while() -> None:
    prefetch = Prefetch()
    both = [(ANN, 150), (BOB, 150)]
    asked = [prefetch.plan(1, both, now_ms) for now_ms in (0, 5_000, 5_001)]

    assert [[peer for peer, _question in one] for one in asked] == [[ANN], [], [BOB]]


def test_who_answers_block_by_block_does_not_make_questions_grow() -> None:
    prefetch = Prefetch()
    for start in range(1, 200):
        assert len(prefetch.plan(start, [(ANN, 10**12)], start)) <= AHEAD_RANGES
        assert len(prefetch.asked) <= ASKED_MAX
