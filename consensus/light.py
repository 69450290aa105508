"""The light client's rule: may a block be believed, given one that is?

A light client keeps the newest block that it trusts and the validators of the next height. The next
height needs a quorum of exactly those validators. A later height may be jumped to if more than a
third of them signed it, so that one honest validator did, and a quorum of its own set as well.

Nothing here reads a clock or a socket: a candidate is somebody's claim, the answer a verdict.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn, TypeAlias

from chain.block import BLOCK_VERSION, PRECOMMIT, Commit, Header, block_id, vote_bytes
from chain.codec import wire
from chain.crypto import verify_signature
from chain.errors import WashError
from chain.validators import ValidatorSet

VerifySignature: TypeAlias = Callable[[bytes, bytes, bytes], bool]  # key, message, signature


@dataclass(frozen=True, slots=True)
class TrustOptions:
    """How long validators answer for a block, and how far ahead of us a clock may be.

    Whoever left the validators longer ago than `trusting_period_ms` may sign anything, so nothing
    is built on a block that is older.
    """

    trusting_period_ms: int
    clock_drift_ms: int = 0


@dataclass(frozen=True, slots=True)
class TrustedBlock:
    """What must be known of a block to go on from it; `header` is None for a genesis file."""

    chain_id: bytes
    height: int
    time_ms: int
    next_validators: ValidatorSet
    last_validators_change_height: int
    header: Header | None = None


@wire()
@dataclass(frozen=True, slots=True)
class Candidate:
    """What a stranger says of a block: header, certificate, its validators and the next ones."""

    header: Header
    commit: Commit
    validators: ValidatorSet
    next_validators: ValidatorSet


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place somebody vouches for: who the validators of a height were.

    `vouched_ms` is when that was said. It tells a checkpoint that is still good from one whose
    validators may have left; None leaves that to the reader.
    """

    chain_id: bytes
    height: int
    validators_hash: bytes
    vouched_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Trusted:
    """The candidate is final; go on from `block`."""

    block: TrustedBlock


@dataclass(frozen=True, slots=True)
class NotEnoughTrust:
    """The candidate may be good, but too few known validators signed it: try one between."""

    reason: str


@dataclass(frozen=True, slots=True)
class Invalid:
    """The candidate, or going on from this trusted block at all, is refused."""

    reason: str


Verdict: TypeAlias = Trusted | NotEnoughTrust | Invalid


class LightClientError(WashError):
    """What a light client is asked to trust or to reach, and can not."""

    code = 4003


class _RefusedError(Exception):
    """Carries the reason of a refusal up to the verdict."""


def trust_genesis(chain_id: bytes, validators: ValidatorSet, time_ms: int) -> TrustedBlock:
    """Return height 0 as trusted, from what a genesis file says; the chain's id is its hash."""
    return TrustedBlock(chain_id, 0, time_ms, validators, 0)


def trust_header(header: Header, next_validators: ValidatorSet) -> TrustedBlock:
    """Return a block as trusted whose header the caller trusts, for instance one kept from before.

    Raises LightClientError if the header names other validators for the next height.
    """
    found = next_validators.set_hash()
    if found != header.next_validators_hash:
        text = f"next validators {found.hex()}, expected {header.next_validators_hash.hex()}"
        raise LightClientError(text)
    return TrustedBlock(
        header.chain_id,
        header.height,
        header.time_ms,
        next_validators,
        header.last_validators_change_height,
        header,
    )


def verify_next(
    trusted: TrustedBlock,
    candidate: Candidate,
    now_ms: int,
    options: TrustOptions,
    verify: VerifySignature = verify_signature,
) -> Verdict:
    """Return whether a later block is final, going by `trusted` and `now_ms`.

    Never raises for what the candidate says. `verify` checks a signature (key, message, signature).
    """
    header = candidate.header
    try:
        _check_age("the trusted block", trusted.time_ms, now_ms, options)
        _check_claim(candidate, trusted.chain_id, now_ms, options)
        _check_order(trusted, header)
        _check_changes(trusted, header)
        signed = _check_signatures(candidate, verify)
        if header.height > trusted.height + 1:
            known = trusted.next_validators.keys
            count = sum(key in known for key in signed)
            if 3 * count <= len(known):
                reason = (
                    f"{count} of the {len(known)} validators trusted at height {trusted.height} "
                    f"signed height {header.height}, more than a third are needed; "
                    "try a height between"
                )
                return NotEnoughTrust(reason)
        _check_quorum(candidate.validators, signed)
    except _RefusedError as error:
        return Invalid(str(error))
    return Trusted(trust_header(header, candidate.next_validators))


