"""`gov_*`: what the operators decide together, and how a proposal or a vote is built."""

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from chain import governance
from chain.errors import (
    LastValidatorError,
    LimitError,
    NotReadyError,
    QuorumRiskError,
    RoleError,
    UnknownIdError,
    UpgradeRefusedError,
    WrongStateError,
)
from chain.executed import event_topic
from chain.features import KNOWN_FEATURES, read_features
from chain.governance import Proposal
from chain.receipt import KernelEvent
from chain.roles import read_operators
from chain.state import State
from chain.transaction import Change
from chain.types import ZERO_ID
from contracts.upgrades import check_decision
from node.live.upcoming import WARNED_MS, expect, find_upcoming
from node.rpc.action_lookup import ChainLookup
from node.rpc.cursor import decode_cursor, encode_cursor
from node.rpc.errors import InvalidParamsError, NotFoundError
from node.rpc.forms.actions import ChangeOfChain, read_change, show_change
from node.rpc.forms.shape_basics import account_text
from node.rpc.methods.tx_build import BuiltJson, PublicKeyHex, tx_build
from node.rpc.params import AccountId, Cursor, Height, Limit, TxId
from node.rpc.reading.validator_history import find_change
from node.rpc.registry import Call, rpc_method
from node.rpc.telling.explain import Explainer
from node.rpc.telling.explain_words import Words

_REFUSALS = (
    InvalidParamsError,
    LastValidatorError,
    LimitError,
    NotReadyError,
    QuorumRiskError,
    RoleError,
    UnknownIdError,
    UpgradeRefusedError,
    WrongStateError,
)
Against = Annotated[bool, Field(strict=True, description="Be against it.")]
NOTICE_BLOCKS = 1_000  # enough that the pace of many small blocks is told exactly
_FILTER = "gov_proposals"
_ANY_CALL = bytes(32)  # stands for the id of an action that is not sent yet


class SentenceJson(TypedDict):
    """What a change does, in both languages."""

    en: str
    zh: str


class ProposalJson(TypedDict):
    """A change that was put to the vote. `change` is null where this node can not tell it."""

    proposal: str
    state: Literal["open", "decided", "rejected"]
    change: dict[str, Any] | None
    sentence: Annotated[
        SentenceJson | None, Field(description="The change in people's words; null as `change`.")
    ]
    proposed_at: int | None
    decided_at: int | None
    votes: list[str]
    against: list[str]
    votes_needed: int | None
    operators: int


class ProposalPage(TypedDict):
    """A part of the list of open proposals."""

    items: list[ProposalJson]
    next_cursor: str | None


class OperatorsJson(TypedDict):
    """Who decides together; `votes_needed` is how many carry a change, more than two thirds."""

    operators: Annotated[list[str], Field(description="The operators' accounts.")]
    votes_needed: Annotated[int, Field(description="How many of them decide.")]


class FeatureJson(TypedDict):
    """A rule that the operators voted for; nodes that do not know it stop before its height."""

    name: str
    activation: int
    in_force: bool
    known: Annotated[bool, Field(description="Whether this node's program knows it.")]
    expected_at: Annotated[
        int | None,
        Field(description="When the height comes, at the pace of the last week; null in force."),
    ]


class ExpectedJson(TypedDict):
    """When a height comes, as well as the pace of the last week's blocks tells."""

    height: int
    expected_at: Annotated[int | None, Field(description="Null: too few blocks to tell, or over.")]
    notice_ms: Annotated[int, Field(description="How long before a rule nodes are warned of it.")]
    height_in_time: Annotated[
        int | None, Field(description="The first height that leaves this time; null as above.")
    ]


@rpc_method(read=True)
def gov_proposals(call: Call, *, cursor: Cursor | None = None, limit: Limit = 50) -> ProposalPage:
    """List the proposals that wait for votes, by id."""
    state, lookup = call.node.state(), ChainLookup(call.node)
    after = b"" if cursor is None else _read_place(cursor)
    found = governance.open_proposals(state, after, limit + 1)
    page = found[:limit]
    more = len(found) > limit
    return {
        "items": [_open_json(state, lookup, one, record) for one, record in page],
        "next_cursor": encode_cursor(_FILTER, (page[-1][0],)) if more else None,
    }


def _read_place(cursor: str) -> bytes:
    (after,) = decode_cursor(cursor, _FILTER, (bytes,))
    assert isinstance(after, bytes), "decode_cursor gives what was asked for"
    return after


@rpc_method(read=True, errors=(NotFoundError,))
def gov_proposal(call: Call, *, proposal: TxId) -> ProposalJson:
    """Return a proposal: who voted for it, or at which height it was decided or turned down."""
    state, lookup = call.node.state(), ChainLookup(call.node)
    record = governance.read_proposal(state, proposal)
    if record is not None:
        return _open_json(state, lookup, proposal, record)
    ledger = call.node.ledger
    is_rejected = False
    decided = _find_height(ledger, KernelEvent.DECIDED, proposal)
    if decided is None:
        decided = _find_height(ledger, KernelEvent.REJECTED, proposal)
        is_rejected = True
    if decided is None:
        raise NotFoundError(f"proposal {proposal.hex()}", (0, ledger.height))
    is_kept = decided >= ledger.store.first_body
    change = find_change(ledger, proposal) if is_kept else None
    return {
        "proposal": proposal.hex(),
        "state": "rejected" if is_rejected else "decided",
        "change": None if change is None else show_change(change, lookup),
        "sentence": None if change is None else _tell(change, lookup),
        "proposed_at": _find_height(ledger, KernelEvent.PROPOSED, proposal),
        "decided_at": decided,
        "votes": [],
        "against": [],
        "votes_needed": None,
        "operators": len(read_operators(state)),
    }


