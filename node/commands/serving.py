"""What `run` and `dev` share: the event loop, and the line that says where the node is."""

import asyncio
import errno
import importlib
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from node.app import serve
from node.awake import keep_awake
from node.commands.output import CommandError
from node.commands.words import t
from node.config import Config
from node.console_close import stopping_on_close
from node.live.node import Node
from node.live.opening import is_open_time


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run a node's coroutine to its end, on the quick loop where there is one."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    try:
        made: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(
            "uvloop"
        ).new_event_loop
    except ImportError:
        return None
    return made


async def serve_node(
    node: Node,
    config: Config,
    on_ready: Callable[[str], None],
    companions: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
) -> None:
    """Serve a node to its end; an address that is taken is told with what to do about it."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        with suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(node.stop)

    try:
        with stopping_on_close(end):
            await serve(node, config, on_ready, (*companions, *_awake(node, config)))
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL}:
            raise
        text = t(
            "{host} port {port} can not be had: {error}",
            host=config.rpc.host,
            port=config.rpc.port,
            error=os.strerror(error.errno),
        )
        raise CommandError(
            text, fix=t("give another as rpc.port in config.toml, or with --port")
        ) from error


def _awake(node: Node, config: Config) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """Return what keeps the machine awake while the shop is open; Windows alone lets programs."""
    platform: str = sys.platform
    if platform != "win32":
        return []

    def is_open() -> bool:
        return is_open_time(node, node.clock.now_ms(), config.pages.zone)

    return [lambda: keep_awake(is_open)]


def ready_facts(node: Node, url: str) -> dict[str, Any]:
    """Return what a program wants to know of a node that has started."""
    return {
        "url": url,
        "pid": os.getpid(),
        "data": str(node.folder),
        "chain_id": node.ledger.chain_id.hex(),
        "height": node.ledger.height,
    }
