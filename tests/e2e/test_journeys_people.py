"""Long ways of people over a network of four validators: a lost phone, a consent taken back."""

from typing import Any

import pytest

from node.client import AsyncWash
from node.client.records import Records
from node.demo.accounts import account_of, signer_of
from tests.e2e.journey_net import DAY_MS, HOUR_MS, JourneyNet, acct
from tests.e2e.journey_town import book, change, open_shops, refused, said, sentences, told_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
DELAY_MS = 72 * HOUR_MS
DETAILS = {"plate": "粤B·7Q2X9", "note": "scratch at the left door"}
GUARDIANS = ("customer14", "customer15", "customer16")


def key_of(name: str) -> str:
    """Return the public key that somebody's new phone made."""
    return signer_of(name).public_key.hex()


def account(net: JourneyNet, who: str) -> Any:
    """Return what is on the chain of somebody's account."""
    return net.ask("account_get", account=acct(who))


def name_guardians(net: JourneyNet, who: str) -> None:
    """Let somebody name three guardians, two of whom are enough."""
    named = {"guardians": [acct(one) for one in GUARDIANS], "threshold": 2}
    net.do(who, [{"type": "set_guardians", **named}])


def approve(net: JourneyNet, account: str, key: str, *guardians: str) -> Any:
    """Let guardians approve a new key for an account; returns the last outcome."""
    action = {"type": "approve_recovery", "account": acct(account), "new_key": key_of(key)}
    return [net.do(one, [action]) for one in guardians][-1]


def finish(net: JourneyNet, account: str) -> Any:
    """Let a guardian finish the recovery of an account."""
    return net.do(GUARDIANS[0], [{"type": "finish_recovery", "account": acct(account)}])


def test_who_loses_a_phone_gets_the_account_back_by_two_guardians_after_72_hours(
    journeys: JourneyNet,
) -> None:
    net = journeys
    people = ("customer13", "shop11")
    before = [net.balance(one) for one in people]
    open_shops(net, "shop11")
    name_guardians(net, "customer13")
    booking = book(net, "customer13", "shop11", net.now + 6 * DAY_MS)

    first = approve(net, "customer13", "new phone", GUARDIANS[0])
    with net.refuses("WRONG_STATE"):
        finish(net, "customer13")
    second = approve(net, "customer13", "new phone", GUARDIANS[1])
    with net.refuses("ROLE"):
        approve(net, "customer13", "new phone", "customer1")
    net.at(account(net, "customer13")["recovery"]["ready_at"] - 1)
    with net.refuses("WRONG_STATE"):
        finish(net, "customer13")
    done = finish(net, "customer13")
    with net.refuses("KEY_SCOPE"):
        net.call("customer13", "booking.cancel_booking", id=booking)
    cancelled = net.call("customer13", "booking.cancel_booking", id=booking, key="new phone")

    assert change(before, [net.balance(one) for one in people]) == [0, 0]
    assert [one["key"] for one in account(net, "customer13")["keys"]] == [key_of("new phone")]
    assert [sentences(net, tx_id=one.tx_id) for one in (first, second, done, cancelled)] == [
        said("a guardian agrees"),
        said("a guardian agrees"),
        said("a new key is in force"),
        said("a booking is cancelled in time"),
    ]
    assert len(net.roots()) == 1


def test_a_thief_with_two_guardians_is_stopped_by_the_old_key_in_time(
    journeys: JourneyNet,
) -> None:
    net = journeys
    before = net.balance("customer17")
    name_guardians(net, "customer17")
    approve(net, "customer17", "thief", *GUARDIANS[:2])

    net.tick(DELAY_MS - HOUR_MS)
    stopped = net.do("customer17", [{"type": "cancel_recovery"}])
    net.tick(2 * HOUR_MS)
    with net.refuses("WRONG_STATE"):
        finish(net, "customer17")
    pay = {"type": "transfer", "asset": "CNY", "to": acct("thief"), "amount": 1}
    with net.refuses("KEY_SCOPE"):
        net.do("customer17", [pay], key="thief")
    net.do("customer17", [{**pay, "to": acct("customer18")}])

    assert net.balance("customer17") == before - 1
    assert account(net, "customer17")["recovery"] is None
    assert sentences(net, tx_id=stopped.tx_id) == said("a new key is stopped")
    assert len(net.roots()) == 1


def test_after_a_consent_is_taken_back_a_reader_is_refused_at_once(journeys: JourneyNet) -> None:
    net = journeys
    open_shops(net, "shop2", "shop12")
    until = net.now + 30 * DAY_MS

    with net.switched_on("shop2"):
        told = net.meanwhile(ask_read_and_be_refused(net.net["shop2"].rpc_url, until))
        (revoked,) = net.events("consent.Revoked", owner=acct("customer18"))
        agreed = net.roots()

    consent, blob = told["consent"], told["blob"]
    assert told["before"] == told["after"] == (3501, "NO_CONSENT")
    assert told["other purpose"] == (3502, "PURPOSE")
    assert told["read"] == (DETAILS, "blob")
    assert told["checked"] == {"allowed": False, "basis": None, "reason": "no_consent"}
    assert told["log"] == [("HISTORY", acct("shop12"), "blob", blob)]
    named = {"id": consent, "owner": "customer18", "reader": "shop12"}
    assert net.plain(revoked["values"]) == named
    assert told_of(net, revoked) == said("a consent is taken back")
    assert told["gone"] == [(3503, "BLOB_GONE")] * 2
    assert net.read("consent.blob", id=blob)["state"] == "ERASED"
    assert len(agreed) == 1


async def ask_read_and_be_refused(url: str, until: int) -> dict[str, Any]:
    """Let a shop write about a customer, another one read it, and the customer take that back."""
    async with AsyncWash(url, timeout_s=60) as wash:
        names = ("shop2", "customer18", "shop12")
        author, owner, reader = [Records(wash, signer_of(one)) for one in names]
        told: dict[str, Any] = {}
        blob = await author.keep(DETAILS, owner=account_of("customer18"), kind="VEHICLE")
        told["before"] = await refused(reader.read(blob, "HISTORY"))
        asked = await reader.ask(account_of("customer18"), "HISTORY", until=until, blob=blob)
        consent = await owner.grant(account_of("shop12"), "HISTORY", until=until, blobs=[blob])
        assert asked == consent
        found = await reader.read(blob, "HISTORY")
        told["read"] = found.content, found.basis
        told["other purpose"] = await refused(reader.read(blob, "OFFERS"))
        await owner.revoke(consent)
        told["after"] = await refused(reader.read(blob, "HISTORY"))
        told["checked"] = await owner.may_read(account_of("shop12"), blob, "HISTORY")
        log = await owner.access_log()
        told["log"] = [
            (one["purpose"], one["reader"], one["basis"], one["blob"])
            for one in log["items"]
            if one["basis"] != "own"
        ]
        await owner.erase(blob)
        told["gone"] = [await refused(one.read(blob, "SERVICE")) for one in (author, owner)]
        return {**told, "consent": consent, "blob": blob}
