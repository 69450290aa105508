"""Snapshots of chains whose validators changed: the way from the genesis, and who they were."""

from pathlib import Path

import pytest

from chain.changes import SetValidator
from chain.errors import PrunedError, SnapshotError
from chain.transaction import Propose, Transfer
from node.rpc.reading.light_steps import steps_to_head
from node.rpc.reading.validator_history import find_validators
from node.storage.prune import prune
from node.storage.snapshot import SnapshotFile, restore
from node.storage.snapshots import make_snapshot
from node.storage.trust import check_trust
from tests.make import MONEY, VALIDATOR, TestChain, account, signer

GIFT = Transfer(MONEY, account("bob"), 1)
SECOND = signer("second")


def change_validators(chain: TestChain) -> None:
    """Let the second validator join and the first one leave."""
    assert chain.do("olga", Propose(chain.joining(SECOND))).ok
    chain.voters = [VALIDATOR, SECOND]
    for _ in range(4):
        assert chain.do("alice", GIFT).ok
    assert chain.do("olga", Propose(SetValidator(VALIDATOR.public_key, 0))).ok
    for _ in range(2):
        assert chain.do("alice", GIFT).ok
    chain.voters = [SECOND]
    for _ in range(2):
        assert chain.do("alice", GIFT).ok


def snapshot_of(chain: TestChain, path: Path) -> SnapshotFile:
    ledger = chain.ledger
    assert ledger.head_commit is not None
    head = ledger.head, ledger.head_commit
    make_snapshot(ledger.store, path, head, lambda: steps_to_head(ledger))
    return SnapshotFile(path)


def test_a_snapshot_brings_along_how_its_validators_came_to_be(
    chain: TestChain, tmp_path: Path
) -> None:
    change_validators(chain)
    source, now = snapshot_of(chain, tmp_path / "file"), chain.now + 1_000

    check_trust(source.manifest, chain.genesis, now, steps=source.steps)
    with pytest.raises(SnapshotError, match="nothing leads from what is trusted"):
        check_trust(source.manifest, chain.genesis, now)

    assert len(source.steps) == 1
    assert source.manifest.validators.keys == (SECOND.public_key,)


def test_a_chain_from_a_snapshot_knows_its_validators_and_not_those_before(
    chain: TestChain, tmp_path: Path
) -> None:
    chain.run()
    first = chain.head.validators_hash
    change_validators(chain)
    source = snapshot_of(chain, tmp_path / "file")
    restore(tmp_path / "new", chain.genesis, source)
    copy = TestChain(tmp_path / "new", chain.genesis)
    copy.voters = [SECOND]
    base = copy.head.validators_hash
    assert copy.do("olga", Propose(copy.joining(signer("third")))).ok
    copy.voters = [SECOND, signer("third")]
    for _ in range(3):
        assert copy.do("alice", GIFT).ok

    found = find_validators(copy.ledger, base)

    assert found.keys == (SECOND.public_key,)
    assert len(find_validators(copy.ledger, copy.head.validators_hash).keys) == 2
    with pytest.raises(Exception, match="a set of validators"):
        find_validators(copy.ledger, first)
    assert steps_to_head(copy.ledger) == ()
    copy.close()


def test_a_pruned_chain_still_knows_who_its_validators_were(chain: TestChain) -> None:
    chain.run()
    first = chain.head.validators_hash
    change_validators(chain)
    steps = steps_to_head(chain.ledger)
    head = chain.ledger.height

    prune(chain.ledger.store, chain.folder, head)

    with pytest.raises(PrunedError):
        chain.ledger.store.block(head - 1)
    assert find_validators(chain.ledger, first).keys == (VALIDATOR.public_key,)
    assert steps_to_head(chain.ledger) == steps
