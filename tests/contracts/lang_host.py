"""A host in memory, just enough to run compiled contracts: state, pots, timers, events."""

# ruff: noqa: ARG002 - the methods are those of the machine's Host

from typing import Any

from contracts.lang.compiler import compile_contract
from contracts.vm.interpreter import run_program
from contracts.vm.program import LinkForm, PotForm, Program, Routine, load_program
from contracts.vm.traps import Trap, TrapKind

ALICE, BOB, SHOP, CONTRACT = (bytes([number]) * 32 for number in (1, 2, 3, 4))
GAS = 2_000_000


class MemoryHost:
    """State is a dict; pots hold [balance, until, fallback]; `log` collects what went out."""

    base = b""

    def __init__(self, *, caller: bytes = ALICE, now: int = 1_000, paid: int = 0) -> None:
        self.state: dict[bytes, bytes] = {}
        self.pots: dict[bytes, list[Any]] = {}
        self.timers: dict[tuple[str, bytes], int] = {}
        self.log: list[tuple[Any, ...]] = []
        self.roles: dict[tuple[bytes, int], bool] = {}
        self.calls = 0
        self.links: dict[str, Any] = {}
        self.context: list[Any] = []
        self.enter(caller=caller, now=now, paid=paid)

    def enter(self, *, caller: bytes = ALICE, now: int = 1_000, paid: int = 0) -> None:
        zero = bytes(32)
        self.context = [
            caller,
            caller,
            CONTRACT,
            b"k" * 32,
            zero,
            now,
            now,
            7,
            paid,
            None,
            0,
            b"c" * 32,
        ]

    def read(self, key: bytes) -> bytes | None:
        return self.state.get(key)

    def write(self, key: bytes, value: bytes) -> None:
        self.state[key] = value

    def erase(self, key: bytes) -> None:
        self.state.pop(key, None)

    def next_key(self, prefix: bytes, start: bytes) -> bytes | None:
        keys = sorted(key for key in self.state if key.startswith(prefix) and key >= start)
        return keys[0] if keys else None

    def call_id(self) -> bytes:
        self.calls += 1
        return self.calls.to_bytes(32, "big")

    def pot_open(self, pot: PotForm, key: bytes, until: int, fallback: bytes) -> None:
        self.pots[key] = [self.context[8], until, fallback]

    def pot_add(self, pot: PotForm, key: bytes) -> None:
        self.pots[key][0] += self.context[8]

    def pot_pay(self, pot: PotForm, key: bytes, to: bytes, amount: int) -> None:
        if not 0 < amount <= self.pots[key][0]:
            raise Trap(TrapKind.AMOUNT)
        self.pots[key][0] -= amount
        self.log.append(("paid", to, amount))

    def pot_move(self, pot: PotForm, key: bytes, to_key: bytes, amount: int) -> None:
        self.pots[key][0] -= amount
        self.pots[to_key][0] += amount

    def pot_extend(self, pot: PotForm, key: bytes, until: int) -> None:
        self.pots[key][1] = until

    def pot_close(self, pot: PotForm, key: bytes, to: bytes) -> None:
        self.log.append(("paid", to, self.pots.pop(key)[0]))

    def pot_balance(self, pot: PotForm, key: bytes) -> int:
        return int(self.pots.get(key, [0])[0])

    def schedule(self, routine: Routine, key: bytes, at: int) -> None:
        self.timers[routine.name, key] = at

    def cancel(self, routine: Routine, key: bytes) -> None:
        self.timers.pop((routine.name, key), None)

    def emit(self, number: int, values: list[Any]) -> None:
        self.log.append(("event", number, values))

    def link(self, call: LinkForm, arguments: list[Any]) -> tuple[list[Any], int]:
        self.log.append(("link", call.function, arguments))
        return list(self.links.get(call.function, ())), 10

    def mint(self, asset: int, account: bytes, amount: int) -> None:
        self.log.append(("mint", account, amount))

    def burn(self, asset: int, account: bytes, amount: int) -> None:
        self.log.append(("burn", account, amount))

    def balance(self, asset: int, account: bytes) -> int:
        return 77

    def supply(self, asset: int) -> int:
        return 770

    def has_role(self, account: bytes, role: int) -> bool:
        return self.roles.get((account, role), False)


def load(source: str) -> Program:
    """Compile a source, and verify what came out."""
    return load_program(compile_contract(source).container_bytes)


def call(program: Program, name: str, *arguments: Any, host: MemoryHost | None = None) -> list[Any]:
    """Run a function and return its registers."""
    routine = program.by_name[name]
    returned, left = run_program(program, name, list(arguments), host or MemoryHost(), GAS)
    assert GAS - left <= routine.worst_case_gas, (name, GAS - left, routine.worst_case_gas)
    return returned


def call_view(
    body: str, *arguments: Any, params: str = "", returns: str = "sint", rest: str = ""
) -> Any:
    """Compile one view from its indented body, run it and return its one value."""
    comma = ", " if params else ""
    lines = "\n".join("        " + line for line in body.strip("\n").split("\n"))
    source = (
        f"from wash import *\n{rest}\nclass C(Contract):\n    @view\n"
        f"    def f(self{comma}{params}) -> {returns}:\n{lines}\n"
    )
    return call(load(source), "f", *arguments)[0]
