"""A verified container made ready to run: operands resolved, forms built, gas laid out by block."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from contracts.vm.container import (
    Container,
    Function,
    FunctionKind,
    LinkCall,
    Scalars,
    code_id,
)
from contracts.vm.gas import Priced
from contracts.vm.opcodes import Context, Op
from contracts.vm.values import KeyForm, RowForm
from contracts.vm.verifier import verify_bytes

Step = tuple[int, int, int, int, Any, int]  # op, d, a, b, resolved t, gas of the block that begins
PROGRAMS_KEPT = 64
_OF_FIELDS = frozenset({Op.GET, Op.GETZ, Op.HAS, Op.PUT, Op.DEL, Op.NEXT})
_OF_POTS = frozenset({Op.POPEN, Op.PADD, Op.PPAY, Op.PMOVE, Op.PEXT, Op.PCLOSE, Op.PBAL})
_OF_ROUTINES = frozenset({Op.CALL, Op.SCHED, Op.CANCEL})
# The other instructions stay as they are, and callers need to know nothing of them.
_RESOLVED = _OF_FIELDS | _OF_POTS | _OF_ROUTINES | {Op.EMIT, Op.LINK, Op.RET, Op.CTX}


@dataclass(slots=True)
class FieldForm:
    """A field's key and row forms."""

    name: str
    key: KeyForm
    row: RowForm


@dataclass(slots=True)
class PotForm:
    """A pot class: the key form, the asset slot and the bound of extensions."""

    name: str
    number: int
    key: KeyForm
    asset: int
    extend_max_ms: int


@dataclass(slots=True, eq=False)
class LinkForm:
    """A linked function; `fitting` remembers by code id what it calls there, None: nothing fits."""

    link: int
    function: str
    is_action: bool
    params: Scalars
    returns: Scalars
    gas_max: int
    fitting: dict[bytes, "Routine | None"] = field(default_factory=dict)


@dataclass(slots=True)
class Routine:
    """One function, ready to run. `first` is the register of the first parameter."""

    number: int
    function: Function
    template: list[Any]
    first: int
    returns: int
    worst_case_gas: int
    key: KeyForm | None  # of a timer; its tag is the timer's number among the timers
    steps: list[Step] = field(default_factory=list)
    # Of itself and of what it calls here:
    iterates: bool = False  # walks over keys
    reads_sponsor: bool = False  # asks who co-signed
    links: dict[LinkCall, None] = field(default_factory=dict)  # calls of linked instances

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name


@dataclass(slots=True)
class Program:
    """A contract's code as the interpreter takes it."""

    code_id: bytes
    container: Container
    fields: list[FieldForm]
    pots: list[PotForm]
    routines: list[Routine]
    timers: list[Routine]  # in the container's order: what state keys of timers number
    by_name: dict[str, Routine]
    init: Routine | None
    link_forms: list[LinkForm]
    indexed: list[tuple[int, ...]]  # by event: the places of its indexed fields

    def entry(self, name: str, kind: FunctionKind) -> Routine | None:
        """Return the routine of that name and kind, or None."""
        routine = self.by_name.get(name)
        return routine if routine is not None and routine.function.kind == kind else None


@lru_cache(maxsize=PROGRAMS_KEPT)
def load_program(data: bytes) -> Program:
    """Verify container bytes and make them ready; raises BadContractError, MalformedBytesError.

    The same bytes give the same program, which nobody changes: those of late are kept, since a
    deployment, its check and the reading of interfaces all ask for them.
    """
    container, verified = verify_bytes(data)
    fields = [
        FieldForm(one.name, KeyForm(bytes([number]), one.key), RowForm([n.scalar for n in one.row]))
        for number, one in enumerate(container.fields)
    ]
    pots = [
        PotForm(one.name, number, KeyForm(bytes([number]), one.key), one.asset, one.extend_max_ms)
        for number, one in enumerate(container.pots)
    ]
    routines: list[Routine] = []
    timers: list[Routine] = []
    for number, function in enumerate(container.functions):
        routines.append(
            _make_routine((number, len(timers)), function, verified[number].worst_case_gas)
        )
        if function.kind == FunctionKind.TIMER:
            timers.append(routines[-1])
    program = Program(
        code_id=code_id(data),
        container=container,
        fields=fields,
        pots=pots,
        routines=routines,
        timers=timers,
        by_name={routine.name: routine for routine in routines},
        init=next((r for r in routines if r.function.kind == FunctionKind.INIT), None),
        link_forms=[
            LinkForm(o.link, o.function, o.is_action, o.params, o.returns, o.gas_max)
            for o in container.link_calls
        ],
        indexed=[
            tuple(place for place, one in enumerate(event.fields) if one.indexed)
            for event in container.events
        ],
    )
    for routine, one in zip(routines, verified, strict=True):
        routine.steps = _resolve_steps(program, routine, one.priced)
    return program


def _make_routine(numbers: tuple[int, int], function: Function, worst_case_gas: int) -> Routine:
    """Make a function ready; `numbers` are its own, and the one that it would have as a timer."""
    number, timer = numbers
    first = len(function.constants)
    template: list[Any] = [_register_constant(value) for value in function.constants]
    zeros = {"I": 0, "B": False, "Y": b"", "A": bytes(32)}
    letters = function.registers.decode("latin-1")
    template += [zeros[letter] for letter in letters[first:]]
    is_timer = function.kind == FunctionKind.TIMER
    key = KeyForm(bytes([timer]), function.params) if is_timer else None
    return Routine(number, function, template, first, len(function.returns), worst_case_gas, key)


def _register_constant(value: Any) -> Any:
    return value.encode() if type(value) is str else value


def _resolve_steps(program: Program, routine: Routine, priced: Priced) -> list[Step]:
    container = program.container
    steps: list[Step] = []
    for (op, d, a, b, t), charge in zip(priced.instructions, priced.charges, strict=True):
        if op not in _RESOLVED:
            steps.append((op, d, a, b, t, charge))
            continue
        resolved: Any = t
        second = b
        if op in _OF_FIELDS:
            resolved = program.fields[t]
        elif op in _OF_POTS:
            resolved = program.pots[t]
        elif op in _OF_ROUTINES:
            resolved = program.routines[t]
        elif op == Op.EMIT:
            resolved = (t, container.events[t], len(container.events[t].fields))
        elif op == Op.LINK:
            resolved = program.link_forms[t]
        elif op == Op.RET:
            second = routine.returns
        steps.append((op, d, a, second, resolved, charge))
        _note(routine, op, container.link_calls[t] if op == Op.LINK else resolved)
    return steps


def _note(routine: Routine, op: int, resolved: Any) -> None:
    """Note what a step does that callers of the routine have to know; callees are known before."""
    if op == Op.NEXT:
        routine.iterates = True
    elif op == Op.CTX and resolved == Context.SPONSOR:
        routine.reads_sponsor = True
    elif op == Op.LINK:
        routine.links[resolved] = None
    elif op == Op.CALL:
        routine.iterates |= resolved.iterates
        routine.reads_sponsor |= resolved.reads_sponsor
        routine.links |= resolved.links
