"""The light client's walk: few blocks on honest chains, no harm from liars; and what is proven."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.block import block_id
from chain.codec import decode, encode
from chain.ledger import balance_key
from chain.merkle import inclusion_path
from chain.state import QUEUE_PREFIX
from chain.transaction import Propose, Transfer
from chain.tree import Proof, prove_key
from chain.validators import ValidatorSet
from consensus import (
    Candidate,
    Checkpoint,
    Invalid,
    LeafProof,
    LightClient,
    LightClientError,
    NotEnoughTrust,
    ProofError,
    TrustedBlock,
    TrustOptions,
    Verdict,
    check_ancestors,
    check_receipt,
    check_state,
    check_transaction,
    trust_genesis,
    trust_header,
)
from tests.consensus.light_chain import (
    CHAIN,
    START_MS,
    STEP_MS,
    LightChain,
    forge,
    set_of,
    sign_header,
)
from tests.make import MONEY, TestChain, account, signer, word

HEIGHT = 300
NOW = START_MS + 1_000 * STEP_MS
OPTIONS = TrustOptions(10_000 * STEP_MS)
QUIET = LightChain("a b c d", HEIGHT)
ROTATING = LightChain("k0", HEIGHT, {10 * n: f"k{n}" for n in range(1, 30)})
FOREIGN = LightChain("w x y z", HEIGHT)


def walk(client: LightClient, fetch: Callable[[int], Candidate], now_ms: int = NOW) -> list[int]:
    """Feed a client until it is there or refuses; return the heights that it wanted."""
    heights = []
    while (height := client.wanted()) is not None:
        heights.append(height)
        if isinstance(client.take(fetch(height), now_ms), Invalid):
            break
    return heights


def client_of(chain: LightChain, height: int) -> LightClient:
    client = LightClient(chain.genesis(), OPTIONS)
    client.seek(height)
    return client


def test_a_chain_whose_validators_never_changed_takes_one_block() -> None:
    client = client_of(QUIET, HEIGHT)

    heights = walk(client, QUIET.candidate)

    assert heights == [HEIGHT]
    assert client.trusted == trust_header(QUIET.headers[HEIGHT], set_of("abcd"))


def test_the_walk_goes_to_where_the_validators_changed_and_comes_back() -> None:
    chain = LightChain("a b c d", HEIGHT, {100: "a w x y"})
    client = client_of(chain, HEIGHT)

    heights = walk(client, chain.candidate)

    assert heights == [300, 100, 300]
    assert client.wanted() is None


def test_a_single_validator_who_changed_thirty_times_is_followed_through_each_change() -> None:
    client = client_of(ROTATING, HEIGHT)

    heights = walk(client, ROTATING.candidate)

    assert client.trusted is not None
    assert client.trusted.height == HEIGHT
    assert set(range(10, 300, 10)) <= set(heights)
    assert len(heights) <= 4 * 30


def test_a_trusted_height_is_the_start_of_the_next_walk() -> None:
    client = client_of(ROTATING, 25)
    walk(client, ROTATING.candidate)

    client.seek(26)
    heights = walk(client, ROTATING.candidate)

    assert heights == [26]


NAMES = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5, unique=True).map(" ".join)


@given(
    NAMES,
    st.dictionaries(st.integers(1, 59), NAMES, max_size=12),
    st.integers(1, 60),
    st.integers(0, 60),
)
def test_every_chain_is_walked_to_any_height(
    first: str, changes: dict[int, str], target: int, start: int
) -> None:
    chain = LightChain(first, 60, changes)
    begin = min(start, target)
    anchor = trust_header(chain.headers[begin], set_of(chain.names[begin]))
    client = LightClient(anchor, OPTIONS)
    client.seek(target)

    heights = walk(client, chain.candidate)

    assert client.trusted == trust_header(chain.headers[target], set_of(chain.names[target]))
    assert len(heights) <= 14 * len(changes) + 1


def test_a_forged_chain_is_refused_and_the_honest_one_is_still_followed() -> None:
    client = client_of(QUIET, HEIGHT)

    forged = [
        client.take(FOREIGN.candidate(HEIGHT), NOW),
        client.take(QUIET.candidate(HEIGHT - 1), NOW),
    ]
    heights = walk(client, QUIET.candidate)

    unknown = set_of("wxyz").set_hash().hex()
    known = set_of("abcd").set_hash().hex()
    assert forged == [
        Invalid(f"validators_hash without a change is {unknown}, expected {known}"),
        Invalid("height is 299, expected the wanted 300"),
    ]
    assert heights == [HEIGHT]


def lie(height: int) -> Candidate:
    return forge(QUIET.candidate(height), "wxyz", "wxyz", last_validators_change_height=height)


def test_a_liar_leads_down_to_a_height_where_lying_ends() -> None:
    client = client_of(QUIET, HEIGHT)

    heights = walk(client, lie)

    assert client.trusted == QUIET.genesis()
    assert heights[-1] == 1
    assert len(heights) <= 2 * 9 + 1


def test_a_certificate_of_too_few_only_makes_the_client_look_between() -> None:
    client = client_of(QUIET, HEIGHT)

    verdict = client.take(QUIET.candidate(HEIGHT, ["a"]), NOW)
    heights = walk(client, QUIET.candidate)

    assert isinstance(verdict, NotEnoughTrust)
    assert heights == [HEIGHT // 2, HEIGHT]


def test_who_only_costs_time_is_given_up() -> None:
    client = LightClient(QUIET.genesis(), OPTIONS, takes_max=10)
    client.seek(HEIGHT)
    tries = [client.wanted()]
    while isinstance(verdict := client.take(lie(tries[-1] or 0), NOW), NotEnoughTrust):
        tries.append(client.wanted())

    client.seek(HEIGHT)
    heights = walk(client, QUIET.candidate)

    assert verdict == Invalid("10 blocks did not lead to height 300; ask others")
    assert (len(tries), heights) == (11, [HEIGHT])


def test_retired_keys_sign_nothing_that_is_believed_after_the_trusting_period() -> None:
    chain = LightChain("a b c d", 20, {10: "w x y z"})
    options = TrustOptions(100 * STEP_MS)
    client = LightClient(chain.genesis(), options)
    client.seek(20)
    late_ms = START_MS + 200 * STEP_MS

    fork = forge(chain.candidate(20), "abcd", "abcd", time_ms=late_ms - 1)
    verdict = client.take(fork, late_ms)

    assert isinstance(verdict, Invalid)
    assert "the trusted block is 200000 ms old" in verdict.reason
    assert client.trusted == chain.genesis()


def test_a_checkpoint_is_taken_first_and_walked_on_from() -> None:
    place = Checkpoint(CHAIN, 205, ROTATING.headers[205].validators_hash)
    client = LightClient(place, OPTIONS)
    before = client.trusted
    client.seek(208)

    heights = walk(client, ROTATING.candidate)

    assert (before, heights) == (None, [205, 208])
    assert client.trusted == trust_header(ROTATING.headers[208], set_of(["k20"]))


def test_a_checkpoint_of_another_network_is_never_left() -> None:
    client = LightClient(Checkpoint(CHAIN, 205, word("validators")), OPTIONS)

    heights = walk(client, ROTATING.candidate)

    assert (client.trusted, heights, client.wanted()) == (None, [205], 205)


def test_nothing_is_taken_that_nobody_wants() -> None:
    client = LightClient(QUIET.genesis(), OPTIONS)
    client.seek(0)

    verdict: Verdict = client.take(QUIET.candidate(1), NOW)

    assert verdict == Invalid("no height is wanted; seek one first")


def test_what_is_below_the_trusted_height_is_reached_by_parents_alone() -> None:
    client = client_of(QUIET, 9)
    walk(client, QUIET.candidate)
    parents = QUIET.headers[8:3:-1]
    broken = [*parents[:2], replace(parents[2], gas_used=1), *parents[3:]]

    found = check_ancestors(QUIET.headers[9], parents)
    with pytest.raises(LightClientError) as refused:
        check_ancestors(QUIET.headers[9], broken)
    with pytest.raises(LightClientError, match="height 4 is below the trusted 9"):
        client.seek(4)

    assert found == QUIET.headers[4]
    assert str(refused.value) == (
        f"the parent of height 7 is {block_id(parents[2]).hex()}, "
        f"this header of height 6 is {block_id(broken[2]).hex()}"
    )


def real_candidate(chain: TestChain, height: int, names: list[str]) -> Candidate:
    """Return a block of a chain on disk, signed by these validators."""
    header = chain.ledger.store.header(height)
    validators = set_of(names)
    return Candidate(header, sign_header(header, validators, names), validators, validators)


def genesis_of(chain: TestChain) -> TrustedBlock:
    keys = tuple(bytes.fromhex(key) for key in chain.genesis.validators)
    return trust_genesis(chain.ledger.chain_id, ValidatorSet(keys), chain.genesis.time_ms)


def test_validators_that_operators_voted_in_are_followed_from_the_genesis_file(
    chain: TestChain,
) -> None:
    chain.run()
    names = ["validator"]
    voted: dict[int, list[str]] = {}
    sets = [names, names, names]
    for name in ("v1", "v2", "v3"):
        chain.voters.append(signer(name))
        chain.do("olga", Propose(chain.joining(signer(name))))
        chain.run()
        names = [*names, name]
        voted[chain.ledger.height] = names
        sets += [sets[-1], names]
    chain.run()
    leaping, walking = [LightClient(genesis_of(chain), OPTIONS) for _ in range(2)]

    def fetch(height: int) -> Candidate:
        by = sets[height]
        found = real_candidate(chain, height, by)
        following = set_of(voted.get(height, by))
        return replace(found, next_validators=following)

    leaping.seek(8)
    heights = [walk(leaping, fetch, chain.now + 1)]
    for height in range(1, 9):
        walking.seek(height)
        heights.append(walk(walking, fetch, chain.now + 1))

    assert heights == [[8], [1], [2], [3], [4], [5], [6], [7], [8]]
    assert leaping.trusted == walking.trusted == trust_header(chain.head, set_of(names))


def test_the_walk_that_the_page_shows_is_walked(chain: TestChain) -> None:
    chain.run()
    chain.run()
    page = (Path(__file__).parents[2] / "docs" / "light-client.md").read_text("utf-8")
    shown = page.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {
        "data": chain.genesis.model_dump_json().encode(),
        "height": 2,
        "fetch": lambda height: real_candidate(chain, height, ["validator"]),
        "now_ms": chain.now + 1,
    }

    exec(shown, names)

    assert names["client"].trusted == trust_header(chain.head, set_of(["validator"]))


def test_a_final_transaction_receipt_and_balance_are_proven_under_the_trusted_header(
    chain: TestChain,
) -> None:
    transactions = [chain.sign("alice", Transfer(MONEY, account("bob"), n)) for n in (1, 2, 3)]
    executed = chain.run(*transactions)
    client = LightClient(genesis_of(chain), OPTIONS)
    client.seek(1)
    walk(client, lambda height: real_candidate(chain, height, ["validator"]), chain.now + 1)
    assert client.trusted is not None
    header = client.trusted.header
    assert header is not None
    bob, nobody = balance_key(account("bob"), MONEY), balance_key(word("nobody"), MONEY)
    value = chain.ledger.store.get(bob)

    ids = [tx.witness_id for tx in transactions]
    proven = [
        check_transaction(
            header,
            LeafProof(executed.block.transactions[n], n, 3, tuple(inclusion_path(ids, n))),
        )
        for n in range(3)
    ]
    receipts = [
        check_receipt(
            header,
            LeafProof(one, n, 3, tuple(inclusion_path(executed.receipt_bytes, n))),
        )
        for n, one in enumerate(executed.receipt_bytes)
    ]
    check_state(header, bob, value, prove_key(chain.ledger.store, bob))
    check_state(header, nobody, None, prove_key(chain.ledger.store, nobody))

    assert proven == transactions
    assert receipts == list(executed.receipts)
    assert value is not None


def test_a_proof_of_something_else_is_refused_with_what_was_seen(chain: TestChain) -> None:
    executed = chain.run(chain.sign("alice", Transfer(MONEY, account("bob"), 1)))
    header, tx = chain.head, executed.block.transactions[0]
    receipt = executed.receipt_bytes[0]
    bob = balance_key(account("bob"), MONEY)
    state = prove_key(chain.ledger.store, bob)

    def refusal(check: Callable[[], object]) -> str:
        with pytest.raises(ProofError) as refused:
            check()
        return str(refused.value)

    reasons = [
        refusal(lambda: check_transaction(header, LeafProof(b"x", 0, 1, ()))),
        refusal(lambda: check_receipt(header, LeafProof(b"x", 0, 1, ()))),
        refusal(lambda: check_transaction(header, LeafProof(tx, 0, 2, (bytes(32),)))),
        refusal(lambda: check_receipt(header, LeafProof(receipt, 1, 2, (bytes(32),)))),
        refusal(lambda: check_state(header, bob, b"\1", state)),
        refusal(lambda: check_state(header, bob, None, Proof((), b""))),
        refusal(lambda: check_state(header, QUEUE_PREFIX + b"x", None, state)),
    ]

    prefixes = [
        "leaf: ",
        "leaf: ",
        f"path of 1 hashes does not lead from item 0 of 2 to tx_root {header.tx_root.hex()}",
        "path of 1 hashes does not lead from item 1 of 2 to receipt_root ",
        f"{len(state.nodes)} nodes do not show a value of 1 bytes of the key {bob.hex()} under ",
        f"0 nodes do not show absence of the key {bob.hex()} under state_root ",
        f"key {(QUEUE_PREFIX + b'x').hex()} is of an index that no root covers",
    ]
    assert [one[: len(prefix)] for one, prefix in zip(reasons, prefixes, strict=True)] == prefixes


def test_a_leaf_proof_travels_as_bytes() -> None:
    proof = LeafProof(b"leaf", 2, 3, (word("left"),))

    assert decode(LeafProof, encode(proof)) == proof
