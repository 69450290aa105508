"""A random life of the consent contract, held against a model in plain Python."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.types import DAY_MS, HOUR_MS
from node.workbench import CallFailed, World
from tests.contracts.standard.consent_setting import ANY, KEYS, new_world

KINDS = ("CONTACT", "VEHICLE", "PHOTOS", "NOTES", "FEEDBACK", "PREFERENCES")
PURPOSES = ("SERVICE", "HISTORY", "CLAIM", "OFFERS", "HANDOVER")
PEOPLE = ("alice", "bob", "shop", "rival")
AUTHOR_MS, ANSWER_MS = 90 * DAY_MS, 7 * DAY_MS

REFUSALS = {
    "own", "bad_kind", "not_yours", "gone", "wrong_state", "too_many", "too_early", "not_holder",
    "missing",
}  # fmt: skip
Step = tuple[str, str, str, int, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ("register", "grant", "revoke", "revoke_all", "stop", "erase", "erased", "ask", "wait")
        ),
        st.sampled_from(PEOPLE),
        st.sampled_from(PEOPLE),
        st.integers(0, 63),
        st.integers(0, 4),
        st.integers(0, 40),
    ),
    max_size=40,
)


@dataclass
class Model:
    """What should be so: grants by (owner, reader, blob or None, purpose), blobs by id."""

    grants: dict[tuple[str, str, str | None, str], tuple[int, int]] = field(default_factory=dict)
    blobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)

    def may_read(self, reader: str, blob: str, purpose: str, now: int) -> bool:
        found = self.blobs[blob]
        owner = found["owner"]
        if found["erased"] is not None:
            return False
        if reader == owner:
            return True
        if reader == found["author"] and purpose == "SERVICE" and now < found["author_until"]:
            return True
        kinds, until = self.grants.get((owner, reader, None, purpose), (0, 0))
        if now < until and kinds >> KINDS.index(found["kind"]) & 1:
            return True
        return now < self.grants.get((owner, reader, blob, purpose), (0, 0))[1]

    def rotate(self, owner: str) -> None:
        self.epochs[owner] = self.epochs.get(owner, 0) + 1


class Wish(NamedTuple):
    """One step: what somebody tries to do to whom."""

    who: str
    whom: str
    kinds: int
    purpose: str
    blob: str | None
    number: int

    @property
    def scope(self) -> str | None:
        """A blob, or None for kinds."""
        return self.blob if self.number % 2 else None


class Life:
    """The contract and the model, step by step."""

    def __init__(self) -> None:
        self.world, self.model = new_world(), Model()

    def step(self, step: Step) -> None:
        what, who, whom, kinds, purpose, number = step
        blobs = list(self.model.blobs)
        blob = blobs[number % len(blobs)] if blobs else None
        try:
            getattr(self, what)(Wish(who, whom, kinds, PURPOSES[purpose], blob, number))
        except CallFailed as refusal:
            assert refusal.name in REFUSALS, refusal.name  # noqa: PT017

    def register(self, wish: Wish) -> None:
        kind, owner, now = KINDS[wish.kinds % 6], wish.whom, self.world.now
        content = bytes([wish.number, len(self.model.blobs)]) * 16
        epoch = self.model.epochs.get(owner, 0)
        entry = (owner, content, 9, kind, epoch, KEYS, "shop")
        blob = self.world.call(wish.who, "register", *entry, sponsor="shop")
        self.model.blobs[blob] = {
            "owner": owner, "author": wish.who, "kind": kind, "erased": None,
            "author_until": now + AUTHOR_MS, "confirmed": False,
        }  # fmt: skip

    def grant(self, wish: Wish) -> None:
        until = self.world.now + (wish.number + 1) * DAY_MS
        mask = wish.kinds if wish.scope is None else 0
        terms = (wish.whom, wish.scope or ANY, mask, wish.purpose, 0, until, KEYS)
        self.world.call(wish.who, "grant", *terms)
        self.model.grants[wish.who, wish.whom, wish.scope, wish.purpose] = (mask, until)

    def revoke(self, wish: Wish) -> None:
        about = (wish.who, wish.whom, wish.scope or ANY, wish.purpose)
        self.world.call(wish.who, "revoke", self.world.view("consent_id", *about))
        self.model.grants.pop((wish.who, wish.whom, wish.scope, wish.purpose), None)
        self.model.rotate(wish.who)

    def revoke_all(self, wish: Wish) -> None:
        self.world.call(wish.who, "revoke_all")
        for one in [one for one in self.model.grants if one[0] == wish.who]:
            del self.model.grants[one]
        self.model.rotate(wish.who)

    def stop(self, wish: Wish) -> None:
        self.world.call(wish.who, "stop_author", wish.blob or ANY)
        self.model.blobs[wish.blob or ""]["author_until"] = self.world.now
        self.model.rotate(wish.who)

    def erase(self, wish: Wish) -> None:
        self.world.call(wish.who, "erase", wish.blob or ANY)
        self.model.blobs[wish.blob or ""]["erased"] = self.world.now

    def erased(self, wish: Wish) -> None:
        self.world.call(wish.who, "erased", wish.blob or ANY)
        self.model.blobs[wish.blob or ""]["confirmed"] = True

    def ask(self, wish: Wish) -> None:
        until = self.world.now + ANSWER_MS + (wish.number + 1) * HOUR_MS
        self.world.call(wish.who, "request", wish.whom, ANY, wish.kinds, wish.purpose, until)

    def wait(self, wish: Wish) -> None:
        self.world.tick(wish.number * DAY_MS // 2)

    def check(self) -> None:
        world, model = self.world, self.model
        for blob in model.blobs:
            for reader in PEOPLE:
                for purpose in PURPOSES:
                    expected = model.may_read(reader, blob, purpose, world.now)
                    assert world.view("may_read", reader, blob, purpose) is expected
        for owner in PEOPLE:
            assert world.view("epoch", owner) == model.epochs.get(owner, 0)

    def finish(self) -> None:
        """Let every deadline pass: nothing may be left open."""
        world: World = self.world
        world.tick("8d")
        for blob, found in self.model.blobs.items():
            state = world.view("blob", blob)["state"]
            if found["erased"] is None:
                assert state == "KEPT"
            else:
                assert state == ("ERASED" if found["confirmed"] else "OVERDUE")
        assert world.timers() == []
        assert [world.view("questions", owner) for owner in PEOPLE] == [b""] * len(PEOPLE)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_the_contract_lets_read_exactly_whom_its_rules_say(steps: list[Step]) -> None:
    life = Life()

    for step in steps:
        life.step(step)
    life.check()

    life.finish()
