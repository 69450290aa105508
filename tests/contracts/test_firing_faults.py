"""Timers and fallbacks that the node itself can not run: skipped by agreement, or not at all."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.errors import InvalidBlockError, StoreError
from chain.receipt import ReceiptKind
from chain.state import Space
from chain.types import DAY_MS, HOUR_MS
from contracts import firing
from contracts.firing import ExecutionFaultError
from contracts.host import Frame
from contracts.vm.traps import TrapKind
from tests.contracts.bells import RING, plan, put
from tests.make import RICH, TestChain, account, genesis, word

Maker = Callable[..., TestChain]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    made: list[TestChain] = []

    def begin(**params: int) -> TestChain:
        made.append(TestChain(tmp_path / str(len(made)), genesis(params=params)))
        return made[-1]

    yield begin
    for chain in made:
        chain.close()


def breaking(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """Let every handler `ring` raise something that is no trap."""
    whole = Frame.call

    def call(self: Frame, routine: Any, arguments: list[Any], gas: int) -> Any:
        if routine.name == "ring":
            raise fault
        return whole(self, routine, arguments, gas)

    monkeypatch.setattr(Frame, "call", call)


def test_a_timer_that_the_node_can_not_run_is_skipped_by_agreement(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)
    breaking(monkeypatch, ZeroDivisionError("a bug"))

    built = chain.build(at=due)
    checked = chain.check(built.block)

    receipt = built.receipts[0]
    assert built.block.skipped == (receipt.id,)
    assert (checked.block_id, receipt.ok, receipt.trap) == (
        built.block_id,
        False,
        TrapKind.INTERNAL,
    )
    dead = bytes([Space.DEAD_LETTER]) + box + RING + word("bell")
    assert built.changes[dead] is not None


def test_a_skip_of_what_runs_here_is_not_accepted(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)
    with monkeypatch.context() as broken:
        breaking(broken, ZeroDivisionError("a bug"))
        built = chain.build(at=due)

    with pytest.raises(ExecutionFaultError, match="executes here"):
        chain.check(built.block)


def test_a_timer_that_fails_here_only_is_no_reason_to_accept(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)
    built = chain.build(at=due)
    breaking(monkeypatch, ZeroDivisionError("a bug"))

    with pytest.raises(ExecutionFaultError, match="does not execute here"):
        chain.check(built.block)


def test_a_skip_of_nothing_is_refused(make: Maker) -> None:
    chain = make()
    built = chain.build()

    with pytest.raises(InvalidBlockError, match="not due"):
        chain.check(replace(built.block, skipped=(word("nothing"),)))


def test_a_fallback_that_the_node_can_not_run_is_skipped_and_its_money_stays(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    put(chain, box, "x", due)

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(firing, "close_pot", broken)
    executed = chain.run(at=due)
    monkeypatch.undo()
    later = chain.idle(due + DAY_MS)
    closed = chain.call("alice", box, "close", word("x"), account("bob"))

    receipt = executed.receipts[0]
    assert (receipt.kind, receipt.ok, receipt.trap) == (
        ReceiptKind.FALLBACK,
        False,
        TrapKind.INTERNAL,
    )
    assert (executed.block.skipped, later, closed.ok) == ((receipt.id,), [], True)
    assert chain.balance("bob") == RICH + 100


def test_a_disk_that_can_not_be_read_is_no_fault_of_a_timer(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = make()
    box, due = chain.deploy(), chain.now + HOUR_MS
    plan(chain, box, ["bell"], due)
    breaking(monkeypatch, StoreError("unreadable"))

    with pytest.raises(StoreError):
        chain.build(at=due)
