"""The number of the form in which a store lies on disk, and what to do about another one.

A number is given anew whenever a program of before could misread what one of after wrote, or the
other way round: keys of tables, encodings of blocks, certificates, receipts, state and tree.

    1   blocks, certificates, receipts, indexes, state, tree; later also headers without bodies
    2   and what the chain's id is the hash of, so that a store tells by itself what it began with

From one number to the next there is a step in `node/storage/migrate.py`.
"""

from chain.errors import StoreError
from chain.tables import Table

FORMAT = 2
FORMATS_BEFORE = (1,)
SCHEMA_KEY = Table.META.value + b"schema"  # the number as decimal digits
GENESIS_KEY = Table.META.value + b"genesis"


class OlderFormatError(StoreError):
    """A store of an earlier format: a start migrates it, and keeps the old one."""

    code = 7009

    def __init__(self, path: str, found: int) -> None:
        text = (
            f"{path} has format {found}, this program writes {FORMAT}; a start migrates it and "
            "keeps the old files: washnode db migrate"
        )
        super().__init__(text)
        self.found = found


class NewerFormatError(StoreError):
    """A store that a later program has written."""

    code = 7010

    def __init__(self, path: str, found: str) -> None:
        text = (
            f"{path} has format {found[:20]}, this program knows {FORMAT} at most; take the "
            "program that wrote it, or go back to the files of before: washnode db migrate --back"
        )
        super().__init__(text)
        self.found = found


def read_format(data: bytes | None, path: str, *, reads_older: bool) -> int:
    """Return the number that a store has; one without is new. Raises the two errors above."""
    if data is None:
        return FORMAT
    text = data.decode("ascii", "replace")
    found = int(text) if text.isascii() and text.isdecimal() else 0
    if found != FORMAT and found not in FORMATS_BEFORE:
        raise NewerFormatError(path, text)
    if found != FORMAT and not reads_older:
        raise OlderFormatError(path, found)
    return found
