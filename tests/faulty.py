"""Lines between nodes that a test can make bad: TCP proxies, one for each who dials each."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from node.devnet.plan import PlannedNode, node_signer

CHUNK_BYTES = 16 * 1024
STALL_MS = 250  # what a lost segment costs at least: the least wait of a retransmission, and more
LOOK_S = 0.02
_HEAD_END = b"\r\n\r\n"
_FIRST_BYTES_MAX = 4_096  # of a dialler's request and its hello


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one direction. Nothing is lost for good: TCP would send it again."""

    delay_ms: int = 0
    bytes_per_s: int | None = None
    stalls: float = 0.0  # how many of the segments have to be sent again
    is_dead: bool = False  # nothing comes through, and nobody is told


GOOD = Fault()


@dataclass(slots=True, eq=False)
class _Line:
    """One connection that was taken; `pair` is who dialled whom, once it is known."""

    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    pair: frozenset[str] = frozenset()

    def abort(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


class Lines:
    """All lines of a network. A direction is (from, to), by the nodes' names."""

    def __init__(self, nodes: Iterable[PlannedNode], seed: int = 1) -> None:
        self._nodes = {one.name: one for one in nodes}
        self._keys = {node_signer(name).public_key: name for name in self._nodes}
        self._faults: dict[tuple[str, str], Fault] = {}
        self._refused: set[frozenset[str]] = set()
        self._lines: set[_Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._random = Random(seed)

    # What the test does -----------------------------------------------------------------------

    def set(self, fault: Fault, *directions: tuple[str, str]) -> None:
        """Make directions bad in the same way, or good again."""
        for one in directions:
            self._faults[one] = fault

    def between(self, some: Iterable[str], others: Iterable[str]) -> list[tuple[str, str]]:
        """Return both directions of every line between two groups."""
        return [pair for one in some for two in others for pair in ((one, two), (two, one))]

    def reset(self, some: Iterable[str], others: Iterable[str]) -> None:
        """Break every connection between two groups; new ones come through."""
        pairs = {frozenset(pair) for pair in self.between(some, others)}
        for line in [one for one in self._lines if one.pair in pairs]:
            line.abort()

    def cut(self, some: Iterable[str], others: Iterable[str]) -> None:
        """Break every connection between two groups, and let none come about."""
        self._refused |= {frozenset(pair) for pair in self.between(some, others)}
        self.reset(some, others)

    def heal(self) -> None:
        """Make all lines good."""
        self._faults.clear()
        self._refused.clear()

    # What the lines do ------------------------------------------------------------------------

    async def open(self, dialler: str, target: str) -> int:
        """Listen for one who dials another; returns the port."""

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            line = _Line([writer])
            self._lines.add(line)
            try:
                await self._carry(line, (dialler, target), reader, writer)
            finally:
                line.abort()
                self._lines.discard(line)
                self._tasks.discard(task)

        server = await asyncio.start_server(take, "127.0.0.1", 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _carry(
        self,
        line: _Line,
        named: tuple[str, str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        dialler, target = named
        line.pair = frozenset(named)
        if line.pair in self._refused:
            return
        with suppress(OSError, asyncio.CancelledError):
            far = await asyncio.open_connection("127.0.0.1", self._nodes[target].p2p_port)
            line.writers.append(far[1])
            watch = _Dialler(self._keys, dialler)
            pumps = [
                asyncio.create_task(self._pump(reader, far[1], (dialler, target), watch)),
                asyncio.create_task(self._pump(far[0], writer, (target, dialler), None)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        direction: tuple[str, str],
        watch: "_Dialler | None",
    ) -> None:
        """Carry one direction; what is on its way is delayed, not held up by what follows it."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        loop = asyncio.get_running_loop()

        async def deliver() -> None:
            while True:
                due, data = await waiting.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                while self._faults.get(direction, GOOD).is_dead:  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_S)
                writer.write(data)
                await writer.drain()

        delivering = asyncio.create_task(deliver())
        try:
            while data := await reader.read(CHUNK_BYTES):
                if watch is not None and watch.is_another(data):
                    return  # a told address: lines are for those they are named after
                fault = self._faults.get(direction, GOOD)
                wait_ms = fault.delay_ms
                if fault.stalls and self._random.random() < fault.stalls:
                    await asyncio.sleep(STALL_MS / 1_000)  # what follows waits as well
                if fault.bytes_per_s:
                    await asyncio.sleep(len(data) / fault.bytes_per_s)
                await waiting.put((loop.time() + wait_ms / 1_000, data))
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for line in list(self._lines):
            line.abort()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Dialler:
    """Finds out who dials, from the hello in the first masked frame of the WebSocket (RFC 6455)."""

    def __init__(self, keys: dict[bytes, str], expected: str) -> None:
        self._keys, self._expected = keys, expected
        self._seen = b""
        self._is_known = False

    def is_another(self, data: bytes) -> bool:
        """Tell whether what was said so far shows another dialler than the expected one."""
        if self._is_known:
            return False
        self._seen += data
        start = self._seen.find(_HEAD_END)
        frame = self._seen[start + len(_HEAD_END) :] if start >= 0 else b""
        name = self._name_in(frame)
        self._is_known = name is not None or len(self._seen) > _FIRST_BYTES_MAX
        return name not in {None, self._expected}

    def _name_in(self, frame: bytes) -> str | None:
        if len(frame) < 8:
            return None
        at = 4 if frame[1] & 0x7F == 126 else 2
        mask = frame[at : at + 4]
        said = bytes(one ^ mask[place % 4] for place, one in enumerate(frame[at + 4 :]))
        return next((name for key, name in self._keys.items() if key in said), None)


@asynccontextmanager
async def lines_between(nodes: list[PlannedNode], seed: int = 1) -> AsyncIterator[Lines]:
    """Put a line between any two nodes: each is told of no other way to dial the others."""
    lines = Lines(nodes, seed)
    try:
        for node in nodes:
            ports = [await lines.open(node.name, one.name) for one in nodes if one is not node]
            _point_at(node, [f"ws://127.0.0.1:{port}/p2p" for port in ports])
        yield lines
    finally:
        await lines.close()


def _point_at(node: PlannedNode, urls: list[str]) -> None:
    path = node.folder / "config.toml"
    kept = [
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.startswith(("url =", "peers ="))
    ]
    kept.insert(kept.index("[p2p]") + 1, f'url = ""\npeers = {json.dumps(urls)}')
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
