"""The store: what is written is found, and a stop leaves one height or the next."""

import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from chain.errors import StoreError, UnknownIdError
from chain.executed import account_topic
from chain.leveldb import leveldb
from chain.merkle import root
from chain.state import Space
from chain.store import CACHED_BYTES_MAX, Store
from chain.store_format import FORMAT, SCHEMA_KEY, NewerFormatError, OlderFormatError
from chain.transaction import Transfer
from tests.make import MONEY, RICH, TestChain, account

GIFT = Transfer(MONEY, account("bob"), 1)


def test_what_a_block_wrote_is_found(tmp_path: Path) -> None:
    chain = TestChain(tmp_path)
    tx = chain.sign("alice", GIFT)
    executed = chain.run(tx)
    store = chain.ledger.store

    found = (
        store.head_height(),
        store.block(1),
        store.header(1),
        store.commit(1),
        store.receipts(1),
        store.find_transaction(tx.tx_id),
        store.find_block(executed.block_id),
        store.find_transaction(bytes(32)),
        store.find_block(bytes(32)),
    )
    roots = root(store.receipt_bytes(1)), store.header(1).receipt_root
    chain.close()

    block = executed.block
    assert found == (
        1, block, block.header, chain.ledger.head_commit, list(executed.receipts),
        (1, 0), 1, None, None,
    )  # fmt: skip
    assert roots[0] == roots[1]


def test_a_height_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    chain = TestChain(tmp_path)

    with pytest.raises(UnknownIdError, match="height 1"):
        chain.ledger.store.block(1)
    chain.close()


def test_a_clean_stop_and_a_dirty_one_are_told_apart(tmp_path: Path) -> None:
    answers = []
    for clean in (True, False, True):
        store = Store(str(tmp_path / "store"))
        answers.append(store.was_dirty)
        store.close(clean=clean)

    with suppress(ZeroDivisionError), Store(str(tmp_path / "store")) as store:
        answers.append(store.was_dirty)
        raise ZeroDivisionError
    with Store(str(tmp_path / "store")) as store:
        answers.append(store.was_dirty)

    assert answers == [False, False, True, False, True]


def test_a_store_has_one_user_at_a_time(tmp_path: Path) -> None:
    with Store(str(tmp_path / "store")), pytest.raises(StoreError, match="another node"):
        Store(str(tmp_path / "store"))


@pytest.mark.parametrize(
    ("schema", "error", "words"),
    [
        (b"%d" % (FORMAT + 1), NewerFormatError, "knows 2 at most; take the program that wrote it"),
        (b"x", NewerFormatError, "has format x"),
        (b"0", NewerFormatError, "has format 0"),
        (b"1", OlderFormatError, "a start migrates it and keeps the old files"),
    ],
)
def test_a_store_of_another_format_is_refused_with_what_to_do(
    tmp_path: Path, schema: bytes, error: type[StoreError], words: str
) -> None:
    path = str(tmp_path / "store")
    with leveldb.DB(path, create_if_missing=True) as database:
        database.put(SCHEMA_KEY, schema)

    with pytest.raises(error, match=words):
        Store(path)


def test_a_store_of_an_earlier_format_is_opened_where_that_is_wanted(tmp_path: Path) -> None:
    path = str(tmp_path / "store")
    with leveldb.DB(path, create_if_missing=True) as database:
        database.put(SCHEMA_KEY, b"1")

    with Store(path, reads_older=True) as store:
        assert (store.format, store.genesis_bytes()) == (1, None)


def test_every_stop_between_blocks_opens_at_its_height(tmp_path: Path) -> None:
    live = tmp_path / "live"
    chain = TestChain(live)
    expected = []
    for height in range(4):
        if height:
            chain.do("alice", GIFT)
        shutil.copytree(live, tmp_path / f"copy {height}")  # as a stop without a word leaves it
        expected.append((height, chain.ledger.head_id, RICH + height))
    chain.close()

    found = []
    for height in range(4):
        copy = TestChain(tmp_path / f"copy {height}", chain.genesis)
        found.append((copy.head.height, copy.ledger.head_id, copy.balance("bob")))
        assert (copy.ledger.store.was_dirty, copy.ledger.recovered_from) == (True, None)
        assert copy.do("alice", GIFT).ok
        copy.close()

    assert found == expected


def test_scans_of_the_state_are_in_order_and_bounded(tmp_path: Path) -> None:
    chain = TestChain(tmp_path)
    store = chain.ledger.store

    pairs = list(store.iterate(b"\x03", b"\x04"))
    found = store.scan(b"\x03", b"\x04", 2), store.scan(b"\x03", b"\x04", 99)
    chain.close()

    assert (found, len(pairs)) == ((pairs[:2], pairs), 4)
    assert pairs == sorted(pairs)


def test_long_values_are_not_kept_in_memory(tmp_path: Path) -> None:
    chain = TestChain(tmp_path)
    contract = chain.deploy()
    code = (
        bytes([Space.CODE])
        + chain.ledger.executor.library.instance(chain.state(), contract).code_id
    )

    value = chain.ledger.store.get(code)

    kept = max(len(one) for one in chain.ledger.store._values.values() if one is not None)
    chain.close()
    assert value is not None
    assert (len(value) > CACHED_BYTES_MAX, kept <= CACHED_BYTES_MAX) == (True, True)


def test_places_of_a_topic_are_found_forwards_and_backwards(tmp_path: Path) -> None:
    chain = TestChain(tmp_path)
    topic = account_topic(account("alice"))
    for _ in range(3):
        chain.run(chain.sign("alice", GIFT), chain.sign("bob", GIFT), chain.sign("alice", GIFT))
    store = chain.ledger.store

    found = (
        store.find_events(topic, (1, 0), 4),
        store.newest_events(topic, (3, 2), 4),
        store.newest_events(topic, (1, 0), 4),
        store.find_events(topic, (3, 2), 4),
        store.newest_events(account_topic(account("sam")), (9, 0), 4),
    )
    chain.close()

    assert found == (
        [(1, 2), (2, 0), (2, 2), (3, 0)],
        [(3, 0), (2, 2), (2, 0), (1, 2)],
        [],
        [],
        [],
    )
