"""A node on the demo's chain whose machine's clock the test sets."""

from collections import Counter
from pathlib import Path
from typing import Any

from chain.executed import ExecutedBlock
from chain.state import Space
from chain.tables import Tuning
from chain.types import DAY_MS, HOUR_MS
from node.catalog import abi, program
from node.demo.accounts import signer_of
from node.demo.genesis import GENESIS_TIME_MS, demo_genesis
from node.demo.world import build_world, demo_places
from node.live.clock import Clock
from node.live.node import Node
from node.storage.ledger import ChainLedger
from node.storage.wal import VoteLog

NOON = GENESIS_TIME_MS + 100 * DAY_MS + 12 * HOUR_MS  # a Wednesday, long after the set-up


class WallClock:
    """The machine's clock, which stands still unless it is moved."""

    def __init__(self, now_ms: int = NOON) -> None:
        self.now_ms = now_ms

    def read(self) -> int:
        return self.now_ms


class Watcher:
    """Counts what a node's blocks told."""

    def __init__(self, node: Node) -> None:
        self.endings: Counter[str] = Counter()
        self.failed: list[tuple[int, int]] = []
        self.times: list[int] = []
        node.on_commit.append(self._note)

    def _note(self, executed: ExecutedBlock) -> None:
        self.times.append(executed.block.header.time_ms)
        booking = demo_places().booking
        events = program("booking").container.events
        states = {number: name for name, number in abi("booking")["enums"]["State"].items()}
        for receipt in executed.receipts:
            if not receipt.ok:
                self.failed.append((receipt.trap, receipt.error))
            for event in receipt.events:
                if event.contract == booking and events[event.number].name == "Closed":
                    state: Any = event.values[3]
                    self.endings[states[state]] += 1


def open_demo(folder: Path, wall: WallClock | None = None, *, with_world: bool = True) -> Node:
    def open_ledger(is_verified: Any) -> ChainLedger:
        return ChainLedger(folder / "chain", demo_genesis(), is_verified, tuning=Tuning(sync=False))

    folder.mkdir(exist_ok=True)
    clock = Clock((wall or WallClock()).read)
    log = VoteLog(folder / "votes.log", demo_genesis().chain_id(), sync=False)
    node = Node(open_ledger, log, signer_of("validator"), clock)
    if with_world:
        build_world(node.driver)
    return node


def open_pots(node: Node) -> int:
    return len(node.ledger.store.scan(bytes([Space.POT]), bytes([Space.POT + 1]), 1_000))
