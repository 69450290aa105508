"""The sections of a node's settings: each setting with its bounds, its default, what it is for."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# Text is how a path is written, so paths alone are not held to their exact type.
FilePath = Annotated[Path, Field(strict=False)]
Checkpoint = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,15}):[0-9a-f]{64}$")]


def _check_proxy(text: str) -> str:
    """Return an address or a network as it was written; raises ValueError for any other text."""
    if ip_network(text, strict=False).prefixlen == 0:
        raise ValueError("a network of all addresses would believe everybody")
    return text


Proxy = Annotated[str, AfterValidator(_check_proxy)]


class Section(BaseModel):
    """Settings that belong together; unknown ones are refused."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, strict=True, validate_default=True
    )


class StoreConfig(Section):
    """`[store]`: how the ledger is kept on disk."""

    cache_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1024 * 1024,
        le=16 * 1024**3,
        description="memory for reading the ledger, in bytes",
    )
    sync: bool = Field(
        default=True,
        description="wait for the disk at every block; without it a power cut can lose blocks",
    )
    archive: bool = Field(
        default=False, description="keep every block in full for good; forbids washnode prune"
    )
    snapshots: bool = Field(
        default=True,
        description="offer snapshots of the state to nodes that begin; they take room beside it",
    )
    backup_to: str = Field(
        default="",
        max_length=4_096,
        description="folder for a backup a day, on another disk; empty: none is made by itself",
    )


class ChainConfig(Section):
    """`[chain]`: which chain this node belongs to."""

    genesis_file: FilePath = Field(
        default=Path("genesis.json"),
        description="what the chain begins with; a relative path starts at data_dir",
    )


