"""A development chain's node with its door, inside the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from node.config_sections import RpcConfig
from node.demo.accounts import signer_of
from node.live.node import Node
from node.rpc.door.access import Tokens
from node.rpc.door.server import RpcServer
from node.rpc.served import make_registry
from tests.node.demo.setting import open_demo

TOKENS = Tokens("token-of-the-shop", "token-of-the-admin")


@asynccontextmanager
async def serving(node: Node, port: int = 0) -> AsyncIterator[str]:
    """Open the node's door and make blocks until the block ends."""
    config = RpcConfig(port=port, requests_per_second=0)
    server = RpcServer(node, make_registry(node), config, TOKENS)
    found = await server.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(node.run())
            yield f"http://127.0.0.1:{found}"
            running.cancel()
    finally:
        await server.stop()


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[tuple[Node, str]]:
    """Serve a fresh development chain whose node co-signs for Sparkle."""
    node = open_demo(folder)
    node.sponsor = signer_of("sparkle")
    try:
        async with serving(node) as url:
            yield node, url
    finally:
        node.close()
