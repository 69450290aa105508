"""The processes of a network on this machine: started, watched, killed, stopped."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node.children import deaf_to_interrupts
from node.client import AsyncWash, WashRpcError
from node.devnet.plan import PlannedNode

STOP_PATIENCE_S = 10
_LOG_NAME = "node.log"


@dataclass(slots=True)
class DevNet:
    """All nodes of a network, and the processes that this program started for them."""

    nodes: list[PlannedNode]
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> PlannedNode:
        """Return a node by its name; raises KeyError."""
        for one in self.nodes:
            if one.name == name:
                return one
        raise KeyError(name)

    def start(self, name: str) -> int:
        """Start a node's process; returns its number. Its log is `node.log` in its folder."""
        assert self.pid(name) is None, f"{name} runs already"
        self._children[name] = spawn(self[name])
        return self._children[name].pid

    def pid(self, name: str) -> int | None:
        """Return the number of a node's process if this program started it and it runs."""
        child = self._children.get(name)
        return child.pid if child is not None and child.poll() is None else None

    def exit_code(self, name: str) -> int | None:
        """Return with what a node's process ended, None while it runs or was never started."""
        child = self._children.get(name)
        return None if child is None else child.poll()

    def kill(self, name: str) -> None:
        """End a process as a power cut would."""
        child = self._children.get(name)
        if child is not None:
            child.kill()
            child.wait()

    async def stop(self, *names: str) -> None:
        """Stop nodes in order (default: all), and kill what does not stop."""
        chosen = [self._children[one] for one in names or self._children if one in self._children]
        for child in chosen:
            with suppress(OSError):
                child.send_signal(signal.SIGTERM)
        await asyncio.gather(*[asyncio.to_thread(_await_end, child) for child in chosen])


def spawn(node: PlannedNode, *, detached: bool = False) -> subprocess.Popen[bytes]:
    """Start the process of a node; `detached`: it outlives this program."""
    environment = {key: value for key, value in os.environ.items() if key != "WASH_DATA_DIR"}
    environment.pop("WASH_DATA", None)
    with deaf_to_interrupts(), (node.folder / _LOG_NAME).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "node", "run", "--data", str(node.folder), "--json"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=detached,
        )


def _await_end(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(STOP_PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


async def ask(node: PlannedNode, method: str, timeout_s: float = 2.0, **params: Any) -> Any:
    """Return what a node answers to a method, or None if it does not answer."""
    try:
        async with asyncio.timeout(timeout_s), AsyncWash(node.rpc_url) as client:
            return await client.rpc(method, **params)
    except (WashRpcError, OSError, TimeoutError):
        return None
