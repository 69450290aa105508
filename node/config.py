"""Settings of a node: flags over `WASH_*` variables over the file over the defaults.

`config.toml` is written by people, so every refusal names the setting, where it came from and what
was seen. Unknown settings are refused: a misspelt one must not be silently ignored.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from chain.errors import WashError
from node.places import default_data

ENVIRONMENT_PREFIX = "WASH_"
# Variables of commands, which are no settings of a node.
_OTHERS = "CONFIG DATA LANG PASSPHRASE PASSPHRASE_FILE PIN RPC TOKEN"
OTHER_VARIABLES = frozenset(ENVIRONMENT_PREFIX + name for name in _OTHERS.split())
FILE_BYTES_MAX = 65_536  # a config file is read by people; a larger one is some other file

# Text is how a path is written, so paths alone are not held to their exact type.
FilePath = Annotated[Path, Field(strict=False)]
Checkpoint = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,15}):[0-9a-f]{64}$")]


class ConfigError(WashError):
    """A setting that a node can not start with."""

    code = 1000

    def __init__(self, source: str, fault: str) -> None:
        super().__init__(f"{source}: {fault}")
        self.source, self.fault = source, fault


class _Section(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, strict=True, validate_default=True
    )


class StoreConfig(_Section):
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


class ChainConfig(_Section):
    """`[chain]`: which chain this node belongs to."""

    genesis_file: FilePath = Field(
        default=Path("genesis.json"),
        description="what the chain begins with; a relative path starts at data_dir",
    )


class RpcConfig(_Section):
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


class PoolConfig(_Section):
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


class KeyConfig(_Section):
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


class VaultConfig(_Section):
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
    requests_per_minute: int = Field(
        default=120, ge=1, le=10_000, description="requests about them of one account a minute"
    )


class PagesConfig(_Section):
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
    zone: str = Field(
        default="Asia/Shanghai",
        min_length=1,
        max_length=40,
        description="time zone of shops that named none",
    )
    desks: tuple[str, ...] = Field(
        default=(), strict=False, description="where money desks are, as '1 Main St / 大街 1 号'"
    )


class P2pConfig(_Section):
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


class Config(_Section):
    """All settings of a node. Build it with `load_config`."""

    data_dir: FilePath = Field(
        default_factory=default_data,
        description="where ledger and keys live; a relative path starts at the working directory",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="how much is told: debug, info, warning or error"
    )
    store: StoreConfig = StoreConfig()
    chain: ChainConfig = ChainConfig()
    rpc: RpcConfig = RpcConfig()
    pool: PoolConfig = PoolConfig()
    keys: KeyConfig = KeyConfig()
    vault: VaultConfig = VaultConfig()
    pages: PagesConfig = PagesConfig()
    p2p: P2pConfig = P2pConfig()

    @property
    def genesis_path(self) -> Path:
        """Where the genesis file is."""
        return self.data_dir / self.chain.genesis_file


def setting_names() -> dict[str, Any]:
    """Return every setting's dotted name, as `store.sync`, with its annotation."""
    return dict(_walk(Config, ""))


def _walk(section: type[BaseModel], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _walk(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", kind


def load_config(
    path: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Config:
    """Return the settings of a node, or raise ConfigError.

    `path` names a TOML file, which must then exist. `environment` holds variables such as
    `WASH_STORE_SYNC=false`; names without the prefix are not looked at. `flags` maps dotted names
    to values; None means that the flag was not given.
    """
    settings: dict[str, Any] = {}
    if path is not None:
        settings = _read_file(path)
        _check(str(path), settings)
    for name, value in _read_environment(environment or {}):
        _put(settings, name, value)
    for name, value in (flags or {}).items():
        if value is not None:
            _put(settings, name, value)
    return _check("flags", settings)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(str(path), error.strerror or "can not be read") from error
    if len(data) > FILE_BYTES_MAX:
        raise ConfigError(str(path), f"larger than {FILE_BYTES_MAX} bytes; is it a config file?")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"not TOML: {error}") from error


def _read_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    variables = {
        ENVIRONMENT_PREFIX + name.upper().replace(".", "_"): (name, kind)
        for name, kind in setting_names().items()
    }
    for variable in sorted(environment):
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in OTHER_VARIABLES:
            continue
        if variable not in variables:
            known = ", ".join(variables)
            raise ConfigError(variable, f"no such setting; there are {known}")
        name, kind = variables[variable]
        try:
            value = _read_variable(kind, environment[variable])
        except ValidationError as error:
            raise ConfigError(variable, _describe(error)) from error
        # Bounds belong to the model, not to the bare type; naming the variable helps here as well.
        probe: dict[str, Any] = {}
        _put(probe, name, value)
        _check(variable, probe)
        yield name, value


def _read_variable(kind: Any, text: str) -> object:
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return TypeAdapter(kind).validate_strings(text)


def _put(settings: dict[str, Any], name: str, value: object) -> None:
    *sections, leaf = name.split(".")
    for section in sections:
        settings = settings.setdefault(section, {})
    settings[leaf] = value


def _check(source: str, settings: dict[str, Any]) -> Config:
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(source, _describe(error)) from error


def _describe(error: ValidationError) -> str:
    faults = []
    for fault in error.errors(include_url=False):
        name = ".".join(str(part) for part in fault["loc"])
        seen = repr(fault["input"])[:60]
        text = "no such setting" if fault["type"] == "extra_forbidden" else fault["msg"]
        faults.append(f"{name}: {text}, found {seen}" if name else f"{text}, found {seen}")
    return "; ".join(faults)
