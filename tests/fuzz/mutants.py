"""Mutants of valid containers: what the verifier still accepts must give nothing but traps."""

from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from chain.errors import BadContractError, MalformedBytesError
from contracts.vm.container import (
    Container,
    Function,
    Scalar,
    decode_container,
    encode_container,
)
from contracts.vm.opcodes import INSTRUCTION_BYTES, Op
from contracts.vm.program import LinkForm, Program, load_program
from contracts.vm.values import zero_of
from tests.fuzz.differ import CALLS, check_types, compare_calls, entries, run_machine
from tests.fuzz.host import ACCOUNTS, MemoryHost
from tests.fuzz.maker import random_scalar, random_value
from tests.fuzz.programs import Pair, make_container

ROOT = Path(__file__).parent.parent.parent
SEEDS = (
    *sorted((ROOT / "contracts" / "standard" / "compiled").glob("*.container")),
    *sorted((ROOT / "node" / "rehearse" / "compiled").glob("*.container")),
)
GAS_MOST = 40_000  # of one run: a mutant's worst case may be astronomic


class StubHost(MemoryHost):
    """A host whose links give zeros for some of their gas."""

    def link(self, call: LinkForm, arguments: list[Any]) -> tuple[list[Any], int]:
        self.log.append(("link", call.function, arguments))
        return [zero_of(scalar.kind) for scalar in call.returns], call.gas_max // 2


def mutate(random: Random, container: Container) -> bytes:
    """Return the bytes of a container with one to three things changed."""
    try:
        for _ in range(random.choice((1, 1, 2, 3))):
            container = _mutate_once(random, container)
        data = encode_container(container)
    except (ValueError, OverflowError, TypeError, AttributeError):
        return b""  # not even written down
    if random.random() < 0.1:
        place = random.randrange(len(data))
        data = data[:place] + bytes([random.randrange(256)]) + data[place + random.randrange(2) :]
    return data


def _mutate_once(random: Random, container: Container) -> Container:
    if random.random() < 0.7 and container.functions:
        number = random.randrange(len(container.functions))
        function = container.functions[number]
        if random.random() < 0.8:
            function = replace(function, code=_mutate_code(random, function))
        else:
            function = _mutate_item(random, function)
        functions = (*container.functions[:number], function, *container.functions[number + 1 :])
        return replace(container, functions=functions)
    changed: Container = _mutate_item(random, container)
    return changed


def _mutate_code(random: Random, function: Function) -> bytes:
    code = bytearray(function.code)
    count = len(code) // INSTRUCTION_BYTES
    if not count:
        return bytes(random.randrange(20))
    at = random.randrange(count) * INSTRUCTION_BYTES
    one = code[at : at + INSTRUCTION_BYTES]
    match random.randrange(8):
        case 0:
            code[at] = random.randrange(len(Op) + 2)
        case 1:
            code[at + random.randint(1, 3)] = (
                random.randrange(max(len(function.registers), 1) + 2) & 255
            )
        case 2:
            place = at + random.randint(1, 5)
            code[place] = (code[place] + random.choice((1, -1))) & 255
        case 3:
            code[at + 4 : at + 6] = random.randrange(count + 2).to_bytes(2, "big")
        case 4:
            del code[at : at + INSTRUCTION_BYTES]
        case 5:
            other = random.randrange(count) * INSTRUCTION_BYTES
            code[other:other] = one
        case 6:
            other = random.randrange(count) * INSTRUCTION_BYTES
            code[at : at + INSTRUCTION_BYTES] = code[other : other + INSTRUCTION_BYTES]
            code[other : other + INSTRUCTION_BYTES] = one
        case _:
            code[at + random.randrange(6)] = random.randrange(256)
    return bytes(code)


def _mutate_item(random: Random, item: Any) -> Any:
    """Change one field, at any depth, of a frozen dataclass."""
    name = random.choice([field.name for field in fields(item)])
    return replace(item, **{name: _mutate_value(random, getattr(item, name))})


def _mutate_value(random: Random, value: Any) -> Any:  # noqa: PLR0911 - one line a type
    match value:
        case tuple():
            return _mutate_tuple(random, value)
        case bool():
            return not value
        case int():
            return random.choice((value + 1, value - 1, 0, 1, random.randrange(70_000)))
        case bytes():
            place = random.randrange(len(value) + 1)
            letter = random.choice((b"I", b"B", b"Y", b"A", b"", b"\xff"))
            return value[:place] + letter + value[place + random.randrange(2) :]
        case str():
            return random.choice(("", "a.b", "f0", value + "x", "1", "init"))
        case Scalar():
            return random_scalar(random)
        case None:
            return random.randrange(3)
        case _:
            return _mutate_item(random, value) if is_dataclass(value) else value


def _mutate_tuple(random: Random, items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        return random.choice(((), (Scalar(1),), (0,), ("x",)))
    place = random.randrange(len(items))
    match random.randrange(4):
        case 0:
            return items[:place] + items[place + 1 :]
        case 1:
            return (*items[:place], items[place], *items[place:])
        case _:
            return (*items[:place], _mutate_value(random, items[place]), *items[place + 1 :])


def _run_stubbed(random: Random, program: Program) -> None:
    host = StubHost(program)
    for number in range(CALLS):
        routine = random.choice(entries(program))
        gas = min(routine.worst_case_gas + 1, GAS_MOST)
        host.enter(number, random.choice(ACCOUNTS))
        arguments = [random_value(random, scalar) for scalar in routine.function.params]
        check_types(routine, run_machine(host, routine, arguments, gas), gas)


def try_mutants(seed: int, counts: dict[str, int], mutants: int = 1) -> None:
    """Make mutants of one container and run the accepted ones: see `try_mutant`."""
    random = Random(seed)
    if random.random() < 0.8:
        container = make_container(random)
    else:
        container = decode_container(random.choice(SEEDS).read_bytes())
    for _ in range(mutants):
        try_mutant(random, container, counts)


def try_mutant(random: Random, container: Container, counts: dict[str, int]) -> None:
    """Make one mutant and run it if it is accepted, against the reference unless it has links."""
    try:
        program = load_program(mutate(random, container))
    except (BadContractError, MalformedBytesError) as error:
        counts[type(error).__name__] = counts.get(type(error).__name__, 0) + 1
        return
    counts["accepted"] = counts.get("accepted", 0) + 1
    if not entries(program):
        return
    if program.container.link_calls:
        _run_stubbed(random, program)
    else:
        compare_calls(Pair(program, None), random, {}, GAS_MOST)
