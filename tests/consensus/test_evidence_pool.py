"""Which evidence is worth keeping."""

from chain.block import PREVOTE, Evidence
from chain.vote import SignedVote
from consensus import EvidencePool, make_evidence

ONE = SignedVote(PREVOTE, 0, 1, 0, b"a" * 32, -1, b"v" * 32, bytes(64))
OTHER = SignedVote(PREVOTE, 0, 1, 0, b"b" * 32, -1, b"v" * 32, bytes(64))


def test_evidence_of_no_votes_or_of_no_bytes_of_votes_is_none() -> None:
    pool = EvidencePool()

    answers = [pool.add(one) for one in (Evidence(()), Evidence((b"",)), Evidence((b"", b"")))]

    assert answers == [False, False, False]
    assert pool.add(make_evidence(ONE, OTHER))
