"""A part of the examples: an owner lets somebody work at the desk, who opens and leaves."""

from chain.crypto import PassphraseCost, sha256
from chain.ids import decode_id, encode_id
from chain.types import MINUTE_MS
from node.demo.accounts import account_of, signer_of
from node.demo.catalogue import SPARKLE
from node.staff.service import Staffing
from node.vault.sealing import Place, blob_name, seal_content, wrap_key
from tests.node.rpc.asking import acct
from tests.node.rpc.story import Json, Teller, call_action

WASH = SPARKLE.service(1)
QUICK = PassphraseCost(passes=1, memory_bytes=8_192)


def easy_staff(node: object, folder: object) -> Staffing:
    """Return a shop's staff whose PINs take no time and whose keys are the same every time."""
    made = Staffing(node, folder, QUICK)  # type: ignore[arg-type]
    count = iter(range(1_000_000))
    made.chance = lambda length: sha256(b"chance %d" % next(count))[:length]
    return made


async def about_staff(teller: Teller) -> None:
    """Let somebody work, and take the key back."""
    node = teller.node
    node.staff = easy_staff(node, node.folder)
    quick: Json = {"timeout_ms": 0}
    mei: Json = {"name": "Mei", "pin": "482916", "duty": "desk", "refund_max": 20_000, **quick}
    added = await teller.show("staff_add", "with the shop's token", mei, tier="shop")
    teller.make_block()
    await teller.show("staff_list", "who works here", tier="shop")
    await teller.refuse("staff_login", "with another PIN", {"name": "Mei", "pin": "482917"})
    given = {"name": "Mei", "pin": "482916"}
    begun = await teller.show("staff_login", "in the morning", given)
    session: Json = {"session": begun["session"]}
    await teller.show("staff_who", "who is it", session)
    await teller.show("staff_backup", "nothing was copied yet", session)
    wish: Json = {"type": "reviews.FeedbackSent", "values": {"receiver": acct("sparkle")}}
    told = await teller.ask("events_query", {"filter": wish, "after": "earliest"})
    ids = {"ids": [one["values"]["id"] for one in told["items"]]}
    await teller.show("staff_letters", "what customers wrote", {**session, **ids})
    opening = call_action("shops", "open_shop", {})
    await teller.show("staff_send", "she opens", {**session, "actions": [opening], **quick})
    teller.make_block()
    hours = call_action("shops", "set_hours", {"weekday": 0, "opens": 0, "closes": 1})
    await teller.refuse("staff_send", "the owner's", {**session, "actions": [hours]})
    kept = await teller.show("staff_keep", "for somebody without a phone", {**session, **quick})
    teller.make_block()
    own = {"account": kept["account"], "key": signer_of("erin").public_key.hex()}
    await teller.show("staff_release", "now with a phone", {**session, **own, **quick})
    teller.make_block()
    await _hand_over(teller, session, quick)
    account = {"account": acct("alice"), "actions": [opening], "sponsor": acct("sparkle")}
    built = await teller.ask("tx_build", account)
    signed = teller.sign("alice", built)
    await teller.refuse("staff_cosign", "what no counter confirms", {**session, **signed})
    await _help(teller, quick)
    await teller.show("staff_logout", "in the evening", session)
    taken: Json = {"id": added["id"], **quick}
    await teller.show("staff_remove", "she leaves", taken, tier="shop")
    teller.make_block()


async def _help(teller: Teller, quick: Json) -> None:
    """Carol chose the shop as helper and lost her phone; the owner knows her."""
    owner: Json = {"name": "Olga", "pin": "739150", "duty": "owner", **quick}
    await teller.ask("staff_add", owner, tier="shop")
    teller.make_block()
    begun = await teller.ask("staff_login", {"name": "Olga", "pin": "739150"})
    lost: Json = {"session": begun["session"], "key": signer_of("dave").public_key.hex(), **quick}
    stranger = {**lost, "account": acct("alice")}
    await teller.refuse("staff_help", "who did not choose the shop", stranger)
    chosen = {"type": "set_guardians", "guardians": [acct("sparkle")], "threshold": 1}
    await teller.do("carol", chosen)
    await teller.show("staff_help", "the owner agrees", {**lost, "account": acct("carol")})
    teller.make_block()
    await teller.show("account_recoveries", "of customers", {"guardian": acct("sparkle")})
    await teller.do("carol", {"type": "cancel_recovery"})
    await _take_out(teller, {"session": begun["session"], **quick})


