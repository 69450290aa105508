"""What actions in JSON need to know of the chain: names, symbols, how arguments look."""

from functools import cache
from typing import Any

from chain.errors import MalformedBytesError, UnknownIdError, WashError
from chain.governance import proposal_id
from chain.ids import decode_id, encode_id
from chain.ledger import read_asset
from chain.transaction import (
    Call,
    Deploy,
    IssueAsset,
    Propose,
    Transaction,
    asset_id,
    call_id,
    instance_id,
    tx_id,
)
from contracts.vm.container import FunctionKind
from node import catalog
from node.abi import ContractAbi
from node.live.abis import AbiBook
from node.rpc.contract_views import find_function, find_info, run_view
from node.rpc.forms.abi_arguments import AbiArguments
from node.rpc.forms.abi_values import AssetLabel, Codec
from node.rpc.forms.shape_basics import find_asset


@cache
def _standard_codes() -> dict[bytes, str]:
    return {catalog.program(name).code_id: name for name in catalog.SHIPPED}


class ChainLookup:
    """The lookup over the head of a node's chain; good for as long as that is the head."""

    def __init__(self, node: Any) -> None:
        """Look at the head of `node`."""
        self.node, self.state = node, node.state()
        self._abis: AbiBook = node.abis
        self._shops: dict[bytes, str | None] = {}

    def find_asset(self, text: str) -> bytes:
        """Return the asset of a symbol or "ast1..."; ids may name what the same actions make."""
        return decode_id(text, "ast") if text[:4] == "ast1" else find_asset(self.node, text)

    def asset_record(self, asset: bytes) -> tuple[str, int] | None:
        """Return (symbol, decimals) of an asset, or None if it is unknown."""
        try:
            record = read_asset(self.state, asset)
        except UnknownIdError:
            return None
        return record.symbol, record.decimals

    def symbol_of(self, asset: bytes) -> str | None:
        """Return an asset's symbol, or None if the asset is unknown."""
        record = self.asset_record(asset)
        return None if record is None else record[0]

    def find_contract(self, text: str) -> bytes:
        """Return the contract of a name or "ctr1..."; ids may name what the same actions make."""
        return (
            decode_id(text, "ctr") if text[:4] == "ctr1" else self._abis.resolve(self.state, text)
        )

    def name_of(self, contract: bytes) -> str | None:
        """Return the name under which the operators installed a contract, or None."""
        return self._abis.name_of(self.state, contract)

    def standard_of(self, contract: bytes) -> str | None:
        """Return which of the standard contracts this one is, by name or by its code, else None."""
        name = self.name_of(contract)
        if name in catalog.SHIPPED:
            return name
        info = self._abis.contract(self.state, contract)
        return None if info is None else _standard_codes().get(info.code.code_id)

    def abi_of(self, contract: bytes) -> ContractAbi | None:
        """Return the ABI of a contract, or None if there is no such contract."""
        info = self._abis.contract(self.state, contract)
        return None if info is None else info.code.abi

    def shop_name(self, account: bytes) -> str | None:
        """Return the name of a shop that the operators admitted, or None."""
        if account not in self._shops:
            self._shops[account] = self._read_shop_name(account)
        return self._shops[account]

    def _read_shop_name(self, account: bytes) -> str | None:
        try:
            info = find_info(self.node, "shops")
            view = find_function(info, "shop", FunctionKind.VIEW)
            shop = run_view(self.node, info, view, {"shop": encode_id("acct", account)})
        except WashError:
            return None  # no shop, or no register of shops
        name = shop.get("name") if isinstance(shop, dict) else None
        return name if isinstance(name, str) else None

    def assets_of(self, contract: bytes) -> dict[str, bytes]:
        """Return the assets that a contract is bound to by their names in its code."""
        info = self._abis.contract(self.state, contract)
        return {} if info is None else {slot: asset for slot, asset, _symbol in info.assets}

    def codec_of(self, contract: bytes) -> AbiArguments | None:
        """Return the codec of a contract, or None if the contract is unknown."""
        info = self._abis.contract(self.state, contract)
        if info is None:
            return None
        labels = {slot: AssetLabel(asset, symbol) for slot, asset, symbol in info.assets}
        return AbiArguments(info.code.abi, Codec(info.code.abi.enums, labels, self.is_contract))

    def codec_of_code(self, code: bytes) -> AbiArguments | None:
        """Return the codec of container bytes, or None if they are no container."""
        try:
            abi = self._abis.code(code).abi
        except MalformedBytesError:
            return None
        return AbiArguments(abi, Codec(abi.enums))

    def is_contract(self, value: bytes) -> bool:
        """Tell whether an id is a contract's."""
        return self._abis.is_contract(self.state, value)

    def funds_asset(self, contract: bytes, function: str) -> bytes | None:
        """Return the asset that a function takes, or None if it takes none or is unknown."""
        codec = self.codec_of(contract)
        slot = None if codec is None else codec.payable(function)
        return None if slot is None else self.assets_of(contract)[slot]


def show_created(body: Transaction, lookup: ChainLookup) -> list[tuple[int, str, str]]:
    """Return (place of the action, kind, id) of what a transaction will make if it succeeds.

    A call's id is what contracts name things by that it creates, a booking for instance.
    """
    origin = tx_id(body)
    created: list[tuple[int, str, str]] = []
    for place, action in enumerate(body.actions):
        match action:
            case Call():
                codec = lookup.codec_of(action.contract)
                prefix = None if codec is None else codec.created_prefix(action.function)
                named = call_id(origin, place)
                if prefix is not None:
                    created.append((place, prefix, encode_id(prefix, named)))
            case Deploy():
                contract = instance_id(origin, place)
                created.append((place, "contract", encode_id("ctr", contract)))
            case IssueAsset():
                asset = asset_id(body.account, action.symbol)
                created.append((place, "asset", encode_id("ast", asset)))
            case Propose():
                proposal = proposal_id(call_id(origin, place))
                created.append((place, "proposal", proposal.hex()))
            case _:
                pass
    return created
