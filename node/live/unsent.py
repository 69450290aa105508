"""What clients of this node sent and no block has yet: judged, shown, and signed again.

A transaction whose time is over is in no block, now or ever, once the blocks up to that time are
known: that is proof, and only then may the same be signed again under another number. Before, it
could be carried out twice. What a shop's own key signed, and moves no money, the node signs again
by itself; all else waits for whoever has the key.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from chain.errors import ExpiredError, StoreError, WashError
from chain.executed import ExecutedBlock
from chain.governance import is_installed
from chain.nonces import find_nonce
from chain.params import read_params
from chain.receipt import count_firings
from chain.transaction import Call, ReceivedTransaction, read_transaction, sign_transaction
from chain.types import DAY_MS, MINUTE_MS
from node.keys.acting import account_of
from node.live.hearing import BEHIND_MAX, hears_nobody, heights_behind
from node.live.outbox import Kept, Outbox
from node.live.outcomes import Outcomes
from node.live.searched import is_over

RENEWED_FOR_MS = 3 * DAY_MS  # from when it was taken; later nobody means it any more
VALID_MS_MIN = 10 * MINUTE_MS
NOTED_AFTER_MS = MINUTE_MS  # a failure that came so late is kept: nobody waits for it any more
LATE_MS = 30_000  # what is on its way is no matter so long
RETRY_S = 2.0


class KeptError(WashError):
    """Why a transaction was dropped, as it was kept over a restart."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(kept.text)
        self.code = kept.code  # type: ignore[misc]  # that of what was raised then


class NotOverError(WashError):
    """A transaction that can not be signed again: it is not known here to be in no block."""

    code = 4020

    def __init__(self, tx_id: bytes) -> None:
        super().__init__(
            f"transaction {tx_id.hex()} is not in the outbox as one that is proven to be in no "
            "block; look at outbox_list"
        )


class OtherDeedError(WashError):
    """A transaction that is no renewal of another: it asks for something else."""

    code = 4020

    def __init__(self, what: str) -> None:
        super().__init__(f"it is not the same signed again: its {what} is another")


