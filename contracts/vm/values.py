"""Stored forms of values: keys, records, arguments.

Everything has a fixed width and big-endian order, so keys sort as their parts do; SINT is shifted
by 2^63 for the same reason. BYTES and TEXT, allowed in records only, follow the fixed part as
`length u16 | bytes` in declared order. A value outside its declared range traps RANGE, a wrong
length traps LENGTH.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from chain.errors import BadContractError, MalformedBytesError
from chain.types import SAFE_INT_MAX
from contracts.vm.container import BYTES_MAX, FIXED_BYTES, INT_RANGES, Kind, Scalar
from contracts.vm.traps import Trap, TrapKind

Registers = list[Any]
_SHIFT = 2**63
_LETTER = {
    Kind.U8: "B", Kind.U16: "H", Kind.U32: "I", Kind.UINT: "Q", Kind.SINT: "Q", Kind.BOOL: "?",
    Kind.ADDR: "32s", Kind.HASH: "32s",
}  # fmt: skip


def zero_of(kind: int) -> Any:
    """Return the zero of a storage type: 0, False, 32 zero bytes for ADDR and HASH, or no bytes."""
    if kind == Kind.BOOL:
        return False
    if kind in {Kind.ADDR, Kind.HASH}:
        return bytes(32)
    return b"" if kind in {Kind.BYTES, Kind.TEXT} else 0


def constant_type(value: object) -> str:
    """Return the register type of a constant; text is held as bytes, addresses come from calls."""
    match value:
        case bool():
            return "B"
        case int():
            return "I"
        case bytes() if len(value) <= BYTES_MAX:
            return "Y"
        case str() if len(value.encode()) <= BYTES_MAX:
            return "Y"
        case _:
            text = f"constant {repr(value)[:40]} is no bool, integer or short bytes"
            raise BadContractError(text)


def check_scalar(scalar: Scalar, value: Any) -> None:
    """Trap unless a register value fits a storage type (its register type is known to fit)."""
    kind = scalar.kind
    if kind <= Kind.SINT:
        low, high = INT_RANGES[kind]
        if not low <= value <= high:
            raise Trap(TrapKind.RANGE)
    elif kind == Kind.HASH:
        if len(value) != 32:
            raise Trap(TrapKind.LENGTH)
    elif kind >= Kind.BYTES:
        if len(value) > scalar.size:
            raise Trap(TrapKind.LENGTH)
        if kind == Kind.TEXT:
            _check_text(value)


def _check_text(value: bytes) -> None:
    try:
        value.decode()
    except UnicodeDecodeError:
        raise Trap(TrapKind.RANGE) from None


def _part_encoder(scalar: Scalar) -> Callable[[Any], bytes]:
    kind = scalar.kind
    if kind == Kind.ADDR:
        return bytes
    if kind == Kind.HASH:

        def encode_hash(value: bytes) -> bytes:
            if len(value) != 32:
                raise Trap(TrapKind.LENGTH)
            return value

        return encode_hash
    if kind == Kind.BOOL:
        return lambda value: b"\1" if value else b"\0"
    low, high = INT_RANGES[kind]
    width = FIXED_BYTES[kind]
    shift = _SHIFT if kind == Kind.SINT else 0

    def encode_int(value: int) -> bytes:
        if low <= value <= high:
            return (value + shift).to_bytes(width, "big")
        raise Trap(TrapKind.RANGE)

    return encode_int


class KeyForm:
    """Encoder and decoder of a key of 0 to 3 fixed-width parts in consecutive registers."""

    def __init__(self, tag: bytes, parts: Sequence[Scalar]) -> None:
        """`tag` stands before the parts (the number of the field, pot class or timer)."""
        self.tag = tag
        self.parts = tuple(parts)
        self.width_bytes = sum(FIXED_BYTES[part.kind] for part in parts)
        self.encode = self._encoder([_part_encoder(part) for part in parts])

    def _encoder(self, parts: list[Callable[[Any], bytes]]) -> Callable[[Registers, int], bytes]:
        tag = self.tag
        if not parts:
            return lambda _registers, _at: tag
        if len(parts) == 1:
            one = parts[0]
            return lambda registers, at: tag + one(registers[at])

        def encode(registers: Registers, at: int) -> bytes:
            key = tag
            for part in parts:
                key += part(registers[at])
                at += 1
            return key

        return encode

    def prefix_bytes(self, parts: int) -> int:
        """Return the length of the tag and the first `parts` parts."""
        return len(self.tag) + sum(FIXED_BYTES[part.kind] for part in self.parts[:parts])

    def decode(self, data: bytes) -> list[Any]:
        """Return the parts of the key bytes after the tag."""
        assert len(data) == self.width_bytes, (len(data), self.width_bytes)
        values: list[Any] = []
        at = 0
        for part in self.parts:
            width = FIXED_BYTES[part.kind]
            raw = data[at : at + width]
            at += width
            if part.kind >= Kind.ADDR:
                values.append(raw)
            elif part.kind == Kind.BOOL:
                values.append(raw != b"\0")
            else:
                number = int.from_bytes(raw, "big")
                values.append(number - _SHIFT if part.kind == Kind.SINT else number)
        return values


class RowForm:
    """Encoder and decoder of a record in consecutive registers."""

    def __init__(self, scalars: Sequence[Scalar]) -> None:
        self.scalars = tuple(scalars)
        self.count = len(scalars)
        fixed = [(i, s) for i, s in enumerate(scalars) if s.kind < Kind.BYTES]
        self._struct = struct.Struct(">" + "".join(_LETTER[Kind(s.kind)] for _, s in fixed))
        self._fixed = [i for i, _ in fixed]
        self._variable = [(i, s) for i, s in enumerate(scalars) if s.kind >= Kind.BYTES]
        self._uints = [i for i, s in fixed if s.kind == Kind.UINT]
        self._sints = [i for i, s in fixed if s.kind == Kind.SINT]
        self._hashes = [i for i, s in fixed if s.kind == Kind.HASH]
        self.width_bytes = self._struct.size + sum(2 + s.size for _, s in self._variable)
        self._zeros = [zero_of(s.kind) for s in scalars]
        self._plain = not self._variable and not self._sints
        zeros = [_SHIFT if i in self._sints else self._zeros[i] for i in self._fixed]
        self._zero_bytes = self._struct.pack(*zeros)

    def zeros(self) -> list[Any]:
        """Return the record that GETZ gives for a missing key."""
        return list(self._zeros)

    def encode(self, registers: Registers, at: int) -> bytes:
        """Return the stored bytes of `registers[at : at + count]`.

        Traps RANGE or LENGTH for the first value, in declared order, that does not fit.
        """
        values = registers[at : at + self.count]
        for i in self._uints:
            if values[i] > SAFE_INT_MAX:
                self._refuse(values)
        for i in self._hashes:
            if len(values[i]) != 32:
                self._refuse(values)
        if not self._plain:
            return self._encode_slowly(values)
        try:
            return self._struct.pack(*values)
        except struct.error:
            self._refuse(values)

    def _encode_slowly(self, values: list[Any]) -> bytes:
        fixed = values.copy() if self._sints else values
        for i in self._sints:
            if not -SAFE_INT_MAX <= values[i] <= SAFE_INT_MAX:
                self._refuse(values)
            fixed[i] += _SHIFT
        try:
            out = self._struct.pack(*[fixed[i] for i in self._fixed])
        except struct.error:
            self._refuse(values)
        for i, scalar in self._variable:
            value = values[i]
            if len(value) > scalar.size or not _is_fit(scalar.kind, value):
                self._refuse(values)
            out += len(value).to_bytes(2, "big") + value
        return out

    def _refuse(self, values: list[Any]) -> NoReturn:
        for scalar, value in zip(self.scalars, values, strict=True):
            check_scalar(scalar, value)
        raise AssertionError((self.scalars, values))  # every value fits: the caller erred

    def decode(self, data: bytes) -> Sequence[Any]:
        """Return the register values of stored bytes.

        A row that was written before fields were appended is shorter; those are zero in it.
        """
        size = self._struct.size
        if len(data) < size:
            data += self._zero_bytes[len(data) :]
        if self._plain:
            return self._struct.unpack(data)
        values = list(self._zeros)
        for i, value in zip(self._fixed, self._struct.unpack(data[:size]), strict=True):
            values[i] = value
        for i in self._sints:
            values[i] -= _SHIFT
        for i, _ in self._variable:
            length = int.from_bytes(data[size : size + 2], "big")
            values[i] = data[size + 2 : size + 2 + length]
            size += 2 + length
        return values


def read_arguments(scalars: Sequence[Scalar], values: Sequence[object]) -> list[Any]:
    """Return register values of call arguments as they came over the wire.

    Raises MalformedBytesError naming the argument and what was seen; TEXT arrives as text or as its
    UTF-8 bytes and is held as bytes.
    """
    if len(values) != len(scalars):
        text = f"{len(values)} arguments, {len(scalars)} are declared"
        raise MalformedBytesError(text)
    return [_read_argument(i, s, v) for i, (s, v) in enumerate(zip(scalars, values, strict=True))]


def _read_argument(index: int, scalar: Scalar, value: Any) -> Any:
    kind = scalar.kind
    if kind <= Kind.SINT:
        low, high = INT_RANGES[kind]
        if type(value) is int and low <= value <= high:
            return value
        expected = f"an integer {low}..{high}"
    elif kind == Kind.BOOL:
        if type(value) is bool:
            return value
        expected = "a bool"
    elif kind in {Kind.ADDR, Kind.HASH}:
        if type(value) is bytes and len(value) == 32:
            return value
        expected = "32 bytes"
    else:
        data = value.encode() if type(value) is str and kind == Kind.TEXT else value
        if type(data) is bytes and len(data) <= scalar.size and _is_fit(kind, data):
            return data
        expected = f"at most {scalar.size} bytes" + (" of UTF-8" if kind == Kind.TEXT else "")
    text = f"argument {index + 1}: expected {expected}, found {repr(value)[:60]}"
    raise MalformedBytesError(text)


def _is_fit(kind: int, data: bytes) -> bool:
    if kind == Kind.BYTES:
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
