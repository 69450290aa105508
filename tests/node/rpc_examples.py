"""The examples of the API: a day of two shops, told by calls and their answers.

`python -m tests.node.rpc_examples` writes node/rpc/openrpc/examples.json, docs/rpc.md and the event
that docs/events.md shows anew; tests compare them with what the node answers.
"""

import asyncio
import json
import tempfile
from pathlib import Path

from chain.genesis import genesis_asset_id
from chain.ids import encode_id
from chain.state import Space
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node import catalog
from node.demo.catalogue import SPARKLE
from node.rpc.openrpc.document import Examples, make_document
from node.rpc.openrpc.page import render_markdown
from tests.node.rpc.consent_story import about_consent
from tests.node.rpc.event_page import EVENT_PAGE, renew
from tests.node.rpc.governing_story import about_governance, about_peers
from tests.node.rpc.joining_story import about_joining
from tests.node.rpc.money_examples import about_reserves
from tests.node.rpc.operator_story import about_operators
from tests.node.rpc.outbox_story import about_the_outbox
from tests.node.rpc.record_examples import about_reviews, about_work
from tests.node.rpc.rule_examples import about_cards, about_points, about_reports, about_shops
from tests.node.rpc.staff_story import about_staff
from tests.node.rpc.story import MORNING, Json, Teller, acct, call_action

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "node" / "rpc" / "openrpc" / "examples.json"
PAGE = ROOT / "docs" / "rpc.md"
WASH = SPARKLE.service(1)
SLOT = MORNING + 3 * HOUR_MS  # one in the afternoon
UNKNOWN = "00" * 32


async def tell_story(teller: Teller) -> None:
    """Play the day; afterwards `teller.examples` has a call of every method."""
    await _about_the_node(teller)
    await _about_the_chain(teller)
    await _about_money(teller)
    await _a_foreign_contract(teller)
    await _about_contracts(teller)
    booked = await book_a_wash(teller)
    await _events(teller)
    await _at_the_shop(teller, booked)
    await about_shops(teller)
    await about_points(teller)
    await about_cards(teller)
    await about_reserves(teller)
    await _many_at_once(teller)
    await _what_has_been(teller, booked)
    await _proofs(teller, booked)
    await about_consent(teller)
    await about_reports(teller)
    await about_governance(teller)
    await about_peers(teller)
    await about_the_outbox(teller)
    await about_joining(teller)
    await about_operators(teller)
    await about_staff(teller)
    await _development(teller)
    await teller.show_on_disk("admin_backup", "to another disk", "chain-today")
    await teller.show_on_disk("admin_snapshot", "of the newest block", "today.snapshot")
    noon: Json = {"time_ms": MORNING + 2 * HOUR_MS}
    await teller.show_driven("admin_set_clock", "two hours on, in a rehearsal", noon)
    await teller.refuse("admin_set_clock", "of a chain that has its own", noon, tier="admin")
    await teller.show("admin_stop", "for today", tier="admin")


async def _about_the_node(teller: Teller) -> None:
    await teller.show("rpc_version", "which versions")
    await teller.show("rpc.discover", "the whole API; its methods are left out here")
    await teller.show("rpc_errors", "all errors")
    await teller.show("node_info", "what runs here")
    await teller.show("node_health", "is it well")
    await teller.show("dev_accounts", "who there is")


async def _about_the_chain(teller: Teller) -> None:
    await teller.show("chain_head", "the newest block")
    await teller.show("chain_getBlock", "by height", {"height": 2})
    head = (await teller.ask("chain_head"))["header"]["hash"]
    await teller.show("chain_getBlock", "by id", {"hash": head, "detail": "header"})
    await teller.refuse("chain_getBlock", "beyond the head", {"height": 1_000})
    page = await teller.show("chain_listBlocks", "the first page", {"limit": 2})
    following = {"limit": 2, "cursor": page["next_cursor"]}
    await teller.show("chain_listBlocks", "the next page", following)
    await teller.show("chain_getParams", "what is allowed")
    await teller.refuse("chain_getParams", "older state is not kept", {"at": 1})
    await teller.show("chain_getValidators", "who makes the blocks")
    await teller.show("chain_getSupply", "how much money there is", {"asset": "CNY"})
    await teller.show("chain_search", "a name", {"q": "boo"})


async def _about_money(teller: Teller) -> None:
    await teller.show("asset_list", "all of them")
    await teller.show("asset_get", "by symbol", {"asset": "CNY"})
    await teller.refuse("asset_get", "an unknown one", {"asset": "EUR"})
    await teller.show("account_get", "a customer", {"account": acct("alice")})
    text = acct("alice")[:-1] + "p"
    await teller.refuse("account_get", "a mistyped id", {"account": text})


