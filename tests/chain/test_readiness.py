"""A candidate proves that it runs: over a block of this chain, lately, with its own key."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chain.block import block_id
from chain.changes import SetValidator
from chain.crypto import verify_signature
from chain.errors import NotReadyError
from chain.readiness import (
    READY_AGE_MAX,
    Readiness,
    check_readiness,
    newest_anchor,
    prove_readiness,
)
from chain.transaction import Propose
from tests.make import TestChain, signer, word

NEW = signer("new")


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    """Olga is the operator, one validator makes blocks."""
    made = TestChain(tmp_path)
    yield made
    made.close()


def prove(chain: TestChain) -> Readiness:
    chain_id = chain.ledger.chain_id
    return prove_readiness(NEW, chain_id, newest_anchor(chain.state(), chain_id, chain.head.height))


def check(chain: TestChain, proof: Readiness | None, key: bytes = NEW.public_key) -> None:
    height = chain.head.height + 1
    here = (chain.state(), chain.ledger.chain_id)
    check_readiness(*here, key, proof, height=height, verify=verify_signature)


def test_the_newest_block_to_sign_is_that_of_ten_heights_which_the_state_holds(
    chain: TestChain,
) -> None:
    found = [newest_anchor(chain.state(), chain.ledger.chain_id, 0)]
    for _number in range(21):
        chain.run()
        found.append(newest_anchor(chain.state(), chain.ledger.chain_id, chain.head.height))

    header = chain.ledger.store.header
    ids = [chain.ledger.chain_id, block_id(header(10)), block_id(header(20))]
    assert [height for height, _id in found] == [0] * 11 + [10] * 10 + [20]
    assert sorted(set(found)) == list(zip((0, 10, 20), ids, strict=True))


def test_a_proof_is_good_for_fifty_heights(chain: TestChain) -> None:
    for _number in range(11):
        chain.run()
    proof = prove(chain)
    for _number in range(READY_AGE_MAX - 3):
        chain.run()

    check(chain, proof)
    chain.run()

    assert proof.height == 10
    check(chain, proof)
    chain.run()
    with pytest.raises(NotReadyError, match="signed height 10, this is height 61; at most 50"):
        check(chain, proof)
    check(chain, prove(chain))


def test_a_proof_of_another_chain_block_key_or_height_is_none(chain: TestChain) -> None:
    for _number in range(11):
        chain.run()
    good = prove(chain)
    here = newest_anchor(chain.state(), chain.ledger.chain_id, chain.head.height)
    bad = [
        (None, "has not proved"),
        (prove_readiness(NEW, word("another chain"), here), "did not sign"),
        (prove_readiness(signer("other"), chain.ledger.chain_id, here), "did not sign"),
        (replace(good, block_id=word("x")), "no block of this chain that counts"),
        (replace(good, height=20), "signed height 20, this is height 12"),
        (replace(good, height=9), "no block of this chain that counts"),
        (replace(good, height=0), "no block of this chain that counts"),
    ]

    for proof, words in bad:
        with pytest.raises(NotReadyError, match=words):
            check(chain, proof)

    check(chain, good)


def test_a_candidate_without_a_good_proof_is_not_even_proposed(chain: TestChain) -> None:
    joining = chain.joining(NEW)
    bad = [
        SetValidator(NEW.public_key, 1),
        replace(joining, key=signer("other").public_key),
    ]

    codes = [chain.do("olga", Propose(change)).error for change in bad]
    proposed = chain.do("olga", Propose(joining))

    assert (codes, proposed.ok) == ([NotReadyError.code] * 2, True)
