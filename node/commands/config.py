"""`washnode config`: the settings that a node would start with, and where each comes from."""

import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import data_option, group
from node.commands.output import EXIT_NOT_FOUND, fail, finish, print_text
from node.commands.words import t

if TYPE_CHECKING:
    from node.config import Config


@group()
def config() -> None:
    """See the settings of a node; they are changed in config.toml."""


@config.command(params=[data_option()])
@click.argument("names", nargs=-1)
@click.option("--origin", is_flag=True, help="Tell of each where it comes from.")
@click.option("--changed", is_flag=True, help="Only what is no default.")
def show(*, names: tuple[str, ...], origin: bool, changed: bool) -> None:
    """Show all settings as the node would take them, or those of the NAMES, as rpc.port or rpc.

    A WASH_ variable wins over the settings file, that over the defaults; flags of washnode run win
    over all.
    """
    from node.commands.connect import data_folder
    from node.commands.run import find_config

    folder = data_folder()
    file = _file_of(folder)
    taken = find_config(file, folder, {})
    rows = _rows(taken, file)
    wanted = [row for row in rows if not names or _is_named(row["name"], names)]
    if names and not wanted:
        seen = t("there is no setting {name}", name=names[0])
        fail(seen, EXIT_NOT_FOUND, fix=t("washnode config show lists all"))
    shown = [row for row in wanted if not changed or row["origin"] != "default"]
    finish({"settings": shown}, lambda: _show(shown, with_origin=origin))


def _file_of(folder: Path) -> Path | None:
    """Return the settings file that a start in this folder takes, None where there is none."""
    from node.commands.connect import CONFIG_NAME

    if os.environ.get("WASH_CONFIG"):
        return Path(os.environ["WASH_CONFIG"])
    beside = folder / CONFIG_NAME
    return beside if beside.is_file() else None


def _rows(taken: "Config", file: Path | None) -> list[dict[str, Any]]:
    from node.config import ENVIRONMENT_PREFIX, setting_names

    said = {} if file is None else tomllib.loads(file.read_text("utf-8-sig"))
    rows = []
    for name in setting_names():
        variable = ENVIRONMENT_PREFIX + name.upper().replace(".", "_")
        value, in_file = _value(taken, name), _is_in(said, name)
        place = "default" if not in_file or file is None else str(file)
        rows.append({
            "name": name,
            "value": value,
            "origin": variable if variable in os.environ else place,
        })  # fmt: skip
    return rows


def _value(taken: "Config", name: str) -> Any:
    found: Any = taken
    for part in name.split("."):
        found = getattr(found, part)
    return str(found) if isinstance(found, Path) else found


def _is_in(said: dict[str, Any], name: str) -> bool:
    found: Any = said
    for part in name.split("."):
        if not isinstance(found, dict) or part not in found:
            return False
        found = found[part]
    return True


def _is_named(name: str, names: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in names)


def _show(rows: list[dict[str, Any]], *, with_origin: bool) -> None:
    for row in rows:
        text = f"{row['name']} = {json.dumps(row['value'], ensure_ascii=False)}"
        origin = t("default") if row["origin"] == "default" else row["origin"]
        print_text(f"{text}  # {origin}" if with_origin else text)
