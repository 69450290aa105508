"""The light client's walk: from what is trusted to a wanted height, over as few blocks as it can.

Sans I/O: the caller asks `wanted()`, fetches that height from anybody, and gives it to `take`. A
header names the height at which the validators last changed. A walk that is not trusted enough for
a jump goes there first, since between changes one certificate does for any distance.
"""

from collections.abc import Sequence

from chain.block import Header, block_id
from chain.crypto import verify_signature
from consensus.light import (
    Candidate,
    Checkpoint,
    Invalid,
    LightClientError,
    NotEnoughTrust,
    Trusted,
    TrustedBlock,
    TrustOptions,
    Verdict,
    VerifySignature,
    verify_checkpoint,
    verify_next,
)

TAKES_MAX = 10_000  # by default; each halving of a liar's headers costs two of them


class LightClient:
    """Holds the newest trusted block and walks on from it.

    A refused candidate changes nothing: ask somebody else for the same height.
    """

    def __init__(
        self,
        anchor: TrustedBlock | Checkpoint,
        options: TrustOptions,
        *,
        verify: VerifySignature = verify_signature,
        takes_max: int = TAKES_MAX,
    ) -> None:
        """Begin at a block that is trusted, or at a checkpoint whose block is wanted first."""
        self._anchor, self._options, self._verify = anchor, options, verify
        self._trusted = anchor if isinstance(anchor, TrustedBlock) else None
        self._path: list[int] = []  # wanted heights, the next one last
        self._takes_max, self._takes_left = takes_max, takes_max
        if isinstance(anchor, Checkpoint):
            self._path.append(anchor.height)

    @property
    def trusted(self) -> TrustedBlock | None:
        """The newest trusted block; None before the block of a checkpoint was taken."""
        return self._trusted

    def seek(self, height: int) -> None:
        """Walk to a height, from now on; raises LightClientError if it is already passed."""
        lowest = self._anchor.height if self._trusted is None else self._trusted.height
        if height < lowest:
            text = (
                f"height {height} is below the trusted {lowest}: "
                "follow parents down to it, or begin at an older block"
            )
            raise LightClientError(text)
        self._path = [] if height == lowest else [height]
        if self._trusted is None:
            self._path.append(lowest)
        self._takes_left = self._takes_max

    def wanted(self) -> int | None:
        """Return the height to fetch next; None when the height that was sought is trusted."""
        return self._path[-1] if self._path else None

    def take(self, candidate: Candidate, now_ms: int) -> Verdict:
        """Judge the block of the wanted height; the next wanted one follows from the verdict."""
        if not self._path:
            return Invalid("no height is wanted; seek one first")
        wanted, found = self._path[-1], candidate.header.height
        if found != wanted:
            return Invalid(f"height is {found}, expected the wanted {wanted}")
        if self._takes_left == 0:
            text = f"{self._takes_max} blocks did not lead to height {self._path[0]}; ask others"
            return Invalid(text)
        self._takes_left -= 1
        verdict = self._judge(candidate, now_ms)
        match verdict:
            case Trusted(block):
                self._trusted = block
                self._path.pop()
            case NotEnoughTrust():
                self._path.append(self._height_between(candidate.header))
            case Invalid():
                pass
        return verdict

    def _judge(self, candidate: Candidate, now_ms: int) -> Verdict:
        if self._trusted is None:
            assert isinstance(self._anchor, Checkpoint), "only a checkpoint begins without a block"
            return verify_checkpoint(self._anchor, candidate, now_ms, self._options, self._verify)
        return verify_next(self._trusted, candidate, now_ms, self._options, self._verify)

    def _height_between(self, header: Header) -> int:
        """Return a height strictly between the trusted block and a header too far from it.

        The header's own word is taken for it while it may be true: at the height it names, the
        validators it knows were voted in. If that is itself, the block before knows more. Every
        other time the distance is halved, so a liar can not put off more than about 100 heights.
        """
        assert self._trusted is not None, "nothing is too far from a checkpoint"
        low = self._trusted.height
        assert header.height > low + 1, "the next height is good or bad, never too far"
        hint = min(header.last_validators_change_height, header.height - 1)
        is_hint_due = len(self._path) % 2 == 1
        return hint if is_hint_due and low < hint else (low + header.height) // 2


def check_ancestors(trusted: Header, headers: Sequence[Header]) -> Header:
    """Return the last of `headers`, final because they lead down from a trusted one.

    Each is the parent of the one before, so no signature is needed: this is the way to a block
    whose validators have left long ago. Raises LightClientError where the chain breaks.
    """
    for header in headers:
        found = block_id(header)
        if found != trusted.parent_id:
            text = (
                f"the parent of height {trusted.height} is {trusted.parent_id.hex()}, "
                f"this header of height {header.height} is {found.hex()}"
            )
            raise LightClientError(text)
        trusted = header
    return trusted
