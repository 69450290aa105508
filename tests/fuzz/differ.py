"""Histories of calls, run by the interpreter and by the reference evaluator, and compared."""

import hashlib
from random import Random
from typing import Any

from contracts.vm.container import REGISTER_TYPES, FunctionKind
from contracts.vm.interpreter import run
from contracts.vm.program import Program, Routine
from contracts.vm.traps import Trap
from tests.fuzz.host import ACCOUNTS, OTHER, MemoryHost
from tests.fuzz.maker import random_value
from tests.fuzz.model import FailedError, Instance, Meter
from tests.fuzz.programs import Pair, make_pair
from tests.fuzz.reference import Evaluator

Outcome = tuple[Any, ...]
CALLS = 6
LETTER_OF = {int: "I", bool: "B", bytes: "YA"}


def run_machine(host: MemoryHost, routine: Routine, arguments: list[Any], gas: int) -> Outcome:
    """Return what the interpreter makes of a call, with all effects up to its end."""
    try:
        values, left = run(routine, arguments, host, gas)
    except Trap as trap:
        return "trap", trap.kind.name, trap.error, trap.gas_left, host.dump()
    return "ok", values, left, host.dump()


def run_reference(instance: Instance, number: int, arguments: list[Any], gas: int) -> Outcome:
    """Return what the reference evaluator makes of it."""
    meter = Meter(gas)
    try:
        values = Evaluator(instance, meter).call(number, list(arguments))
    except FailedError as failed:
        return "trap", failed.kind, failed.error, meter.left, instance.dump()
    return "ok", values, meter.left, instance.dump()


def make_host(pair: Pair) -> MemoryHost:
    """Return a fresh host of a program, with one for what it links to."""
    host = MemoryHost(pair.main)
    if pair.linked is not None:
        host.linked = MemoryHost(pair.linked, OTHER)
        host.linked.enter(0, host.contract)
    return host


def make_instance(pair: Pair, host: MemoryHost) -> Instance:
    """Return the same for the reference evaluator."""
    instance = Instance(pair.main.container, host.contract)
    if pair.linked is not None:
        instance.linked = Instance(pair.linked.container, OTHER)
    return instance


def entries(program: Program) -> list[Routine]:
    """Return what may be called from outside."""
    return [r for r in program.routines if r.function.kind != FunctionKind.INTERNAL]


def check_types(routine: Routine, outcome: Outcome, gas: int) -> None:
    """A call returns registers of the declared types and never uses more than the worst case."""
    if outcome[0] == "ok":
        wanted = [REGISTER_TYPES[s.kind] for s in routine.function.returns]
        found = [LETTER_OF[type(value)] for value in outcome[1]]
        assert len(wanted) == len(found), routine.name
        assert all(w in f for w, f in zip(wanted, found, strict=True)), (routine.name, outcome)
    left = outcome[2] if outcome[0] == "ok" else outcome[3]
    assert 0 <= left <= gas
    if gas > routine.worst_case_gas:
        used = gas - left
        assert used <= routine.worst_case_gas, (routine.name, used, routine.worst_case_gas)


def run_history(seed: int, counts: dict[str, int], calls: int = CALLS) -> bytes:
    """Run one random program's calls both ways; returns a digest of all outcomes."""
    return compare_calls(make_pair(seed), Random(seed + 1), counts, calls=calls)


def compare_calls(
    pair: Pair,
    random: Random,
    counts: dict[str, int],
    gas_max: int = 10**12,
    calls: int = CALLS,
) -> bytes:
    """Run some calls of a program both ways and compare everything; returns a digest."""
    host = make_host(pair)
    instance = make_instance(pair, host)
    digest = hashlib.sha256(pair.main.code_id)
    for number in range(calls):
        routine = random.choice(entries(pair.main))
        worst = min(routine.worst_case_gas, gas_max)
        arguments = [random_value(random, scalar) for scalar in routine.function.params]
        half = random.random() < 0.5
        gas = random.randint(0, worst) if half else worst + random.randint(1, 1_000)
        host.enter(number, random.choice(ACCOUNTS))
        instance.enter(host.context)
        before = host.save(), instance.save()
        seen = run_machine(host, routine, list(arguments), gas)
        expected = run_reference(instance, routine.number, arguments, gas)
        assert seen == expected, f"call {number} of {routine.name} with {gas} gas"
        check_types(routine, seen, gas)
        digest.update(repr(seen).encode())
        if seen[0] == "trap":
            host.restore(before[0])
            instance.restore(before[1])
        kind = seen[0] if seen[0] == "ok" else seen[1]
        counts[kind] = counts.get(kind, 0) + 1
    return digest.digest()
