"""Reading a history: every form it may take, and every way it may be refused."""

import gzip
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.rehearse import rows as rows_module
from node.rehearse.errors import InputError, shorten
from node.rehearse.rows import COLUMNS, Row, parse_price, parse_time, read_rows, refusal


def packed(data: bytes) -> bytes:
    """Return data as a file of gzip, the same bytes at any time."""
    return gzip.compress(data, mtime=0)


HEADER = ",".join(COLUMNS)
LINE = (
    "b1,s1,c1,2025-03-01,2025-03-02T09:00,2025-03-02T10:00,6800,CNY,fair,completed,2025-03-02T10:05"
)
DAY_MS = 86_400_000
MARCH_1_MS = 20_148 * DAY_MS
NINE_ON_MARCH_2_MS = MARCH_1_MS + DAY_MS + 32_400_000
ROW = Row(
    number=2,
    booking_id="b1",
    shop_id="s1",
    customer_id="c1",
    created_at_ms=MARCH_1_MS,
    slot_start_ms=NINE_ON_MARCH_2_MS,
    slot_end_ms=NINE_ON_MARCH_2_MS + 3_600_000,
    price_minor=6800,
    currency="CNY",
    policy="fair",
    outcome="completed",
    outcome_at_ms=NINE_ON_MARCH_2_MS + 3_900_000,
)


def saved(folder: Path, data: str | bytes) -> Path:
    path = folder / "history.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def refusing(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        list(read_rows(path))
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    "data",
    [
        f"{HEADER}\n{LINE}\n".encode(),
        f"{HEADER}\r\n{LINE}".encode(),
        f"\ufeff{HEADER}\n{LINE}\n\n".encode(),
        f'"{HEADER}"\n"{LINE}"\n'.replace(",", '","').encode(),
        f"note,{HEADER}\nvip,{LINE}\n".encode(),
        packed(f"{HEADER}\n{LINE}\n".encode()),
        packed(f"\ufeff{HEADER}\n".encode()) + packed(LINE.encode()),
    ],
    ids=["plain", "crlf", "byte order mark", "quoted", "other columns", "gzip", "gzip members"],
)
def test_one_booking_reads_the_same_from_every_form_of_file(tmp_path: Path, data: bytes) -> None:
    path = saved(tmp_path, data)

    found = list(read_rows(path))

    assert found == [ROW]


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    columns = HEADER.split(",")[::-1]
    path = saved(tmp_path, ",".join(columns) + "\n" + ",".join(LINE.split(",")[::-1]) + "\n")

    found = list(read_rows(path))

    assert found == [ROW]


def test_rows_keep_the_order_of_the_file_and_their_numbers_in_it(tmp_path: Path) -> None:
    path = saved(tmp_path, f"{HEADER}\n{LINE}\n\n{LINE.replace('b1', 'b0')}\n")

    found = [(row.number, row.booking_id) for row in read_rows(path)]

    assert found == [(2, "b1"), (4, "b0")]


def test_empty_names_are_names(tmp_path: Path) -> None:
    path = saved(
        tmp_path, f"{HEADER}\n,,,2025-03-01,2025-03-01,2025-03-01,1,,,no_show,2025-03-01\n"
    )

    (row,) = read_rows(path)

    assert (row.shop_id, row.customer_id, row.policy, row.currency) == ("", "", "", "")
    assert refusal(row, {"fair"}) == "policy_unknown"
    assert refusal(row, {""}) is None


@pytest.mark.parametrize(
    ("text", "after_midnight_ms"),
    [
        ("2025-03-01", 0),
        ("2025-03-01T00:00Z", 0),
        ("2025-03-01 08", 28_800_000),
        ("2025-03-01 09:30", 34_200_000),
        ("2025-03-01T09:30:01.2", 34_201_200),
        ("2025-03-01T09:30:01.2349999Z", 34_201_234),
        ("2025-03-01T09:30:00+08:00", 5_400_000),
        ("2025-02-28 22:00:00-0930", 27_000_000),
    ],
)
def test_times_are_taken_to_the_millisecond_in_utc(text: str, after_midnight_ms: int) -> None:
    found = parse_time(text)

    assert found == MARCH_1_MS + after_midnight_ms


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2999, 12, 30)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from("T "),
)
def test_any_time_survives_being_written_with_any_offset(
    moment: datetime, offset_minutes: int, separator: str
) -> None:
    offset = timezone(timedelta(minutes=offset_minutes))
    text = moment.replace(tzinfo=UTC).astimezone(offset).isoformat(sep=separator)

    found = parse_time(text)

    assert found == (moment - datetime(1970, 1, 1)) // timedelta(milliseconds=1)  # noqa: DTZ001


@given(st.text(alphabet="0123456789-:+. TZW\u0663\uff11e", max_size=30) | st.text(max_size=40))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        found = parse_time(text)
    except ValueError:
        found = 0

    assert 0 <= found < 32_503_680_000_000


@pytest.mark.parametrize("text", ["0", "-5", "007", "9" * 30])
def test_whole_numbers_are_prices(text: str) -> None:
    found = parse_price(text)

    assert found == int(text)


