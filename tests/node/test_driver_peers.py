"""The driver among others: their blocks checked, their segments applied, messages passed on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.block import PRECOMMIT, Block, Commit, block_id, make_commit, vote_bytes
from chain.errors import InvalidBlockError, StoreError
from chain.executed import ExecutedBlock
from chain.validators import ValidatorSet
from consensus import (
    ApplyBlocks,
    Blocks,
    BlocksRefused,
    CheckBlock,
    CommitBlock,
    Effect,
    Engine,
    HeightCommitted,
    Input,
    Message,
    Received,
    ServeBlocks,
)
from contracts.execution import Executor
from node.blocks import execute_block, read_segment
from node.driver import Driver, head_of
from node.storage.wal import VoteLog
from tests.make import (
    START_MS,
    VALIDATOR,
    TestChain,
    genesis,
    signer,
)
from tests.node.driving import GIFT


class Script:
    """Stands for an engine: says what the test puts in and keeps what it is told."""

    me = VALIDATOR.public_key

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.told: list[Input] = []

    def handle(self, event: Input, _wall: int, _mono: int) -> list[Effect]:
        self.told.append(event)
        effects, self.effects = self.effects, []
        return effects

    def ask(self, driver: Driver, *effects: Effect) -> list[Input]:
        """Let the driver perform effects; returns its answers."""
        self.effects = list(effects)
        self.told = []
        driver.start(0)
        driver._is_started = False
        return self.told[1:]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[tuple[TestChain, Driver, Script, list[Any]]]:
    chain, script, sent = TestChain(tmp_path / "mine"), Script(), list[Any]()
    log = VoteLog(tmp_path / "votes", chain.ledger.chain_id)
    log.recovered(0)
    driver = Driver(
        chain.ledger, script, log,  # type: ignore[arg-type]
        send=lambda message, to: sent.append((message, to)),
        on_poison=lambda tx_id, text: sent.append((tx_id, text)),
    )  # fmt: skip
    yield chain, driver, script, sent
    log.close()
    chain.close()


def others(folder: Path, count: int) -> tuple[list[Block], list[Commit]]:
    """Return blocks 1 to `count` of the same chain, made by somebody else, and certificates."""
    chain = TestChain(folder / "theirs")
    for _ in range(count):
        chain.do("alice", GIFT)
    store, heights = chain.ledger.store, range(1, count + 1)
    made = [store.block(one) for one in heights], [store.commit(one) for one in heights]
    chain.close()
    return made


Asked = tuple[TestChain, Driver, Script, list[Any]]


def check(block: Block) -> CheckBlock:
    return CheckBlock(block.header.height, block_id(block.header), block)


def test_a_good_block_is_checked_and_committed_once(asked: Asked, tmp_path: Path) -> None:
    chain, driver, script, _ = asked
    (block,), (commit,) = others(tmp_path, 1)
    decided = CommitBlock(1, block_id(block.header), block, commit)

    (verdict,) = script.ask(driver, check(block))
    first = script.ask(driver, decided)
    second = script.ask(driver, decided)

    assert getattr(verdict, "fault", "?") is None
    assert first == second == [HeightCommitted(head_of(chain.ledger))]
    assert (chain.ledger.height, chain.ledger.head_commit) == (1, commit)


def signed_by(name: str, block: Block) -> Commit:
    header = block.header
    place = (header.height, 0)
    said = vote_bytes(PRECOMMIT, header.chain_id, place, block_id(header))
    signatures = {VALIDATOR.public_key: signer(name).sign(said)}
    return make_commit(ValidatorSet((VALIDATOR.public_key,)), place, block_id(header), signatures)


def test_a_block_with_a_bad_certificate_of_its_parent_gets_no_vote(
    asked: Asked, tmp_path: Path
) -> None:
    chain, driver, script, _ = asked
    (first, second), (commit, _) = others(tmp_path, 2)
    script.ask(driver, CommitBlock(1, block_id(first.header), first, commit))

    faults = []
    for carried in (None, signed_by("mallory", first), signed_by("validator", second)):
        (verdict,) = script.ask(driver, check(replace(second, last_commit=carried)))
        faults.append(str(getattr(verdict, "fault", None)))

    assert faults[0] == "a block without the certificate of height 1"
    assert faults[1].endswith("did not sign this certificate")
    assert faults[2].startswith("the certificate is of height 2")
    assert chain.ledger.height == 1


def test_nobody_signs_the_genesis(asked: Asked, tmp_path: Path) -> None:
    chain, _, _, _ = asked
    (first,), (commit,) = others(tmp_path, 1)

    with pytest.raises(InvalidBlockError, match="block 1 with a certificate"):
        execute_block(chain.ledger, replace(first, last_commit=commit))


def test_a_transaction_that_breaks_execution_costs_a_vote_and_is_named(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, driver, script, sent = asked
    (block,), _ = others(tmp_path, 1)

    def break_down(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("contracts.execution.run_actions", break_down)
    (verdict,) = script.ask(driver, check(block))

    fault = str(getattr(verdict, "fault", None))
    ((tx_id, text),) = sent
    assert fault.startswith("height 1: the block does not execute here")
    assert (tx_id.hex() in text, list(driver.alarms)) == (True, [fault])


def test_a_fault_of_the_disk_while_checking_stops_the_node(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, driver, script, _ = asked
    (block,), _ = others(tmp_path, 1)

    def fail(*_: object) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(chain.ledger.store, "get", fail)
    with pytest.raises(StoreError, match="gone"):
        script.ask(driver, check(block))


def test_a_certified_segment_is_applied_and_served_again(asked: Asked, tmp_path: Path) -> None:
    chain, driver, script, sent = asked
    blocks, commits = others(tmp_path, 5)

    answers = script.ask(driver, ApplyBlocks(tuple(blocks), commits[-1], b"peer"))
    script.ask(driver, ServeBlocks(2, 3, b"asker"), ServeBlocks(9, 1, b"asker"))

    assert answers == [HeightCommitted(head_of(chain.ledger))]
    assert [chain.ledger.store.commit(one) for one in range(1, 6)] == commits
    assert sent == [(Blocks(tuple(blocks[1:4]), commits[3]), b"asker")]
    assert read_segment(chain.ledger, 0, 2) is None


def test_a_segment_ends_where_it_does_not_follow_and_keeps_what_came_before(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, driver, script, _ = asked
    blocks, commits = others(tmp_path, 4)
    executor, real = chain.ledger.executor, Executor.check

    def refuse(ledger: object, parent: object, block: Block) -> ExecutedBlock:
        if block.header.height == 3:
            text = "roots differ"
            raise InvalidBlockError(text)
        return real(executor, ledger, parent, block)  # type: ignore[arg-type]

    monkeypatch.setattr(executor, "check", refuse)
    broken = script.ask(driver, ApplyBlocks(tuple(blocks), commits[3], b"peer"))
    unsigned = script.ask(driver, ApplyBlocks(tuple(blocks[2:]), commits[2], b"peer"))

    assert chain.ledger.height == 2
    assert broken == [
        HeightCommitted(head_of(chain.ledger)), BlocksRefused(b"peer", "roots differ"),
    ]  # fmt: skip
    assert [type(one) for one in unsigned] == [BlocksRefused]


# Several validators -----------------------------------------------------------------------------


def test_four_drivers_that_pass_messages_on_agree(tmp_path: Path) -> None:
    keys = [signer(f"validator {number}") for number in range(4)]
    start = genesis().model_copy(
        update={"validators": tuple(sorted(one.public_key.hex() for one in keys))}
    )
    post: list[tuple[int, Message]] = []
    chains, drivers, logs = list[TestChain](), list[Driver](), list[VoteLog]()
    for number, key in enumerate(keys):
        chain = TestChain(tmp_path / str(number), start)
        log = VoteLog(tmp_path / f"votes {number}", chain.ledger.chain_id)
        engine = Engine(key, chain.ledger.chain_id, head_of(chain.ledger), log.recovered(0))

        def carry(message: Message, _to: bytes | None, number: int = number) -> None:
            post.append((number, message))

        drivers.append(Driver(chain.ledger, engine, log, send=carry))
        chains.append(chain)
        logs.append(log)
    gift = chains[0].sign("alice", GIFT)

    for driver in drivers:
        driver.submit([gift])
        driver.start(START_MS + 5_000)
        driver.elapse(START_MS + 9_000, START_MS + 9_000)  # nobody answered: they vote
        driver.look(START_MS + 9_000, START_MS + 9_000, has_work=True)
    while post and any(chain.ledger.height == 0 for chain in chains):
        sender, message = post.pop(0)
        for number, driver in enumerate(drivers):
            if number != sender:
                event = Received(message, keys[sender].public_key)
                driver.handle(event, START_MS + 9_000)

    heads = {chain.ledger.head_id for chain in chains}
    tx_counts = [len(chain.ledger.store.block(1).transactions) for chain in chains]
    for chain, log in zip(chains, logs, strict=True):
        chain.close()
        log.close()
    assert (len(heads), tx_counts) == (1, [1, 1, 1, 1])
