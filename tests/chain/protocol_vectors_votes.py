"""Golden bytes of docs/protocol.md, part three: signed votes, validator sets, proposers."""

from typing import Any

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL, make_commit
from chain.codec import encode, to_json
from chain.proposers import note_block, proposer_order, read_proposers
from chain.state import PROPOSERS_KEY, VALIDATORS_KEY
from chain.validators import QuorumRule, ValidatorSet
from chain.vote import SignedVote, signed_bytes
from tests.chain.protocol_vectors import ALICE, BLOCK, BOB, CHAIN, GUARD, SHOP
from tests.make import memory_state

PEOPLE = sorted((ALICE, BOB, SHOP, GUARD), key=lambda one: one.public_key)
KEYS = tuple(one.public_key for one in PEOPLE)
COUNTS = (1, 2, 3, 4, 5, 6, 7, 9, 10, 100, 128)


def vote_case(name: str, kind: int, epoch: int, block: bytes, valid_round: int) -> dict[str, Any]:
    """Return a signed vote of Alice at height 9, round 4, and the bytes it is over."""
    said = (kind, epoch, 9, 4, block, valid_round, ALICE.public_key)
    message = signed_bytes(SignedVote(*said, bytes(64)), CHAIN)
    vote = SignedVote(*said, ALICE.sign(message))
    return {
        "name": name,
        "fields": to_json(vote),
        "signing_bytes": message.hex(),
        "bytes": encode(vote).hex(),
    }


def set_case(rule: QuorumRule, epoch: int) -> dict[str, Any]:
    """Return a set of four under a rule, and what is counted under it."""
    validators = ValidatorSet(KEYS, rule, epoch)
    sets = [ValidatorSet((bytes(32),) * count, rule) for count in COUNTS]
    return {
        "rule": rule.name.lower(),
        "epoch": epoch,
        "bytes": encode(validators).hex(),
        "hash": validators.set_hash().hex(),
        "counts": [[len(one.keys), one.quorum, one.skip_threshold] for one in sets],
    }


def vote_vectors() -> dict[str, Any]:
    """Return signed votes of each kind, and sets of validators under both rules."""
    return {
        "chain_id": CHAIN.hex(),
        "votes": [
            vote_case("a prevote for a block that had a quorum in round 2", PREVOTE, 0, BLOCK, 2),
            vote_case("a prevote for none", PREVOTE, 0, bytes(32), -1),
            vote_case("a precommit after three recoveries", PRECOMMIT, 3, BLOCK, -1),
            vote_case("a proposal, made again after round 2", PROPOSAL, 0, BLOCK, 2),
        ],
        "sets": [set_case(QuorumRule.BYZANTINE, 0), set_case(QuorumRule.CRASH, 3)],
    }


def proposer_vectors() -> dict[str, Any]:
    """Return a record through blocks of four validators: one fails, then all of them."""
    state = memory_state()
    validators = ValidatorSet(KEYS)
    state.put(VALIDATORS_KEY, encode(validators))
    steps, previous = [], bytes(32)
    rounds = (None, 0, 1, 0, 3, 0, 0)  # of the parents' certificates
    for height, failed in enumerate(rounds, 1):
        order = proposer_order(state, height)
        commit = None
        if failed is not None:
            signatures = {key: bytes([failed]) * 64 for key in KEYS[1:]}
            commit = make_commit(validators, (height - 1, failed), BLOCK, signatures)
        proposer = order[1] if height == 2 else order[0]
        note_block(state, height, proposer, commit, previous)
        record = read_proposers(state)
        assert record is not None
        data = state.get(PROPOSERS_KEY)
        assert data is not None
        steps.append(
            {
                "height": height,
                "round_of_parent": failed,
                "signers": None if commit is None else commit.signers.hex(),
                "parent_proposer": previous.hex(),
                "proposer": proposer.hex(),
                "record": to_json(record),
                "bytes": data.hex(),
                "next_order": [key.hex() for key in proposer_order(state, height + 1)],
            }
        )
        previous = proposer
    return {"steps": steps}
