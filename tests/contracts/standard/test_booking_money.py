"""Random lives of bookings: whatever people do, money is conserved and everything ends."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.catalog import abi, program
from tests.contracts.standard.setting import CUSTOMERS, RICH, RULES, SHOPS, account, rules
from tests.contracts.standard.test_booking_strangers import ACTIONS
from tests.contracts.standard.world import BookingWorld, new_world

FINAL, RETURNED = 20, 28
# What may go wrong with well-formed calls; anything else is a fault of the contract.
EXPECTED = {
    "ok", "not_customer", "not_shop", "not_arbiter", "wrong_state", "too_early", "too_late",
    "shop_must_sign", "no_more_reschedules", "bad_time", "bad_ruling", "wrong_amount", "slot_taken",
    "too_long", "not_open", "pot", "not_announced", "no_such_extra",
}  # fmt: skip
POLICIES = (
    RULES,
    rules(hold_bp=0, grace_ms=0, cooling_off_ms=0),
    rules(hold_bp=10_000, grace_ms=None, settle_after_ms=None, serve_by_ms=None, accept_by_ms=None),
    rules(grace_ms=90 * DAY_MS + HOUR_MS, settle_after_ms=89 * DAY_MS, serve_by_ms=95 * DAY_MS),
    rules(
        hold_per_day_min=3_000,
        tiers=[{"lead_ms_min": 0, "fee_bp": 10_000}],
        no_show={"fee_bp": 10_000},
    ),
)
TIMES = st.one_of(
    st.integers(1, 40 * MINUTE_MS),
    st.integers(1, 3 * DAY_MS),
    st.sampled_from([8 * DAY_MS, 91 * DAY_MS]),
)


LIKELY = {  # what a state is there for, by its number
    1: ("accept", "decline", "cancel_booking"),
    2: ("cancel_booking", "reschedule", "arrived", "check_in", "offer_slot"),
    3: ("not_here", "check_in", "leave", "offer_slot"),
    4: ("start_service", "pay", "cancel_by_shop", "undo_check_in", "leave", "use_voucher"),
    5: ("ready", "pay", "claim_redo", "ask_extra", "approve_extra", "use_voucher"),
    6: ("confirm", "claim_redo", "pay"),
    7: ("answer_claim", "withdraw_claim", "rule"),
    8: ("check_in",),
    9: ("check_in",),
}


class Lives(RuleBasedStateMachine):
    """Several customers and two shops; the world itself checks every block."""

    bookings: Bundle[bytes] = Bundle("bookings")

    @initialize(
        delay_ms=st.sampled_from([0, DAY_MS]),
        bays=st.sampled_from([0, 1, 2]),
        auto=st.booleans(),
        tell=st.booleans(),
    )
    def begin(self, delay_ms: int, bays: int, *, auto: bool, tell: bool) -> None:
        self.world: BookingWorld = new_world(delay_ms, tell=tell)
        self.tell = tell
        self.made: list[bytes] = []
        self.world.must("shop", "set_settings", auto, auto, 0, bays, bays)
        self.ids = [self.world.publish(policy) for policy in POLICIES]

    def call(self, name: str, function: str, *arguments: Any, **more: Any) -> str:
        outcome = self.world.call(name, function, *arguments, **more)
        assert outcome in EXPECTED, f"{name} {function}: {outcome}"
        return outcome

    @rule(
        target=bookings,
        name=st.sampled_from(CUSTOMERS),
        shop=st.sampled_from(SHOPS),
        policy=st.integers(0, len(POLICIES) - 1),
        ahead=st.one_of(st.just(1), st.integers(1, 3 * DAY_MS)),
        length=st.sampled_from([0, HOUR_MS, DAY_MS]),
        total=st.sampled_from([1, 9_999, 10_000]),
        cell=st.integers(0, 1),
    )
    def request(  # noqa: PLR0917 - hypothesis draws them by name
        self, name: str, shop: str, policy: int, ahead: int, length: int, total: int, cell: int
    ) -> Any:
        start = self.world.now + ahead
        order = {"start": start, "end": start + length, "total": total, "cell": cell}
        arguments, held = self.world.order(self.ids[policy], shop=shop, **order)
        if self.customer(name)["prepay_until"]:
            assert self.world.call(name, "request", *arguments, funds=total - 1) != "ok"
            held = total
        if self.call(name, "request", *arguments, funds=held) != "ok":
            return multiple()
        self.made.append(self.world.last_call_id)
        return self.world.last_call_id

    def customer(self, name: str) -> dict[str, int]:
        names = [one["name"] for one in abi("booking")["records"]["Customer"]]
        return dict(zip(names, self.world.read("customer", account(name)), strict=True))

    @rule(booking=bookings, action=st.sampled_from(sorted(ACTIONS)), data=st.data())
    def act(self, booking: bytes, action: str, data: st.DataObject) -> None:
        self.act_on(booking, action, data)

    def act_on(self, booking: bytes, action: str, data: st.DataObject) -> None:
        found = self.world.booking(booking)
        people = {account(name): name for name in (*CUSTOMERS, *SHOPS)}
        customer, shop = people[found["customer"]], people[found["shop"]]
        who = ACTIONS.get(action, ("alice", (), 0, ""))
        name = {"alice": customer, "shop": shop, "arbiter": "arbiter"}[who[0]]
        sponsor = None
        if action in {"check_in", "undo_check_in"}:
            sponsor = data.draw(st.sampled_from([None, shop]))
        elif action == "not_here" and data.draw(st.booleans()):
            self.call(shop, "open_shop")
        arguments = self.draw_arguments(booking, action, data, who[1])
        funds = self.draw_funds(booking, action, data)
        self.call(name, action, booking, *arguments, funds=funds, sponsor=sponsor)

    def draw_arguments(
        self, booking: bytes, action: str, data: st.DataObject, usual: tuple[object, ...]
    ) -> tuple[object, ...]:
        """Return what goes with an action besides the booking."""
        found, now = self.world.booking(booking), self.world.now
        if action == "reschedule":
            start = now + data.draw(st.integers(1, 9 * DAY_MS))
            offered = [one[2] for one in self.told("Offered", booking) if one[2] > now]
            if data.draw(st.booleans()) and offered:
                start = offered[-1]
            return (start, start + found["end"] - found["start"])
        if action == "approve_extra":
            return tuple(one[2] for one in self.told("ExtraAsked", booking)[-1:]) or (1,)
        drawn: dict[str, st.SearchStrategy[Any]] = {
            "offer_slot": st.integers(now + 2, now + 9 * DAY_MS),
            "use_voucher": st.sampled_from([0, 1, 4_000, 20_000]).map(
                lambda worth: worth.to_bytes(32, "big")
            ),
            "cancel_by_shop": st.booleans(),
            "extend": st.sampled_from([0, 1, 30 * DAY_MS, 900 * DAY_MS]).map(
                lambda more: found["until"] + more
            ),
            "rule": st.sampled_from([0, 1, 3_333, 10_000]),
            "claim_redo": st.sampled_from([1, 3_333, 10_000]),
        }
        return (data.draw(drawn[action]),) if action in drawn else usual

    def draw_funds(self, booking: bytes, action: str, data: st.DataObject) -> int:
        """Return the money that goes with an action, most often the right amount."""
        if action == "claim_redo":
            needed: int = self.world.read("claim_deposit", booking)
            return needed
        if action == "approve_extra":
            return next((one[3] for one in self.told("ExtraAsked", booking)[::-1]), 1)
        total = self.world.booking(booking)["total"]
        parts = [1, max(total // 2, 1), max(total, 1)]
        return data.draw(st.sampled_from(parts)) if action == "pay" else 0

    def told(self, event: str, booking: bytes) -> list[tuple[Any, ...]]:
        return [values for values in self.world.seen(event) if values[0] == booking]

    @rule(booking=bookings, data=st.data())
    def go_on(self, booking: bytes, data: st.DataObject) -> None:
        """Do one of the things that a booking's state is there for."""
        likely = LIKELY.get(self.world.booking(booking)["state"], ())
        if likely:
            self.act_on(booking, data.draw(st.sampled_from(likely)), data)

    @rule(booking=bookings)
    def serve(self, booking: bytes) -> None:
        """Bring a booking as far through a visit as it goes."""
        found = self.world.booking(booking)
        people = {account(name): name for name in (*CUSTOMERS, *SHOPS)}
        customer, shop = people[found["customer"]], people[found["shop"]]
        if found["state"] <= 2 and self.world.now < found["start"]:
            self.world.at(found["start"])
        self.call(customer, "check_in", booking, sponsor=shop)
        self.call(shop, "start_service", booking)
        self.call(shop, "ready", booking)

    @rule(shop=st.sampled_from(SHOPS), opens=st.booleans())
    def door(self, shop: str, *, opens: bool) -> None:
        self.call(shop, "open_shop" if opens else "close_shop")

    @rule(shop=st.sampled_from(SHOPS), ahead=st.integers(0, 2))
    def storm(self, shop: str, ahead: int) -> None:
        assert self.call(shop, "announce_weather", self.world.now // DAY_MS + ahead) == "ok"

    @rule(wait=TIMES)
    def wait(self, wait: int) -> None:
        self.world.fire_until(self.world.now + wait)

    @rule(wait=TIMES)
    def jump(self, wait: int) -> None:
        """Let nobody make a block for a while; it may be a halt."""
        self.world.make_block(self.world.now + wait)

    def teardown(self) -> None:
        """Let all that is due happen: no money stays behind, nothing waits, every end came once."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.fire_until()
        assert (world.pots(), world.waiting()) == (0, 0)
        people = (*CUSTOMERS, *SHOPS, "arbiter")
        assert sum(world.balance(name) for name in people) == len(CUSTOMERS) * RICH
        ends = [values[0] for values in world.seen("Closed")]
        assert len(ends) == len(set(ends))
        states = {booking: world.booking(booking)["state"] for booking in self.made}
        final = [one for one, state in states.items() if state >= FINAL and state != RETURNED]
        assert sorted(ends) == sorted(final)
        counted = sum(sum(world.read("figures", account(shop))) for shop in SHOPS)
        punctual = sum(world.read("figures", account(shop))[1] for shop in SHOPS)
        assert counted - punctual == (len(ends) if self.tell else 0)
        for booking in self.made:
            assert world.read("held_money", booking) == 0
        self._check_bays()

    def _check_bays(self) -> None:
        """Check that cells are taken by bookings that still stand, and by no others."""
        taken = sum(self.world.booking(booking)["cells"] for booking in self.made)
        number = [field.name for field in program("booking").container.fields].index("taken")
        prefix = b"\x10" + self.world.contract + bytes([number])
        rows = [value for key, value in self.world.ledger.state.items() if key.startswith(prefix)]
        assert sum(int.from_bytes(row, "big") for row in rows) == taken


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