@pytest.mark.parametrize(
    "text", ["", "-", "1.0", "1e3", "+1", " 1", "1_0", "٣", "--1", "9" * 31, "NaN"]
)
def test_anything_else_is_no_price(text: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        parse_price(text)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("price_minor", "12.50", "row 3, column price_minor: expected a whole number"),
        ("outcome", "Completed", "row 3, column outcome: expected one of completed, cancelled"),
        ("created_at", "01.03.2025", "row 3, column created_at: expected a date or date-time"),
        ("slot_start", "2025-W09-6", "row 3, column slot_start: expected a date or date-time"),
        ("slot_end", "1969-12-31", "row 3, column slot_end: expected a year from 1970"),
        ("outcome_at", "", "row 3, column outcome_at: expected a date or date-time"),
        ("booking_id", "x" * 257, "row 3, column booking_id: expected at most 256 characters"),
        ("customer_id", "x" * 257, "row 3, column customer_id: expected at most 256 characters"),
        ("shop_id", "x" * 257, "row 3, column shop_id: expected at most 256 characters"),
    ],
)
def test_a_row_not_understood_is_named_with_its_column(
    tmp_path: Path, column: str, value: str, message: str
) -> None:
    fields = LINE.split(",")
    fields[COLUMNS.index(column)] = value
    path = saved(tmp_path, f"{HEADER}\n{LINE}\n{','.join(fields)}\n")

    found = refusing(path)

    assert found.startswith(message)
    assert shorten(value) in found


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "row 1: no header: expected the columns booking_id, shop_id"),
        (b"\n", "row 1: no header: expected the columns booking_id, shop_id"),
        (b"booking_id,price\n", "row 1: missing columns shop_id, customer_id"),
        (HEADER.encode() + b",outcome\n", "row 1: columns given more than once: outcome"),
        (f"{HEADER}\n{LINE},x\n".encode(), "row 2: 12 fields, but the header has 11"),
        (f"{HEADER}\n{LINE[:20]}\n".encode(), "row 2: 5 fields, but the header has 11"),
        (f'{HEADER}\n"{LINE}\n'.encode(), "after row 1: no valid csv"),
        (f"{HEADER}\n{LINE}\n\xff".encode("latin-1"), "after row 1: byte 0xff is no UTF-8"),
        (HEADER.encode("utf-16"), "after row 1: byte 0xff is no UTF-8"),
        (b"\x1f\x8b junk", "after row 1: damaged gzip data"),
        (packed(HEADER.encode())[:-9], "after row 1: damaged gzip data"),
        (b"x" * 70_000, "a line of 65536 characters or more"),
        (packed(b"x" * 70_000), "a line of 65536 characters or more"),
        ((f'{HEADER}\n"' + "x\n" * 70_000).encode(), "after row 1: no valid csv"),
    ],
)
def test_a_file_that_is_no_history_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = saved(tmp_path, data)

    found = refusing(path)

    assert found.startswith(message)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    found = [refusing(tmp_path / "none.csv"), refusing(tmp_path).removeprefix(f"{tmp_path}: ")]

    assert found == [
        "cannot be opened: No such file or directory",
        "cannot be opened: Is a directory",
    ]


def test_more_rows_than_the_bound_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "ROWS_MAX", 3)
    path = saved(tmp_path, HEADER + f"\n{LINE}" * 4)

    reader = read_rows(path)

    assert [next(reader).number for _ in range(3)] == [2, 3, 4]
    with pytest.raises(InputError, match="more than 3 rows"):
        next(reader)


def test_a_gzip_that_unpacks_beyond_the_bound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "FILE_LENGTH_MAX", 100_000)
    path = saved(tmp_path, packed((HEADER + "\n" * 200_000).encode()))

    found = refusing(path)

    assert found == "more than 100000 characters: split the file"


def test_full_caches_change_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [LINE.replace("6800", str(price)).replace("s1", f"s{price}") for price in range(20)]
    path = saved(tmp_path, "\n".join([HEADER, *lines]))
    roomy = list(read_rows(path))

    monkeypatch.setattr(rows_module, "_CACHE_ENTRIES_MAX", 2)

    assert list(read_rows(path)) == roomy


@given(st.binary(max_size=300))
def test_any_bytes_after_a_header_are_rows_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = saved(tmp_path_factory.mktemp("any"), f"{HEADER}\n{LINE}\n".encode() + data)

    try:
        found = list(read_rows(path))
    except InputError:
        found = [ROW]

    assert found[0] == ROW


def row_with(**fields: int | str) -> Row:
    known = {name: getattr(ROW, name) for name in Row.__slots__}
    return Row(**(known | fields))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW, None),
        (row_with(slot_end_ms=0), None),
        (row_with(created_at_ms=NINE_ON_MARCH_2_MS, outcome_at_ms=NINE_ON_MARCH_2_MS), None),
        (row_with(price_minor=0, policy="none"), "price_not_positive"),
        (row_with(price_minor=-1), "price_not_positive"),
        (row_with(price_minor=2**53 - 1), None),
        (row_with(price_minor=2**53, policy="none"), "price_too_large"),
        (row_with(policy="none", outcome_at_ms=0), "policy_unknown"),
        (row_with(outcome_at_ms=MARCH_1_MS - 1), "outcome_before_creation"),
        (
            row_with(created_at_ms=NINE_ON_MARCH_2_MS + 1, outcome_at_ms=0),
            "outcome_before_creation",
        ),
        (row_with(created_at_ms=NINE_ON_MARCH_2_MS + 1), "created_after_slot"),
    ],
)
def test_the_first_reason_against_a_booking_is_given(row: Row, reason: str | None) -> None:
    found = refusal(row, {"fair"})

    assert found == reason
