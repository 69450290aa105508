"""What is no longer kept is said not to be kept, by every method that would need it."""

from pathlib import Path

import pytest

from chain.errors import PrunedError
from chain.genesis import Genesis
from chain.transaction import Transfer
from chain.types import DAY_MS
from node.live.feed import EventFilter
from node.live.searched import is_over, searched_heights
from node.rpc.door.stream import find_start
from node.storage.prune import find_stop, prune
from node.storage.snapshot import SnapshotFile, restore
from node.storage.snapshots import make_snapshot
from tests.make import MONEY, TestChain, account
from tests.node.rpc.reading import Reader, text_of

GIFT = Transfer(MONEY, account("bob"), 5)
PRUNED, WHOLE = 4, 3
HISTORY_PRUNED = -32009


@pytest.fixture
def ids(chain: TestChain, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make a pruned chain of gifts; returns the transactions' ids by height less one."""
    monkeypatch.setattr("node.storage.prune.BLOCKS_KEPT_MIN", 1)
    gifts = []
    for number in range(PRUNED + WHOLE):
        at = chain.now + (100 * DAY_MS if number == PRUNED else 1_000)
        gifts.append(chain.do("alice", GIFT, at=at).id.hex())
    store = chain.ledger.store
    assert prune(store, chain.folder, find_stop(store, 90 * DAY_MS)).blocks == PRUNED
    return gifts


async def test_outcomes_and_proofs_of_old_transactions_are_told_as_before(
    chain: TestChain, ids: list[str]
) -> None:
    reader = Reader(chain)

    receipt = await reader.ask("chain_getProof", kind="receipt", id=ids[1])
    block = await reader.ask("chain_getProof", kind="block", height=2)

    assert reader.node.status(bytes.fromhex(ids[1])).status == "final"
    assert receipt["header"] == block["header"]
    assert (await reader.ask("account_get", account=text_of("alice")))["known"] is True
    assert (await reader.ask("node_info"))["roles"] == ["validator"]


async def test_bodies_are_refused_with_the_first_height_that_is_kept(
    chain: TestChain, ids: list[str]
) -> None:
    reader = Reader(chain)
    answers = [
        await reader.answer("chain_getBlock", height=2),
        await reader.answer("chain_getBlock", height=2, detail="header"),
        await reader.answer("chain_getProof", kind="transaction", id=ids[1]),
    ]

    errors = [one["error"] for one in answers]
    assert {one["code"] for one in errors} == {HISTORY_PRUNED}
    assert {one["data"]["min_height"] for one in errors} == {PRUNED + 1}
    assert {one["data"]["name"] for one in errors} == {"HISTORY_PRUNED"}
    assert (await reader.ask("chain_getBlock", height=PRUNED + 1))["tx_ids"] == [ids[PRUNED]]


async def test_lists_end_where_blocks_are_no_longer_kept(chain: TestChain, ids: list[str]) -> None:
    reader = Reader(chain)
    lists = {
        "chain_listBlocks": {},
        "account_history": {"account": text_of("alice")},
        "tx_list": {},
        "tx_list ": {"account": text_of("alice")},
    }
    for name, params in lists.items():
        method = name.strip()
        page = await reader.ask(method, **params)
        assert len(page["items"]) == WHOLE, method
        code, said = await reader.refusal(method, **params, cursor=page["next_cursor"])
        assert (code, f"from height {PRUNED + 1} on" in said) == (HISTORY_PRUNED, True), method
    assert len(ids) == PRUNED + WHOLE


def from_snapshot(made: TestChain, folder: Path) -> TestChain:
    assert made.ledger.head_commit is not None
    head = made.head, made.ledger.head_commit
    make_snapshot(made.ledger.store, folder / "file", head)
    genesis: Genesis = made.genesis
    restore(folder / "new", genesis, SnapshotFile(folder / "file"))
    return TestChain(folder / "new", genesis)


def test_what_may_lie_in_blocks_before_a_snapshot_is_never_called_over(
    chain: TestChain, tmp_path: Path
) -> None:
    paid = chain.sign("alice", GIFT)
    chain.run(paid)
    copy = from_snapshot(chain, tmp_path)
    base_ms, height = copy.now, copy.ledger.height
    copy.run(at=base_ms + 3 * DAY_MS)

    early, late = paid.body.valid_until, base_ms + DAY_MS + 1_000
    assert searched_heights(copy.ledger) == (height + 1, height + 1)
    assert [is_over(copy.ledger, at) for at in (early, late, copy.now + 1)] == [False, True, False]
    assert is_over(chain.ledger, chain.now) is True
    copy.close()


async def test_lists_of_a_chain_from_a_snapshot_do_not_pass_for_whole(
    chain: TestChain, tmp_path: Path
) -> None:
    for _ in range(3):
        assert chain.do("alice", GIFT).ok
    copy = from_snapshot(chain, tmp_path)
    base = copy.ledger.height
    assert copy.do("alice", GIFT).ok
    reader = Reader(copy)
    account_of = {"account": text_of("alice")}
    for method, params in (
        ("chain_listBlocks", {}), ("account_history", account_of), ("tx_list", account_of),
        ("tx_list", {}),
    ):  # fmt: skip
        page = await reader.ask(method, **params)
        assert len(page["items"]) == 1, method
        code, said = await reader.refusal(method, **params, cursor=page["next_cursor"])
        assert (code, f"from height {base + 1} on" in said) == (HISTORY_PRUNED, True), method
    copy.close()


async def test_events_before_a_snapshot_are_a_gap_that_is_told(
    chain: TestChain, tmp_path: Path
) -> None:
    assert chain.do("alice", GIFT).ok
    assert chain.do("alice", GIFT).ok
    copy = from_snapshot(chain, tmp_path)
    reader = Reader(copy)
    base = copy.ledger.height
    latest = find_start(reader.node, "latest", "from")
    assert copy.do("alice", GIFT).ok

    earliest = find_start(reader.node, "earliest", "from")
    refused = await reader.refusal("chain_getBlock", height=1)

    assert latest <= earliest == (base, 2**24 - 1)
    with pytest.raises(Exception, match=f"from height {base} on"):
        find_start(reader.node, "1-0", "from")
    assert refused[0] == HISTORY_PRUNED
    copy.close()


def test_a_reader_whose_place_is_below_a_chain_that_begins_later_is_not_led_over_the_gap(
    chain: TestChain, tmp_path: Path
) -> None:
    assert chain.do("alice", GIFT).ok
    assert chain.do("alice", GIFT).ok
    copy = from_snapshot(chain, tmp_path)
    base, feed = copy.ledger.height, Reader(copy).node.feed
    assert copy.do("alice", GIFT).ok

    with pytest.raises(PrunedError):
        feed.read(EventFilter(), (base - 1, 0), 100)
    assert feed.read(EventFilter(), (base, 0), 100).is_whole
    copy.close()
