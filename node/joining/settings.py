"""The settings file of a shop's node, as joining writes it. Pure."""

import json
from collections.abc import Sequence

from node.joining.plan import NODE_KEY, SHOP_KEY, ShopPlan

_TEXT = """\
# Settings of this node. All that there are, with their defaults: config.example.toml.
# Ledger and keys live in the folder in which this file lies, because genesis.json lies there too.

[rpc]
port = {port}

[keys]
# By this key other nodes know this one; it signs no blocks.
validator = {node}
# The shop's account: its node co-signs for customers.
sponsor = {shop}
unlock = {unlock}

[p2p]
role = "full"
peers = {peers}
# For the first start: the gateway that let this shop in vouches for them.
checkpoints = {checkpoints}
"""
_PAGES = """
[pages]
# Where phones reach the pages: posters and codes lead there, for this computer is behind a router.
url = {url}
"""


def settings_of(
    plan: ShopPlan, peers: Sequence[str], checkpoints: Sequence[str], gateways: Sequence[str]
) -> str:
    """Return the settings; customers' pages are those of the first gateway that is protected."""
    text = _TEXT.format(
        port=plan.port,
        node=json.dumps(NODE_KEY),
        shop=json.dumps(SHOP_KEY),
        unlock=json.dumps(plan.unlock),
        peers=json.dumps(list(peers)),
        checkpoints=json.dumps(list(checkpoints)),
    )
    protected = [one for one in gateways if one.startswith("https://")]
    return text + _PAGES.format(url=json.dumps(protected[0])) if protected else text
