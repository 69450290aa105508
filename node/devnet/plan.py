"""Folders for a network on this machine: a genesis, keys, settings and ports for each node.

The people are those of a development chain (`node/demo/accounts.py`); their keys are public. The
chain itself is no development chain: time passes by the clock, validators vote.
"""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chain.crypto import Signer, hash_bytes
from chain.genesis import Genesis, GenesisAccount, GenesisAsset, ParamsModel
from node.config import ConfigError
from node.demo.accounts import ACCOUNTS, FUNDS_EACH, account_of, seed_of
from node.keys.store import KeyStore

NETWORK_NAME = "network.json"
NODES_MAX = 50
OPERATOR = "operator"  # who may install contracts, propose and vote on such a network
Role = Literal["validator", "full", "gateway"]


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """One node: its name, what it is, where its data lies, and its two ports."""

    name: str
    role: Role
    folder: Path
    rpc_port: int
    p2p_port: int

    @property
    def rpc_url(self) -> str:
        """Where programs reach it."""
        return f"http://127.0.0.1:{self.rpc_port}"

    @property
    def p2p_url(self) -> str:
        """Where other nodes reach it."""
        return f"ws://127.0.0.1:{self.p2p_port}/p2p"


def node_signer(name: str) -> Signer:
    """Return the key of a node of such a network; everybody can know it."""
    return Signer(hash_bytes("devnet", name.encode()))


def make_network(
    folder: Path,
    validators: int,
    shops: int,
    *,
    time_ms: int,
    interval_ms: int = 200,
    adapt: Callable[[Genesis], Genesis] = lambda genesis: genesis,
) -> list[PlannedNode]:
    """Write the folders of a new network; returns its nodes. Raises OSError, FileExistsError.

    `adapt` may change the genesis, for instance to bring other people.
    """
    nodes = plan_nodes(folder, validators, shops)
    genesis = adapt(make_genesis(nodes, time_ms=time_ms, interval_ms=interval_ms))
    write_network(nodes, folder, genesis)
    return nodes


def give_operator_key(node: PlannedNode) -> None:
    """Put the operator's key into a node's folder, unsealed: everybody can know it anyway."""
    store = KeyStore(node.folder / "keys")
    if OPERATOR not in {one.name for one in store.list()}:
        store.add(OPERATOR, seed_of(OPERATOR), None)


def plan_nodes(folder: Path, validators: int, shops: int = 0) -> list[PlannedNode]:
    """Return nodes in folders of a folder, on ports that are free now; writes nothing."""
    names = [f"node{number}" for number in range(1, validators + 1)]
    names += [f"shop{number}" for number in range(1, shops + 1)]
    ports = _free_ports(2 * len(names))
    return [
        PlannedNode(
            name,
            "validator" if name.startswith("node") else "full",
            folder / name,
            ports[2 * place],
            ports[2 * place + 1],
        )
        for place, name in enumerate(names)
    ]


def write_network(
    nodes: list[PlannedNode], folder: Path, genesis: Genesis, settings: str = ""
) -> None:
    """Write the folders of nodes: genesis, key, settings (`settings` are more of them, as TOML).

    Raises OSError, and FileExistsError where the folder is not empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        text = f"{folder} is not empty; take a new folder, nothing is written over"
        raise FileExistsError(text)
    text = genesis.model_dump_json(indent=2) + "\n"
    for node in nodes:
        _write_node(node, nodes, text, settings)
    rows = [{**asdict(node), "folder": str(node.folder.resolve())} for node in nodes]
    (folder / NETWORK_NAME).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def make_genesis(nodes: list[PlannedNode], *, time_ms: int, interval_ms: int) -> Genesis:
    """Return the genesis of a network: its validators, its shops and the people as members."""
    validators = [node_signer(node.name) for node in nodes if node.role == "validator"]
    others = [node_signer(node.name) for node in nodes if node.role != "validator"]
    accounts = [
        GenesisAccount(account=one.account.hex(), roles=one.roles, balances={"CNY": FUNDS_EACH})
        for one in ACCOUNTS
    ]
    accounts += [GenesisAccount(account=one.public_key.hex(), roles=("member",)) for one in others]
    return Genesis(
        name="devnet",
        time_ms=time_ms,
        validators=tuple(sorted(one.public_key.hex() for one in validators)),
        params=ParamsModel(block_interval_ms=interval_ms),
        assets=(GenesisAsset(symbol="CNY", issuer=account_of("issuer").hex(), policy="open"),),
        accounts=tuple(accounts),
    )


def _write_node(node: PlannedNode, nodes: list[PlannedNode], genesis: str, settings: str) -> None:
    node.folder.mkdir(mode=0o700)
    (node.folder / "genesis.json").write_text(genesis, encoding="utf-8")
    secret = hash_bytes("devnet", node.name.encode())
    KeyStore(node.folder / "keys").add("validator", secret, None)
    peers = [one.p2p_url for one in nodes if one.role == "validator" and one.name != node.name]
    is_validator = node.role == "validator"
    lines = [
        "[rpc]",
        f"port = {node.rpc_port}",
        "requests_per_second = 0",
        "",
        "[p2p]",
        f'role = "{node.role}"',
        f"listen = {str(is_validator).lower()}",
        f"port = {node.p2p_port}",
        f'url = "{node.p2p_url if is_validator else ""}"',
        f"peers = {json.dumps(peers)}",
    ]
    (node.folder / "config.toml").write_text("\n".join(lines) + "\n" + settings, encoding="utf-8")


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now; all are held until the last is found."""
    sockets = []
    try:
        for _ in range(count):
            one = socket.socket()
            one.bind(("127.0.0.1", 0))
            sockets.append(one)
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str = Field(pattern=r"^[a-z0-9]{1,16}$")
    role: Role
    folder: str
    rpc_port: int = Field(ge=1, le=65_535)
    p2p_port: int = Field(ge=1, le=65_535)


class _Rows(BaseModel):
    rows: list[_Row] = Field(max_length=2 * NODES_MAX)


def read_network(folder: Path) -> list[PlannedNode]:
    """Return the nodes of a network that was made in a folder; raises ConfigError."""
    path = folder / NETWORK_NAME
    try:
        text = path.read_text(encoding="utf-8")
        found = _Rows.model_validate_json('{"rows":' + text + "}")
    except OSError as error:
        raise ConfigError(str(path), os.strerror(error.errno or 0)) from error
    except ValidationError as error:
        raise ConfigError(str(path), str(error.errors()[0]["msg"])) from error
    return [
        PlannedNode(row.name, row.role, Path(row.folder), row.rpc_port, row.p2p_port)
        for row in found.rows
    ]
