"""The engine against states that a model checker wrote down, step by step."""

from pathlib import Path

import pytest

from node.sim.errors import TraceError
from node.sim.itf import read_traces, run_model_trace

FILE = Path(__file__).parents[1] / "vectors/consensus/tendermint_quint_itf_dev.jsonl.gz"
STEPS = {
    "consensusTest/DecideNonProposerAtHeight2Test": 15,
    "consensusTest/DecideNonProposerTest": 5,
    "line26Test/line26Test": 74,
    "line28Test/line28Test": 75,
    "line42Test/line42Test": 55,
    "votekeeperTest/noSkipQuorumMixedVotesSameValTest": 4,
    "votekeeperTest/noSkipSmallQuorumMixedVotesSameValTest": 4,
    "votekeeperTest/polkaAnyTest": 3,
    "votekeeperTest/polkaNilTest": 3,
    "votekeeperTest/skipQuorumMixedVotesTwoValsTest": 4,
    "votekeeperTest/skipQuorumSinglePrecommitTest": 3,
    "votekeeperTest/skipQuorumSinglePrevoteTest": 3,
    "votekeeperTest/skipSmallQuorumAllPrevotesTest": 4,
    "votekeeperTest/skipSmallQuorumMixedVotesTwoValsTest": 4,
    "votekeeperTest/synchronousConsensusTest": 7,
}
TRACES = dict(read_traces(FILE))


def test_there_are_fifteen_traces() -> None:
    assert sorted(TRACES) == sorted(STEPS)


@pytest.mark.parametrize("name", sorted(STEPS))
def test_every_step_of_a_model_trace_leaves_the_state_of_the_model(name: str) -> None:
    result = run_model_trace(name, TRACES[name])

    found = (result.steps_compared, result.equal, result.excused, result.differences)
    assert found == (STEPS[name], STEPS[name], {}, [])


def test_a_trace_that_was_tampered_with_shows_where_it_differs() -> None:
    itf = TRACES["line28Test/line28Test"]
    states = [*itf["states"]]
    wrong = states[60]
    text = str(wrong).replace("'lockedRound': {'#bigint': '0'}", "'lockedRound': {'#bigint': '7'}")
    states[60] = eval(text)

    result = run_model_trace("tampered", {**itf, "states": states})

    assert [one for one in result.differences if "lockedRound" in one and "expected 7" in one]


def run_all(path: Path) -> None:
    for name, itf in read_traces(path):
        run_model_trace(name, itf)


@pytest.mark.parametrize("data", [b"{", b'{"name": "x"}', b"[]", b'{"name": 1, "itf": 2}'])
def test_a_file_that_holds_no_traces_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(data)

    with pytest.raises(TraceError):
        run_all(path)
