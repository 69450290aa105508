"""The form of all that a store holds, without its contents.

`python -m tests.node.formats` writes it for the format of today, which must be a new one: stores of
the number that is there lie on people's disks.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from chain.codec import decode_value
from chain.errors import MalformedBytesError
from chain.state import Space
from chain.store import Store
from chain.store_format import FORMAT
from chain.tables import Table
from chain.transaction import Call, Deploy, Transfer, instance_id
from tests.make import BOX, MONEY, TestChain, account, compiled, word

FOLDER = Path(__file__).parents[1] / "vectors" / "databases"
FILE = FOLDER / f"format-{FORMAT}.json"
_KNOWN = {8, 32, 64}  # lengths of bytes that mean something


def live(folder: Path) -> None:
    """Let a small chain have something in every table."""
    chain = TestChain(folder)
    tx = chain.sign("olga", Deploy(compiled(BOX), (MONEY,), (), ()), gas_limit=300_000)
    chain.run(tx)
    box = instance_id(tx.tx_id, 0)
    chain.do("alice", Call(box, "plan", (word("rung"), chain.now + 3_600_000), 0))
    for amount in range(1, 5):
        chain.do("alice", Transfer(MONEY, account("bob"), amount))
    chain.ledger.store.drop_bodies([1, 2], 3)
    chain.close()


def shape(value: Any) -> Any:
    """Return what a value is made of: lists of unlike parts by place, of like ones as one."""
    if isinstance(value, bytes):
        inner = _decoded(value)
        if inner is not None:
            return {"bytes of": inner}
        return f"bytes {len(value)}" if len(value) in _KNOWN else "bytes"
    if not isinstance(value, list):
        return type(value).__name__
    parts = [shape(one) for one in value]
    is_alike = len(parts) > 1 and all(one == parts[0] for one in parts)
    return {f"{len(parts)} of": parts[0]} if is_alike else parts


def _decoded(data: bytes) -> Any:
    try:
        value = decode_value(data) if len(data) not in _KNOWN else None
    except MalformedBytesError:
        return None
    return shape(value) if isinstance(value, list) and value else None


def _form(table: Table, key: bytes, value: bytes) -> tuple[str, Any]:
    if table == Table.META:
        return key.decode(), "bytes" if key == b"genesis" else f"{len(value)} bytes"
    if table == Table.STATE:
        name = Space(key[0]).name
        if key[0] == Space.CODE:
            return name, "container"
        return f"{name}, key of {len(key)}", shape(value)
    if table == Table.NODE:  # how many bytes a record has depends on what it stands for
        return f"path of {min(len(key), 1)} and more", "record"
    return f"key of {len(key)}", shape(value) if value else "nothing"


def forms(folder: Path) -> dict[str, Any]:
    """Return the forms of a store's entries, by table and kind of key."""
    found: dict[str, dict[str, list[Any]]] = {}
    with Store(str(folder), create=False) as store:
        for table in Table:
            rows = found.setdefault(table.name, {})
            for key, value in store.table_entries(table):
                kind, form = _form(table, key, value)
                if kind == "open":
                    continue
                seen = rows.setdefault(kind, [])
                if form not in seen:
                    seen.append(form)
    ordered = {
        table: {kind: sorted(seen, key=json.dumps) for kind, seen in sorted(rows.items())}
        for table, rows in found.items()
    }
    return {
        "format": FORMAT,
        "prefixes": {one.name: one.value.decode() for one in Table},
        "tables": ordered,
    }


def forms_of_today() -> dict[str, Any]:
    """Return the forms of a chain that is made now."""
    with tempfile.TemporaryDirectory() as folder:
        live(Path(folder) / "chain")
        return forms(Path(folder) / "chain")


if __name__ == "__main__":
    if FILE.exists() and "--again" not in sys.argv:
        sys.exit(f"{FILE} is there: give the form a new number in chain/store_format.py first")
    FILE.write_text(json.dumps(forms_of_today(), indent=1) + "\n", encoding="utf-8")