class Unsent:
    """The outbox of a node, and what is done about it."""

    def __init__(self, node: Any, outcomes: Outcomes) -> None:
        """`node` is a Node that has an outbox; `outcomes` know who waits for what."""
        self._node, self._outcomes = node, outcomes
        self._is_due = asyncio.Event()
        self._is_due.set()  # what expired before the last stop

    @property
    def _outbox(self) -> Outbox:
        found: Outbox = self._node.outbox
        return found

    def stamp(self) -> tuple[int, bool]:
        """Return the time, and whether nobody else may have what is taken now."""
        return self._node.clock.now_ms(), hears_nobody(self._node)

    def to_sign(self) -> int:
        """Return how much is proven to be in no block and waits for somebody's signature."""
        over = self._outbox.over()
        return sum(one.fate == "expired" and not self.is_renewed_here(one) for one in over)

    def late(self) -> tuple[int, int]:
        """Return how much waits for long, and for how long the oldest of it does, ms."""
        now_ms = self._node.clock.now_ms()
        ages = [now_ms - one.since_ms for one in self._outbox.waiting() if one.since_ms]
        old = [age for age in ages if age > LATE_MS]
        return len(old), max(old, default=0)

    # What becomes of it -------------------------------------------------------------------------

    async def take(self) -> None:
        """Let what clients sent before the last stop wait again; judge what no block can have."""
        node, outbox = self._node, self._outbox
        waiting = outbox.waiting()
        answers = await node.submit_batch([one.data for one in waiting])
        for one, answer in zip(waiting, answers, strict=True):
            if one.tx_id not in outbox:
                continue
            if node.ledger.store.find_transaction(one.tx_id) is not None:
                outbox.remove([one.tx_id])
            elif isinstance(answer, ExpiredError):
                self._judge(one)
            elif isinstance(answer, WashError) and answer.retry not in {"same", "later"}:
                outbox.end(one.tx_id, "refused", answer.code, str(answer))

    def _judge(self, kept: Kept) -> None:
        """Say what became of one that is too late by the clock, if the blocks known here tell."""
        node, body = self._node, read_transaction(kept.data).body
        if node.ledger.head.time_ms < body.valid_until:
            return  # it may be in a block that is not here yet
        if is_over(node.ledger, body.valid_until):
            self.drop(kept.tx_id, ExpiredError(now=node.ledger.head.time_ms, valid_until=0))
            return
        key = body.key or body.account  # the chain began here with a later snapshot
        is_used = find_nonce(node.state(), body.account, key, body.nonce)
        if is_used is False:
            self.drop(kept.tx_id, ExpiredError(now=node.ledger.head.time_ms, valid_until=0))
        else:
            text = "its time is over, and the blocks that would have it are not kept here"
            self._outbox.end(kept.tx_id, "unclear", ExpiredError.code, text)

    def drop(self, tx_id: bytes, error: WashError) -> None:
        """Note that no block contains a transaction nor will; expired ones may be signed again."""
        if isinstance(error, ExpiredError):
            self._outbox.end(tx_id, "expired", error.code, "")
            self._is_due.set()
        else:
            self._outbox.end(tx_id, "refused", error.code, str(error))

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Forget what is in a block; keep what failed there after everybody stopped waiting."""
        landed = [(place, one) for place, one in enumerate(executed.tx_ids) if one in self._outbox]
        if not landed:
            return
        firings = count_firings(executed.receipts)
        gone = []
        for place, tx_id in landed:
            is_good = executed.receipts[firings + place].ok
            if is_good or not self._is_late(tx_id, executed.block.header.time_ms):
                gone.append(tx_id)
            else:
                self._outbox.end(tx_id, "failed")
        self._outbox.remove(gone)

    def _is_late(self, tx_id: bytes, now_ms: int) -> bool:
        kept = self._outbox.find(tx_id)
        return kept is not None and kept.since_ms > 0 and now_ms - kept.since_ms > NOTED_AFTER_MS

    # Signing again ------------------------------------------------------------------------------

    def is_renewed_here(self, kept: Kept) -> bool:
        """Tell whether this node signs a transaction again by itself.

        Only a shop's own calls that bring no money: the contracts let each step of a visit happen
        once, so one that somebody signed again as well does nothing.
        """
        signer, body = self._node.sponsor, read_transaction(kept.data).body
        if signer is None or kept.fate != "expired":
            return False
        shop = account_of(signer)
        is_own = body.account == shop and (body.key or shop) == signer.public_key
        is_own = is_own and body.sponsor in {None, shop}
        is_late = self._node.clock.now_ms() - kept.since_ms > RENEWED_FOR_MS
        state = self._node.state()
        return (
            is_own
            and not is_late
            and all(
                isinstance(one, Call) and not one.funds and is_installed(state, one.contract)
                for one in body.actions
            )
        )

    def error(self, tx_id: bytes) -> WashError | None:
        """Return why no block has a transaction of before the last stop, or None."""
        kept = self._outbox.find(tx_id)
        if kept is None or kept.fate not in {"expired", "refused"}:
            return None
        if kept.fate == "refused":
            return KeptError(kept)
        until = read_transaction(kept.data).body.valid_until
        return ExpiredError(now=self._node.ledger.head.time_ms, valid_until=until)

    def is_renewable(self, tx_id: bytes) -> bool:
        """Tell whether a transaction is about to be signed again here."""
        kept = self._outbox.find(tx_id)
        return kept is not None and self.is_renewed_here(kept)

    async def run(self) -> None:
        """Sign again what is proven to be in no block, until cancelled."""
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            try:
                is_done = self._renew_all()
            except Exception as error:  # noqa: BLE001 - the disk: the node stops loudly
                self._node.fail(error)
                return
            if not is_done:
                await asyncio.sleep(RETRY_S)
                self._is_due.set()

    def _renew_all(self) -> bool:
        """Sign again what can be; false if some of it has to wait."""
        node = self._node
        due = [one for one in self._outbox.over() if self.is_renewed_here(one)]
        due.sort(key=_place)  # a step stands on the one before
        if due and (hears_nobody(node) or heights_behind(node.driver.engine) > BEHIND_MAX):
            return False
        is_done = True
        for kept in due:
            try:
                self._take_renewal(kept, self._signed_again(kept))
            except StoreError:
                raise
            except WashError as error:
                if error.retry in {"same", "later"}:
                    is_done = False
                else:
                    self._outbox.end(kept.tx_id, "refused", error.code, str(error))
        return is_done

    def _signed_again(self, kept: Kept) -> ReceivedTransaction:
        node, body = self._node, read_transaction(kept.data).body
        longest = read_params(node.state()).valid_for_max_ms
        wished_ms = max(VALID_MS_MIN, body.valid_until - kept.since_ms if kept.since_ms else 0)
        fresh = replace(
            body,
            nonce=node.next_nonce(body.account, body.key or body.account),
            valid_until=node.block_time() + min(wished_ms, longest),
        )
        sponsor = None if body.sponsor is None else node.sponsor
        return read_transaction(sign_transaction(fresh, node.sponsor, sponsor))

    def renew(self, tx_id: bytes, data: bytes) -> Any:
        """Take what a client signed again in the place of what expired, once; returns the answer.

        Raises NotOverError, OtherDeedError, or what the new transaction is refused for.
        """
        kept = self._outbox.find(tx_id)
        if kept is None or kept.fate != "expired" or self.is_renewed_here(kept):
            raise NotOverError(tx_id)
        fresh = read_transaction(data)
        _check_same(read_transaction(kept.data), fresh)
        return self._take_renewal(kept, fresh)

    def _take_renewal(self, kept: Kept, fresh: ReceivedTransaction) -> Any:
        node = self._node
        node.intake.check(fresh)  # before the old one is given up
        self._outbox.renew(kept.tx_id, fresh.tx_id, fresh.data)
        taken = node.submit(fresh.data)
        self._outcomes.settle(kept.tx_id)
        return taken


def _place(kept: Kept) -> tuple[int, int]:
    return kept.since_ms, read_transaction(kept.data).body.nonce


def _check_same(old: ReceivedTransaction, new: ReceivedTransaction) -> None:
    pairs: Iterable[tuple[str, Any, Any]] = (
        ("account", old.body.account, new.body.account),
        ("sponsor", old.body.sponsor, new.body.sponsor),
        ("actions", old.body.actions, new.body.actions),
    )
    for name, before, after in pairs:
        if before != after:
            raise OtherDeedError(name)
