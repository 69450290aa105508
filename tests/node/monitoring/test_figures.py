"""Figures of a node behind its door: what happens on the chain is what is counted."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.block import PRECOMMIT, PREVOTE
from chain.errors import StoreError
from chain.ids import encode_id
from chain.transaction import Burn, Call, Transfer
from chain.vote import SignedVote
from consensus import NIL_ID, Effect, Send
from node.monitoring import escrow
from node.monitoring.agreement import NIL_CLASSES
from node.storage.backup import LastBackup
from tests.make import MONEY, VALIDATOR, account, word
from tests.node.monitoring.scraped import Scrape, parse
from tests.node.rpc.door import Door, TestNode, open_door

ROUNDS = Path(__file__).parents[3] / "consensus" / "rounds.py"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[TestNode]:
    with TestNode(tmp_path) as node:
        yield node


async def scrape(door: Door) -> Scrape:
    async with door.client.get("/metrics") as response:
        assert response.status == 200
        return parse(await response.text())


async def test_transactions_are_counted_by_type_and_code(made: TestNode) -> None:
    async with open_door(made) as door:
        made.pay_in_block(2)
        made.send("alice", Transfer(MONEY, account("bob"), 1), Burn(MONEY, 1))
        made.send("bob", Transfer(MONEY, account("alice"), 10**12))
        made.block()
        found = await scrape(door)

    counted = {
        tuple(sorted(labels)): value
        for (name, labels), value in found.samples.items()
        if name == "wash_tx_total"
    }
    codes = {labels[0][1] for labels in counted}
    types = {labels[1][1] for labels in counted}
    assert (len(counted), sum(counted.values())) == (3, 3)
    assert types == {"transfer", "several"}
    assert "0" in codes
    assert found.value("wash_submit_to_final_seconds_count") == 3
    assert found.value("wash_block_interval_seconds_sum") == 1
    assert (found.value("wash_height"), found.value("wash_final_height")) == (2, 2)


async def test_what_waits_and_what_is_due_is_shown(made: TestNode) -> None:
    async with open_door(made) as door:
        box = made.deploy_box()
        made.ring(box, "rung", made.now_ms + 60_000)
        fired = await scrape(door)
        tx_id = made.pay()
        size = len(made.node.pool.get(tx_id).data)  # type: ignore[union-attr]
        waiting = await scrape(door)

    assert fired.table("wash_fired_total", "kind") == {"timer": 1, "fallback": 0}
    assert fired.value("wash_mempool_txs") == 0
    assert waiting.value("wash_mempool_txs") == 1
    assert waiting.value("wash_mempool_bytes") == size
    assert waiting.value("wash_timers_due") == 0


async def test_timers_that_nobody_fires_are_late(made: TestNode) -> None:
    async with open_door(made) as door:
        box, due_ms = made.deploy_box(), made.now_ms + 60_000
        made.send("alice", Call(box, "plan", (word("rung"), due_ms), 0))
        made.block()
        made.now_ms = due_ms - 1
        before = await scrape(door)
        made.now_ms = due_ms + 5_000
        after = await scrape(door)

    assert (before.value("wash_timers_due"), before.value("wash_timers_late_seconds")) == (0, 0)
    assert (after.value("wash_timers_due"), after.value("wash_timers_late_seconds")) == (1, 5)


async def test_a_node_alone_is_a_quorum_and_has_a_good_log(made: TestNode) -> None:
    async with open_door(made) as door:
        made.pay_in_block()
        made.pay_in_block()
        found = await scrape(door)

    none = {"absent": 0, "demoted": 0, "convicted": 0}
    assert found.table("wash_validators", "state") == {"online": 1, **none}
    assert found.value("wash_quorum") == 1
    assert found.table("wash_validator_missed_total", "id") == {VALIDATOR.public_key.hex(): 0}
    assert found.table("wash_validator_mode", "mode") == {
        "listening": 0, "signing": 1, "observer": 0,
    }  # fmt: skip
    log = {"good": 1, "distrusted": 0, "damaged": 0, "missing": 0}
    assert found.table("wash_votes_log", "state") == log
    assert found.value("wash_votes_log_height") == 2
    assert (found.value("wash_consensus_height"), found.value("wash_consensus_round")) == (3, 0)
    roles = {"validator": 0, "gateway": 0, "full": 0, "other": 0}
    assert found.table("wash_peers", "role") == roles
    assert found.table("wash_clock_skew_ms", "") == {}
    assert (found.value("wash_ready"), found.value("wash_is_validator")) == (1, 1)


async def test_money_in_pots_is_added_up_in_parts_and_followed(
    made: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escrow, "POTS_READ_MAX", 1)
    asset = encode_id("ast", MONEY)
    async with open_door(made) as door:
        first = await scrape(door)
        second = await scrape(door)

    assert first.table("wash_escrow_liability", "asset") == {}
    assert second.table("wash_escrow_liability", "asset") in ({}, {asset: 0})


async def test_a_broken_disk_leaves_out_what_it_holds_and_no_more(
    made: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> Any:
        text = "the disk is gone"
        raise StoreError(text)

    async with open_door(made) as door:
        made.pay_in_block()
        monkeypatch.setattr(made.node.ledger.store, "scan", break_down)
        monkeypatch.setattr(made.node.ledger.store, "get", break_down)
        found = await scrape(door)
        monkeypatch.undo()

    assert found.value("wash_height") == 1
    assert {"wash_timers_due", "wash_quorum"} & found.names() == set()


def nil(height: int, round_number: int, kind: int, key: bytes) -> Effect:
    return Send(SignedVote(kind, 0, height, round_number, NIL_ID, -1, key, bytes(64)))


async def test_votes_for_no_block_are_counted_once_by_their_reason(made: TestNode) -> None:
    machine, me = made.node.driver.engine.machine, VALIDATOR.public_key
    said = [
        "no proposal that could be voted for came in time",
        "locked on another block since round 0",
        "block time 1 is long before 2 ms",
        "the block names another proposer",
        "the disk is full",
        "height 1: state root differs",
    ]
    async with open_door(made) as door:
        (watch,) = made.node.driver.watchers
        machine.trouble = "the disk is full"
        for number, text in enumerate(said):
            machine.nil_reason = f"height 1 round {number}: {text}"
            watch(nil(1, number, PREVOTE, me))
            watch(nil(1, number, PREVOTE, me))
            watch(nil(1, number, PREVOTE, bytes(32)))
        watch(nil(1, 9, PRECOMMIT, me))
        found = await scrape(door)
        machine.trouble = None
        well = await scrape(door)

    assert set(found.table("wash_nil_votes_total", "reason").values()) == {1}
    assert found.value("wash_validator_paused") == 1
    assert well.value("wash_validator_paused") == 0


def test_reasons_of_votes_for_no_block_are_those_that_the_rules_give() -> None:
    text = ROUNDS.read_text("utf-8")

    assert [start for start in NIL_CLASSES if f'"{start}' not in text] == []


async def test_who_stops_listening_leaves_nothing_behind(made: TestNode) -> None:
    node = made.node
    lists: list[list[Any]] = [
        node.on_commit, node.on_reopen, node.intake.on_accept,
        node.driver.watchers, node.driver.before_store,
    ]  # fmt: skip
    before = [len(one) for one in lists]
    async with open_door(made):
        during = [len(one) for one in lists]

    assert during == [count + 1 for count in before]
    assert [len(one) for one in lists] == before


async def test_counting_goes_on_after_the_chain_was_opened_anew(made: TestNode) -> None:
    async with open_door(made) as door:
        made.pay_in_block()
        made.node.reopen(lambda: None)
        made.pay_in_block()
        found = await scrape(door)

    assert found.value("wash_height") == 2
    assert found.value("wash_tx_total", type="transfer", code="0") == 2
    assert found.value("wash_submit_to_final_seconds_count") == 2


async def test_the_age_of_the_last_backup_is_told(made: TestNode) -> None:
    path = made.node.ledger.folder.parent / "last-backup.json"
    last = LastBackup(made_at_ms=made.now_ms - 5_000, height=0, target="elsewhere")
    found = []
    async with open_door(made) as door:
        for text in ("", "[]", last.model_dump_json()):
            path.write_text(text, encoding="utf-8")
            found.append((await scrape(door)).value("wash_backup_age_seconds"))

        path.unlink()
        started = path.with_name("tokens.json")
        started.touch(0o600)
        os.utime(started, ns=(0, (made.now_ms - 7_000) * 1_000_000))
        found.append((await scrape(door)).value("wash_backup_age_seconds"))

    assert found == [float("inf")] * 2 + [5, 7]
