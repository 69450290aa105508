"""Tables as files: they come back as they were, and no spreadsheet runs what is in them."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.report.export import DAYS, JOURNAL
from node.report.parquet import parquet_bytes, read_parquet
from node.report.table import (
    BOM,
    Column,
    TableError,
    read_csv,
    read_json_lines,
    write_csv,
    write_json_lines,
)

COLUMNS = (
    Column("name", "text", "a name", "名称"),
    Column("amount", "integer", "an amount", "金额"),
    Column("note", "text", "a note", "备注"),
)
INT64 = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
RISKY = st.sampled_from(
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'=1", "'", "''x", "a,b", 'a"b', "a\nb"]
)
cells = st.tuples(RISKY | TEXTS, st.none() | INT64, RISKY | TEXTS)
tables = st.lists(cells, max_size=8)


@given(tables, st.booleans())
def test_csv_comes_back_as_it_was_written(rows: list[Any], bom: bool) -> None:  # noqa: FBT001
    text = (BOM if bom else "") + "".join(write_csv(COLUMNS, rows))

    assert read_csv(COLUMNS, text) == [list(row) for row in rows]


@given(tables)
def test_no_text_in_a_csv_begins_like_a_formula(rows: list[Any]) -> None:
    text = "".join(write_csv(COLUMNS, rows))

    told = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert [cell for row in told for cell in (row[0], row[2]) if cell[:1] in set("=+-@\t\r")] == []


@given(tables)
def test_json_lines_come_back_as_they_were_written(rows: list[Any]) -> None:
    text = "".join(write_json_lines(COLUMNS, rows))

    assert read_json_lines(COLUMNS, text) == [list(row) for row in rows]


@given(tables)
def test_parquet_comes_back_as_it_was_written(rows: list[Any]) -> None:
    assert read_parquet(COLUMNS, parquet_bytes(COLUMNS, rows)) == [list(row) for row in rows]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the first line does not name these columns: name, amount, note"),
        ("a,b,c\r\n", "the first line does not name these columns"),
        ("name,amount,note\r\nx,1\r\n", "line 2: 2 cells, not 3"),
        ("name,amount,note\r\nx,1.5,y\r\n", "line 2: amount is no whole number"),
        ('name,amount,note\r\n"x,1,y\r\n', "unexpected end of data"),
    ],
)
def test_a_csv_that_is_none_is_refused_with_the_line(text: str, fault: str) -> None:
    with pytest.raises(TableError, match=fault):
        read_csv(COLUMNS, text)


@pytest.mark.parametrize("text", ["{}\n", "[1]\n", "{\n"])
def test_json_lines_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(TableError, match="no lines of JSON"):
        read_json_lines(COLUMNS, text)


@pytest.mark.parametrize("columns", [JOURNAL, DAYS])
def test_columns_have_names_of_their_own_and_two_languages(columns: tuple[Column, ...]) -> None:
    names = [one.name for one in columns]

    assert len(set(names)) == len(names)
    assert [one.name for one in columns if one.zh.isascii() or not one.text.isascii()] == []
