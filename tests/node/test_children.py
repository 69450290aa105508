"""A stop that comes while processes are being started waits until they are known."""

import signal

import pytest

from node.children import stopping_later


def start(done: list[str]) -> None:
    with stopping_later():
        signal.raise_signal(signal.SIGINT)
        done.append("all are started")


def test_a_stop_meanwhile_comes_right_after() -> None:
    done: list[str] = []

    with pytest.raises(KeyboardInterrupt):
        start(done)

    assert done == ["all are started"]


def test_without_a_stop_all_is_as_before() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with stopping_later():
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before
