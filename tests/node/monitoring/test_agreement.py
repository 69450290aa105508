"""Counting agreement among several validators, from certificates and blocks."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from chain.block import Evidence
from chain.executed import ExecutedBlock
from chain.proposers import Standing
from consensus import ReportEvidence
from node.monitoring.agreement import AgreementCounters
from node.monitoring.gauges import state_of
from tests import make
from tests.make import VALIDATOR, TestChain, signer
from tests.node.monitoring.scraped import Scrape, parse

FOUR = [VALIDATOR, signer("v2"), signer("v3"), signer("v4")]


class Watched:
    """A chain of four validators whose blocks are counted."""

    def __init__(self, folder: Path) -> None:
        self.chain = TestChain(folder, make.genesis(validators=FOUR))
        self.chain.voters = FOUR
        node: Any = SimpleNamespace(ledger=self.chain.ledger, state=self.chain.state)
        self._registry = CollectorRegistry()
        self.counters = AgreementCounters(node, self._registry)

    def block(self, at: int | None = None) -> ExecutedBlock:
        made = self.chain.run(at=at)
        self.counters.on_commit(made)
        return made

    def scrape(self) -> Scrape:
        return parse(generate_latest(self._registry).decode())


def test_a_validator_that_certificates_lack_is_counted_by_its_key(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.block()
    watched.chain.voters = FOUR[:3]
    for _ in range(3):
        watched.block()
    found = watched.scrape()
    watched.chain.close()

    missed = {one.public_key.hex(): 0 for one in FOUR}
    missed[FOUR[3].public_key.hex()] = 2  # the newest block's certificate is in no block yet
    assert found.table("wash_validator_missed_total", "id") == missed


def test_rounds_before_the_one_that_decided_are_failed(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    made = watched.chain.run()
    commit = watched.chain.ledger.head_commit
    assert commit is not None
    watched.chain.ledger.head_commit = replace(commit, round=3)
    watched.counters.on_commit(made)
    found = watched.scrape()
    watched.chain.close()

    assert found.value("wash_rounds_failed_total") == 3


def test_intervals_are_between_block_times_and_leave_out_the_genesis(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    first = watched.block().block.header.time_ms
    watched.block(at=first + 2_500)
    found = watched.scrape()
    watched.chain.close()

    assert found.value("wash_block_interval_seconds_count") == 1
    assert found.value("wash_block_interval_seconds_sum") == 2.5


def test_evidence_is_counted_where_it_was_found(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    evidence = Evidence((b"one", b"other"))
    made = watched.chain.run()
    watched.counters.watch(ReportEvidence(evidence))
    carried = replace(made, block=replace(made.block, evidence=(evidence, evidence)))
    watched.counters.on_commit(carried)
    found = watched.scrape()
    watched.chain.close()

    assert found.table("wash_evidence_total", "source") == {"votes": 1, "blocks": 2}


def test_a_certificate_of_a_set_that_is_not_known_stops_nobody(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.block()
    made = watched.chain.run()
    last = made.block.last_commit
    assert last is not None
    short = replace(made, block=replace(made.block, last_commit=replace(last, signers=b"")))
    watched.counters.on_commit(short)
    found = watched.scrape()
    watched.chain.close()

    assert set(found.table("wash_validator_missed_total", "id").values()) == {1}


def test_what_the_chain_knows_of_a_validator_is_one_word() -> None:
    well = Standing(bytes(32), 95, 0, 0, tombstoned=False)

    assert [
        state_of(entry, 100, 4)
        for entry in (
            None,
            well,
            replace(well, last_seen=94),
            replace(well, demoted_until=101),
            replace(well, last_seen=0, tombstoned=True),
        )
    ] == ["online", "online", "absent", "demoted", "convicted"]
