"""`staff_letters`: messages to a shop, opened with the shop's own key, which this node has."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chain.crypto import Signer
from chain.errors import KeyScopeError, StoreError
from chain.ids import decode_id
from contracts.vm.container import FunctionKind
from node.keys.acting import account_of
from node.letters.form import Between, LetterError, Role, open_letter
from node.letters.service import About, Kind, Letters, Named
from node.rpc.contract_views import find_function, find_info, run_view
from node.rpc.forms.shape_basics import account_text
from node.rpc.methods.letter import letters_of
from node.rpc.methods.staff import SessionText
from node.rpc.methods.staff_sending import need, staffing_of
from node.rpc.registry import Call, rpc_method
from node.staff.deeds import COUNTER
from node.staff.errors import NoSessionError, NoStaffError, NotYoursError
from node.vault.errors import GoneError

IDS_MAX = 32
_ROLES = {"message": Role.MESSAGE, "answer": Role.ANSWER}
MessageId = Annotated[str, Field(pattern="^fbk1[02-9ac-hj-np-z]{58}$")]
MessageIds = Annotated[
    list[MessageId],
    Field(min_length=1, max_length=IDS_MAX, description="Ids of messages to this shop."),
]


class OpenedJson(TypedDict):
    """A message and its answer; null for what is not kept here or does not open."""

    id: Annotated[str, Field(description="The message's id.")]
    message: Annotated[str | None, Field(description="What the customer wrote.")]
    answer: Annotated[str | None, Field(description="What the shop answered.")]


class OpenedListJson(TypedDict):
    """Messages in the order that was asked for."""

    items: list[OpenedJson]


@rpc_method(errors=(NoSessionError, NotYoursError, NoStaffError, KeyScopeError, StoreError))
def staff_letters(call: Call, *, session: SessionText, ids: MessageIds) -> OpenedListJson:
    """Open messages to this shop for whoever works at its counter.

    They are sealed for the shop's own key and for the sender; nobody else can read them.
    """
    staffing = staffing_of(call)
    member = staffing.session(session).member
    need(call, member, COUNTER, "reading messages")
    signer = staffing.node.sponsor
    if account_text(account_of(signer)) != member.account:
        text = "the key of this shop is on another machine"
        raise KeyScopeError(text)
    letters, info = letters_of(call.node), find_info(call.node, "reviews")
    view = find_function(info, "feedback", FunctionKind.VIEW)
    items: list[OpenedJson] = []
    for name in ids:
        told = run_view(call.node, info, view, {"id": name})
        if told["receiver"] != member.account:
            text = f"{name} is for somebody else"
            raise NotYoursError(text)
        about = About(Kind.MESSAGE, decode_id(name, "fbk"))
        ends = decode_id(told["sender"], "acct"), decode_id(told["receiver"], "acct")
        texts = {
            named.role: read_letter(letter, Between(*ends, _ROLES[named.role]), signer)
            for named, letter in kept_letters(letters, about)
        }
        items.append(
            {
                "id": about.text(),
                "message": texts.get("message"),
                "answer": texts.get("answer"),
            }
        )
    return {"items": items}


def kept_letters(letters: Letters, about: About) -> list[tuple[Named, bytes | None]]:
    """Return the letters that the chain names; nothing for what is not there."""
    try:
        return letters.get(about)
    except GoneError:
        return []


def read_letter(letter: bytes | None, between: Between, signer: Signer) -> str | None:
    """Return what a letter says; None if it is not here, or was not made as letters are."""
    try:
        return None if letter is None else open_letter(letter, between, signer)
    except LetterError:
        return None
