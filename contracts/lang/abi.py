"""The ABI: what clients need to know of a contract, as JSON with integers only."""

import json
from typing import Any

from contracts.lang.model import (
    EventDeclaration,
    FunctionDeclaration,
    LinkDeclaration,
    LinkFunction,
    Model,
    read_doc,
)
from contracts.lang.types import AnyType, RecordType, ScalarType
from contracts.vm.container import VM_VERSION, FunctionKind


def write_abi(abi: dict[str, Any]) -> bytes:
    """Return the bytes whose SHA-256 stands in the container."""
    text = json.dumps(abi, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode()


def _typed(kind: AnyType) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": kind.text}
    if isinstance(kind, ScalarType) and kind.meaning is not None:
        entry["meaning"] = dict([kind.meaning])
    return entry


def _named(name: str, kind: AnyType) -> dict[str, Any]:
    return {"name": name, **_typed(kind)}


def _function(model: Model, one: FunctionDeclaration) -> dict[str, Any]:
    payable = None if one.asset is None else list(model.assets)[one.asset]
    return {
        "name": one.name,
        "doc": read_doc(one.node.body),
        "params": [_named(name, kind) for name, kind in one.params],
        "returns": None if one.returns is None else _typed(one.returns),
        "payable": payable,
    }


def _link_function(one: LinkFunction) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": "action" if one.is_action else "view",
        "params": [_named(name, kind) for name, kind in one.params],
        "returns": None if one.returns is None else _typed(one.returns),
        "gas": one.gas_max,
    }


def _record(record: RecordType) -> list[dict[str, Any]]:
    return [_named(name, kind) for name, kind in record.flat]


def _link(link: LinkDeclaration) -> dict[str, Any]:
    functions = [_link_function(one) for one in link.functions]
    return {"name": link.name, "interface": link.interface, "functions": functions}


def _event(event: EventDeclaration) -> dict[str, Any]:
    fields = [{**_named(name, kind), "indexed": indexed} for name, kind, indexed in event.fields]
    return {"name": event.name, "fields": fields}


def make_abi(model: Model) -> dict[str, Any]:
    """Return the ABI of a contract; records are flattened, lists keep the order of the source."""

    def functions(kind: FunctionKind) -> list[dict[str, Any]]:
        return [_function(model, one) for one in model.functions.values() if one.kind == kind]

    inits = functions(FunctionKind.INIT)
    return {
        "vm": VM_VERSION,
        "name": model.name,
        "doc": model.doc,
        "assets": list(model.assets),
        "links": [_link(link) for link in model.links.values()],
        "enums": {name: dict(members) for name, members in model.enums.items()},
        "records": {name: _record(record) for name, record in model.records.items()},
        "init": inits[0] if inits else None,
        "actions": functions(FunctionKind.ACTION),
        "views": functions(FunctionKind.VIEW),
        "timers": functions(FunctionKind.TIMER),
        "events": [_event(event) for event in model.events.values()],
        "errors": {str(number): name for name, number in model.errors.items()},
        "state": [
            {
                "name": one.name,
                "key": [_typed(part) for part in one.key],
                "value": _typed(one.value),
            }
            for one in model.fields.values()
        ],
        "pots": [
            {
                "name": one.name,
                "key": [_typed(part) for part in one.key],
                "asset": list(model.assets)[one.asset],
                "extend_max_ms": one.extend_max_ms,
            }
            for one in model.pots.values()
        ],
    }
