"""From source bytes to a checked syntax tree.

The tree comes from Python's own parser, so everything that could differ between Python versions is
refused first: characters outside ASCII except in strings and comments, named characters (their
table grows), deep nesting, and every kind of node that is not on the list below.
"""

import ast
import warnings

from contracts.lang.errors import ContractSyntaxError, error_at

SOURCE_BYTES_MAX = 262_144
NESTING_MAX = 32  # of brackets
DEPTH_MAX = 64  # of the syntax tree

ALLOWED: tuple[type[ast.AST], ...] = (
    ast.Module, ast.ImportFrom, ast.alias, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg,
    ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Delete, ast.If, ast.For, ast.While,
    ast.Break, ast.Continue, ast.Pass, ast.Return, ast.Constant, ast.Name, ast.Attribute,
    ast.Subscript, ast.Tuple, ast.Call, ast.keyword, ast.BinOp, ast.UnaryOp, ast.BoolOp,
    ast.Compare, ast.IfExp, ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.USub, ast.Not,
    ast.And, ast.Or, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.NotIn,
    ast.Load, ast.Store, ast.Del,
)  # fmt: skip

HINTS: dict[str, str] = {
    "Div": "there are no fractions; write a // b, or muldiv(a, b, c) for a * b // c",
    "Pow": "write the product out",
    "LShift": "multiply by a constant",
    "RShift": "use // with a constant",
    "Is": "compare with ==",
    "IsNot": "compare with !=",
    "Assert": 'use require(condition, "error_name")',
    "Raise": 'use fail("error_name")',
    "Try": "a failed call changes nothing; there is nothing to catch",
    "TryStar": "a failed call changes nothing; there is nothing to catch",
    "Import": "the only import is `from wash import *`",
    "JoinedStr": "build text outside the contract",
    "Lambda": "write an internal function `def _name(self, ...)`",
    "ListComp": "write a loop",
    "SetComp": "write a loop",
    "DictComp": "write a loop",
    "GeneratorExp": "write a loop",
    "List": "keep many values in a Map",
    "Dict": "keep many values in a Map",
    "Set": "keep many values in a Map",
    "Slice": "use slice(value, start, end)",
    "NamedExpr": "assign on a line of its own",
    "UAdd": "leave the + away",
    "Starred": "name every value",
    "AsyncFunctionDef": "contracts do not wait; use a @timer",
    "Match": "use if and elif",
}


def parse_source(source: bytes) -> ast.Module:
    """Return the syntax tree of a contract's source, or raise ContractSyntaxError."""
    if len(source) > SOURCE_BYTES_MAX:
        text = f"{len(source)} bytes of source; at most {SOURCE_BYTES_MAX}"
        raise ContractSyntaxError(text, 1, 1)
    try:
        text = source.decode()
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8; save the file as UTF-8"
        raise ContractSyntaxError(message, source[: error.start].count(b"\n") + 1, 1) from error
    _Scanner(text).scan()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "error"
            )  # a doubtful escape: newer versions refuse what older took
            tree = ast.parse(text, feature_version=(3, 11))
    except SyntaxError as error:
        raise ContractSyntaxError(error.msg, error.lineno or 1, error.offset or 1) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ContractSyntaxError(f"the parser gave up: {error}", 1, 1) from error
    _check_nodes(tree)
    return tree


class _Scanner:
    """A walk over the raw characters that knows strings and comments."""

    def __init__(self, text: str) -> None:
        self.text, self.position, self.nesting = text, 0, 0

    def refuse(self, message: str) -> ContractSyntaxError:
        before = self.text[: self.position]
        line = before.count("\n") + 1
        return ContractSyntaxError(message, line, self.position - before.rfind("\n"))

    def scan(self) -> None:
        text, end = self.text, len(self.text)
        while self.position < end:
            character = text[self.position]
            if character == "#":
                self.skip_comment()
            elif character in "\"'":
                self.skip_string(character)
            else:
                self.check(character)
                self.position += 1

    def check(self, character: str) -> None:
        if character > "~" or (character < " " and character not in "\n\r\t"):
            text = f"character {ord(character):#x} outside a string or comment; names are ASCII"
            raise self.refuse(text)
        if character in "([{":
            self.nesting += 1
            if self.nesting > NESTING_MAX:
                raise self.refuse(f"brackets nest deeper than {NESTING_MAX}; name a part of it")
        elif character in ")]}":
            self.nesting -= 1

    def skip_comment(self) -> None:
        while self.position < len(self.text) and self.text[self.position] not in "\r\n":
            self.position += 1

    def skip_string(self, quote: str) -> None:
        text, end = self.text, len(self.text)
        closing = quote * 3 if text.startswith(quote * 3, self.position) else quote
        self.position += len(closing)
        while self.position < end:
            if text.startswith(closing, self.position):
                self.position += len(closing)
                return
            if text[self.position] == "\\":
                if text.startswith("\\N", self.position):
                    raise self.refuse("named characters are refused; write the character itself")
                self.position += 1
            elif text[self.position] in "\r\n" and len(closing) == 1:
                return  # an open string: the parser says so better
            elif text[self.position] == "\0":
                raise self.refuse("a NUL character")
            self.position += 1


def _check_nodes(tree: ast.Module) -> None:
    pending: list[tuple[ast.AST, ast.AST, int]] = [(tree, tree, 0)]
    while pending:
        node, place, depth = pending.pop()
        if hasattr(node, "lineno"):
            place = node
        if depth > DEPTH_MAX:
            raise error_at(place, f"nested deeper than {DEPTH_MAX}; name a part of it")
        if type(node) not in ALLOWED:
            name = type(node).__name__
            hint = HINTS.get(name, "see the list of constructs in docs/contracts.md")
            raise error_at(place, f"{name} is not part of the contract language: {hint}")
        _check_node(node)
        pending += [(child, place, depth + 1) for child in ast.iter_child_nodes(node)]


def _check_node(node: ast.AST) -> None:
    if isinstance(node, ast.Constant) and type(node.value) in {float, complex}:
        raise error_at(
            node, f"{node.value!r} is not an integer; count in minor units or basis points"
        )
    if getattr(node, "type_params", None):
        raise error_at(node, "type parameters are not part of the contract language")
    if isinstance(node, ast.For | ast.While) and node.orelse:
        raise error_at(node, "a loop has no else part; use a variable")
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        raise error_at(node, "comparisons do not chain; join two with `and`")
    if isinstance(node, ast.arguments) and (
        node.vararg or node.kwarg or node.kwonlyargs or node.posonlyargs or node.defaults
    ):
        place = node.args[0] if node.args else node
        raise error_at(place, "parameters are plain names with types: no defaults, no stars")
    if isinstance(node, ast.keyword) and node.arg is None:
        raise error_at(node, "name every argument")
