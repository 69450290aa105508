"""`operator_letters`, `operator_answer`: messages to an operator, for who is logged in."""

from itertools import islice
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.accounts import read_account
from chain.errors import WashError
from chain.ids import decode_id, encode_id
from chain.roles import Role as ChainRole
from chain.roles import has_role
from contracts.vm.container import FunctionKind
from node.letters.form import (
    MESSAGE_LETTERS_MAX,
    Between,
    LetterError,
    Role,
    letter_name,
    seal_letter,
)
from node.letters.readers import KeyBounds, operators_keys, own_keys
from node.letters.service import MESSAGE_PREFIX, About, Kind
from node.rpc.contract_views import find_function, find_info, run_view
from node.rpc.errors import MethodDisabledError
from node.rpc.methods.letter import letters_of
from node.rpc.methods.operator import FarOperatorError, operators_of, session_of, signing_key
from node.rpc.methods.staff import SessionText
from node.rpc.methods.staff_letters import MessageId, kept_letters, read_letter
from node.rpc.methods.staff_sending import build, refuse_what_fails, sign_and_wait
from node.rpc.methods.tx import TxStatusJson, WaitMs
from node.rpc.params import Limit
from node.rpc.reading.newest import newest_naming
from node.rpc.registry import Call, rpc_method
from node.staff.errors import NoSessionError, NotYoursError
from node.staff.sessions import Session

_ROLES = {"message": Role.MESSAGE, "answer": Role.ANSWER}
_REFUSALS = (NoSessionError, FarOperatorError, MethodDisabledError)
AnswerText = Annotated[
    str,
    Field(min_length=1, max_length=MESSAGE_LETTERS_MAX, description="What the sender will read."),
]


class OperatorLetterJson(TypedDict):
    """A message to an operator. Texts are null where they do not open, or are not here."""

    id: Annotated[str, Field(description="The message's id.")]
    sender: Annotated[str, Field(description="The account that wrote, which nobody else knows.")]
    sent_at: Annotated[int, Field(description="When, ms UTC.")]
    state: Annotated[str, Field(description="OPEN, ANSWERED or CLOSED.")]
    message: Annotated[str | None, Field(description="What it says.")]
    answer: Annotated[str | None, Field(description="What was answered.")]
    lacks: Annotated[
        str | None,
        Field(
            description="Why there is no text: `elsewhere` (no node brought it here), `sealed` (for"
            " other keys of the account), `closed` (deleted); null: it is there."
        ),
    ]


class OperatorLettersJson(TypedDict):
    """Messages, the newest first."""

    items: list[OperatorLetterJson]


@rpc_method(errors=_REFUSALS)
def operator_letters(call: Call, *, session: SessionText, limit: Limit = 50) -> OperatorLettersJson:
    """List the messages to the operator who is logged in, opened with the key of the login.

    A message is sealed for the account's own key and for the logins that it had at that time.
    """
    who = session_of(call, session)
    info = find_info(call.node, "reviews")
    receiver = decode_id(who.member.account, "acct")
    newest = newest_naming(call.node, info, "FeedbackSent", "receiver", receiver)
    names = [encode_id(MESSAGE_PREFIX, one["id"]) for one in islice(newest, limit)]
    return {"items": [_letter(call, who, name, _look(call, name)) for name in names]}


def _look(call: Call, name: str) -> Any:
    info = find_info(call.node, "reviews")
    return run_view(
        call.node, info, find_function(info, "feedback", FunctionKind.VIEW), {"id": name}
    )


def _letter(call: Call, who: Session, name: str, told: Any) -> OperatorLetterJson:
    about = About(Kind.MESSAGE, decode_id(name, MESSAGE_PREFIX))
    ends = decode_id(told["sender"], "acct"), decode_id(told["receiver"], "acct")
    letters = letters_of(call.node)
    kept = {one.role: letter for one, letter in kept_letters(letters, about)}
    if None in kept.values():
        letters.want(about)
    texts = {
        role: read_letter(letter, Between(*ends, _ROLES[role]), who.signer)
        for role, letter in kept.items()
    }
    lacks = None
    if texts.get("message") is None:
        is_here = kept.get("message") is not None
        lacks = "closed" if told["stage"] == "CLOSED" else "sealed" if is_here else "elsewhere"
    return {
        "id": name,
        "sender": told["sender"],
        "sent_at": told["sent_at"],
        "state": told["stage"],
        "message": texts.get("message"),
        "answer": texts.get("answer"),
        "lacks": lacks,
    }


@rpc_method(errors=(*_REFUSALS, NotYoursError, LetterError, WashError))
async def operator_answer(
    call: Call,
    *,
    session: SessionText,
    id_: MessageId,
    text: AnswerText,
    timeout_ms: WaitMs = 10_000,
) -> TxStatusJson:
    """Answer a message to the operator who is logged in; once more to say something else.

    The answer is sealed for the sender and for the keys with which the operator reads.
    """
    who, letters = session_of(call, session), letters_of(call.node)
    member, told = who.member, _look(call, id_)
    if told["receiver"] != member.account:
        text = f"{id_} is for somebody else"
        raise NotYoursError(text)
    sender, receiver = decode_id(told["sender"], "acct"), decode_id(member.account, "acct")
    keys = [*_keys_of(call, receiver), *_keys_of(call, sender)]
    chance = operators_of(call).chance
    letter = seal_letter(text, Between(sender, receiver, Role.ANSWER), keys, chance)
    name, about = letter_name(letter), About(Kind.MESSAGE, decode_id(id_, MESSAGE_PREFIX))
    action = {
        "type": "call",
        "contract": "reviews",
        "function": "answer_feedback",
        "arguments": {"id": id_, "answer": name.hex()},
    }
    built = build(call, member.account, [action], None, key=signing_key(member))
    refuse_what_fails(built)
    # Kept before the chain names it: a name without a text would be an answer that nobody has.
    letters.store.put(name, about.key(), letter)
    try:
        return await sign_and_wait(call, built, who.signer, timeout_ms)
    except WashError:
        letters.store.erase(name, about.key())
        raise


def _keys_of(call: Call, account: bytes) -> list[bytes]:
    state = call.node.state()
    keys = [
        KeyBounds(
            one.key,
            one.scopes is not None,
            tuple(limit.amount for limit in one.limits),
            one.expires_at,
        )
        for one in read_account(state, account).keys
    ]
    if has_role(state, account, ChainRole.OPERATOR):
        return operators_keys(keys, call.node.block_time())
    return own_keys(keys)
