"""The tables that can be exported: the journal, and figures by day and service. Pure."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from chain.ids import encode_id
from node.report.calendar import Calendar
from node.report.figures import FIGURES, Report
from node.report.lines import AMOUNTS, Line
from node.report.table import Cell, Column

Kind: TypeAlias = Literal["journal", "days"]

_PLACE = (
    Column("date", "text", "day in the shop's zone", "门店当地日期"),
    Column("service", "integer", "number of the service; 0: of none", "服务编号; 0 表示无"),
    Column("service_name", "text", "its name today", "服务当前名称"),
)
_AMOUNT_TEXTS: dict[str, tuple[str, str]] = {
    "held_in": ("put on hold by the customer", "客户冻结金额"),
    "to_shop": ("paid to the shop", "付给商家的金额"),
    "to_customer": ("back to the customer", "退回客户的金额"),
    "discount": ("taken off the price by a voucher", "优惠券抵扣金额"),
    "sold": ("paid for a card", "购卡金额"),
    "earned": ("worth of a card that was used up", "卡已消费金额"),
    "claim": ("owed to a holder and not covered", "未保障的欠款"),
    "alliance": ("from an alliance; negative: paid ahead", "联盟资金; 负数为预付"),
    "bookings_held": ("change of what is on hold for bookings", "预约冻结金额的变化"),
    "cards_liability": ("change of what is owed to holders", "对持卡人负债的变化"),
    "cards_held": ("change of what is on hold for cards", "卡冻结金额的变化"),
    "cards_open": ("change of the number of open cards", "未结清卡数的变化"),
    "points_own": ("change of the shop's points", "本店积分的变化"),
    "points_shared": ("change of alliance points", "联盟积分的变化"),
}
assert tuple(_AMOUNT_TEXTS) == AMOUNTS

JOURNAL: tuple[Column, ...] = (
    Column("event", "text", "height and number of the event on the chain", "链上事件的高度和序号"),
    Column("time", "text", "with the offset of the shop's zone", "时间, 含门店时区偏移"),
    Column("time_ms", "integer", "the same, ms since 1970 UTC", "同上, 1970 年以来的毫秒数"),
    _PLACE[0],
    Column("kind", "text", "what happened", "事项类别"),
    Column(
        "reference", "text", "booking, card, use, voucher or alliance", "预约、卡、消费、券或联盟"
    ),
    Column("state", "text", "how it ended, why, or what kind of card", "结束方式、原因或卡类别"),
    *_PLACE[1:],
    *(Column(name, "integer", *_AMOUNT_TEXTS[name]) for name in AMOUNTS),
)
DAYS: tuple[Column, ...] = (
    *_PLACE,
    Column("customers", "integer", "how many; empty for 1 to 4", "客户数; 1 至 4 时留空"),
    *(Column(name, "integer", *texts) for name, texts in FIGURES.items()),
)
TABLES: dict[Kind, tuple[Column, ...]] = {"journal": JOURNAL, "days": DAYS}


def journal_row(line: Line, calendar: Calendar, service_name: str) -> list[Cell]:
    """Return the cells of a line of the journal."""
    local = calendar.local(line.time_ms)
    seconds = local.replace(microsecond=line.time_ms % 1_000 * 1_000)
    return [
        f"{line.height}-{line.number}",
        seconds.isoformat(timespec="milliseconds"),
        line.time_ms,
        local.date().isoformat(),
        line.kind,
        "" if line.reference is None else encode_id(*line.reference),
        line.state,
        line.service,
        service_name,
        *(getattr(line, name) for name in AMOUNTS),
    ]


def day_rows(report: Report, service_names: dict[int, str]) -> Iterator[list[Cell]]:
    """Yield the cells of each day and service of a report."""
    for (day, service), sums in sorted(report.by_day.items()):
        yield [day, service, service_names[service], sums.customers, *sums.columns().values()]
