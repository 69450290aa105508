"""Sets that `washnode sim` runs in place of seeds: mutants of the protocol, schedules of twins."""

import json
import os
import sys
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING

import click

from node.commands.output import EXIT_ERROR, EXIT_USAGE, CommandError, talk
from node.commands.words import t

if TYPE_CHECKING:
    from node.sim.run import Plan
    from node.sim.twins import TwinsResult


def install_mutant(name: str) -> None:
    """Break the protocol before any of it is imported."""
    from node.sim.mutants import MUTANTS
    from node.sim.mutation import install

    if name not in MUTANTS:
        text = t("no mutant {name}; see washnode sim --mutants", name=name)
        raise CommandError(text, EXIT_USAGE)
    install(MUTANTS[name])


def run_mutant(name: str, plan: "Plan") -> None:
    """Print what notices an installed mutant; end with 1 if anything does."""
    from node.sim.kills import kill

    found = kill(name, plan)
    facts = {
        "mutant": name,
        "killed_by": found.by,
        "invariant": found.invariant,
        "text": found.text,
    }
    if talk().as_json:
        click.echo(json.dumps(facts))
    elif found.invariant:
        click.echo(f"{found.invariant} broke, noticed by {found.by}: {found.text}")
    else:
        click.echo(f"{name} survived")
    if found.invariant:
        sys.exit(EXIT_ERROR)


def show_mutants(*, runs: bool, jobs: int | None) -> None:
    """List the mutants, or run all of them."""
    from node.sim.mutants import MUTANTS

    if runs:
        _run_mutants(jobs)
    elif talk().as_json:
        known = [{"mutant": one.name, "about": one.about} for one in MUTANTS.values()]
        click.echo(json.dumps(known))
    else:
        for one in MUTANTS.values():
            click.echo(f"{one.name:28} {one.about}")


def _run_mutants(jobs: int | None) -> None:
    """Print what notices each mutant; a row that is not as it should be ends with 1."""
    from node.commands.progress import progress
    from node.sim.kills import Row, kill_all, line_of
    from node.sim.mutants import MUTANTS

    done = 0
    with progress("Running mutants") as on_progress:

        def count(_row: Row) -> None:
            nonlocal done
            done += 1
            on_progress(done, len(MUTANTS))

        rows = kill_all(jobs or os.cpu_count() or 1, count)
    facts = [
        {"mutant": row.name, "about": row.about, "dead": row.is_dead, **asdict(row.found)}
        for row in rows
    ]
    if talk().as_json:
        click.echo(json.dumps(facts))
    else:
        click.echo("| mutant | what is broken | noticed by | as |\n| --- | --- | --- | --- |")
        for row in rows:
            click.echo(line_of(row))
    survivors = [row.name for row in rows if not row.is_dead]
    if survivors:
        text = t("not noticed as they should be: {names}", names=", ".join(survivors))
        raise CommandError(text)


def run_twins(numbers: range, cluster: tuple[int, int, int], jobs: int | None) -> None:
    """Run schedules of validators, twins and windows; end with 1 if an invariant broke."""
    from node.commands.progress import progress
    from node.sim.many import spread
    from node.sim.twins import run_schedule, schedules

    validators, twins, windows = cluster
    if not 0 < twins < validators:
        text = f"{twins} of {validators} validators run twice: give --byzantine, at least 1"
        raise click.UsageError(text)
    chosen = islice(schedules(validators, twins, windows), numbers.start, numbers.stop)
    heights = done = 0
    failed: list[tuple[int, TwinsResult]] = []
    with progress("Running schedules") as on_progress:
        for result in spread(run_schedule, chosen, jobs):
            heights += result.heights
            if result.violations:
                failed.append((numbers.start + done, result))
            done += 1
            on_progress(done, len(numbers))
    _tell_twins(done, cluster, heights, failed)
    if failed:
        sys.exit(EXIT_ERROR)


def _tell_twins(
    done: int,
    cluster: tuple[int, int, int],
    heights: int,
    failed: "list[tuple[int, TwinsResult]]",
) -> None:
    validators, twins, windows = cluster
    broken = [
        {"schedule": number, "windows": result.schedule.windows, **asdict(result.violations[0])}
        for number, result in failed
    ]
    facts = {"schedules": done, "validators": validators, "twins": twins, "windows": windows}
    if talk().as_json:
        click.echo(json.dumps({**facts, "heights": heights, "violations": broken}))
        return
    click.echo(
        f"{done} schedules of {windows} windows, {validators} validators of which {twins} run "
        f"twice: {heights} heights, {len(failed)} schedules broke something"
    )
    for one in broken[:5]:
        again = f"washnode sim --twins 1 --seed {one['schedule']} --validators {validators}"
        click.echo(f"{one['invariant']} broke at {one['at_ms']} ms: {one['text']}")
        click.echo(f"again: {again} --byzantine {twins} --windows {windows}")
