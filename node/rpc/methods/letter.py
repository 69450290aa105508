"""`letter_*`: texts of people whose fingerprints the chain has: reviews, answers, messages."""

from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema
from typing_extensions import TypedDict

from chain.errors import MalformedBytesError, StoreError
from chain.ids import decode_id
from node.letters.form import PICTURED_BYTES_MAX, read_picture, read_public
from node.letters.service import MESSAGE_PREFIX, About, Kind, Letters
from node.rpc.errors import MethodDisabledError
from node.rpc.registry import Call, rpc_method
from node.vault.errors import GoneError, RefusedBlobError, VaultFullError

_ID_BYTES = 32
_REASONS = ("SHOWN", "INSULT", "PERSONAL", "ILLEGAL", "ADVERTISING", "OFF_TOPIC")
_LETTERS = "[02-9ac-hj-np-z]{58}"


def parse_about(value: object) -> About:
    """Return what a letter is about: a message's id, or the hash of a visit."""
    if isinstance(value, str) and value.startswith(f"{MESSAGE_PREFIX}1"):
        try:
            return About(Kind.MESSAGE, decode_id(value, MESSAGE_PREFIX))
        except MalformedBytesError as fault:
            raise ValueError(f"{fault}; expected an id {MESSAGE_PREFIX}1...") from None
    try:
        visit = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        visit = b""
    if len(visit) != _ID_BYTES or visit.hex() != value:
        raise ValueError(f"must be 64 lower-case hex digits, or an id {MESSAGE_PREFIX}1...")
    return About(Kind.REVIEW, visit)


def parse_letter(value: object) -> bytes:
    """Return the bytes of a letter."""
    try:
        if isinstance(value, str) and len(value) <= 2 * PICTURED_BYTES_MAX:
            letter = bytes.fromhex(value)
            if letter and letter.hex() == value:
                return letter
    except ValueError:
        pass
    raise ValueError(f"must be lower-case hex digits of 1 to {PICTURED_BYTES_MAX} bytes")


Subject = Annotated[
    Any,  # an About
    PlainValidator(parse_about),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^([0-9a-f]{{64}}|{MESSAGE_PREFIX}1{_LETTERS})$",
            "description": "The visit of a review, or the id of a message.",
        }
    ),
]
LetterBytes = Annotated[
    bytes,
    PlainValidator(parse_letter),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^([0-9a-f]{2})+$",
            "maxLength": 2 * PICTURED_BYTES_MAX,
            "description": "The letter's bytes as hex.",
        }
    ),
]

Brief = Annotated[bool, Field(strict=True, description="Without `content`, as for a list of many.")]


class LetterKeptJson(TypedDict):
    """A letter that is kept from now on."""

    about: Annotated[str, Field(description="The visit of a review, or the id of a message.")]
    role: Annotated[str, Field(description="text, reply, message or answer.")]


class LetterJson(TypedDict):
    """A letter that the chain names."""

    role: Annotated[str, Field(description="text, reply, message or answer.")]
    name: Annotated[str, Field(description="Its fingerprint on the chain.")]
    state: Annotated[
        str, Field(description="here; elsewhere: not on this node; hidden: by the operators.")
    ]
    reason: Annotated[str | None, Field(description="Why it was hidden, null if it is not.")]
    text: Annotated[str | None, Field(description="What a public letter says.")]
    picture: Annotated[bool, Field(description="Whether a picture (JPEG) is in it.")]
    content: Annotated[str | None, Field(description="The letter's bytes as hex.")]


class LettersJson(TypedDict):
    """All letters that the chain names there now, without those that were taken back."""

    about: Annotated[str, Field(description="The visit of a review, or the id of a message.")]
    letters: Annotated[list[LetterJson], Field(description="By role, without those taken back.")]


def letters_of(node: Any) -> Letters:
    """Return what keeps a node's letters. Raises MethodDisabledError."""
    letters: Letters | None = node.letters
    if letters is None:
        raise MethodDisabledError("this node keeps no letters")
    return letters


@rpc_method(errors=(MethodDisabledError, GoneError, RefusedBlobError, VaultFullError, StoreError))
def letter_put(call: Call, *, about: Subject, content: LetterBytes) -> LetterKeptJson:
    """Keep a letter whose fingerprint is on the chain: a review's text, an answer, a message.

    Whoever has it may bring it: public ones are for everybody, others are sealed. A public text has
    at most 500 letters; a review may have a picture of 128 KiB. The form of the bytes is in
    docs/protocol.md.
    """
    named = letters_of(call.node).put(about, content)
    return {"about": about.text(), "role": named.role}


@rpc_method(errors=(MethodDisabledError, GoneError, StoreError))
def letter_get(call: Call, *, about: Subject, brief: Brief = False) -> LettersJson:
    """Return the letters of a review (text and reply) or of a message (with its answer).

    Only what the chain names now is given out; a text that its author took back, or that the
    operators hide, is not.
    """
    found = letters_of(call.node).get(about)
    items: list[LetterJson] = []
    for named, letter in found:
        state = "hidden" if named.hidden else "elsewhere" if letter is None else "here"
        shown = letter if state == "here" else None
        is_public = about.kind is Kind.REVIEW
        items.append(
            {
                "role": named.role,
                "name": named.name.hex(),
                "state": state,
                "reason": _REASONS[named.hidden] if named.hidden else None,
                "text": read_public(shown) if shown is not None and is_public else None,
                "picture": shown is not None and is_public and read_picture(shown) is not None,
                "content": None if shown is None or brief else shown.hex(),
            }
        )
    return {"about": about.text(), "letters": items}
