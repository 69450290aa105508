"""JSON forms of money, events and receipts."""

import json
from typing import Any

import pytest

from chain.errors import UnknownIdError
from chain.executed import KERNEL_INDEXED
from chain.ids import encode_id
from chain.receipt import Event, KernelEvent, Receipt, ReceiptKind
from chain.transaction import Call, Deploy, IssueAsset, Transfer, asset_id
from chain.types import HOUR_MS, MINUTE_MS, ZERO_ID
from node.rpc.errors import InvalidParamsError, NotFoundError
from node.rpc.forms import shapes
from node.rpc.forms.kernel_events import KERNEL_ABI
from tests.contracts.standard.setting import HELD, TOTAL
from tests.make import MONEY, TestChain, account, compiled, word
from tests.node.rpc.shop import SLOT, Reader, Shop

ALICE, BOB = (encode_id("acct", account(name)) for name in ("alice", "bob"))
CNY = encode_id("ast", MONEY)


@pytest.fixture
def reader(chain: TestChain) -> Reader:
    return Reader(chain)


@pytest.fixture
def shop(chain: TestChain) -> Shop:
    return Shop(chain)


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "CNY", "asset": CNY}


def receipts_at_head(reader: Reader) -> list[shapes.ReceiptJson]:
    return shapes.block_receipts_json(reader, reader.ledger.height)


def origin(kind: ReceiptKind = ReceiptKind.TRANSACTION) -> Receipt:
    return Receipt(kind, word("origin"), True, 0, 0, 0, ())


# Assets -----------------------------------------------------------------------------------------


def test_an_asset_is_found_by_symbol_and_by_id(reader: Reader, chain: TestChain) -> None:
    chain.do("alice", IssueAsset("PTS", 0, 0, None, ()))
    points = asset_id(account("alice"), "PTS")

    found = [shapes.find_asset(reader, text) for text in ("CNY", CNY, CNY.upper(), "PTS")]

    assert found == [MONEY, MONEY, MONEY, points]


def test_the_symbol_of_the_genesis_file_is_nobody_s_to_take(
    reader: Reader, chain: TestChain
) -> None:
    assert chain.do("alice", IssueAsset("CNY", 2, 0, None, ())).ok

    assert shapes.find_asset(reader, "CNY") == MONEY


def test_a_symbol_of_several_assets_names_none(reader: Reader, chain: TestChain) -> None:
    for name in ("alice", "bob"):
        chain.do(name, IssueAsset("PTS", 0, 0, None, ()))

    with pytest.raises(InvalidParamsError, match="2 assets are called 'PTS'; give the id"):
        shapes.find_asset(reader, "PTS")


@pytest.mark.parametrize("text", ["GOLD", "", encode_id("ast", word("none"))])
def test_an_unknown_asset_is_not_found(reader: Reader, text: str) -> None:
    with pytest.raises(NotFoundError):
        shapes.find_asset(reader, text)


def test_a_mistyped_asset_id_is_refused(reader: Reader) -> None:
    with pytest.raises(InvalidParamsError, match="checksum"):
        shapes.find_asset(reader, CNY[:-1] + ("q" if CNY[-1] != "q" else "p"))


def test_money_of_an_unknown_asset_has_its_id_only(reader: Reader) -> None:
    unknown = word("gold")

    assert shapes.amount_json(reader, unknown, 5) == {
        "amount": 5, "currency": None, "asset": encode_id("ast", unknown),
    }  # fmt: skip


# Events -----------------------------------------------------------------------------------------


def test_a_booking_s_receipt_shows_names_amounts_and_ids(reader: Reader, shop: Shop) -> None:
    booking = encode_id("bkg", shop.book())

    (receipt,) = receipts_at_head(reader)

    height, time = reader.ledger.height, reader.ledger.head.time_ms
    requested, moved = receipt["events"]
    assert (receipt["kind"], receipt["status"], receipt["code"], receipt["error"]) == (
        "transaction", "final", 0, None,
    )  # fmt: skip
    assert (receipt["height"], receipt["index"], receipt["time"]) == (height, 0, time)
    assert requested == {
        "id": f"{height}-0",
        "height": height,
        "time": time,
        "level": "final",
        "type": "booking.Requested",
        "contract": encode_id("ctr", shop.booking),
        "origin": {"kind": "transaction", "id": receipt["id"]},
        "values": {
            "id": booking, "shop": BOB, "customer": ALICE, "start": SLOT, "total": money(TOTAL),
            "held": money(HELD),
        },
    }  # fmt: skip
    assert (moved["id"], moved["values"]["state"]) == (f"{height}-1", "ACCEPTED")
    assert json.loads(json.dumps(receipt)) == receipt