class RpcConfig(Section):
    """`[rpc]`: the door for programs and pages."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        max_length=255,
        description="address to listen on; anything but loopback is seen from outside",
    )
    port: int = Field(
        default=8787, ge=0, le=65_535, description="port to listen on; 0 takes a free one"
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=("localhost", "127.0.0.1", "[::1]"),
        strict=False,
        description="names by which clients may address this node, with or without a port",
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="web pages of other hosts that may call this node, as https://shop.example",
    )
    trusted_proxies: tuple[Proxy, ...] = Field(
        default=(),
        strict=False,
        max_length=32,
        description="addresses or networks of proxies whose X-Forwarded-For is believed",
    )
    request_bytes_max: int = Field(
        default=5 * 1024 * 1024,
        ge=1024,
        le=64 * 1024 * 1024,
        description="longest request, in bytes",
    )
    response_bytes_max: int = Field(
        default=10 * 1024 * 1024,
        ge=1024,
        le=256 * 1024 * 1024,
        description="longest answer, in bytes",
    )
    batch_max: int = Field(default=50, ge=1, le=1_000, description="calls in one HTTP request")
    websocket_batch_max: int = Field(
        default=20, ge=1, le=1_000, description="calls in one WebSocket message"
    )
    requests_per_second: int = Field(
        default=200,
        ge=0,
        le=1_000_000,
        description="calls a second from one address, twice as many at once; 0 sets no limit",
    )
    connections_max: int = Field(
        default=512, ge=1, le=65_536, description="open WebSocket and event-stream connections"
    )
    subscriptions_max: int = Field(
        default=32, ge=1, le=1_024, description="event subscriptions of one connection"
    )
    window_max: int = Field(
        default=1_000, ge=1, le=10_000, description="events sent ahead of their acknowledgement"
    )


class PoolConfig(Section):
    """`[pool]`: transactions that wait for a block."""

    transactions_max: int = Field(
        default=50_000, ge=1, le=1_000_000, description="how many may wait"
    )
    bytes_max: int = Field(
        default=64 * 1024 * 1024,
        ge=65_536,
        le=4 * 1024**3,
        description="how many bytes of them may wait",
    )
    per_account_max: int = Field(
        default=1_024,
        ge=1,
        le=1_000_000,
        description="how many of one sender, or of one sponsor, may wait",
    )
    checkers: int = Field(
        default=1,
        ge=0,
        le=64,
        description="processes that check signatures of batches; 0 checks them in the node",
    )


class KeyConfig(Section):
    """`[keys]`: which of the keys in data_dir/keys this node uses."""

    validator: str = Field(
        default="validator", max_length=32, description="name of the key that signs blocks"
    )
    sponsor: str = Field(
        default="",
        max_length=32,
        description="name of the shop's key that co-signs for customers; empty: none",
    )
    admitter: str = Field(
        default="", max_length=32, description="name of the key that takes join codes; empty: none"
    )
    unlock: Literal["ask", "keyring", "file"] = Field(
        default="ask", description="what opens sealed keys at a start: a person, a keyring, a file"
    )


class VaultConfig(Section):
    """`[vault]`: sealed details of customers, kept for the account of `keys.sponsor`."""

    serve: bool = Field(
        default=True, description="keep sealed details of customers, where keys.sponsor has a key"
    )
    bytes_max: int = Field(
        default=4 * 1024**3,
        ge=4 * 1024 * 1024,
        le=1024**4,
        description="how many bytes of them are kept for all customers together",
    )
    owner_bytes_max: int = Field(
        default=64 * 1024 * 1024,
        ge=2 * 1024 * 1024,
        le=1024**4,
        description="how many bytes of them are kept for one customer",
    )
    shop_bytes_max: int = Field(
        default=1024**3,
        ge=0,
        le=1024**4,
        description="how many bytes of them a gateway keeps for another shop",
    )
    shop_blobs_max: int = Field(
        default=20_000,
        ge=0,
        le=10_000_000,
        description="how many of them a gateway keeps for another shop; 0: none",
    )
    requests_per_minute: int = Field(
        default=120, ge=1, le=10_000, description="requests about them of one account a minute"
    )


class PagesConfig(Section):
    """`[pages]`: the web pages for customers, shops and operators."""

    serve: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="auto: on development chains, on gateways, and where keys.sponsor has a key",
    )
    sponsor: bool = Field(
        default=True,
        description="co-sign for the visitors of the pages, within limits, where keys.sponsor can",
    )
    url: str = Field(
        default="",
        max_length=200,
        description="where phones reach these pages, as https://wash.example; empty: they do not",
    )
    also: tuple[str, ...] = Field(
        default=(),
        strict=False,
        max_length=2,
        description="up to two more gateways: for a shop's photos and texts, operators' messages",
    )
    zone: str = Field(
        default="Asia/Shanghai",
        min_length=1,
        max_length=40,
        description="time zone of shops that named none",
    )
    desks: tuple[str, ...] = Field(
        default=(), strict=False, description="where money desks are, as '1 Main St / 大街 1 号'"
    )


class P2pConfig(Section):
    """`[p2p]`: this node among others."""

    role: Literal["validator", "full", "gateway"] = Field(
        default="validator",
        description="validator: decides blocks; full: follows; gateway: brings others on",
    )
    listen: bool = Field(
        default=False, description="take connections; without it the node only dials others"
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        max_length=255,
        description="address to listen on for other nodes",
    )
    port: int = Field(
        default=8788, ge=0, le=65_535, description="port for other nodes; 0 takes a free one"
    )
    url: str = Field(
        default="",
        max_length=255,
        description="where others reach this node, as wss://node.example/p2p; empty: they do not",
    )
    peers: tuple[str, ...] = Field(
        default=(),
        strict=False,
        max_length=64,
        description="nodes to stay connected to, as wss://node.example/p2p; two or more are wise",
    )
    allowed: tuple[str, ...] = Field(
        default=(),
        strict=False,
        max_length=256,
        description="node keys as hex that may connect besides those that the chain knows",
    )
    snapshot_distance: int = Field(
        default=20_000,
        ge=0,
        le=1_000_000_000,
        description="with more blocks to catch up, a snapshot is fetched instead; 0: never",
    )
    checkpoints: tuple[Checkpoint, ...] = Field(
        (), strict=False, max_length=4, description="blocks HEIGHT:ID whose snapshots are believed"
    )
