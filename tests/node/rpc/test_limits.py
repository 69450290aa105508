"""Buckets: everybody gets what is allowed and no more, whatever the clock and the number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.rpc.door.limits import Buckets, client_of, is_loopback


def test_a_burst_is_taken_and_then_a_steady_pace() -> None:
    buckets = Buckets(per_second=10)

    at_once = [buckets.take("a", 1, now_ms=0) for _ in range(21)]
    later = [buckets.take("a", 1, now_ms=now_ms) for now_ms in (99, 100, 100, 250)]

    assert at_once == [0] * 20 + [100]
    assert later == [1, 0, 100, 0]


def test_a_batch_costs_as_much_as_its_calls() -> None:
    buckets = Buckets(per_second=10)

    waits = [buckets.take("a", cost, now_ms=0) for cost in (15, 6, 5, 1)]

    assert waits == [0, 100, 0, 100]


def test_more_than_a_bucket_is_granted_to_a_full_one_which_owes_the_rest() -> None:
    buckets = Buckets(per_second=10)

    waits = [buckets.take("a", 50, now_ms=0), buckets.take("a", 1, now_ms=1_000)]

    assert waits == [0, 2_100]


def test_clients_do_not_share_buckets() -> None:
    buckets = Buckets(per_second=1)

    waits = [buckets.take(client, 2, now_ms=0) for client in ("a", "b", "a")]

    assert waits == [0, 0, 2_000]


def test_who_was_not_heard_of_for_longest_is_forgotten() -> None:
    buckets = Buckets(per_second=1, addresses_max=2)

    waits = [buckets.take(client, 2, now_ms=0) for client in ("a", "b", "b", "c", "b", "a")]

    assert waits == [0, 0, 2_000, 0, 2_000, 0]
    assert len(buckets) == 2


def test_no_limit_remembers_nobody() -> None:
    buckets = Buckets(per_second=0)

    assert [buckets.take("a", 10**6, now_ms=0), len(buckets)] == [0, 0]


@given(
    rate=st.integers(1, 500),
    steps=st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 50)), max_size=60),
)
def test_nobody_gets_more_than_burst_and_pace(rate: int, steps: list[tuple[int, int]]) -> None:
    buckets, now_ms, taken = Buckets(rate), 0, 0

    for wait_ms, cost in steps:
        now_ms += wait_ms
        if cost <= 2 * rate and buckets.take("a", cost, now_ms) == 0:
            taken += cost

    assert taken * 1_000 <= 2 * rate * 1_000 + now_ms * rate


@given(rate=st.integers(1, 500), cost=st.integers(1, 1_000), spent=st.integers(1, 1_000))
def test_after_the_time_that_was_named_it_succeeds(rate: int, cost: int, spent: int) -> None:
    buckets = Buckets(rate)
    buckets.take("a", spent, now_ms=0)

    wait_ms = buckets.take("a", cost, now_ms=0)

    assert wait_ms == 0 or buckets.take("a", cost, now_ms=wait_ms) == 0


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("somewhere", "somewhere"),
    ],
)
def test_a_client_is_an_address_or_a_network_of_ipv6(address: str, client: str) -> None:
    assert client_of(address) == client


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.7", False),
        ("2001:db8::1", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_loopback_is_known_in_all_its_forms(address: str, *, is_local: bool) -> None:
    assert is_loopback(address) == is_local
