"""Proofs: checked without the node, from the validators' hash alone; changed ones show nothing."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.block import Commit, Header, make_commit, vote_bytes
from chain.codec import decode, encode
from chain.crypto import sha256
from chain.genesis import read_beginning
from chain.ids import encode_id
from chain.ledger import balance_key
from chain.state import QUEUE_PREFIX
from chain.transaction import Propose, Transfer
from chain.tree_part import PartReader, TreePart
from chain.types import DAY_MS
from chain.validators import ValidatorSet
from consensus.light import (
    Candidate,
    Trusted,
    TrustOptions,
    trust_genesis,
    trust_header,
    verify_next,
)
from node.rpc.errors import NotFoundError
from node.rpc.reading.proof_check import ProofError, Proven, check_proof
from node.rpc.reading.validator_history import find_validators
from tests import make
from tests.make import MONEY, START_MS, TestChain, account, word
from tests.node.rpc.reading import Reader, text_of

TRUSTED = ValidatorSet((make.VALIDATOR.public_key,)).set_hash()
GIFT = Transfer(MONEY, account("bob"), 5)


def check(chain: TestChain, proof: object) -> Proven:
    return check_proof(proof, validators_hash=TRUSTED, chain_id=chain.ledger.chain_id)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
async def test_every_transaction_and_receipt_of_a_block_is_proven(
    chain: TestChain, count: int
) -> None:
    transactions = [chain.sign("alice", GIFT) for _ in range(count)]
    executed = chain.run(*transactions)
    chain.run()
    reader = Reader(chain)

    proven = [
        (
            check(chain, await reader.ask("chain_getProof", kind="transaction", id=one)),
            check(chain, await reader.ask("chain_getProof", kind="receipt", id=one)),
        )
        for one in [tx.tx_id.hex() for tx in transactions]
    ]

    assert [one.transaction for one, _ in proven] == transactions
    assert [one.receipt for _, one in proven] == list(executed.receipts)
    assert {one.block_id for pair in proven for one in pair} == {executed.block_id}
    assert [[one.index for one in pair] for pair in proven] == [[i, i] for i in range(count)]


async def test_the_receipt_of_a_timer_is_proven_by_its_place(chain: TestChain) -> None:
    box = chain.deploy()
    chain.call("alice", box, "plan", word("bell"), START_MS + DAY_MS)
    chain.idle(START_MS + DAY_MS)
    height = chain.ledger.height
    reader = Reader(chain)

    proof = await reader.ask("chain_getProof", kind="receipt", height=height, index=0)
    beyond = await reader.refusal("chain_getProof", kind="receipt", height=height, index=1)

    assert check(chain, proof).receipt == chain.ledger.store.receipts(height)[0]
    assert beyond[0] == 6001


async def test_a_value_of_the_state_and_its_absence_are_proven(chain: TestChain) -> None:
    chain.do("alice", GIFT)
    box = chain.deploy(installed="boxes")
    reader = Reader(chain)
    bob, sam = text_of("bob"), text_of("sam")
    nobody = word("nobody")

    facts = [
        check(chain, await reader.ask("chain_getProof", **params))
        for params in (
            {"kind": "balance", "account": bob, "asset": "CNY"},
            {"kind": "balance", "account": encode_id("acct", nobody), "asset": "CNY"},
            {"kind": "roles", "account": sam},
            {"kind": "account", "account": bob},
            {"kind": "supply", "asset": "CNY"},
            {"kind": "asset", "asset": "CNY"},
            {"kind": "contract", "contract": "boxes"},
            {"kind": "name", "contract": encode_id("ctr", box)},
            {"kind": "state", "key": balance_key(account("bob"), MONEY).hex()},
        )
    ]

    store = chain.ledger.store
    assert [one.value for one in facts] == [store.get(one.key or b"") for one in facts]
    assert [one.value is None for one in facts] == [0, 1, 1, 1, 0, 0, 0, 0, 0]
    assert facts[0] == facts[8]
    assert facts[7].value == b"boxes"
    assert facts[0].key == balance_key(account("bob"), MONEY)


async def test_older_state_and_blocks_that_nobody_certified_are_not_proven(
    chain: TestChain,
) -> None:
    reader = Reader(chain)
    genesis = await reader.refusal("chain_getProof", kind="block", height=0)
    chain.run()
    chain.run()

    answers = [
        await reader.refusal("chain_getProof", kind="supply", asset="CNY", height=1),
        await reader.refusal("chain_getProof", kind="block", height=3),
        await reader.refusal("chain_getProof", kind="transaction", id="00" * 32),
        await reader.refusal("chain_getProof", kind="transaction"),
        await reader.refusal("chain_getProof", kind="balance", account=text_of("bob")),
        await reader.refusal("chain_getProof", kind="state", key=QUEUE_PREFIX.hex()),
    ]

    assert genesis[0] == 6001
    assert [code for code, _text in answers] == [-32009, 6001, 6001, -32602, -32602, -32602]


async def test_a_proof_of_another_network_or_other_validators_shows_nothing(
    chain: TestChain,
) -> None:
    chain.run()
    proof = await Reader(chain).ask("chain_getProof", kind="block", height=1)

    with pytest.raises(ProofError, match="of chain"):
        check_proof(proof, validators_hash=TRUSTED, chain_id=bytes(32))
    with pytest.raises(ProofError, match="not made under"):
        check_proof(proof, validators_hash=bytes(32))

    assert check(chain, proof).header == chain.head


async def test_a_block_signed_by_too_few_is_no_proof(chain: TestChain) -> None:
    others = [make.signer(name) for name in ("v1", "v2", "v3")]
    chain.voters += others
    for other in others:
        chain.do("olga", Propose(chain.joining(other)))
        chain.run()
    chain.run()
    header = chain.head
    validators = ValidatorSet(
        tuple(sorted([make.VALIDATOR.public_key, *[one.public_key for one in others]]))
    )
    message = vote_bytes(2, header.chain_id, (header.height, 0), chain.ledger.head_id)
    signed = {make.VALIDATOR.public_key: make.VALIDATOR.sign(message)}
    commit = make_commit(validators, (header.height, 0), chain.ledger.head_id, signed)
    proof = {
        "format": "washnode-proof-1",
        "type": "block",
        "header": encode(header).hex(),
        "commit": encode(commit).hex(),
        "validators": [key.hex() for key in validators.keys],
        "rule": "byzantine",
        "epoch": 0,
    }

    with pytest.raises(ProofError, match="1 of 4 validators signed, 3 are needed"):
        check_proof(proof, validators_hash=validators.set_hash())


async def test_a_block_of_two_of_three_is_proven_on_a_chain_that_withstands_crashes_only(
    tmp_path: Path,
) -> None:
    three = [make.signer(name) for name in ("v1", "v2", "v3")]
    chain = TestChain(tmp_path, make.genesis(validators=three, quorum="crash"))
    chain.voters = three[:2]
    chain.do("alice", GIFT)
    reader, trusted = Reader(chain), chain.head.validators_hash

    proof = await reader.ask("chain_getProof", kind="supply", asset="CNY")
    proven = check_proof(proof, validators_hash=trusted, chain_id=chain.ledger.chain_id)
    chain.close()

    assert (proof["rule"], proof["epoch"], len(proof["certificate"]["signers"])) == ("crash", 0, 2)
    assert proven.validators == chain.genesis.validator_set()
    with pytest.raises(ProofError, match="not those that the header names"):
        check_proof({**proof, "rule": "byzantine"}, validators_hash=trusted)


def mutants(proof: dict[str, Any]) -> list[dict[str, Any]]:
    """Return proofs with one thing changed that the check must notice."""
    changed = []
    for name in ("header", "commit", "leaf", "key", "value", "other"):
        text = proof.get(name)
        if name == "key" and proof.get("value") is None:
            continue  # other keys are absent as well, and the same proof may show it
        if text:
            flipped = text[:-1] + ("0" if text[-1] != "0" else "1")
            changed += [{**proof, name: one} for one in (flipped, text[2:], text + "00", None, 7)]
    for name in ("validators", "path", "nodes"):
        items = proof.get(name)
        if items is not None:
            changed += [{**proof, name: one} for one in ([*items, "00" * 32], None, "x", [1])]
        if items:
            changed += [{**proof, name: items[1:]}, {**proof, name: ["11" * 32, *items[1:]]}]
    changed += [{**proof, "rule": one} for one in ("crash", "none", None, 0)]
    changed += [{**proof, "epoch": one} for one in (1, -1, True, "0", None, 2**64)]
    changed += [{**proof, "type": "none"}, {**proof, "format": "other"}]
    return [one for one in changed if one != proof]


async def test_a_proof_changed_anywhere_is_refused(chain: TestChain) -> None:
    txs = [chain.sign("alice", GIFT) for _ in range(5)]
    chain.run(*txs)
    reader = Reader(chain)
    nobody = encode_id("acct", word("nobody"))
    proofs = [
        await reader.ask("chain_getProof", kind="block", height=1),
        await reader.ask("chain_getProof", kind="transaction", id=txs[2].tx_id.hex()),
        await reader.ask("chain_getProof", kind="receipt", id=txs[4].tx_id.hex()),
        await reader.ask("chain_getProof", kind="supply", asset="CNY"),
        await reader.ask("chain_getProof", kind="balance", account=nobody, asset="CNY"),
    ]

    believed = []
    for proof in proofs:
        check(chain, copy.deepcopy(proof))
        for mutant in mutants(proof):
            try:
                check(chain, mutant)
            except ProofError:
                continue
            believed.append({name for name in proof if mutant[name] != proof[name]})

    assert believed == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


MEMBERS = ("type", "header", "commit", "validators", "rule", "epoch", "leaf", "key", "nodes")


@given(
    proof=json_values
    | st.fixed_dictionaries(
        {"format": st.just("washnode-proof-1")},
        optional=dict.fromkeys(MEMBERS, json_values),
    )
)
def test_nothing_that_a_stranger_sends_does_more_than_be_refused(proof: object) -> None:
    with pytest.raises(ProofError):
        check_proof(proof, validators_hash=TRUSTED)


def test_validators_that_never_were_are_not_found(chain: TestChain) -> None:
    chain.voters.append(make.signer("other"))
    chain.do("olga", Propose(chain.joining(make.signer("other"))))
    chain.run()
    chain.run()

    with pytest.raises(NotFoundError, match="blocks 0 to 3"):
        find_validators(chain.ledger, bytes(32))


async def test_a_proof_names_the_next_validators_where_they_change(chain: TestChain) -> None:
    other = make.signer("other").public_key
    changed = chain.do("olga", Propose(chain.joining(make.signer("other"))))
    chain.do("alice", Transfer(MONEY, account("bob"), 1))
    reader = Reader(chain)

    proofs = [await reader.ask("chain_getProof", kind="block", height=one) for one in (1, 2)]
    of_change = await reader.ask("chain_getProof", kind="receipt", height=2, index=0)

    both = sorted([make.VALIDATOR.public_key.hex(), other.hex()])
    assert changed.ok
    assert "next_validators" not in proofs[0]
    assert proofs[1]["validators"] == [make.VALIDATOR.public_key.hex()]
    assert [one["next_validators"] for one in (proofs[1], of_change)] == [both, both]


async def test_a_light_client_crosses_a_change_of_validators_with_proofs(chain: TestChain) -> None:
    chain.do("olga", Propose(chain.joining(make.signer("other"))))
    chain.run()
    proof = await Reader(chain).ask("chain_getProof", kind="block", height=2)
    first = ValidatorSet((make.VALIDATOR.public_key,))
    genesis = trust_genesis(chain.ledger.chain_id, first, START_MS)
    known, following = [
        ValidatorSet(tuple(bytes.fromhex(key) for key in proof[name]))
        for name in ("validators", "next_validators")
    ]
    header = decode(Header, bytes.fromhex(proof["header"]))
    commit = decode(Commit, bytes.fromhex(proof["commit"]))
    candidate = Candidate(header, commit, known, following)

    found = verify_next(genesis, candidate, header.time_ms + 1, TrustOptions(DAY_MS))

    assert found == Trusted(trust_header(header, following))


async def test_several_keys_are_proven_under_one_root(chain: TestChain) -> None:
    chain.do("alice", GIFT)
    store = chain.ledger.store
    names = ("alice", "bob", "olga", "nobody", "somebody")
    keys = [balance_key(account(name), MONEY) for name in names]
    reader = Reader(chain)

    answer = await reader.ask("chain_getProofs", keys=[key.hex() for key in keys])
    index = await reader.refusal("chain_getProofs", keys=[QUEUE_PREFIX.hex()])
    none = await reader.refusal("chain_getProofs", keys=[])

    header = check(chain, answer["proof"]).header
    pieces = [tuple(map(bytes.fromhex, answer[name])) for name in ("nodes", "tails")]
    part = PartReader(header.state_root, TreePart(*pieces))
    values = [None if one is None else bytes.fromhex(one) for one in answer["values"]]
    assert values == [store.get(key) for key in keys]
    assert [one is None for one in values] == [False, False, False, True, True]
    hashes = [None if value is None else sha256(value) for value in values]
    assert all(map(part.shows, keys, hashes))
    assert part.needed() == TreePart(*pieces)
    assert index[0] == none[0] == -32602


async def test_the_beginning_is_told_in_the_form_that_the_chain_id_is_the_hash_of(
    chain: TestChain,
) -> None:
    answer = await Reader(chain).ask("chain_getGenesis")

    beginning = read_beginning(bytes.fromhex(answer["bytes"]))
    assert beginning.chain_id == chain.ledger.chain_id == bytes.fromhex(answer["chain_id"])
    assert beginning.validators.set_hash() == TRUSTED
