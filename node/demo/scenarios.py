"""Scenarios: visits to the demo's shops and what becomes of each. Pure: times in, steps out.

Everything follows from the time and the head's id, so a scenario can be repeated to the byte.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from chain.crypto import hash_bytes
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.demo.accounts import CUSTOMERS, UnknownNameError, account_of
from node.demo.catalogue import HARBOUR, SPARKLE, DemoService, DemoShop, shop_of
from node.demo.script import Step

SCENARIOS: Final = ("default", "busy-saturday", "empty")
_THURSDAY: Final = 3  # 1970-01-01, Monday being 0
_SATURDAY: Final = 5
_ZONE_MS: Final = 8 * HOUR_MS  # the shops' clocks: UTC+8
_NOT_READ: Final = 65_535  # an odometer that nobody looked at
_FIRST_STEP: Final = 1
_SOON_MS: Final = 12 * HOUR_MS  # a Saturday nearer than that is too near to cancel before


@dataclass(frozen=True, slots=True)
class Visit:
    """A booking to be made at `asked_ms`, and its fate by name."""

    number: int
    customer: str
    shop: str
    service: int
    asked_ms: int
    start_ms: int
    fate: str

    @property
    def offer(self) -> DemoService:
        """The service as the shop offers it."""
        return shop_of(self.shop).service(self.service)

    @property
    def end_ms(self) -> int:
        """When the slot ends."""
        return self.start_ms + self.offer.duration_ms

    def step(
        self, at_ms: int, function: str, *arguments: int, funds: int = 0, by_shop: bool = False
    ) -> Step:
        """Return a step about this visit, signed by the customer unless by the shop."""
        who = self.shop if by_shop else self.customer
        return Step(at_ms, who, function, self.number, arguments, funds)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Visits, and all steps: those of the visits and the shops' own."""

    visits: tuple[Visit, ...]
    steps: tuple[Step, ...]


def _request(visit: Visit) -> Step:
    offer = visit.offer
    arguments = (
        account_of(visit.shop), visit.service, 1, visit.start_ms, visit.end_ms, offer.cell,
        offer.price, offer.policy_id,
    )  # fmt: skip
    hold = offer.hold(visit.start_ms)
    return Step(visit.asked_ms, visit.customer, "request", visit.number, arguments, hold)


# Fates --------------------------------------------------------------------------------------------


def _check_in(visit: Visit, at_ms: int) -> Step:
    return Step(at_ms, visit.customer, "check_in", visit.number, sponsor=visit.shop)


def _serve(visit: Visit, start_ms: int, end_ms: int) -> list[Step]:
    """Return the steps from check-in until the work is done."""
    steps = [_check_in(visit, start_ms), visit.step(start_ms, "start_service", by_shop=True)]
    rest = visit.offer.price - visit.offer.hold(visit.start_ms)
    if rest:
        steps.append(visit.step(start_ms, "pay", funds=rest))
    return [*steps, visit.step(end_ms, "ready", by_shop=True)]


def _until_ready(visit: Visit) -> list[Step]:
    return _serve(visit, visit.start_ms, visit.end_ms)


def _settled(visit: Visit) -> list[Step]:
    return [*_until_ready(visit), visit.step(visit.end_ms + 10 * MINUTE_MS, "confirm")]


def _rescheduled(visit: Visit) -> list[Step]:
    start_ms, end_ms = visit.start_ms + DAY_MS, visit.end_ms + DAY_MS
    moved = visit.step(visit.start_ms - 2 * HOUR_MS, "reschedule", start_ms, end_ms)
    done = visit.step(end_ms + 10 * MINUTE_MS, "confirm")
    return [moved, *_serve(visit, start_ms, end_ms), done]


def _claimed(visit: Visit) -> list[Step]:
    """Half of the money is asked back; without an answer the claim is granted in 72 hours."""
    return [*_until_ready(visit), visit.step(visit.end_ms + 20 * MINUTE_MS, "claim_redo", 5_000)]


def _contested(visit: Visit) -> list[Step]:
    return [
        visit.step(visit.start_ms, "arrived"),
        visit.step(visit.start_ms + 10 * MINUTE_MS, "not_here", by_shop=True),
    ]


def _cancelled_early(visit: Visit) -> list[Step]:
    return [visit.step(visit.start_ms - 3 * HOUR_MS, "cancel_booking")]


