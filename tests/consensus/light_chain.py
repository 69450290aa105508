"""Chains of headers and certificates alone, for as many validators as a test names."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from chain.block import BLOCK_VERSION, PRECOMMIT, Commit, Header, block_id, make_commit, vote_bytes
from chain.crypto import Signer
from chain.validators import ValidatorSet
from consensus import Candidate, TrustedBlock, trust_genesis
from tests.make import signer, word

CHAIN = word("chain")
START_MS = 1_000_000
STEP_MS = 1_000


def set_of(names: Iterable[str]) -> ValidatorSet:
    """Return the validators of these names; the same name is the same key."""
    return ValidatorSet(tuple(sorted(signer(name).public_key for name in names)))


def header_of(height: int, validators: ValidatorSet, **changes: Any) -> Header:
    """Return a header of a height under these validators and the same next ones."""
    header = Header(
        version=BLOCK_VERSION,
        chain_id=CHAIN,
        height=height,
        time_ms=START_MS + height * STEP_MS,
        parent_id=bytes(32),
        proposer=validators.keys[0] if validators.keys else bytes(32),
        last_commit_hash=word("commit"),
        evidence_hash=word("evidence"),
        skipped_hash=word("skipped"),
        last_round=0,
        tx_root=word("transactions"),
        receipt_root=word("receipts"),
        state_root=word("state"),
        validators_hash=validators.set_hash(),
        next_validators_hash=validators.set_hash(),
        last_validators_change_height=0,
        params_hash=word("params"),
        gas_used=0,
    )
    return replace(header, **changes)


def sign_header(
    header: Header, validators: ValidatorSet, names: Iterable[str], round_number: int = 0
) -> Commit:
    """Return the certificate of a header by those of the names that are validators."""
    place = (header.height, round_number)
    message = vote_bytes(PRECOMMIT, header.chain_id, place, block_id(header))
    people: list[Signer] = [signer(name) for name in names]
    signed = {one.public_key: one.sign(message) for one in people}
    return make_commit(validators, place, block_id(header), signed)


class LightChain:
    """Headers from height 0 on; `changes` are the names voted in at a height, for the next one."""

    def __init__(self, names: str, height: int, changes: Mapping[int, str] | None = None) -> None:
        """`names` and the values of `changes` are words with spaces between."""
        self.changes = dict(changes or {})
        self.names = [names.split()]
        self.headers = [header_of(0, set_of(self.names[0]), proposer=bytes(32))]
        for _ in range(height):
            self._grow()

    def _grow(self) -> None:
        parent, names = self.headers[-1], self.names[-1]
        height = parent.height + 1
        following = self.changes.get(height, " ".join(names)).split()
        is_changed = height in self.changes
        header = header_of(
            height,
            set_of(names),
            parent_id=block_id(parent),
            next_validators_hash=set_of(following).set_hash(),
            last_validators_change_height=(
                height if is_changed else parent.last_validators_change_height
            ),
        )
        self.headers.append(header)
        self.names.append(following)

    def names_at(self, height: int) -> list[str]:
        """Return who the validators of a height are."""
        return self.names[max(height - 1, 0)]

    def genesis(self) -> TrustedBlock:
        """Return height 0 as trusted."""
        return trust_genesis(CHAIN, set_of(self.names[0]), START_MS)

    def candidate(self, height: int, names: Iterable[str] | None = None) -> Candidate:
        """Return a height with everybody's signatures, or those of `names`."""
        header, validators = self.headers[height], set_of(self.names_at(height))
        by = self.names_at(height) if names is None else names
        commit = sign_header(header, validators, by)
        return Candidate(header, commit, validators, set_of(self.names[height]))


def forge(good: Candidate, names: Iterable[str], by: Iterable[str], **changes: Any) -> Candidate:
    """Return another block in place of a good one: `names` its validators, signed by `by`."""
    validators = set_of(names)
    mine = {
        "proposer": validators.keys[0],
        "validators_hash": validators.set_hash(),
        "next_validators_hash": validators.set_hash(),
        "last_validators_change_height": good.header.height,
    }
    header = replace(good.header, **{**mine, **changes})
    return Candidate(header, sign_header(header, validators, by), validators, validators)
