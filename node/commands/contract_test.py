"""`washnode contract test`: a contract's tests, on the real machine, with a clock they move."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from node.commands.common import command
from node.commands.output import EXIT_ERROR, finish, print_text, talk
from node.commands.words import t

_PATH = click.Path(exists=True, path_type=Path)


@command()
@click.argument("paths", metavar="FILE|DIR...", type=_PATH, nargs=-1, required=True)
@click.option("-k", "only", default="", metavar="TEXT", help="Only tests with this in their name.")
def test(*, paths: tuple[Path, ...], only: str) -> None:
    """Run the tests of contracts: test_NAME.py beside NAME.wash.

    A test is a function test_...(world) in plain Python; the world has the contract deployed, or is
    a copy of what the file's make_world() returns. Functions that no test uses are listed. The
    files are executed: run your own only.
    """
    from node.workbench.runner import find_tests, run_tests

    found = dict.fromkeys(one for path in paths for one in find_tests(path))
    report = run_tests(list(found), only=only, tell=_tell)
    failed = report.failed
    facts = {
        "passed": len(report.results) - len(failed),
        "failed": len(failed),
        "tests": [_as_json(one) for one in report.results],
        "unused": report.unused,
    }

    def show_it() -> None:
        for source, names in report.unused.items():
            print_text(t("{file}: no test uses {names}", file=source, names=", ".join(names)))
        print_text(t("{passed} passed, {failed} failed", **facts))

    sources = [source for _, source in found if source is not None]
    following = f"washnode contract deploy {sources[0]}" if sources and not failed else None
    finish(facts, show_it, next_command=following)
    if failed or not report.results:
        sys.exit(EXIT_ERROR)


def _tell(result: Any) -> None:
    """Show a test as it ends."""
    if talk().as_json or (talk().quiet and result.failure is None):
        return
    word = t("ok") if result.failure is None else t("FAILED")
    print_text(f"{word}  {Path(result.file).name}::{result.name}  {result.elapsed_ms} ms")
    if result.failure is None:
        return
    lines: Sequence[str] = result.failure.split("\n")
    lines = [*lines, str(result.place)] if result.place else lines
    printed = result.output.rstrip("\n").split("\n") if result.output else []
    for line in [*lines, *printed]:
        print_text(f"    {line}")


def _as_json(result: Any) -> dict[str, Any]:
    def place(one: Any) -> dict[str, Any] | None:
        return None if one is None else {"file": one.filename, "line": one.line, "text": one.text}

    return {
        "file": result.file,
        "name": result.name,
        "ok": result.failure is None,
        "elapsed_ms": result.elapsed_ms,
        "failure": result.failure,
        "place": place(result.place),
        "contract": place(result.contract),
        "output": result.output,
    }
