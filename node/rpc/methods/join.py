"""`join_*`, `admin_join_*`: a gateway lets in the shops that bring a code of its operator."""

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from chain.block import block_id
from chain.errors import BadSignatureError, StoreError
from node.joining.account_keys import owners_of
from node.joining.code import TEXT_LENGTH_MAX, JoinCodeError, parse_code
from node.joining.desk import VALID_FOR_DEFAULT_MS, VALID_FOR_MAX_MS, Desk
from node.joining.errors import (
    AdmissionError,
    GuessingError,
    NoAdmissionsError,
    OverCodeError,
    RevokedCodeError,
    UnknownCodeError,
    UsedCodeError,
)
from node.joining.on_chain import ChainCode, all_codes, mark_of, read_code
from node.joining.records import NAME_LENGTH_MAX, Record, Use
from node.joining.request import JoinRequest
from node.rpc.forms.shapes import account_text
from node.rpc.methods.tx_build import Signature
from node.rpc.params import AccountId, NodeKey
from node.rpc.registry import Call, rpc_method

PEERS_MAX = 16

CodeText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=TEXT_LENGTH_MAX,
        description="A join code: gateways, a slash, ten groups of five letters.",
    ),
]
CodeNumber = Annotated[
    str, Field(pattern="^[0-9a-f]{16}$", description="The number of a code: 16 hex digits.")
]
ShopName = Annotated[
    str, Field(max_length=NAME_LENGTH_MAX, description="The shop's name, on one line.")
]
GatewayUrls = Annotated[
    list[Annotated[str, Field(max_length=128)]],
    Field(min_length=1, max_length=4, description="Where shops reach this gateway, and others."),
]
ValidFor = Annotated[
    int,
    Field(strict=True, ge=1, le=VALID_FOR_MAX_MS, description="For how long, ms; ends on an hour."),
]
Note = Annotated[str, Field(max_length=200, description="For whom it is; stays on this node.")]


class JoinedJson(TypedDict):
    """Where a shop's admission stands. `pending`: ask again with the same request."""

    status: Literal["pending", "final"]
    tx_id: Annotated[str, Field(description="The transaction that lets the shop in.")]
    height: Annotated[int | None, Field(description="Its block; null: in none yet.")]
    peers: Annotated[list[str], Field(description="Nodes that the shop's node can dial.")]
    checkpoints: Annotated[
        list[str],
        Field(description="Blocks as HEIGHT:ID whose snapshots there are; this node vouches."),
    ]


class JoinCodeJson(TypedDict):
    """One code, without its secret."""

    number: Annotated[str, Field(description="What names the code without its secret.")]
    state: Annotated[str, Field(description="open, over, revoked, used (on its way) or admitted.")]
    made_at: Annotated[int, Field(description="When it was made, ms UTC.")]
    expires_at: Annotated[int, Field(description="When it ends, ms UTC.")]
    name: Annotated[str, Field(description="The one name its shop may take; empty: any.")]
    note: Annotated[str, Field(description="For whom it was made.")]
    account: Annotated[str | None, Field(description="The shop that used it; null: nobody yet.")]
    node_key: Annotated[str | None, Field(description="The key of that shop's node.")]
    shop_name: Annotated[str | None, Field(description="What that shop calls itself.")]
    used_at: Annotated[int | None, Field(description="When it was used, ms UTC.")]
    tx_id: Annotated[str | None, Field(description="The transaction that lets the shop in.")]
    height: Annotated[int | None, Field(description="Its block; null: in none yet.")]
    mark: Annotated[str, Field(description="How the chain knows the code, where it knows codes.")]
    is_known: Annotated[bool, Field(description="Whether the chain knows it.")]
    is_here: Annotated[bool, Field(description="Whether this node made it, or took it.")]
    maker: Annotated[str | None, Field(description="Who made it known to the chain.")]
    voice: Annotated[
        str | None, Field(description="An operator who wants it taken back; a second is missing.")
    ]


