"""The recovery plans of a node: files in its data folder, read whenever its chain is opened.

A plan stays there for good: whoever executes the chain again needs it at its height.
"""

import os
from enum import Enum
from pathlib import Path
from typing import NoReturn

from chain.errors import RecoveryPlanError
from chain.recovery import (
    PLAN_BYTES_MAX,
    RecoveryPlan,
    check_follows,
    check_plan,
    parse_plan,
    plan_above,
    plan_hash,
    write_plan,
)
from node.files import move_over
from node.storage.disk import disk_faults
from node.storage.folder import sync_folder
from node.storage.ledger import ChainLedger

PLANS_NAME = "recovery"  # in the data folder
PLANS_MAX = 64  # a chain that lost its quorum more often has other troubles


class When(Enum):
    """Where a chain stands to a plan about one of its blocks."""

    NOW = "now"  # that block is the newest: the next start goes on by the plan
    LATER = "later"  # that block is not there yet: what it must be signed by is not known
    BEFORE = "before"  # the chain went on by this plan


def plan_path(data: Path, height: int) -> Path:
    """Return where the plan about the block at a height lies: there is one at most."""
    return data / PLANS_NAME / f"{height}.json"


def read_plans(data: Path) -> tuple[RecoveryPlan, ...]:
    """Return the plans in a data folder, by height.

    Raises RecoveryPlanError that names a file which is none, or StoreError.
    """
    folder = data / PLANS_NAME
    with disk_faults(folder):
        paths = sorted(folder.glob("*.json"))
        if len(paths) > PLANS_MAX:
            text = f"{folder} holds {len(paths)} plans, at most {PLANS_MAX} are read; move some out"
            raise RecoveryPlanError(text)
        plans = [_read_named(path) for path in paths]
    return tuple(sorted(plans, key=lambda plan: plan.height))


def _read_named(path: Path) -> RecoveryPlan:
    fix = f"move it out of {path.parent} and load the right one: washnode recovery load FILE"
    try:
        plan = read_plan_file(path)
    except RecoveryPlanError as error:
        text = f"{error}; {fix}"
        raise RecoveryPlanError(text) from error
    if path.name != f"{plan.height}.json":  # else two files could be about one block
        text = f"{path} is about height {plan.height}; {fix}"
        raise RecoveryPlanError(text)
    return plan


def read_plan_file(path: Path) -> RecoveryPlan:
    """Return the plan in a file; raises RecoveryPlanError that names the file, or OSError."""
    with path.open("rb") as file:
        data = file.read(PLAN_BYTES_MAX + 1)
    try:
        return parse_plan(data)
    except RecoveryPlanError as error:
        text = f"{path}: {error}"
        raise RecoveryPlanError(text) from error


def check_fit(plan: RecoveryPlan, ledger: ChainLedger) -> When:
    """Return where a chain stands to a plan; raises RecoveryPlanError if it can not count there."""
    check_chain(plan, ledger.chain_id)
    if plan.height > ledger.height:
        return When.LATER
    if plan.height == ledger.height:
        check_plan(plan, ledger.state(), ledger.head)
        return When.NOW
    if plan_above((plan,), ledger.store.header(plan.height)) is None:
        _refuse(f"block {plan.head_id.hex()} is not that of height {plan.height} here")
    check_follows(plan, ledger.store.header(plan.height + 1))
    return When.BEFORE


def check_chain(plan: RecoveryPlan, chain_id: bytes) -> None:
    """Raise RecoveryPlanError if a plan is about another chain."""
    if plan.chain_id != chain_id:
        _refuse(f"chain is {plan.chain_id.hex()}, here it is {chain_id.hex()}")


def keep_plan(data: Path, plan: RecoveryPlan) -> Path:
    """Write a plan to its place in a data folder, at once and for good; returns the file.

    The same plan with other signatures is replaced. Raises RecoveryPlanError where another one is.
    """
    path = plan_path(data, plan.height)
    with disk_faults(path.parent):
        if path.exists() and plan_hash(_read_named(path)) != plan_hash(plan):
            _refuse(f"{path} is another about this height; move it out if this one is to count")
        path.parent.mkdir(exist_ok=True)
        put_plan_file(path, plan)
        sync_folder(data)
    return path


def _refuse(reason: str) -> NoReturn:
    text = f"recovery plan: {reason}"
    raise RecoveryPlanError(text)


def put_plan_file(path: Path, plan: RecoveryPlan) -> None:
    """Put a plan into a file in the place of what is there, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(write_plan(plan).encode())
        file.flush()
        os.fsync(file.fileno())
    move_over(fresh, path)
    sync_folder(path.parent)
