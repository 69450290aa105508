"""Sums over the lines of a journal: by day, by service, and of all. Pure.

Every figure has one rule, and its name is the column under which it is shown and exported.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from node.report.lines import BALANCES, Line

SHOWN_MIN = 5  # people counted in a part of a report; of fewer somebody could be recognised

_FEE_STATES = {
    "CANCELLED_CUSTOMER", "CANCELLED_SHOP", "CANCELLED_WEATHER", "NO_SHOW_CUSTOMER", "NO_SHOW_SHOP",
}  # fmt: skip
_ENDS = {
    "SETTLED": "visits_settled",
    "DECLINED": "visits_declined",
    "LAPSED": "visits_lapsed",
    "CANCELLED_CUSTOMER": "visits_cancelled_by_customer",
    "CANCELLED_SHOP": "visits_cancelled_by_shop",
    "CANCELLED_WEATHER": "visits_cancelled_for_weather",
    "NO_SHOW_CUSTOMER": "no_shows_of_customers",
    "NO_SHOW_SHOP": "no_shows_of_the_shop",
    "RULED": "visits_ruled",
    "RETURNED": "visits_returned",
}
_CAUSES = {
    "REDEEMED": "vouchers_for_points", "GIVEN": "vouchers_given", "OWED": "vouchers_owed",
}  # fmt: skip

# Column: what it says in English and Chinese. The order is that of the columns.
FIGURES: dict[str, tuple[str, str]] = {
    "bookings_requested": ("bookings that were asked for", "预约申请数"),
    "visits_settled": ("bookings whose visit was paid", "已完成付款的预约数"),
    "visits_declined": ("bookings that the shop declined", "商家婉拒的预约数"),
    "visits_lapsed": ("bookings that the shop left unanswered", "商家未答复而失效的预约数"),
    "visits_cancelled_by_customer": ("bookings cancelled by the customer", "客户取消的预约数"),
    "visits_cancelled_by_shop": ("bookings cancelled by the shop", "商家取消的预约数"),
    "visits_cancelled_for_weather": ("bookings cancelled for weather", "因天气取消的预约数"),
    "no_shows_of_customers": ("visits that the customer missed", "客户未到店次数"),
    "no_shows_of_the_shop": ("customers whom the shop did not serve", "商家未服务次数"),
    "visits_ruled": ("complaints that ended in a ruling or a grant", "经裁决结束的争议数"),
    "visits_returned": ("bookings whose money the chain gave back", "由链退还款项的预约数"),
    "visits_redone": ("visits paid after the work was done again", "返工后付款的次数"),
    "put_on_hold": ("money that customers put on hold for bookings", "客户为预约冻结的金额"),
    "paid_to_shop": ("money of bookings, paid to the shop", "预约付给商家的金额"),
    "fees_to_shop": ("in that, fees of cancelled and missed visits", "其中取消和未到店的费用"),
    "back_to_customers": ("money of bookings, back to customers", "预约退回客户的金额"),
    "extra_work": ("extra work that customers approved", "客户同意的加项金额"),
    "voucher_discounts": ("what vouchers took off prices", "优惠券抵扣金额"),
    "cards_sold": ("cards sold", "售出的卡数"),
    "cards_sold_money": ("money that customers paid for cards", "售卡收款金额"),
    "card_uses": ("uses of cards that the shop earned by", "卡消费次数"),
    "cards_earned": ("worth of cards that was used up", "卡已消费金额"),
    "cards_paid_to_shop": ("money of cards, paid to the shop", "卡付给商家的金额"),
    "cards_left": ("cards that were left or ended", "退卡和到期的卡数"),
    "cards_back": ("money of cards, back to holders", "卡退回持卡人的金额"),
    "cards_claims": ("owed to holders and not covered", "未保障的欠款金额"),
    "points_own_given": ("points of the shop given", "发放的本店积分"),
    "points_own_spent": ("points of the shop turned into vouchers", "兑换的本店积分"),
    "points_own_ended": ("points of the shop whose time was over", "过期的本店积分"),
    "points_shared_given": ("points of an alliance given", "发放的联盟积分"),
    "points_shared_spent": ("points of an alliance turned into vouchers", "兑换的联盟积分"),
    "points_shared_ended": ("points of an alliance whose time was over", "过期的联盟积分"),
    "vouchers_for_points": ("vouchers made for points", "积分兑换的优惠券数"),
    "vouchers_given": ("vouchers that the shop gave", "商家赠送的优惠券数"),
    "vouchers_owed": ("vouchers owed for the shop's failures", "商家因失误补偿的优惠券数"),
    "vouchers_used": ("vouchers used, less those that came back", "已使用的优惠券数"),
    "vouchers_void": ("vouchers given up or taken back", "作废的优惠券数"),
    "alliance_paid_ahead": ("money paid ahead to alliances", "预付联盟的金额"),
    "alliance_taken_back": ("money taken back from alliances", "从联盟取回的金额"),
    "alliance_received": ("money from alliances for points spent here", "联盟积分结算收入"),
    "received": ("all money that the shop got", "商家收到的全部金额"),
}
BALANCE_TEXTS: dict[str, tuple[str, str]] = {
    "bookings_held": ("on hold for bookings", "预约冻结金额"),
    "cards_liability": ("owed to holders of cards", "对持卡人的负债"),
    "cards_held": ("on hold for cards", "卡冻结金额"),
    "cards_open": ("open cards", "未结清的卡数"),
    "claim": ("owed to former holders and not covered", "未保障的欠款"),
    "points_own": ("points of the shop that are out", "未使用的本店积分"),
    "points_shared": ("points of alliances that are out", "未使用的联盟积分"),
}
assert tuple(BALANCE_TEXTS) == BALANCES


def figures_of(line: Line) -> Counter[str]:
    """Return what one line adds to the figures."""
    found: Counter[str] = Counter()
    of = _RULES.get(line.kind)
    if of is not None:
        of(line, found)
    found["received"] = line.to_shop + (line.alliance if line.kind == "alliance_paid_out" else 0)
    return found


def _requested(line: Line, found: Counter[str]) -> None:
    found["bookings_requested"] = 1
    found["put_on_hold"] = line.held_in


def _held(line: Line, found: Counter[str]) -> None:
    found["put_on_hold"] = line.held_in
    found["extra_work"] = line.held_in if line.kind == "booking_extra" else 0


def _back(line: Line, found: Counter[str]) -> None:
    found["back_to_customers"] = line.to_customer


def _closed(line: Line, found: Counter[str]) -> None:
    found[_ENDS[line.state]] = 1
    found["put_on_hold"] = line.held_in
    found["paid_to_shop"] = line.to_shop
    found["fees_to_shop"] = line.to_shop if line.state in _FEE_STATES else 0
    found["back_to_customers"] = line.to_customer


def _card(line: Line, found: Counter[str]) -> None:
    found["cards_sold"] = int(line.kind == "card_sold")
    found["cards_sold_money"] = line.sold
    found["card_uses"] = int(line.kind == "card_used" and line.state in {"SETTLED", "RULED"})
    found["cards_earned"] = line.earned
    found["cards_paid_to_shop"] = line.to_shop
    found["cards_left"] = -line.cards_open if line.kind == "card_refunded" else 0
    found["cards_back"] = line.to_customer
    found["cards_claims"] = line.claim


def _points(line: Line, found: Counter[str]) -> None:
    what = {"points_earned": "given", "points_redeemed": "spent", "points_expired": "ended"}
    found[f"points_own_{what[line.kind]}"] = abs(line.points_own)
    found[f"points_shared_{what[line.kind]}"] = abs(line.points_shared)


def _voucher(line: Line, found: Counter[str]) -> None:
    if line.kind == "voucher_made":
        found[_CAUSES[line.state]] = 1
    elif line.kind == "voucher_void":
        found["vouchers_void"] = 1
    else:
        found["vouchers_used"] = 1 if line.kind == "voucher_used" else -1


def _alliance(line: Line, found: Counter[str]) -> None:
    names = {"paid_ahead": "paid_ahead", "taken_back": "taken_back", "paid_out": "received"}
    found[f"alliance_{names[line.kind.removeprefix('alliance_')]}"] = abs(line.alliance)


def _discount(line: Line, found: Counter[str]) -> None:
    found["voucher_discounts"] = line.discount


def _redone(_line: Line, found: Counter[str]) -> None:
    found["visits_redone"] = 1


_RULES: dict[str, Callable[[Line, Counter[str]], None]] = {
    "booking_requested": _requested,
    "booking_paid": _held,
    "booking_extra": _held,
    "booking_voucher": _discount,
    "booking_paid_back": _back,
    "booking_returned": _back,
    "booking_closed": _closed,
    "visit_redone": _redone,
    **dict.fromkeys(
        ("card_sold", "card_released", "card_used", "card_refunded", "card_returned"), _card
    ),
    **dict.fromkeys(("points_earned", "points_expired", "points_redeemed"), _points),
    **dict.fromkeys(("voucher_made", "voucher_used", "voucher_void", "voucher_back"), _voucher),
    **dict.fromkeys(("alliance_paid_ahead", "alliance_taken_back", "alliance_paid_out"), _alliance),
}
KINDS = tuple(_RULES)


@dataclass(slots=True)
class Sums:
    """Figures of a part of the journal, and who the customers in it are."""

    figures: Counter[str] = field(default_factory=Counter)
    people: set[bytes] = field(default_factory=set)

    def add(self, line: Line) -> None:
        """Take one more line."""
        self.figures.update(figures_of(line))
        if line.customer:
            self.people.add(line.customer)

    @property
    def customers(self) -> int | None:
        """How many customers there are; None for 1 to 4, who could be recognised."""
        count = len(self.people)
        return count if count == 0 or count >= SHOWN_MIN else None

    def columns(self) -> dict[str, int]:
        """Return every figure under its name, in order."""
        return {name: self.figures[name] for name in FIGURES}


@dataclass(slots=True)
class Report:
    """A journal's sums: before a time, and within [from, until) by part."""

    from_ms: int
    until_ms: int
    day_of: Callable[[int], str]
    opening: Counter[str] = field(default_factory=Counter)
    change: Counter[str] = field(default_factory=Counter)
    total: Sums = field(default_factory=Sums)
    by_day: dict[tuple[str, int], Sums] = field(default_factory=dict)
    by_service: dict[int, Sums] = field(default_factory=dict)

    def take(self, lines: Iterable[Line]) -> None:
        """Take the next lines in the order of the chain."""
        for line in lines:
            changes = {name: getattr(line, name) for name in BALANCES}
            if line.time_ms < self.from_ms:
                self.opening.update(changes)
            elif line.time_ms < self.until_ms:
                self.change.update(changes)
                self.total.add(line)
                key = self.day_of(line.time_ms), line.service
                self.by_day.setdefault(key, Sums()).add(line)
                self.by_service.setdefault(line.service, Sums()).add(line)

    def balances(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return what was open before and what is open after the period."""
        before = {name: self.opening[name] for name in BALANCES}
        return before, {name: before[name] + self.change[name] for name in BALANCES}
