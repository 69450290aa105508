"""Money in random lives: issuers owe exactly what there is, and nothing stays on hold."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from node.workbench.failures import CallFailed
from tests.contracts.standard.money_world import (
    CUSTODY,
    DAILY,
    LEAST,
    LIMIT,
    MoneyWorld,
    bare_world,
    receipt,
)

PEOPLE, ISSUERS = ("alice", "bob"), ("bank", "other")
AMOUNTS = st.sampled_from([LEAST, LEAST + 1, 777, 50_000, DAILY])
DAY_MS = 86_400_000
STEP = st.tuples(
    st.sampled_from([
        "issue", "issue", "ask", "ask", "paid", "paid", "decline", "withdraw", "attest", "wait",
        "begin", "block", "unblock", "settled",
    ]),
    st.sampled_from(PEOPLE),
    st.sampled_from(ISSUERS),
    AMOUNTS,
    st.integers(0, 9),
)  # fmt: skip


class Life:
    """Plays steps and keeps accounts of its own."""

    def __init__(self, before: int) -> None:
        self.world: MoneyWorld = bare_world()
        self.open: list[dict[str, Any]] = []
        self.owed = {"bank": before, "other": 0}
        self.bank_receipts = 0
        for name in ISSUERS:
            self.world.call("operator", "register", name, CUSTODY, LIMIT, DAILY)
            self.world.state(LIMIT, by=name)
        if before:
            self.world.give("alice", before)
            self.world.call("operator", "take_over", "bank", before)

    def play(self, step: tuple[str, str, str, int, int]) -> None:
        """Try one step; a refusal changes nothing."""
        what, who, issuer, amount, number = step
        self._forget_what_is_over()
        request = self.open[number % len(self.open)] if self.open else None
        try:
            self._do(what, who, issuer, amount, request)
        except CallFailed:
            return

    def _do(
        self, what: str, who: str, issuer: str, amount: int, request: dict[str, Any] | None
    ) -> None:
        world = self.world
        self.bank_receipts += 1
        if what == "issue":
            world.issue(amount, who, self.bank_receipts, by=issuer)
            self.owed[issuer] += amount
        elif what == "ask":
            one = world.ask(amount, who, issuer)
            self.open.append({"id": one, "who": who, "issuer": issuer, "amount": amount})
        elif what == "attest":
            world.state(max(0, self.owed[issuer] - amount % 2), by=issuer)
        elif what == "wait":
            world.tick(amount * DAY_MS // 300)
        elif what in {"block", "unblock"}:
            world.call("operator", what, issuer)
        elif what == "settled":
            world.call(who, "settled", issuer)
        elif request is not None:
            self._answer(what, request)

    def _answer(self, what: str, request: dict[str, Any]) -> None:
        world = self.world
        if what == "paid":
            world.call(request["issuer"], "paid", request["id"], receipt(self.bank_receipts))
            self.owed[request["issuer"]] -= request["amount"]
        elif what == "begin":
            world.call(request["issuer"], "begin_payment", request["id"])
            return
        elif what == "decline":
            world.call(request["issuer"], "decline", request["id"], "OTHER")
        else:
            world.call(request["who"], "withdraw", request["id"])
        self.open.remove(request)

    def _forget_what_is_over(self) -> None:
        self.open = [one for one in self.open if self.world.view("request", one["id"])["amount"]]

    def check(self) -> None:
        """Compare the contract with the own accounts."""
        self._forget_what_is_over()
        world, held = self.world, sum(one["amount"] for one in self.open)
        free = sum(world.balance(name) for name in (*PEOPLE, *ISSUERS))
        owed = {name: world.view("issuer", name)["liability"] for name in ISSUERS}
        asked = sum(world.view("issuer", name)["asked"] for name in ISSUERS)
        total = sum(self.owed.values())
        assert owed == self.owed
        assert world.view("reserves") == {"supply": total, "owed": total, "asked": held}
        assert (asked, world.held(), free) == (held, held, total - held)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([0, 5_000]), st.lists(STEP, max_size=40))
def test_issuers_owe_what_there_is_and_every_request_ends(
    before: int, steps: list[tuple[str, str, str, int, int]]
) -> None:
    life = Life(before)

    for step in steps:
        life.play(step)
        life.check()
    life.world.tick("100d")  # a timer that fails would be raised

    life.check()
    assert (life.open, life.world.held(), life.world.timers()) == ([], 0, [])
