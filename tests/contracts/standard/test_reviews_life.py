"""Random lives of reviews: figures are those of the events, nothing waits for ever."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, rule

from chain.types import DAY_MS, HOUR_MS
from node.workbench import CallFailed
from tests.contracts.standard.visits import NOTHING, new_world, number

CUSTOMERS = ("alice", "bob", "kept", "sparkle")
SHOPS = ("sparkle", "rival")
SCORES = ("clean", "on_time", "staff", "value")
EVENTS = ("Reviewed", "Edited", "Replied", "TextErased", "TextJudged")
EXPECTED = {
    "not_paid", "not_customer", "already_reviewed", "already_edited", "too_late", "not_shop",
    "no_text", "not_operator", "already_voted", "nothing_to_decide", "bad_votes", "closed",
    "not_receiver", "not_sender", "bad_receiver", "kept_account", "already_answered", "no_review",
}  # fmt: skip
visits, messages = Bundle("visits"), Bundle("messages")
WHO = st.sampled_from(["alice", "bob", "kept", "sparkle", "rival", "olga", "oscar", "operator"])
SCORED = st.fixed_dictionaries({name: st.integers(1, 5) for name in SCORES})


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = new_world("reviews", (2,))
        for name in ("olga", "oscar"):
            self.world.give_role(name, "operator")
        self.world.call("kept", "shops.keep_account", "rival", sponsor="rival")
        self.visits: list[bytes] = []

    def act(self, who: str, function: str, *arguments: Any) -> Any:
        """Call; returns what it gives, or a refusal that may happen."""
        try:
            return self.world.call(who, function, *arguments)
        except CallFailed as failure:
            if failure.name in EXPECTED:
                return failure
            raise

    @rule(
        target=visits,
        customer=st.sampled_from(CUSTOMERS),
        shop=st.sampled_from(SHOPS),
        stage=st.sampled_from([2, 3, 3, 3, 4]),
    )
    def visit(self, customer: str, shop: str, stage: int) -> bytes:
        self.visits.append(number(len(self.visits) + 1))
        facts: dict[str, Any] = {"customer": customer, "shop": shop, "stage": stage, "paid": 1}
        return self.world.visit(self.visits[-1], over_at=self.world.now, **facts)

    @rule(visit=visits, who=st.sampled_from(CUSTOMERS), scores=SCORED)
    def review(self, visit: bytes, who: str, scores: dict[str, int]) -> None:
        self.act(who, "review", visit, scores, 0, number(7))

    @rule(visit=visits, who=WHO, scores=SCORED)
    def edit(self, visit: bytes, who: str, scores: dict[str, int]) -> None:
        self.act(who, "edit", visit, scores, 0, NOTHING)

    @rule(visit=visits, who=WHO, what=st.sampled_from(["reply", "erase_text"]))
    def answer(self, visit: bytes, who: str, what: str) -> None:
        self.act(who, what, visit, *((number(8),) if what == "reply" else ()))

    @rule(visit=visits, who=WHO, reason=st.integers(0, 2))
    def judge(self, visit: bytes, who: str, reason: int) -> None:
        self.act(who, "judge_text", visit, reason)

    @rule(who=WHO, votes=st.integers(1, 3))
    def set_votes(self, who: str, votes: int) -> None:
        self.act(who, "set_hide_votes", votes)

    @rule(visit=visits, who=st.sampled_from(CUSTOMERS), answer=st.integers(1, 5))
    def survey(self, visit: bytes, who: str, answer: int) -> None:
        self.act(who, "answer_survey", visit, answer)

    @rule(target=messages, who=WHO, receiver=WHO)
    def send(self, who: str, receiver: str) -> Any:
        sent = self.act(who, "post_feedback", receiver, number(9))
        return multiple() if isinstance(sent, CallFailed) else sent

    @rule(message=messages, who=WHO, closes=st.booleans())
    def go_on(self, message: str, who: str, *, closes: bool) -> None:
        if closes:
            self.act(who, "close_feedback", message)
        else:
            self.act(who, "answer_feedback", message, number(9))

    @rule(wait=st.sampled_from([1, HOUR_MS, 3 * DAY_MS, 20 * DAY_MS]))
    def wait(self, wait: int) -> None:
        self.world.tick(wait)

    def teardown(self) -> None:
        """Let all that is due happen, then reckon every figure anew from the events."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.tick(91 * DAY_MS)
        assert (world.timers(), world.held("reviews")) == ([], 0)
        for message in world.seen("FeedbackSent"):
            assert world.view("feedback", message["id"])["stage"] == "CLOSED"
        for shop in SHOPS:
            self._check(shop)

    def _check(self, shop: str) -> None:
        world = self.world
        told = [one for name in EVENTS for one in world.seen(name) if one["shop"] == shop]
        reviews = {one["visit"]: one for one in world.seen("Reviewed") if one["shop"] == shop}
        edited = {one["visit"]: one for one in world.seen("Edited") if one["shop"] == shop}
        counting = [visit for visit, one in reviews.items() if one["counted"]]
        final = {visit: edited.get(visit, one) for visit, one in reviews.items()}
        assert world.view("sums", shop) == {
            "reviews": len(reviews), "counted": len(counting), "events": len(told),
            **{name: sum(final[visit][name] for visit in counting) for name in SCORES},
        }  # fmt: skip
        assert sorted(one["event"] for one in told) == list(range(1, len(told) + 1))
        assert [one["number"] for one in reviews.values()] == list(range(1, len(reviews) + 1))
        assert world.view("reviews_of", shop, 1) == b"".join(reviews)
        for visit, one in reviews.items():
            kept = world.view("review_of", visit)
            assert kept["scores"] == {name: final[visit][name] for name in SCORES}
            assert one["counted"] == (kept["customer"] not in {"kept", shop})


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
