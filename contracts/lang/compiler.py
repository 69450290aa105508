"""The compiler: source bytes in, container out. A pure function of the source."""

from dataclasses import dataclass, replace
from typing import Any

from chain.crypto import sha256
from contracts.lang.abi import make_abi, write_abi
from contracts.lang.codegen import flat_scalars, make_function, number_errors, number_functions
from contracts.lang.declare import declare_module
from contracts.lang.errors import ContractSyntaxError
from contracts.lang.model import Model
from contracts.lang.parse import parse_source
from contracts.lang.types import AnyType, RecordType
from contracts.vm.container import (
    CONTAINER_BYTES_MAX,
    VM_VERSION,
    Container,
    EventField,
    EventType,
    Field,
    Function,
    LinkCall,
    NamedScalar,
    PotClass,
    encode_container,
)

COMPILER = "wash-1"
ERRORS_MAX = 255


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled contract; `source_map` has, per function, (pc, line) wherever the line changes."""

    container: Container
    container_bytes: bytes
    abi: dict[str, Any]
    source_map: dict[str, tuple[tuple[int, int], ...]]

    def line_of(self, function: str, pc: int) -> int:
        """Return the source line of an instruction."""
        lines = [line for start, line in self.source_map[function] if start <= pc]
        return lines[-1]


def compile_contract(source: bytes | str, *, filename: str = "<contract>") -> Compiled:
    """Return the container, ABI and source map of a contract.

    Raises ContractSyntaxError with the place, what was seen and what to write instead.
    """
    data = source.encode() if isinstance(source, str) else source
    try:
        return _compile(data)
    except ContractSyntaxError as error:
        error.filename = filename
        raise


def _compile(source: bytes) -> Compiled:
    model = declare_module(parse_source(source))
    if not model.functions:
        raise ContractSyntaxError("a contract without functions", 1, 1)
    number_errors(model)
    functions: list[Function] = []
    source_map: dict[str, tuple[tuple[int, int], ...]] = {}
    for declaration in number_functions(model):
        function, made = make_function(model, declaration)
        functions.append(function)
        source_map[function.name] = made.lines
    if len(model.errors) > ERRORS_MAX:
        raise ContractSyntaxError(f"{len(model.errors)} errors; at most {ERRORS_MAX}", 1, 1)
    abi = make_abi(model)
    container = _make_container(model, functions)
    container = replace(container, abi_hash=sha256(write_abi(abi)), source_hash=sha256(source))
    data = encode_container(container)
    if len(data) > CONTAINER_BYTES_MAX:
        text = f"the container has {len(data)} bytes; at most {CONTAINER_BYTES_MAX} are allowed"
        raise ContractSyntaxError(text, 1, 1)
    return Compiled(container, data, abi, source_map)


def _make_row(name: str, kind: AnyType) -> tuple[NamedScalar, ...]:
    if isinstance(kind, RecordType):
        return tuple(NamedScalar(field, scalar.scalar) for field, scalar in kind.flat)
    return (NamedScalar(name, kind.scalar),)


def _make_container(model: Model, functions: list[Function]) -> Container:
    return Container(
        magic="wash",
        vm=VM_VERSION,
        name=model.name,
        assets=tuple(model.assets),
        links=tuple(model.links),
        link_calls=tuple(
            LinkCall(
                link=link.number,
                function=one.name,
                is_action=one.is_action,
                params=flat_scalars([kind for _, kind in one.params]),
                returns=flat_scalars([] if one.returns is None else [one.returns]),
                gas_max=one.gas_max,
            )
            for link in model.links.values()
            for one in link.functions
        ),
        fields=tuple(
            Field(one.name, flat_scalars(list(one.key)), _make_row(one.name, one.value))
            for one in model.fields.values()
        ),
        pots=tuple(
            PotClass(one.name, flat_scalars(list(one.key)), one.asset, one.extend_max_ms)
            for one in model.pots.values()
        ),
        events=tuple(
            EventType(
                one.name,
                tuple(EventField(name, kind.scalar, indexed) for name, kind, indexed in one.fields),
            )
            for one in model.events.values()
        ),
        errors=tuple(model.errors),
        functions=tuple(functions),
        abi_hash=bytes(32),
        source_hash=bytes(32),
        compiler=COMPILER,
    )
