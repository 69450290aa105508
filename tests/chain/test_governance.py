"""Operators decide with more than two thirds; roles follow; the last operator stays."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chain.changes import (
    GrantRole,
    InstallContract,
    RevokeRole,
    SetIssuer,
    SetParam,
    SetValidator,
)
from chain.errors import (
    LastValidatorError,
    LimitError,
    NotIssuerError,
    RoleError,
    UnknownIdError,
    WrongStateError,
)
from chain.governance import (
    Proposal,
    contract_by_name,
    is_installed,
    open_proposals,
    oppose,
    proposal_id,
    propose_removal,
    read_proposal,
    votes_needed,
)
from chain.ledger import Policy, read_asset
from chain.membership import pending_activation
from chain.params import read_params
from chain.receipt import Event, KernelEvent, Receipt
from chain.roles import Role, has_role, read_operators, set_role
from chain.transaction import (
    Admit,
    AllowContracts,
    Change,
    IssueAsset,
    Mint,
    Oppose,
    Propose,
    Transfer,
    Vote,
    asset_id,
)
from chain.types import ZERO_ID
from chain.validators import VALIDATORS_MAX, QuorumRule, ValidatorSet, read_validators
from tests.make import MONEY, VALIDATOR, TestChain, account, genesis, memory_state, signer, word

SAM = account("sam")


def board(tmp_path: Path, *names: str) -> TestChain:
    return TestChain(tmp_path, genesis(roles=dict.fromkeys(names, ("member", "operator"))))


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    """Olga, otto and oona are the operators."""
    made = board(tmp_path, "otto", "oona")
    yield made
    made.close()


def decided(receipt: Receipt) -> bool:
    return any(event.number == KernelEvent.DECIDED for event in receipt.events)


def propose(chain: TestChain, change: Change, name: str = "olga") -> bytes:
    receipt = chain.do(name, Propose(change))
    assert receipt.ok, receipt
    return bytes(receipt.events[0].values[0])


def carry(chain: TestChain, change: Change) -> Receipt:
    proposal = propose(chain, change)
    chain.do("otto", Vote(proposal))
    return chain.do("oona", Vote(proposal))


@pytest.mark.parametrize(
    ("count", "needed"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5)]
)
def test_more_than_two_thirds_carry_a_proposal(tmp_path: Path, count: int, needed: int) -> None:
    names = ["olga", *[f"operator {number}" for number in range(1, count)]]
    chain = board(tmp_path, *names)

    receipts = [chain.do("olga", Propose(GrantRole(SAM, Role.MEMBER)))]
    proposal = bytes(receipts[0].events[0].values[0])
    receipts += [chain.do(name, Vote(proposal)) for name in names[1:needed]]
    member = has_role(chain.state(), SAM, Role.MEMBER)
    chain.close()

    assert ([decided(one) for one in receipts], member) == ([False] * (needed - 1) + [True], True)


def test_an_operator_votes_once_and_others_not_at_all(chain: TestChain) -> None:
    proposal = propose(chain, GrantRole(SAM, Role.MEMBER))

    codes = [chain.do(name, Vote(proposal)).error for name in ("olga", "alice")]
    unknown = chain.do("otto", Vote(word("proposal"))).error
    stranger = chain.do("alice", Propose(GrantRole(SAM, Role.OPERATOR))).error

    assert codes == [WrongStateError.code, RoleError.code]
    assert (unknown, stranger) == (UnknownIdError.code, RoleError.code)


def test_the_vote_of_one_who_is_no_longer_operator_does_not_count(tmp_path: Path) -> None:
    chain = board(tmp_path, "otto", "oona", "oskar")
    proposal = propose(chain, GrantRole(SAM, Role.MEMBER), "otto")
    removal = propose(chain, RevokeRole(account("otto"), Role.OPERATOR))
    for name in ("oona", "oskar"):
        chain.do(name, Vote(removal))

    receipts = [chain.do(name, Vote(proposal)) for name in ("olga", "oona", "oskar")]
    chain.close()

    assert [decided(one) for one in receipts] == [False, False, True]


def test_a_vote_sets_a_parameter_within_its_range(chain: TestChain) -> None:
    receipt = carry(chain, SetParam("sponsor_daily_max", 7))
    bad = [
        chain.do("olga", Propose(change)).error
        for change in (SetParam("nothing", 1), SetParam("block_gas_max", 0), SetParam("dev", 1))
    ]

    assert (decided(receipt), read_params(chain.state()).sponsor_daily_max) == (True, 7)
    assert bad == [UnknownIdError.code, WrongStateError.code, UnknownIdError.code]


def test_a_vote_changes_the_validators_two_heights_later(chain: TestChain) -> None:
    new = signer("v1")
    chain.voters.append(new)
    carry(chain, chain.joining(new))
    voted, pending = chain.head, pending_activation(chain.state())
    second = chain.do("olga", Propose(chain.joining(signer("x"))))
    changed = chain.head
    chain.run()

    keys = tuple(sorted((VALIDATOR.public_key, new.public_key)))
    assert read_validators(chain.state()).keys == keys
    assert (pending, pending_activation(chain.state())) == (voted.height + 2, None)
    assert second.error == WrongStateError.code
    assert voted.next_validators_hash == changed.validators_hash != changed.next_validators_hash
    assert chain.head.validators_hash == changed.next_validators_hash
    assert [one.last_validators_change_height for one in (voted, changed, chain.head)] == [
        0, changed.height, changed.height,
    ]  # fmt: skip


def test_a_change_that_was_proposed_in_time_is_not_decided_while_another_waits(
    chain: TestChain,
) -> None:
    chain.voters.append(signer("v1"))
    late = propose(chain, chain.joining(signer("x")))
    chain.do("otto", Vote(late))
    carry(chain, chain.joining(signer("v1")))
    waiting = pending_activation(chain.state())

    refused = chain.do("oona", Vote(late)).error
    decided_then = chain.do("oona", Vote(late))

    assert (waiting, refused) == (chain.head.height, WrongStateError.code)
    assert decided(decided_then)
    assert pending_activation(chain.state()) == chain.head.height + 2


def test_validators_that_change_keep_the_rule_of_the_genesis_file(tmp_path: Path) -> None:
    three = [signer(name) for name in ("v1", "v2", "v3")]
    chain = TestChain(tmp_path, genesis(validators=three, quorum="crash"))
    chain.voters = three[:2]
    before = read_validators(chain.state())

    chain.do("olga", Propose(chain.joining(signer("x"))))
    chain.run()
    after = read_validators(chain.state())
    chain.close()

    keys = tuple(sorted((*before.keys, account("x"))))
    assert before == ValidatorSet(before.keys, QuorumRule.CRASH)
    assert (after, after.quorum) == (ValidatorSet(keys, QuorumRule.CRASH), 3)


def test_no_vote_leaves_the_chain_without_validators(chain: TestChain) -> None:
    changes = [SetValidator(VALIDATOR.public_key, 0), SetValidator(word("x"), 0)]

    codes = [chain.do("olga", Propose(change)).error for change in changes]

    assert codes == [LastValidatorError.code, WrongStateError.code]


def test_two_operators_are_enough_to_stop_an_admitter(tmp_path: Path) -> None:
    names = [f"operator {number}" for number in range(5)]
    chain = board(tmp_path, *names)  # and olga
    role = Role.ADMITTER
    counts = [votes_needed(RevokeRole(SAM, role), operators) for operators in (1, 2, 3, 6)]
    others = [votes_needed(GrantRole(SAM, role), operators) for operators in (1, 2, 3, 6)]
    given = propose(chain, GrantRole(SAM, role))
    for name in names[:4]:
        chain.do(name, Vote(given))
    before = has_role(chain.state(), SAM, role)

    taken = propose(chain, RevokeRole(SAM, role))
    receipt = chain.do(names[4], Vote(taken))
    after = has_role(chain.state(), SAM, role)
    chain.close()

    assert (counts, others) == ([1, 2, 2, 2], [1, 2, 3, 5])
    assert (before, decided(receipt), after) == (True, True, False)


def test_operators_make_an_asset_of_the_chains_own(chain: TestChain) -> None:
    points = IssueAsset("POINTS", 0, Policy.OPEN, account("olga"), ())
    bad = [replace(points, issuer=None), replace(points, symbol="CNY"), replace(points, symbol="")]

    codes = [chain.do("olga", Propose(change)).error for change in bad]
    receipt = carry(chain, points)
    asset = asset_id(ZERO_ID, "POINTS")
    minted = chain.do("olga", Mint(asset, SAM, 5))

    issued = Event(ZERO_ID, KernelEvent.ASSET_ISSUED, (asset, account("olga")))
    assert (codes, receipt.events[1]) == ([WrongStateError.code] * 3, issued)
    assert (minted.ok, chain.balance("sam", asset)) == (True, 5)


def test_an_asset_is_handed_to_an_installed_contract_and_never_back(chain: TestChain) -> None:
    box, guest = chain.deploy(), chain.deploy()
    carry(chain, InstallContract("box", box))
    own = chain.do("alice", IssueAsset("MINE", 0, Policy.OPEN, None, ()))
    mine = asset_id(account("alice"), "MINE")
    wrong = ((MONEY, guest), (MONEY, account("olga")), (mine, box), (word("none"), box))

    codes = [chain.do("olga", Propose(SetIssuer(*one))).error for one in wrong]
    receipt = carry(chain, SetIssuer(MONEY, box))
    minted = chain.do("olga", Mint(MONEY, SAM, 5))

    handed = Event(ZERO_ID, KernelEvent.ISSUER_CHANGED, (MONEY, box))
    assert own.ok
    assert codes == [WrongStateError.code] * 3 + [UnknownIdError.code]
    assert (receipt.events[1], read_asset(chain.state(), MONEY).issuer) == (handed, box)
    assert minted.error == NotIssuerError.code


def test_the_operators_say_which_contracts_hold_an_asset_of_the_chains_own(
    chain: TestChain,
) -> None:
    box = chain.deploy()
    points = IssueAsset("POINTS", 0, Policy.CONTRACTS_ONLY, account("olga"), ())
    carry(chain, points)
    asset = asset_id(ZERO_ID, "POINTS")
    chain.do("alice", replace(points, symbol="MINE", issuer=None))
    mine = AllowContracts(asset_id(account("alice"), "MINE"), (box,))

    refused = chain.do("olga", Propose(mine)).error
    carry(chain, AllowContracts(asset, (box, word("a"))))

    assert refused == WrongStateError.code
    assert read_asset(chain.state(), asset).contracts == tuple(sorted((box, word("a"))))


def test_an_operator_takes_its_vote_back_and_gives_it_again(tmp_path: Path) -> None:
    chain = board(tmp_path, "otto", "oona", "oskar")  # three of four decide
    proposal = propose(chain, GrantRole(SAM, Role.MEMBER))
    chain.do("otto", Vote(proposal))

    taken = chain.do("olga", Oppose(proposal))
    between = read_proposal(chain.state(), proposal)
    again = chain.do("olga", Oppose(proposal)).error
    receipts = [chain.do(name, Vote(proposal)) for name in ("olga", "oona")]
    chain.close()

    change, votes = GrantRole(SAM, Role.MEMBER), (account("otto"),)
    assert (taken.ok, taken.events, again) == (True, (), WrongStateError.code)
    assert between == Proposal(change, votes, 1, (account("olga"),))
    assert [decided(one) for one in receipts] == [False, True]


@pytest.mark.parametrize(("count", "needed"), [(1, 1), (2, 1), (3, 1), (4, 2), (6, 2), (7, 3)])
def test_a_proposal_is_closed_once_the_others_are_too_few(count: int, needed: int) -> None:
    names = ["olga", *[f"operator {number}" for number in range(1, count)]]
    state = memory_state()
    for name in names:
        set_role(state, account(name), Role.OPERATOR, held=True)
    propose_removal(state, word("v"), word("evidence"), 1)
    proposal = proposal_id(word("evidence"))

    closed = [oppose(state, account(name), proposal, 1) for name in names[:needed]]

    assert closed == [False] * (needed - 1) + [True]
    assert read_proposal(state, proposal) is None


def test_only_operators_are_against_a_proposal(chain: TestChain) -> None:
    proposal = propose(chain, GrantRole(SAM, Role.MEMBER))

    codes = [chain.do("alice", Oppose(proposal)).error, chain.do("otto", Oppose(word("x"))).error]

    assert codes == [RoleError.code, UnknownIdError.code]


def test_open_proposals_are_listed_by_their_ids(chain: TestChain) -> None:
    ids = sorted([propose(chain, GrantRole(word(str(number)), 0)) for number in range(3)])

    listed = open_proposals(chain.state(), b"", 2)
    rest = open_proposals(chain.state(), listed[-1][0], 2)

    assert [one for one, _proposal in (*listed, *rest)] == ids
    assert rest[0][1].votes == (account("olga"),)


def test_two_removals_together_can_not_leave_the_chain_without_operators(tmp_path: Path) -> None:
    chain = board(tmp_path, "otto")
    removals = [
        propose(chain, RevokeRole(account(name), Role.OPERATOR)) for name in ("olga", "otto")
    ]

    chain.do("otto", Vote(removals[0]))
    last = chain.do("otto", Vote(removals[1]))
    operators = read_operators(chain.state())
    chain.close()

    assert (last.error, operators) == (WrongStateError.code, [account("otto")])


def test_a_contract_is_installed_under_a_name(chain: TestChain) -> None:
    box = chain.deploy()
    carry(chain, InstallContract("box", box))
    missing = chain.do("olga", Propose(InstallContract("other", word("no contract")))).error

    state = chain.state()
    assert (contract_by_name(state, "box"), is_installed(state, box)) == (box, True)
    assert (contract_by_name(state, "other"), missing) == (None, UnknownIdError.code)


def test_admitters_and_operators_make_members(tmp_path: Path) -> None:
    chain = TestChain(tmp_path, genesis(roles={"adam": ("member", "admitter")}))

    codes = [chain.do(name, Admit(SAM)).error for name in ("alice", "adam", "olga")]
    sent = chain.do("sam", Transfer(MONEY, account("bob"), 1))
    chain.close()

    assert (codes, sent.ok) == ([RoleError.code, 0, 0], True)


def test_a_proposal_has_an_id_that_its_proposer_knows_before() -> None:
    assert proposal_id(word("a")) != proposal_id(word("b"))


def test_there_are_as_many_validators_as_a_certificate_has_room_for(tmp_path: Path) -> None:
    keys = tuple(word(f"validator {number}").hex() for number in range(VALIDATORS_MAX))
    chain = TestChain(tmp_path, genesis().model_copy(update={"validators": keys}))

    receipt = chain.do("olga", Propose(chain.joining(signer("one more"))))

    found = len(read_validators(chain.state()).keys)
    chain.close()
    assert (receipt.error, found) == (LimitError.code, VALIDATORS_MAX)