async def _take_out(teller: Teller, owner: Json) -> None:
    """Olga asks for what customers paid, shows the code at the desk, and takes a request back."""
    wish = {
        **owner,
        "issuer": acct("issuer"),
        "amount": 2_000,
        "to": "Sparkle, Bank of Tests, 1234",
    }
    await teller.refuse("staff_pay_out", "with another PIN", {**wish, "pin": "739151"})
    await teller.show("staff_pay_out", "to the shop's account", {**wish, "pin": "739150"})
    teller.make_block()
    session = {"session": owner["session"]}
    (shown,) = (await teller.show("staff_payouts", "for the desk", session))["items"]
    back = call_action("money", "withdraw", {"request": shown["request"]})
    await teller.show("staff_send", "the owner takes it back", {**owner, "actions": [back]})
    teller.make_block()


async def _hand_over(teller: Teller, session: Json, quick: Json) -> None:
    """Dave is there with his car: he confirms on his phone, Mei at the counter."""
    start = (teller.node.block_time() // MINUTE_MS + 5) * MINUTE_MS
    order = {
        "shop": acct("sparkle"), "service": 1, "version": 1, "start": start,
        "end": start + WASH.duration_ms, "cell": 0, "total": WASH.price,
        "policy": WASH.policy_id.hex(),
    }  # fmt: skip
    asked = call_action("booking", "request", order, WASH.price)
    wish = {"account": acct("dave"), "actions": [asked]}
    booking = (await teller.ask("tx_build", wish))["creates"][0]["id"]
    await teller.do("dave", asked)
    handing = call_action("booking", "check_in", {"id": booking})
    wish = {"account": acct("dave"), "actions": [handing], "sponsor": acct("sparkle")}
    signed = teller.sign("dave", await teller.ask("tx_build", wish))
    await teller.show("staff_cosign", "a car is handed over", {**session, **signed, **quick})
    teller.make_block()
    parked = {**session, "booking": booking, "bay": 2}
    await teller.show("staff_park", "it stands in the second bay", parked)
    await teller.show("staff_bays", "for every tablet", session)
    await _photo(teller, booking, session, quick)
    nobodys = {**parked, "booking": encode_id("bkg", bytes(32))}
    await teller.refuse("staff_park", "a booking that is not there", nobodys)


async def _photo(teller: Teller, booking: str, session: Json, quick: Json) -> None:
    """Mei begins the work and takes a photo, which dave alone can open."""
    record = decode_id(booking, "bkg").hex()
    begin = call_action("booking", "start_service", {"id": booking})
    start = call_action(
        "records", "start", {"visit": record, "redo_of": "00" * 32, "odometer": 65_535}
    )
    await teller.ask("staff_send", {**session, "actions": [begin, start], **quick})
    teller.make_block()
    dave, key = account_of("dave"), sha256(b"key of a photo")
    photo = seal_content(b"\xff\xd8", Place(dave, 3, 0), key=key, nonce=sha256(b"nonce")[:24])
    name = blob_name(dave, photo)
    wrapped: Json = {
        "blob": encode_id("blb", name), "account": acct("dave"),
        "sealed": wrap_key(key, dave, ephemeral=sha256(b"e")).hex(),
    }  # fmt: skip
    sealed = {"record": record, "content": photo.hex(), "epoch": 0}
    bare = {**session, **sealed, "keys": [{**wrapped, "blob": encode_id("blb", bytes(32))}]}
    await teller.refuse("staff_photo", "with a key of another one", bare)
    kept = {**session, **sealed, "keys": [wrapped], **quick}
    await teller.show("staff_photo", "of the car, for its customer", kept)
    teller.make_block()
