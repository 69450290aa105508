"""The OpenRPC document of what a node serves, made from the methods themselves."""

import functools
import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema
from typing_extensions import TypedDict

from chain.errors import WashError
from node.rpc.error_texts import CATALOGUE
from node.rpc.errors import (
    VM_FAULT,
    VM_GAS,
    ContractRefusedError,
    ForbiddenError,
    HistoryPrunedError,
    InvalidParamsError,
    MethodDisabledError,
    NotFoundError,
    UnauthenticatedError,
    error_text,
)
from node.rpc.openrpc.meanings import add_meanings
from node.rpc.registry import Method, Registry

API_VERSION = "1"
OPENRPC_VERSION = "1.4.1"
EXAMPLES_FILE = "examples.json"

_SCHEMAS = "#/components/schemas/"
_ERRORS = "#/components/errors/"

Json = dict[str, Any]
Examples = Mapping[str, list[Json]]


class ReadAtJson(TypedDict):
    """The block whose state was read."""

    height: Annotated[int, Field(description="Its height.")]
    hash: Annotated[str, Field(description="Its id, 64 hex digits.")]
    time: Annotated[int, Field(description="Its time in ms since 1970, UTC.")]


class _Schemas(GenerateJsonSchema):
    """JSON schemas without a title on every field: it would only repeat the field's name."""

    def field_title_should_be_set(self, schema: CoreSchema) -> bool:
        del schema
        return False


def make_document(
    registry: Registry, *, dev: bool, version: str, examples: Examples | None = None
) -> Json:
    """Return the document of all methods that are served now; treat it as read-only.

    `examples` are calls with their results or errors by method name, those of the package by
    default.
    """
    shown = load_examples() if examples is None else examples
    fixed, schemas = _fixed_methods(registry, dev)
    dynamic = [
        _method_json(method, *_own_schemas(method))
        for method in map(registry.find, sorted(registry.dynamic_names()))
        if method is not None
    ]
    methods = [_with_examples(method, shown) for method in [*fixed, *dynamic]]
    return {
        "openrpc": OPENRPC_VERSION,
        "info": {
            "title": "washnode",
            "version": version,
            "description": (
                f"API version {API_VERSION} of a washnode. Parameters are given by name. Integers"
                " are within 2^53-1, money is in minor units, times are ms since 1970 in UTC."
            ),
        },
        "methods": methods,
        "components": {"schemas": schemas, "errors": _errors_json()},
    }


@functools.cache
def load_examples() -> Examples:
    """Return the examples that come with the package; none if there is no such file."""
    file = files("node.rpc.openrpc").joinpath(EXAMPLES_FILE)
    if not file.is_file():
        return {}
    loaded: dict[str, list[Json]] = json.loads(file.read_text("utf-8"))
    return loaded


@functools.lru_cache(maxsize=8)
def _fixed_methods(registry: Registry, dev: bool) -> tuple[list[Json], Json]:  # noqa: FBT001
    """Return (methods, shared schemas) of what does not change while a node runs."""
    dynamic = set(registry.dynamic_names())
    names = [name for name in registry.names(dev=dev) if name not in dynamic]
    methods = [method for method in map(registry.find, names) if method is not None]
    inputs: list[Any] = [("", "serialization", TypeAdapter(ReadAtJson))]
    for method in methods:
        inputs.append((f"{method.name} params", "validation", TypeAdapter(method.params)))
        inputs.append((f"{method.name} result", "serialization", method.result()))
    made, shared = TypeAdapter.json_schemas(
        inputs, ref_template=_SCHEMAS + "{model}", schema_generator=_Schemas
    )
    schemas: Json = shared.get("$defs", {})
    shown = []
    for method in methods:
        params = made[f"{method.name} params", "validation"]
        if "$ref" in params:  # parameters belong to one method: nobody else refers to them
            params = schemas.pop(str(params["$ref"]).removeprefix(_SCHEMAS))
        result = made[f"{method.name} result", "serialization"]
        shown.append(_method_json(method, params, result))
    add_meanings(schemas)
    return shown, dict(sorted(schemas.items()))


