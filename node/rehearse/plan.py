"""From rows to what happens when: a pure plan that the wallets sign and the chain carries out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from chain.crypto import hash_bytes, sha256
from chain.types import DAY_MS, SAFE_INT_MAX
from node.rehearse.policies import Fee, Policy
from node.rehearse.rows import Row, refusal

NAME_BYTES_MAX = 200
POT_LIFE_MS = 90 * DAY_MS  # after the slot
POT_EXTENDED_MS = 1_095 * DAY_MS  # after the request, at the customer's word
PRICE_TOO_LARGE = "price_too_large"


class Step(IntEnum):
    """What happens, in the order in which one instant's steps are carried out."""

    OPEN = 0
    REQUEST = 1
    CANCEL = 2
    CHECK_IN = 3
    START = 4
    PAY = 5
    EXTEND = 6
    READY = 7
    CONFIRM = 8


@dataclass(slots=True)
class Booking:
    """An accepted row as the chain will see it; shop, customer, currency are plan numbers."""

    shop: int
    customer: int
    currency: int
    start: int
    end: int
    total: int
    hold: int
    policy: bytes
    created: int
    ready: int = 0  # when the work was done, ms UTC; 0: never

    @property
    def extended_until(self) -> int:
        """How long the customer lets the money be held when work drags on, ms UTC."""
        latest = max(self.created + POT_EXTENDED_MS, self.end + POT_LIFE_MS)
        return min(self.ready + DAY_MS, latest)


@dataclass(slots=True)
class Plan:
    """Everything a rehearsal does, in order.

    `steps` are (time ms, step, number): the number of a booking, or of a shop for OPEN. `spending`
    is what each customer may have to pay, by currency.
    """

    shops: list[str] = field(default_factory=list)
    currencies: list[str] = field(default_factory=list)
    customers: int = 0
    policies: dict[bytes, Policy] = field(default_factory=dict)
    bookings: list[Booking] = field(default_factory=list)
    spending: dict[tuple[int, int], int] = field(default_factory=dict)
    steps: list[tuple[int, int, int]] = field(default_factory=list)
    refused: dict[tuple[int, str], int] = field(default_factory=dict)

    @property
    def starts_at(self) -> int:
        """When the throw-away chain begins: a day before the first step, ms UTC."""
        first = self.steps[0][0] if self.steps else 0
        return max(first - first % DAY_MS - DAY_MS, 0)


def fee_words(fee: Fee) -> tuple[int, bool, int, int]:
    """Return a fee as the contract takes it: basis points, of the held amount?, least, cap."""
    cap = SAFE_INT_MAX if fee.fee_cap is None else fee.fee_cap
    return fee.fee_bp, fee.fee_base == "held", fee.fee_min, cap


def policy_words(policy: Policy) -> tuple[object, ...]:
    """Return the arguments of `publish_policy` for a set of rules."""

    def bound(value: int | None) -> int:
        return SAFE_INT_MAX if value is None else value

    tiers = b"".join(
        tier.lead_ms_min.to_bytes(8, "big") + _fee_bytes(tier) for tier in policy.tiers
    )
    return (
        policy.hold_bp,
        policy.hold_min,
        bound(policy.hold_max),
        policy.hold_per_day_min,
        *fee_words(policy.no_show),
        bound(policy.grace_ms),
        bound(policy.accept_by_ms),
        bound(policy.serve_by_ms),
        bound(policy.settle_after_ms),
        policy.cooling_off_ms,
        policy.reschedules,
        policy.reschedule_lead_ms,
        policy.shop_failure.compensation_bp,
        bound(policy.shop_failure.compensation_cap),
        tiers,
    )


def _fee_bytes(fee: Fee) -> bytes:
    basis_points, of_held, least, cap = fee_words(fee)
    return b"".join(
        (
            basis_points.to_bytes(2, "big"),
            bytes([of_held]),
            least.to_bytes(8, "big"),
            cap.to_bytes(8, "big"),
        )
    )


# Stored widths of the words of a set of rules, in order; the tiers follow as they are.
_WIDTHS = (2, 8, 8, 8, 2, 1, 8, 8, 8, 8, 8, 8, 8, 1, 8, 2, 8)


def policy_id(policy: Policy) -> bytes:
    """Return the 32-byte hash under which the contract stores a set of rules."""
    *numbers, tiers = policy_words(policy)
    assert isinstance(tiers, bytes), "the tiers stand last"
    words = [int(word).to_bytes(width, "big") for word, width in zip(numbers, _WIDTHS, strict=True)]  # type: ignore[call-overload]
    return sha256(b"".join(words) + tiers)


