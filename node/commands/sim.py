"""`washnode sim`: whole clusters in one process, with every fault there is, from one seed."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import command
from node.commands.output import EXIT_ERROR, EXIT_USAGE, CommandError, talk
from node.commands.sim_sets import install_mutant, run_mutant, run_twins, show_mutants

if TYPE_CHECKING:
    from node.sim.cluster import Shape
    from node.sim.many import Summary
    from node.sim.run import Outcome, Plan

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@command()
@click.option("--seed", type=click.IntRange(0), default=None, help="Which history to simulate.")
@click.option("--seeds", type=click.IntRange(1), help="Simulate so many, from --seed on.")
@click.option("--validators", type=click.IntRange(1, 128), default=4, show_default=True)
@click.option(
    "--byzantine",
    type=click.IntRange(0, 128),
    default=None,
    help="Traitors at the most; default 1 where the cluster withstands one.",
)
@click.option("--hours", type=click.FloatRange(min=0, min_open=True), help="Default 1.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="In place of --hours.")
@click.option(
    "--jobs", type=click.IntRange(1), help="Processes for --seeds and --kills; default all cores."
)
@click.option("--real", is_flag=True, help="Real signatures, real bytes on the wire.")
@click.option(
    "--trace",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Run a written trace, or model traces (.itf.json, .jsonl, .jsonl.gz).",
)
@click.option("--twins", type=click.IntRange(1), metavar="N", help="Run so many twins schedules.")
@click.option("--windows", type=click.IntRange(1, 7), default=4, show_default=True, help="Of each.")
@click.option("--mutants", "lists_mutants", is_flag=True, help="List the mutants of the protocol.")
@click.option("--mutant", metavar="NAME", help="Break the protocol in this way first.")
@click.option("--kills", is_flag=True, help="Run every mutant and print what notices it.")
@click.option("--log", is_flag=True, help="Print the end of the log.")
@click.option("--keep", metavar="NUMBERS", help="Only these faults of the seed, as 3,7,12.")
def sim(
    *,
    seed: int | None,
    seeds: int | None,
    validators: int,
    byzantine: int | None,
    hours: float | None,
    minutes: float | None,
    jobs: int | None,
    real: bool,
    trace: Path | None,
    twins: int | None,
    windows: int,
    lists_mutants: bool,
    mutant: str | None,
    kills: bool,
    log: bool,
    keep: str | None,
) -> None:
    """Simulate a cluster: the real engine and execution; clocks, network and disks are simulated.

    The same seed is the same history, to the last message. It ends with 0 only if no invariant
    broke. A seed that fails is printed with the command that runs it again, made as small as it
    goes.
    """
    if lists_mutants or kills:
        show_mutants(runs=kills, jobs=jobs)
        return
    if mutant is not None:
        install_mutant(mutant)
    if trace is not None:
        _run_trace(trace)
        return
    if byzantine is None:
        byzantine = min(1, (validators - 1) // 3)
    if twins is not None:
        first = seed or 0
        run_twins(range(first, first + twins), (validators, byzantine, windows), jobs)
        return
    safety_ms = _duration_ms(hours, minutes)
    shape = _shape(validators, byzantine, real=real)
    if seeds is not None:
        _run_many(range(seed or 0, (seed or 0) + seeds), shape, safety_ms, jobs)
    elif seed is None:
        raise click.UsageError("give --seed N, or --seeds N for many")
    elif mutant is None:
        _run_one(_plan(seed, shape, safety_ms, keep, log=log), log=log)
    else:
        run_mutant(mutant, _plan(seed, shape, safety_ms, keep, log=log))


def _duration_ms(hours: float | None, minutes: float | None) -> int:
    if hours is not None and minutes is not None:
        raise click.UsageError("give either --hours or --minutes")
    if minutes is not None:
        return int(minutes * MINUTE_MS)
    return int((1 if hours is None else hours) * HOUR_MS)


def _shape(validators: int, byzantine: int, *, real: bool) -> "Shape":
    from node.sim.cluster import Shape

    return Shape(validators, byzantine, real_signatures=real, real_wire=real)


def _plan(seed: int, shape: "Shape", safety_ms: int, keep: str | None, *, log: bool) -> "Plan":
    from dataclasses import replace

    from node.sim.many import plan_of

    plan = plan_of(seed, shape, safety_ms)
    if keep is not None:
        try:
            plan = replace(plan, keeps=tuple([int(one) for one in keep.split(",") if one]))
        except ValueError as error:
            raise click.UsageError(f"--keep takes numbers, not {keep!r}") from error
    return replace(plan, keeps_lines=log)


def _run_one(plan: "Plan", *, log: bool) -> None:
    from node.sim.many import simulate_safely

    outcome = simulate_safely(plan)
    if log:
        click.echo("".join(outcome.lines), nl=False, err=True)
    _show(outcome)
    if outcome.violations:
        _tell_again(plan, outcome)
        sys.exit(EXIT_ERROR)


def as_json(outcome: "Outcome") -> dict[str, Any]:
    """Return the published figures of one seed."""
    return {
        "seed": outcome.seed,
        "simulated_seconds": outcome.simulated_seconds,
        "heights": outcome.heights,
        "rounds_failed": outcome.rounds_failed,
        "faults": outcome.faults,
        "violations": [
            {"invariant": one.invariant, "at_ms": one.at_ms, "text": one.text}
            for one in outcome.violations
        ],
        "accused": outcome.accused,
        "heal_ms": outcome.heal_ms,
        "log_hash": outcome.log_hash,
    }


def _show(outcome: "Outcome") -> None:
    if talk().as_json:
        click.echo(json.dumps(as_json(outcome), sort_keys=False))
        return
    click.echo(
        f"seed {outcome.seed}: {outcome.simulated_seconds} simulated seconds, "
        f"{outcome.heights} heights, {outcome.rounds_failed} failed rounds, "
        f"progress {outcome.heal_ms} ms after healing, log {outcome.log_hash}"
    )
    faults = ", ".join(f"{kind} {count}" for kind, count in outcome.faults.items())
    click.echo(f"faults: {faults or 'none'}")
    for violation in outcome.violations:
        click.echo(f"{violation.invariant} broke at {violation.at_ms} ms: {violation.text}")
    if outcome.accused:
        click.echo(f"the certificates of the fork convict: {', '.join(outcome.accused)}")


def _tell_again(plan: "Plan", outcome: "Outcome") -> None:
    """Say how to run a failed seed again, as small as it goes."""
    from node.sim.shrink import shrink

    if talk().as_json:
        return
    again = command_of(plan)
    click.echo(f"again: {again}", err=True)
    if outcome.log_hash:
        small = shrink(plan, outcome)
        click.echo(f"smaller: {command_of(small)}", err=True)


def command_of(plan: "Plan") -> str:
    """Return the command that runs a plan."""
    shape = plan.shape
    words = [f"washnode sim --seed {plan.seed} --validators {shape.validators}"]
    words.append(f"--byzantine {shape.byzantine} --minutes {plan.safety_ms / MINUTE_MS:g}")
    if plan.keeps is not None:
        words.append(f"--keep {','.join(map(str, plan.keeps)) or ','}")
    return " ".join(words)


def _run_many(numbers: range, shape: "Shape", safety_ms: int, jobs: int | None) -> None:
    from node.commands.progress import progress
    from node.sim.many import plan_of, run_many

    plans = [plan_of(seed, shape, safety_ms) for seed in numbers]
    done = 0
    with progress("Simulating") as on_progress:

        def count(outcome: "Outcome") -> None:
            nonlocal done
            done += 1
            on_progress(done, len(plans))
            if outcome.violations:
                _show(outcome)

        summary = run_many(plans, jobs, count)
    show_summary(summary)
    if summary.failed:
        first = next(plan for plan in plans if plan.seed == summary.failed[0].seed)
        _tell_again(first, summary.failed[0])
        sys.exit(EXIT_ERROR)


def show_summary(summary: "Summary") -> None:
    """Print what came of many seeds."""
    facts: dict[str, Any] = {
        "seeds": summary.seeds,
        "simulated_hours": round(summary.simulated_seconds / 3_600, 1),
        "heights": summary.heights,
        "rounds_failed": summary.rounds_failed,
        "events": summary.events,
        "faults": dict(sorted(summary.faults.items())),
        "heal_ms_p50": summary.heal_ms(500),
        "heal_ms_p99": summary.heal_ms(990),
        "heal_ms_max": summary.heal_ms(1_000),
        "failed_seeds": [one.seed for one in summary.failed],
        "violations": sum(len(one.violations) for one in summary.failed),
    }
    if talk().as_json:
        click.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        shown = value
        if name == "faults":
            shown = ", ".join(f"{kind} {count}" for kind, count in value.items())
        click.echo(f"{name.replace('_', ' '):16} {shown}")


def _run_trace(path: Path) -> None:
    from node.sim.errors import TraceError
    from node.sim.trace_run import run_file

    try:
        lines, facts = run_file(path)
    except TraceError as error:
        raise CommandError(str(error), EXIT_USAGE) from error
    if talk().as_json:
        click.echo(json.dumps(facts))
    else:
        for line in lines:
            click.echo(line)
    if facts["failed"]:
        sys.exit(EXIT_ERROR)
