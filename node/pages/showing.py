"""How values look to people: money, times in the shop's zone, short ids, lengths of time."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.pages.words import Lang

_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "HKD": "HK$"}
_NO_DECIMALS = ("JPY", "KRW")
_SHORT_MIN = 18
_WEEKDAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def show_money(amount: Any) -> str:
    """Return money as people write it: ¥6.80. Takes {"amount", "currency"} or minor units."""
    is_bare = isinstance(amount, int)
    minor = amount if is_bare else amount["amount"]
    currency = ("CNY" if is_bare else amount["currency"]) or ""
    sign = _SIGNS.get(currency, f"{currency} ")
    if currency in _NO_DECIMALS:
        return f"{'-' if minor < 0 else ''}{sign}{abs(minor):,}"
    whole, rest = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{sign}{whole:,}.{rest:02}"


def is_money(amount: Any) -> bool:
    """Tell whether an amount is of a currency, and not points or the like."""
    return amount["currency"] in _SIGNS


def zone_of(name: str, fallback: str) -> str:
    """Return the name of a time zone that this machine knows: the shop's, or the fallback."""
    for one in (name, fallback):
        try:
            ZoneInfo(one)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
        return one
    return "UTC"


def at_zone(time_ms: int, zone: str) -> datetime:
    """Return a time in a zone."""
    return datetime.fromtimestamp(time_ms // 1_000, UTC).astimezone(ZoneInfo(zone))


def midnight(time_ms: int, zone: str, days: int = 0) -> int:
    """Return when the local day of a time began, or another day counted from it, ms UTC."""
    local = at_zone(time_ms, zone)
    first = local.toordinal() + days
    day = datetime.fromordinal(first).replace(tzinfo=ZoneInfo(zone))
    return int(day.timestamp()) * 1_000


def show_clock(time_ms: int, zone: str) -> str:
    """Return the time of day: 14:30."""
    return f"{at_zone(time_ms, zone):%H:%M}"


def show_day(time_ms: int, zone: str, lang: Lang) -> str:
    """Return a day with its weekday: Mon 5 Jan, or 1月5日 周一."""
    return show_calendar_day(at_zone(time_ms, zone).date(), lang)


def show_calendar_day(day: date, lang: Lang) -> str:
    """Return a day of the calendar with its weekday."""
    weekday = _WEEKDAYS[lang][day.weekday()]
    if lang == "zh":
        return f"{day.month}月{day.day}日 {weekday}"
    return f"{weekday} {day.day} {_MONTHS[day.month - 1]}"


def show_date(time_ms: int, zone: str, lang: Lang) -> str:
    """Return a day with its year, for what is far away: Fri 5 Jan 2029, or 2029年1月5日 周五."""
    year, shown = at_zone(time_ms, zone).year, show_day(time_ms, zone, lang)
    return f"{year}年{shown}" if lang == "zh" else f"{shown} {year}"


def show_time(time_ms: int, zone: str, lang: Lang) -> str:
    """Return a day and the time of day: Mon 5 Jan, 14:30."""
    comma = " " if lang == "zh" else ", "
    return f"{show_day(time_ms, zone, lang)}{comma}{show_clock(time_ms, zone)}"


def show_near(time_ms: int, now_ms: int, zone: str, lang: Lang) -> str:
    """Return the time of day alone for what is today, with its day for everything else."""
    is_today = at_zone(time_ms, zone).date() == at_zone(now_ms, zone).date()
    return show_clock(time_ms, zone) if is_today else show_time(time_ms, zone, lang)


def show_weekday(weekday: int, lang: Lang) -> str:
    """Return the name of a weekday, 0 = Monday."""
    return _WEEKDAYS[lang][weekday]


def show_duration(length_ms: int, lang: Lang) -> str:
    """Return a length of time in its two greatest units: 2 h 30 min."""
    units = (
        (DAY_MS, "天", "days" if length_ms >= 2 * DAY_MS else "day"),
        (HOUR_MS, "小时", "h"),
        (MINUTE_MS, "分钟", "min"),
    )
    parts: list[str] = []
    for size, zh, en in units:
        count, length_ms = divmod(length_ms, size)
        if count and len(parts) < 2:  # noqa: PLR2004 - two units say enough
            parts.append(f"{count} {zh if lang == 'zh' else en}")
    return " ".join(parts) or ("0 分钟" if lang == "zh" else "0 min")


def show_percent(basis_points: int) -> str:
    """Return a share: 12.5 %."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}{f'.{rest:02}'.rstrip('0') if rest else ''} %"


def shorten(text: str) -> str:
    """Return an id with its middle left out; pages keep the whole of it for those who look."""
    return text if len(text) <= _SHORT_MIN else f"{text[:10]}…{text[-4:]}"


def pick_name(text: str, lang: Lang) -> str:
    """Return the part of a name in two languages, "English / 中文", that is in this one."""
    parts = [part.strip() for part in text.split(" / ")]
    if len(parts) != 2:  # noqa: PLR2004 - a name in two languages
        return text
    is_chinese = [any("一" <= letter <= "鿿" for letter in part) for part in parts]
    if is_chinese[0] == is_chinese[1]:
        return text
    return parts[is_chinese.index(lang == "zh")]
