"""The published schema of OpenRPC 1.4, with what it refers to at hand."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT7

VECTORS = Path(__file__).parents[2] / "vectors" / "openrpc"
META = "https://meta.json-schema.tools"


def openrpc_validator() -> Draft7Validator:
    """Return what checks a document."""
    inner = DRAFT7.create_resource(_read("json-schema-tools-meta-schema.json"))
    schemas = Registry().with_resources([(META, inner), (META + "/", inner)])
    return Draft7Validator(_read("openrpc-schema-1.4.json"), registry=schemas)


def _read(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((VECTORS / name).read_text("utf-8"))
    return {key: value for key, value in schema.items() if key != "$schema"}