def test_events_are_numbered_through_the_whole_block(reader: Reader, chain: TestChain) -> None:
    send = [Transfer(MONEY, account("bob"), n) for n in (1, 2, 3)]
    chain.run(chain.sign("alice", *send[:2]), chain.sign("alice", send[2]))
    height = reader.ledger.height
    last = reader.ledger.store.receipts(height)[1]

    together = receipts_at_head(reader)
    alone = shapes.receipt_json(reader, last, (height, 1), reader.ledger.head.time_ms)

    ids = [event["id"] for one in together for event in one["events"]]
    assert ids == [f"{height}-0", f"{height}-1", f"{height}-2"]
    assert alone == together[1]


def test_a_contract_without_a_name_goes_by_its_id(reader: Reader, chain: TestChain) -> None:
    box, due = chain.deploy(), chain.now + HOUR_MS
    chain.call("alice", box, "plan", word("bell"), due)
    chain.idle(due)

    (receipt,) = receipts_at_head(reader)

    (rang,) = receipt["events"]
    assert receipt["kind"] == "timer"
    assert (rang["type"], rang["origin"]["kind"]) == (f"{encode_id('ctr', box)}.Rang", "timer")
    assert rang["values"] == {"id": word("bell").hex(), "number": 1}


def test_a_fallback_tells_the_pot_and_the_money(reader: Reader, chain: TestChain) -> None:
    box, until = chain.deploy(installed="box"), chain.now + HOUR_MS
    chain.call("alice", box, "put", word("pot"), until, account("bob"), funds=70)
    chain.idle(until)

    (receipt,) = receipts_at_head(reader)

    (event,) = receipt["events"]
    assert (receipt["kind"], event["type"], event["contract"]) == (
        "fallback", "chain.pot_fallback", None,
    )  # fmt: skip
    assert event["values"] == {
        "contract": encode_id("ctr", box), "pot": "pots", "key": [word("pot").hex()], "to": BOB,
        "asset": CNY, "amount": money(70),
    }  # fmt: skip


def test_a_timer_that_fails_tells_which_and_why(reader: Reader, chain: TestChain) -> None:
    box, due = chain.deploy(), chain.now + HOUR_MS
    chain.call("alice", box, "plan", word("bell"), due)
    chain.call("alice", box, "set_broken", 1)
    chain.idle(due)

    (receipt,) = receipts_at_head(reader)

    (event,) = receipt["events"]
    values = event["values"]
    assert (receipt["ok"], receipt["status"], receipt["code"]) == (False, "failed", 3000)
    assert receipt["error"] is not None
    assert receipt["error"]["reason"] == "broken"
    assert (event["type"], values["timer"], values["key"], values["will_retry"]) == (
        "chain.timer_failed", "ring", [word("bell").hex()], True,
    )  # fmt: skip
    assert values["error"] == receipt["error"]


KERNEL_VALUES: dict[KernelEvent, tuple[Any, ...]] = {
    KernelEvent.TRANSFERRED: (MONEY, account("alice"), account("bob"), 5),
    KernelEvent.ASSET_ISSUED: (MONEY, account("olga")),
    KernelEvent.MINTED: (MONEY, account("alice"), 5),
    KernelEvent.BURNED: (MONEY, account("alice"), 5),
    KernelEvent.DEPLOYED: (word("box"), word("code"), account("olga")),
    KernelEvent.POT_FALLBACK: (word("box"), b"\0" * 33, account("bob"), MONEY, 5),
    KernelEvent.TIMER_FAILED: (word("box"), b"\0" * 33, 4, 0, False),
    KernelEvent.KEYS_CHANGED: (account("alice"),),
    KernelEvent.RECOVERY_CHANGED: (account("alice"),),
    KernelEvent.PROPOSED: (word("proposal"), account("olga")),
    KernelEvent.DECIDED: (word("proposal"),),
    KernelEvent.ADMITTED: (account("alice"), account("olga")),
    KernelEvent.REJECTED: (word("proposal"),),
    KernelEvent.ISSUER_CHANGED: (MONEY, word("box")),
    KernelEvent.UPGRADE_PLANNED: (word("box"), word("code"), 5_000),
    KernelEvent.UPGRADE_WITHDRAWN: (word("box"), word("code")),
    KernelEvent.UPGRADED: (word("box"), word("code")),
    KernelEvent.UPGRADE_DROPPED: (word("box"), word("code"), 5_003),
}


@pytest.mark.parametrize("kind", list(KernelEvent))
def test_every_event_of_the_chain_has_named_fields(reader: Reader, kind: KernelEvent) -> None:
    values = KERNEL_VALUES[kind]

    shown = shapes.event_json(reader, Event(ZERO_ID, kind, values), (7, 2), 1_000, origin())

    declared = KERNEL_ABI.events[kind]
    assert shown["type"] == f"chain.{kind.name.lower()}"
    assert (shown["id"], shown["contract"]) == ("7-2", None)
    assert {name for name, _kind in declared.fields} <= set(shown["values"])
    assert (len(declared.fields), declared.indexed) == (len(values), KERNEL_INDEXED[kind])
    assert json.loads(json.dumps(shown)) == shown


