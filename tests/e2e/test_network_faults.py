"""Four real nodes and bad lines between them: what was acknowledged is final, on all alike."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from node.client import AsyncWash, WashRpcError
from node.demo.accounts import CUSTOMERS
from node.devnet.plan import PlannedNode, make_network
from node.devnet.processes import DevNet, ask
from node.live.clock import read_wall_ms
from tests.faulty import GOOD, Fault, Lines, lines_between
from tests.netted import People, all_up, ended, heights, level, peers_up, receipt_at

FAULT_S = 2.5
PAUSE_S = 0.15  # between two payments
NAMES = ("node1", "node2", "node3", "node4")
TWO, OTHER_TWO = NAMES[:2], NAMES[2:]
THREE, ONE = NAMES[:3], NAMES[3:]
CONTRADICTION = "two votes that exclude each other"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(90),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does"),
]


@dataclass
class Net:
    """The nodes, their lines, and what was acknowledged."""

    dev: DevNet
    lines: Lines
    people: People
    promised: list[str] = field(default_factory=list)
    _is_over: bool = False

    @property
    def nodes(self) -> list[PlannedNode]:
        return self.dev.nodes

    def named(self, *names: str) -> list[PlannedNode]:
        return [one for one in self.nodes if one.name in names]

    async def pay_on(self, node: PlannedNode, name: str) -> None:
        """Pay through one node until it is over; what the node does not take is not promised."""
        async with AsyncWash(node.rpc_url, timeout_s=5) as wash:
            while not self._is_over:
                tx_id, data = self.people.pay(name)
                try:
                    await wash.rpc("tx_submit", tx=data.hex())
                    self.promised.append(tx_id)
                except (WashRpcError, OSError, TimeoutError):
                    pass
                await asyncio.sleep(PAUSE_S)

    async def under_way(self) -> list[asyncio.Task[None]]:
        """Begin to pay through all nodes."""
        self.promised.clear()
        self._is_over = False
        who = zip(self.nodes, CUSTOMERS, strict=False)
        tasks = [asyncio.create_task(self.pay_on(node, name)) for node, name in who]
        await asyncio.sleep(3 * PAUSE_S)
        return tasks

    async def heal(self, tasks: list[asyncio.Task[None]]) -> None:
        """Make the lines good, pay a little more, and stop paying."""
        self.lines.heal()
        await asyncio.sleep(3 * PAUSE_S)
        self._is_over = True
        await asyncio.gather(*tasks)

    async def _places(self, node: PlannedNode) -> list[Any]:
        """Return in which block a node has each payment that was acknowledged, once it has all."""
        return [(await receipt_at(node, one))["height"] for one in self.promised]

    async def check(self) -> None:
        """Everything acknowledged is final on every node, all agree, and nobody voted twice."""
        assert len(self.promised) > len(NAMES)
        places = await asyncio.gather(*[self._places(node) for node in self.nodes])
        height = await level(self.nodes)
        blocks = [await ask(one, "chain_getBlock", height=height) for one in self.nodes]
        headers = [one["header"] for one in blocks]
        modes = [(await ask(one, "node_peers") or {}).get("mode") for one in self.nodes]
        logs = [(one.folder / "node.log").read_text(encoding="utf-8") for one in self.nodes]

        assert places == [places[0]] * len(NAMES)
        assert headers == [headers[0]] * len(NAMES)  # the state's root is in it
        assert modes == ["signing"] * len(NAMES)
        assert [CONTRADICTION in text for text in logs] == [False] * len(NAMES)
        assert [self.dev.exit_code(name) for name in NAMES] == [None] * len(NAMES)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def net(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Net]:
    folder = tmp_path_factory.mktemp("faults") / "nodes"
    nodes = make_network(folder, len(NAMES), 0, time_ms=read_wall_ms(), interval_ms=50)
    async with lines_between(nodes) as lines:
        dev = DevNet(nodes)
        try:
            for name in NAMES:
                dev.start(name)
            await all_up(dev)
            for one in nodes:
                await peers_up(one, len(NAMES) - 1)
            yield Net(dev, lines, People.of(dev))
        finally:
            ended(dev)


EVERY = [(one, other) for one in NAMES for other in NAMES if one != other]
TO_NODE4 = [(one, "node4") for one in THREE]

# Which directions are bad, and how.
FAULTS: dict[str, tuple[Fault, list[tuple[str, str]]]] = {
    "none": (GOOD, EVERY),
    "300 ms on all lines": (Fault(delay_ms=300), EVERY),
    "300 ms one way": (Fault(delay_ms=300), TO_NODE4),
    "20 KB a second": (Fault(bytes_per_s=20_000), EVERY),
    "every fifth segment lost": (Fault(stalls=0.2), EVERY),
    "one that hears nothing": (Fault(is_dead=True), TO_NODE4),
    "one that is not heard": (Fault(is_dead=True), [(two, one) for one, two in TO_NODE4]),
    "one that reads slowly": (Fault(bytes_per_s=2_000), TO_NODE4),
}


ALWAYS = {"300 ms one way", "every fifth segment lost", "one that is not heard"}


@pytest.mark.parametrize(
    "case",
    [pytest.param(one, marks=() if one in ALWAYS else pytest.mark.whole) for one in FAULTS],
)
async def test_bad_lines_delay_and_change_nothing(net: Net, case: str) -> None:
    fault, directions = FAULTS[case]
    tasks = await net.under_way()
    net.lines.set(fault, *directions)
    await asyncio.sleep(FAULT_S)
    await net.heal(tasks)

    await net.check()


async def test_connections_that_are_reset_again_and_again_come_back(net: Net) -> None:
    tasks = await net.under_way()
    for number in range(5):
        net.lines.reset(NAMES[number % 4 :][:1], [one for one in NAMES if one != NAMES[number % 4]])
        await asyncio.sleep(FAULT_S / 5)
    await net.heal(tasks)

    await net.check()


@pytest.mark.parametrize("is_told", [True, False], ids=["broken", "silent"])
async def test_of_two_halves_none_goes_on(net: Net, is_told: bool) -> None:  # noqa: FBT001
    tasks = await net.under_way()
    if is_told:
        net.lines.cut(TWO, OTHER_TWO)
    else:
        net.lines.set(Fault(is_dead=True), *net.lines.between(TWO, OTHER_TWO))
    await asyncio.sleep(FAULT_S / 5)  # what was on its way arrives, or does not
    before = await heights(net.nodes)
    await asyncio.sleep(FAULT_S)
    after = await heights(net.nodes)
    await net.heal(tasks)
    await net.check()

    assert (after, None in before) == (before, False)


@pytest.mark.parametrize("is_told", [True, False], ids=["broken", "silent"])
async def test_three_of_four_go_on_and_the_fourth_catches_up(
    net: Net,
    is_told: bool,  # noqa: FBT001
) -> None:
    tasks = await net.under_way()
    if is_told:
        net.lines.cut(THREE, ONE)
    else:
        net.lines.set(Fault(is_dead=True), *net.lines.between(THREE, ONE))
    await asyncio.sleep(FAULT_S / 5)
    before: list[Any] = await heights(net.nodes)
    await asyncio.sleep(FAULT_S)
    reached = await level(net.named(*THREE), above=max(before[:3]) + 1)
    [alone] = await heights(net.named(*ONE))
    await net.heal(tasks)
    await net.check()

    assert (alone, reached > before[0]) == (before[3], True)


# The kernel's own faults, on every packet of the nodes, their proxies and those who pay.
NETEM = "ip link set lo up && tc qdisc add dev lo root netem delay 20ms 5ms loss 2% duplicate 2%"


def in_own_network(command: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run a shell's command with a loopback of its own; nobody else's is touched."""
    words = [shutil.which("unshare") or "unshare", "-rn", "sh", "-c", command]
    return subprocess.run(words, capture_output=True, text=True, timeout=timeout_s, check=False)


async def test_packets_that_are_lost_delayed_and_doubled_change_nothing() -> None:
    try:
        probe = await asyncio.to_thread(in_own_network, NETEM, 10)
    except OSError as error:
        pytest.skip(f"no network namespaces here: {error}")
    if probe.returncode:
        pytest.skip(f"no netem here: {probe.stderr.strip()[:200]}")
    again = (
        f"{sys.executable} -m pytest -q -p no:cacheprovider {__file__} -k 'change_nothing and none'"
    )
    ended_with = await asyncio.to_thread(in_own_network, f"{NETEM} && exec {again}", 80)

    assert ended_with.returncode == 0, ended_with.stdout