def _own_schemas(method: Method) -> tuple[Json, Json]:
    params = method.params.model_json_schema(schema_generator=_Schemas)
    return params, method.result().json_schema(schema_generator=_Schemas)


def _method_json(method: Method, params: Mapping[str, Any], result: Mapping[str, Any]) -> Json:
    shown: Json = {"name": method.name, "summary": method.summary}
    if method.description:
        shown["description"] = method.description
    return {
        **shown,
        "tags": [{"name": tag} for tag in _tags(method)],
        "paramStructure": "by-name",
        "params": _params_json(params),
        "result": {"name": "result", "schema": _result_schema(result, read=method.read)},
        "errors": [{"$ref": f"{_ERRORS}{error_text(code).name}"} for code in _codes(method)],
    }


def _tags(method: Method) -> list[str]:
    """Return who may call it and on what: the tier first."""
    special = {"dev": method.dev, "websocket": method.websocket_only, "read": method.read}
    return [method.tier, *(tag for tag, holds in special.items() if holds)]


def _params_json(model: Mapping[str, Any]) -> list[Json]:
    """Return the parameters, required ones first, `at` last."""
    needed = set(model.get("required", []))
    properties: Mapping[str, Json] = model.get("properties", {})
    order = sorted(properties, key=lambda name: (name not in needed, name == "at"))
    return [_param_json(name, properties[name], required=name in needed) for name in order]


def _param_json(name: str, schema: Mapping[str, Any], *, required: bool) -> Json:
    shown: Json = {"name": name, "required": required}
    description = schema.get("description") or _branch_description(schema)
    if description:
        shown["description"] = description
    return {**shown, "schema": dict(schema)}


def _branch_description(schema: Mapping[str, Any]) -> str:
    """Return what the value is that stands beside null."""
    branches: Iterable[Json] = schema.get("anyOf", [])
    return next((str(one["description"]) for one in branches if "description" in one), "")


def _result_schema(result: Mapping[str, Any], *, read: bool) -> Json:
    if not read:
        return dict(result)
    return {
        "type": "object",
        "required": ["at", "data"],
        "additionalProperties": False,
        "properties": {"at": {"$ref": f"{_SCHEMAS}{ReadAtJson.__name__}"}, "data": dict(result)},
    }


def _codes(method: Method) -> list[int]:
    """Return the codes that a caller of the method may meet, in order."""
    kinds: list[type[WashError]] = [*method.errors, InvalidParamsError]
    if method.read:
        kinds += [HistoryPrunedError, NotFoundError]
    if method.tier != "public":
        kinds += [UnauthenticatedError, ForbiddenError]
    if method.dev or method.websocket_only:
        kinds.append(MethodDisabledError)
    codes = {kind.code for kind in kinds}
    if ContractRefusedError in kinds:  # a contract that is run can also run out of gas, or fail
        codes |= {VM_GAS, VM_FAULT}
    return sorted(codes)


def _errors_json() -> Json:
    return {
        text.name: {
            "code": code,
            "message": text.en,
            "data": {"name": text.name, "zh": text.zh, "retry": text.retry},
        }
        for code, text in sorted(CATALOGUE.items())
    }


def _with_examples(method: Json, examples: Examples) -> Json:
    shown = examples.get(method["name"])
    if not shown:
        return method
    return {**method, "examples": [_example_json(example) for example in shown]}


def _example_json(example: Json) -> Json:
    """Return a pair of request and answer; OpenRPC has no place of its own for an error."""
    params = [{"name": name, "value": value} for name, value in example["params"].items()]
    pair: Json = {"name": example["name"], "params": params}
    if "error" in example:
        return {**pair, "x-error": example["error"]}
    return {**pair, "result": {"name": "result", "value": example["result"]}}
