"""What is pending in a contract: its timers, and the money in its pots."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import UnknownIdError
from chain.pots import read_pot
from chain.state import Space, State
from chain.timers import read_timer
from contracts.vm.container import FunctionKind
from contracts.vm.values import KeyForm
from node.abi import AbiType
from node.live.abis import ContractInfo
from node.rpc.contract_views import find_info
from node.rpc.cursor import decode_cursor, encode_cursor
from node.rpc.errors import InvalidParamsError
from node.rpc.forms.abi_values import scalars_of
from node.rpc.forms.shapes import (
    AmountJson,
    address_text,
    amount_json,
    codec_of,
    pot_json,
    timer_json,
)
from node.rpc.params import ContractRef, Cursor, Limit
from node.rpc.registry import Call, rpc_method

KEY_PARTS_MAX = 3
_PARTS = 33  # bytes of a timer's or pot's state key before its number and parts

Key = Annotated[
    list[Any],
    Field(max_length=KEY_PARTS_MAX, description="The parts of a key, for instance [bkg1...]."),
]


class TimerJson(TypedDict):
    """A pending timer; `due` moves with each retry, `first_due` is what the contract asked for."""

    timer: str | None
    key: list[Any]
    due: int
    first_due: int
    tries: int


class TimerPage(TypedDict):
    """A part of the list of a contract's timers."""

    items: list[TimerJson]
    next_cursor: str | None


class PotJson(TypedDict):
    """An open pot: at `until` what is left goes to `fallback`."""

    pot: str | None
    key: list[Any]
    amount: AmountJson
    until: int
    latest: int
    fallback: str


class PotPage(TypedDict):
    """A part of the list of a contract's pots."""

    items: list[PotJson]
    next_cursor: str | None


@rpc_method(read=True, errors=(UnknownIdError,))
def contract_timers(
    call: Call,
    *,
    contract: ContractRef,
    key: Key | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> TimerPage:
    """List a contract's pending timers; with `key` those of one key, for instance of a booking."""
    node = call.node
    info = find_info(node, contract)
    state, codec = node.state(), codec_of(node, info)
    names = [o.name for o in info.code.container.functions if o.kind == FunctionKind.TIMER]
    handlers = {
        number: [kind for _name, kind in info.code.abi.functions[name].params]
        for number, name in enumerate(names)
    }
    prefix = bytes([Space.TIMER]) + info.contract
    wanted = _key_bytes(node, info, key, handlers)
    places, following = _places(state, ("contract_timers", prefix, wanted), limit, cursor)
    items: list[TimerJson] = []
    for place in places:
        timer = read_timer(state, place)
        assert timer is not None, "a place that was just listed"
        name = timer_json(codec, info.code, place[_PARTS:])
        items.append(
            {
                "timer": name["timer"],
                "key": name["key"],
                "due": timer.due,
                "first_due": timer.first_due,
                "tries": timer.tries,
            }
        )
    return {"items": items, "next_cursor": following}


@rpc_method(read=True, errors=(UnknownIdError,))
def contract_pots(
    call: Call,
    *,
    contract: ContractRef,
    key: Key | None = None,
    limit: Limit = 50,
    cursor: Cursor | None = None,
) -> PotPage:
    """List a contract's open pots, the money it holds; with `key` those of one key."""
    node = call.node
    info = find_info(node, contract)
    state, codec = node.state(), codec_of(node, info)
    classes = {number: list(pots.key) for number, pots in enumerate(info.code.abi.pots)}
    prefix = bytes([Space.POT]) + info.contract
    wanted = _key_bytes(node, info, key, classes)
    places, following = _places(state, ("contract_pots", prefix, wanted), limit, cursor)
    items: list[PotJson] = []
    for place in places:
        pot = read_pot(state, place)
        assert pot is not None, "a place that was just listed"
        name = pot_json(codec, info.code, place[_PARTS:])
        items.append(
            {
                "pot": name["pot"],
                "key": name["key"],
                "amount": amount_json(node, pot.asset, pot.amount),
                "until": pot.until,
                "latest": pot.latest,
                "fallback": address_text(node, pot.fallback),
            }
        )
    return {"items": items, "next_cursor": following}


def _key_bytes(
    node: Any, info: ContractInfo, key: Sequence[Any] | None, shapes: Mapping[int, list[AbiType]]
) -> list[bytes] | None:
    """Return the stored forms that a key given as JSON can have, or None without one."""
    if key is None:
        return None
    found, fault = [], InvalidParamsError("key", f"has {len(key)} parts, no key here has so many")
    codec = codec_of(node, info)
    for number, parts in sorted(shapes.items()):
        if len(parts) != len(key):
            continue
        try:
            values = [
                value
                for place, (kind, given) in enumerate(zip(parts, key, strict=True))
                for value in codec.read(kind, given, f"key[{place}]")
            ]
        except InvalidParamsError as error:
            fault = error
            continue
        form = KeyForm(bytes([number]), scalars_of([("", kind) for kind in parts]))
        found.append(form.encode(values, 0))
    if not found:
        raise fault
    return found


def _places(
    state: State, listed: tuple[str, bytes, list[bytes] | None], limit: int, cursor: str | None
) -> tuple[list[bytes], str | None]:
    """Return a page of state keys below a prefix, and the cursor of the next page."""
    name, prefix, wanted = listed
    of = [name, prefix, *(wanted or ())]
    after = prefix
    if cursor is not None:
        (suffix,) = decode_cursor(cursor, of, (bytes,))
        assert isinstance(suffix, bytes), "decode_cursor gives what was asked for"
        after = prefix + suffix + b"\0"
    places = list(_below(state, prefix, after, wanted, limit + 1))
    if len(places) <= limit:
        return places, None
    page = places[:limit]
    return page, encode_cursor(of, [page[-1][len(prefix) :]])


def _below(
    state: State, prefix: bytes, after: bytes, wanted: list[bytes] | None, limit: int
) -> Iterator[bytes]:
    if wanted is not None:
        keys = (prefix + one for one in wanted)
        yield from (key for key in keys if key >= after and state.get(key) is not None)
        return
    stop = (int.from_bytes(prefix, "big") + 1).to_bytes(len(prefix), "big")
    yield from (key for key, _data in state.scan(after, stop, limit))
