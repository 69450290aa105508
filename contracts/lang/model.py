"""What a source declares, before any code is made."""

import ast
from dataclasses import dataclass, field

from contracts.lang.constants import ROLES, ConstantValue
from contracts.lang.types import AnyType, RecordType, ScalarType, TypeScope
from contracts.vm.container import FunctionKind


@dataclass(frozen=True, slots=True)
class FieldDeclaration:
    """A single variable (no key) or a map."""

    number: int
    name: str
    key: tuple[ScalarType, ...]
    value: AnyType


@dataclass(frozen=True, slots=True)
class PotDeclaration:
    """A family of pots by key in one asset."""

    number: int
    name: str
    key: tuple[ScalarType, ...]
    asset: int
    extend_max_ms: int


@dataclass(frozen=True, slots=True)
class EventDeclaration:
    """An event: name, type and whether indexed, of each field."""

    number: int
    name: str
    fields: tuple[tuple[str, ScalarType, bool], ...]


@dataclass(slots=True)
class FunctionDeclaration:
    """A function of the contract. `number` and `asset` are settled while code is made.

    `asset` of an internal function is that of the pots it fills; `writes` includes its callees.
    """

    name: str
    kind: FunctionKind
    asset: int | None
    params: tuple[tuple[str, AnyType], ...]
    returns: AnyType | None
    node: ast.FunctionDef
    number: int = -1
    writes: bool = False

    @property
    def param_letters(self) -> str:
        """Register letters of the flattened parameters."""
        return "".join(kind.letters for _, kind in self.params)


@dataclass(frozen=True, slots=True)
class LinkFunction:
    """A function of a linked contract, with the most gas it may use."""

    name: str
    is_action: bool
    params: tuple[tuple[str, AnyType], ...]
    returns: AnyType | None
    gas_max: int


@dataclass(frozen=True, slots=True)
class LinkDeclaration:
    """A linked contract; `first_call` is the number of its first function among all link calls."""

    number: int
    name: str
    interface: str
    functions: tuple[LinkFunction, ...]
    first_call: int


@dataclass(slots=True)
class Model:
    """One contract as declared; every dict is in source order."""

    name: str = ""
    doc: str = ""
    constants: dict[str, ConstantValue] = field(default_factory=lambda: dict(ROLES))
    enums: dict[str, dict[str, int]] = field(default_factory=dict)
    records: dict[str, RecordType] = field(default_factory=dict)
    interfaces: dict[str, tuple[LinkFunction, ...]] = field(default_factory=dict)
    assets: dict[str, int] = field(default_factory=dict)
    links: dict[str, LinkDeclaration] = field(default_factory=dict)
    fields: dict[str, FieldDeclaration] = field(default_factory=dict)
    pots: dict[str, PotDeclaration] = field(default_factory=dict)
    events: dict[str, EventDeclaration] = field(default_factory=dict)
    functions: dict[str, FunctionDeclaration] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)

    @property
    def scope(self) -> TypeScope:
        """What annotations may name."""
        return TypeScope(self.constants, self.enums, self.records, self.assets)

    def error_number(self, name: str) -> int:
        """Return the number of an error name, giving it the next one at first use."""
        return self.errors.setdefault(name, len(self.errors) + 1)


def read_doc(body: list[ast.stmt]) -> str:
    """Return the text of a leading docstring on one line, or nothing."""
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        value = first.value.value
        if isinstance(value, str):
            return " ".join(value.split())
    return ""
