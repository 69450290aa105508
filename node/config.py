"""Settings of a node: flags over `WASH_*` variables over the file over the defaults.

`config.toml` is written by people, so every refusal names the setting, where it came from and what
was seen. Unknown settings are refused: a misspelt one must not be silently ignored.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_origin

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from chain.errors import WashError
from node.config_sections import (
    ChainConfig,
    FilePath,
    KeyConfig,
    P2pConfig,
    PagesConfig,
    PoolConfig,
    RpcConfig,
    Section,
    StoreConfig,
    VaultConfig,
)
from node.places import default_data

ENVIRONMENT_PREFIX = "WASH_"
# Variables of commands, which are no settings of a node.
_OTHERS = "CONFIG DATA LANG PASSPHRASE PASSPHRASE_FILE PIN RPC TOKEN"
OTHER_VARIABLES = frozenset(ENVIRONMENT_PREFIX + name for name in _OTHERS.split())
FILE_BYTES_MAX = 65_536  # a config file is read by people; a larger one is some other file


class ConfigError(WashError):
    """A setting that a node can not start with."""

    code = 1000

    def __init__(self, source: str, fault: str) -> None:
        super().__init__(f"{source}: {fault}")
        self.source, self.fault = source, fault


class Config(Section):
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
    if get_origin(kind) is tuple:
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
