"""Random containers that the verifier accepts, with every opcode, loops, calls and links."""

from dataclasses import dataclass, replace
from random import Random

from chain.errors import BadContractError
from contracts.vm.container import (
    Container,
    EventField,
    EventType,
    Field,
    Function,
    FunctionKind,
    Kind,
    LinkCall,
    NamedScalar,
    PotClass,
    encode_container,
)
from contracts.vm.program import Program, load_program
from tests.fuzz.maker import FunctionMaker, random_scalar


def make_tables(random: Random, linked: Program | None) -> Container:
    """Return a container without functions."""
    fields = tuple(
        Field(
            f"field_{i}",
            tuple([random_scalar(random, fixed=True) for _ in range(random.randrange(4))]),
            tuple(
                [
                    NamedScalar(f"part_{k}", random_scalar(random, fixed=random.random() < 0.7))
                    for k in range(random.choice((1, 1, 2, 3, 6)))
                ]
            ),
        )
        for i in range(random.randint(1, 4))
    )
    pots = tuple(
        PotClass(
            f"pot_{i}",
            tuple([random_scalar(random, fixed=True) for _ in range(random.randint(1, 2))]),
            random.randrange(2),
            random.choice((0, 1_000, 2**50)),
        )
        for i in range(random.randrange(3))
    )
    events = tuple(
        EventType(
            f"Event{i}",
            tuple([_event_field(random, f"value_{k}") for k in range(random.randrange(4))]),
        )
        for i in range(random.randrange(3))
    )
    return Container(
        magic="wash",
        vm=1,
        name="Fuzz",
        assets=("money", "points"),
        links=() if linked is None else ("other",),
        link_calls=_link_calls(random, linked),
        fields=fields,
        pots=pots,
        events=events,
        errors=("first", "second"),
        functions=(),
        abi_hash=bytes(32),
        source_hash=bytes(32),
        compiler="fuzz",
    )


def _event_field(random: Random, name: str) -> EventField:
    scalar = random_scalar(random)
    return EventField(name, scalar, scalar.kind < Kind.BYTES and random.random() < 0.4)


def _link_calls(random: Random, linked: Program | None) -> tuple[LinkCall, ...]:
    calls: list[LinkCall] = []
    for routine in () if linked is None else linked.routines:
        one = routine.function
        if one.kind in {FunctionKind.ACTION, FunctionKind.VIEW} and one.asset is None:
            gas = min(routine.worst_case_gas, 100_000) + random.choice((0, 50, -20))
            action = one.kind == FunctionKind.ACTION
            calls.append(LinkCall(0, one.name, action, one.params, one.returns, max(gas, 1)))
    return tuple(calls)


def _shapes(random: Random) -> list[Function]:
    kinds = [FunctionKind.INTERNAL] * random.randint(0, 3)
    kinds += random.choices(
        (FunctionKind.ACTION, FunctionKind.VIEW, FunctionKind.ACTION), k=random.randint(1, 3)
    )
    for _ in range(random.choice((0, 0, 1, 2))):
        kinds.insert(random.randrange(len(kinds) + 1), FunctionKind.TIMER)
    shapes = []
    for number, kind in enumerate(kinds):
        timer = kind == FunctionKind.TIMER
        count = random.randint(1, 2) if timer else random.randrange(4)
        params = tuple([random_scalar(random, fixed=timer) for _ in range(count)])
        returns = (
            () if timer else tuple([random_scalar(random) for _ in range(random.randrange(3))])
        )
        payable = kind in {FunctionKind.ACTION, FunctionKind.INTERNAL} and random.random() < 0.5
        asset = random.randrange(2) if payable else None
        shapes.append(Function(f"f{number}", kind, asset, params, returns, (), b"", b""))
    return shapes


@dataclass(frozen=True, slots=True)
class Pair:
    """A program and the one it links to."""

    main: Program
    linked: Program | None


def make_container(random: Random, linked: Program | None = None) -> Container:
    """Return a random container; most are accepted by the verifier."""
    box = make_tables(random, linked)
    box = replace(box, functions=tuple(_shapes(random)))
    writers: list[bool] = []
    for number, shape in enumerate(box.functions):
        maker = FunctionMaker(random, box, writers, shape)
        made = maker.make()
        writers.append(maker.writes)
        box = replace(box, functions=(*box.functions[:number], made, *box.functions[number + 1 :]))
    return box


def make_program(random: Random, linked: Program | None = None) -> Program:
    """Return a random program; draws again when a timer or the whole is above what is allowed."""
    while True:
        box = make_container(random, linked)
        try:
            return load_program(encode_container(box))
        except BadContractError as error:
            if "worst case" not in str(error) and "container of" not in str(error):
                raise


def make_pair(seed: int) -> Pair:
    """Return the `seed`-th random program, half of them linked to another."""
    random = Random(seed)
    linked = make_program(random) if random.random() < 0.5 else None
    return Pair(make_program(random, linked), linked)
