"""Mutants of the protocol are noticed by the trace or the search that they name, as they say.

A sample of them, one for each invariant; `make mutants` tries all.
"""

from pathlib import Path

import pytest

from node.sim.kills import Row, kill_all, line_of
from node.sim.mutants import MUTANTS
from node.sim.mutation import Change, Death, Mutant, StaleMutantError, install
from tests.sim.commands import sim

LEAST = 20
SAMPLE = (
    "block_unchecked", "commit_before_sync", "first_vote_only", "future_time", "lock_never_set",
    "no_evidence", "no_guard", "no_polka_check", "quorum_of_2f_plus_1", "skip_after_one",
    "unbounded_votes",
)  # fmt: skip
DOCS = Path(__file__).parents[2] / "docs" / "simulator.md"


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    """Return what notices each of the sample; each has a process of its own."""
    return {row.name: row for row in kill_all(jobs=2, names=SAMPLE)}


@pytest.mark.sim
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", SAMPLE)
def test_a_mutant_is_noticed_as_it_says(name: str, rows: dict[str, Row]) -> None:
    found = rows[name].found

    assert Death(found.by, found.invariant) == MUTANTS[name].death, found.text


@pytest.mark.sim
def test_the_table_in_the_docs_is_this_one(rows: dict[str, Row]) -> None:
    told = DOCS.read_text("utf-8")

    assert [row.name for row in rows.values() if line_of(row) not in told] == []


def test_there_are_enough_mutants_all_in_the_docs_and_each_invariant_in_the_sample() -> None:
    told = DOCS.read_text("utf-8")
    invariants = {one.death.invariant for one in MUTANTS.values()}

    assert len(MUTANTS) >= LEAST
    assert [name for name in MUTANTS if f"| `{name}` |" not in told] == []
    assert {MUTANTS[name].death.invariant for name in SAMPLE} == invariants


@pytest.mark.sim
def test_a_mutant_named_with_a_seed_ends_with_1_and_the_invariant() -> None:
    code, facts = sim("--mutant", "send_before_sync", "--seed", "3", "--minutes", "1")

    assert (code, facts["mutant"], facts["killed_by"]) == (1, "send_before_sync", "seed 3")
    assert facts["invariant"] == "A5"


@pytest.mark.sim
def test_a_mutant_that_a_seed_misses_is_noticed_by_its_own_trace() -> None:
    code, facts = sim("--mutant", "lock_never_set", "--seed", "1", "--minutes", "0.1")

    assert (code, facts["killed_by"], facts["invariant"]) == (1, "search", "A4")


def test_a_mutant_that_comes_too_late_says_so() -> None:
    late = Mutant("late", "", Death("search", ""), (Change("chain.vote", "x", "y"),))

    with pytest.raises(StaleMutantError, match=r"chain\.vote is imported already"):
        install(late)
