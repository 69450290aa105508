"""The part of the verifier about a container's tables: names, fields, pots, events, links."""

from collections.abc import Iterator, Sequence

from chain.errors import BadContractError
from contracts.vm.container import (
    BYTES_MAX,
    EVENT_INDEXED_MAX,
    KEY_PARTS_MAX,
    VM_VERSION,
    Container,
    FunctionKind,
    Kind,
    Scalar,
)

_FIXED_KINDS = frozenset(kind for kind in Kind if kind < Kind.BYTES)


def require(holds: bool, text: str) -> None:  # noqa: FBT001 - reads as a sentence at every call
    """Refuse the container unless `holds`."""
    if not holds:
        raise BadContractError(text)


def check_key(parts: Sequence[Scalar], where: str, least: int) -> None:
    """Check the parts of a key: enough of them, each of a fixed width."""
    require(least <= len(parts) <= KEY_PARTS_MAX, f"{where}: {len(parts)} key parts")
    for part in parts:
        require(part.kind in _FIXED_KINDS, f"{where}: a key part must have a fixed width")


def check_scalar(scalar: Scalar, where: str) -> None:
    """Check that a size stands where a kind needs one, and fits."""
    sized = scalar.kind >= Kind.BYTES
    require(
        sized == (scalar.size > 0), f"{where}: size {scalar.size} does not fit kind {scalar.kind}"
    )
    require(scalar.size <= BYTES_MAX, f"{where}: at most {BYTES_MAX} bytes")


def check_tables(container: Container) -> None:
    """Check all of a container but its functions' code; raises BadContractError."""
    require(container.magic == "wash", f"magic {container.magic!r}, expected 'wash'")
    require(container.vm == VM_VERSION, f"vm {container.vm}, this node runs {VM_VERSION}")
    for names in _name_lists(container):
        require(len(set(names)) == len(names), f"a name stands twice in {list(names)[:8]}")
        for name in names:
            plain = name.replace(".", "_")
            require(plain.isascii() and plain.isidentifier(), f"{name!r} is no identifier")
    for field in container.fields:
        check_key(field.key, field.name, 0)
        require(len(field.row) > 0, f"field {field.name} holds nothing")
        for named in field.row:
            check_scalar(named.scalar, f"{field.name}.{named.name}")
    for pot in container.pots:
        check_key(pot.key, pot.name, 1)
        require(pot.asset < len(container.assets), f"pot {pot.name}: no asset {pot.asset}")
    for event in container.events:
        indexed = sum(field.indexed for field in event.fields)
        require(indexed <= EVENT_INDEXED_MAX, f"event {event.name}: {indexed} indexed fields")
        for event_field in event.fields:
            check_scalar(event_field.scalar, f"{event.name}.{event_field.name}")
            fixed = event_field.scalar.kind in _FIXED_KINDS or not event_field.indexed
            require(fixed, f"{event.name}.{event_field.name}: only fixed widths are indexed")
    for call in container.link_calls:
        require(call.link < len(container.links), f"link call {call.function}: no link {call.link}")
        for scalar in (*call.params, *call.returns):
            check_scalar(scalar, f"link call {call.function}")
    require(len(container.functions) > 0, "a contract without functions")
    inits = sum(function.kind == FunctionKind.INIT for function in container.functions)
    require(inits <= 1, f"{inits} init functions, at most one is allowed")


def _name_lists(container: Container) -> Iterator[list[str]]:
    yield [container.name]
    yield list(container.assets)
    yield list(container.links)
    yield [field.name for field in container.fields] + [pot.name for pot in container.pots]
    yield [event.name for event in container.events]
    yield list(container.errors)
    yield [function.name for function in container.functions]
    for field in container.fields:
        yield [named.name for named in field.row]
    for event in container.events:
        yield [field.name for field in event.fields]
