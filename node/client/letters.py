"""Messages between a customer and a shop or operator: sealed here, answered, read by the two alone.

    letters = Letters(wash, key)
    for message in await letters.received():
        print(await letters.read(message))
    await letters.answer(message, "Thank you.")

Nodes see sealed bytes; the chain has their fingerprints and where a message stands.
"""

from dataclasses import dataclass

from chain.crypto import Signer
from node.client.accounts import AccountLike, KeyLike, read_account, read_identity, show_account
from node.client.api import AsyncWash
from node.client.errors import NotFound
from node.client.results import Final, Json
from node.letters.form import Between, Role, letter_name, open_letter, seal_letter
from node.letters.readers import KeyBounds, operators_keys, own_keys

EVENTS_MAX = 200


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the chain has it: who wrote whom, when, and OPEN, ANSWERED or CLOSED."""

    id: str
    sender: str
    receiver: str
    sent_at: int
    stage: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a message and its answer say; None for what this node does not keep."""

    message: str | None
    answer: str | None


class Letters:
    """Somebody's messages, through the node of `wash`; `key` opens and signs, for `account`."""

    def __init__(self, wash: AsyncWash, key: KeyLike, account: AccountLike | None = None) -> None:
        self._wash, self._identity = wash, read_identity(key, account)

    async def write(self, receiver: AccountLike, text: str) -> str:
        """Send a message; returns its id. Raises LetterError for a text that no letter holds."""
        between = Between(self._identity.account, read_account(receiver), Role.MESSAGE)
        letter = await self._seal(text, between)
        arguments = {"receiver": show_account(receiver), "message": letter_name(letter).hex()}
        final = await self._call("post_feedback", arguments)
        name = str(final.event("reviews.FeedbackSent")["id"])
        await self._wash.rpc("letter_put", about=name, content=letter.hex())
        return name

    async def received(self) -> list[Message]:
        """Return the messages to this account, the oldest first."""
        wish = {
            "type": "reviews.FeedbackSent",
            "values": {"receiver": show_account(self._identity.account)},
        }
        found: list[Message] = []
        after: str | None = "earliest"
        while after is not None:
            page = await self._wash.rpc("events_query", filter=wish, after=after, limit=EVENTS_MAX)
            found += [await self.message(one["values"]["id"]) for one in page["items"]]
            after = page["next"]
        return found

    async def message(self, name: str) -> Message:
        """Return where a message stands."""
        told: Json = await self._wash.read("reviews.feedback", id=name)
        kept = ("sender", "receiver", "sent_at", "stage")
        return Message(name, *(told[field] for field in kept))

    async def read(self, message: Message) -> Said:
        """Return what a message and its answer say. Raises LetterError if they are for others."""
        found = await self._wash.rpc("letter_get", about=message.id)
        texts: dict[str, str] = {}
        for one in found["letters"]:
            if one["content"] is not None:
                between = _between(message, Role[one["role"].upper()])
                letter = bytes.fromhex(one["content"])
                texts[one["role"]] = open_letter(letter, between, self._identity.signer)
        return Said(texts.get("message"), texts.get("answer"))

    async def answer(self, message: Message, text: str) -> None:
        """Answer a message to this account; once more to add to it."""
        letter = await self._seal(text, _between(message, Role.ANSWER))
        arguments = {"id": message.id, "answer": letter_name(letter).hex()}
        await self._call("answer_feedback", arguments)
        await self._wash.rpc("letter_put", about=message.id, content=letter.hex())

    async def _call(self, function: str, arguments: Json) -> Final:
        signer, account = self._identity.signer, self._identity.account
        return await self._wash.call(f"reviews.{function}", arguments, key=signer, account=account)

    async def _seal(self, text: str, between: Between) -> bytes:
        is_to_operator = (
            show_account(between.receiver)
            in ((await self._wash.rpc("gov_operators"))["data"]["operators"])
        )
        receiver = await self._keys(between.receiver, with_logins=is_to_operator)
        return seal_letter(text, between, (*receiver, *await self._keys(between.sender)))

    async def _keys(self, account: bytes, *, with_logins: bool = False) -> list[bytes]:
        """Return the first key of an account that has no bounds; its own, before it is known.

        With those of the logins of an operator, if there are any.
        """
        signer: Signer = self._identity.signer
        if account == self._identity.account == signer.public_key and not with_logins:
            return [account]
        keys = [_bounds(one) for one in (await self._wash.account(account))["keys"]]
        now = (await self._wash.rpc("node_health"))["time_ms"] if with_logins else 0
        found = operators_keys(keys, now) if with_logins else own_keys(keys)
        if not found:
            raise NotFound(f"{show_account(account)} has no key without bounds to seal for")
        return found


def _bounds(key: Json) -> KeyBounds:
    amounts = tuple(one["amount"]["amount"] for one in key["limits"])
    return KeyBounds(
        bytes.fromhex(key["key"]), key["scopes"] is not None, amounts, key["expires_at"]
    )


def _between(message: Message, role: Role) -> Between:
    return Between(read_account(message.sender), read_account(message.receiver), role)
