"""Settings: who wins, and what is refused with which words."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from node.config import Config, ConfigError, load_config
from node.config_sections import ChainConfig, StoreConfig


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold() -> None:
    config = load_config()

    assert config == Config(
        data_dir=Path("washdata"),
        log_level="info",
        store=StoreConfig(cache_bytes=67_108_864, sync=True),
        chain=ChainConfig(genesis_file=Path("genesis.json")),
    )


def test_flags_win_over_variables_over_the_file_over_defaults(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'data_dir = "file"\nlog_level = "debug"\n[store]\nsync = false\ncache_bytes = 2000000\n',
    )
    environment = {"WASH_LOG_LEVEL": "warning", "WASH_STORE_CACHE_BYTES": "3000000", "PATH": "/bin"}
    flags = {"log_level": "error", "data_dir": None}

    config = load_config(path, environment=environment, flags=flags)

    assert config == Config(
        data_dir=Path("file"),
        log_level="error",
        store=StoreConfig(cache_bytes=3_000_000, sync=False),
    )


def test_the_genesis_file_is_looked_for_in_the_data_directory() -> None:
    relative = load_config(flags={"data_dir": "d", "chain.genesis_file": "g.json"})
    absolute = load_config(flags={"data_dir": "d", "chain.genesis_file": "/etc/g.json"})

    paths = [relative.genesis_path, absolute.genesis_path]

    assert paths == [Path("d/g.json"), Path("/etc/g.json")]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("sync = true", "sync: no such setting, found True"),
        ("[store]\nsync = 1", "store.sync: Input should be a valid boolean, found 1"),
        ('[store]\ncache_bytes = "many"', "store.cache_bytes: Input should be a valid integer"),
        ("[store]\ncache_bytes = 1", "store.cache_bytes: Input should be greater than or equal to"),
        ("data_dir = 7", "data_dir: Input is not a valid path"),
        ('log_level = "loud"', "log_level: Input should be 'debug', 'info', 'warning' or 'error'"),
        ("store = 3", "store: Input should be a valid dictionary or instance of StoreConfig"),
        ("data_dir = ", "not TOML: Invalid value"),
        ("#" * 70_000, "larger than 65536 bytes"),
    ],
)
def test_a_fault_in_the_file_is_named(tmp_path: Path, text: str, fault: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises(ConfigError) as refusal:
        load_config(path)

    assert refusal.value.source == str(path)
    assert refusal.value.fault.startswith(fault)


@pytest.mark.parametrize(
    ("variable", "text", "fault"),
    [
        ("WASH_STORE_SINK", "true", "no such setting; there are WASH_DATA_DIR"),
        ("WASH_STORE_SYNC", "perhaps", "Input should be a valid boolean"),
        ("WASH_STORE_CACHE_BYTES", "1", "store.cache_bytes: Input should be greater than"),
        ("WASH_LOG_LEVEL", "", "Input should be 'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_fault_in_a_variable_is_named(variable: str, text: str, fault: str) -> None:
    environment = {variable: text}

    with pytest.raises(ConfigError) as refusal:
        load_config(environment=environment)

    assert refusal.value.source == variable
    assert refusal.value.fault.startswith(fault)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    missing, binary = tmp_path / "missing.toml", tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")

    for path, fault in [(missing, "No such file or directory"), (binary, "not TOML: ")]:
        with pytest.raises(ConfigError) as refusal:
            load_config(path)
        assert refusal.value.fault.startswith(fault)


def test_a_file_saved_by_a_windows_editor_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b'\xef\xbb\xbflog_level = "debug"\r\n')

    config = load_config(path)

    assert config == Config(log_level="debug")


def test_settings_never_change() -> None:
    config = load_config()

    with pytest.raises(ValidationError):
        config.log_level = "debug"  # type: ignore[misc]


def test_lists_in_variables_are_held_to_their_kind(tmp_path: Path) -> None:
    good = {"WASH_RPC_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8 ,::1"}
    anybody = write(tmp_path, '[rpc]\ntrusted_proxies = ["0.0.0.0/0"]\n')

    config = load_config(environment=good)
    refused = []
    for given in (
        {"environment": {"WASH_RPC_TRUSTED_PROXIES": "proxy.example"}},
        {"path": anybody},
    ):
        with pytest.raises(ConfigError) as fault:
            load_config(**given)
        refused.append(str(fault.value))

    assert config.rpc.trusted_proxies == ("127.0.0.1", "10.0.0.0/8", "::1")
    assert "WASH_RPC_TRUSTED_PROXIES: rpc.trusted_proxies.0" in refused[0]
    assert "would believe everybody" in refused[1]
