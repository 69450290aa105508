"""The running node as a whole: whatever ends it, the door closes before the chain does."""

import asyncio
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from chain.crypto import Signer
from chain.errors import StoreError
from consensus import Mode
from node import app
from node.app import NotValidatorError, build_node, serve
from node.config import Config
from node.config_sections import P2pConfig, PagesConfig, RpcConfig
from node.live.node import Node
from node.rpc.methods.node import node_health
from node.rpc.registry import Call
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


async def test_a_stranger_opens_no_chain_and_begins_none(tmp_path: Path) -> None:
    config = make_config(tmp_path)

    with pytest.raises(NotValidatorError, match="no validator of the chain"):
        build_node(config, make.genesis(), make.signer("mallory"))
    begun = (tmp_path / "chain").exists()
    make_node(config).close()
    with pytest.raises(NotValidatorError):
        build_node(config, make.genesis(), make.signer("mallory"))

    assert not begun
    make_node(config).close()  # nothing is locked


async def test_one_of_several_validators_opens_its_chain_and_waits_for_the_others(
    tmp_path: Path,
) -> None:
    keys = sorted(make.account(name) for name in ("validator", "ann", "ben", "cid"))
    several = tuple(key.hex() for key in keys)
    genesis = make.genesis().model_copy(update={"validators": several})
    node = build_node(make_config(tmp_path), genesis, make.VALIDATOR)

    made = node.make_block(node.block_time())
    mode = node.driver.mode
    node.close()

    assert (made, mode) == (None, Mode.LISTENING)


async def test_a_chain_that_is_gone_does_not_silently_begin_anew(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    node = make_node(config)
    for number in range(1, 4):
        assert node.make_block(node.block_time() + 1_000 * number) is not None
    node.close()
    shutil.rmtree(tmp_path / "chain")

    with pytest.raises(StoreError, match="came to height 3; bring the whole data folder back"):
        make_node(config)
    (tmp_path / "votes.log").rename(tmp_path / "votes.old")
    begun = make_node(config)
    height = begun.ledger.height
    begun.close()

    assert height == 0


async def test_a_damaged_vote_log_makes_a_node_that_says_so_and_makes_no_block(
    tmp_path: Path,
) -> None:
    config = make_config(tmp_path)
    node = make_node(config)
    assert node.make_block(node.block_time() + 1_000) is not None
    node.close()
    (tmp_path / "votes.log").write_bytes(b"")

    observer = make_node(config)
    made = observer.make_block(observer.block_time() + 5_000)
    warned = [one["code"] for one in node_health(Call(observer, "public"))["warnings"]]
    observer.close()
    (tmp_path / "votes.log").unlink()
    again = make_node(config)
    afterwards = again.make_block(again.block_time() + 5_000)
    again.close()

    assert (made, warned[0]) == (None, "OBSERVER")
    assert afterwards is not None


def test_a_shops_node_carries_to_each_gateway_of_its_settings_and_to_none_twice() -> None:
    around = SimpleNamespace(on_commit=[])
    letters = SimpleNamespace(on_uneven=[], on_wanted=[], node=around)
    vault = SimpleNamespace(on_kept=[], node=around)
    node: Any = SimpleNamespace(
        is_dev=False, sponsor=Signer(bytes(32)), letters=letters, vault=vault
    )
    second = ("https://second.example", "https://first.example")
    config = Config(pages=PagesConfig(url="https://first.example", also=second))

    carrying = app._carrying(node, config)
    nowhere = app._carrying(node, Config())

    assert (len(letters.on_uneven), len(letters.on_wanted), len(vault.on_kept)) == (2, 2, 2)
    assert (len(carrying), len(around.on_commit), nowhere) == (6, 6, [])


def test_a_gateway_carries_operators_letters_alone_and_not_to_itself() -> None:
    letters = SimpleNamespace(on_uneven=[], on_wanted=[], node=SimpleNamespace(on_commit=[]))
    node: Any = SimpleNamespace(is_dev=False, sponsor=Signer(bytes(32)), letters=letters)
    pages = PagesConfig(url="https://here.example", also=("https://there.example/",))

    carrying = app._carrying(node, Config(pages=pages, p2p=P2pConfig(role="gateway")))

    assert (len(carrying), len(letters.on_uneven), len(letters.on_wanted)) == (1, 0, 1)
