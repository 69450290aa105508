"""A photo is on disk before the chain names it, and goes again where the chain never does."""

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chain.errors import LimitError, WashError
from chain.ids import encode_id
from node.rpc.methods import staff_photos
from node.vault.errors import GoneError
from node.vault.sealing import blob_name
from node.vault.store import VaultStore

SHOP, OWNER, PHOTO = encode_id("acct", bytes(32)), bytes([1]) * 32, b"sealed"
NAME = blob_name(OWNER, PHOTO)


class Works:
    """A shop with a car in its works, and what becomes of what it sends."""

    def __init__(self, folder: Path) -> None:
        self.store, self.named = VaultStore(folder, 1_000, 1_000), set[bytes]()
        self.contract, self.keep = self, self.store.put
        self.outcome: str | WashError = "pending"
        self.was_kept = asyncio.Event()

    def entry(self, name: bytes) -> None:
        if name not in self.named:
            raise GoneError

    async def send(self, *_given: Any) -> dict[str, str]:
        if self.store.has(NAME):
            self.was_kept.set()
        if isinstance(self.outcome, WashError):
            raise self.outcome
        if self.outcome == "never":
            await asyncio.Event().wait()
        return {"status": self.outcome}

    async def photo(self) -> None:
        call: Any = SimpleNamespace(node=None)
        given: dict[str, Any] = {"content": PHOTO, "keys": (), "epoch": 0}
        await staff_photos.staff_photo(call, session="", record=bytes(32), **given)


@pytest.fixture
def works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Works]:
    made = Works(tmp_path)
    member = SimpleNamespace(account=SHOP)
    staffing = SimpleNamespace(session=lambda _token: SimpleNamespace(member=member))
    record = {"shop": SHOP, "finished_at": 0, "customer": encode_id("acct", OWNER)}
    info = SimpleNamespace(contract=bytes(32))
    for name, found in {
        "staffing_of": staffing, "vault_of": made, "need": None, "find_info": info,
        "find_function": None, "run_view": record,
    }.items():  # fmt: skip
        monkeypatch.setattr(staff_photos, name, lambda *_given, _found=found: _found)
    monkeypatch.setattr(staff_photos, "send_as_shop", made.send)
    yield made
    made.store.close()


async def test_a_node_that_stops_while_a_photo_waits_for_its_block_has_it(works: Works) -> None:
    works.outcome = "never"
    task = asyncio.ensure_future(works.photo())
    await asyncio.wait_for(works.was_kept.wait(), 10)
    task.cancel()
    await asyncio.wait([task])

    assert works.store.blob(NAME) == PHOTO


@pytest.mark.parametrize("outcome", ["failed", "expired", LimitError("gas", maximum=1, found=2)])
async def test_what_never_comes_on_record_goes_again_and_may_come_once_more(
    works: Works, outcome: str | WashError
) -> None:
    works.outcome = outcome
    with pytest.raises(LimitError) if isinstance(outcome, WashError) else nullcontext():
        await works.photo()
    left = works.store.blob(NAME), works.store.bytes_used(), works.store.receipt(NAME)
    works.outcome = "final"
    await works.photo()
    works.named.add(NAME)
    works.outcome = "failed"  # brought twice
    await works.photo()

    assert (left, works.store.blob(NAME)) == ((None, 0, None), PHOTO)