def verify_checkpoint(
    checkpoint: Checkpoint,
    candidate: Candidate,
    now_ms: int,
    options: TrustOptions,
    verify: VerifySignature = verify_signature,
) -> Verdict:
    """Return whether a block is the one at a checkpoint: its height, signed by its validators."""
    header = candidate.header
    try:
        if checkpoint.vouched_ms is not None:
            _check_age("the checkpoint", checkpoint.vouched_ms, now_ms, options)
        _check_claim(candidate, checkpoint.chain_id, now_ms, options)
        _expect("height", header.height, checkpoint.height)
        _expect("validators_hash", header.validators_hash, checkpoint.validators_hash)
        _check_age("the block", header.time_ms, now_ms, options)
        _check_quorum(candidate.validators, _check_signatures(candidate, verify))
    except _RefusedError as error:
        return Invalid(str(error))
    return Trusted(trust_header(header, candidate.next_validators))


def _check_age(what: str, time_ms: int, now_ms: int, options: TrustOptions) -> None:
    age_ms = now_ms - time_ms
    if age_ms >= options.trusting_period_ms:
        _refuse(
            f"{what} is {age_ms} ms old, and validators answer for {options.trusting_period_ms} ms "
            "only; begin at a newer checkpoint"
        )


def _check_claim(candidate: Candidate, chain_id: bytes, now_ms: int, options: TrustOptions) -> None:
    """Check what a header says against itself, its chain, and the clock."""
    header = candidate.header
    _expect("version", header.version, BLOCK_VERSION)
    _expect("chain_id", header.chain_id, chain_id)
    latest_ms = now_ms + options.clock_drift_ms
    if header.time_ms >= latest_ms:
        _refuse(f"time is {header.time_ms}, expected one before {latest_ms} (ms); check the clock")
    for what, validators, expected in (
        ("validators", candidate.validators, header.validators_hash),
        ("next_validators", candidate.next_validators, header.next_validators_hash),
    ):
        # A key that stood twice would be counted twice.
        if any(one >= other for one, other in pairwise(validators.keys)):
            _refuse(f"{what}: {len(validators.keys)} keys, expected each once and in order")
        _expect(f"hash of {what}", validators.set_hash(), expected)
    if header.proposer not in candidate.validators.keys:
        _refuse(f"proposer {header.proposer.hex()} is no validator of height {header.height}")


def _check_order(trusted: TrustedBlock, header: Header) -> None:
    if header.height <= trusted.height:
        _refuse(f"height is {header.height}, expected one above the trusted {trusted.height}")
    if header.time_ms <= trusted.time_ms:
        _refuse(f"time is {header.time_ms}, expected one after the trusted {trusted.time_ms} (ms)")
    if header.height == trusted.height + 1:
        expected = trusted.next_validators.set_hash()
        _expect("validators_hash", header.validators_hash, expected)
        if trusted.header is not None:
            _expect("parent_id", header.parent_id, block_id(trusted.header))


def _check_changes(trusted: TrustedBlock, header: Header) -> None:
    """Check the height that a header gives for the last change of the validators."""
    changed_at = header.last_validators_change_height
    if changed_at > header.height:
        _refuse(f"last_validators_change_height is {changed_at}, above height {header.height}")
    if header.next_validators_hash != header.validators_hash:
        _expect("last_validators_change_height", changed_at, header.height)
    if changed_at <= trusted.height:
        expected = trusted.last_validators_change_height
        _expect("last_validators_change_height", changed_at, expected)
        unchanged = trusted.next_validators.set_hash()
        _expect("validators_hash without a change", header.validators_hash, unchanged)


def _check_signatures(candidate: Candidate, verify: VerifySignature) -> list[bytes]:
    """Return the keys of a certificate's signers; each of them signed this very block."""
    header, commit, keys = candidate.header, candidate.commit, candidate.validators.keys
    _expect("height of the certificate", commit.height, header.height)
    _expect("block of the certificate", commit.block_id, block_id(header))
    _expect("bytes of the signers' bitmap", len(commit.signers), (len(keys) + 7) // 8)
    indexes = [i for i in range(8 * len(commit.signers)) if commit.signers[i // 8] >> i % 8 & 1]
    if indexes and indexes[-1] >= len(keys):
        _refuse(f"signer {indexes[-1]} of {len(keys)} validators, who count from 0")
    if len(indexes) != len(commit.signatures):
        _refuse(f"{len(commit.signatures)} signatures of {len(indexes)} signers, expected as many")
    place = (commit.height, commit.round)
    epoch = candidate.validators.epoch
    message = vote_bytes(PRECOMMIT, header.chain_id, place, commit.block_id, epoch=epoch)
    signed = [keys[index] for index in indexes]
    for key, signature in zip(signed, commit.signatures, strict=True):
        if not verify(key, message, signature):
            _refuse(f"validator {key.hex()} did not sign this block in round {commit.round}")
    return signed


def _check_quorum(validators: ValidatorSet, signed: list[bytes]) -> None:
    if len(signed) < validators.quorum:
        count, needed = len(validators.keys), validators.quorum
        _refuse(f"{len(signed)} of {count} validators signed, {needed} are needed")


def _expect(what: str, found: int | bytes, expected: int | bytes) -> None:
    if found != expected:
        shown = [one.hex() if isinstance(one, bytes) else str(one) for one in (found, expected)]
        _refuse(f"{what} is {shown[0]}, expected {shown[1]}")


def _refuse(reason: str) -> NoReturn:
    raise _RefusedError(reason)
