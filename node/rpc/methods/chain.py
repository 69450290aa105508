"""`chain_*`: blocks, parameters, validators, supply, search and proofs."""

from dataclasses import asdict
from typing import Annotated, Any, Literal, NotRequired, TypeVar

from pydantic import Field
from typing_extensions import TypedDict

from chain.block import Header
from chain.ledger import get_supply, read_asset
from chain.params import params_hash, read_params
from chain.receipt import Receipt, count_firings
from chain.transaction import ReceivedTransaction, read_transaction
from chain.validators import read_validators
from node.rpc.action_lookup import ChainLookup
from node.rpc.cursor import decode_place, encode_cursor
from node.rpc.errors import HistoryPrunedError, InvalidParamsError, NotFoundError
from node.rpc.forms.actions import transaction_json
from node.rpc.forms.blocks import (
    BlockSummaryJson,
    CertificateJson,
    HeaderJson,
    block_summary,
    certificate_json,
    header_json,
)
from node.rpc.forms.shapes import (
    AmountJson,
    ReceiptJson,
    amount_json,
    find_asset,
    receipt_json,
)
from node.rpc.params import (
    PROVEN_KEYS_MAX,
    AnyId,
    AssetRef,
    BlockHash,
    ContractRef,
    Cursor,
    Height,
    HexBytes,
    Limit,
    Text,
    TxId,
)
from node.rpc.reading.proof_keys import state_key
from node.rpc.reading.proofs import (
    ProofJson,
    ProofsJson,
    prove_block,
    prove_receipt,
    prove_state,
    prove_states,
    prove_transaction,
)
from node.rpc.reading.searching import Hit, find_hits
from node.rpc.reading.validator_history import find_validators
from node.rpc.registry import Call, rpc_method

Detail = Annotated[
    Literal["header", "ids", "full"],
    Field(description="header alone, with the ids of what is in the block, or with all of it."),
]
INDEX_MAX = 2**24 - 1
GENESIS_SHOWN_BYTES_MAX = 256 * 1024
ProvenKeys = Annotated[
    list[HexBytes],
    Field(min_length=1, max_length=PROVEN_KEYS_MAX, description="Keys of the state."),
]
_Given = TypeVar("_Given")
_BLOCKS_FILTER = "blocks"


class BlockJson(TypedDict):
    """A block, as much of it as was asked for."""

    header: HeaderJson
    certificate: Annotated[
        CertificateJson | None, Field(description="Who signed it; null for block 0.")
    ]
    bytes: Annotated[int, Field(description="Size of its transactions.")]
    transaction_count: int
    receipt_count: int
    tx_ids: NotRequired[list[str]]
    receipt_ids: NotRequired[
        Annotated[list[str], Field(description="Firings first, then the transactions.")]
    ]
    transactions: NotRequired[list[dict[str, Any]]]
    receipts: NotRequired[list[ReceiptJson]]


class BlockPage(TypedDict):
    """Blocks, newest first."""

    items: list[BlockSummaryJson]
    next_cursor: str | None


class ParamsJson(TypedDict):
    """The parameters in force, with the hash that headers carry."""

    hash: str
    values: dict[str, int]


class ValidatorsJson(TypedDict):
    """The validators of the blocks to come, sorted by key."""

    hash: str
    quorum: Annotated[int, Field(description="How many signatures certify a block.")]
    rule: Annotated[str, Field(description="byzantine or crash, as the genesis file says.")]
    epoch: Annotated[int, Field(description="How often the operators recovered the chain.")]
    keys: list[str]


class SupplyJson(TypedDict):
    """How much of an asset exists."""

    supply: AmountJson
    decimals: int


class GenesisJson(TypedDict):
    """How a chain began."""

    chain_id: str
    bytes: Annotated[
        str | None, Field(description="Canonical bytes; null where they are longer than 256 KiB.")
    ]


@rpc_method()
def chain_head(call: Call, *, detail: Detail = "header") -> BlockJson:
    """Return the newest block. It is final: blocks are never taken back."""
    return _block_json(call, call.node.ledger.height, detail)


