"""The command line: `washnode`. Commands import what they need when they run, so help is quick."""

import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from node import __version__
from node.terminal import (
    discard_output,
    escape_controls,
    prepare_streams,
    speaks_unicode,
    stop_in_order,
)

if TYPE_CHECKING:
    from rich.table import Table

    from node.rehearse.plan import Plan
    from node.rehearse.run import Result
    from node.rehearse.tally import Tally

EXIT_FAILED = 1
EXIT_USAGE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="washnode")
def main() -> None:
    """A blockchain node for car-wash shops."""
    prepare_streams()
    stop_in_order()
    if not __debug__:
        raise click.UsageError("run without -O: the assertions it removes guard money")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--policies",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file: a value of the policy column -> its rules.",
)
@click.option("--policy", "preset", metavar="NAME", help="One preset's rules for every row.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), help="Leave the chain in DIR."
)
def rehearse(
    *, file: Path, policies: Path | None, preset: str | None, as_json: bool, keep: Path | None
) -> None:
    """Run a booking history (csv or csv.gz) through the real contracts.

    Prints what the rules would have held, refunded and paid out, shop by shop.
    """
    from node.rehearse.run import rehearse as run_rehearsal

    plan = _make_plan(file, policies, preset)
    if keep is not None:
        _make_empty(keep)
    with _failing_in_one_line(), _progress("Rehearsing", as_json=as_json) as on_progress:
        result = run_rehearsal(plan, keep, on_progress)
    with _failing_in_one_line():
        _print_result(result, keep, as_json=as_json)
    if not result.conserved:
        sys.exit(EXIT_FAILED)


def _print_result(result: "Result", keep: Path | None, *, as_json: bool) -> None:
    if as_json:
        _print_json(result.as_json())
    else:
        _print_table(result.tally)
        rate = result.transactions / max(result.seconds, 0.001)
        click.echo(
            f"{result.transactions} transactions in {result.blocks} blocks, "
            f"{result.timers_fired} deadlines fired by the chain, {result.seconds:.1f} s "
            f"({rate:.0f} transactions a second, {rate / result.signature_rate:.2f} of one core's "
            f"signature checks)"
        )
        word = "Money adds up at every height" if result.conserved else "MONEY DOES NOT ADD UP"
        click.echo(f"{word}; every pot is empty at the end: {result.conserved}")
        if keep is not None:
            click.echo(f"Next: washnode verify {keep}")


@main.command()
@click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def verify(*, folder: Path, as_json: bool) -> None:
    """Execute a kept chain again from its genesis and compare every byte.

    Checks every signature, prints the same table from the events, and fails naming the height if
    anything was changed.
    """
    from node.rehearse.run import table_json
    from node.verify import verify_chain

    with _failing_in_one_line(), _progress("Verifying", as_json=as_json) as on_progress:
        verified = verify_chain(folder, on_progress)
    facts = {
        "transactions": verified.transactions,
        "blocks": verified.blocks,
        "timers_fired": verified.timers_fired,
    }
    with _failing_in_one_line():
        if as_json:
            _print_json({**table_json(verified.tally), **facts, "verified": True})
        else:
            _print_table(verified.tally)
            click.echo(
                f"{verified.transactions} transactions in {verified.blocks} blocks: all signatures "
                f"good, every stored byte as executing them gives"
            )


def _make_plan(file: Path, policies: Path | None, preset: str | None) -> "Plan":
    from node.rehearse.errors import InputError
    from node.rehearse.plan import Planner
    from node.rehearse.policies import PRESETS, load_policies
    from node.rehearse.rows import read_rows

    if (policies is None) == (preset is None):
        raise click.UsageError("give either --policies FILE or --policy NAME")
    if preset is not None and preset not in PRESETS:
        raise click.UsageError(f"no preset {preset!r}; there are {', '.join(sorted(PRESETS))}")
    try:
        rules = {} if policies is None else load_policies(policies)
        planner = Planner(rules, None if preset is None else PRESETS[preset])
        return planner.add_all(read_rows(file))
    except InputError as error:
        _fail(str(error), EXIT_USAGE)


def _make_empty(folder: Path) -> None:
    try:
        if folder.exists() and any(folder.iterdir()):
            raise click.UsageError(f"{folder} is not empty; --keep needs a new or empty folder")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "chain").mkdir()  # a folder that can not be written shows here
    except OSError as error:
        raise click.UsageError(f"--keep {folder}: {error.strerror or error}") from error


def _fail(text: str, exit_code: int) -> NoReturn:
    click.echo(f"washnode: {escape_controls(text)}", err=True)
    sys.exit(exit_code)


@contextmanager
def _failing_in_one_line() -> Iterator[None]:
    """End with one line and exit code 1 when the machine or a kept chain is at fault."""
    from concurrent.futures.process import BrokenProcessPool

    from chain.errors import StoreError
    from node.rehearse.errors import RehearsalError
    from node.verify import VerificationError

    try:
        yield
    except (RehearsalError, StoreError, VerificationError) as error:
        _fail(str(error), EXIT_FAILED)
    except BrokenProcessPool:
        _fail("the process that checks signatures was ended from outside; run again", EXIT_FAILED)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # nobody reads any more: click ends quietly
        discard_output()
        what = error.args[0] if error.args else ""
        # LevelDB words its faults in bytes, copying a folder lists them.
        text = what.decode(errors="replace") if isinstance(what, bytes) else str(error)
        _fail(str(what[0][-1]) if isinstance(what, list) and what else text, EXIT_FAILED)


@contextmanager
def _progress(what: str, *, as_json: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on the terminal's error stream; say nothing when nobody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    hidden = as_json or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


_COLUMNS = ("bookings", "escrow_in", "refunds", "payouts", "cancelled", "no_show", "rejected")
_NAME_WIDTH_MIN = 12


def _print_json(value: dict[str, Any]) -> None:
    from node.rehearse.run import dump_json

    click.echo(dump_json(value, ascii_only=not speaks_unicode(sys.stdout)))


def _print_table(tally: "Tally") -> None:
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 120)
    table = _make_table(tally)
    figures = sum(column.min_width or 0 for column in table.columns)
    if console.width < figures + 3 * len(table.columns) + 1:  # padding and lines of a box
        table.box, table.padding, table.pad_edge = None, (0, 1, 0, 0), False
    # Too narrow even so: lines break in the terminal, but no figure is ever cut short.
    console.width = max(console.width, figures + len(table.columns))
    console.print(table)
    for reason, count in sorted(tally.reasons.items()):
        click.echo(f"refused, {escape_controls(reason)}: {count}")


def _make_table(tally: "Tally") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(show_footer=True)
    table.add_column("shop", footer="total", overflow="fold", min_width=_NAME_WIDTH_MIN)
    total = tally.total().as_dict()
    for name in _COLUMNS:
        footer = _number(name, total[name])
        table.add_column(name.replace("_", " "), justify="right", footer=footer, no_wrap=True)
    for name, figures in tally.table():
        row: dict[str, Any] = figures.as_dict()
        cells = [_number(column, row[column]) for column in _COLUMNS]
        table.add_row(Text(escape_controls(name)), *cells)
    for column in table.columns[1:]:
        column.min_width = max(
            len(str(cell)) for cell in (column.header, *column.cells, column.footer)
        )
    return table


def _number(column: str, value: int) -> str:
    if column in {"escrow_in", "refunds", "payouts"}:
        return f"{value // 100:,}.{value % 100:02d}"
    return f"{value:,}"
