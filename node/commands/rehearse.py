"""`washnode rehearse` and `washnode verify`: a history run through the contracts, and checked."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import command
from node.commands.output import EXIT_ERROR, EXIT_USAGE, CommandError, talk
from node.commands.progress import progress
from node.commands.words import t
from node.terminal import discard_output, escape_controls, speaks_unicode

if TYPE_CHECKING:
    from rich.table import Table

    from node.rehearse.agreement import Agreement
    from node.rehearse.plan import Plan
    from node.rehearse.run import Result
    from node.rehearse.tally import Tally

VALIDATORS_MAX = 16  # processes of one machine


@command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--policies",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file: a value of the policy column -> its rules.",
)
@click.option("--policy", "preset", metavar="NAME", help="One preset's rules for every row.")
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), help="Leave the chain in DIR."
)
@click.option(
    "--validators",
    type=click.IntRange(1, VALIDATORS_MAX),
    default=1,
    help="So many processes agree on it as well, and must come to the same table.",
)
def rehearse(
    *, file: Path, policies: Path | None, preset: str | None, keep: Path | None, validators: int
) -> None:
    """Run a booking history (csv or csv.gz) through the real contracts.

    Prints what the rules would have held, refunded and paid out, shop by shop.
    """
    from node.rehearse.run import rehearse as run_rehearsal

    plan = _make_plan(file, policies, preset)
    if keep is not None:
        _make_empty(keep)
    with _failing_in_one_line(), progress("Rehearsing") as on_progress:
        result = run_rehearsal(plan, keep, on_progress)
    if validators > 1:
        result = _agree(plan, result, validators)
    with _failing_in_one_line():
        _print_result(result, keep)
    if not result.conserved:
        sys.exit(EXIT_ERROR)


def _agree(plan: "Plan", alone: "Result", validators: int) -> "Result":
    """Return a result with what several validators agreed on; a difference ends the command."""
    from dataclasses import replace

    from node.devnet.rehearsal import rehearse_among

    with _failing_in_one_line(), progress("Agreeing") as on_progress:
        agreement = rehearse_among(plan, validators, alone.tally, on_progress)
    return replace(alone, agreement=agreement)


def _print_result(result: "Result", keep: Path | None) -> None:
    if talk().as_json:
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
        if result.agreement is not None:
            _print_agreement(result.agreement)
        if keep is not None:
            click.echo(f"Next: washnode verify {keep}")


def _print_agreement(agreement: "Agreement") -> None:
    text = t(
        "{count} validators agreed on the same table in {heights} blocks; state root of the last: "
        "{root}",
        count=agreement.validators,
        heights=agreement.heights,
        root=agreement.state_root.hex(),
    )
    click.echo(text)


@command()
@click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
def verify(*, folder: Path) -> None:
    """Execute a kept chain again from its genesis and compare every byte.

    Checks every signature, prints the same table from the events, and fails naming the height if
    anything was changed.
    """
    from node.rehearse.run import table_json
    from node.verify import verify_chain

    with _failing_in_one_line(), progress("Verifying") as on_progress:
        verified = verify_chain(folder, on_progress)
    facts = {
        "transactions": verified.transactions,
        "blocks": verified.blocks,
        "timers_fired": verified.timers_fired,
    }
    with _failing_in_one_line():
        if talk().as_json:
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
        raise CommandError(str(error), EXIT_USAGE) from error


def _make_empty(folder: Path) -> None:
    try:
        if folder.exists() and any(folder.iterdir()):
            text = f"{folder} is not empty; --keep needs a new or empty folder"
            raise CommandError(text, EXIT_USAGE)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "chain").mkdir()  # a folder that can not be written shows here
    except OSError as error:
        text = f"--keep {folder}: {error.strerror or error}"
        raise CommandError(text, EXIT_USAGE) from error


@contextmanager
def _failing_in_one_line() -> Iterator[None]:
    """End with one line when the machine or a kept chain is at fault."""
    from concurrent.futures.process import BrokenProcessPool

    from node.rehearse.errors import RehearsalError
    from node.verify import VerificationError

    try:
        yield
    except (RehearsalError, VerificationError) as error:
        raise CommandError(str(error)) from error
    except BrokenProcessPool as error:
        text = t("the process that checks signatures was ended from outside; run again")
        raise CommandError(text) from error
    except OSError as error:
        if error.errno != errno.EPIPE:
            discard_output()
        raise


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
