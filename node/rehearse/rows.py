"""Reads a booking history: one row a booking, csv or gzipped csv.

Columns, in any order: booking_id, shop_id, customer_id, created_at, slot_start, slot_end,
price_minor, currency, policy, outcome, outcome_at. Others are ignored. A date means its midnight
UTC; a date-time without an offset means UTC and is cut to the millisecond.

Two kinds of bad row are kept apart. One that cannot be understood (a price that is no integer, an
outcome of another name) stops the reading with `InputError`. One that is understood but that no
shop could book (a price of 0) is read; `refusal` names the reason, and the report counts it.
"""

import csv
import gzip
import zlib
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from operator import itemgetter
from pathlib import Path
from typing import Final

from node.rehearse.errors import InputError, shorten

ROWS_MAX: Final = 5_000_000
LINE_LENGTH_MAX: Final = 65_536
TEXT_LENGTH_MAX: Final = 256
FILE_LENGTH_MAX: Final = 2_147_483_648
"""Characters in a whole file, after decompression."""

PRICE_DIGITS_MAX: Final = 30
PRICE_MAX: Final = 2**53 - 1
"""The greatest amount, in minor units: the last one that every JSON reader keeps exact."""

COLUMNS: Final = (
    "booking_id",
    "shop_id",
    "customer_id",
    "created_at",
    "slot_start",
    "slot_end",
    "price_minor",
    "currency",
    "policy",
    "outcome",
    "outcome_at",
)
OUTCOMES: Final = ("completed", "cancelled", "no_show")
"""The reasons of `refusal`, in their order of precedence."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - for times without an offset
_EPOCH_UTC: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_END_MS: Final = 32_503_680_000_000
_SEPARATORS: Final = frozenset(("", "T", " "))
_CACHE_ENTRIES_MAX: Final = 200_000


@dataclass(frozen=True, slots=True)
class Row:
    """One booking as the shop's history tells it.

    Times are ms UTC since 1970, the price is in minor units of `currency` and may be 0 or less (see
    `refusal`), `outcome` is one of `OUTCOMES`. `number` counts the file's rows from the header, 1.
    """

    number: int
    booking_id: str
    shop_id: str
    customer_id: str
    created_at_ms: int
    slot_start_ms: int
    slot_end_ms: int
    price_minor: int
    currency: str
    policy: str
    outcome: str
    outcome_at_ms: int


def refusal(row: Row, policies: Container[str]) -> str | None:
    """Return the first reason why a row can not be booked, None if it can."""
    price = row.price_minor
    if price <= 0:
        return "price_not_positive"
    if price > PRICE_MAX:
        return "price_too_large"
    if row.policy not in policies:
        return "policy_unknown"
    if row.outcome_at_ms < row.created_at_ms:
        return "outcome_before_creation"
    if row.created_at_ms > row.slot_start_ms:
        return "created_after_slot"
    return None


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the bookings of a history file, in the file's order.

    Gzip is told by its first two bytes, not by the name; a byte order mark is skipped; blank lines
    count as rows but yield nothing. Raises `InputError` at the first row that cannot be understood,
    and when one of this module's bounds is passed.
    """
    name = str(path)
    number = 1
    with _reading(name, path) as stream:
        reader = csv.reader(_bounded_lines(name, stream), strict=True)
        try:
            header = next(reader, None)
            pick = itemgetter(*_positions(name, header))
            width = len(header or ())
            parse = _RowParser(name)
            for number, fields in enumerate(reader, 2):
                if len(fields) != width:
                    if not fields:
                        continue
                    _refuse_width(name, number, len(fields), width)
                if number > ROWS_MAX + 1:
                    raise InputError(name, "", f"more than {ROWS_MAX} rows: split the file")
                yield parse.row(number, pick(fields))
        except csv.Error as error:
            raise InputError(name, f"after row {number}", f"no valid csv: {error}") from error
        except UnicodeDecodeError as error:
            problem = f"byte 0x{error.object[error.start]:02x} is no UTF-8: save the file as UTF-8"
            raise InputError(name, f"after row {number}", problem) from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(name, f"after row {number}", f"damaged gzip data: {error}") from error


@contextmanager
def _reading(name: str, path: Path) -> Iterator[TextIOWrapper]:
    """Open the file as text, through gzip if it begins like gzip; it is closed at the end."""
    try:
        binary = path.open("rb")
    except OSError as error:
        raise InputError(name, "", f"cannot be opened: {error.strerror}") from error
    with binary:
        zipped = binary.peek(2)[:2] == _GZIP_MAGIC
        content = gzip.GzipFile(fileobj=binary) if zipped else binary
        # newline="": the csv reader must see the line ends inside quoted fields as they are.
        with TextIOWrapper(content, encoding="utf-8-sig", newline="") as stream:
            yield stream


def _bounded_lines(name: str, stream: TextIOWrapper) -> Iterator[str]:
    """Yield the lines; one too long, or too many, end with `InputError`."""
    left = FILE_LENGTH_MAX
    read_line = stream.readline
    while line := read_line(LINE_LENGTH_MAX):
        length = len(line)
        left -= length
        if length == LINE_LENGTH_MAX:
            problem = f"a line of {LINE_LENGTH_MAX} characters or more: is this a csv file?"
            raise InputError(name, "", problem)
        if left < 0:
            problem = f"more than {FILE_LENGTH_MAX} characters: split the file"
            raise InputError(name, "", problem)
        yield line


