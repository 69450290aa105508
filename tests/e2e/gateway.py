"""A real network whose first two validators let shops in, and commands as processes."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from chain.ids import encode_id
from node.demo.accounts import account_of, seed_of
from node.devnet.plan import make_network
from node.devnet.processes import DevNet
from node.keys.store import KeyStore
from node.live.clock import read_wall_ms
from tests.netted import all_up, ended, peers_up

ROOT = Path(__file__).resolve().parents[2]
VALIDATORS = 4
PIN = "246810"


def command(*words: object, data: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `washnode` with a data folder; standard input is no terminal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASH_")}
    env = {**kept, "PYTHONPATH": str(ROOT), "WASH_LANG": "en", **environment}
    return subprocess.run(
        [sys.executable, "-m", "node", *map(str, words), "--data", str(data)],
        capture_output=True,
        text=True,
        check=False,
        env=env,
        stdin=subprocess.DEVNULL,
        timeout=240,
    )


def facts(*words: object, data: Path) -> dict[str, Any]:
    """Return what a command that succeeds says as JSON."""
    done = command(*words, "--json", data=data)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _name_admitter(folder: Path, name: str) -> None:
    """Let a node take join codes with somebody's key."""
    KeyStore(folder / "keys").add(name, seed_of(name), None)
    settings = folder / "config.toml"
    text = settings.read_text("utf-8") + f'\n[keys]\nadmitter = "{name}"\n'
    settings.write_text(text, encoding="utf-8")


class GatewayNet:
    """Four validators; the first lets shops in as an operator, the second as an admitter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        nodes = make_network(
            folder / "nodes", VALIDATORS, 0, time_ms=read_wall_ms(), interval_ms=100
        )
        self.net, self.gate, self.second = DevNet(nodes), nodes[0], nodes[1]
        _name_admitter(self.gate.folder, "operator")
        _name_admitter(self.second.folder, "bob")
        for one in nodes:
            self.net.start(one.name)
        self.shops: list[Path] = []

    async def begin(self) -> None:
        """Wait for the network and put the standard contracts there."""
        await all_up(self.net)
        for one in self.net.nodes:
            await peers_up(one, VALIDATORS - 1)
        await asyncio.to_thread(
            facts, "contract", "standard", "--from", "operator", data=self.gate.folder
        )
        bob = encode_id("acct", account_of("bob"))
        grant = ("gov", "propose", "role", "grant", bob, "admitter", "--from", "operator")
        await asyncio.to_thread(facts, *grant, data=self.gate.folder)

    def admit(self, *words: object) -> str:
        """Return a new join code."""
        text: str = facts("admit", "new", *words, data=self.gate.folder)["code"]
        return text

    def codes(self) -> list[dict[str, Any]]:
        """Return the codes that the first gateway lists; none while it starts."""
        done = command("admit", "list", "--json", data=self.gate.folder)
        found = json.loads(done.stdout) if done.returncode == 0 else {}
        return list(found.get("codes", [])) or [{"state": "", "is_known": False}]

    def setting_up(self, name: str, *words: object) -> list[object]:
        """Return the words that set up a shop without asking, and its folder's place."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        pin = folder / "pin"
        pin.write_text(PIN + "\n", encoding="utf-8")
        if self.data(name) not in self.shops:
            self.shops.append(self.data(name))
        return [
            *("setup", "--name", name, "--pin-file", pin, "--unlock", "file", "--port", 0),
            *("--card", folder / "card.html", *words),
        ]

    def data(self, name: str) -> Path:
        """Return where a shop's data lies."""
        return self.folder / name / "data"

    def close(self) -> None:
        """End everything, the shops' nodes first."""
        self.stop_shops()
        ended(self.net)

    def stop_shops(self) -> None:
        """Stop every shop's node that runs."""
        for data in self.shops:
            if (data / "node.json").exists():
                command("stop", data=data)
