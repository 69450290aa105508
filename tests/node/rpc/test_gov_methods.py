"""Proposals, votes and validators over the door: what waits, what is refused with its reason."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.changes import GrantRole, InstallContract, SetFeature, SetValidator, UpgradeContract
from chain.errors import (
    LastValidatorError,
    NotReadyError,
    QuorumRiskError,
    RoleError,
    UpgradeRefusedError,
)
from chain.features import NOTICE_HEIGHTS
from chain.governance import proposal_id
from chain.ids import encode_id
from chain.receipt import Event, KernelEvent
from chain.roles import Role
from chain.transaction import Oppose, Propose, Vote, call_id
from chain.types import DAY_MS, HOUR_MS, ZERO_ID
from node.rpc.methods.node import Vitals, find_warnings
from tests import make
from tests.contracts.tallies import BETTER, MONTH, TALLY, put_code
from tests.make import TestChain, account, genesis, signer
from tests.node.rpc.door import TestNode
from tests.node.rpc.reading import Reader

SAM = account("sam")
OLGA, OTTO = (encode_id("acct", account(name)) for name in ("olga", "otto"))


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    """Olga, otto and oona are the operators."""
    operator: tuple[str, ...] = ("member", "operator")
    roles = dict.fromkeys(("otto", "oona"), operator)
    made = TestChain(tmp_path, genesis(roles=roles))
    yield made
    made.close()


def propose(chain: TestChain, change: Any) -> bytes:
    return bytes(chain.do("olga", Propose(change)).events[0].values[0])


async def test_open_proposals_are_shown_with_their_votes_and_decided_ones_with_their_height(
    chain: TestChain,
) -> None:
    proposal = propose(chain, GrantRole(SAM, Role.ADMITTER))
    reader = Reader(chain)

    waiting = await reader.ask("gov_proposals")
    shown = await reader.ask("gov_proposal", proposal=proposal.hex())
    for name in ("otto", "oona"):
        chain.do(name, Vote(proposal))
    after = await reader.ask("gov_proposals")
    decided = await reader.ask("gov_proposal", proposal=proposal.hex())

    sam = encode_id("acct", SAM)
    change = {"type": "grant_role", "account": sam, "role": "admitter"}
    sentence = {"en": f"make {sam} one who admits members", "zh": f"授予{sam}准入人身份"}
    assert shown == {
        "proposal": proposal.hex(), "state": "open", "change": change, "proposed_at": 1,
        "sentence": sentence,
        "decided_at": None, "votes": [OLGA], "against": [], "votes_needed": 3, "operators": 3,
    }  # fmt: skip
    assert waiting == {"items": [shown], "next_cursor": None}
    assert after == {"items": [], "next_cursor": None}
    assert decided == {
        **shown, "state": "decided", "decided_at": 3, "votes": [], "votes_needed": None,
    }  # fmt: skip


async def test_a_proposal_that_can_not_pass_any_more_is_turned_down(chain: TestChain) -> None:
    proposal = propose(chain, GrantRole(SAM, Role.ADMITTER))
    reader = Reader(chain)
    params = {"account": OTTO, "proposal": proposal.hex(), "against": True}

    built = await reader.ask("gov_vote_build", **params)
    against = chain.do("otto", Oppose(proposal))
    closed = await reader.ask("gov_proposal", proposal=proposal.hex())
    code, _text = await reader.refusal("gov_vote_build", **params)

    told = Event(ZERO_ID, KernelEvent.REJECTED, (proposal,))
    assert (built["trial"]["ok"], against.events, code) == (True, (told,), 6001)
    assert (closed["state"], closed["decided_at"], closed["votes"]) == ("rejected", 2, [])


async def test_many_proposals_are_listed_page_by_page(chain: TestChain) -> None:
    ids = sorted(propose(chain, GrantRole(make.word(str(n)), 0)).hex() for n in range(3))
    reader = Reader(chain)

    first = await reader.ask("gov_proposals", limit=2)
    rest = await reader.ask("gov_proposals", limit=2, cursor=first["next_cursor"])

    assert [one["proposal"] for one in (*first["items"], *rest["items"])] == ids
    assert rest["next_cursor"] is None


async def test_a_proposal_that_never_was_is_not_found(chain: TestChain) -> None:
    code, _text = await Reader(chain).refusal("gov_proposal", proposal=make.word("x").hex())

    assert code == 6001


async def test_a_proposal_is_built_or_refused_with_the_reason(chain: TestChain) -> None:
    reader = Reader(chain)
    key = make.VALIDATOR.public_key.hex()
    removal = {"type": "set_validator", "key": key, "power": 0}
    unready = {"type": "set_validator", "key": account("v1").hex(), "power": 1}
    role = {"type": "grant_role", "account": OTTO, "role": "arbiter"}
    sam = encode_id("acct", SAM)

    built = await reader.ask("gov_propose_build", account=OLGA, change=role)
    refused = [
        await reader.refusal("gov_propose_build", account=who, change=change)
        for who, change in ((OLGA, removal), (OLGA, unready), (sam, role))
    ]

    codes = [LastValidatorError.code, NotReadyError.code, RoleError.code]
    made = proposal_id(call_id(bytes.fromhex(built["tx_id"]), 0)).hex()
    assert [code for code, _text in refused] == codes
    assert "is the only validator; add another one first" in refused[0][1]
    assert built["trial"] == {"ok": True, "error": None}
    assert [one["id"] for one in built["creates"]] == [made]


async def test_a_proposal_of_any_kind_is_told_in_words(chain: TestChain) -> None:
    reader, new = Reader(chain), signer("new")
    proposal = propose(chain, InstallContract("tally", chain.deploy(TALLY)))
    for name in ("otto", "oona"):
        chain.do(name, Vote(proposal))
    ready = chain.joining(new).ready
    assert ready is not None
    proof = {
        "height": 0, "block_id": ready.block_id.hex(), "signature": ready.signature.hex(),
    }  # fmt: skip
    upgrade = {
        "type": "upgrade_contract", "contract": "tally", "code_id": put_code(chain, BETTER).hex(),
    }  # fmt: skip
    changes: list[tuple[dict[str, Any], str]] = [
        (
            {"type": "set_validator", "key": new.public_key.hex(), "power": 1, "ready": proof},
            "add a computer that keeps the books",
        ),
        ({"type": "set_feature", "name": "x", "height": 5_000}, 'add the new rule "x", in force'),
        (
            {
                "type": "issue_asset", "symbol": "P", "decimals": 0, "policy": "open",
                "issuer": OTTO, "contracts": [],
            },
            'make new money "P"',
        ),
        (
            {"type": "set_issuer", "asset": "CNY", "contract": "tally"},
            "let only the agreed rules",
        ),
        (
            {"type": "allow_contracts", "asset": "CNY", "contracts": ["tally"]},
            "set which agreed rules may hold CNY (1 of them)",
        ),
        ({**upgrade, "at_ms": 1_800_000_000_000}, "not before Fri 2027-01-15 08:00 UTC"),
        (upgrade, "by a new text, not before everybody was told in time"),
    ]  # fmt: skip

    for change, words in changes:
        built = await reader.ask("gov_propose_build", account=OLGA, change=change)
        assert words in built["summary"]["en"]
        assert built["trial"] == {"ok": True, "error": None}


async def test_an_upgrade_is_shown_while_it_waits_and_told_when_it_begins(tmp_path: Path) -> None:
    chain = TestChain(tmp_path)
    tally, reader = chain.deploy(TALLY, installed="tally"), Reader(chain)
    unknown = {"type": "upgrade_contract", "contract": "tally", "code_id": "00" * 32}
    code = put_code(chain, BETTER)

    refused = await reader.refusal("gov_propose_build", account=OLGA, change=unknown)
    chain.do("olga", Propose(UpgradeContract(tally, code, (), (), 0)))
    at = chain.now + MONTH
    waiting = await reader.ask("contract_get", contract="tally")
    chain.run(at=at)
    told = await reader.ask("tx_explain", height=chain.head.height, index=0)
    shown = await reader.ask("chain_getBlock", height=chain.head.height, detail="full")
    done = await reader.ask("contract_get", contract="tally")
    chain.close()

    assert refused[0] == UpgradeRefusedError.code
    assert waiting["pending_upgrade"] == {
        "code_id": code.hex(), "at_ms": at, "assets": [], "links": [],
    }  # fmt: skip
    assert (done["pending_upgrade"], done["code_id"]) == (None, code.hex())
    assert told["status"] == "final"
    assert "go by their new text now" in told["sentence"]
    assert [one["kind"] for one in shown["receipts"]] == ["upgrade"]


async def test_a_vote_is_built_or_refused_with_the_reason(tmp_path: Path) -> None:
    four = [signer(f"v{number}") for number in range(4)]
    operator: tuple[str, ...] = ("member", "operator")
    chain = TestChain(tmp_path, genesis(validators=four, roles={"otto": operator}))
    chain.voters = four
    proposal = propose(chain, SetValidator(four[1].public_key, 0))
    reader = Reader(chain)

    built = await reader.ask("gov_vote_build", account=OTTO, proposal=proposal.hex())
    chain.voters = four[:3]
    for _number in range(7):
        chain.run()
    code, text = await reader.refusal("gov_vote_build", account=OTTO, proposal=proposal.hex())
    listed = await reader.ask("validator_list")
    chain.close()

    assert built["trial"]["ok"]
    assert (code, listed["seen"], listed["quorum"]) == (QuorumRiskError.code, 3, 3)
    assert f"not seen: {four[3].public_key.hex()}" in text
    assert [one["key"] for one in listed["items"] if one["is_silent"]] == [four[3].public_key.hex()]
    assert listed["items"][-1]["key"] == four[3].public_key.hex()


async def test_a_change_of_validators_is_shown_while_it_waits(chain: TestChain) -> None:
    new = signer("new")
    chain.voters.append(new)
    proposal = propose(chain, chain.joining(new))
    reader = Reader(chain)
    before = await reader.ask("validator_list")
    for name in ("otto", "oona"):
        chain.do(name, Vote(proposal))

    waiting = await reader.ask("validator_list")
    chain.run()
    after = await reader.ask("validator_list")

    keys = sorted([make.VALIDATOR.public_key.hex(), new.public_key.hex()])
    assert (before["pending"], before["quorum"], len(before["items"])) == (None, 1, 1)
    assert before["items"][0]["last_seen"] is None
    assert waiting["pending"] == {"activation": 5, "keys": keys, "quorum": 2}
    assert (after["pending"], after["quorum"], after["seen"], after["dropped"]) == (
        None, 2, 2, None,
    )  # fmt: skip
    assert sorted(one["key"] for one in after["items"]) == keys


async def test_rules_that_were_voted_for_are_listed_and_warned_of(
    chain: TestChain, caplog: pytest.LogCaptureFixture
) -> None:
    proposal = propose(chain, SetFeature("night-prices", NOTICE_HEIGHTS + 9))
    for name in ("otto", "oona"):
        chain.do(name, Vote(proposal))
    reader = Reader(chain)

    listed = await reader.ask("gov_features")
    health = await reader.ask("node_health")

    codes = [one["code"] for one in health["warnings"]]
    assert listed == [
        {
            "name": "night-prices", "activation": 1_009, "in_force": False, "known": False,
            "expected_at": chain.now + 1_006_000,
        }
    ]  # fmt: skip
    assert "UPGRADE_DUE" in codes
    assert "the node stops before that height" in caplog.text


async def test_the_first_height_that_leaves_two_weeks_is_told(chain: TestChain) -> None:
    reader = Reader(chain)
    young = await reader.ask("gov_expect", height=9)
    for _ in range(3):
        chain.run(at=chain.now + HOUR_MS)
    head, now = chain.ledger.height, chain.now

    near = await reader.ask("gov_expect", height=head + 5)
    enough = await reader.ask("gov_expect", height=near["height_in_time"])
    over = await reader.ask("gov_expect", height=head)

    unknown = {"expected_at": None, "height_in_time": None, "notice_ms": 14 * DAY_MS}
    assert young == {"height": 9, **unknown}
    assert over == {"height": head, **unknown}
    assert near["expected_at"] == now + 5 * HOUR_MS
    assert near["height_in_time"] == head + 14 * 24
    assert enough["expected_at"] == now + 14 * DAY_MS


def test_a_paused_node_makes_no_blocks_until_it_goes_on(tmp_path: Path) -> None:
    with TestNode(tmp_path) as test:
        test.node.pause("a new disk")
        test.pay()
        test.now_ms += 1_000
        paused = test.node.make_block(test.now_ms)
        trouble = test.node.driver.trouble
        test.node.pause(None)
        height = test.node.ledger.height

    assert (paused, trouble, height) == (None, "a new disk", 1)


def test_a_pause_is_warned_of() -> None:
    vitals = Vitals(0, 0, 0, 2**40, 0, False, None, None, paused="a new disk")

    assert [one["code"] for one in find_warnings(vitals)] == ["PAUSED"]


def test_a_node_proves_that_it_is_ready(tmp_path: Path) -> None:
    with TestNode(tmp_path) as test:
        proof = test.node.prove_readiness()
        chain_id = test.node.ledger.chain_id

    assert (proof.height, proof.block_id) == (0, chain_id)
