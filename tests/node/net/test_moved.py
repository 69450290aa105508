"""A shop's computer gets another address, as from a new router: nobody is told, and it goes on."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chain.transaction import read_transaction
from node.config_sections import P2pConfig
from tests.node.net.dialled import Member, until
from tests.node.net.linked import LinkedNet

HERE, FIRST, SECOND = "10.9.0.1", "10.9.0.2", "10.9.0.3"
MARK = "WASHNODE_OWN_NETWORK"  # set where the addresses are this test's own

pytestmark = [pytest.mark.timeout(60)]


def address(*words: str) -> None:
    subprocess.run([shutil.which("ip") or "ip", *words], check=True, capture_output=True)


def go_by(source: str) -> None:
    """Let what is sent to the validator come from an address."""
    address("addr", "add", f"{source}/32", "dev", "lo")
    route = ("local", HERE, "dev", "lo", "table", "local", "src", source)
    address("route", "replace", *route)


@pytest.mark.skipif(MARK not in os.environ, reason="the test below runs it in a network of its own")
async def test_inside(tmp_path: Path) -> None:
    paper = LinkedNet(tmp_path / "paper", 1, 1)
    listening = P2pConfig(listen=True, host=HERE, port=0)
    validator = Member(paper, "node1", tmp_path / "node1", listening)
    await until(lambda: validator.joined.network.port)
    url = f"ws://{HERE}:{validator.joined.network.port}/p2p"
    shop = Member(paper, "shop1", tmp_path / "shop1", P2pConfig(peers=(url,)))
    network = shop.joined.network

    async def pay() -> int:
        data = paper.pay("alice", "bob")
        shop.node.submit(data)
        tx_id = read_transaction(data).tx_id
        await until(lambda: shop.node.status(tx_id).status == "final")
        return shop.node.ledger.height

    await until(network.connected)
    before = await pay()
    (old,) = network.peers()
    go_by(SECOND)
    address("addr", "del", f"{FIRST}/32", "dev", "lo")  # what is connected from there is dead
    after = await pay()
    (new,) = network.peers()
    addresses = [one.address for one in validator.joined.network.peers()]
    await asyncio.gather(shop.stop(), validator.stop())

    assert (before, after, new is old) == (1, 2, False)
    assert addresses == [SECOND]


def test_a_changed_address_costs_a_connection_and_nothing_else(tmp_path: Path) -> None:
    inner = f"{sys.executable} -m pytest -q -p no:cacheprovider {__file__} -k test_inside"
    command = (
        f"ip link set lo up && ip addr add {HERE}/32 dev lo && ip addr add {FIRST}/32 dev lo && "
        f"ip route replace local {HERE} dev lo table local src {FIRST} && {inner}"
    )
    words = [shutil.which("unshare") or "unshare", "-rn", "sh", "-c"]
    try:
        subprocess.run([*words, "ip link set lo up"], check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"no network namespaces here: {error}")
    done = subprocess.run(
        [*words, command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, MARK: "1", "TMPDIR": str(tmp_path)},
    )

    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