def _cancelled_late(visit: Visit) -> list[Step]:
    return [visit.step(visit.start_ms - HOUR_MS, "cancel_booking")]


def _cancelled_shop(visit: Visit) -> list[Step]:
    return [visit.step(visit.start_ms - 30 * MINUTE_MS, "cancel_by_shop", False, by_shop=True)]


def _answered(visit: Visit) -> list[Step]:
    answer = visit.step(visit.end_ms + HOUR_MS, "answer_claim", True, by_shop=True)
    return [*_claimed(visit), answer]


def _withdrawn(visit: Visit) -> list[Step]:
    return [*_claimed(visit), visit.step(visit.end_ms + HOUR_MS, "withdraw_claim")]


def _unserved(visit: Visit) -> list[Step]:
    return [_check_in(visit, visit.start_ms)]


def _declined(visit: Visit) -> list[Step]:
    return [visit.step(visit.asked_ms + 5 * MINUTE_MS, "decline", by_shop=True)]


def _nothing(_visit: Visit) -> list[Step]:
    return []


def _finished_now(visit: Visit) -> list[Step]:
    at_ms = visit.asked_ms
    return [*_serve(visit, at_ms, at_ms), visit.step(at_ms, "confirm")]


def _in_service_now(visit: Visit) -> list[Step]:
    """Return the steps until the work has begun, which somebody at the bay keeps a record of."""
    record: tuple[tuple[str, tuple[bytes | int, ...]], ...] = (
        ("start", (bytes(32), _NOT_READ)),
        ("step", (2, _FIRST_STEP)),
    )
    return [
        *_serve(visit, visit.asked_ms, visit.end_ms)[:-1],
        *(
            Step(
                visit.asked_ms, visit.shop, function, visit.number, arguments,
                staff=f"{visit.shop}-bay", about="records",
            )
            for function, arguments in record
        ),
    ]  # fmt: skip


# What is done about a visit once it is asked for; shops that look at requests first accept before,
# except for the fates in _UNACCEPTED.
FATES: Final[dict[str, Callable[[Visit], list[Step]]]] = {
    "settled": _settled,
    "settles_by_itself": _until_ready,
    "missed": _nothing,
    "cancelled_early": _cancelled_early,
    "cancelled_late": _cancelled_late,
    "cancelled_by_shop": _cancelled_shop,
    "not_served": _unserved,
    "claim_granted": _answered,
    "claim_unanswered": _claimed,
    "claim_withdrawn": _withdrawn,
    "rescheduled": _rescheduled,
    "arrival_contested": _contested,
    "declined": _declined,
    "lapses": _nothing,
    "finished": _finished_now,
    "in_service": _in_service_now,
    "waiting": _nothing,
}
_UNACCEPTED: Final = ("declined", "lapses")


def _visit_steps(visit: Visit) -> list[Step]:
    steps = [_request(visit)]
    if not shop_of(visit.shop).auto_accept and visit.fate not in _UNACCEPTED:
        steps.append(visit.step(visit.asked_ms + 5 * MINUTE_MS, "accept", by_shop=True))
    return steps + FATES[visit.fate](visit)


def _scenario(visits: list[Visit], own: list[Step]) -> Scenario:
    return Scenario(tuple(visits), (*own, *(s for v in visits for s in _visit_steps(v))))


def make_scenario(name: str, now_ms: int, head_id: bytes, first: int = 0) -> Scenario:
    """Return a scenario from `now_ms` on, its visits numbered from `first`."""
    if name == "default":
        return _default(now_ms, first)
    if name == "busy-saturday":
        return _busy_saturday(now_ms, _Draw(head_id), first)
    if name == "empty":
        return Scenario((), ())
    raise UnknownNameError("scenario", name, SCENARIOS)


