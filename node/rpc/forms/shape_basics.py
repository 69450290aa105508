"""JSON forms of ids, money and keys, and how texts of them are looked up."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from typing_extensions import TypedDict

from chain.errors import MalformedBytesError, UnknownIdError
from chain.genesis import genesis_asset_id
from chain.ids import decode_id
from chain.ledger import Asset, read_asset
from chain.state import Space, State
from chain.types import ZERO_ID
from contracts.vm.values import KeyForm
from node.abi import AbiEvent, AbiType
from node.live.abis import AbiBook, CodeAbi, ContractInfo
from node.rpc.errors import InvalidParamsError, NotFoundError
from node.rpc.forms.abi_values import AssetLabel, Codec, id_text, scalars_of
from node.rpc.forms.kernel_events import CHAIN, KERNEL_ABI
from node.storage.ledger import ChainLedger

SYMBOLS_MAX = 1_000  # assets that are looked through for a symbol
_ASSET = bytes([Space.ASSET])
_ASSET_STOP = bytes([Space.ASSET + 1])
_CODEC = "codec"


class ChainView(Protocol):
    """What the forms need of a node."""

    @property
    def ledger(self) -> ChainLedger:
        """The chain."""
        ...

    @property
    def abis(self) -> AbiBook:
        """What is known of its contracts."""
        ...

    def state(self) -> State:
        """Return the state at the head."""
        ...


class AmountJson(TypedDict):
    """Money in minor units, with the asset's symbol and id; null where the asset is unknown."""

    amount: int
    currency: str | None
    asset: str | None


def account_text(account: bytes) -> str:
    """Return the text of an account's id."""
    return id_text("acct", account)


def contract_text(contract: bytes) -> str:
    """Return the text of a contract's id."""
    return id_text("ctr", contract)


def asset_text(asset: bytes) -> str:
    """Return the text of an asset's id."""
    return id_text("ast", asset)


def address_text(view: ChainView, value: bytes) -> str:
    """Return the text of an id that may be an account's or a contract's."""
    is_contract = view.abis.is_contract(view.state(), value)
    return contract_text(value) if is_contract else account_text(value)


def label_of(state: State, asset: bytes) -> AssetLabel | None:
    """Return an asset's label, or None if there is no such asset."""
    try:
        return AssetLabel(asset, read_asset(state, asset).symbol)
    except UnknownIdError:
        return None


def amount_json(view: ChainView, asset: bytes, amount: int) -> AmountJson:
    """Return the JSON form of an amount of an asset."""
    label = label_of(view.state(), asset)
    currency = None if label is None else label.symbol
    return AmountJson(amount=amount, currency=currency, asset=asset_text(asset))


def list_assets(state: State, limit: int = SYMBOLS_MAX) -> list[tuple[bytes, Asset]]:
    """Return at most `limit` (id, record) of assets in order of their ids."""
    found = state.scan(_ASSET, _ASSET_STOP, limit)
    return [(key[1:], read_asset(state, key[1:])) for key, _data in found]


def find_asset(view: ChainView, text: str) -> bytes:
    """Return the asset that a symbol or "ast1..." names.

    A symbol means the asset of the genesis file if there is one. Raises NotFoundError, or
    InvalidParamsError if several assets bear the symbol.
    """
    state = view.state()
    first = genesis_asset_id(text)
    if state.get(_ASSET + first) is not None:
        return first
    if text[:4].lower() == "ast1":
        try:
            asset = decode_id(text, "ast")
        except MalformedBytesError as error:
            raise InvalidParamsError("asset", str(error)) from error
        if state.get(_ASSET + asset) is None:
            raise NotFoundError(f"asset {text.lower()}")
        return asset
    found = [asset for asset, record in list_assets(state) if record.symbol == text]
    if not found:
        raise NotFoundError(f"asset {text[:40]!r}")
    if len(found) > 1:
        ids = ", ".join(asset_text(asset) for asset in found[:4])
        fault = f"{len(found)} assets are called {text!r}; give the id of one: {ids}"
        raise InvalidParamsError("asset", fault)
    return found[0]


# Contracts --------------------------------------------------------------------------------------


def _contract_test(view: ChainView) -> Callable[[bytes], bool]:
    return lambda value: view.abis.is_contract(view.state(), value)


def codec_of(view: ChainView, info: ContractInfo) -> Codec:
    """Return the codec of a known instance."""
    found = info.kept.get(_CODEC)
    if found is None:
        assets = {slot: AssetLabel(asset, symbol) for slot, asset, symbol in info.assets}
        found = Codec(
            info.code.abi.enums, assets, lambda one: view.abis.is_contract(view.state(), one)
        )
        info.kept[_CODEC] = found
    assert isinstance(found, Codec), found
    return found


def codec_for(view: ChainView, contract: bytes) -> Codec | None:
    """Return the codec of a contract's values, or None if there is no such contract."""
    info = view.abis.contract(view.state(), contract)
    return None if info is None else codec_of(view, info)


def events_of(view: ChainView, contract: bytes) -> tuple[Sequence[AbiEvent], Codec]:
    """Return the events of a contract (the zero id: the chain's own) by number, and its codec.

    Raises UnknownIdError.
    """
    if contract == ZERO_ID:
        return KERNEL_ABI.events, kernel_codec(view)
    abi = view.abis.abi_for(view.state(), contract)
    codec = codec_for(view, contract)
    assert codec is not None, "abi_for found it"
    return abi.events, codec


def kernel_codec(view: ChainView) -> Codec:
    """Return the codec of the values of the chain's own events."""
    found = view.abis.kept.get(_CODEC)
    if found is None:
        found = Codec({}, {}, _contract_test(view))
        view.abis.kept[_CODEC] = found
    assert isinstance(found, Codec), found
    return found


def contract_name(view: ChainView, contract: bytes) -> str:
    """Return a contract's registered name, or the text of its id."""
    if contract == ZERO_ID:
        return CHAIN
    return view.abis.name_of(view.state(), contract) or contract_text(contract)


def key_json(codec: Codec, parts: Sequence[AbiType], data: bytes) -> list[Any]:
    """Return the parts of a timer's or pot's stored key; `data` is without the number before it."""
    scalars = scalars_of([("", part) for part in parts])
    form = KeyForm(b"", scalars)
    if len(data) != form.width_bytes:
        return [data.hex()]
    values = form.decode(data)
    return [codec.show(part, [value]) for part, value in zip(parts, values, strict=True)]


def timer_json(codec: Codec, code: CodeAbi, key: bytes) -> dict[str, Any]:
    """Return the name and key of a timer; `key` is the handler's number and the encoded parts."""
    name = code.timer_name(key[0])
    handler = None if name is None else code.abi.functions.get(name)
    parts = [] if handler is None else [kind for _name, kind in handler.params]
    return {"timer": name, "key": key_json(codec, parts, key[1:])}


def pot_json(codec: Codec, code: CodeAbi, key: bytes) -> dict[str, Any]:
    """Return the class and key of a pot; `key` is the class number and the encoded parts."""
    if key[0] >= len(code.abi.pots):
        return {"pot": None, "key": [key[1:].hex()]}
    pots = code.abi.pots[key[0]]
    return {"pot": pots.name, "key": key_json(codec, pots.key, key[1:])}