def hold_of(policy: Policy, total: int, start: int, end: int) -> int:
    """Return what a request puts into the pot, minor units."""
    days = (end - start + DAY_MS - 1) // DAY_MS
    hold = max(total * policy.hold_bp // 10_000, policy.hold_min, policy.hold_per_day_min * days)
    if policy.hold_max is not None:
        hold = min(hold, policy.hold_max)
    return min(hold, total)


def shown_name(shop_id: str) -> str:
    """Return a shop's name on the chain: its id, or if that is too long its start and a hash."""
    data = shop_id.encode()
    if len(data) <= NAME_BYTES_MAX:
        return shop_id
    digest = hash_bytes("shop-name", data).hex()[:16]
    return data[: NAME_BYTES_MAX - 20].decode(errors="ignore") + "~" + digest


def _move(plan: Plan, by_ms: int) -> None:
    """Move everything by whole days: rules compare times with each other alone."""
    for booking in plan.bookings:
        booking.start += by_ms
        booking.end += by_ms
        booking.created += by_ms
        if booking.ready:
            booking.ready += by_ms
    plan.steps = [(at + by_ms, step, number) for at, step, number in plan.steps]


class Planner:
    """Takes rows one by one and gives the plan."""

    def __init__(self, policies: Mapping[str, Policy], everyone: Policy | None = None) -> None:
        """`policies` by the rows' policy column; `everyone` applies to all rows instead."""
        self._policies, self._everyone = policies, everyone
        self._ids = {name: policy_id(policy) for name, policy in policies.items()}
        self._everyone_id = b"" if everyone is None else policy_id(everyone)
        self._shops: dict[str, int] = {}
        self._customers: dict[str, int] = {}
        self._currencies: dict[str, int] = {}
        self._open_days: set[tuple[int, int]] = set()
        self._supply: list[int] = []
        self.plan = Plan()

    def add_all(self, rows: Iterable[Row]) -> Plan:
        """Plan every row and return the plan, its steps in order of time."""
        for row in rows:
            self.add(row)
        plan = self.plan
        plan.steps += [(day * DAY_MS, Step.OPEN, shop) for shop, day in sorted(self._open_days)]
        plan.steps.sort()
        if plan.steps and plan.steps[0][0] < DAY_MS:
            _move(plan, DAY_MS)  # the chain must begin before, and no time is before 1970
        return plan

    def add(self, row: Row) -> None:
        """Plan one row, or count it as refused."""
        plan = self.plan
        shop = self._shops.setdefault(shown_name(row.shop_id), len(self._shops))
        if shop == len(plan.shops):
            plan.shops.append(shown_name(row.shop_id))
        reason = refusal(row, self._policies if self._everyone is None else {row.policy: 0})
        currency = self._currency(row.currency)
        if reason is None and self._supply[currency] + row.price_minor > SAFE_INT_MAX:
            reason = PRICE_TOO_LARGE
        if reason is not None:
            plan.refused[shop, reason] = plan.refused.get((shop, reason), 0) + 1
            return
        self._supply[currency] += row.price_minor
        self._add_booking(row, shop, currency)

    def _currency(self, name: str) -> int:
        number = self._currencies.setdefault(name, len(self._currencies))
        if number == len(self._supply):
            self._supply.append(0)
            self.plan.currencies.append(name)
        return number

    def _customer(self, name: str) -> int:
        number = self.plan.customers
        if name:
            number = self._customers.setdefault(name, number)
        if number == self.plan.customers:
            self.plan.customers += 1
        return number

    def _add_booking(self, row: Row, shop: int, currency: int) -> None:
        plan = self.plan
        policy = self._everyone or self._policies[row.policy]
        identity = self._everyone_id or self._ids[row.policy]
        plan.policies.setdefault(identity, policy)
        start, end = row.slot_start_ms, max(row.slot_end_ms, row.slot_start_ms)
        total = row.price_minor
        hold = hold_of(policy, total, start, end)
        customer = self._customer(row.customer_id)
        number = len(plan.bookings)
        plan.bookings.append(
            Booking(shop, customer, currency, start, end, total, hold, identity, row.created_at_ms)
        )
        account = (customer, currency)
        plan.spending[account] = plan.spending.get(account, 0) + total
        self._open_days.add((shop, start // DAY_MS))
        if policy.grace_ms is not None:
            # A missed visit is judged at the end of the grace, which may fall on a later day.
            self._open_days.add((shop, (start + policy.grace_ms) // DAY_MS))
        steps = plan.steps
        steps.append((row.created_at_ms, Step.REQUEST, number))
        if row.outcome == "cancelled":
            steps.append((row.outcome_at_ms, Step.CANCEL, number))
            if row.outcome_at_ms > start:
                # It costs as much as a missed visit, if the shop was open then.
                self._open_days.add((shop, row.outcome_at_ms // DAY_MS))
        elif row.outcome == "completed":
            steps.append((start, Step.CHECK_IN, number))
            steps.append((start, Step.START, number))
            if total > hold:
                steps.append((start, Step.PAY, number))
            ready = max(
                row.outcome_at_ms, start
            )  # work is ready after it began, whatever the row says
            if ready >= end + POT_LIFE_MS:
                steps.append((start, Step.EXTEND, number))
            steps.append((ready, Step.READY, number))
            steps.append((ready, Step.CONFIRM, number))
            self.plan.bookings[number].ready = ready