def test_a_transfer_tells_who_gave_what_to_whom(reader: Reader) -> None:
    event = Event(ZERO_ID, KernelEvent.TRANSFERRED, KERNEL_VALUES[KernelEvent.TRANSFERRED])

    shown = shapes.event_json(reader, event, (7, 2), 1_000, origin())

    assert shown["values"] == {"asset": CNY, "from": ALICE, "to": BOB, "amount": money(5)}


def test_events_that_nobody_declared_are_shown_bare(reader: Reader, chain: TestChain) -> None:
    box = chain.deploy()
    strange = [
        Event(ZERO_ID, 200, (b"\1", 2)),
        Event(ZERO_ID, KernelEvent.DECIDED, (1, 2)),
        Event(box, 99, ("x",)),
        Event(word("nowhere"), 0, (True,)),
    ]

    shown = [shapes.event_json(reader, one, (1, 0), 1, origin()) for one in strange]

    assert [(one["type"].partition(".")[2], one["values"]) for one in shown] == [
        ("event_200", {"v0": "01", "v1": 2}),
        ("decided", {"v0": 1, "v1": 2}),
        ("event_99", {"v0": "x"}),
        ("event_0", {"v0": True}),
    ]


# Failures ---------------------------------------------------------------------------------------


def test_a_refusal_has_the_name_that_its_contract_gives(reader: Reader, shop: Shop) -> None:
    booking = shop.book()
    shop.chain.call("bob", shop.booking, "cancel_booking", booking)

    (receipt,) = receipts_at_head(reader)

    assert receipt["error"] is not None
    assert (receipt["ok"], receipt["status"], receipt["events"]) == (False, "failed", [])
    assert (receipt["code"], receipt["error"]["reason"]) == (3602, "not_customer")


def test_a_refusal_that_two_contracts_may_mean_differently_has_no_name(
    reader: Reader, shop: Shop
) -> None:
    booking = shop.book()
    calls = (
        Call(shop.register, "set_settings", (True, True, 0, 0, 0), 0),
        Call(shop.booking, "cancel_booking", (booking,), 0),
    )
    receipt = shop.chain.do("bob", *calls)

    error = shapes.receipt_error(reader, receipt)

    assert (error["code"], error["reason"]) == (3000, f"error_{receipt.error}")


def test_the_chain_s_own_refusal_keeps_its_code(reader: Reader, chain: TestChain) -> None:
    chain.do("alice", Transfer(MONEY, account("bob"), 10**12))

    (receipt,) = receipts_at_head(reader)

    assert (receipt["ok"], receipt["code"]) == (False, 2001)


# Simulations ------------------------------------------------------------------------------------


def test_a_simulated_receipt_has_no_place(reader: Reader, chain: TestChain) -> None:
    tx = chain.sign("alice", Transfer(MONEY, account("bob"), 5))
    simulated = reader.simulate(tx, signed=False)
    assert simulated.receipt is not None

    shown = shapes.unplaced_receipt(reader, simulated.receipt)
    changes = shapes.changes_json(reader, simulated.changes)

    (event,) = shown["events"]
    assert (shown["height"], shown["index"], shown["time"]) == (None, None, None)
    assert (event["id"], event["level"], event["values"]["amount"]) == (None, "simulated", money(5))
    assert sorted((one["account"], one["change"]) for one in changes) == sorted(
        [(ALICE, -5), (BOB, 5)]
    )


def test_the_same_values_look_the_same_after_an_hour(reader: Reader, shop: Shop) -> None:
    shop.book()
    height = reader.ledger.height
    before = shapes.block_receipts_json(reader, height)

    shop.chain.idle(shop.chain.now + HOUR_MS + MINUTE_MS)

    assert shapes.block_receipts_json(reader, height) == before


def test_a_refusal_at_deployment_has_the_name_that_the_code_gives(
    reader: Reader, chain: TestChain
) -> None:
    source = """
from wash import *

class Picky(Contract):
    \"\"\"Takes one number only.\"\"\"
    number: uint

    @init
    def setup(self, number: uint):
        require(number == 7, "not_seven")
        self.number = number
"""
    chain.do("olga", Deploy(compiled(source), (), (), (8,)), gas_limit=300_000)

    (receipt,) = receipts_at_head(reader)

    assert receipt["error"] is not None
    assert (receipt["ok"], receipt["error"]["reason"]) == (False, "not_seven")


def test_what_shows_no_contract_is_told_as_unknown(reader: Reader) -> None:
    assert shapes.codec_for(reader, word("none")) is None
    assert shapes.contract_name(reader, ZERO_ID) == "chain"
    assert shapes.events_of(reader, ZERO_ID)[0] == KERNEL_ABI.events
    with pytest.raises(UnknownIdError):
        shapes.events_of(reader, word("none"))
