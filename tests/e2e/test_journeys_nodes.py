"""Long ways of the network: a power cut, a night with all shops off, a validator replaced."""

import asyncio
from collections.abc import Iterator
from random import Random
from threading import Timer
from typing import Any

import pytest

from chain.ids import encode_id
from node.devnet.plan import node_signer
from node.devnet.processes import ask
from tests.e2e.conftest import NIGHT_SHOPS
from tests.e2e.journey_net import DAY_MS, HOUR_MS, MINUTE_MS, Actions, JourneyNet, acct, calling
from tests.e2e.journey_town import (
    WASH_PRICE,
    change,
    make_shops,
    requesting,
    said,
    selling_card,
    sentences,
)
from tests.netted import all_up, peers_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
AT_ONCE = 8  # calls in one transaction
CARD_PRICE, UNIT = 40_000, 4_000
STRANGER_WAITS_S = 1.0  # in which a node that may follow would have caught up
KILL_WITHIN_S = 0.08  # some blocks


def paying(to: str, amount: int) -> dict[str, Any]:
    """Return the action that pays somebody."""
    return {"type": "transfer", "asset": "CNY", "to": acct(to), "amount": amount}


# A power cut --------------------------------------------------------------------------------------


def test_a_shops_computer_that_loses_power_within_a_block_has_the_same_books_afterwards(
    journeys: JourneyNet,
) -> None:
    net, random = journeys, Random(4)
    people = ("customer22", "customer23", "customer24")
    before = [net.balance(one) for one in people]
    sent: list[str] = []
    roots: list[set[str]] = []

    with net.switched_on("shop1"):
        for number in range(3):
            # What its owner's phone has just handed it must not get lost either.
            sent.append(net.send("customer24", [paying("customer23", 1)], via="shop1"))
            net.up.remove("shop1")
            cut_in_s = random.uniform(0, KILL_WITHIN_S) if number else 0
            cut = Timer(cut_in_s, net.net.kill, ["shop1"])
            cut.start()
            for _ in range(4):
                net.do("customer22", [paying("customer23", 10)])
            cut.join()
            net.start("shop1")
            roots.append(net.roots())
        at_shop = [net.at_node("shop1").wait(one) for one in sent]
        elsewhere = [net.wash.wait(one) for one in sent]
        books = [net.at_node("shop1").balance(acct(one)) for one in people]

    assert [len(one) for one in roots] == [1, 1, 1]
    assert at_shop == elsewhere
    assert change(before, books) == [-120, 123, -3]


# A night ------------------------------------------------------------------------------------------


def in_parts(actions: Actions) -> Iterator[Actions]:
    """Yield actions in as many as one transaction may have."""
    for at in range(0, len(actions), AT_ONCE):
        yield actions[at : at + AT_ONCE]


def all_of(net: JourneyNet, who: str, actions: Actions, event: str, name: str) -> list[str]:
    """Let somebody do a lot; returns the ids that the events of it name."""
    done = net.together(*[(who, part) for part in in_parts(actions)])
    found = [one["values"] for final in done for one in final.events if one["type"] == event]
    return [one[name] for one in found]


def stepping(function: str, ids: list[str], name: str = "id", **arguments: Any) -> Actions:
    """Return a call of the same function for each id, which its argument `name` takes."""
    named: list[dict[str, Any]] = [{name: one} for one in ids]
    return [calling(function, **one, **arguments) for one in named]


