"""Random lives of cards: whatever people do, money is conserved and every pot ends."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule

from chain.ids import encode_id
from chain.types import DAY_MS, HOUR_MS
from node.workbench import CallFailed
from tests.contracts.standard.prepaid_setting import POLISH, WASH, new_world

NOBODY = encode_id("crd", bytes(32))
HOLDERS, SHOPS = ("alice", "bob", "carol"), ("shop", "rival")
PEOPLE = (*HOLDERS, *SHOPS)
# What may go wrong with well-formed calls; anything else is a fault of the contract.
EXPECTED = {
    "not_on_sale", "shop_closed", "above_limit", "not_holder", "shop_must_sign", "wrong_state",
    "shop_warned", "not_transferable", "not_named", "bad_time", "not_open", "no_slot", "card_over",
    "wrong_amount", "in_use", "used_up", "key_is_kept", "insufficient_funds", "missing",
}  # fmt: skip
STEPS = ("start_use", "finish_use", "confirm_use", "withdraw_use", "claim_redo", "answer_claim")
TIMES = st.one_of(st.integers(1, 30 * HOUR_MS), st.integers(1, 12 * DAY_MS))


class Lives(RuleBasedStateMachine):
    """Three holders and two shops; the world itself raises what goes wrong in a timer."""

    cards: Bundle[str] = Bundle("cards")
    uses: Bundle[str] = Bundle("uses")

    @initialize(
        target=cards, cover=st.sampled_from([10_000, 8_000, 6_000]),
        kinds=st.lists(st.integers(0, 7), min_size=1, max_size=3),
    )  # fmt: skip
    def begin(self, cover: int, kinds: list[int]) -> Any:
        world = self.world = new_world()
        world.give_role("arbiter", "arbiter")
        world.call("operator", "shops.keep", "carol", "shop")
        self.made: list[str] = []
        self.offers = [
            offer
            for shop in SHOPS
            for offer in (
                world.washes(7, 10_000, shop=shop),
                world.publish("VALUE", 30_001, bonus=9_999, number=2, shop=shop),
                world.publish("PERIOD", 9_000, world.line(WASH, 31, 9_000), number=3, shop=shop),
                world.publish(
                    "PACKAGE", 25_001, world.line(WASH, 3, 10_001), world.line(POLISH, 2, 15_000),
                    number=4, shop=shop, settle_after="48h",
                ),
            )
        ]  # fmt: skip
        world.lower_cover("rival", cover)
        return multiple(*[self.buy_one("alice", number) for number in kinds])

    def call(self, who: str, function: str, *arguments: Any, **more: Any) -> Any:
        """Call an action; returns what it gives, None if it is refused as it may be."""
        try:
            return self.world.call(who, f"prepaid.{function}", *arguments, **more)
        except CallFailed as failure:
            if failure.name not in EXPECTED:
                raise
            return None

    @rule(target=cards, who=st.sampled_from(HOLDERS), number=st.integers(0, 7))
    def buy(self, who: str, number: int) -> Any:
        return self.buy_one(who, number)

    def buy_one(self, who: str, number: int) -> Any:
        price = self.world.view("prepaid.offer", self.offers[number])["price"]
        card = self.call(who, "buy", self.offers[number], funds=price)
        if card is None:
            return multiple()
        self.made.append(card)
        return card

    @rule(
        target=uses, card=cards, line=st.sampled_from([0, 0, 0, 1, 255]), both=st.booleans(),
        amount=st.sampled_from([1, 3_333, 20_000]), upto=st.integers(0, 4), often=st.integers(1, 3),
    )  # fmt: skip
    def use(self, card: str, line: int, amount: int, upto: int, often: int, *, both: bool) -> Any:
        """Ask for a service, once or more, and bring it on by the steps that it is there for."""
        c = self.world.card(card)
        asked = (card, line, amount if line == 255 else 0)
        last = None
        for _ in range(often):
            use = self.call(c["holder"], "begin_use", *asked, sponsor=c["shop"] if both else None)
            if use is not None:
                self.serve(use, upto)
                last = use
        return multiple() if last is None else last

    def serve(self, use: str, upto: int) -> None:
        u = self.world.view("prepaid.use", use)
        steps = (
            (u["shop"], "start_use"), (u["shop"], "finish_use"), (u["holder"], "confirm_use"),
            (u["holder"], "claim_redo"),
        )  # fmt: skip
        for who, step in steps if upto < 4 else (*steps[:2], steps[3]):
            if upto == 0:
                break
            self.call(who, step, use)
            upto -= 1 if upto < 4 else 0

    @rule(target=uses, card=cards, line=st.integers(0, 1))
    def claim_use(self, card: str, line: int) -> Any:
        use = self.call(self.world.card(card)["shop"], "claim_use", card, line, 0)
        return multiple() if use is None else use

    @rule(use=uses, step=st.sampled_from(STEPS), yes=st.booleans())
    def step(self, use: str, step: str, *, yes: bool) -> None:
        u = self.world.view("prepaid.use", use)
        who = u["shop"] if step in {"start_use", "finish_use", "answer_claim"} else u["holder"]
        self.call(who, step, use, *([yes] if step == "answer_claim" else []))

    @rule(use=uses, back=st.sampled_from([0, 3_333, 10_000]))
    def judge(self, use: str, back: int) -> None:
        self.call("arbiter", "rule_use", use, back)

    @rule(card=cards)
    def leave(self, card: str) -> None:
        self.call(self.world.card(card)["holder"], "ask_refund", card)

    @rule(card=cards, to=st.sampled_from(PEOPLE))
    def hand_on(self, card: str, to: str) -> None:
        self.call(self.world.card(card)["holder"], "offer_transfer", card, to)
        self.call(to, "accept_transfer", card)

    @rule(card=cards, days=st.integers(1, 14), takes=st.booleans())
    def offer_slot(self, card: str, days: int, *, takes: bool) -> None:
        c = self.world.card(card)
        self.call(c["shop"], "offer_slot", card, self.world.now + days * DAY_MS)
        if takes:
            self.call(c["holder"], "take_slot", card)

    @rule(card=cards)
    def extend(self, card: str) -> None:
        self.call(self.world.card(card)["holder"], "extend_card", card)

    @rule(shop=st.sampled_from(SHOPS), how=st.sampled_from(["admitted", "admitted", "warned"]))
    def stand(self, shop: str, how: str) -> None:
        self.world.stand(how, shop)

    @rule(shop=st.sampled_from(SHOPS), who=st.sampled_from(HOLDERS), days=st.sampled_from([0, 22]))
    def fall_silent(self, shop: str, who: str, days: int) -> None:
        self.world.call("teller", "teller.tell", shop, who)
        self.world.tick("1s")
        self.world.call("operator", "shops.set_clock", shop, who, 21)
        self.world.tick(days * DAY_MS)

    @rule(shop=st.sampled_from(SHOPS))
    def move(self, shop: str) -> None:
        self.call(shop, "announce_move")

    @rule(wait=TIMES)
    def wait(self, wait: int) -> None:
        self.world.tick(wait)
        self.check()

    @rule(wait=TIMES)
    def halt(self, wait: int) -> None:
        self.world.halt(wait)

    def check(self) -> None:
        """Check that every shop's totals are those of its cards."""
        world = self.world
        for shop in SHOPS:
            mine = [one for one in self.made if world.card(one)["shop"] == shop]
            cover = world.view("prepaid.cover", shop)
            assert cover["liability"] == sum(world.card(one)["owed"] for one in mine)
            assert cover["held"] == sum(world.held_for(one) for one in mine)
            standing = [one for one in mine if world.card(one)["status"] == "OPEN"]
            assert cover["cards"] == len(standing)
            assert self.listed(shop) == set(standing)
            assert cover["claims"] == 0 or cover["cover_bp"] < 10_000
        assert sum(world.balance(one, "CNY") for one in PEOPLE) + world.held("prepaid") == (
            len(PEOPLE) * world.funds
        )

    def listed(self, shop: str) -> set[str]:
        """Return the cards of a shop's list."""
        found: list[str] = []
        after: Any = bytes(32)
        while True:
            after = self.world.view("prepaid.next_card", shop, bytes(32), after)
            if after == NOBODY:
                return set(found)
            assert after not in found
            found.append(after)

    def teardown(self) -> None:
        """Let a shop close and years pass: no money stays behind and nothing waits."""
        if not hasattr(self, "world"):
            return
        self.check()
        world = self.world
        world.stand("closed", "shop")
        world.tick("30d")
        assert world.view("prepaid.cover", "shop")["cards"] == 0
        world.stand("closed", "rival")
        world.tick("3700d")
        self.check()
        assert world.held("prepaid") == 0
        assert {world.card(one)["status"] for one in self.made} <= {"OVER"}
        assert world.timers() == []


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
