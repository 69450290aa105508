"""Random lives of a shop: its clocks, its status and its figures against a second reckoning."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chain.types import DAY_MS
from tests.contracts.standard.register import Town, make_town

HOLDERS = tuple(f"holder{n}" for n in range(14))
MASKS = (127, 31, 7, 73, 112)
FIGURES = {
    "settled": 1, "redone": 2, "cancelled_by_shop": 3, "weather": 4, "missed_by_shop": 5,
    "lapsed": 6, "missed_by_customer": 7, "ruled": 8, "cancelled_by_customer": 9, "declined": 10,
}  # fmt: skip
OUTCOMES = {
    "SETTLED": 1, "REDONE": 2, "CANCELLED_SHOP": 3, "WEATHER": 4, "NO_SHOW_SHOP": 5, "LAPSED": 6,
    "NO_SHOW_CUSTOMER": 7, "RULED": 8, "CANCELLED_CUSTOMER": 9, "DECLINED": 10,
}  # fmt: skip
KEPT_DAYS = 90


def recompute(events: list[dict[str, Any]]) -> dict[str, int]:
    """Return a shop's figures from the events about its visits."""
    counts = Counter(OUTCOMES[one["outcome"]] for one in events)
    figures = {name: counts[number] for name, number in FIGURES.items()}
    return figures | {"on_time": sum(one["on_time"] for one in events)}


@dataclass(slots=True)
class Wait:
    """A clock: the day it began, its weekdays, whether it still counts for the shop."""

    began: int
    at: int
    mask: int
    counts: bool = True
    stage: int = 0
    ends: int | None = None


@dataclass(slots=True)
class Reckoning:
    """What a shop's status should be, reckoned day by day."""

    cards: dict[str, int] = field(default_factory=dict)
    waits: dict[str, Wait] = field(default_factory=dict)
    closures: set[int] = field(default_factory=set)
    used: dict[str, int] = field(default_factory=dict)
    holders_then: int = 0
    oldest: int = 0
    by_clocks: str = "ADMITTED"
    by_operators: str = "ADMITTED"

    def days(self, wait: Wait, today: int) -> int:
        past = [day for day in range(wait.began + 1, today) if day not in self.closures]
        return min(21, 1 + sum(wait.mask >> (day + 3) % 7 & 1 for day in past))

    def counted(self) -> list[Wait]:
        return [one for one in self.waits.values() if one.counts]

    def known(self) -> int:
        return len({name for name, cards in self.cards.items() if cards} | self.waits.keys())

    def judge(self) -> None:
        level = "ADMITTED"
        late = [one.at for one in self.counted() if one.stage == 3]
        self.oldest = min([*late, self.oldest or late[0]]) if late else 0
        for stage, name in enumerate(("WARNED", "FROZEN", "CLOSED"), 1):
            silent = [one for one in self.counted() if one.stage >= stage]
            if len(silent) < 3 and (not silent or len(silent) * 10 < self.holders_then):
                break
            if stage == 3 and self._others() >= 3:
                break
            level = name
        if self.by_clocks != "CLOSED":
            self.by_clocks = level

    def _others(self) -> int:
        late = {name for name, one in self.waits.items() if one.stage == 3}
        return sum(at >= self.oldest for name, at in self.used.items() if name not in late)

    def stop(self, name: str) -> None:
        if self.waits.pop(name, None):
            self.judge()

    def pass_day(self, today: int) -> None:
        for name, wait in sorted(self.waits.items()):
            if wait.ends is not None and wait.ends <= today:
                self.stop(name)
            elif self.days(wait, today) >= 7 * (wait.stage + 1) and wait.stage < 3:
                wait.stage += 1
                wait.ends = today + KEPT_DAYS if wait.stage == 3 else None
                self.judge()

    def status(self) -> str:
        worst = {self.by_clocks, self.by_operators}
        return next(one for one in ("CLOSED", "FROZEN", "WARNED", "ADMITTED") if one in worst)


