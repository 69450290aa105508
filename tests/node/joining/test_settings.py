"""What joining writes into a shop's settings."""

from pathlib import Path

import pytest

from node.config import load_config
from node.joining.plan import ShopPlan
from node.joining.settings import settings_of

PLAN = ShopPlan(name="Crystal", service=None, port=8790, unlock="keyring")
PEERS = ("wss://one.example/p2p", "wss://two.example/p2p")
CHECKPOINT = f"10000:{'ab' * 32}"


@pytest.mark.parametrize(
    ("gateways", "url"),
    [
        (("https://gate.example", "https://other.example"), "https://gate.example"),
        (("http://127.0.0.1:8787", "https://other.example"), "https://other.example"),
        (("http://127.0.0.1:8787",), ""),  # keys of customers work on protected pages only
    ],
)
def test_a_shops_node_has_its_keys_and_peers_and_leads_phones_to_a_gateway(
    tmp_path: Path, gateways: tuple[str, ...], url: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(settings_of(PLAN, PEERS, (CHECKPOINT,), gateways), encoding="utf-8")

    config = load_config(file)

    assert (config.rpc.port, config.pages.url) == (8790, url)
    assert (config.keys.validator, config.keys.sponsor, config.keys.unlock) == (
        "node", "shop", "keyring",
    )  # fmt: skip
    assert (config.p2p.role, config.p2p.peers, config.p2p.checkpoints) == (
        "full", PEERS, (CHECKPOINT,),
    )  # fmt: skip
