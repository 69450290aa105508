"""A development chain in a process of its own, scraped as Prometheus does."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.devnet.plan import PlannedNode, make_network
from node.devnet.processes import DevNet
from tests.e2e.test_commands import environment
from tests.node.monitoring.scraped import Scrape, parse

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("watched") / "data"
    words = ["dev", "--data", str(folder), "--port", "0", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "node", *words],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=environment(),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["url"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def get(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.status, response.read().decode()


def scrape(url: str) -> Scrape:
    return parse(get(f"{url}/metrics")[1])


def call(url: str, method: str, **params: Any) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    asked = urllib.request.Request(
        f"{url}/rpc", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=10) as response:
        return json.load(response)


def test_a_running_node_is_live_and_ready(url: str) -> None:
    live, ready = get(f"{url}/health/live"), get(f"{url}/health/ready")

    assert (live[0], json.loads(live[1])) == (200, {"live": True})
    assert (ready[0], json.loads(ready[1])) == (200, {"ready": True, "reasons": []})


def test_figures_are_those_that_the_api_tells(url: str) -> None:
    before = call(url, "node_health")["result"]
    found = scrape(url)
    after = call(url, "node_health")["result"]

    assert before["height"] <= found.value("wash_height") <= after["height"]
    assert found.value("wash_ready") == 1
    assert sum(found.table("wash_escrow_liability", "asset").values()) > 0
    assert found.value("wash_db_bytes") > 0
    assert found.value("wash_backup_age_seconds") < 3_600  # since the node's first start
    assert found.value("wash_rpc_requests_total", method="node_health", code="0") >= 1


def test_labels_have_few_values_whatever_is_asked(url: str) -> None:
    for number in range(50):
        call(url, f"no_such_method_{number}")
    found = scrape(url)

    assert found.value("wash_rpc_requests_total", method="unknown", code="-32601") == 50
    assert len(found.samples) < 2_000


async def test_nodes_of_a_network_show_each_other(tmp_path: Path) -> None:
    nodes = make_network(tmp_path / "net", 2, 1, time_ms=time.time_ns() // 1_000_000)
    net = DevNet(nodes)
    for node in nodes:
        net.start(node.name)
    try:
        ready = [until_ready(node) for node in nodes]
        found = [scrape(node.rpc_url) for node in nodes]
    finally:
        await net.stop()

    assert ready == [{"ready": True, "reasons": []}] * 3
    for one, validators in zip(found, (1, 1, 2), strict=True):
        assert 1 <= one.table("wash_peers", "role")["validator"] <= validators
        assert sum(one.table("wash_p2p_bytes_total", "kind").values()) > 0
        assert one.value("wash_quorum") == sum(one.table("wash_validators", "state").values()) == 2
    assert [one.value("wash_is_validator") for one in found] == [1, 1, 0]


def until_ready(node: PlannedNode) -> Any:
    """Return what /health/ready says once it is 200; the test's own limit ends a wait in vain."""
    while True:
        try:
            return json.loads(get(f"{node.rpc_url}/health/ready")[1])
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
