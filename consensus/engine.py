"""The engine of a chain with one validator: its own vote is a quorum.

The order of things is that of any number of validators: work, build, persist the votes,
certificate, commit. A vote is persisted before it counts, so a crash between can not make a second,
different vote for the same height.
"""

from typing import assert_never

from chain.block import PRECOMMIT, Commit, make_commit, vote_bytes
from chain.crypto import Signer
from chain.validators import ValidatorSet
from consensus.events import (
    BlockBuilt,
    BuildBlock,
    CommitBlock,
    Effect,
    HeightCommitted,
    Input,
    Persist,
    Persisted,
    SetTimer,
    TimerElapsed,
    WorkArrived,
)


class Engine:
    """Decides heights one after another for the only validator of a chain."""

    def __init__(
        self,
        signer: Signer,
        chain_id: bytes,
        head: tuple[int, int, Commit | None],
        block_interval_ms: int,
    ) -> None:
        """`head` is (height, time ms, certificate) of the newest block; the signer validates."""
        self._signer, self._chain_id = signer, chain_id
        self._validators = ValidatorSet((signer.public_key,))
        self.height, self._head_time_ms, self._last_commit = head[0] + 1, head[1], head[2]
        self._interval_ms = block_interval_ms
        self._is_building = False
        self._pending: tuple[bytes, Commit] | None = None

    def handle(self, event: Input, now_ms: int) -> list[Effect]:
        """Take one input at a time of this machine's clock; return what is to be done, in order."""
        match event:
            case WorkArrived(due_ms):
                return self._on_work(due_ms, now_ms)
            case TimerElapsed(height):
                return self._on_work(None, now_ms) if height == self.height else []
            case BlockBuilt(height, block_id):
                return self._on_built(block_id) if height == self.height else []
            case Persisted(height):
                return self._on_persisted() if height == self.height else []
            case HeightCommitted(height, time_ms):
                return self._on_committed(height, time_ms)
            case _ as never:
                assert_never(never)

    def _on_work(self, due_ms: int | None, now_ms: int) -> list[Effect]:
        if self._is_building:
            return []
        earliest = self._head_time_ms + self._interval_ms
        if due_ms is not None:
            earliest = max(earliest, due_ms)
        if now_ms < earliest:
            return [SetTimer(self.height, earliest)]
        self._is_building = True
        return [BuildBlock(self.height, now_ms, self._last_commit)]

    def _on_built(self, block_id: bytes) -> list[Effect]:
        if not self._is_building or self._pending is not None:
            return []  # nobody asked, or this height has its vote
        place = (self.height, 0)
        message = vote_bytes(PRECOMMIT, self._chain_id, place, block_id)
        signature = self._signer.sign(message)
        commit = make_commit(
            self._validators, place, block_id, {self._signer.public_key: signature}
        )
        self._pending = (block_id, commit)
        return [Persist(self.height, message + signature)]

    def _on_persisted(self) -> list[Effect]:
        if self._pending is None:
            return []
        block_id, commit = self._pending
        return [CommitBlock(self.height, block_id, commit)]

    def _on_committed(self, height: int, time_ms: int) -> list[Effect]:
        if height != self.height or self._pending is None:
            return []
        self._last_commit = self._pending[1]
        self._pending = None
        self._is_building = False
        self._head_time_ms = time_ms
        self.height += 1
        return []
