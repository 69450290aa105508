"""Questions about the syntax tree of one function."""

import ast


def mentions(node: ast.AST, name: str) -> bool:
    """Tell whether a name occurs in an expression."""
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))


def root_of(node: ast.expr) -> str | None:
    """Return x of x, x.a and x.a.b; None for everything else."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def calls_in_order(function: ast.FunctionDef) -> list[ast.Call]:
    """Return the calls in a function as they stand in the source."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    return sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def count_stores(function: ast.FunctionDef) -> dict[str, int]:
    """Return how often each local or one of its fields is assigned."""
    counts: dict[str, int] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = root_of(node)
            if name is not None:
                counts[name] = counts.get(name, 0) + 1
    return counts


def ends_block(node: ast.stmt) -> bool:
    """Tell whether nothing can follow a statement in its block, by its form alone."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return isinstance(node.value.func, ast.Name) and node.value.func.id == "fail"
    return isinstance(node, ast.Return | ast.Break | ast.Continue)
