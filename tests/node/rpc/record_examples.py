"""The examples of what was done to a car and of what its owner thinks of it: records, reviews."""

from chain.crypto import sha256
from chain.ids import decode_id, encode_id
from node.demo.accounts import account_of
from node.letters.form import Between, Role, letter_name, seal_letter, write_public
from tests.node.rpc.story import MORNING, Json, Teller, acct, call_action

NOTHING = "00" * 32


def _hash(text: str) -> str:
    return sha256(text.encode()).hex()


async def about_work(teller: Teller, booking: str) -> None:
    """Let sparkle keep a record of the work on a car that is there, and alice enter it in hers."""
    record = decode_id(booking, "bkg").hex()
    named = {"record": record}
    await _work(teller, record)
    await teller.show("records.record", "of a finished wash", named)
    await teller.show("records.entry", "the first step", {**named, "number": 2})
    await teller.show("records.material_used", "which soap", {**named, "number": 3})
    await teller.show("records.progress", "all entries in short", named)
    await teller.show("records.corrections", "in short", named)
    await teller.show("records.correction", "less soap than it said", {**named, "number": 1})
    shop = {"shop": acct("sparkle")}
    await teller.show("records.count", "of a shop", shop)
    await teller.show("records.records_of", "of a shop, from the first on", {**shop, "first": 1})
    await _enter(teller, record)


async def _work(teller: Teller, record: str) -> None:
    named = {"record": record}
    start: Json = {"visit": record, "redo_of": NOTHING, "odometer": 48}
    soap: Json = {"sku": "SOAP-5", "batch": "2025-11", "quantity": 120, "unit": "MILLILITRE"}
    finish: Json = {**named, "number": 4, "result": "DONE", "notes": NOTHING}
    correct: Json = {
        **named, "entry": 3, "reason": "SLIP", "code": 0, "quantity": 100, "text": "",
        "content": NOTHING,
    }  # fmt: skip
    for function, arguments in (
        ("start", start),
        ("step", {**named, "number": 2, "code": 1}),
        ("material", {**named, "number": 3, **soap}),
        ("finish", finish),
        ("correct", correct),
    ):
        await teller.do("sparkle", call_action("records", function, arguments))


async def _enter(teller: Teller, record: str) -> None:
    car = {"vehicle": encode_id("veh", sha256(b"a car"))}
    commitment = {"commitment": _hash("a secret"), "vin": NOTHING}
    place = {"handle": _hash("a handle")}
    begin = call_action("records", "register_vehicle", {**car, "size": 2, **commitment})
    entered = {"record": record, **place, "mark": _hash("a mark")}
    await teller.do("alice", begin, call_action("records", "attach", entered))
    await teller.show("records.vehicle", "what is public of a car", car)
    await teller.show("records.by_handle", "a record", place)


BETWEEN = Between(account_of("alice"), account_of("sparkle"), Role.MESSAGE)
TEXT = write_public("Like new.", sha256(b"salt")[:16])
MESSAGE = seal_letter(
    "My umbrella is still there.",
    BETWEEN,
    (account_of("sparkle"), account_of("alice")),
    lambda length: sha256(b"chance")[:length],
)


async def about_reviews(teller: Teller, booking: str) -> None:
    """Let alice say how a finished and paid visit was, in public and between the two of them."""
    visit = {"visit": decode_id(booking, "bkg").hex()}
    shop = {"shop": acct("sparkle")}
    said: Json = {
        "scores": {"clean": 5, "on_time": 4, "staff": 5, "value": 4}, "reasons": 1,
        "text": letter_name(TEXT).hex(),
    }  # fmt: skip
    await teller.do("alice", call_action("reviews", "review", {**visit, **said}))
    await teller.do("alice", call_action("reviews", "answer_survey", {**visit, "answer": 5}))
    about = {"about": visit["visit"]}
    await teller.show("letter_put", "what she wrote", {**about, "content": TEXT.hex()})
    other = write_public("Never been there.", bytes(16)).hex()
    await teller.refuse("letter_put", "what nobody wrote", {**about, "content": other})
    await teller.show("letter_get", "a review, for everybody", about)
    await teller.show("reviews.review_of", "of a visit", visit)
    await teller.show("reviews.reviews_of", "of a shop, from the first on", {**shop, "first": 1})
    await teller.show("reviews.rating", "not told before the fifth review", shop)
    await teller.show("reviews.sums", "what averages are made of", shop)
    await teller.show("reviews.votes_needed", "to hide a text")
    month = (await teller.show("reviews.month", "of a time", {"at_": MORNING}))["data"]
    await teller.show(
        "reviews.survey", "not told before the fifth answer", {**shop, "month": month}
    )
    message = {"receiver": acct("sparkle"), "message": letter_name(MESSAGE).hex()}
    sent = await teller.made("alice", call_action("reviews", "post_feedback", message))
    sealed = {"about": sent, "content": MESSAGE.hex()}
    await teller.show("letter_put", "a message, sealed for the shop", sealed)
    await teller.show("letter_get", "a message, for who can open it", {"about": sent})
    await teller.show("reviews.feedback", "a message that waits for an answer", {"id": sent})
