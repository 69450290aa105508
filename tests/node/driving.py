"""A driver over a chain on disk, for tests of drivers."""

from typing import Any

from chain.executed import ExecutedBlock
from chain.transaction import Transfer
from consensus import (
    Engine,
)
from node.driver import Driver, head_of
from node.storage.wal import VoteLog
from tests.make import (
    MONEY,
    START_MS,
    VALIDATOR,
    TestChain,
    account,
)

GIFT = Transfer(MONEY, account("bob"), 1)


def drive(chain: TestChain, log: VoteLog, **more: Any) -> tuple[Driver, list[ExecutedBlock]]:
    told: list[ExecutedBlock] = []
    ledger = chain.ledger
    recovered = log.recovered(ledger.height, is_alone=True)
    engine = Engine(VALIDATOR, ledger.chain_id, head_of(ledger), recovered)
    driver = Driver(ledger, engine, log, told.append, **more)
    driver.recover(START_MS)
    return driver, told
