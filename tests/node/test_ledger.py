"""A chain on disk: begun, reopened, and made whole after every kind of bad end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chain.errors import CorruptStoreError, GenesisError, StoreError
from chain.leveldb import leveldb
from chain.state import Space
from chain.store import Store
from chain.tables import Table
from chain.timers import queue_key
from chain.transaction import Transfer
from chain.tree import tree_root
from chain.types import HOUR_MS
from node.storage.genesis_block import genesis_block
from node.storage.ledger import ChainLedger
from tests.make import MONEY, RICH, TestChain, account, genesis, word

GIFT = Transfer(MONEY, account("bob"), 1)
ROOT_NODE = Table.NODE.value
Damage = Callable[[Any], None]


def test_a_chain_begins_with_its_genesis(tmp_path: Path) -> None:
    ledger = ChainLedger(tmp_path, genesis())

    first = genesis_block(genesis())
    found = (ledger.height, ledger.head, ledger.head_id, ledger.head_commit, ledger.store.block(0))
    ledger.close()

    assert found == (0, first.block.header, first.block_id, None, first.block)


def test_a_chain_goes_on_where_it_stopped(tmp_path: Path) -> None:
    chain = TestChain(tmp_path)
    chain.do("alice", GIFT)
    head = chain.head, chain.ledger.head_id, chain.ledger.head_commit

    again = chain.reopen()
    found = again.head, again.ledger.head_id, again.ledger.head_commit
    receipt = again.do("alice", GIFT)
    again.close()

    assert (found, receipt.ok, again.ledger.height) == (head, True, 2)


def test_a_folder_of_another_chain_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    chain = TestChain(tmp_path)
    chain.close(clean=False)
    other = genesis(params={"sponsor_daily_max": 3})

    with pytest.raises(GenesisError, match=other.chain_id().hex()):
        ChainLedger(tmp_path, other)
    again = ChainLedger(tmp_path, chain.genesis)
    dirty = again.store.was_dirty
    again.close()

    assert dirty


def grown(folder: Path, blocks: int = 5) -> TestChain:
    """A chain with transfers, a contract, a pot and a timer in it, stopped without a word."""
    chain = TestChain(folder)
    box = chain.deploy()
    due = chain.now + HOUR_MS
    assert chain.call("alice", box, "put", word("x"), due, account("bob"), funds=50).ok
    assert chain.call("alice", box, "plan", word("bell"), due).ok
    for _ in range(blocks):
        assert chain.do("alice", GIFT).ok
    chain.idle(due)
    chain.close(clean=False)
    return chain


def contents(folder: Path) -> dict[bytes, bytes]:
    """Return everything in the store but the mark of being open and the tree, which may wait."""
    with leveldb.DB(str(folder)) as database:
        tree = Table.NODE.value
        return {key: value for key, value in database if key != b"mopen" and key[:1] != tree}


def damage(folder: Path, how: Damage) -> None:
    with leveldb.DB(str(folder)) as database:
        how(database)


def drop(*tables: Table) -> Damage:
    def run(database: Any) -> None:
        for table in tables:
            for key, _value in database.iterator(prefix=table.value):
                database.delete(key)

    return run


def break_root(database: Any) -> None:
    record = database.get(ROOT_NODE)
    database.put(ROOT_NODE, record[:10] + bytes([record[10] ^ 1]) + record[11:])


def break_value(database: Any) -> None:
    key, value = next(database.iterator(prefix=Table.STATE.value + bytes([Space.BALANCE])))
    database.put(key, value[:-1] + bytes([value[-1] ^ 1]))


def invent_due(database: Any) -> None:
    database.put(Table.STATE.value + queue_key(HOUR_MS, 0, 7), b"no such timer")


def wrong_id(database: Any) -> None:
    drop(Table.BLOCK_ID)(database)


@pytest.mark.parametrize(
    "how",
    [
        drop(Table.STATE),
        drop(Table.STATE, Table.NODE, Table.TOPIC),
        drop(Table.STATE, Table.TRANSACTION, Table.RECEIPTS),
        break_value,
        invent_due,
        wrong_id,
    ],
    ids=["state", "all", "indexes", "value", "queue", "id"],
)
def test_what_follows_from_the_blocks_is_made_anew_after_a_dirty_stop(
    tmp_path: Path, how: Damage
) -> None:
    chain = grown(tmp_path)
    whole = contents(tmp_path)
    damage(tmp_path, how)

    again = TestChain(tmp_path, chain.genesis)
    recovered, bob = again.ledger.recovered_from, again.balance("bob")
    again.close(clean=False)

    assert isinstance(recovered, CorruptStoreError)
    assert (contents(tmp_path) == whole, bob) == (True, RICH + 55)


@pytest.mark.parametrize("how", [drop(Table.NODE), break_root], ids=["tree", "root"])
def test_a_lost_tree_is_made_anew_from_the_values(tmp_path: Path, how: Damage) -> None:
    chain = grown(tmp_path)
    chain.reopen().close()  # so that the whole tree is on disk
    TestChain(tmp_path, chain.genesis).close(clean=False)
    damage(tmp_path, how)

    again = TestChain(tmp_path, chain.genesis)
    found = again.ledger.recovered_from, tree_root(again.ledger.store)
    again.close()

    assert found == (None, again.head.state_root)


def test_a_whole_chain_is_not_made_anew(tmp_path: Path) -> None:
    chain = grown(tmp_path)

    again = TestChain(tmp_path, chain.genesis)
    recovered = again.ledger.recovered_from
    again.close()

    assert recovered is None


def test_a_block_that_is_damaged_itself_is_said_with_its_height(tmp_path: Path) -> None:
    chain = grown(tmp_path)
    key = Table.BLOCK.value + (3).to_bytes(8, "big")

    def change(database: Any) -> None:
        drop(Table.STATE)(database)
        data = database.get(key)
        database.put(key, data[:-1] + bytes([data[-1] ^ 1]))

    damage(tmp_path, change)

    for _ in range(2):  # and the store is not left locked
        with pytest.raises(CorruptStoreError, match="height 3"):
            ChainLedger(tmp_path, chain.genesis)


@pytest.mark.parametrize("done", range(9))
def test_a_stop_while_the_state_is_made_anew_loses_no_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    chain = grown(tmp_path)
    whole, height = contents(tmp_path), chain.ledger.height
    damage(tmp_path, break_value)
    append, left = Store.append, [done]

    def dying(self: Store, *arguments: object) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        append(self, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as power_cut:
        power_cut.setattr(Store, "append", dying)
        with pytest.raises(KeyboardInterrupt):
            ChainLedger(tmp_path, chain.genesis)
    again = ChainLedger(tmp_path, chain.genesis)
    found = again.height
    again.close(clean=False)

    assert (found, contents(tmp_path) == whole) == (height, True)


CHILD = """
import sys
from pathlib import Path
from typing import Any
sys.path.insert(0, sys.argv[2])
from chain.transaction import Transfer
from tests.make import MONEY, TestChain, account
chain = TestChain(Path(sys.argv[1]))
while True:
    chain.do("alice", Transfer(MONEY, account("bob"), 1))
    print(chain.ledger.height, flush=True)
"""


@pytest.mark.parametrize("after", [1, 4, 11])
def test_a_killed_process_leaves_a_whole_chain(tmp_path: Path, after: int) -> None:
    root = Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "chain"), str(root)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    seen = 0
    while seen < after:
        seen = int(child.stdout.readline())
    time.sleep(0.001 * after)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()

    chain = TestChain(tmp_path / "chain")
    state = chain.ledger.height, chain.balance("bob"), chain.ledger.recovered_from
    assert chain.do("alice", GIFT).ok
    chain.close()

    assert state == (state[0], RICH + state[0], None)
    assert state[0] >= after


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    chain = TestChain(tmp_path)

    with pytest.raises(StoreError, match="another node"):
        ChainLedger(tmp_path, chain.genesis)
    chain.close()
