"""May this node vote? What a validator finds out before it signs, and when it must stop.

A vote that was signed and forgotten is the one thing that lets an honest validator contradict
itself. So at every start it asks the others for its newest vote. One that its log lacks makes it an
observer. After a log that can not be trusted it is an observer at once, and votes again only from a
height at which nothing of its old self can be (docs/consensus.md, Rejoining).
"""

from chain.validators import ValidatorSet
from chain.vote import SignedVote
from consensus.events import Mode, ModeChanged
from consensus.messages import RejoinQuery, RejoinReply
from consensus.timeouts import LISTEN_LONG_MS, LISTEN_MS

REJOIN_PREFIX = b"washnode-rejoin\0"
HEIGHTS_KEPT_SILENT = 3  # above the highest head that a quorum reports


def reply_bytes(chain_id: bytes, reply: RejoinReply) -> bytes:
    """Return the bytes that the replier signs: prefix, chain, both keys, query, u64 head height."""
    said = (chain_id, reply.replier, reply.validator, reply.query)
    return REJOIN_PREFIX + b"".join(said) + reply.head_height.to_bytes(8, "big")


class Guard:
    """Decides whether votes may be signed. Pure: told of the start, of replies and of time."""

    def __init__(self, me: bytes, query: bytes, damage: str | None, sign_from: int = 0) -> None:
        """`query` is fresh chance; `damage` says why the log can not be trusted, or None.

        `sign_from` is the height from which an earlier rejoin allowed votes.
        """
        self.me, self.query, self.damage = me, query, damage
        self.mode = Mode.LISTENING if damage is None else Mode.OBSERVER
        self.reason = (
            "asking whether anybody else votes with this key" if damage is None else damage
        )
        self.sign_from_height = sign_from
        self._heads: dict[bytes, int] = {}
        self._started_mono: int | None = None
        self._is_barred = False  # a stranger votes with this key: only a restart may change that

    def start(self, now_mono: int, validators: ValidatorSet) -> list[ModeChanged]:
        """Begin at a time; a chain of one validator has nobody to ask."""
        self._started_mono = now_mono
        if validators.keys == (self.me,) and self.mode == Mode.LISTENING:
            return self._change(Mode.SIGNING, "the only validator")
        return [ModeChanged(self.mode, self.reason)]

    def question(self) -> RejoinQuery | None:
        """Return what to ask everybody, while there is something to ask."""
        is_asking = self.mode == Mode.LISTENING or (self._waits() and not self.sign_from_height)
        return RejoinQuery(self.me, self.query) if is_asking else None

    def wait_ms(self) -> int:
        """Return how long answers are waited for."""
        return LISTEN_MS if self.damage is None else LISTEN_LONG_MS

    def may_sign(self, height: int) -> bool:
        """Tell whether a vote of this height may be signed."""
        return self.mode == Mode.SIGNING and height >= self.sign_from_height

    def on_reply(
        self, reply: RejoinReply, validators: ValidatorSet, *, is_known: bool
    ) -> list[ModeChanged]:
        """Take an answer; `is_known`: its newest vote is in our log, or below our height."""
        if reply.query != self.query or reply.validator != self.me or reply.replier == self.me:
            return []
        self._heads[reply.replier] = max(reply.head_height, self._heads.get(reply.replier, 0))
        if self.mode == Mode.LISTENING:
            if not is_known:
                return self.bar("somebody holds a vote of this key that the log lacks")
            others = [key for key in self._heads if key in validators.keys]
            if len(others) >= validators.quorum - 1:
                return self._change(Mode.SIGNING, f"{len(others)} validators know no other votes")
        return []

    def on_time(self, now_mono: int, validators: ValidatorSet) -> list[ModeChanged]:
        """Look whether enough was heard for long enough."""
        if self._started_mono is None or now_mono - self._started_mono < self.wait_ms():
            return []
        if self.mode == Mode.LISTENING:
            return self._change(Mode.SIGNING, "nobody answered in time")
        heads = [head for key, head in self._heads.items() if key in validators.keys]
        if self._waits() and not self.sign_from_height and len(heads) >= validators.quorum:
            self.sign_from_height = max(heads) + HEIGHTS_KEPT_SILENT
            self.reason = f"votes again from height {self.sign_from_height}: {self.damage}"
            return [ModeChanged(self.mode, self.reason)]
        return []

    def on_height(self, height: int) -> list[ModeChanged]:
        """Look whether the height to vote from has come."""
        if self._waits() and self.sign_from_height and height >= self.sign_from_height:
            return self._change(Mode.SIGNING, f"rejoined at height {height}")
        return []

    def bar(self, reason: str) -> list[ModeChanged]:
        """Stop voting at once: a vote of this key appeared that this node did not sign."""
        if self._is_barred:
            return []
        self._is_barred = True
        return self._change(Mode.OBSERVER, reason)

    def _waits(self) -> bool:
        return self.mode == Mode.OBSERVER and self.damage is not None and not self._is_barred

    def _change(self, mode: Mode, reason: str) -> list[ModeChanged]:
        self.mode, self.reason = mode, reason
        return [ModeChanged(mode, reason)]


def newest_of(votes: list[SignedVote]) -> SignedVote | None:
    """Return the newest of some votes of one validator, or None."""
    return max(votes, key=lambda vote: (vote.height, vote.round, vote.kind), default=None)