async def _a_foreign_contract(teller: Teller) -> None:
    """Deploy a contract and give its ABI."""
    code = catalog.container_bytes("notes").hex()
    built = await teller.ask(
        "tx_build", {"account": acct("operator"), "actions": [{"type": "deploy", "code": code}]}
    )
    made = await teller.ask("tx_assemble", teller.sign("operator", built))
    await teller.ask("tx_submit", {"tx": made["tx"]})
    teller.make_block()
    (created,) = [one["id"] for one in built["creates"] if one["kind"] == "contract"]
    given = {"contract": created, "abi": catalog.abi("notes")}
    await teller.show("contract_putAbi", "of a contract just deployed", given, tier="shop")
    await teller.show("contract_get", "one that was just deployed", {"contract": created})


async def _about_contracts(teller: Teller) -> None:
    shop, policy = acct("sparkle"), WASH.policy_id.hex()
    await teller.show("contract_list", "what is installed")
    await teller.show("contract_get", "an installed one", {"contract": "booking"})
    await teller.show("shops.shop", "its record", {"shop": shop})
    await teller.show("shops.service", "an offer", {"shop": shop, "service": 1})
    terms = {"shop": shop, "service": 1, "cell": 0}
    await teller.show("shops.terms", "what a request meets", terms)
    await teller.show("shops.duty", "a key that is no staff's", {"shop": shop, "key": UNKNOWN})
    await teller.show("shops.was_open", "whether it was open", {"shop": shop, "at_": MORNING})
    rules = await teller.show("booking.policy", "the rules of a wash", {"id": policy})
    tiers = await teller.show("booking.policy_tiers", "their tiers", {"id": policy})
    content = {"p": rules["data"], "tiers": tiers["data"]}
    await teller.show("booking.policy_id", "the hash of rules", content)
    price = {"policy": policy, "total": WASH.price, "start": SLOT, "end": SLOT + WASH.duration_ms}
    await teller.show("booking.hold", "what to bring along", price)
    await _what_shops_offer(teller)


async def _what_shops_offer(teller: Teller) -> None:
    await teller.show("shop_list", "the shops of the network", {"limit": 2})
    await teller.show("shop_services", "what one of them offers", {"shop": acct("sparkle")})
    offer = {"shop": acct("sparkle"), "service": 1}
    span = {"from": SLOT, "until": SLOT + HOUR_MS, "zone": "Asia/Shanghai"}
    await teller.show("booking_slots", "an hour of the afternoon", {**offer, **span})
    await teller.show("booking_quote", "what it holds, and leaving costs", {**offer, "start": SLOT})
    late = {**offer, "start": MORNING - HOUR_MS}
    await teller.refuse("booking_quote", "a time that is over", late)


def order(start: int = SLOT) -> Json:
    """Return the arguments of a request for a wash."""
    return {
        "shop": acct("sparkle"), "service": 1, "version": 1, "start": start,
        "end": start + WASH.duration_ms, "cell": 0, "total": WASH.price,
        "policy": WASH.policy_id.hex(),
    }  # fmt: skip


def request(start: int = SLOT) -> Json:
    """Return the action that asks for a wash."""
    return call_action("booking", "request", order(start), WASH.hold(start))


