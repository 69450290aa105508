"""What actions tell in events, and what a contract sees of who called it."""

import pytest

from chain.changes import GrantRole, SetParam
from chain.errors import WrongStateError
from chain.governance import proposal_id
from chain.receipt import Event, KernelEvent
from chain.transaction import (
    AccountKey,
    Action,
    AddKey,
    Admit,
    Burn,
    Call,
    Deploy,
    IssueAsset,
    Mint,
    Propose,
    SetGuardians,
    Transfer,
    asset_id,
    call_id,
    instance_id,
)
from chain.types import HOUR_MS, ZERO_ID
from contracts.vm.container import code_id
from tests.make import BOX, MONEY, TestChain, account, compiled, signer, word

MIRROR = """
from wash import *

class Mirror(Contract):
    Seen = Event(
        caller=Address, origin=Address, signer=Bytes[32], sponsor=Address, self=Address,
        due=Time, now=Time
    )

    @action
    def look(self):
        emit(self.Seen, caller(), origin(), signer(), sponsor(), this(), due(), now())

    @action
    def plan(self, id: Hash, at: Time):
        schedule(self.ring, at=at, key=id)

    @timer
    def ring(self, id: Hash):
        emit(self.Seen, caller(), origin(), signer(), sponsor(), this(), due(), now())
"""
OLGA, ALICE, BOB, SAM = (account(name) for name in ("olga", "alice", "bob", "sam"))


COIN = asset_id(OLGA, "COIN")


@pytest.mark.parametrize(
    ("action", "event", "values"),
    [
        (Transfer(MONEY, BOB, 5), KernelEvent.TRANSFERRED, (MONEY, OLGA, BOB, 5)),
        (IssueAsset("COIN", 2, 0, None, ()), KernelEvent.ASSET_ISSUED, (COIN, OLGA)),
        (IssueAsset("COIN", 2, 0, BOB, ()), KernelEvent.ASSET_ISSUED, (COIN, BOB)),
        (Mint(MONEY, BOB, 5), KernelEvent.MINTED, (MONEY, BOB, 5)),
        (Burn(MONEY, 5), KernelEvent.BURNED, (MONEY, OLGA, 5)),
        (AddKey(AccountKey(BOB, None, (), None)), KernelEvent.KEYS_CHANGED, (OLGA,)),
        (SetGuardians((BOB,), 1), KernelEvent.KEYS_CHANGED, (OLGA,)),
        (Admit(SAM), KernelEvent.ADMITTED, (SAM, OLGA)),
    ],
)
def test_an_action_tells_what_it_did(
    chain: TestChain, action: Action, event: KernelEvent, values: tuple[object, ...]
) -> None:
    receipt = chain.do("olga", action)

    assert receipt.events == (Event(ZERO_ID, event, values),)


def test_a_deployment_tells_the_instance_and_a_proposal_its_id(chain: TestChain) -> None:
    deploy = Deploy(compiled(BOX), (MONEY,), (), ())
    tx = chain.sign("olga", deploy, Propose(GrantRole(SAM, 0)), gas_limit=300_000)

    receipt = chain.run(tx).receipts[0]

    proposal = proposal_id(call_id(tx.tx_id, 1))
    assert receipt.events == (
        Event(
            ZERO_ID,
            KernelEvent.DEPLOYED,
            (instance_id(tx.tx_id, 0), code_id(compiled(BOX)), OLGA),
        ),
        Event(ZERO_ID, KernelEvent.PROPOSED, (proposal, OLGA)),
        Event(ZERO_ID, KernelEvent.DECIDED, (proposal,)),
    )


def test_a_contract_sees_who_called_signed_and_sponsored(chain: TestChain) -> None:
    mirror = chain.deploy(MIRROR, assets=())
    phone = signer("sam's phone")
    chain.do("sam", AddKey(AccountKey(phone.public_key, None, (), None)), sponsor=signer("bob"))

    receipt = chain.call("sam", mirror, "look", by=phone, sponsor=signer("bob"))

    seen = (SAM, SAM, phone.public_key, BOB, mirror, 0, chain.now)
    assert receipt.events == (Event(mirror, 0, seen),)


def test_a_timer_sees_nobody_who_signed(chain: TestChain) -> None:
    mirror, due = chain.deploy(MIRROR, assets=()), chain.now + HOUR_MS
    chain.call("alice", mirror, "plan", word("x"), due)

    fired = chain.run(at=due + 5).receipts[0]

    seen = (mirror, mirror, b"", ZERO_ID, mirror, due, due + 5)
    assert fired.events == (Event(mirror, 0, seen),)


def test_money_that_came_along_is_what_the_contract_counts(chain: TestChain) -> None:
    box = chain.deploy()
    calls = (
        Call(box, "put", (word("x"), chain.now + HOUR_MS, ALICE), 30),
        Call(box, "add", (word("x"),), 12),
        Call(box, "pay", (word("x"), BOB, 40), 0),
    )

    receipt = chain.do("alice", *calls)
    chain.idle(chain.now + 2 * HOUR_MS)

    assert receipt.ok
    assert (chain.balance("alice"), chain.balance("bob")) == (1_000_000 - 40, 1_000_000 + 40)


def test_no_parameter_may_leave_a_timer_of_an_installed_contract_without_room(
    chain: TestChain,
) -> None:
    free = chain.do("olga", Propose(SetParam("timer_gas_share_bp", 1)))
    chain.do("olga", Propose(SetParam("timer_gas_share_bp", 2_500)))
    chain.deploy(BOX, installed="box")

    tight = chain.do("olga", Propose(SetParam("timer_gas_share_bp", 1)))
    wide = chain.do("olga", Propose(SetParam("timer_gas_share_bp", 3_000)))

    assert (free.ok, tight.ok, tight.error, wide.ok) == (True, False, WrongStateError.code, True)
