"""Checks of the block that everything else in a passport or slip hangs on."""

from contextlib import suppress

from chain.genesis import Beginning
from consensus import Candidate
from node.passport.anchor import (
    Anchor,
    NotShownError,
    check_anchor,
    check_certificate,
    check_walk,
)
from node.passport.report import Examination, StoppedError


class HeadCheck:
    """The header, and why it may be believed."""

    def __init__(
        self,
        seen: Examination,
        anchor: Anchor,
        genesis: bytes,
        steps: tuple[Candidate, ...],
        head: Candidate,
    ) -> None:
        self._seen, self._anchor = seen, anchor
        self._genesis, self._steps, self._head = genesis, steps, head

    def look(self) -> None:
        """Check certificate, way from the genesis, network and checkpoint."""
        seen, header = self._seen, self._head.header
        count = sum(one.bit_count() for one in self._head.commit.signers)
        with seen.check(
            "certificate",
            height=header.height,
            count=count,
            all=len(self._head.validators.keys),
        ):
            check_certificate(self._head)
        seen.facts.update(
            chain_id=header.chain_id.hex(), height=header.height, time_ms=header.time_ms
        )
        start = self._walk()
        for one in (self._network, lambda: self._checkpoint(start)):
            with suppress(StoppedError):  # what else the file says is worth knowing all the same
                one()

    def _walk(self) -> Beginning | None:
        seen = self._seen
        if not self._genesis:
            if self._steps:
                with seen.check("genesis"):
                    raise NotShownError("there are steps and no beginning")
            seen.skip("genesis", "genesis_missing")
            return None
        with seen.check("genesis", count=len(self._steps)):
            return check_walk(self._genesis, self._steps, self._head)

    def _network(self) -> None:
        expected, found = self._anchor.chain_id, self._head.header.chain_id
        if expected is None:
            self._seen.skip("network", "network_unasked")
            return
        with self._seen.check("network", chain=found.hex()[:16]):
            if found != expected:
                text = f"chain {found.hex()}, expected {expected.hex()}"
                raise NotShownError(text)

    def _checkpoint(self, start: Beginning | None) -> None:
        anchor = self._anchor
        if anchor.validators_hash is None:
            self._seen.skip("checkpoint", "checkpoint_unasked")
            return
        with self._seen.check("checkpoint", height=anchor.height):
            check_anchor(anchor, start, self._steps, self._head)
