"""Search: what a text names on this chain, exactly, or as the beginning of a name."""

import re
from collections.abc import Iterator
from typing import Any, Literal

from typing_extensions import TypedDict

from chain.errors import MalformedBytesError
from chain.executed import event_topic
from chain.ids import decode_bech32m, decode_id, encode_id, first_bytes
from chain.ledger import read_asset
from chain.roles import Role, has_role
from chain.state import Space, State
from contracts.vm.container import Kind

HITS_MAX = 20
NAMES_MAX = 200  # looked through for a beginning
ASSETS_MAX = 1_000  # looked through for a symbol
_KNOWN_PREFIXES = {"acct", "ctr", "ast"}
_HEX_ID = re.compile(r"[0-9a-f]{64}")
_HEIGHT = re.compile(r"[0-9]{1,15}")
# An account as pages show it: its beginning and its end. Less of it would find too many.
_SHORT = re.compile(r"acct1([02-9ac-hj-np-z]{5,40})(?:…|\.{2,3})([02-9ac-hj-np-z]{4,40})")
_SHORT_MAX = 200  # keys looked at in each space


class Hit(TypedDict):
    """One thing that was found. `type` "thing" is an id that a contract gave, as a booking's."""

    type: Literal["block", "transaction", "account", "contract", "asset", "thing"]
    id: str
    label: str


def find_hits(node: Any, text: str) -> list[Hit]:
    """Return at most HITS_MAX things that a text names."""
    found: list[Hit] = []
    for hit in _search(node, text):
        if hit not in found:
            found.append(hit)
        if len(found) == HITS_MAX:
            break
    return found


def _search(node: Any, text: str) -> Iterator[Hit]:
    if not text:
        return
    state = node.state()
    if _HEIGHT.fullmatch(text) and int(text) <= node.ledger.height:
        yield {"type": "block", "id": text, "label": f"block {int(text)}"}
    if _HEX_ID.fullmatch(text.lower()):
        yield from _by_hash(node, state, bytes.fromhex(text))
    try:
        prefix, _words = decode_bech32m(text)
        value = decode_id(text, prefix)
    except MalformedBytesError:
        pass
    else:
        yield from _by_id(node, state, prefix, value)
    short = _SHORT.fullmatch(text.lower())
    if short:
        yield from _by_ends(state, short[1], short[2])
    yield from _by_name(node, state, text)


def _by_hash(node: Any, state: State, value: bytes) -> Iterator[Hit]:
    store = node.ledger.store
    height = store.find_block(value)
    if height is not None:
        yield {"type": "block", "id": value.hex(), "label": f"block {height}"}
    place = store.find_transaction(value)
    if place is not None:
        yield {"type": "transaction", "id": value.hex(), "label": f"in block {place[0]}"}
    for prefix in sorted(_KNOWN_PREFIXES):
        yield from _by_id(node, state, prefix, value)


def _by_id(node: Any, state: State, prefix: str, value: bytes) -> Iterator[Hit]:
    match prefix:
        case "acct":
            if is_known_account(state, value):
                yield _account_hit(state, value)
        case "ctr":
            if node.abis.is_contract(state, value):
                yield _contract_hit(node, state, value)
        case "ast":
            if state.get(bytes([Space.ASSET]) + value) is not None:
                yield _asset_hit(state, value)
        case _:
            yield from _things(node, state, prefix, value)


def is_known_account(state: State, account: bytes) -> bool:
    """Tell whether an account has left anything on the chain: money, roles, keys, a nonce."""
    if state.get(bytes([Space.ROLES]) + account) or state.get(bytes([Space.ACCOUNT]) + account):
        return True
    for space in (Space.BALANCE, Space.NONCES, Space.ALLOWANCE):
        start = bytes([space]) + account
        if state.scan(start, start + b"\xff" * 33, 1):
            return True
    return False


def _by_ends(state: State, head: str, tail: str) -> Iterator[Hit]:
    """Yield the accounts that were used and whose text begins and ends so."""
    first = first_bytes(head)
    for space in (Space.ACCOUNT, Space.BALANCE, Space.NONCES):
        start = bytes([space]) + first
        for key, _data in state.scan(start, start + b"\xff" * 65, _SHORT_MAX):
            account = key[1:33]
            text = encode_id("acct", account)
            if text.startswith(f"acct1{head}") and text.endswith(tail):
                yield _account_hit(state, account)


def _account_hit(state: State, account: bytes) -> Hit:
    roles = [role.name.lower() for role in Role if has_role(state, account, role)]
    return {"type": "account", "id": encode_id("acct", account), "label": ", ".join(roles)}


def _contract_hit(node: Any, state: State, contract: bytes) -> Hit:
    label = node.abis.name_of(state, contract) or node.abis.abi_for(state, contract).name
    return {"type": "contract", "id": encode_id("ctr", contract), "label": label}


def _asset_hit(state: State, asset: bytes) -> Hit:
    return {
        "type": "asset",
        "id": encode_id("ast", asset),
        "label": read_asset(state, asset).symbol,
    }


def _things(node: Any, state: State, prefix: str, value: bytes) -> Iterator[Hit]:
    """Yield registered contracts that have told of this id in an event's indexed field."""
    for name, contract in node.abis.names(state, NAMES_MAX):
        for number, event in enumerate(node.abis.abi_for(state, contract).events):
            for place in event.indexed:
                kind = event.fields[place][1]
                meaning = getattr(kind, "meaning", None)  # an ABI made from code tells of none
                if kind.kind == Kind.HASH and meaning in {None, ("id", prefix)}:
                    topic = event_topic(contract, number, place, value)
                    if node.ledger.store.find_events(topic, (0, 0), 1):
                        yield {"type": "thing", "id": encode_id(prefix, value), "label": name}
                        return


def _by_name(node: Any, state: State, text: str) -> Iterator[Hit]:
    for name, contract in node.abis.names(state, NAMES_MAX):
        if name.lower().startswith(text.lower()):
            yield _contract_hit(node, state, contract)
    start = bytes([Space.ASSET])
    for key, _data in state.scan(start, start + b"\xff" * 33, ASSETS_MAX):
        if read_asset(state, key[1:]).symbol.lower() == text.lower():
            yield _asset_hit(state, key[1:])
