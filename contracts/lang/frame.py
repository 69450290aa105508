"""One function while its code is made: registers, locals, what is known of them, instructions."""

import ast
from abc import ABC, abstractmethod
from dataclasses import dataclass

from contracts.lang.assembly import NOTHING, Constant, Instruction, Item, Label
from contracts.lang.constants import ConstantValue
from contracts.lang.errors import ContractSyntaxError, error_at
from contracts.lang.model import FunctionDeclaration, Model
from contracts.lang.types import AnyType, Shape, letters_of, name_of, shape_of
from contracts.vm.container import BYTES_MAX, REGISTERS_MAX, FunctionKind
from contracts.vm.opcodes import OPCODES, Op

_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1  # of a constant in the container


@dataclass(frozen=True, slots=True)
class Value:
    """Where a result stands: the first of consecutive registers; a temporary is given back."""

    shape: Shape
    base: int
    temporary: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Home:
    """The registers of a local; not owned: those of a value that never changes."""

    shape: Shape
    base: int
    owned: bool


class Frame(ABC):
    """State of the making of one function.

    `homes` holds the registers of locals by name, `facts` those that surely have a value here.
    What the call itself gives (caller and so on) is a local too, named `caller()`.
    """

    def __init__(self, model: Model, declaration: FunctionDeclaration) -> None:
        """Lay out the parameters in the first registers."""
        self.model, self.declaration = model, declaration
        self.constants: dict[str, ConstantValue] = dict(model.constants)
        self.items: list[Item] = []
        self.letters: list[str] = []
        self.free: list[bool] = []
        self.temporaries: dict[int, None] = {}
        self.pool: dict[tuple[str, Constant], int] = {}
        self.homes: dict[str, Home] = {}
        self.facts: dict[str, object] = {}
        self.shapes: dict[str, Shape] = {}  # of every local ever assigned
        self.blocks: dict[str, tuple[str, int]] = {}  # by local: the call it waits for, its block
        self.busy: dict[str, None] = {}  # blocks that are being filled
        self.live = True
        self.node: ast.AST = declaration.node
        for name, kind in declaration.params:
            base = self.allocate(kind.letters)
            self.shapes[name] = shape_of(kind)
            self.homes[name] = self.facts[name] = Home(shape_of(kind), base, owned=True)

    @abstractmethod
    def value(self, node: ast.expr, into: int | None = None) -> Value:
        """Make code that computes an expression, into register `into` if given."""

    @abstractmethod
    def simple(self, node: ast.expr) -> Value | None:
        """Return where an expression already stands, or None if it takes code."""

    @abstractmethod
    def jump_if(self, node: ast.expr, label: Label, *, sense: bool) -> None:
        """Make code that goes to `label` if the condition is `sense`, else falls through."""

    # registers

    def allocate(self, letters: str) -> int:
        """Take consecutive free registers of these types; return the first."""
        count = len(letters)
        for base in range(len(self.letters) + 1):
            have = self.letters[base : base + count]
            if all(self.free[base : base + count]) and "".join(have) == letters[: len(have)]:
                break
        else:
            raise AssertionError
        for register in range(base, base + count):
            if register == len(self.letters):
                self.letters.append(letters[register - base])
                self.free.append(False)
            self.free[register] = False
        if len(self.letters) > REGISTERS_MAX:
            raise error_at(
                self.node, "too many values at once; move a part into an internal function"
            )
        return base

    def temporary(self, shape: Shape, into: int | None = None) -> Value:
        """Return `into`, or new temporary registers of this shape."""
        if into is not None:
            return Value(shape, into)
        letters = letters_of(shape)
        base = self.allocate(letters)
        for register in range(base, base + len(letters)):
            self.temporaries[register] = None
        return Value(shape, base, temporary=True)

    def release(self, *values: Value) -> None:
        """Give temporaries back."""
        for value in values:
            if value.temporary:
                for register in range(value.base, value.base + len(letters_of(value.shape))):
                    del self.temporaries[register]
                    self.free[register] = True

    def release_all(self) -> None:
        """Give back every temporary: a statement is over."""
        for register in self.temporaries:
            self.free[register] = True
        self.temporaries.clear()

    def keep(self, value: Value) -> int:
        """Make a temporary permanent; return its first register."""
        for register in range(value.base, value.base + len(letters_of(value.shape))):
            del self.temporaries[register]
        return value.base

    def drop_homes(self, before: dict[str, Home]) -> None:
        """Forget locals that began after `before` was noted and have no sure value any more."""
        for name in [name for name in self.homes if name not in before]:
            home = self.homes[name]
            if self.facts.get(name) is not home:
                self.drop_home(name)

    def drop_home(self, name: str) -> None:
        """Forget a local and free its registers."""
        home = self.homes.pop(name)
        self.facts.pop(name, None)
        if home.owned:
            base, count = home.base, len(letters_of(home.shape))
            if name in self.blocks:
                callee, base = self.blocks.pop(name)
                count = len(self.model.functions[callee].param_letters)
            for register in range(base, base + count):
                self.free[register] = True

    def known(self, name: str) -> Home | None:
        """Return the home of a local that surely has a value here."""
        home = self.homes.get(name)
        return home if home is not None and self.facts.get(name) is home else None

    def constant(self, value: Constant) -> Value:
        """Return the register of a constant."""
        letter = "B" if value is True or value is False else "I" if isinstance(value, int) else "Y"
        if isinstance(value, bytes) and len(value) > BYTES_MAX:
            raise error_at(self.node, f"{len(value)} bytes; at most {BYTES_MAX}")
        if letter == "I" and isinstance(value, int) and not _INT_MIN <= value <= _INT_MAX:
            raise error_at(self.node, "this constant does not fit in 64 bits")
        number = self.pool.setdefault((letter, value), len(self.pool))
        return Value(letter, -number - 1)

    # instructions

    def emit(self, op: Op, d: int = 0, a: int = 0, b: int = 0, t: int | Label = 0) -> None:
        """Append an instruction of the current line."""
        if OPCODES[op].writes:
            self.note_write(op.name)
        self.items.append(Instruction(op, d, a, b, t, getattr(self.node, "lineno", 1)))

    def note_write(self, what: str) -> None:
        """Remember that the function changes state; a view must not."""
        self.declaration.writes = True
        if self.declaration.kind == FunctionKind.VIEW:
            raise error_at(self.node, f"a view changes nothing, and this does ({what})")

    def move(self, value: Value, base: int) -> Value:
        """Copy a value to registers `base`.. and return it there."""
        if value.base != base:
            for offset in range(len(letters_of(value.shape))):
                self.emit(Op.MOV, base + offset, value.base + offset)
        self.release(value)
        return Value(value.shape, base)

    def settle(self, value: Value, into: int | None) -> Value:
        """Return a value where it stands, or moved into `into`."""
        return value if into is None else self.move(value, into)

    def branch(self, op: Op, label: Label, a: int = 0, b: int = 0) -> None:
        """Append a branch and note what is known on its way."""
        self.emit(op, 0, a, b, label)
        facts = self.facts
        if label.facts is None:
            label.facts = dict(facts)
        else:
            label.facts = {k: v for k, v in label.facts.items() if facts.get(k) is v}
        if op == Op.JMP:
            self.live = False

    def place(self, label: Label) -> None:
        """Put a label here: known is what is known on every way to it."""
        if label.facts is not None:
            if self.live:
                self.facts = {k: v for k, v in self.facts.items() if label.facts.get(k) is v}
            else:
                self.facts = dict(label.facts)
            self.live = True
        self.items.append(label)

    # checked evaluation

    def expect(self, node: ast.AST, value: Value, shape: Shape) -> Value:
        """Return the value if it has this shape, else raise."""
        if value.shape != shape:
            text = f"expected {name_of(shape)}, found {name_of(value.shape)}"
            raise error_at(node, text)
        return value

    def typed(self, node: ast.expr, shape: Shape, into: int | None = None) -> Value:
        """Make code for an expression that must have this shape."""
        return self.expect(node, self.value(node, into), shape)

    def arguments(self, place: ast.AST, nodes: list[ast.expr], kinds: list[AnyType]) -> Value:
        """Put values into consecutive registers; return the block as if it were one value.

        The shape is the letters of all; values that already stand in a row are not copied.
        """
        shapes = [shape_of(kind) for kind in kinds]
        if len(nodes) != len(shapes):
            raise error_at(place, f"{len(nodes)} values, {len(shapes)} are declared")
        if not nodes:
            return Value("", NOTHING)
        if len(nodes) == 1:
            return self.typed(nodes[0], shapes[0])
        standing = self._standing(nodes, shapes)
        if standing is not None:
            return standing
        letters = "".join(letters_of(shape) for shape in shapes)
        block = self.temporary(letters)
        base = block.base
        for node, shape in zip(nodes, shapes, strict=True):
            self.typed(node, shape, base)
            base += len(letters_of(shape))
        return block

    def _standing(self, nodes: list[ast.expr], shapes: list[Shape]) -> Value | None:
        first: int | None = None
        expected = 0
        for node, shape in zip(nodes, shapes, strict=True):
            value = self.simple(node)
            if value is None or value.base < 0 or value.shape != shape:
                return None
            if first is None:
                first = expected = value.base
            if value.base != expected:
                return None
            expected += len(letters_of(shape))
        assert first is not None
        return Value("".join(letters_of(shape) for shape in shapes), first)

    def refuse(self, message: str, node: ast.AST | None = None) -> ContractSyntaxError:
        """Return an error at a node, or at the current statement."""
        return error_at(node or self.node, message)