async def book_a_wash(teller: Teller) -> Json:
    """Let alice book; returns her transaction and booking by name."""
    trial = {
        "contract": "booking", "function": "request", "account": acct("alice"), "args": order(),
        "funds": WASH.hold(SLOT),
    }  # fmt: skip
    await teller.show("contract_simulate", "a request for a wash", trial)
    cheap = {**trial, "args": {**order(), "total": 1}}
    await teller.show("contract_simulate", "a request at another price", cheap)
    wish = {"account": acct("alice"), "actions": [request()]}
    built = await teller.show("tx_build", "a request for a wash", wish)
    await teller.show("tx_decode", "what will be signed", {"body": built["body"]})
    await teller.show("tx_simulate", "before it is signed", {"body": built["body"]})
    made = await teller.show("tx_assemble", "body and signature", teller.sign("alice", built))
    taken = await teller.show("tx_submit", "the signed request", {"tx": made["tx"]})
    named = {"tx_id": taken["tx_id"]}
    await teller.show("node_health", "with a transaction that waits")
    await teller.show("tx_get", "it waits for a block", named)
    teller.make_block()
    await teller.show("tx_wait", "until it is final", {**named, "timeout_ms": 5_000})
    await teller.show("tx_get", "one that nobody knows", {"tx_id": UNKNOWN})
    await teller.show("tx_explain", "in people's words", {**named, "utc_offset_min": 480})
    chinese = {**named, "utc_offset_min": 480, "lang": "zh"}
    await teller.show("tx_explain", "in Chinese", chinese)
    booking = built["creates"][0]["id"]
    await teller.show("booking.booking", "its record", {"id": booking})
    await teller.show("booking.held_money", "what is held", {"id": booking})
    await teller.show("money_held", "for some bookings together", {"bookings": [booking]})
    await teller.show("booking.cancel_fee", "if she cancelled now", {"id": booking})
    asked = {"contract": "booking", "view": "cancel_fee", "args": {"id": booking}}
    later = {**asked, "time": SLOT - HOUR_MS}
    await teller.show("contract_read", "the fee an hour before the slot", later)
    unknown = {"contract": "booking", "view": "booking", "args": {"id": UNKNOWN}}
    await teller.refuse("contract_read", "a booking that is not there", unknown)
    await teller.show("contract_pots", "its money", {"contract": "booking", "key": [booking]})
    await teller.show("contract_timers", "its deadlines", {"contract": "booking", "key": [booking]})
    return {"tx_id": taken["tx_id"], "booking": booking}


async def _events(teller: Teller) -> None:
    wanted = {"filter": {"type": "booking.*"}}
    await teller.show("events_query", "all of bookings", wanted)
    wish = {**wanted, "from": "earliest", "window": 10}
    answer = await teller.show("events_subscribe", "from the beginning", wish)
    told = teller.connection.next_told(answer["sub"])
    dealt_with = {"sub": answer["sub"], "id": told["events"][-1]["id"]}
    await teller.show("events_ack", "all that came", dealt_with)
    await teller.show("events_unsubscribe", "enough", {"sub": answer["sub"]})
    await teller.refuse("events_subscribe", "over HTTP", wanted)


async def _at_the_shop(teller: Teller, booked: Json) -> None:
    """Let alice come, be served, and be content."""
    named = {"id": booked["booking"]}
    await teller.show("dev_setTime", "until the slot begins", {"time": SLOT})
    here = call_action("booking", "check_in", named)
    wish = {"account": acct("alice"), "actions": [here], "sponsor": acct("sparkle")}
    built = await teller.show("tx_build", "a check-in that the shop co-signs", wish)
    plain = {"body": built["body"]}
    await teller.refuse("tx_sponsor", "without a token", plain)
    await teller.refuse("tx_sponsor", "a check-in, by a program", plain, tier="shop")
    meant = {"body": built["body"], "attest": True}
    cosigned = await teller.show("tx_sponsor", "a check-in, by the staff", meant, tier="shop")
    made = await teller.ask("tx_assemble", teller.sign("alice", built, cosigned))
    await teller.ask("tx_submit", {"tx": made["tx"]})
    teller.make_block()
    await teller.do("sparkle", call_action("booking", "start_service", named))
    rest = WASH.price - WASH.hold(SLOT)
    if rest:
        await teller.do("alice", call_action("booking", "pay", named, rest))
    await about_work(teller, booked["booking"])
    await teller.do("sparkle", call_action("booking", "ready", named))
    await teller.do("alice", call_action("booking", "confirm", named))
    await about_reviews(teller, booked["booking"])


async def _many_at_once(teller: Teller) -> None:
    """Let bob and carol ask for the same time tomorrow, and somebody send nonsense."""
    tomorrow = request(SLOT + DAY_MS)
    txs = [await teller.signed(name, tomorrow) for name in ("bob", "carol")]
    batch = {"txs": [*txs, "00"]}
    answers = await teller.show("tx_submitBatch", "two requests and nonsense", batch)
    await teller.refuse("tx_submit", "nonsense", {"tx": "00"})
    teller.make_block()
    late = {"account": acct("dave"), "actions": [request(SLOT - DAY_MS)]}
    await teller.show("tx_build", "a request that would fail", late)
    await teller.show("tx_get", "it is in a block", {"tx_id": answers[0]["tx_id"]})
    receipt = (await teller.ask("tx_get", {"tx_id": answers[0]["tx_id"]}))["receipt"]
    named = {"id": receipt["events"][0]["values"]["id"]}
    over = await teller.do("bob", call_action("booking", "cancel_booking", named))
    await teller.show("tx_explain", "a cancellation", {"tx_id": over, "utc_offset_min": 480})
    again = {"contract": "booking", "function": "cancel_booking", "account": acct("bob")}
    await teller.show("contract_simulate", "a second cancellation", {**again, "args": named})


