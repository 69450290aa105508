"""The running node as a whole: whatever ends it, the door closes before the chain does."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from node.app import build_node, serve
from node.config import Config, RpcConfig
from node.live.node import Node
from tests import make


def make_config(folder: Path) -> Config:
    return Config(data_dir=folder, rpc=RpcConfig(port=0))


def make_node(config: Config) -> Node:
    return build_node(config, make.genesis(), make.VALIDATOR)


async def is_open(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url + "/health") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False


async def test_a_companion_that_breaks_ends_everything_in_order(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    node = make_node(config)
    urls: list[str] = []
    seen: list[bool] = []

    async def companion() -> None:
        seen.append(await is_open(urls[0]))
        text = "broken"
        raise ValueError(text)

    with pytest.raises(ExceptionGroup) as caught:
        await serve(node, config, urls.append, [companion])

    assert [str(one) for one in caught.value.exceptions] == ["broken"]
    assert (seen, await is_open(urls[0])) == ([True], False)
    assert not (tmp_path / "node.json").exists()
    assert {one for one in asyncio.all_tasks() if one is not asyncio.current_task()} == set()
    make_node(config).close()  # nothing is locked any more
