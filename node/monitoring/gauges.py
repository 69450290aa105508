"""What is read off a running node at every scrape: a few look-ups, no walk over the disk."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from chain.errors import StoreError
from chain.params import read_params
from chain.proposers import Standing, read_proposers
from chain.state import QUEUE_PREFIX
from chain.timers import Kind, queue_key
from chain.validators import read_validators
from consensus import Mode
from node.live.hearing import heights_behind
from node.live.node import Node
from node.live.outbox import FATES
from node.monitoring.disk_gauges import DiskGauges
from node.monitoring.readiness import REASON_NAMES, find_reasons, read_vitals
from node.storage.wal import VoteLog

TIMERS_COUNTED_MAX = 1_000  # of those that are due: more are late anyway, and it says so
OUTBOX_STATES = ("waiting", *FATES)
VALIDATOR_STATES = ("online", "absent", "demoted", "convicted")
LOG_CONDITIONS = ("good", "distrusted", "damaged", "missing")
_DUE_BYTES = slice(len(QUEUE_PREFIX), len(QUEUE_PREFIX) + 8)  # of a queue key: when it is due

Labels: TypeAlias = dict[str, str]
Sample: TypeAlias = tuple[Labels, float]
Families: TypeAlias = Iterator[GaugeMetricFamily | CounterMetricFamily]


def family(name: str, text: str, samples: Iterable[Sample]) -> GaugeMetricFamily:
    """Return the gauge `wash_<name>` with its samples; the labels of all have the same names."""
    rows = list(samples)
    names = list(rows[0][0]) if rows else []
    made = GaugeMetricFamily(f"wash_{name}", text, labels=names)
    for labels, value in rows:
        made.add_metric(list(labels.values()), value)
    return made


def plain(name: str, text: str, value: float) -> GaugeMetricFamily:
    """Return a gauge without labels."""
    return family(name, text, [({}, value)])


def one_of(label: str, names: Iterable[str], chosen: str) -> list[Sample]:
    """Return a sample for each name: 1 for the chosen one, 0 for the others."""
    return [({label: name}, float(name == chosen)) for name in names]


class NodeGauges(Collector):
    """Everything of one node that has a value at any moment.

    `is_stopping` tells whether the door is being closed.
    """

    def __init__(self, node: Node, is_stopping: Callable[[], bool]) -> None:
        self._node, self._is_stopping = node, is_stopping
        self._disk = DiskGauges(node)

    def collect(self) -> Families:
        """Yield the families; a chain that can not be read leaves out what is read from it."""
        yield from _node(self._node)
        yield from _readiness(self._node, is_stopping=self._is_stopping())
        yield from _pool(self._node)
        yield from _chain(self._node)
        yield from _agreement(self._node)
        for read in (_validators, _timers):
            try:
                yield from list(read(self._node))
            except StoreError:  # the disk failed; whoever asks how the node is must be answered
                continue
        for name, text, value in self._disk.rows():
            yield plain(name, text, value)


def _node(node: Node) -> Families:
    now_ms = node.clock.now_ms()
    labels = {"version": node.version, "chain": node.ledger.chain_id.hex()}
    yield family("node_info", "Always 1; the labels say what runs.", [(labels, 1)])
    seconds = (now_ms - node.started_at_ms) / 1_000
    yield plain("uptime_seconds", "Time since the start.", seconds)
    text = "How far the node's clock was moved on purpose, on a development chain."
    yield plain("clock_offset_seconds", text, node.clock.offset_ms / 1_000)


def _readiness(node: Node, *, is_stopping: bool) -> Families:
    found = {reason.name for reason in find_reasons(read_vitals(node, is_stopping=is_stopping))}
    yield plain("ready", "1 if /health/ready says yes.", float(not found))
    samples: list[Sample] = [({"reason": one}, float(one in found)) for one in REASON_NAMES]
    yield family("not_ready", "1 for each reason that /health/ready gives.", samples)


def _pool(node: Node) -> Families:
    yield plain("mempool_txs", "Transactions that wait for a block.", len(node.pool))
    yield plain("mempool_bytes", "Bytes of those transactions.", node.pool.bytes_held)
    counts = Counter[str](one.fate or "" for one in node.outbox.over())
    counts["waiting"] = len(node.outbox)
    samples: list[Sample] = [({"state": one}, counts[one]) for one in OUTBOX_STATES]
    yield family("outbox_txs", "What this node's clients sent and no block has.", samples)
    _count, age_ms = node.unsent.late()
    text = "How long the oldest of it waits, once that is longer than half a minute."
    yield plain("outbox_oldest_seconds", text, age_ms / 1_000)


def _chain(node: Node) -> Families:
    head, now_ms = node.ledger.head, node.clock.now_ms()
    yield plain("height", "Height of the newest block stored here.", head.height)
    text = "Height of the newest final block; blocks are stored once they are final."
    yield plain("final_height", text, head.height)
    yield plain("block_time_seconds", "Time of the newest block.", head.time_ms / 1_000)
    behind = heights_behind(node.driver.engine)
    yield plain("sync_lag_blocks", "Blocks that peers have and this node lacks.", behind)
    seconds = max(0, now_ms - head.time_ms) / 1_000 if behind else 0
    text = "Age of the newest block here while peers have newer ones, else 0."
    yield plain("sync_lag_seconds", text, seconds)


def _agreement(node: Node) -> Families:
    driver, machine = node.driver, node.driver.engine.machine
    yield plain("consensus_height", "Height that is being decided.", machine.height)
    text = "Round of that height; each one before it failed."
    yield plain("consensus_round", text, machine.round)
    text = "Step of the round: 1 propose, 2 prevote, 3 precommit, 4 commit."
    yield plain("consensus_step", text, int(machine.step))
    text = "1 while there is something to decide; without, no timer runs."
    yield plain("consensus_has_work", text, float(machine.has_work()))
    modes = [mode.name.lower() for mode in Mode]
    samples = one_of("mode", modes, driver.mode.name.lower())
    yield family("validator_mode", "1 for how this node takes part in voting.", samples)
    is_validator = machine.me in machine.validators.keys
    yield plain("is_validator", "1 if this node's key is a validator's.", float(is_validator))
    text = (
        "1 while this node makes no blocks and votes for none, by wish or for trouble of its own."
    )
    yield plain("validator_paused", text, float(machine.trouble is not None))
    text = "Alarms since the start: what never happens while all is well."
    yield CounterMetricFamily("wash_alarms", text, value=driver.alarms_total)
    log = driver.vote_log
    if isinstance(log, VoteLog):
        samples = one_of("state", LOG_CONDITIONS, log.condition)
        yield family("votes_log", "1 for what the vote log is worth.", samples)
        yield plain("votes_log_bytes", "Length of the vote log.", log.size_bytes)
        yield plain("votes_log_height", "Newest height of which it speaks.", log.height)


def _validators(node: Node) -> Families:
    state, height = node.state(), node.ledger.height
    validators, record = read_validators(state), read_proposers(state)
    known = {} if record is None else {entry.key: entry for entry in record.entries}
    counts = dict.fromkeys(VALIDATOR_STATES, 0)
    for key in validators.keys:
        counts[state_of(known.get(key), height, len(validators.keys))] += 1
    samples: list[Sample] = [({"state": name}, count) for name, count in counts.items()]
    yield family("validators", "Validators by what the chain knows of them.", samples)
    yield plain("quorum", "How many validators decide.", validators.quorum)
    text = "Longest time between blocks by the chain's parameters; 0: there is none."
    yield plain("heartbeat_seconds", text, read_params(state).heartbeat_ms / 1_000)


def state_of(entry: Standing | None, height: int, count: int) -> str:
    """Return what a chain of `count` validators knows of one at a height.

    absent: in no certificate for more than one turn of the ring; demoted: it let rounds fail and
    proposes last for a while; convicted: it signed two votes that exclude each other.
    """
    if entry is None:
        return "online"
    if entry.tombstoned:
        return "convicted"
    if height - entry.last_seen > count + 1:
        return "absent"
    return "demoted" if height < entry.demoted_until else "online"


def _timers(node: Node) -> Families:
    now_ms = node.clock.now_ms()
    stop = queue_key(now_ms + 1, Kind.TIMER, 0)
    due = node.ledger.store.scan(QUEUE_PREFIX, stop, TIMERS_COUNTED_MAX)
    late_ms = now_ms - int.from_bytes(due[0][0][_DUE_BYTES], "big") if due else 0
    text = f"Timers and fallbacks that are due and have not fired; {TIMERS_COUNTED_MAX} at most."
    yield plain("timers_due", text, len(due))
    yield plain("timers_late_seconds", "How long the oldest of them waits.", late_ms / 1_000)