async def _what_has_been(teller: Teller, booked: Json) -> None:
    whose = {"account": acct("alice"), "limit": 2}
    page = await teller.show("tx_list", "of an account", whose)
    await teller.show("tx_list", "the next page", {**whose, "cursor": page["next_cursor"]})
    await teller.show("tx_list", "of a contract", {"contract": "shops", "limit": 1})
    other = {"account": acct("bob"), "cursor": page["next_cursor"]}
    await teller.refuse("tx_list", "with a cursor of another list", other)
    await teller.show("account_history", "the newest", {**whose, "limit": 1})
    found = {"filter": {"type": "booking.Closed", "values": {"id": booked["booking"]}}}
    await teller.show("events_query", "the end of a booking", found)


async def _proofs(teller: Teller, booked: Json) -> None:
    paid = {"kind": "receipt", "id": booked["tx_id"]}
    await teller.show("chain_getProof", "of a receipt", paid)
    balance = {"kind": "balance", "account": acct("alice"), "asset": "CNY"}
    await teller.show("chain_getProof", "of a balance", balance)
    supply = bytes([Space.SUPPLY]) + genesis_asset_id("CNY")
    keys = {"keys": [supply.hex(), f"{Space.ROLES:02x}" + UNKNOWN]}
    await teller.show("chain_getProofs", "of a supply, and of a stranger's having no role", keys)
    await teller.show("chain_getGenesis", "how it began")
    car = {"vehicle": encode_id("veh", bytes(range(32))), "secrets": [UNKNOWN]}
    await teller.refuse("passport_build", "of a car that nobody registered", car, tier="shop")
    await teller.show_passport("of a car with one record")
    await teller.show("passport_verify", "of three bytes", {"file": "AAAA"})


async def _development(teller: Teller) -> None:
    gift = {"account": acct("erin"), "amount": 50_000}
    await teller.show("dev_faucet", "500.00 for erin", gift)
    await teller.show("dev_mine", "two blocks", {"count": 2})
    kept = await teller.show("dev_snapshot", "before we try something")
    seeded = await teller.show("dev_seed", "some bookings", {"scenario": "default"})
    missed = next(one for one in seeded["bookings"] if one["fate"] == "missed")
    await teller.show("dev_increaseTime", "two hours", {"duration_ms": "2h"})
    stood = {"duration_ms": DAY_MS + 30 * MINUTE_MS}
    await teller.show("dev_halt", "a day without power", stood)
    await teller.ask("dev_increaseTime", {"duration_ms": "2d"})
    await teller.show("booking.booking", "a missed visit", {"id": missed["booking"]})
    await teller.show("dev_revert", "as if nothing had happened", {"snapshot": kept["snapshot"]})
    await teller.refuse("dev_revert", "to what was never kept", {"snapshot": "9"})


async def make_examples(folder: Path) -> tuple[dict[str, list[Json]], Json]:
    """Return the examples by method, and the document that shows them."""
    teller = Teller(folder)
    try:
        await tell_story(teller)
        examples = dict(sorted(teller.examples.items()))
        document = make_document(teller.registry, dev=True, version="", examples=examples)
        return examples, document
    finally:
        teller.close()


def examples_text(examples: Examples) -> str:
    """Return the file of examples: an example a line, so that changes can be read."""
    methods = []
    for name, shown in examples.items():
        lines = [json.dumps(one, ensure_ascii=False) for one in shown]
        methods.append(f"{json.dumps(name)}: [\n" + ",\n".join(lines) + "\n]")
    return "{\n" + ",\n".join(methods) + "\n}\n"


async def first_event(folder: Path) -> Json:
    """Return the event that tells of an accepted booking on a chain where nothing else happened."""
    teller = Teller(folder)
    await book_a_wash(teller)
    told = await teller.ask("events_query", {"filter": {"type": "booking.Moved"}})
    teller.close()
    event: Json = told["items"][0]
    return event


def main() -> None:
    """Write the files."""
    with tempfile.TemporaryDirectory() as folder:
        examples, document = asyncio.run(make_examples(Path(folder) / "node"))
        event = asyncio.run(first_event(Path(folder) / "second"))
    page = renew(EVENT_PAGE.read_text("utf-8"), event)
    EVENT_PAGE.write_text(page, "utf-8", newline="\n")
    EXAMPLES.write_text(examples_text(examples), "utf-8", newline="\n")
    PAGE.write_text(render_markdown(document), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
