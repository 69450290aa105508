"""Whole clusters from a seed: the same history again, no invariant broken, what crashes cost."""

import pytest

from node.sim.cluster import Shape
from node.sim.many import plan_of, run_many
from node.sim.rounds import crash_rounds
from node.sim.run import Plan, simulate
from node.sim.shrink import shrink
from node.sim.trace_run import run_trace
from node.sim.tracing import Trace, shipped_traces
from tests.sim.commands import sim

MINUTE_MS = 60_000
TRACES = {trace.name: trace for trace in shipped_traces()}


@pytest.mark.sim
def test_a_seed_is_the_same_history_under_every_hash_seed() -> None:
    runs = [sim("--seed", "50", "--minutes", "2", hash_seed=one) for one in ("0", "1", "4242")]

    assert runs[0] == runs[1] == runs[2]
    code, facts = runs[0]
    assert (code, facts["violations"], facts["seed"]) == (0, [], 50)
    assert facts["heights"] > 5


@pytest.mark.sim
@pytest.mark.timeout(180)
def test_a_hundred_seeds_break_nothing() -> None:
    shape = Shape(validators=4, byzantine=1)

    summary = run_many([plan_of(seed, shape, MINUTE_MS) for seed in range(100)], jobs=2)

    failed = [(one.seed, one.violations[0]) for one in summary.failed]
    assert (summary.seeds, failed) == (100, [])
    assert summary.heal_ms(990) <= 5_000


@pytest.mark.sim
@pytest.mark.parametrize(
    "validators", [1, 2, 3, 5, 6, 7, 10, 22, pytest.param(50, marks=pytest.mark.whole)]
)
def test_clusters_of_any_size_keep_every_invariant(validators: int) -> None:
    shape = Shape(validators, (validators - 1) // 3)
    safety_ms = MINUTE_MS if validators < 10 else MINUTE_MS // 4

    outcomes = [simulate(Plan(seed, shape, safety_ms)) for seed in range(3)]

    assert [one.violations for one in outcomes] == [[], [], []]


@pytest.mark.sim
@pytest.mark.parametrize(
    ("validators", "crashed"),
    [(4, 1), (7, 2), *[pytest.param(*one, marks=pytest.mark.whole) for one in ((10, 3), (22, 7))]],
)
def test_every_crashed_validator_costs_one_failed_round(validators: int, crashed: int) -> None:
    demoting = crash_rounds(validators, crashed, plain=False)
    plain = crash_rounds(validators, crashed, plain=True)

    assert demoting.failed_rounds == crashed
    assert plain.failed_rounds > 3 * crashed


@pytest.mark.sim
@pytest.mark.parametrize("name", sorted(TRACES))
def test_a_written_trace_ends_as_it_says(name: str) -> None:
    assert run_trace(TRACES[name]).problems == []


def test_a_trace_that_expects_too_much_says_what_it_found() -> None:
    trace = TRACES["one_alone"].model_dump()
    wanting = Trace.model_validate({**trace, "expect": {**trace["expect"], "heights_min": 5}})

    assert run_trace(wanting).problems == ["liveness: 1 heights, at least 5 expected"]


@pytest.mark.sim
def test_two_traitors_of_four_fork_the_chain_and_are_both_named() -> None:
    code, facts = sim("--seed", "1", "--byzantine", "2")

    assert (code, [one["invariant"] for one in facts["violations"]]) == (1, ["A1"])
    assert len(facts["accused"]) == 2


@pytest.mark.sim
def test_a_failing_seed_gets_smaller_and_still_fails() -> None:
    plan = Plan(4, Shape(4, 2), 10 * MINUTE_MS)
    outcome = simulate(plan)

    small = shrink(plan, outcome)

    assert outcome.violations[0].invariant == "A1"
    assert simulate(small).violations[0].invariant == "A1"
    assert small.safety_ms < plan.safety_ms
    assert len(small.keeps or ()) <= len(outcome.history)
