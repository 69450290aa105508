"""Tables as files: CSV that is safe to open and comes back as it was, and JSON lines. Pure.

A spreadsheet runs a cell that begins with = + - @ as a formula, and names of services are other
people's texts. So a text that begins like one, or with the apostrophe itself, gets an apostrophe in
front; whoever reads the file back takes one away.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chain.errors import WashError

Cell: TypeAlias = str | int | None
Row: TypeAlias = Sequence[Cell]
BOM = "\ufeff"
_RISKY = "=+-@\t\r'"


class TableError(WashError):
    """A file that is not a table of these columns."""

    code = 7008


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what its cells are, and what they say in two languages."""

    name: str
    kind: Literal["text", "integer"]
    text: str
    zh: str


def write_csv(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    """Yield the lines of a CSV file, the names of the columns first."""
    yield _line([one.name for one in columns])
    for row in rows:
        yield _line([_shown(cell) for cell in row])


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, int):
        return str(cell)
    return f"'{cell}" if cell[:1] and cell[0] in _RISKY else cell


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()


def read_csv(columns: Sequence[Column], text: str) -> list[list[Cell]]:
    """Return the rows of a CSV file as they were written; raises TableError."""
    reader = csv.reader(io.StringIO(text.removeprefix(BOM), newline=""), strict=True)
    names = [one.name for one in columns]
    try:
        if next(reader, None) != names:
            message = f"the first line does not name these columns: {', '.join(names)}"
            raise TableError(message)
        return [_read_row(columns, cells, reader.line_num) for cells in reader]
    except csv.Error as error:
        message = f"line {reader.line_num}: {error}"
        raise TableError(message) from error


def _read_row(columns: Sequence[Column], cells: Sequence[str], line: int) -> list[Cell]:
    if len(cells) != len(columns):
        message = f"line {line}: {len(cells)} cells, not {len(columns)}"
        raise TableError(message)
    row: list[Cell] = []
    for column, cell in zip(columns, cells, strict=True):
        if column.kind == "text":
            row.append(cell[1:] if cell[:1] == "'" else cell)
            continue
        try:
            row.append(int(cell) if cell else None)
        except ValueError as error:
            message = f"line {line}: {column.name} is no whole number"
            raise TableError(message) from error
    return row


def write_json_lines(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    """Yield a JSON object for each row, a line each."""
    names = [one.name for one in columns]
    for row in rows:
        yield json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n"


def read_json_lines(columns: Sequence[Column], text: str) -> list[list[Cell]]:
    """Return the rows of a file of JSON lines; raises TableError."""
    try:
        found = [json.loads(line) for line in text.split("\n") if line]
        return [[one[column.name] for column in columns] for one in found]
    except (ValueError, KeyError, TypeError) as error:
        message = f"no lines of JSON with these columns: {error!r}"
        raise TableError(message) from error
