"""The ABI of code that is on the chain: its author's, checked against the code, or made from it.

The hash in a container says which ABI its author meant, and nothing of whether it is a good one.
So an ABI is taken only if it is well formed and every function, event, key and error in it has the
shape that the container has; what reads values by it then can not be surprised.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from contracts.vm.container import Container, Function, FunctionKind, Kind, Scalar
from node.abi import (
    GROUPS,
    AbiEvent,
    AbiFunction,
    AbiPots,
    AbiType,
    BadAbiError,
    ContractAbi,
    Record,
    Single,
    abi_bytes,
    flatten,
    parse_abi,
)


def read_abi(document: object, container: Container) -> ContractAbi:
    """Return the ABI that `document` (parsed JSON) states for a container; raises BadAbiError.

    Its hash must be the container's and everything in it must fit the code.
    """
    found = hashlib.sha256(abi_bytes(document)).digest()
    if found != container.abi_hash:
        text = f"ABI has hash {found.hex()}, the code names {container.abi_hash.hex()}"
        raise BadAbiError(text)
    abi = parse_abi(document)
    _check_fit(abi, container)
    return abi


def _check_fit(abi: ContractAbi, container: Container) -> None:
    """Raise BadAbiError unless everything in `abi` has the shape that the code has."""
    derived = derive_abi(container)
    for what, found, expected in (
        ("assets", abi.assets, derived.assets),
        ("links", abi.links, derived.links),
        ("errors", abi.errors, derived.errors),
        ("init", _outline(abi.init), _outline(derived.init)),
        ("functions", _outlines(abi), _outlines(derived)),
        (
            "events",
            list(map(_event_outline, abi.events)),
            list(map(_event_outline, derived.events)),
        ),
        ("pots", list(map(_pots_outline, abi.pots)), list(map(_pots_outline, derived.pots))),
    ):
        if found != expected:
            text = f"ABI of {container.name}: its {what} are not those of the code"
            raise BadAbiError(text)


def _shape(kinds: Iterable[AbiType]) -> list[tuple[Kind, int]]:
    return [(one.kind, one.size) for kind in kinds for one in flatten(kind)]


def _outline(one: AbiFunction | None) -> object:
    if one is None:
        return None
    returns = [] if one.returns is None else [one.returns]
    params = _shape(kind for _name, kind in one.params)
    return one.name, one.kind, params, _shape(returns), one.payable


def _outlines(abi: ContractAbi) -> dict[str, object]:
    return {name: _outline(one) for name, one in abi.functions.items()}


def _event_outline(event: AbiEvent) -> object:
    fields = [(name, _shape([kind])) for name, kind in event.fields]
    return event.name, fields, event.indexed


def _pots_outline(pots: AbiPots) -> object:
    return pots.name, _shape(pots.key), pots.asset


# Made from the container ------------------------------------------------------------------------


def derive_abi(container: Container) -> ContractAbi:
    """Return the ABI that a container alone allows: parameters are called a0, a1 and so on."""
    functions = [
        _derive_function(container, one)
        for one in container.functions
        if one.kind != FunctionKind.INTERNAL
    ]
    return ContractAbi(
        name=container.name,
        doc="",
        assets=container.assets,
        links=container.links,
        enums={},
        functions={one.name: one for one in functions if one.kind != FunctionKind.INIT},
        init=next((one for one in functions if one.kind == FunctionKind.INIT), None),
        events=tuple(
            AbiEvent(
                event.name,
                tuple((field.name, _plain(field.scalar)) for field in event.fields),
                tuple(place for place, field in enumerate(event.fields) if field.indexed),
            )
            for event in container.events
        ),
        errors=container.errors,
        pots=tuple(
            AbiPots(one.name, tuple(map(_plain, one.key)), container.assets[one.asset])
            for one in container.pots
        ),
    )


def _derive_function(container: Container, one: Function) -> AbiFunction:
    params = tuple((f"a{place}", _plain(part)) for place, part in enumerate(one.params))
    payable = None if one.asset is None else container.assets[one.asset]
    if len(one.returns) > 1:
        fields = tuple((f"r{place}", _plain(part)) for place, part in enumerate(one.returns))
        returns: AbiType | None = Record(f"{one.name}_result", fields)
    else:
        returns = _plain(one.returns[0]) if one.returns else None
    return AbiFunction(one.name, FunctionKind(one.kind), "", params, returns, payable)


def _plain(scalar: Scalar) -> Single:
    return Single(Kind(scalar.kind), scalar.size)


def derived_document(container: Container) -> dict[str, Any]:
    """Return the document of a derived ABI, in the form in which authors publish theirs."""
    abi = derive_abi(container)
    functions = abi.functions.values()
    records = [one.returns for one in functions if isinstance(one.returns, Record)]
    groups = {
        group: [_function_document(one) for one in functions if one.kind == kind]
        for group, kind in GROUPS
    }
    return {
        "vm": container.vm,
        "name": abi.name,
        "doc": "",
        "assets": list(abi.assets),
        "links": [{"name": name, "interface": "", "functions": []} for name in abi.links],
        "enums": {},
        "records": {one.name: [_named_document(*field) for field in one.fields] for one in records},
        "init": None if abi.init is None else _function_document(abi.init),
        **groups,
        "events": [
            {
                "name": event.name,
                "fields": [
                    {**_named_document(*field), "indexed": place in event.indexed}
                    for place, field in enumerate(event.fields)
                ],
            }
            for event in abi.events
        ],
        "errors": {str(number): name for number, name in enumerate(abi.errors, 1)},
        "state": [],
        "pots": [
            {
                "name": pots.name,
                "key": [_type_document(part) for part in pots.key],
                "asset": pots.asset,
                "extend_max_ms": made.extend_max_ms,
            }
            for pots, made in zip(abi.pots, container.pots, strict=True)
        ],
    }


def _type_document(kind: AbiType) -> dict[str, Any]:
    return {"type": kind.name if isinstance(kind, Record) else kind.text}


def _named_document(name: str, kind: AbiType) -> dict[str, Any]:
    return {"name": name, **_type_document(kind)}


def _function_document(one: AbiFunction) -> dict[str, Any]:
    return {
        "name": one.name,
        "doc": one.doc,
        "params": [_named_document(*param) for param in one.params],
        "returns": None if one.returns is None else _type_document(one.returns),
        "payable": one.payable,
    }