class Night:
    """A hundred shops, and what of theirs falls due in one night, a quarter of them each."""

    def __init__(self, net: JourneyNet) -> None:
        self.net = net
        self.missed, self.served = NIGHT_SHOPS[:25], NIGHT_SHOPS[25:50]
        self.cooling, self.silent = NIGHT_SHOPS[50:75], NIGHT_SHOPS[75:]
        self.midnight = (net.now // DAY_MS + 9) * DAY_MS  # between the evening and the night
        self.day = self.midnight - DAY_MS
        self.cards: list[str] = []

    def prepare(self) -> None:
        """Let customers book, buy and be served, so that all ends in the night."""
        net = self.net
        make_shops(net, *NIGHT_SHOPS)
        sellers = (*self.cooling, *self.silent)
        sold = net.together(*[(one, [selling_card(10, CARD_PRICE)]) for one in sellers])
        offers = [one.event("prepaid.OfferPublished")["offer"] for one in sold]
        buying = [calling("prepaid.buy", funds=CARD_PRICE, offer=one) for one in offers]
        net.at(self.midnight - 7 * DAY_MS + HOUR_MS)  # so cooling-off ends an hour after midnight
        new = all_of(net, "customer15", buying[:25], "prepaid.Sold", "card")
        old = all_of(net, "customer16", buying[25:], "prepaid.Sold", "card")
        self.cards = [*new, *old]
        self._use(new)
        self._serve(self.day + 2 * HOUR_MS)
        self._miss(self.day + 4 * HOUR_MS)
        net.at(self.day + 5 * HOUR_MS)
        asking = stepping("prepaid.begin_use", old, name="card", line=0, amount=0)
        all_of(net, "customer16", asking, "prepaid.UseMoved", "use")

    def leave(self) -> None:
        """Let all holders give their cards back."""
        for who, cards in (("customer15", self.cards[:25]), ("customer16", self.cards[25:])):
            giving = stepping("prepaid.ask_refund", cards, name="card")
            all_of(self.net, who, giving, "prepaid.Refunded", "card")

    def _use(self, cards: list[str]) -> None:
        net = self.net
        asking = stepping("prepaid.begin_use", cards, name="card", line=0, amount=0)
        uses = all_of(net, "customer15", asking, "prepaid.UseMoved", "use")
        at = {net.read("prepaid.use", use=one)["shop"]: one for one in uses}
        net.together(
            *[
                (one, [calling(f"prepaid.{step}", use=at[acct(one)])])
                for one in self.cooling
                for step in ("start_use", "finish_use")
            ]
        )
        confirming = stepping("prepaid.confirm_use", uses, name="use")
        all_of(net, "customer15", confirming, "prepaid.UseOver", "use")

    def _serve(self, ready_at: int) -> None:
        net = self.net
        net.at(ready_at - HOUR_MS)
        asking = [requesting(one, ready_at - MINUTE_MS) for one in self.served]
        bookings = all_of(net, "customer23", asking, "booking.Requested", "id")
        net.at(ready_at - MINUTE_MS)
        all_of(net, "customer23", stepping("booking.check_in", bookings), "booking.Moved", "id")
        at = {net.read("booking.booking", id=one)["shop"]: one for one in bookings}
        net.together(
            *[(one, stepping("booking.start_service", [at[acct(one)]])) for one in self.served]
        )
        net.at(ready_at)
        net.together(*[(one, stepping("booking.ready", [at[acct(one)]])) for one in self.served])

    def _miss(self, slot: int) -> None:
        net = self.net
        net.at(slot - HOUR_MS)
        net.together(*[(one, [calling("shops.open_shop")]) for one in self.missed])
        asking = [requesting(one, slot) for one in self.missed]
        all_of(net, "customer22", asking, "booking.Requested", "id")


def test_while_all_shops_are_off_at_night_everything_due_happens_and_they_catch_up_in_the_morning(
    journeys: JourneyNet,
) -> None:
    net = journeys
    customers = ("customer22", "customer23", "customer15", "customer16")
    night = Night(net)
    with net.switched_on("shop1", "shop2"):
        night.prepare()
        net.until(night.midnight - HOUR_MS)
    last_sent = net.height
    before = [net.balance(one) for one in (*NIGHT_SHOPS, *customers)]

    net.until(night.midnight + 8 * HOUR_MS)
    after = [net.balance(one) for one in (*NIGHT_SHOPS, *customers)]
    sent = net.sent_since(last_sent)
    with net.switched_on("shop1", "shop2"):
        roots = net.roots()
    night.leave()
    left = [net.balance(one) for one in customers]

    earned = [2_040] * 25 + [WASH_PRICE] * 25 + [UNIT] * 25 + [0] * 25
    assert change(before, after) == [*earned, 25 * 4_760, 0, 0, 0]
    assert change(before[100:], left) == [25 * 4_760, 0, 25 * (CARD_PRICE - UNIT), 25 * CARD_PRICE]
    assert sent == 0
    assert len(roots) == 1
    lapsed = [
        one for one in net.seen("prepaid.UseOver", state="LAPSED") if one["shop"] in night.silent
    ]
    assert len(lapsed) == 25


# Another validator --------------------------------------------------------------------------------


def decide(net: JourneyNet, change: dict[str, Any]) -> str:
    """Let the operators propose and decide a change together; returns the proposal's sending."""
    done = net.do("operator", [{"type": "propose", "change": change}])
    proposal = done.event("chain.proposed")["proposal"]
    vote = [{"type": "vote", "proposal": proposal}]
    net.together(("opal", vote), ("oscar", vote))
    return done.tx_id


def replace(net: JourneyNet, old: str, new: str) -> dict[str, Any]:
    """Vote one node in and a broken one out; returns the new one's proof that it was ready."""
    proof = net.at_node(new).rpc("admin_validator_ready")
    ready = {name: proof[name] for name in ("height", "block_id", "signature")}
    key = key_of(new)
    decide(net, {"type": "set_validator", "key": key, "power": 1, "ready": ready})
    make_blocks(net, 2)
    net.validators.append(new)
    net.kill(old)
    out = {"type": "set_validator", "key": key_of(old), "power": 0, "ready": None}
    assert sentences(net, tx_id=decide(net, out)) == said("a validator is to go")
    make_blocks(net, 2)
    net.validators.remove(old)
    return ready


def make_blocks(net: JourneyNet, count: int) -> None:
    """Let somebody pay so many times."""
    for _ in range(count):
        net.do("customer24", [paying("customer23", 1)])


def key_of(node: str) -> str:
    """Return a node's public key."""
    return node_signer(node).public_key.hex()


def health_of_stranger(net: JourneyNet, node: str) -> dict[str, Any]:
    """Start a node that the others do not count on; returns its health once it is connected."""
    net.net.start(node)

    async def health() -> dict[str, Any]:
        await all_up(net.net, node)
        await peers_up(net.net[node], 1)
        await asyncio.sleep(STRANGER_WAITS_S)
        found: dict[str, Any] = await ask(net.net[node], "node_health")
        return found

    return asyncio.run(health())


def test_a_validator_that_was_replaced_by_vote_is_refused_and_follows_only_if_it_is_let_in(
    journeys: JourneyNet,
) -> None:
    net = journeys
    net.start("shop3")  # stays on: it decides from now on

    ready = replace(net, "node4", "shop3")
    last = net.height
    alone = health_of_stranger(net, "node4")
    net.kill("node4")
    member = {"account": encode_id("acct", node_signer("node4").public_key), "role": "observer"}
    decide(net, {"type": "grant_role", **member})
    net.start("node4")
    height = net.height
    make_blocks(net, 6)
    proposers = {
        net.ask("chain_getBlock", height=one)["header"]["proposer"]
        for one in range(height + 1, net.height + 1)
    }
    own = net.at_node("node4").rpc("admin_validator_status")
    change = {"type": "set_validator", "key": key_of("node4"), "power": 1}
    for proof in (ready, None):
        with net.refuses("CANDIDATE_NOT_READY"):
            net.do("operator", [{"type": "propose", "change": {**change, "ready": proof}}])

    deciding = {key_of(one) for one in ("node1", "node2", "node3", "shop3")}
    assert alone["height"] < last
    assert {one["key"] for one in net.ask("validator_list")["items"]} == deciding
    assert proposers == deciding
    assert (own["is_validator"], len(net.roots())) == (False, 1)
