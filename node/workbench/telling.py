"""Assertions that say what they compared."""

import ast
from types import CodeType

COMPARED = "_wash_compared"  # what a test file must know `show_compared` by
_SHOWN_MAX = 2_000  # letters of a compared value


def compile_test(source: bytes, filename: str) -> CodeType:
    """Compile a test file so that `assert a == b` says what a and b were."""
    tree = _Telling().visit(ast.parse(source, filename))
    return compile(ast.fix_missing_locations(tree), filename, "exec")


def show_compared(left: object, right: object) -> str:
    """Return what a failed comparison says."""
    sides = [repr(one)[:_SHOWN_MAX] for one in (left, right)]
    return f"left:  {sides[0]}\nright: {sides[1]}"


class _Telling(ast.NodeTransformer):
    """Gives plain comparisons in assertions a message; each side is still evaluated once."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        test = node.test
        if node.msg is not None or not isinstance(test, ast.Compare) or len(test.ops) != 1:
            return node
        names = ("_wash_left", "_wash_right")
        left, right = (
            ast.NamedExpr(ast.Name(name, ast.Store()), side)
            for name, side in zip(names, (test.left, test.comparators[0]), strict=True)
        )
        node.test = ast.Compare(left, test.ops, [right])
        seen: list[ast.expr] = [ast.Name(name, ast.Load()) for name in names]
        node.msg = ast.Call(ast.Name(COMPARED, ast.Load()), seen, [])
        return node
