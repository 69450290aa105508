"""The house style that no linter knows: sizes, docstrings, whole numbers, fixed order."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("chain", "contracts", "consensus", "p2p", "node")
DETERMINISTIC = ("chain", "contracts", "consensus")  # equal bytes on every machine
FRONT_DOORS = ("chain", "contracts", "consensus", "p2p")
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*folders: str) -> Iterator[tuple[str, str]]:
    """Yield (path below the root, text) of every Python file, in order."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def trees(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for path, text in sources(*folders):
        yield path, ast.parse(text, path)


def nodes(*folders: str) -> Iterator[tuple[str, ast.AST]]:
    for path, tree in trees(*folders):
        for node in ast.walk(tree):
            yield path, node


def place(path: str, node: ast.AST) -> str:
    return f"{path}:{getattr(node, 'lineno', 1)}"


def is_float(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=float() | complex()):
            return True
        case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
            return True
        case ast.Call(func=ast.Name(id="float")):
            return True
        case _:
            return False


def is_bare_set(node: ast.AST) -> bool:
    match node:
        case ast.Set() | ast.SetComp() | ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case _:
            return False


def iterated(node: ast.AST) -> list[ast.expr]:
    """Return what `node` walks over in an order that its result can show."""
    match node:
        case ast.For(iter=walked) | ast.AsyncFor(iter=walked):
            return [walked]
        case ast.ListComp() | ast.DictComp() | ast.GeneratorExp():
            return [loop.iter for loop in node.generators]
        case ast.Call(
            func=ast.Name(id="list" | "tuple" | "enumerate" | "iter")
            | ast.Attribute(attr="join" | "extend"),
            args=[first, *_],
        ):
            return [first]
        case ast.Starred(value=walked):
            return [walked]
        case _:
            return []


def exported(package: str) -> dict[str, str]:
    """Return name -> module of everything the front door of `package` re-exports."""
    door = ROOT / package / "__init__.py"
    tree = ast.parse(door.read_text("utf-8")) if door.exists() else ast.Module([], [])
    return {
        alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }


def test_modules_are_short() -> None:
    lengths = [(path, text.count("\n")) for path, text in sources(*PACKAGES, "tests", "bench")]

    assert [(path, count) for path, count in lengths if count > MODULE_LINES_MAX] == []


# One loop over all opcodes: a call for each instruction would cost more than most instructions do.
LONG_FOR_SPEED = {("contracts/vm/interpreter.py", "run")}


def test_functions_are_short() -> None:
    lengths = [
        (place(path, node), node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for path, node in nodes(*PACKAGES, "tests", "bench")
        if isinstance(node, Function)
    ]

    long = [length for length in lengths if length[2] > FUNCTION_LINES_MAX]
    assert {(str(where).split(":")[0], name) for where, name, _ in long} == LONG_FOR_SPEED


def test_every_module_says_what_it_is() -> None:
    silent = [path for path, tree in trees(*PACKAGES, "bench") if not ast.get_docstring(tree)]

    assert silent == []


def test_every_public_class_says_what_it_is() -> None:
    silent = [
        (place(path, node), node.name)
        for path, tree in trees(*PACKAGES)
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]

    assert silent == []


def test_every_function_of_a_front_door_says_what_it_promises() -> None:
    doors = {(module, name) for package in PACKAGES for name, module in exported(package).items()}

    silent = [
        (place(path, node), node.name)
        for path, tree in trees(*PACKAGES)
        for node in tree.body
        if isinstance(node, Function)
        and (path.removesuffix(".py").replace("/", "."), node.name) in doors
        and not ast.get_docstring(node)
    ]

    assert silent == []


def test_the_ledger_knows_whole_numbers_only() -> None:
    floats = [place(path, node) for path, node in nodes(*DETERMINISTIC) if is_float(node)]

    assert floats == []


def test_the_ledger_walks_over_no_bare_set() -> None:
    unordered = [
        place(path, walked)
        for path, node in nodes(*DETERMINISTIC)
        for walked in iterated(node)
        if is_bare_set(walked)
    ]

    assert unordered == []


def test_inside_a_package_modules_are_named_in_full() -> None:
    by_door = [
        place(path, node)
        for package in FRONT_DOORS
        for path, node in nodes(package)
        if isinstance(node, ast.ImportFrom) and node.module == package
    ]

    assert by_door == []


def test_front_doors_hold_names_only_and_list_them_in_order() -> None:
    allowed = ast.Expr | ast.Import | ast.ImportFrom | ast.Assign
    faults = []
    for package in FRONT_DOORS:
        door = ROOT / package / "__init__.py"
        if not door.exists():
            continue
        body = ast.parse(door.read_text("utf-8")).body
        faults += [
            place(f"{package}/__init__.py", node)
            for node in body
            if type(node) not in allowed.__args__
        ]
        listed = [
            ast.literal_eval(node.value)
            for node in body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        if body[1:] and sorted(*listed) != sorted(exported(package)):
            faults.append(f"{package}/__init__.py: __all__ is not what it imports")

    assert faults == []


def test_nothing_is_left_for_later() -> None:
    notes = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")

    left = [path for path, text in sources(*PACKAGES, "tests", "bench") if notes.search(text)]

    assert left == []


def test_nothing_here_knows_the_machine_it_was_written_on() -> None:
    homes = re.compile("/" + r"(?:work|root|home/\w+|tmp/\w+)/")
    texts = [*sources(*PACKAGES, "tests", "bench")]
    texts += [(path.name, path.read_text("utf-8")) for path in sorted(ROOT.glob("*.md"))]

    assert [path for path, text in texts if homes.search(text)] == []
