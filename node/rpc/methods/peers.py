"""`node_peers`: whom this node is connected to, and where the agreement is."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import WashError
from chain.types import HOUR_MS
from node.rpc.params import DurationMs, NodeKey, Text
from node.rpc.registry import Call, rpc_method
from p2p import BadAddressError


class PeerJson(TypedDict):
    """One connected node."""

    key: Annotated[str, Field(description="Its node key; a validator's is the one it votes with.")]
    role: Annotated[str, Field(description="What it says it is: validator, full or gateway.")]
    is_validator: Annotated[bool, Field(description="Whether the chain counts its votes.")]
    url: Annotated[str, Field(description="Where it says it can be dialled; empty: nowhere.")]
    software: Annotated[str, Field(description="The program it says it runs.")]
    dialled: Annotated[bool, Field(description="Whether this node dialled it.")]
    height: Annotated[int | None, Field(description="The height it decides, as it last said.")]
    round_trip_ms: int | None
    clock_offset_ms: Annotated[int | None, Field(description="How far its clock is ahead of ours.")]
    bytes_in: int
    bytes_out: int
    dropped: Annotated[int, Field(description="Messages to it that found no room.")]


class PeersJson(TypedDict):
    """A node among others."""

    listening: Annotated[int | None, Field(description="The port for other nodes, if it has one.")]
    height: Annotated[int, Field(description="The height that is being decided.")]
    round: int
    step: Annotated[str, Field(description="propose, prevote, precommit or commit.")]
    mode: Annotated[str, Field(description="listening, signing or observer.")]
    mode_reason: str
    nil_reason: Annotated[str, Field(description="Why it last voted for no block; may be empty.")]
    is_validator: Annotated[bool, Field(description="Whether this node decides the next block.")]
    validators: Annotated[int, Field(description="How many decide the next block.")]
    quorum: Annotated[int, Field(description="How many of them are needed.")]
    online: Annotated[int, Field(description="How many of them are connected, this node counted.")]
    peers: list[PeerJson]


@rpc_method()
def node_peers(call: Call) -> PeersJson:
    """Return the connected nodes, and how far the agreement about the next block has come."""
    node = call.node
    machine, network = node.driver.engine.machine, node.network
    validators = machine.validators
    peers = [] if network is None else network.peers()
    heights = {} if network is None else network.heights()
    rows: list[PeerJson] = [
        {
            "key": one.peer.node_key.hex(),
            "role": one.peer.role.value,
            "is_validator": one.peer.node_key in validators.keys,
            "url": one.peer.url,
            "software": one.peer.software,
            "dialled": one.is_dialer,
            "height": heights.get(one.peer.node_key),
            "round_trip_ms": one.round_trip_ms,
            "clock_offset_ms": one.clock_offset_ms,
            "bytes_in": sum(one.received_bytes.values()),
            "bytes_out": sum(one.sent_bytes.values()),
            "dropped": sum(one.dropped.values()),
        }
        for one in peers
    ]
    return {
        "listening": None if network is None else network.port,
        "height": machine.height,
        "round": machine.round,
        "step": machine.step.name.lower(),
        "mode": node.driver.mode.name.lower(),
        "mode_reason": node.driver.mode_reason,
        "nil_reason": machine.nil_reason,
        "is_validator": machine.me in validators.keys,
        "validators": len(validators.keys),
        "quorum": validators.quorum,
        "online": online_validators(node),
        "peers": rows,
    }


def online_validators(node: Any) -> int:
    """Return how many of those who decide the next block are connected, this node counted."""
    machine, network = node.driver.engine.machine, node.network
    here = set() if network is None else set(network.connected())
    here.add(machine.me)
    return sum(key in here for key in machine.validators.keys)


class KnownAddressJson(TypedDict):
    """Where a node can be dialled."""

    url: str
    source: Annotated[str, Field(description="configured, or told by a peer.")]
    key: Annotated[str | None, Field(description="Node key that answered there, if any did.")]
    last_success_ms: Annotated[int | None, Field(description="When it last answered, ms UTC.")]
    failures: Annotated[int, Field(description="How often it failed since.")]


class BanJson(TypedDict):
    """Somebody who is not answered for now."""

    subject: Annotated[
        str, Field(description="key: and a node key, or address: and an IP address.")
    ]
    until_ms: Annotated[int, Field(description="Until when, ms UTC.")]


class PeerBookJson(TypedDict):
    """What this node remembers of others."""

    addresses: list[KnownAddressJson]
    banned: list[BanJson]


class NoNetworkError(WashError):
    """A node that is not among others."""

    code = -32007

    def __init__(self) -> None:
        super().__init__("this node knows no others: give it [p2p] peers, or let it listen")


def _network(call: Call) -> Any:
    if call.node.network is None:
        raise NoNetworkError
    return call.node.network


def _book_json(network: Any) -> PeerBookJson:
    return {
        "addresses": [
            {
                "url": one.url,
                "source": one.source,
                "key": one.node_key_hex,
                "last_success_ms": one.last_success_ms,
                "failures": one.failures,
            }
            for one in network.book.all()
        ],
        "banned": [
            {"subject": subject, "until_ms": until_ms}
            for subject, until_ms in network.book.banned()
        ],
    }


@rpc_method(tier="admin", errors=(NoNetworkError,))
def admin_peer_book(call: Call) -> PeerBookJson:
    """Return the addresses that this node knows and whom it does not answer."""
    return _book_json(_network(call))


@rpc_method(tier="admin", errors=(NoNetworkError, BadAddressError))
def admin_peer_add(call: Call, *, url: Text) -> PeerBookJson:
    """Dial a node from now on; the settings file says so for the next start."""
    network = _network(call)
    network.book.add(url)
    return _book_json(network)


@rpc_method(tier="admin", errors=(NoNetworkError,))
def admin_peer_ban(call: Call, *, key: NodeKey, duration_ms: DurationMs = HOUR_MS) -> PeerBookJson:
    """Close the connection to a node and answer it no more for a while."""
    network = _network(call)
    network.ban(key, duration_ms)
    return _book_json(network)


@rpc_method(tier="admin", errors=(NoNetworkError,))
def admin_peer_pardon(call: Call, *, key: NodeKey) -> PeerBookJson:
    """Forget what is held against a node."""
    network = _network(call)
    network.book.pardon(key)
    return _book_json(network)
