"""What the fields of results mean, where their types do not say it themselves.

Most names mean the same wherever they stand; those are told once. All else is by type.
"""

import functools
import json
from importlib.resources import files
from typing import Any

Json = dict[str, Any]
EVERYWHERE = "*"
ITSELF = ""  # in the place of a field: the type


@functools.cache
def load_meanings() -> dict[str, dict[str, str]]:
    """Return the meanings by type and field; those of `EVERYWHERE` by field alone."""
    text = files("node.rpc.openrpc").joinpath("meanings.json").read_text("utf-8")
    loaded: dict[str, dict[str, str]] = json.loads(text)
    return loaded


def add_meanings(schemas: Json) -> None:
    """Describe every field of the schemas that has no description of its own."""
    meanings = load_meanings()
    for name, schema in schemas.items():
        own = meanings.get(name, {})
        if ITSELF in own:
            schema.setdefault("description", own[ITSELF])
        for field, inner in schema.get("properties", {}).items():
            told = own.get(field)
            if told is None and not _is_told(inner, schemas):
                told = meanings[EVERYWHERE].get(field)
            if told is not None:
                inner.setdefault("description", told)


def _is_told(schema: Json, schemas: Json) -> bool:
    """Tell whether the type of a field says enough."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return "description" in schemas.get(name, {})
