"""A shop's line is down for three hours; at its counter the day goes on, and all of it counts."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from node.client import Wash, WashRpcError
from node.demo.accounts import account_of, seed_of, signer_of
from node.devnet.plan import node_signer
from node.keys.store import KeyStore
from tests.e2e.conftest import COUNTER
from tests.e2e.journey_net import DAY_MS, HOUR_MS, JourneyNet, acct, calling
from tests.e2e.journey_town import book, open_shops, requesting
from tests.netted import all_up

NODE = "shop2"  # its computer
SHOP, ONE, TWO, THREE = COUNTER
OUTAGE_MS = 3 * HOUR_MS
PATIENCE_S, PAUSE_S = 40.0, 0.02

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


class Counter:
    """The shop's computer, as its staff and the customers at the counter use it."""

    def __init__(self, net: JourneyNet) -> None:
        self.net, self.key = net, node_signer(NODE).public_key.hex()

    @property
    def wash(self) -> Wash:
        return self.net.at_node(NODE)

    def cut(self) -> None:
        """Cut the line."""
        self.net.up.remove(NODE)
        for name in self.net.validators:
            self.net.at_node(name).rpc("admin_peer_ban", key=self.key, duration_ms=30 * DAY_MS)
        self.until(lambda: self.listed()["cut_off"])

    def heal(self) -> None:
        """Bring the line back."""
        for name in self.net.validators:
            self.net.at_node(name).rpc("admin_peer_pardon", key=self.key)

    def lose_power(self) -> None:
        """Pull the plug, and start again."""
        self.net.net.kill(NODE)
        self.net.net.start(NODE)
        asyncio.run(all_up(self.net.net, NODE))

    def at(self, time_ms: int) -> None:
        """Let the shop's own clock show a time."""
        self.wash.rpc("admin_set_clock", time_ms=time_ms)

    def send(self, who: str, *actions: dict[str, Any], attest: bool = False) -> str:
        """Sign at the counter, and hand it to the shop's computer."""
        sponsor: Any = "node_attests" if attest else None
        body = self.wash.build(
            actions, account=account_of(who), key=signer_of(who), sponsor=sponsor
        )
        signed = self.wash.sign(body, key=signer_of(who), sponsor=sponsor)
        return self.wash.submit(signed).tx_id

    def listed(self) -> Any:
        return self.wash.rpc("outbox_list")

    def states(self) -> dict[str, str]:
        return {one["tx_id"]: one["state"] for one in self.listed()["items"]}

    def until(self, holds: Any, *, is_ticking: bool = False) -> None:
        """Wait for something; `is_ticking`: blocks are made for whatever waits."""
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, self.listed()
            if is_ticking:
                self.net.let_go_on()
                self.at(self.net.clock_ms)
            time.sleep(PAUSE_S)


@pytest.fixture
def counter(steady: JourneyNet) -> Iterator[Counter]:
    folder = steady.net[NODE].folder
    KeyStore(folder / "keys").add("counter", seed_of(SHOP), None)
    with _changed(folder / "config.toml", 'sponsor = "shop"', 'sponsor = "counter"'):
        open_shops(steady, SHOP)
        with steady.switched_on(NODE):
            made = Counter(steady)
            yield made
            made.heal()


@contextmanager
def _changed(path: Any, before: str, after: str) -> Iterator[None]:
    text = path.read_text("utf-8")
    path.write_text(text.replace(before, after), "utf-8")
    try:
        yield
    finally:
        path.write_text(text, "utf-8")


def moves(net: JourneyNet, booking: str) -> list[str]:
    return [one["state"] for one in net.seen("booking.Moved", id=booking)]


class Sent(NamedTuple):
    """What was signed at the counter: bookings, and ids of transactions."""

    first: str
    second: str
    checked: list[str]
    steps: list[str]
    booked: str


def work(counter: Counter, slot: int, first: str, second: str) -> Sent:
    """Let two cars be handed over, one be worked on, and somebody book for tomorrow."""
    counter.at(slot)
    checked = [
        counter.send(who, calling("booking.check_in", id=booking), attest=True)
        for who, booking in ((ONE, first), (TWO, second))
    ]
    names = ("start_service", "ready")
    steps = [counter.send(SHOP, calling(f"booking.{name}", id=first)) for name in names]
    booked = counter.send(THREE, requesting(SHOP, slot + DAY_MS))
    return Sent(first, second, checked, steps, booked)


def sign_again(counter: Counter, slot: int, booked: str) -> str:
    """Let a customer sign an expired booking again, twice; returns what was taken."""
    key, account = signer_of(THREE), account_of(THREE)
    body = counter.wash.build([requesting(SHOP, slot + DAY_MS)], account=account, key=key)
    data = counter.wash.sign(body, key=key).data.hex()
    taken = counter.wash.rpc("outbox_renew", tx_id=booked, tx=data)
    with pytest.raises(WashRpcError):
        counter.wash.rpc("outbox_renew", tx_id=booked, tx=data)
    return str(taken["tx_id"])


def test_three_hours_without_a_line_lose_nothing_and_do_nothing_twice(
    steady: JourneyNet, counter: Counter
) -> None:
    net = steady
    slot = net.now + 2 * HOUR_MS
    bookings = [book(net, who, SHOP, slot) for who in (ONE, TWO)]
    net.until(slot - HOUR_MS)
    counter.cut()
    sent = work(counter, slot, *bookings)
    counter.lose_power()
    still = list(counter.states().values())

    # Elsewhere the visits are taken for missed meanwhile; by the shop's clock its steps are over.
    net.until(slot + OUTAGE_MS)
    missed = [moves(net, one)[-1] for one in bookings]
    counter.at(slot + OUTAGE_MS)
    unproven = set(counter.states().values())
    warned = {one["code"] for one in counter.wash.rpc("node_health")["warnings"]}

    # The line is back, and as all of it begins to flow, the power goes again.
    counter.heal()
    counter.until(lambda: counter.states().get(sent.booked) == "expired", is_ticking=True)
    counter.lose_power()
    counter.at(net.clock_ms)
    counter.until(lambda: set(counter.states()) == {sent.booked}, is_ticking=True)
    renewed = [counter.wash.rpc("tx_get", tx_id=one) for one in sent.steps]
    listed = [(one["state"], one["renewed_here"]) for one in counter.listed()["items"]]
    again = sign_again(counter, slot, sent.booked)
    counter.until(lambda: not counter.states(), is_ticking=True)

    assert (still, missed) == (["waiting"] * 5, ["NO_SHOW_DUE"] * 2)
    assert (unproven, "UNSENT" in warned) == ({"waiting"}, True)
    assert [(one["status"], "renewed_as" in one) for one in renewed] == [("expired", True)] * 2
    assert listed == [("expired", False)]  # it moves money, and waits for who has the key
    assert [net.wash.wait(one).ok for one in (*sent.checked, again)] == [True] * 3
    assert moves(net, sent.first)[1:] == ["NO_SHOW_DUE", "CHECKED_IN", "IN_SERVICE", "READY"]
    assert moves(net, sent.second)[1:] == ["NO_SHOW_DUE", "CHECKED_IN"]
    assert len(net.seen("booking.Requested", shop=acct(SHOP))) == len(COUNTER) - 1
    assert net.read("booking.booking", id=sent.first)["co_signed"] is True
