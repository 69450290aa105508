"""Faults of peers, by key and by address, and the bans that follow. Time is an argument.

Each fault has a weight; points go away with time. Who reaches the threshold is banned for 10
minutes, the next time for twice as long, up to a day; after a day without a ban it begins anew.
Honest nodes are late, repeat themselves and restart: such faults weigh little. Those that no honest
node can commit ban at once.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from p2p.errors import BadPeerFileError

MINUTE_MS = 60_000
BAN_POINTS = 100
POINT_MS = 6_000  # a point fades in this time; points are kept as the time until they are gone
BAN_MS_MIN = 10 * MINUTE_MS
BAN_MS_MAX = 24 * 60 * MINUTE_MS
BANS_FORGOTTEN_MS = 24 * 60 * MINUTE_MS  # since the end of the last
SUBJECTS_MAX = 4_096
SUBJECT_BYTES_MAX = 80

FAULT_POINTS = {
    "bad_signature": 100,  # under its own key, or handed on without a check
    "bad_block": 100,  # a block that does not follow from its parent, or its own certificate
    "bad_proof": 100,  # of a handshake or a snapshot
    "malformed": 50,  # bytes that no version sends
    "too_large": 50,
    "too_fast": 40,
    "bad_transaction": 10,  # one that could never have been good
    "unasked": 10,  # an answer to no question
    "no_answer": 5,  # a question that was left open
    "stale": 1,  # what everybody has had for long
}


def by_key(node_key: bytes) -> str:
    """Return the name under which a node's key stands in the book."""
    return f"key:{node_key.hex()}"


def by_address(address: str) -> str:
    """Return the name under which an IP address stands in the book."""
    return f"address:{address}"[:SUBJECT_BYTES_MAX]


@dataclass(slots=True)
class _Score:
    fading_ms: int = 0
    noted_ms: int = 0
    bans: int = 0  # in a row
    banned_until_ms: int = 0


_Time = Annotated[int, Field(ge=0, le=2**53 - 1)]


class _Line(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    subject: Annotated[str, Field(pattern=r"^(key:[0-9a-f]{64}|address:[0-9A-Za-z.:%]{1,64})$")]
    fading_ms: Annotated[int, Field(ge=0, lt=BAN_POINTS * POINT_MS)]
    noted_ms: _Time
    bans: Annotated[int, Field(ge=0, le=64)]
    banned_until_ms: _Time


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    version: Annotated[int, Field(ge=1, le=1)]
    scores: Annotated[list[_Line], Field(max_length=SUBJECTS_MAX)]


def _points(score: _Score) -> int:
    return -(-score.fading_ms // POINT_MS)


class ScoreBook:
    """Scores of at most 4,096 keys and addresses.

    When it is full, the one that is not banned and has the fewest points left is forgotten for a
    new one; if all are banned, the one whose ban ends first.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._scores: dict[str, _Score] = {}

    def __len__(self) -> int:
        """Return how many subjects are kept."""
        return len(self._scores)

    def note_fault(self, subject: str, fault: str, now_ms: int) -> bool:
        """Count a fault of FAULT_POINTS against a subject; True if it is banned from now on."""
        score = self._score(subject, now_ms)
        if score.banned_until_ms > now_ms:
            return True
        score.fading_ms += FAULT_POINTS[fault] * POINT_MS
        if _points(score) < BAN_POINTS:  # begun points count: two halves are a whole, a ms apart
            return False
        self._ban(score, now_ms)
        return True

    def ban(self, subject: str, duration_ms: int, now_ms: int) -> None:
        """Ban a subject by the operator's word; a longer ban that it has already stays."""
        score = self._score(subject, now_ms)
        score.banned_until_ms = max(score.banned_until_ms, now_ms + duration_ms)

    def _score(self, subject: str, now_ms: int) -> _Score:
        score = self._scores.get(subject)
        if score is None:
            self._make_room(now_ms)
            score = self._scores[subject] = _Score(noted_ms=now_ms)
        self._fade(score, now_ms)
        return score

    def _ban(self, score: _Score, now_ms: int) -> None:
        is_long_ago = now_ms - score.banned_until_ms > BANS_FORGOTTEN_MS
        score.bans = 1 if is_long_ago else min(score.bans + 1, 64)
        score.banned_until_ms = now_ms + min(BAN_MS_MAX, BAN_MS_MIN << (score.bans - 1))
        score.fading_ms = 0

    def points(self, subject: str, now_ms: int) -> int:
        """Return the points that a subject has now."""
        score = self._scores.get(subject)
        if score is None:
            return 0
        self._fade(score, now_ms)
        return _points(score)

    def banned_until_ms(self, subject: str, now_ms: int) -> int | None:
        """Return when a ban ends, or None if there is none now."""
        score = self._scores.get(subject)
        if score is None or score.banned_until_ms <= now_ms:
            return None
        return score.banned_until_ms

    def is_banned(self, subject: str, now_ms: int) -> bool:
        """Tell whether a subject is banned now."""
        return self.banned_until_ms(subject, now_ms) is not None

    def banned(self, now_ms: int) -> list[tuple[str, int]]:
        """Return who is banned now, and until when, by name."""
        return [
            (subject, score.banned_until_ms)
            for subject, score in sorted(self._scores.items())
            if score.banned_until_ms > now_ms
        ]

    def pardon(self, subject: str) -> bool:
        """Forget all faults of a subject; False if there were none."""
        return self._scores.pop(subject, None) is not None

    def _fade(self, score: _Score, now_ms: int) -> None:
        passed_ms = max(0, now_ms - score.noted_ms)
        score.fading_ms = max(0, score.fading_ms - passed_ms)
        score.noted_ms = now_ms

    def _make_room(self, now_ms: int) -> None:
        if len(self._scores) < SUBJECTS_MAX:
            return
        for score in self._scores.values():
            self._fade(score, now_ms)

        def worth(subject: str) -> tuple[int, int]:
            score = self._scores[subject]
            return max(0, score.banned_until_ms - now_ms), score.fading_ms

        del self._scores[min(self._scores, key=worth)]

    def to_json(self) -> str:
        """Return the book as JSON text."""
        lines = [
            _Line(
                subject=subject,
                fading_ms=score.fading_ms,
                noted_ms=score.noted_ms,
                bans=score.bans,
                banned_until_ms=score.banned_until_ms,
            )
            for subject, score in sorted(self._scores.items())
        ]
        return _File(version=1, scores=lines).model_dump_json(indent=1)

    @classmethod
    def from_json(cls, text: str) -> "ScoreBook":
        """Return the book that `to_json` wrote; raises BadPeerFileError."""
        try:
            lines = _File.model_validate_json(text).scores
        except ValidationError as error:
            raise BadPeerFileError("scores", str(error.errors()[0]["msg"])) from error
        book = cls()
        for line in lines:
            book._scores[line.subject] = _Score(
                line.fading_ms, line.noted_ms, line.bans, line.banned_until_ms
            )
        return book
