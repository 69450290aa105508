"""The Python client of a node: `Wash` for scripts and notebooks, `AsyncWash` for services.

    with Wash(key=seed) as wash:
        final = wash.send([{"type": "transfer", "asset": "CNY", "to": "acct1...", "amount": 680}])

It trusts the node with answers, never with signatures: transactions are put together and signed
here, and keys stay here.
"""

from node.client.accounts import Identity
from node.client.api import AsyncWash
from node.client.errors import (
    BadAnswer,
    Expired,
    Forbidden,
    InvalidParams,
    NodeNotReady,
    NodeUnreachable,
    NotFound,
    RateLimited,
    Refused,
    StillPending,
    Unauthenticated,
    WashRpcError,
    WrongChain,
)
from node.client.results import Final, Pending, Signed
from node.client.subscription import EventStream
from node.client.wash import Events, Wash

__all__ = [
    "AsyncWash",
    "BadAnswer",
    "EventStream",
    "Events",
    "Expired",
    "Final",
    "Forbidden",
    "Identity",
    "InvalidParams",
    "NodeNotReady",
    "NodeUnreachable",
    "NotFound",
    "Pending",
    "RateLimited",
    "Refused",
    "Signed",
    "StillPending",
    "Unauthenticated",
    "Wash",
    "WashRpcError",
    "WrongChain",
]
