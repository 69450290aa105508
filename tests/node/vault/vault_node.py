"""A development chain with the consent contract, whose node keeps details for Sparkle."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from node import catalog
from node.client import AsyncWash
from node.client.records import Records
from node.config_sections import RpcConfig
from node.demo.accounts import signer_of
from node.live.node import Node
from node.rpc.door.access import Tokens
from node.rpc.door.server import RpcServer
from node.rpc.served import make_registry
from node.vault.keeper import Keeper
from node.vault.service import Vault
from node.vault.store import VaultStore
from tests.node.demo.setting import WallClock, open_demo

TOKENS = Tokens("token-of-the-shop", "token-of-the-admin")
MIB = 1024 * 1024
DETAILS = {"plate": "粤B·7Q2X9", "phone": "+86 138 0013 8000", "note": "scratch at the left door"}


async def install_consent(wash: AsyncWash) -> None:
    """Let the operator deploy and install the contract, unless it is there."""
    listed = await wash.rpc("contract_list", limit=200)
    if "consent" in [one["name"] for one in listed["data"]["items"]]:
        return
    operator = signer_of("operator")
    code = catalog.container_bytes("consent").hex()
    final = await wash.send([{"type": "deploy", "code": code}], key=operator)
    made = next(one for one in final.events if one["type"] == "chain.deployed")
    contract = made["values"]["contract"]
    change = {"type": "install_contract", "name": "consent", "contract": contract}
    await wash.send([{"type": "propose", "change": change}], key=operator)


class VaultNode:
    """A node with its vault, its keeper and its door; `wall` is its machine's clock."""

    def __init__(self, folder: Path, wall: WallClock, **limits: int) -> None:
        self.folder, self.wall = folder, wall
        self.node: Node = open_demo(folder, wall)
        self.node.sponsor = signer_of("sparkle")
        sizes = {"bytes_max": 64 * MIB, "owner_bytes_max": 16 * MIB, **limits}
        store = VaultStore(folder, sizes["bytes_max"], sizes["owner_bytes_max"])
        per_minute = sizes.get("requests_per_minute", 1_000)
        self.vault = Vault(self.node, signer_of("sparkle"), store, per_minute)
        self.node.vault = self.vault
        self.keeper = Keeper(self.vault)
        self.url = ""

    def client(self, name: str) -> AsyncWash:
        """Return a client of somebody of the demo."""
        return AsyncWash(self.url, key=signer_of(name))

    def files(self) -> bytes:
        """Return the bytes of all files of the vault."""
        paths = sorted(path for path in self.vault.store.folder.rglob("*") if path.is_file())
        return b"".join(path.read_bytes() for path in paths)


@asynccontextmanager
async def vault_node(
    folder: Path, wall: WallClock | None = None, **limits: int
) -> AsyncIterator[VaultNode]:
    """Serve a node until the block ends."""
    made = VaultNode(folder, wall or WallClock(), **limits)
    node = made.node
    server = RpcServer(node, make_registry(node), RpcConfig(port=0, requests_per_second=0), TOKENS)
    try:
        made.url = f"http://127.0.0.1:{await server.start()}"
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(run()) for run in (node.run, made.keeper.run)]
            async with AsyncWash(made.url) as wash:
                await install_consent(wash)
            yield made
            for one in running:
                one.cancel()
    finally:
        await server.stop()
        made.vault.store.close()
        node.close()


@asynccontextmanager
async def people(made: VaultNode, *names: str) -> AsyncIterator[list[Records]]:
    """Give each of some people their dealings with sealed details."""
    clients = [made.client(name) for name in names]
    try:
        yield [Records(wash, signer_of(name)) for wash, name in zip(clients, names, strict=True)]
    finally:
        for wash in clients:
            await wash.close()


async def until(holds: Any, seconds: float = 10) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - anything may make it so
            await asyncio.sleep(0.01)
