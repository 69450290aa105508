"""Shops that began a chain together run it: real nodes that dial each other and decide."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_commands import Started, end, run, start

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

# ann is dialled by all; ann and ben decide; cat follows.
SHOPS = {
    "ann": ("--validator", "validator", "--operator"),
    "ben": ("--validator", "validator"),
    "cat": (),
}


def done(*words: object) -> dict[str, Any]:
    ended = run(*words, "--json")
    assert ended.returncode == 0, (words, ended.stderr)
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Started]]:
    folder = tmp_path_factory.mktemp("shops")
    begin(folder)
    started: dict[str, Started] = {}
    try:
        for shop in SHOPS:
            started[shop] = start(folder / shop, "run")
        yield started
    finally:
        for one in started.values():
            end(one)


def begin(folder: Path) -> None:
    """Hold the whole ceremony, and leave a data folder for each shop."""
    draft, file, final = (folder / f"{name}.json" for name in ("draft", "genesis", "final"))
    url = f"ws://127.0.0.1:{free_port()}/p2p"
    for shop, roles in SHOPS.items():
        for key in ("shop", *roles[1:2]):
            done("key", "new", key, "--no-passphrase", "--data", folder / shop)
    issuer = ("--issuer", "shop/CNY", "--data", folder / "ann")
    done("genesis", "init", "--name", "wash-hz", *issuer, "--out", draft)
    for shop, roles in SHOPS.items():
        own = ("--name", shop, *roles, *(("--url", url) if shop == "ann" else ()))
        out = ("--data", folder / shop, "--out", folder / f"{shop}.add.json")
        done("genesis", "add", draft, "--key", "shop", *own, *out)
    done("genesis", "collect", draft, *sorted(folder.glob("*.add.json")), "--out", file)
    for shop in SHOPS:
        out = ("--data", folder / shop, "--out", folder / f"{shop}.sig.json")
        done("genesis", "sign", file, "--key", "shop", *out)
    done("genesis", "finalize", file, *sorted(folder.glob("*.sig.json")), "--out", final)
    for shop in SHOPS:
        done("init", folder / shop, "--genesis", final)


def test_what_two_validators_decide_the_third_shop_sees(nodes: dict[str, Started]) -> None:
    mint = ("mint", "asset=CNY", "to=shop", "amount=5.00", "--from", "shop")
    sent = nodes["ann"].ask("tx", "send", *mint)
    seen = nodes["cat"].ask("tx", "wait", sent["receipt"]["id"], "--timeout", "60s")
    infos = [one.ask("rpc", "node_info")["result"] for one in nodes.values()]

    assert (sent["status"], seen["status"]) == ("final", "final")
    assert len({info["chain_id"] for info in infos}) == 1
    assert {info["chain_name"] for info in infos} == {"wash-hz"}
