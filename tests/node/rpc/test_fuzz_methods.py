"""Whatever a method is asked, the node answers as it publishes, stays well and loses no money.

Parameters are drawn from what `rpc.discover` says of each method, so what it says is tested too.
"""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy

from tests.node.rpc.fuzzing import DOING, METHODS, VIEWS, Target, open_target
from tests.node.rpc.schema_values import spoiled

EXAMPLES = max(settings().max_examples // 6, 10)
FEWER = {"dev_increaseTime": 8, "tx_wait": 3}  # they make thousands of blocks, or wait


def fewer(method: str) -> int:
    """Return by how much less is asked: views of contracts are many and alike."""
    return 3 if method in VIEWS else FEWER.get(method, 1)


def ask_with(target: Target, method: str, params: SearchStrategy[dict[str, Any]]) -> None:
    """Ask with many parameters."""

    @settings(max_examples=EXAMPLES // fewer(method))
    @given(params)
    def ask(drawn: dict[str, Any]) -> None:
        target.check(method, drawn)

    ask()


def test_every_method_is_asked(tmp_path: Path) -> None:
    with open_target(tmp_path) as target:
        served = set(target.methods)

    assert served == set(METHODS)


@pytest.mark.hypothesis
@pytest.mark.parametrize("method", DOING)
def test_what_fits_and_what_misses_by_a_little_is_answered(tmp_path: Path, method: str) -> None:
    with open_target(tmp_path) as target:
        fuzz(target, method)


@pytest.mark.hypothesis
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_that_is_asked_anything_answers(reading_target: Target, view: str) -> None:
    fuzz(reading_target, view)


def fuzz(target: Target, method: str) -> None:
    """Ask what fits and what misses by a little, and see whether the node is still well."""
    fitting = target.params(method)
    ask_with(target, method, fitting)
    ask_with(target, method, spoiled(fitting))
    target.check_alive()


def test_a_batch_in_which_nothing_can_be_read_is_answered_item_by_item(tmp_path: Path) -> None:
    with open_target(tmp_path) as target:
        told = target.check("tx_submitBatch", {"txs": ["", "00", "c0"]})

    assert [one["error"]["code"] for one in told["result"]] == [1001] * 3
