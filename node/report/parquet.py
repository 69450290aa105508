"""Tables as Parquet files: texts and 64-bit integers, each column with what it says.

Needs pyarrow, which comes with the extra `washnode[analytics]`; without it this is not imported.
"""

import io
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from node.report.table import Cell, Column, Row

_KINDS: dict[str, Any] = {"text": pa.string(), "integer": pa.int64()}


def parquet_bytes(columns: Sequence[Column], rows: Iterable[Row]) -> bytes:
    """Return a Parquet file."""
    fields = [
        pa.field(one.name, _KINDS[one.kind], metadata={"en": one.text, "zh": one.zh})
        for one in columns
    ]
    listed = list(rows)
    arrays = [
        pa.array([row[place] for row in listed], _KINDS[one.kind])
        for place, one in enumerate(columns)
    ]
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), sink)
    return sink.getvalue()


def read_parquet(columns: Sequence[Column], data: bytes) -> list[list[Cell]]:
    """Return the rows of a Parquet file."""
    table = parquet.read_table(io.BytesIO(data))
    lists = [table.column(one.name).to_pylist() for one in columns]
    return [list(row) for row in zip(*lists, strict=True)]
