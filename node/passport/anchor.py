"""Whether a header may be believed: by its own certificate, from the genesis, by an anchor.

Anybody can make a chain of his own, and validators who left still have their keys. So a certificate
alone says that a file agrees with itself. Two things that the reader brings tell more: the chain's
id, which is the hash of the genesis, and a checkpoint, who the validators of one height were. What
is signed by validators who are not known from the checkpoint on shows nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from chain.crypto import verify_signature
from chain.errors import MalformedBytesError, WashError
from chain.genesis import Beginning, read_beginning
from chain.types import SAFE_INT_MAX
from chain.validators import ValidatorSet
from consensus import (
    Candidate,
    Checkpoint,
    Invalid,
    LightClient,
    Trusted,
    TrustedBlock,
    TrustOptions,
    trust_genesis,
    verify_checkpoint,
    verify_next,
)

STEPS_MAX = 512  # blocks between a genesis and a head; one is needed for each change at most

# The head's certificate is looked at for itself, from the genesis and from the checkpoint.
_verify = lru_cache(maxsize=512)(verify_signature)
# Ages are the reader's to judge: a check that asks no clock gives the same answer every time.
_ANY_AGE = TrustOptions(trusting_period_ms=SAFE_INT_MAX)


class NotShownError(WashError):
    """What a file says and does not show."""

    code = 4003


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the reader knows from elsewhere: the chain's id; the validators of a height, by hash."""

    chain_id: bytes | None = None
    height: int | None = None
    validators_hash: bytes | None = None

    @property
    def is_whole(self) -> bool:
        """Whether both are there, without which a file shows only that it agrees with itself."""
        return self.chain_id is not None and self.validators_hash is not None


def check_certificate(head: Candidate) -> None:
    """Raise NotShownError unless a quorum of the validators that the header names signed it."""
    header = head.header
    itself = Checkpoint(header.chain_id, header.height, header.validators_hash)
    verdict = verify_checkpoint(itself, head, header.time_ms + 1, _ANY_AGE, _verify)
    if not isinstance(verdict, Trusted):
        raise NotShownError(verdict.reason)


def check_walk(genesis: bytes, steps: Sequence[Candidate], head: Candidate) -> Beginning:
    """Return the beginning that leads to the head: each step signed by those known before it."""
    try:
        start = read_beginning(genesis)
    except MalformedBytesError as error:
        raise NotShownError(f"genesis: {error}") from error
    _follow(trust_genesis(start.chain_id, start.validators, start.time_ms), (*steps, head))
    return start


def find_steps(
    start: Beginning, head: Candidate, fetch: Callable[[int], Candidate | None]
) -> tuple[Candidate, ...]:
    """Return the blocks that lead from the beginning to the head; nothing also where none do.

    `fetch` gives the block of a height, or None where nobody has it.
    """
    anchor = trust_genesis(start.chain_id, start.validators, start.time_ms)
    client = LightClient(anchor, _ANY_AGE, verify=_verify)
    client.seek(head.header.height)
    found: list[Candidate] = []
    while (wanted := client.wanted()) is not None:
        one = head if wanted == head.header.height else fetch(wanted)
        if one is None or len(found) > STEPS_MAX:
            return ()
        verdict = client.take(one, head.header.time_ms + 1)
        if isinstance(verdict, Invalid):
            return ()
        if isinstance(verdict, Trusted) and one is not head:
            found.append(one)
    return tuple(found)


def check_anchor(
    anchor: Anchor, start: Beginning | None, steps: Sequence[Candidate], head: Candidate
) -> None:
    """Raise NotShownError unless the head follows from the checkpoint.

    The validators of the checkpoint must be known from the file, where the reader's hash picks them
    out. From its height on, they or those who follow from them must have signed.
    """
    wanted, height = anchor.validators_hash, anchor.height
    assert wanted is not None, "an anchor without a checkpoint"
    assert height is not None, "an anchor without a checkpoint"
    header = head.header
    if header.height < height:
        # Whoever left before the checkpoint may have signed anything since.
        if header.validators_hash != wanted:
            text = (
                f"signed at height {header.height}, and by the checkpoint at height {height} the "
                "validators were others; take a newer passport, or an older checkpoint you trust"
            )
            raise NotShownError(text)
        return
    known = [] if start is None else [start.validators]
    for one in (*steps, head):
        known += [one.validators, one.next_validators]
    found = next((one for one in known if one.set_hash() == wanted), None)
    if found is None:
        text = f"the validators {wanted.hex()} of the checkpoint are not among those of the file"
        raise NotShownError(text)
    after = [one for one in (*steps, head) if one.header.height >= height]
    _follow(_trust_checkpoint(header.chain_id, height, found), after)


def _trust_checkpoint(chain_id: bytes, height: int, validators: ValidatorSet) -> TrustedBlock:
    # As the block before, whose next validators are those of the checkpoint. Its time is unknown,
    # and so is the height of its last change: see `_follow`.
    return TrustedBlock(chain_id, height - 1, -1, validators, height - 1)


def _follow(trusted: TrustedBlock, candidates: Sequence[Candidate]) -> None:
    for one in candidates:
        changed_at = one.header.last_validators_change_height
        if trusted.header is None and changed_at < trusted.last_validators_change_height:
            # A checkpoint does not say when the validators last changed. That they did not since
            # is all that counts, and that is checked.
            trusted = replace(trusted, last_validators_change_height=changed_at)
        verdict = verify_next(trusted, one, one.header.time_ms + 1, _ANY_AGE, _verify)
        if not isinstance(verdict, Trusted):
            text = f"height {one.header.height}: {verdict.reason}"
            raise NotShownError(text)
        trusted = verdict.block
