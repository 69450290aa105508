"""The command line: `washnode`. Commands import what they need when they run, so help is quick."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node import __version__

if TYPE_CHECKING:
    from node.rehearse.plan import Plan
    from node.rehearse.tally import Tally

EXIT_FAILED = 1
EXIT_USAGE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="washnode")
def main() -> None:
    """A blockchain node for car-wash shops."""
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
    from node.rehearse.run import dump_json
    from node.rehearse.run import rehearse as run_rehearsal

    plan = _make_plan(file, policies, preset)
    if keep is not None:
        _make_empty(keep)
    with _progress("Rehearsing", as_json=as_json) as on_progress:
        result = run_rehearsal(plan, keep, on_progress)
    if as_json:
        click.echo(dump_json(result.as_json()))
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
    if not result.conserved:
        sys.exit(EXIT_FAILED)


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
    from node.rehearse.run import dump_json, table_json
    from node.verify import VerificationError, verify_chain

    try:
        with _progress("Verifying", as_json=as_json) as on_progress:
            verified = verify_chain(folder, on_progress)
    except VerificationError as error:
        click.echo(f"washnode: {error}", err=True)
        sys.exit(EXIT_FAILED)
    facts = {
        "transactions": verified.transactions,
        "blocks": verified.blocks,
        "timers_fired": verified.timers_fired,
    }
    if as_json:
        click.echo(dump_json({**table_json(verified.tally), **facts, "verified": True}))
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
        click.echo(f"washnode: {error}", err=True)
        sys.exit(EXIT_USAGE)


def _make_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty; --keep needs a new or empty folder")
    folder.mkdir(parents=True, exist_ok=True)


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


def _print_table(tally: "Tally") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("shop", show_footer=True)
    table.columns[0].footer = "total"
    total = tally.total().as_dict()
    for name in _COLUMNS:
        table.add_column(name.replace("_", " "), justify="right", footer=_number(name, total[name]))
    for name, figures in tally.table():
        row: dict[str, Any] = figures.as_dict()
        table.add_row(Text(name), *[_number(column, row[column]) for column in _COLUMNS])
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    for reason, count in sorted(tally.reasons.items()):
        click.echo(f"refused, {reason}: {count}")


def _number(column: str, value: int) -> str:
    if column in {"escrow_in", "refunds", "payouts"}:
        return f"{value // 100:,}.{value % 100:02d}"
    return f"{value:,}"
