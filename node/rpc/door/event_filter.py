"""Filters of events as clients write them, turned into what the feed can match."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field
from pydantic_core import from_json

from chain.executed import event_topic
from chain.types import ZERO_ID
from node.abi import AbiEvent, flatten
from node.live.feed import EventFilter, Pattern
from node.rpc.errors import InvalidParamsError
from node.rpc.forms import shapes
from node.rpc.forms.abi_values import Codec
from node.rpc.params import AnyId, ContractRef, Text, TxId
from node.rpc.registry import Params

BLOCK_TYPE = "block"
CHAIN = "chain"
VALUES_MAX = 8
_TYPE_EXAMPLES = "`booking.Closed`, `booking.*`, `chain.transferred` or `block`"


class EventWish(Params):
    """Which events are wanted; all that is given must fit."""

    contract: ContractRef | None = None
    type: Text | None = Field(
        default=None,
        description="a contract's name or id, a dot, an event's name or *; `block` for blocks",
    )
    values: Annotated[dict[str, Any], Field(max_length=VALUES_MAX)] = Field(
        default_factory=dict,
        description="values that fields of the event have; quick where the field is indexed",
    )
    account: AnyId | None = Field(
        default=None, description="an account that is among the event's values"
    )
    tx: TxId | None = Field(default=None, description="the transaction that the event came from")


def compile_filter(node: Any, wish: EventWish, *, is_text: bool = False) -> EventFilter:
    """Return the filter that a client's wish means; raises InvalidParamsError or NotFoundError.

    `is_text`: values are texts, as the query of an address holds them.
    """
    if wish.type == BLOCK_TYPE:
        if wish.contract or wish.values or wish.account or wish.tx:
            text = "blocks have no other filters"
            raise InvalidParamsError("filter.type", text)
        return EventFilter(is_blocks=True)
    contract, name = _read_type(node, wish)
    if contract is None:
        if wish.values:
            text = "need a type or a contract, which says what they are"
            raise InvalidParamsError("filter.values", text)
        return EventFilter(account=wish.account, tx_id=wish.tx)
    patterns: tuple[Pattern, ...] | None = None
    if name != "*" or wish.values:
        patterns = _find_patterns(node, contract, name, wish.values, is_text=is_text)
    return EventFilter(contract, patterns, wish.account, wish.tx)


def _read_type(node: Any, wish: EventWish) -> tuple[bytes | None, str]:
    contract = None if wish.contract is None else _resolve(node, wish.contract)
    if wish.type is None:
        return contract, "*"
    owner, dot, name = wish.type.rpartition(".")
    if not dot or not owner or not name:
        text = f"must be like {_TYPE_EXAMPLES}, found {wish.type[:60]!r}"
        raise InvalidParamsError("filter.type", text)
    of_type = _resolve(node, owner)
    if contract is not None and contract != of_type:
        text = f"is of another contract than {wish.contract}"
        raise InvalidParamsError("filter.type", text)
    return of_type, name


def _resolve(node: Any, text: str) -> bytes:
    if text == CHAIN:
        return ZERO_ID
    found: bytes = node.abis.resolve(node.state(), text)
    return found


def _find_patterns(
    node: Any, contract: bytes, name: str, values: Mapping[str, Any], *, is_text: bool
) -> tuple[Pattern, ...]:
    events, codec = shapes.events_of(node, contract)
    named = [(number, one) for number, one in enumerate(events) if name in {"*", one.name}]
    if not named:
        known = ", ".join(one.name for one in events) or "none"
        raise InvalidParamsError("filter.type", f"no event {name[:60]!r}; there are {known}")
    patterns = []
    for number, event in named:
        places = dict(_places(event))
        if all(field in places for field in values):
            held = [
                (place, value)
                for field, given in values.items()
                for place, value in _read_value(codec, places[field], field, given, is_text=is_text)
            ]
            patterns.append(_pattern(contract, number, event, held))
    if not patterns:
        known = ", ".join(sorted({field for _number, one in named for field, _ in _places(one)}))
        raise InvalidParamsError("filter.values", f"no such field; there are {known or 'none'}")
    return tuple(patterns)


def _places(event: AbiEvent) -> Iterator[tuple[str, tuple[int, Any]]]:
    """Yield every field's name with the place of its first stored value and its type."""
    place = 0
    for name, kind in event.fields:
        yield name, (place, kind)
        place += len(list(flatten(kind)))


def _read_value(
    codec: Codec, field: tuple[int, Any], name: str, given: Any, *, is_text: bool
) -> list[tuple[int, object]]:
    place, kind = field
    path = f"filter.values.{name[:60]}"
    try:
        values = codec.read(kind, given, path)
    except InvalidParamsError:
        if not is_text:
            raise
        values = codec.read(kind, _parse(given, path), path)
    return [
        (place + step, value.encode() if isinstance(value, str) else value)
        for step, value in enumerate(values)
    ]


def _parse(given: str, path: str) -> Any:
    try:
        return from_json(given, allow_inf_nan=False)
    except ValueError:
        text = f"{given[:60]!r} is no value of this field"
        raise InvalidParamsError(path, text) from None


def _pattern(
    contract: bytes, number: int, event: AbiEvent, held: list[tuple[int, object]]
) -> Pattern:
    topic = None
    if not event.indexed:
        topic = event_topic(contract, number)
    for place, value in held:
        if place in event.indexed:
            topic = event_topic(contract, number, place, value)
            break
    return Pattern(contract, number, tuple(held), topic)
