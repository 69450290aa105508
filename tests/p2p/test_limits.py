"""Token buckets, and the arithmetic of pings."""

from hypothesis import given
from hypothesis import strategies as st

from p2p.kinds import Kind, message_bytes_max
from p2p.limits import DEFAULT_RATES, Rate, RateLimiter, TokenBucket
from p2p.messages import Ping, Pong
from p2p.pulse import PENDING_MAX, SAMPLES_MAX, Pulse


def test_the_largest_message_of_each_kind_is_within_a_burst() -> None:
    small = [kind for kind in Kind if DEFAULT_RATES[kind].bytes_burst < message_bytes_max(kind)]

    assert (small, set(DEFAULT_RATES)) == ([], set(Kind))


def test_a_burst_then_a_steady_rate() -> None:
    limiter = RateLimiter(0, {Kind.VOTE: Rate(10, 3, 1_000, 1_000)})

    at_once = [limiter.allow(Kind.VOTE, 1, 0) for _ in range(4)]

    assert at_once == [True, True, True, False]
    assert limiter.wait_ms(Kind.VOTE, 1, 0) == 100
    assert [limiter.allow(Kind.VOTE, 1, now) for now in (99, 100, 101)] == [False, True, False]


def test_bytes_are_limited_beside_messages_and_kinds_apart() -> None:
    rate = Rate(1_000, 1_000, 100, 500)
    limiter = RateLimiter(0, {Kind.VOTE: rate, Kind.WANT: rate})

    assert limiter.allow(Kind.VOTE, 500, 0)
    assert not limiter.allow(Kind.VOTE, 100, 999)
    assert limiter.allow(Kind.VOTE, 100, 1_000)
    assert limiter.allow(Kind.WANT, 500, 0)


def test_more_than_a_burst_is_allowed_when_the_bucket_is_full_and_paid_for_afterwards() -> None:
    limiter = RateLimiter(0, {Kind.VOTE: Rate(1_000, 1_000, 100, 200)})

    assert limiter.allow(Kind.VOTE, 500, 0)
    assert limiter.wait_ms(Kind.VOTE, 1, 0) == 3_010


def test_a_clock_that_steps_back_gives_no_tokens() -> None:
    bucket = TokenBucket(10, 10, 1_000)
    bucket.take(10)

    assert (bucket.wait_ms(1, 500), bucket.wait_ms(1, 500)) == (100, 100)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 300))))
def test_no_peer_gets_more_than_its_burst_and_its_rate(steps: list[tuple[int, int]]) -> None:
    limiter, now_ms, taken, count = RateLimiter(0, {Kind.VOTE: Rate(20, 5, 1_000, 300)}), 0, 0, 0

    for pause_ms, size in steps:
        now_ms += pause_ms
        waits = limiter.wait_ms(Kind.VOTE, size, now_ms)
        allowed = limiter.allow(Kind.VOTE, size, now_ms)
        assert allowed == (waits == 0)
        taken, count = taken + size * allowed, count + allowed

    assert taken <= 300 + now_ms
    assert count <= 5 + 20 * now_ms // 1_000


def test_round_trip_and_offset_are_those_of_ntp() -> None:
    pulse = Pulse()
    ping = pulse.ping(wall_ms=10_000, mono_ms=50)

    # 30 ms there, held for 5 ms, 30 ms back; the peer's clock is 700 ms ahead.
    pong = Pong(ping.number, received_ms=10_730, sent_ms=10_735)
    was_asked = pulse.note_pong(pong, wall_ms=10_065, mono_ms=115)

    assert (ping, was_asked) == (Ping(1, 10_000), True)
    assert (pulse.round_trip_ms, pulse.clock_offset_ms) == (60, 700)


def test_one_lie_does_not_move_the_median() -> None:
    pulse = Pulse()
    for number, ahead_ms in enumerate([3, 9_000_000, 4, 5, 2]):
        ping = pulse.ping(wall_ms=1_000 * number, mono_ms=1_000 * number)
        told = 1_000 * number + ahead_ms
        pulse.note_pong(Pong(ping.number, told, told), 1_000 * number, 1_000 * number)

    assert (pulse.round_trip_ms, pulse.clock_offset_ms) == (0, 4)


def test_answers_to_no_question_and_to_old_ones_are_not_taken() -> None:
    pulse = Pulse()
    first = last = pulse.ping(0, 0)
    for _ in range(PENDING_MAX):
        last = pulse.ping(0, 0)

    answers = [pulse.note_pong(Pong(number, 0, 0), 0, 0) for number in (99, first.number)]
    good = [pulse.note_pong(Pong(last.number, 0, 0), 0, 0) for _ in range(2)]

    assert (answers, good) == ([False, False], [True, False])


@given(st.lists(st.tuples(*[st.integers(0, 2**53 - 1)] * 3), max_size=30))
def test_no_answer_makes_a_round_trip_negative(answers: list[tuple[int, int, int]]) -> None:
    pulse, mono_ms = Pulse(), 0

    for received_ms, sent_ms, wall_ms in answers:
        ping = pulse.ping(wall_ms, mono_ms)
        mono_ms += 7
        pulse.note_pong(Pong(ping.number, received_ms, sent_ms), wall_ms, mono_ms)

    assert pulse.round_trip_ms is None or 0 <= pulse.round_trip_ms <= 7
    assert len(pulse._offsets) <= SAMPLES_MAX