def _positions(name: str, header: list[str] | None) -> list[int]:
    """Return where each of `COLUMNS` stands in the header."""
    if not header:
        raise InputError(name, "row 1", f"no header: expected the columns {', '.join(COLUMNS)}")
    if missing := [column for column in COLUMNS if column not in header]:
        seen = shorten(", ".join(header))
        raise InputError(name, "row 1", f"missing columns {', '.join(missing)}; seen {seen}")
    if twice := [column for column in COLUMNS if header.count(column) > 1]:
        raise InputError(name, "row 1", f"columns given more than once: {', '.join(twice)}")
    return [header.index(column) for column in COLUMNS]


def _refuse_width(name: str, number: int, seen: int, expected: int) -> None:
    problem = f"{seen} fields, but the header has {expected}: quote fields that hold a comma"
    raise InputError(name, f"row {number}", problem)


class _RowParser:
    """Turns the picked fields of one row into a `Row`, fast, or names the column at fault."""

    __slots__ = ("_name", "_outcomes", "_prices", "_texts", "_times")

    def __init__(self, name: str) -> None:
        self._name = name
        self._times = _TimeCache()
        self._prices = _PriceCache()
        self._texts = _TextCache()
        self._outcomes = {outcome: outcome for outcome in OUTCOMES}

    def row(self, number: int, fields: tuple[str, ...]) -> Row:
        """Return the row; the fields stand in the order of `COLUMNS`."""
        booking, shop, customer, created, start, end, price, currency, policy, outcome, at = fields
        times = self._times
        texts = self._texts
        if len(booking) > TEXT_LENGTH_MAX or len(customer) > TEXT_LENGTH_MAX:
            raise self._explanation(number, fields)
        try:
            return Row(
                number,
                booking,
                texts[shop],
                customer,
                times[created],
                times[start],
                times[end],
                self._prices[price],
                texts[currency],
                texts[policy],
                self._outcomes[outcome],
                times[at],
            )
        except (ValueError, KeyError) as error:
            raise self._explanation(number, fields) from error

    def _explanation(self, number: int, fields: Iterable[str]) -> InputError:
        """Parse field by field and return the error of the first bad one."""
        for column, text in zip(COLUMNS, fields, strict=True):
            place = f"row {number}, column {column}"
            try:
                if column in {"created_at", "slot_start", "slot_end", "outcome_at"}:
                    parse_time(text)
                elif column == "price_minor":
                    parse_price(text)
                elif column == "outcome":
                    _check_outcome(text)
                else:
                    _check_text(text)
            except ValueError as error:
                return InputError(self._name, place, f"{error}; seen {shorten(text)}")
        raise AssertionError("a row failed whose fields are all valid")


def _check_outcome(text: str) -> None:
    if text not in OUTCOMES:
        raise ValueError(f"expected one of {', '.join(OUTCOMES)}")


def _check_text(text: str) -> None:
    if len(text) > TEXT_LENGTH_MAX:
        raise ValueError(f"expected at most {TEXT_LENGTH_MAX} characters, got {len(text)}")


def parse_time(text: str) -> int:
    """Return an ISO 8601 date (its midnight UTC) or date-time as ms UTC since 1970.

    The date is written YYYY-MM-DD; T or a space comes before the time; without an offset the time
    is UTC; what is finer than a millisecond is cut off. Raises ValueError outside 1970 to 2999.
    """
    # fromisoformat also takes week dates, dates without hyphens and any separator: not asked for.
    if text[7:8] == "-" and text[10:11] in _SEPARATORS:
        try:
            moment = datetime.fromisoformat(text)
            since = moment - (_EPOCH if moment.tzinfo is None else _EPOCH_UTC)
        except ValueError:
            pass
        else:
            ms = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
            if 0 <= ms < _TIME_END_MS:
                return ms
            raise ValueError("expected a year from 1970 to 2999")
    raise ValueError("expected a date or date-time like 2025-03-01 or 2025-03-01T09:30:00+08:00")


def parse_price(text: str) -> int:
    """Return an amount in minor units: decimal digits, a minus sign allowed, nothing else."""
    digits = text[1:] if text[:1] == "-" else text
    # int() alone would take spaces, underscores and digits of other scripts.
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > PRICE_DIGITS_MAX:
        raise ValueError(
            "expected a whole number of minor units (cents, fen), "
            f"of at most {PRICE_DIGITS_MAX} digits"
        )
    return int(text)


class _TimeCache(dict[str, int]):
    """Text to ms; a history repeats its dates, and parsing one costs ten look-ups."""

    __slots__ = ()

    def __missing__(self, text: str) -> int:
        if len(self) >= _CACHE_ENTRIES_MAX:
            self.clear()
        self[text] = value = parse_time(text)
        return value


class _PriceCache(dict[str, int]):
    """Text to amount; a price list is short."""

    __slots__ = ()

    def __missing__(self, text: str) -> int:
        if len(self) >= _CACHE_ENTRIES_MAX:
            self.clear()
        self[text] = value = parse_price(text)
        return value


class _TextCache(dict[str, str]):
    """Text to itself, checked: repeated names are one object, which saves memory."""

    __slots__ = ()

    def __missing__(self, text: str) -> str:
        _check_text(text)
        if len(self) >= _CACHE_ENTRIES_MAX:
            self.clear()
        self[text] = text
        return text