@rpc_method(errors=(NotFoundError, HistoryPrunedError))
def chain_getBlock(
    call: Call,
    *,
    height: Height | None = None,
    hash_: BlockHash | None = None,
    detail: Detail = "ids",
) -> BlockJson:
    """Return the block at a height or with an id.

    A node may keep no more than the header of an old block, and proves that (`chain_getProof`).
    """
    if (height is None) == (hash_ is None):
        raise InvalidParamsError("height", "give either height or hash")
    if hash_ is not None:
        height = call.node.ledger.store.find_block(hash_)
        if height is None:
            raise NotFoundError(f"block {hash_.hex()}", _all_heights(call))
    assert height is not None, "one of the two is given"
    return _block_json(call, _check_height(call, height), detail)


@rpc_method(errors=(HistoryPrunedError,))
def chain_listBlocks(call: Call, *, cursor: Cursor | None = None, limit: Limit = 50) -> BlockPage:
    """Return blocks, newest first."""
    store = call.node.ledger.store
    newest = (call.node.ledger.height + 1, 0)
    below, _number = decode_place(cursor, _BLOCKS_FILTER, newest)
    # A page ends where blocks are no longer kept in full; the next one is refused.
    kept = store.first_body if below > store.first_body > 1 else 0
    lowest = max(kept, below - limit)
    items = []
    for height in range(below - 1, lowest - 1, -1):
        receipts = len(store.receipt_bytes(height)) if height else 0
        items.append(block_summary(store.block(height), receipts))
    following = encode_cursor(_BLOCKS_FILTER, (lowest, 0)) if lowest else None
    return {"items": items, "next_cursor": following}


@rpc_method(read=True)
def chain_getParams(call: Call) -> ParamsJson:
    """Return the chain's parameters: limits and times, with their units in their names."""
    params = read_params(call.node.state())
    return {"hash": params_hash(params).hex(), "values": asdict(params)}


@rpc_method(read=True)
def chain_getValidators(call: Call) -> ValidatorsJson:
    """Return the validators of the next block."""
    validators = read_validators(call.node.state())
    return {
        "hash": validators.set_hash().hex(),
        "quorum": validators.quorum,
        "rule": validators.rule_name,
        "epoch": validators.epoch,
        "keys": [key.hex() for key in validators.keys],
    }


@rpc_method(read=True, errors=(NotFoundError,))
def chain_getSupply(call: Call, *, asset: AssetRef) -> SupplyJson:
    """Return how much of an asset exists: what was minted less what was burned."""
    state = call.node.state()
    found = find_asset(call.node, asset)
    return {
        "supply": amount_json(call.node, found, get_supply(state, found)),
        "decimals": read_asset(state, found).decimals,
    }


@rpc_method(read=True)
def chain_search(call: Call, *, q: Text) -> list[Hit]:
    """Find what a text names: a height, an id of any kind, a symbol, the beginning of a name.

    An account that was used is also found by its beginning and end: `acct1ezk45…0qk3`.

    Nothing found is an empty list.
    """
    return find_hits(call.node, q.strip())


@rpc_method(errors=(NotFoundError, HistoryPrunedError))
def chain_getProof(
    call: Call,
    *,
    kind: Annotated[
        Literal[
            "block",
            "transaction",
            "receipt",
            "state",
            "account",
            "balance",
            "roles",
            "asset",
            "supply",
            "contract",
            "name",
        ],
        Field(description="What is proven; all from `state` on are values of the state."),
    ],
    id_: TxId | None = None,
    height: Height | None = None,
    index: Annotated[int, Field(strict=True, ge=0, le=INDEX_MAX)] | None = None,
    account: AnyId | None = None,
    asset: AssetRef | None = None,
    contract: ContractRef | None = None,
    key: HexBytes | None = None,
) -> ProofJson:
    """Return a proof that can be checked without this node, from the validators' hash alone.

    `block` takes `height`. `transaction` takes `id`. `receipt` takes the `id` of a transaction, or
    `height` and `index` in the block, which is how timers' receipts are named. The others prove a
    value of the newest state, or that it is absent: `state` takes the `key`, `account` and `roles`
    an `account`, `balance` an `account` and an `asset`, `asset` and `supply` an `asset`,
    `contract` and `name` a `contract`. With a `height` that is not the newest they are refused,
    because older state is not kept.
    """
    ledger = call.node.ledger
    if kind == "block":
        return prove_block(ledger, _check_height(call, _need("height", height)))
    if kind == "receipt" and id_ is None:
        return _prove_receipt_at(call, _need("height", height), _need("index", index))
    if kind in {"transaction", "receipt"}:
        return _prove_by_id(call, kind, _need("id", id_))
    if height not in {None, ledger.height}:
        raise HistoryPrunedError(ledger.height)
    given = {"account": account, "asset": asset, "contract": contract, "key": key}
    return prove_state(ledger, state_key(call.node, kind, given))