def _tell(change: Change, lookup: ChainLookup) -> SentenceJson:
    """Return what a change does; accounts in full, since somebody votes for it."""

    def said(lang: Literal["en", "zh"]) -> str:
        return Explainer(Words(lookup, lang, is_full=True)).change(change)

    return {"en": said("en"), "zh": said("zh")}


def _find_height(ledger: Any, event: KernelEvent, proposal: bytes) -> int | None:
    topic = event_topic(ZERO_ID, event, 0, proposal)
    for height, number in ledger.store.find_events(topic, (0, 0), 8):
        told = [one for receipt in ledger.store.receipts(height) for one in receipt.events][number]
        if (told.contract, told.number, told.values[0]) == (ZERO_ID, event, proposal):
            return int(height)
    return None


def _open_json(
    state: State, lookup: ChainLookup, proposal: bytes, record: Proposal
) -> ProposalJson:
    operators = read_operators(state)
    return {
        "proposal": proposal.hex(),
        "state": "open",
        "change": show_change(record.change, lookup),
        "sentence": _tell(record.change, lookup),
        "proposed_at": record.proposed_at,
        "decided_at": None,
        "votes": [account_text(one) for one in record.votes if one in operators],
        "against": [account_text(one) for one in record.against if one in operators],
        "votes_needed": governance.needed_at(state, record.change, lookup.node.ledger.height + 1),
        "operators": len(operators),
    }


@rpc_method(read=True)
def gov_operators(call: Call) -> OperatorsJson:
    """List the operators' accounts."""
    operators = read_operators(call.node.state())
    needed = governance.majority(len(operators))
    return {"operators": [account_text(one) for one in operators], "votes_needed": needed}


@rpc_method(read=True)
def gov_features(call: Call) -> list[FeatureJson]:
    """List the rules that the operators put into force at a height, by name."""
    node = call.node
    expected = {one.feature.name: one.expected_ms for one in find_upcoming(node)}
    return [
        {
            "name": one.name,
            "activation": one.activation,
            "in_force": one.activation <= node.ledger.height,
            "known": one.name in KNOWN_FEATURES,
            "expected_at": expected.get(one.name),
        }
        for one in read_features(node.state())
    ]


@rpc_method(read=True)
def gov_expect(call: Call, *, height: Height) -> ExpectedJson:
    """Tell when a height comes, and from which one on nodes are warned of a rule in time."""
    store, head = call.node.ledger.store, call.node.ledger.height
    notice = expect(store, head, NOTICE_BLOCKS) if height > head else None
    pace = None if notice is None else notice - call.node.ledger.head.time_ms
    return {
        "height": height,
        "expected_at": None if pace is None else expect(store, head, height - head),
        "notice_ms": WARNED_MS,
        # As many blocks as the notice takes, rounded up.
        "height_in_time": None if not pace else head - (-WARNED_MS * NOTICE_BLOCKS // pace),
    }


def _next_block(node: Any) -> governance.Occasion:
    """Return where a vote would fall that is sent now."""
    ask_code = partial(check_decision, node.ledger.executor.library)
    where = (node.ledger.chain_id, node.ledger.height + 1, node.block_time())
    return governance.Occasion(*where, ask_code=ask_code)


@rpc_method(errors=_REFUSALS)
def gov_propose_build(
    call: Call, *, account: AccountId, change: ChangeOfChain, key: PublicKeyHex | None = None
) -> BuiltJson:
    """Build an operator's proposal of a change, which has the operator's own vote.

    A change that could not be made now is refused with its reason, for example which validators
    are missing for a quorum. Go on as after `tx_build`; `creates` has the proposal's id.
    """
    wanted: Change = read_change(change, ChainLookup(call.node))
    node = call.node
    at = _next_block(node)
    governance.propose(node.state(), account, wanted, _ANY_CALL, at)  # nothing of it is kept
    action = {"type": "propose", "change": change}
    return tx_build(call, account=account, actions=[action], key=key)


@rpc_method(errors=_REFUSALS)
def gov_vote_build(
    call: Call,
    *,
    account: AccountId,
    proposal: TxId,
    against: Against = False,
    key: PublicKeyHex | None = None,
) -> BuiltJson:
    """Build an operator's vote for a proposal, or its word against it.

    A vote that would decide what can not be done now is refused with its reason. A proposal that so
    many are against that it can not pass is closed.
    """
    node = call.node
    state, at = node.state(), _next_block(node)
    if against:  # tried, and nothing of it is kept
        governance.oppose(state, account, proposal, at.height)
    else:
        governance.vote(state, account, proposal, at)
    action = {"type": "oppose" if against else "vote", "proposal": proposal.hex()}
    return tx_build(call, account=account, actions=[action], key=key)
