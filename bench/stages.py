"""Microseconds a transaction by stage: `python -m bench.stages [--rows N]`.

Runs the bundled kind of booking history through the node's own code in one process, with a clock
around each stage, so the shares can be added up. Prints the signature rate of the same run, and
every figure also as a share of one signature check, which is what carries over to other machines.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import contracts.actions
import contracts.execution
import contracts.host
from chain.rules import check_signatures
from chain.transaction import read_transaction
from chain.types import DAY_MS
from node.rehearse.chain import RehearsalChain, tally_for_rehearsal
from node.rehearse.genesis import make_genesis
from node.rehearse.plan import Planner, Step
from node.rehearse.policies import PRESETS
from node.rehearse.rows import Row
from node.rehearse.run import measure_signature_rate
from node.rehearse.wallets import PlanSigner


class Clock:
    """Adds up the time inside wrapped functions; nested stages are taken out of outer ones."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}
        self._open: list[float] = []

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with a clock around it."""

        def run(*arguments: Any, **named: Any) -> Any:
            self._open.append(0.0)
            start = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                spent = time.perf_counter() - start
                inner = self._open.pop()
                self.seconds[stage] = self.seconds.get(stage, 0.0) + spent - inner
                self.calls[stage] = self.calls.get(stage, 0) + 1
                if self._open:
                    self._open[-1] += spent

        return run


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4_000)
    rows = parser.parse_args().rows
    plan = Planner({}, PRESETS["fair"]).add_all(_day_rows(rows))
    rate = measure_signature_rate()
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        chain = RehearsalChain(Path(folder), make_genesis(plan), tally_for_rehearsal())
        places = chain.set_up(plan)
        signer = PlanSigner(plan, places)
        sign = clock.timed("sign (wallets, another process)", signer.sign_step)
        signed = [sign(step) for step in plan.steps]
        read = clock.timed("(decoding for the check below)", read_transaction)
        check = clock.timed("check signatures (another process)", check_signatures)
        for data in signed:
            check(read(data))
        _wrap(clock, chain)
        gc.freeze()
        start = time.perf_counter()
        position = 0
        for at, group in groupby(plan.steps, key=lambda step: step[0]):
            count = len(list(group))
            chain.run_instant(signed[position : position + count], at)
            position += count
        total = time.perf_counter() - start
        gas = _gas_by_step(plan.steps, chain)
        chain.close()
    _report(clock, len(signed), total, rate)
    _report_gas(gas)


def _day_rows(count: int) -> Iterable[Row]:
    """Yield rows with day resolution, thirty to a day; of ten, six are kept, three cancelled."""
    days = max(count // 30, 2)
    for number in range(count):
        created = 19_000 + number * 7_919 % days
        start = created + number * 31 % 30
        kept = number % 10
        outcome = "completed" if kept < 6 else "cancelled" if kept < 9 else "no_show"
        ends = start + 1 if outcome == "completed" else created + (start - created) * kept // 10
        yield Row(
            number=number,
            booking_id=str(number),
            shop_id=f"shop {number % 40}",
            customer_id="",
            created_at_ms=created * DAY_MS,
            slot_start_ms=start * DAY_MS,
            slot_end_ms=(start + 1) * DAY_MS,
            price_minor=5_000 + number % 9_000,
            currency="CNY",
            policy="fair",
            outcome=outcome,
            outcome_at_ms=ends * DAY_MS,
        )


def _wrap(clock: Clock, chain: RehearsalChain) -> None:
    execution: Any = contracts.execution
    actions: Any = contracts.actions
    execution.update_tree = clock.timed("state tree", execution.update_tree)
    execution.encode_receipt = clock.timed("receipts", execution.encode_receipt)
    execution.root = clock.timed("transaction and receipt roots", execution.root)
    execution.admit_transaction = clock.timed("admission", execution.admit_transaction)
    actions.run_action = clock.timed("calls around the machine", actions.run_action)
    block_run: Any = execution._BlockRun
    execution.block_topics = clock.timed("event topics", execution.block_topics)
    block_run._fire_due = clock.timed("what falls due", block_run._fire_due)
    host: Any = contracts.host
    host.run = clock.timed("machine", host.run)
    store: Any = chain.ledger.store
    store.append = clock.timed("store", store.append)
    tally: Any = type(chain.tally)
    tally.add_receipts = clock.timed("the rehearsal's own table", tally.add_receipts)
    import node.rehearse.stage as shell

    wrapped: Any = shell
    wrapped.read_transaction = clock.timed("decode", read_transaction)


def _gas_by_step(steps: list[tuple[int, int, int]], chain: RehearsalChain) -> dict[str, list[int]]:
    """Return the gas used by successful transactions, by step, from the stored receipts."""
    used: dict[str, list[int]] = {}
    receipts = [
        receipt
        for height in range(1, chain.ledger.height + 1)
        for receipt in chain.ledger.store.receipts(height)
        if receipt.kind == 2
    ]
    for (_at, kind, _number), receipt in zip(steps, receipts[-len(steps) :], strict=True):
        if receipt.ok:
            used.setdefault(Step(kind).name.lower(), []).append(receipt.gas_used)
    return used


def _report(clock: Clock, count: int, total: float, rate: int) -> None:
    one_check_us = 1e6 / rate
    print(f"{count} transactions; one signature check {one_check_us:.1f} us ({rate}/s)")
    print(f"{'stage':<40}{'us/tx':>8}{'checks':>8}")
    inside = 0.0
    for stage, seconds in sorted(clock.seconds.items(), key=lambda item: -item[1]):
        each = seconds / count * 1e6
        if "another process" not in stage and not stage.startswith("("):
            inside += seconds
        print(f"{stage:<40}{each:>8.1f}{each / one_check_us:>8.2f}")
    rest = (total - inside) / count * 1e6
    print(f"{'the rest (blocks, driver)':<40}{rest:>8.1f}{rest / one_check_us:>8.2f}")
    each = total / count * 1e6
    print(f"{'one after another, node process':<40}{each:>8.1f}{each / one_check_us:>8.2f}")
    machine = clock.seconds["machine"]
    calls = clock.calls["machine"] / machine
    print(f"booking calls a second, machine and host: {calls:.0f}")


def _report_gas(gas: dict[str, list[int]]) -> None:
    print(f"{'gas used by':<16}{'median':>8}{'most':>8}")
    for name, values in gas.items():
        print(f"{name:<16}{sorted(values)[len(values) // 2]:>8}{max(values):>8}")


if __name__ == "__main__":
    main()