class NewJoinCodeJson(TypedDict):
    """A new code: the one time that its text is told."""

    code: Annotated[str, Field(description="What to hand to the shop, and to nobody else.")]
    number: Annotated[str, Field(description="What names the code without its secret.")]
    expires_at: Annotated[int, Field(description="When it ends, ms UTC.")]


class JoinCodesJson(TypedDict):
    """All codes of this node, the oldest first; then those that other gateways told the chain."""

    items: list[JoinCodeJson]


class JoinNetworkJson(TypedDict):
    """What a node that begins has to know, and can check against its code."""

    chain_id: str
    genesis: Annotated[str, Field(description="The genesis file; its id is the chain's.")]
    admits: Annotated[bool, Field(description="Whether this node lets shops in.")]


class ShopsOfKeyJson(TypedDict):
    """Whose key it is: as a rule of one shop, or of none."""

    shops: Annotated[list[str], Field(description="Accounts of shops that have it now.")]
    replaced: Annotated[
        bool, Field(description="A shop began with this key, which was replaced by another.")
    ]


def _desk(call: Call) -> Desk:
    desk: Desk | None = call.node.desk
    if desk is None:
        raise NoAdmissionsError("this node lets nobody in: it has no key in [keys] admitter")
    return desk


@rpc_method()
def join_network(call: Call) -> JoinNetworkJson:
    """Return what a shop's node begins with: the genesis file of this chain.

    Whoever has a join code knows the first 12 bytes of the chain's id, so a false file is noticed.
    """
    ledger = call.node.ledger
    return {
        "chain_id": ledger.chain_id.hex(),
        "genesis": ledger.genesis.model_dump_json(indent=2) + "\n",
        "admits": call.node.desk is not None,
    }


@rpc_method()
def join_shop_of_key(call: Call, *, key: NodeKey) -> ShopsOfKeyJson:
    """Return the shops whose account has a key now, as one that may do everything.

    A shop that comes back with its recovery card asks: the card has the key, which need not be the
    account's first one.
    """
    found = owners_of(call.node, key)
    return {
        "shops": [account_text(one) for one in found.shops],
        "replaced": found.was_replaced,
    }


@rpc_method(
    errors=(
        JoinCodeError, UnknownCodeError, OverCodeError, UsedCodeError, RevokedCodeError,
        NoAdmissionsError, AdmissionError, BadSignatureError, GuessingError, StoreError,
    )
)  # fmt: skip
async def join_redeem(
    call: Call,
    *,
    code: CodeText,
    account: AccountId,
    node_key: NodeKey,
    name: ShopName,
    signature: Signature,
    node_signature: Signature,
) -> JoinedJson:
    """Let a shop in with the code that an operator gave it.

    A key of the account and that of the shop's node both sign the request (docs/protocol.md). The
    account becomes a member and a shop of that name, the node may read the chain. A code lets one
    account in; the same account may ask again and gets the same answer.
    """
    desk = _desk(call)
    request = JoinRequest(
        parse_code(code, is_explained=False),
        account,
        node_key,
        name,
        bytes.fromhex(signature),
        bytes.fromhex(node_signature),
    )
    done = await desk.redeem(request)
    return {
        "status": "final" if done.status == "final" else "pending",
        "tx_id": done.tx_id.hex(),
        "height": done.height,
        "peers": _peers(call.node, desk.url),
        "checkpoints": _checkpoints(call.node),
    }


def _peers(node: Any, own: str) -> list[str]:
    """Return where nodes can be dialled: this one first, then those that it is connected to."""
    others = [] if node.network is None else node.network.peers()
    urls = [own, *[one.peer.url for one in others]]
    return list(dict.fromkeys(one for one in urls if one))[:PEERS_MAX]


