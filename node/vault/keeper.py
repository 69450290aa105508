"""What a vault does by itself: erases what the chain says, confirms it, fixes lists of readings.

The owner needs to ask no node: `erase` on the chain is enough. A node that was off finds out when
it starts.
"""

import asyncio
import logging
from typing import Any

from chain import merkle
from chain.errors import WashError
from chain.executed import ExecutedBlock
from chain.types import DAY_MS
from node.vault.errors import GoneError
from node.vault.on_chain import ERASED, ERASING, HOLDS, OVERDUE, event_number
from node.vault.sending import send_call
from node.vault.service import Vault

LOOK_S = 60
PAUSE_S = 0.01  # between two looks at many blobs: blocks and answers come first
SENT_AGAIN_MS = 120_000  # a confirmation that is on no block by then is sent anew

_log = logging.getLogger("washnode.vault")


class Keeper:
    """Looks after one vault. Told of the node's blocks; `run` beside it."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._asked: set[bytes] = set()  # names that were erased on the chain just now
        self._sent: dict[tuple[str, bytes], int] = {}  # what was sent, and when
        self._wake = asyncio.Event()
        vault.node.on_commit.append(self.on_commit)
        self._is_looked_over = False
        vault.node.on_reopen.append(self._on_reopen)

    def _on_reopen(self) -> None:
        """Look over all again: blocks that were skipped may have said anything."""
        self._is_looked_over = False
        self._wake.set()

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Note what a block that was just stored wants erased."""
        place = self._vault.contract.place()
        if place is None:
            return
        asked, *told = map(event_number, ("EraseAsked", "Erased", "AccessesLogged"))
        for receipt in executed.receipts:
            for event in receipt.events:
                if event.contract != place:
                    continue
                if event.number == asked:
                    name: Any = event.values[0]
                    self._asked.add(name)
                if event.number in {asked, *told}:
                    self._wake.set()

    async def run(self) -> None:
        """Do what there is to do, now and whenever there may be more, until cancelled."""
        while True:
            self._wake.clear()
            try:
                if not self._is_looked_over:
                    self._is_looked_over = True  # unless it is reopened meanwhile
                    await self._look_over_all_or_again()
                self.look()
            except WashError as error:  # the chain goes on without its vault
                _log.error("the vault failed: %s", error)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _look_over_all_or_again(self) -> None:
        try:
            await self.look_over_all()
        except WashError:
            self._is_looked_over = False
            raise

    async def look_over_all(self) -> None:
        """Find what was erased on the chain while this node was off."""
        vault = self._vault
        if not vault.store.is_there or vault.contract.place() is None:
            return
        for name in vault.store.names():
            if self._state(name) in {ERASING, ERASED, OVERDUE}:
                self._asked.add(name)
            await asyncio.sleep(PAUSE_S)

    def _state(self, name: bytes) -> int | None:
        """Return the state of a blob, None if the chain knows none, as a snapshot of old would."""
        try:
            return self._vault.contract.entry(name).state
        except GoneError:
            return None

    def look(self) -> None:
        """Erase, confirm and fix what is due now."""
        vault = self._vault
        place = vault.contract.place()
        if place is None:
            return
        while self._asked:
            self._erase(min(self._asked))
            self._asked.discard(min(self._asked))
        if vault.store.is_there:
            for name in vault.store.pending():
                self._confirm(place, name)
            self._fix_days(place)

    def _erase(self, name: bytes) -> None:
        vault = self._vault
        is_held = vault.contract.holding(name, vault.holder) == HOLDS
        is_here = vault.store.is_there and vault.store.has(name)
        if (is_held or is_here) and (not vault.store.is_there or vault.store.receipt(name) is None):
            vault.destroy(name, vault.contract.entry(name).owner)

    def _confirm(self, place: bytes, name: bytes) -> None:
        """Send the confirmation of an erasure, once the owner has asked for it on the chain."""
        vault = self._vault
        state = self._state(name)
        if vault.contract.holding(name, vault.holder) != HOLDS or state == ERASED:
            vault.store.settle(name)
        elif state in {ERASING, OVERDUE}:
            self._send(place, "erased", name)

    def _fix_days(self, place: bytes) -> None:
        vault = self._vault
        for day in vault.store.open_days(vault.node.block_time() // DAY_MS):
            if vault.contract.logged(vault.holder, day) is not None:
                vault.store.note_logged(day)
                continue
            leaves = vault.store.leaves(day)
            self._send(place, "log_accesses", day, merkle.root(leaves), len(leaves))

    def _send(self, place: bytes, function: str, *arguments: Any) -> None:
        vault = self._vault
        what, now = (function, repr(arguments).encode()), vault.node.clock.now_ms()
        if now - self._sent.get(what, -SENT_AGAIN_MS) < SENT_AGAIN_MS:
            return
        self._sent = {one: at for one, at in self._sent.items() if now - at < SENT_AGAIN_MS}
        if send_call(vault.node, vault.signer, place, function, *arguments):
            self._sent[what] = now
