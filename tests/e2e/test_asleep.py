"""Computers that sleep for hours while the others go on, as a lid that is closed makes them."""

import os
import signal

import pytest

from tests.e2e.journey_net import HOUR_MS, MINUTE_MS, JourneyNet
from tests.e2e.journey_town import book, open_shops

SLEEPERS = ("node4", "shop3")  # a validator, and a shop's computer
SLEEP_MS = 6 * HOUR_MS

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.name != "posix", reason="stops processes as POSIX does"),
]


def put_to_sleep(net: JourneyNet, *names: str) -> None:
    for name in names:
        net.up.remove(name)
        os.kill(net.net.pid(name) or 0, signal.SIGSTOP)


def wake(net: JourneyNet, *names: str) -> None:
    """Wake them; returns once they have all that happened meanwhile."""
    for name in names:
        os.kill(net.net.pid(name) or 0, signal.SIGCONT)
        net.up.append(name)
    net.until(net.now + 1)


def test_who_slept_for_six_hours_has_all_of_it_and_votes_again(steady: JourneyNet) -> None:
    net = steady
    open_shops(net, "sleepy")
    slot = net.now + HOUR_MS
    booking = book(net, "sleeper", "sleepy", slot)
    with net.switched_on("shop3"):
        put_to_sleep(net, *SLEEPERS)
        try:
            net.until(slot + SLEEP_MS)
        finally:
            wake(net, *SLEEPERS)
        seen = net.at_node("shop3").read("booking.booking", id=booking)["state"]
        roots = net.roots()
        # Without one of those that stayed awake the sleeper's vote is needed.
        put_to_sleep(net, "node1")
        try:
            height = net.height
            net.call("sleeper", "booking.arrived", id=booking, check=False)
            net.until(net.now + MINUTE_MS)
            grown = net.height > height
        finally:
            wake(net, "node1")
        peers = [net.at_node(name).rpc("node_peers") for name in net.validators]

    assert (seen, len(roots), grown) == ("NO_SHOW_DUE", 1, True)
    assert [one["mode"] for one in peers] == ["signing"] * len(net.validators)
    assert len(net.roots()) == 1