class Lives(RuleBasedStateMachine):
    """A shop with up to fourteen holders over some months."""

    @initialize(holders=st.integers(0, len(HOLDERS)))
    def begin(self, holders: int) -> None:
        self.town: Town = make_town()
        self.reckoning = Reckoning()
        for name in HOLDERS[:holders]:
            self.note_holder(name, 1)

    @property
    def today(self) -> int:
        return self.town.now // DAY_MS

    @rule(name=st.sampled_from(HOLDERS), cards=st.integers(0, 2))
    def note_holder(self, name: str, cards: int) -> None:
        self.town.tell("note_holder", "shop", name, cards)
        self.reckoning.cards[name] = cards

    @rule(names=st.sets(st.sampled_from(HOLDERS), min_size=1), mask=st.sampled_from(MASKS))
    def start_clocks(self, names: set[str], mask: int) -> None:
        known = self.reckoning
        for name in sorted(names):
            self.town.leave(name, open_days=mask)
            running = known.waits.get(name)
            if not known.cards.get(name) or (running and running.counts):
                continue
            if known.status() != "CLOSED":
                if not known.counted():
                    known.holders_then = known.known()
                known.waits[name] = Wait(self.today, self.town.now, mask)

    @rule(name=st.sampled_from(HOLDERS))
    def serve(self, name: str) -> None:
        self.town.serve(name)
        if len(self.reckoning.used) < 6 or name in self.reckoning.used:
            self.reckoning.used[name] = self.town.now
        else:
            oldest = min(self.reckoning.used, key=lambda one: self.reckoning.used[one])
            del self.reckoning.used[oldest]
            self.reckoning.used[name] = self.town.now
        self.reckoning.stop(name)

    @rule(outcome=st.integers(0, 12), on_time=st.booleans())
    def note_visit(self, outcome: int, *, on_time: bool) -> None:
        self.town.tell("note_visit", "shop", outcome, on_time)

    @rule(ahead=st.integers(1, 20))
    def announce_closure(self, ahead: int) -> None:
        day = self.today + ahead
        if not self.town.ask("closed_on", "shop", day):
            self.town.do("shop", "announce_closure", day)
            if self.town.seen("ClosureAnnounced")[-1]["counts"]:
                self.reckoning.closures.add(day)

    @rule(status=st.sampled_from(["ADMITTED", "FROZEN", "CLOSED"]))
    def decide(self, status: str) -> None:
        known = self.reckoning
        if known.status() == "CLOSED" and status == "FROZEN":
            return
        if known.status() == "CLOSED" and status == "ADMITTED":
            known.by_clocks, known.oldest = "ADMITTED", 0
            for one in known.waits.values():
                one.counts = False
        self.town.do("operator", "set_status", "shop", status)
        known.by_operators = status

    @rule(days=st.sampled_from([1, 2, 6, 7, 14, 95]))
    def pass_days(self, days: int) -> None:
        for _ in range(days):
            self.town.at((self.today + 1) * DAY_MS)
            self.reckoning.pass_day(self.today)
        self.town.tick("1h")

    @invariant()
    def the_register_agrees_with_the_reckoning(self) -> None:
        known = self.reckoning
        silence = self.town.ask("silence", "shop")
        stages = [one.stage for one in known.counted()]
        assert [silence[name] for name in ("holders", "running", "at_warning", "at_freeze")] == [
            known.known(), len(stages), sum(n >= 1 for n in stages), sum(n >= 2 for n in stages),
        ]  # fmt: skip
        assert silence["at_closing"] == stages.count(3)
        assert self.town.status() == known.status()
        for name in HOLDERS:
            wait = known.waits.get(name)
            assert self.town.days(name) == (known.days(wait, self.today) if wait else 0)

    @invariant()
    def the_figures_follow_from_the_events(self) -> None:
        events = self.town.seen("VisitNoted")
        assert self.town.ask("figures", "shop") == recompute(events)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