def _default(now_ms: int, first: int) -> Scenario:
    """Return some bookings in different states, all reached at once."""
    minute = -(-now_ms // MINUTE_MS) * MINUTE_MS
    rows = (
        ("alice", "sparkle", 1, 10 * MINUTE_MS, "finished"),
        ("bob", "sparkle", 2, 10 * MINUTE_MS, "in_service"),
        ("carol", "sparkle", 1, HOUR_MS, "missed"),
        ("dave", "sparkle", 3, 90 * MINUTE_MS, "waiting"),
        ("erin", "harbour", 3, 4 * DAY_MS, "lapses"),
    )
    visits = [
        Visit(first + place, customer, shop, service, now_ms, minute + ahead_ms, fate)
        for place, (customer, shop, service, ahead_ms, fate) in enumerate(rows)
    ]
    return _scenario(visits, [])


# A busy day ---------------------------------------------------------------------------------------


class _Draw:
    """Numbers that look like chance and follow from a seed."""

    def __init__(self, seed: bytes) -> None:
        self._seed, self._count = seed, 0

    def below(self, bound: int) -> int:
        self._count += 1
        drawn = hash_bytes("demo-draw", self._seed + self._count.to_bytes(8, "big"))
        return int.from_bytes(drawn[:8], "big") % bound

    def shuffled(self, values: list[str]) -> list[str]:
        """Return the values in another order (Fisher and Yates)."""
        mixed = list(values)
        for place in range(len(mixed) - 1, 0, -1):
            other = self.below(place + 1)
            mixed[place], mixed[other] = mixed[other], mixed[place]
        return mixed


# Per shop: how many of each service, how many of each fate; both add up to the same.
_BUSY: Final = (
    (
        SPARKLE,
        {3: 2, 2: 12, 1: 26},
        {
            "settled": 20, "settles_by_itself": 4, "missed": 4, "cancelled_early": 3,
            "cancelled_late": 2, "cancelled_by_shop": 1, "not_served": 1, "claim_granted": 1,
            "claim_unanswered": 1, "claim_withdrawn": 1, "rescheduled": 1, "arrival_contested": 1,
        },
    ),
    (
        HARBOUR,
        {2: 3, 1: 17},
        {
            "settled": 11, "settles_by_itself": 1, "missed": 2, "cancelled_late": 1,
            "cancelled_by_shop": 1, "declined": 2, "lapses": 2,
        },
    ),
)  # fmt: skip


def _busy_saturday(now_ms: int, draw: _Draw, first: int) -> Scenario:
    """Return sixty bookings for the next Saturday, asked for now, with every kind of ending."""
    saturday = _next_saturday(now_ms + _SOON_MS)
    visits: list[Visit] = []
    own: list[Step] = []
    free_from = dict.fromkeys(CUSTOMERS, 0)
    for shop, services, fates in _BUSY:
        mixed = draw.shuffled([fate for fate, number in fates.items() for _ in range(number)])
        day = sorted(_pack(shop, services, saturday + shop.opens_ms))
        for (start_ms, service), fate in zip(day, mixed, strict=True):
            number = first + len(visits)
            customer = min(CUSTOMERS, key=lambda name: (free_from[name], draw.below(1_000)))
            visit = Visit(number, customer, shop.account, service, now_ms, start_ms, fate)
            free_from[customer] = visit.end_ms
            visits.append(visit)
        free_from = dict.fromkeys(CUSTOMERS, 0)
        for opens_ms in (saturday + shop.opens_ms, saturday + DAY_MS + shop.opens_ms):
            closes_ms = opens_ms + shop.closes_ms - shop.opens_ms + HOUR_MS
            own.append(Step(closes_ms, shop.account, "close_shop"))
    return _scenario(visits, own)


def _next_saturday(after_ms: int) -> int:
    """Return the first midnight of a Saturday in the shops' zone at or after a time, ms UTC."""
    day = -(-(after_ms + _ZONE_MS) // DAY_MS)
    return (day + (_SATURDAY - _THURSDAY - day) % 7) * DAY_MS - _ZONE_MS


def _pack(shop: DemoShop, services: dict[int, int], opens_ms: int) -> Iterator[tuple[int, int]]:
    """Yield (start, service) of every visit: the long ones first, each in the first bay with room.

    Visits begin at quarters of an hour, as cells do.
    """
    closes_ms = opens_ms + shop.closes_ms - shop.opens_ms
    bays = [opens_ms] * shop.quarter_bays
    for number, times in services.items():
        length_ms = shop.service(number).duration_ms
        for _ in range(times):
            bay = next(i for i, free_ms in enumerate(bays) if free_ms + length_ms <= closes_ms)
            yield bays[bay], number
            bays[bay] += length_ms
