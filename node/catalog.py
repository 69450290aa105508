"""The contracts that ship, as they are deployed: containers compiled from the sources beside them.

The containers are kept in the repository, so that a running node needs no compiler; `python -m
node.build_contracts` makes them anew and a test compares. What the standard ones do is told to
people in the sentences beside their sources (`<name>.words.json`).
"""

import importlib.resources
import json
from functools import cache
from typing import Any

from contracts.vm.program import Program, load_program

STANDARD = (
    "booking", "consent", "loyalty", "money", "prepaid", "records", "reviews", "shops",
)  # fmt: skip
SHIPPED = (*STANDARD, "admissions")  # besides what visits need, what only some networks do
_FOLDERS = {
    **dict.fromkeys(SHIPPED, "contracts.standard"),
    "notes": "node.rehearse",
    "bells": "node.sim",
}


def _read(name: str, kind: str) -> bytes:
    folder = importlib.resources.files(_FOLDERS[name])
    return (folder / "compiled" / f"{name}.{kind}").read_bytes()


@cache
def words(name: str) -> dict[str, dict[str, Any]]:
    """Return the sentences of a standard contract: of its actions, events, errors, statuses."""
    folder = importlib.resources.files(_FOLDERS[name])
    found: dict[str, dict[str, Any]] = json.loads((folder / f"{name}.words.json").read_bytes())
    return found


@cache
def container_bytes(name: str) -> bytes:
    """Return the compiled container of a contract that ships."""
    return _read(name, "container")


@cache
def program(name: str) -> Program:
    """Return the verified program of a contract that ships."""
    return load_program(container_bytes(name))


@cache
def abi(name: str) -> dict[str, Any]:
    """Return the ABI of a contract that ships."""
    found: dict[str, Any] = json.loads(_read(name, "abi.json"))
    return found