def _checkpoints(node: Any) -> list[str]:
    """Return the blocks of the snapshots that are offered: block by block old chains take hours."""
    store = node.ledger.store
    heights = [] if node.snapshots is None else node.snapshots.heights()
    kept = [one for one in heights if one >= store.base_height]
    return [f"{height}:{block_id(store.header(height)).hex()}" for height in kept]


@rpc_method(tier="admin", errors=(NoAdmissionsError, JoinCodeError, StoreError))
def admin_join_code(
    call: Call,
    *,
    gateways: GatewayUrls,
    name: ShopName = "",
    note: Note = "",
    valid_for_ms: ValidFor = VALID_FOR_DEFAULT_MS,
) -> NewJoinCodeJson:
    """Make a code that lets one shop in: one of that name, or of any.

    The first of `gateways` is this node as shops reach it. The answer is the only place with the
    code's text: the node keeps a hash of its secret.
    """
    code, record = _desk(call).make(tuple(gateways), valid_for_ms, name, note)
    return {"code": code.text(), "number": record.number, "expires_at": record.expires_at}


@rpc_method(tier="admin", errors=(NoAdmissionsError, StoreError))
def admin_join_codes(call: Call) -> JoinCodesJson:
    """Return the codes of this node and those that the chain knows, and what became of each."""
    desk, now = _desk(call), call.node.clock.now_ms()
    known = {one.mark: one for one in all_codes(call.node)}
    own = [_shown(one, known.pop(mark_of(one), None), now) for one in desk.book.all()]
    others = sorted(known.values(), key=lambda one: (one.made_at, one.mark))
    return {"items": [*own, *[_shown_of_chain(one, now) for one in others]]}


@rpc_method(tier="admin", errors=(NoAdmissionsError, UnknownCodeError, UsedCodeError, StoreError))
def admin_join_revoke(call: Call, *, number: CodeNumber) -> JoinCodeJson:
    """Take back a code that nobody has used yet."""
    record = _desk(call).revoke(number)
    known = read_code(call.node, mark_of(record))
    return _shown(record, known, call.node.clock.now_ms())


def _shown_of_chain(known: ChainCode, now_ms: int) -> JoinCodeJson:
    """Return a code of another gateway: this node knows what the chain does."""
    mark = known.mark.hex()
    record = Record(
        number=mark[:16], secret_hash=mark, made_at=known.made_at, expires_at=known.until
    )
    return {**_shown(record, known, now_ms), "is_here": False}


def _state(record: Record, known: ChainCode | None, now_ms: int) -> str:
    """Return how a code stands; where the chain knows it, by the chain."""
    if known is None:
        return record.state(now_ms)
    if known.stopped_at:
        return "revoked"
    return "admitted" if known.used_at else record.state(now_ms)


def _shown(record: Record, known: ChainCode | None, now_ms: int) -> JoinCodeJson:
    use = record.use
    if known is not None and known.shop is not None and known.node_key is not None:
        is_own = use is not None and use.account == known.shop.hex()
        use = use if is_own else _use_of(known, known.shop, known.node_key)
    return {
        "number": record.number,
        "state": _state(record, known, now_ms),
        "made_at": record.made_at,
        "expires_at": record.expires_at,
        "name": record.name,
        "note": record.note,
        "account": None if use is None else account_text(bytes.fromhex(use.account)),
        "node_key": None if use is None else use.node_key,
        "shop_name": None if use is None else use.name,
        "used_at": None if use is None else use.at_ms,
        "tx_id": None if use is None else use.tx_id,
        "height": None if use is None else use.height,
        "mark": record.secret_hash,
        "is_known": known is not None,
        "is_here": True,
        "maker": None if known is None else account_text(known.maker),
        "voice": None if known is None or known.voice is None else account_text(known.voice),
    }


def _use_of(known: ChainCode, shop: bytes, node_key: bytes) -> Use:
    return Use(account=shop.hex(), node_key=node_key.hex(), name="", at_ms=known.used_at)
