"""Runs tests of contracts: functions `test_...(world)` in plain Python files beside a contract.

    # test_deposit.py, beside deposit.wash
    def test_a_day_ahead_all_comes_back(world):
        deposit = world.call("alice", "open", "shop", "2026-01-10T10:00Z", funds=1_000)
        world.call("alice", "cancel", deposit)
        assert world.balance("alice") == 1_000_000

Each test gets a world of its own in which the contract of the file's name is deployed, or a copy of
what the file's `make_world()` returns. The files are the developer's own and are executed.
"""

import contextlib
import inspect
import io
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from chain.errors import WashError
from node.workbench.built import build_file
from node.workbench.failures import CallFailed, SourcePlace, WorkbenchError
from node.workbench.telling import COMPARED, compile_test, show_compared
from node.workbench.world import World

MAKE_WORLD, PREFIX, SUFFIX = "make_world", "test_", "_test"
SOURCE_SUFFIX = ".wash"
_OUTPUT_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Result:
    """How a test went: `failure` is None if it passed, `place` where in the test it failed.

    `contract` is the line of the contract's source, if it was a refusal nobody expected.
    """

    file: str
    name: str
    elapsed_ms: int
    failure: str | None = None
    place: SourcePlace | None = None
    contract: SourcePlace | None = None
    output: str = ""


@dataclass(slots=True)
class Report:
    """All results, and per contract the functions that no test has used."""

    results: list[Result] = field(default_factory=list)
    unused: dict[str, list[str]] = field(default_factory=dict)

    @property
    def failed(self) -> list[Result]:
        """The tests that failed."""
        return [one for one in self.results if one.failure is not None]


def find_tests(path: Path) -> list[tuple[Path, Path | None]]:
    """Return (test file, contract's file) for a contract, a test file or a folder of contracts.

    Raises WorkbenchError if there is no test.
    """
    if path.is_dir():
        sources = sorted(path.rglob(f"*{SOURCE_SUFFIX}"))
        found = [(test, source) for source in sources for test in _tests_beside(source)]
    elif path.suffix == SOURCE_SUFFIX:
        found = [(test, path) for test in _tests_beside(path)]
    else:
        stem = path.stem.removeprefix(PREFIX).removesuffix(SUFFIX)
        source = path.with_name(stem + SOURCE_SUFFIX)
        return [(path, source if source.is_file() else None)]
    if not found:
        name = path.stem if path.suffix == SOURCE_SUFFIX else "NAME"
        text = f"no tests for {path}; write {PREFIX}{name}.py beside {name}{SOURCE_SUFFIX}"
        raise WorkbenchError(text)
    return list(found)


def _tests_beside(source: Path) -> Iterator[Path]:
    for name in (f"{PREFIX}{source.stem}.py", f"{source.stem}{SUFFIX}.py"):
        if source.with_name(name).is_file():
            yield source.with_name(name)


def run_tests(
    files: Sequence[tuple[Path, Path | None]],
    *,
    only: str = "",
    tell: Callable[[Result], None] = lambda _result: None,
) -> Report:
    """Run every test whose name contains `only`; `tell` hears of each as it ends."""
    report, used = Report(), set[tuple[str, str]]()
    for path, source in files:
        for result in _run_file(path, source, only, used):
            report.results.append(result)
            tell(result)
    if not only:
        for source in dict.fromkeys(one for _path, one in files if one is not None):
            unused = _unused(source, used)
            if unused:
                report.unused[str(source)] = unused
    return report


def _unused(source: Path, used: set[tuple[str, str]]) -> list[str]:
    try:
        built = build_file(source)
    except (WashError, OSError):
        return []  # why it can not be had is told by its tests
    return [name for name in built.abi.functions if (str(source), name) not in used]


def _run_file(
    path: Path, source: Path | None, only: str, used: set[tuple[str, str]]
) -> Iterator[Result]:
    started, output = perf_counter(), io.StringIO()
    try:
        with contextlib.redirect_stdout(output), _importing(path.parent):
            module = _load(path)
            tests = {n: one for n, one in module.items() if n.startswith(PREFIX) and callable(one)}
            world = _make_world(path, source, module, tests)
    except Exception as error:  # noqa: BLE001 - a developer's own file may raise anything
        yield _failure(path, "-", started, error, output.getvalue())
        return
    for name, test in tests.items():
        if only in name:
            yield _run_test(path, name, test, world)
    if world is not None:
        used |= world.used


def _make_world(
    path: Path, source: Path | None, module: dict[str, Any], tests: dict[str, Any]
) -> World | None:
    make = module.get(MAKE_WORLD)
    if callable(make):
        made = make()
        if not isinstance(made, World):
            text = f"{path.name}: {MAKE_WORLD}() gives {type(made).__name__}, not a World"
            raise WorkbenchError(text)
        return made
    if source is not None:
        return World.deploy(source)
    if any(map(_wants_world, tests.values())):
        text = f"{path.name} has no contract beside it and no {MAKE_WORLD}()"
        raise WorkbenchError(text)
    return None


def _run_test(path: Path, name: str, test: Callable[..., Any], world: World | None) -> Result:
    started = perf_counter()
    output = io.StringIO()
    given = {} if world is None or not _wants_world(test) else {"world": world.copy()}
    try:
        with contextlib.redirect_stdout(output):
            test(**given)
    except Exception as error:  # noqa: BLE001 - whatever a test raises is its failure
        return _failure(path, name, started, error, output.getvalue())
    return Result(str(path), name, _since(started))


def _wants_world(test: Callable[..., Any]) -> bool:
    return "world" in inspect.signature(test).parameters


def _since(started: float) -> int:
    return round((perf_counter() - started) * 1_000)


def _failure(path: Path, name: str, started: float, error: Exception, output: str) -> Result:
    said = str(error)
    if not isinstance(error, AssertionError | CallFailed | WorkbenchError):
        said = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return Result(
        str(path),
        name,
        _since(started),
        failure=said or "assertion failed",
        place=_place_in(path, error),
        contract=error.place if isinstance(error, CallFailed) else None,
        output=output[:_OUTPUT_MAX],
    )


def _place_in(path: Path, error: Exception) -> SourcePlace | None:
    """Return the line of a test file in which an exception came up."""
    lines = path.read_text("utf-8", errors="replace").splitlines()
    if isinstance(error, SyntaxError) and error.filename == str(path) and error.lineno:
        found = [error.lineno]
    else:
        frames = traceback.extract_tb(error.__traceback__)
        found = [one.lineno or 1 for one in frames if one.filename == str(path)]
    if not found:
        return None
    text = lines[found[-1] - 1].strip() if found[-1] <= len(lines) else ""
    return SourcePlace(str(path), found[-1], text)


@contextlib.contextmanager
def _importing(folder: Path) -> Iterator[None]:
    """Let a test file import its neighbours."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _load(path: Path) -> dict[str, Any]:
    module: dict[str, Any] = {
        "__name__": path.stem,
        "__file__": str(path),
        COMPARED: show_compared,
    }
    exec(compile_test(path.read_bytes(), str(path)), module)  # noqa: S102 - see the module's word
    return module