@rpc_method(errors=(NotFoundError,))
def chain_getProofs(call: Call, *, keys: ProvenKeys) -> ProofsJson:
    """Return values of several state keys, and what proves them all under the newest block.

    One answer has one state root, so the values stood side by side. What proves them can be checked
    without this node, from the validators' hash alone.
    """
    return prove_states(call.node.ledger, keys)


@rpc_method()
def chain_getGenesis(call: Call) -> GenesisJson:
    """Return how the chain began, in the one form whose hash is the chain's id."""
    data = call.node.ledger.genesis.canonical_bytes()
    is_short = len(data) <= GENESIS_SHOWN_BYTES_MAX
    return {
        "chain_id": call.node.ledger.chain_id.hex(),
        "bytes": data.hex() if is_short else None,
    }


def _prove_receipt_at(call: Call, height: int, index: int) -> ProofJson:
    ledger = call.node.ledger
    count = len(ledger.store.receipt_bytes(_check_height(call, height))) if height else 0
    if index >= count:
        raise NotFoundError(f"receipt {index} of the {count} of block {height}")
    return prove_receipt(ledger, height, index)


def _prove_by_id(call: Call, kind: str, tx_id: bytes) -> ProofJson:
    ledger = call.node.ledger
    found = ledger.store.find_transaction(tx_id)
    if found is None:
        raise NotFoundError(f"transaction {tx_id.hex()}", _all_heights(call))
    height, index = found
    if kind == "transaction":
        return prove_transaction(ledger, height, index)
    return prove_receipt(ledger, height, count_firings(ledger.store.receipts(height)) + index)


def _need(field: str, value: _Given | None) -> _Given:
    if value is None:
        raise InvalidParamsError(field, "is missing; this kind of proof needs it")
    return value


def _check_height(call: Call, height: int) -> int:
    if height > call.node.ledger.height:
        raise NotFoundError(f"block {height}", _all_heights(call))
    return height


def _all_heights(call: Call) -> tuple[int, int]:
    return 0, call.node.ledger.height


def _block_json(call: Call, height: int, detail: str) -> BlockJson:
    ledger = call.node.ledger
    store = ledger.store
    block = store.block(height)
    receipts = store.receipts(height) if height else []
    certificate = None
    if height:
        validators = find_validators(ledger, block.header.validators_hash)
        certificate = certificate_json(store.commit(height), validators)
    found: BlockJson = {
        "header": header_json(block.header),
        "certificate": certificate,
        "bytes": sum(len(one) for one in block.transactions),
        "transaction_count": len(block.transactions),
        "receipt_count": len(receipts),
    }
    firings = len(receipts) - len(block.transactions)
    if detail == "ids":
        found["tx_ids"] = [receipt.id.hex() for receipt in receipts[firings:]]
        found["receipt_ids"] = [receipt.id.hex() for receipt in receipts]
    elif detail == "full":
        lookup = ChainLookup(call.node)
        transactions = [read_transaction(one) for one in block.transactions]
        found["transactions"] = [transaction_json(tx, lookup) for tx in transactions]
        found["receipts"] = _receipts_json(call, block.header, receipts, transactions)
    return found


def _receipts_json(
    call: Call, header: Header, receipts: list[Receipt], transactions: list[ReceivedTransaction]
) -> list[ReceiptJson]:
    shown: list[ReceiptJson] = []
    firings, first_event = len(receipts) - len(transactions), 0
    for index, receipt in enumerate(receipts):
        tx = transactions[index - firings].body if index >= firings else None
        place = header.height, index
        shown.append(
            receipt_json(call.node, receipt, place, header.time_ms, first_event=first_event, tx=tx)
        )
        first_event += len(receipt.events)
    return shown
