"""Types of the language: scalars as they are stored, records, and how annotations name them."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from contracts.lang.constants import ConstantValue, fold
from contracts.lang.errors import error_at
from contracts.vm.container import BYTES_MAX, FIXED_BYTES, REGISTER_TYPES, Kind, Scalar


@dataclass(frozen=True, slots=True)
class ScalarType:
    """One stored value; `meaning` says in the ABI what the number or the bytes stand for."""

    kind: Kind
    size: int = 0
    meaning: tuple[str, str] | None = None

    @property
    def letter(self) -> str:
        """The register type: I, B, Y or A."""
        return REGISTER_TYPES[self.kind]

    @property
    def letters(self) -> str:
        """The register types, as records have them."""
        return REGISTER_TYPES[self.kind]

    @property
    def scalar(self) -> Scalar:
        """The container's form."""
        return Scalar(int(self.kind), self.size)

    @property
    def text(self) -> str:
        """The name in the ABI."""
        name = SCALAR_TEXTS[self.kind]
        return f"{name}[{self.size}]" if self.size else name


@dataclass(frozen=True, slots=True)
class RecordType:
    """A record, with nested ones flattened into `flat`; `letters` has one letter per scalar."""

    name: str
    fields: "tuple[tuple[str, ScalarType | RecordType], ...]"
    flat: tuple[tuple[str, ScalarType], ...]
    letters: str

    def part(self, name: str) -> "tuple[int, ScalarType | RecordType] | None":
        """Return the first register (from 0) and the type of field `name`, or None."""
        offset = 0
        for field, kind in self.fields:
            if field == name:
                return offset, kind
            offset += len(kind.letters)
        return None

    @property
    def text(self) -> str:
        """The name in the ABI."""
        return self.name


AnyType: TypeAlias = ScalarType | RecordType
Shape: TypeAlias = str | RecordType  # what an expression has: a register letter or a record

SCALAR_TEXTS: dict[Kind, str] = {
    Kind.U8: "u8", Kind.U16: "u16", Kind.U32: "u32", Kind.UINT: "uint", Kind.SINT: "sint",
    Kind.BOOL: "bool", Kind.ADDR: "address", Kind.HASH: "hash", Kind.BYTES: "bytes",
    Kind.TEXT: "text",
}  # fmt: skip
PLAIN_TYPES: dict[str, ScalarType] = {
    "u8": ScalarType(Kind.U8),
    "u16": ScalarType(Kind.U16),
    "u32": ScalarType(Kind.U32),
    "uint": ScalarType(Kind.UINT),
    "sint": ScalarType(Kind.SINT),
    "bool": ScalarType(Kind.BOOL),
    "Address": ScalarType(Kind.ADDR),
    "Hash": ScalarType(Kind.HASH),
    "Time": ScalarType(Kind.UINT, 0, ("time", "ms")),
    "Duration": ScalarType(Kind.UINT, 0, ("duration", "ms")),
    "Bp": ScalarType(Kind.U16, 0, ("ratio", "bp")),
}
LETTER_NAMES: dict[str, str] = {"I": "int", "B": "bool", "Y": "bytes", "A": "address"}


def shape_of(kind: AnyType) -> Shape:
    """Return what an expression of this type has."""
    return kind if isinstance(kind, RecordType) else kind.letter


def letters_of(shape: Shape) -> str:
    """Return the register letters of a shape."""
    return shape if isinstance(shape, str) else shape.letters


def name_of(shape: Shape) -> str:
    """Return a shape's name for messages."""
    return LETTER_NAMES[shape] if isinstance(shape, str) else shape.name


def is_fixed_width(kind: AnyType) -> bool:
    """Tell whether a type can be part of a key."""
    return isinstance(kind, ScalarType) and FIXED_BYTES[kind.kind] > 0


def make_record(name: str, fields: list[tuple[str, AnyType]]) -> RecordType:
    """Return a record type with its nested records flattened under dotted names."""
    flat: list[tuple[str, ScalarType]] = []
    for field, kind in fields:
        if isinstance(kind, RecordType):
            flat += [(f"{field}.{inner}", scalar) for inner, scalar in kind.flat]
        else:
            flat.append((field, kind))
    letters = "".join(scalar.letter for _, scalar in flat)
    return RecordType(name, tuple(fields), tuple(flat), letters)


@dataclass(frozen=True, slots=True)
class TypeScope:
    """What annotations may name besides the built-in types."""

    constants: Mapping[str, ConstantValue]
    enums: Mapping[str, object]
    records: Mapping[str, RecordType]
    assets: Mapping[str, int]


def read_type(node: ast.expr, scope: TypeScope) -> AnyType:
    """Return the type that an annotation names, or raise ContractSyntaxError."""
    if isinstance(node, ast.Name):
        if node.id in PLAIN_TYPES:
            return PLAIN_TYPES[node.id]
        if node.id in scope.enums:
            return ScalarType(Kind.U8, 0, ("enum", node.id))
        if node.id in scope.records:
            return scope.records[node.id]
        hint = (
            "int has no width; write u8, u16, u32, uint or sint"
            if node.id == "int"
            else ("declare a Record or an Enum of that name above, or use a built-in type")
        )
        raise error_at(node, f"{node.id} is not a type: {hint}")
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        return _read_sized(node, node.value.id, scope)
    raise error_at(node, "not a type; write a name such as uint, Address or Text[40]")


def _read_sized(node: ast.Subscript, name: str, scope: TypeScope) -> ScalarType:
    if name in {"Bytes", "Text"}:
        size = fold(node.slice, scope.constants)
        if type(size) is not int or not 1 <= size <= BYTES_MAX:
            raise error_at(node, f"{name}[n] needs a constant n of 1..{BYTES_MAX}")
        return ScalarType(Kind.BYTES if name == "Bytes" else Kind.TEXT, size)
    if name == "Money":
        named = isinstance(node.slice, ast.Name) and node.slice.id in scope.assets
        asset = ast.unparse(node.slice) if named else fold(node.slice, scope.constants)
        if not isinstance(asset, str):
            text = (
                'Money[x] names an asset of the contract; write Money["x"] for that of another one'
            )
            raise error_at(node, text)
        return ScalarType(Kind.UINT, 0, ("money", asset))
    if name == "Id":
        label = fold(node.slice, scope.constants)
        if not isinstance(label, str) or not label.isalnum() or label != label.lower():
            raise error_at(node, 'Id["bkg"] needs a short lower-case prefix')
        return ScalarType(Kind.HASH, 0, ("id", label))
    raise error_at(node, f"{name}[...] is not a type that stands here")
