"""Random lives of records and cars: nothing is lost or changed, and everything ends."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, rule

from chain.handles import commitment, handle, mark, next_place
from chain.types import DAY_MS, HOUR_MS
from node.workbench import CallFailed
from tests.contracts.standard.visits import NOTHING, new_world, number

CUSTOMERS = ("alice", "bob")
CAR = number(1_000)
EXPECTED = {
    "not_with_shop", "known_record", "out_of_order", "finished", "not_finished", "attached",
    "not_attached", "not_checked_in", "not_customer", "not_shop", "not_staff", "not_co_signed",
    "too_many", "too_late", "other_customer", "nothing_to_approve", "no_entry", "handle_used",
    "not_owner", "not_offered", "not_shop_or_customer", "bad_owner",
}  # fmt: skip
records = Bundle("records")
SOME = st.sampled_from(["alice", "bob", "sparkle", "rival", "stranger"])


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = new_world("records")
        self.secrets = [number(5_000)]
        self.world.call("alice", "register_vehicle", CAR, 1, commitment(self.secrets[0]), NOTHING)
        self.visits = 0
        self.made: list[bytes] = []

    def act(self, who: str, function: str, *arguments: Any, **more: Any) -> Any:
        """Call; returns what it gives, or the name of a refusal that may happen."""
        try:
            return self.world.call(who, function, *arguments, **more)
        except CallFailed as failure:
            if failure.name in EXPECTED:
                return failure
            raise

    @rule(
        target=records,
        customer=st.sampled_from(CUSTOMERS),
        where=st.sampled_from(["booking", "prepaid"]),
        stage=st.sampled_from([1, 2, 2, 2, 3]),
        checked_in=st.booleans(),
    )
    def begin(self, customer: str, where: str, stage: int, *, checked_in: bool) -> Any:
        self.visits += 1
        facts = {"customer": customer, "stage": stage, "checked_in": checked_in}
        visit = self.world.visit(number(self.visits), where=where, **facts)
        if self.act("sparkle", "start", visit, NOTHING, 1, signer="bay") is not None:
            return multiple()
        self.made.append(visit)
        return visit

    @rule(target=records, first=records)
    def redo(self, first: bytes) -> Any:
        made = self.act("sparkle", "start_redo", first, 1, signer="bay")
        if isinstance(made, CallFailed):
            return multiple()
        self.made.append(made)
        return made

    @rule(record=records, skip=st.sampled_from([0, 0, 0, 1]), key=st.sampled_from(["bay", "x"]),
          what=st.sampled_from(["step", "material", "extra", "photo", "finish"]))  # fmt: skip
    def write(self, record: bytes, skip: int, key: str, what: str) -> None:
        arguments: dict[str, tuple[Any, ...]] = {
            "step": (1,), "material": ("WAX", "B", 1, 1), "extra": (1, 5, NOTHING),
            "photo": (number(9),), "finish": (1, NOTHING),
        }  # fmt: skip
        place = self.world.view("record", record)["entries"] + 1 + skip
        self.act("sparkle", what, record, place, *arguments[what], signer=key)

    @rule(record=records, who=SOME, entry=st.integers(0, 4))
    def correct(self, record: bytes, who: str, entry: int) -> None:
        self.act(who, "correct", record, entry, 1, 0, 0, "", NOTHING, signer="bay")

    @rule(record=records, who=st.sampled_from(CUSTOMERS), place=st.integers(1, 4))
    def approve(self, record: bytes, who: str, place: int) -> None:
        self.act(who, "approve_extra", record, place)

    @rule(record=records, who=st.sampled_from(CUSTOMERS), honest=st.booleans())
    def attach(self, record: bytes, who: str, *, honest: bool) -> None:
        secret = self.secrets[-1]
        place = next_place(secret, self._is_used) if honest else 0
        self.act(who, "attach", record, handle(secret, place), mark(secret, place, record))

    @rule(record=records, who=SOME, beside=st.sampled_from(["sparkle", "rival", None]))
    def detach(self, record: bytes, who: str, beside: str | None) -> None:
        self.act(who, "detach", record, NOTHING, sponsor=beside)

    @rule(who=st.sampled_from(CUSTOMERS), what=st.sampled_from(["rotate", "accept_vehicle"]))
    def change_secret(self, who: str, what: str) -> None:
        place = next_place(self.secrets[-1], self._is_used)
        new = number(5_000 + len(self.secrets))
        at = handle(self.secrets[-1], place)
        if self.act(who, what, CAR, at, commitment(new)) is None:
            self.secrets.append(new)

    @rule(who=st.sampled_from(CUSTOMERS), to=SOME, days=st.integers(1, 30))
    def offer(self, who: str, to: str, days: int) -> None:
        self.act(who, "offer_vehicle", CAR, to, self.world.now + days * DAY_MS)

    @rule(who=SOME)
    def withdraw(self, who: str) -> None:
        self.act(who, "withdraw_offer", CAR)

    @rule(wait=st.sampled_from([1, HOUR_MS, 3 * DAY_MS, 13 * DAY_MS]))
    def wait(self, wait: int) -> None:
        self.world.tick(wait)

    def _is_used(self, key: bytes) -> bool:
        try:
            self.world.view("by_handle", key)
        except CallFailed:
            return False
        return True

    def teardown(self) -> None:
        """Let all that is due happen, then read everything as anybody could."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.tick(31 * DAY_MS)
        assert (world.timers(), world.held("records")) == ([], 0)
        assert world.view("count", "sparkle") == len(self.made)
        ends = {one["record"]: one for one in world.seen("Finished")}
        assert len(ends) == len(world.seen("Finished")) == len(self.made)
        for record in self.made:
            self._check_record(record, ends[record])
        changes = [one["secrets"] for one in world.seen("SecretChanged")]
        assert changes == list(range(2, len(self.secrets) + 1))
        assert world.view("vehicle", CAR)["secrets"] == len(self.secrets)

    def _check_record(self, record: bytes, end: dict[str, Any]) -> None:
        world = self.world
        found = world.view("record", record)
        kinds = [world.view("entry", record, n)["kind"] for n in range(1, found["entries"] + 1)]
        told = ("Started", "StepDone", "MaterialUsed", "ExtraNoted", "PhotoTaken")
        events = [e for name in told for e in world.seen(name) if e["record"] == record]
        assert kinds[0] == "START"
        assert kinds.count("FINISH") == (found["result"] != "LEFT_OPEN")
        assert (end["entries"], end["result"]) == (found["entries"], found["result"])
        assert len(events) == len(kinds) - kinds.count("FINISH")
        corrections = [e["number"] for e in world.seen("Corrected") if e["record"] == record]
        assert corrections == list(range(1, found["corrections"] + 1))
        attached = [e["handle"] for e in world.seen("Attached") if e["record"] == record]
        detached = [e["handle"] for e in world.seen("Detached") if e["record"] == record]
        assert attached[: len(detached)] == detached
        now = attached[len(detached) :]
        assert now == ([] if found["handle"] == NOTHING else [found["handle"]])
        for key in attached:
            row = world.view("by_handle", key)
            assert (row["record"], row["detached_at"] > 0) == (record, key in detached)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
