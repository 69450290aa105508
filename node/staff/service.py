"""Logging in: name and PIN against a sealed key, with ever longer waits after wrong ones."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from chain.crypto import PassphraseCost, Signer
from chain.types import DAY_MS, MINUTE_MS
from node.keys.file import COST
from node.keys.store import KeyStore
from node.staff.bays import BayList
from node.staff.book import FOLDER, Member, StaffBook, make_id
from node.staff.errors import LockedOutError, NoSessionError, WrongPinError
from node.staff.payouts import PayoutBook
from node.staff.sessions import TOKEN_BYTES, Session, Sessions

WRONG_MAX = 5  # wrong PINs in a row, then the name is locked
LOCK_MS = 15 * MINUTE_MS
LOCK_MAX_MS = DAY_MS  # each further lock is twice as long, up to this
FREE_LOCK_MS = 10 * MINUTE_MS  # wrong tries under all names together are counted within this
WRONG_IN_ALL = 30
VALID_FOR_MS = 365 * DAY_MS  # of a key, until the owner extends it
KEPT_FOLDER = "kept"
OPERATORS_FOLDER = "operators"  # within the data folder: who acts for an operator's account here


class Staffing:
    """The staff of the shop whose node this is."""

    def __init__(self, node: Any, folder: Path, cost: PassphraseCost = COST) -> None:
        self.node = node
        self.book = StaffBook(folder / FOLDER, cost)
        self.kept = KeyStore(folder / KEPT_FOLDER, cost)  # accounts of customers without a phone
        self.bays = BayList(folder / FOLDER)
        self.payouts = PayoutBook(folder / FOLDER)
        self.sessions = Sessions(node.clock.now_ms, node.clock.mono_ms)
        self.chance: Callable[[int], bytes] = secrets.token_bytes
        self._one_at_a_time = asyncio.Lock()  # a try takes much memory
        self._wrong: list[int] = []  # times of wrong tries, whoever's

    async def log_in(
        self, name: str, pin: str, ends_ms: Callable[[Member], int]
    ) -> tuple[str, Session]:
        """Return a new session's token and the session.

        Raises WrongPinError, which does not tell whether the name is known, or LockedOutError.
        """
        async with self._one_at_a_time:
            now = self.node.clock.now_ms()
            self._check_crowd(now)
            member = next(iter(self.book.named(name)), None)
            if member is None:
                await asyncio.to_thread(self._work_for_nothing, pin)
                self._count(None, now)
            else:
                signer = await self._open(member, pin, now)
                if signer is not None:
                    token = self.chance(TOKEN_BYTES).hex()
                    return token, self.sessions.begin(token, member, signer, ends_ms(member))
            text = "this name and PIN do not belong together"
            raise WrongPinError(text)

    async def confirm(self, session: Session, pin: str) -> None:
        """Have who is logged in type the PIN once more; tries count like those at the login.

        Raises WrongPinError or LockedOutError.
        """
        async with self._one_at_a_time:
            now = self.node.clock.now_ms()
            self._check_crowd(now)
            member = self.book.get(session.member.id)
            if member is None:
                raise NoSessionError
            if await self._open(member, pin, now) is None:
                text = "this is not the PIN of who is logged in"
                raise WrongPinError(text)

    async def _open(self, member: Member, pin: str, now: int) -> Signer | None:
        """Return a member's key, or count a wrong PIN. Raises LockedOutError."""
        if member.locked_until_ms > now:
            raise LockedOutError(member.locked_until_ms - now)
        signer = await asyncio.to_thread(self.book.open, member.id, pin)
        if signer is None:
            self._count(member, now)
        elif member.wrong:
            self.book.put(replace(member, wrong=0, locked_until_ms=0))
        return signer

    def _check_crowd(self, now: int) -> None:
        self._wrong = [at for at in self._wrong if now - at < FREE_LOCK_MS]
        if len(self._wrong) >= WRONG_IN_ALL:
            raise LockedOutError(FREE_LOCK_MS - (now - self._wrong[0]))

    def _count(self, member: Member | None, now: int) -> None:
        self._wrong.append(now)
        if member is None:
            return
        wrong = member.wrong + 1
        locks, rest = divmod(wrong, WRONG_MAX)
        until = member.locked_until_ms
        if rest == 0:
            until = now + min(LOCK_MS << min(locks - 1, 10), LOCK_MAX_MS)
        self.book.put(replace(member, wrong=wrong, locked_until_ms=until))

    def _work_for_nothing(self, pin: str) -> None:
        """Take as long as a known name would, so that names can not be told by the time."""
        for one in self.book.all()[:1]:
            self.book.open(one.id, pin or "0")

    def session(self, token: str) -> Session:
        """Return the session of a token, or raise NoSessionError."""
        found = self.sessions.find(token)
        if found is None or self.book.get(found.member.id) is None:
            raise NoSessionError
        return found

    def new_key(self) -> tuple[str, bytes, Signer]:
        """Return an id and a new key for a member."""
        seed = self.chance(32)
        return make_id(self.chance), seed, Signer(seed)

    def kept_signer(self, account: bytes) -> Signer | None:
        """Return the key of an account that this shop keeps for a customer, or None."""
        name = kept_name(account)
        known = {one.name for one in self.kept.list()} if self.kept.folder.exists() else set()
        return self.kept.unlock(name, None) if name in known else None


def kept_name(account: bytes) -> str:
    """Return the name of the key file of a kept account."""
    return f"k-{account.hex()[:24]}"
