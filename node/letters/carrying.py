"""A shop's letters between its node and the gateway where its customers are.

Customers write at the gateway and the shop at its own node, which nobody can call from outside. So
the shop's node does both ways: it takes what the chain names and the gateway has, and brings what
the gateway lacks. Nothing is believed: a letter is taken if its fingerprint is on the chain.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from chain.errors import WashError
from chain.executed import ExecutedBlock
from chain.governance import contract_by_name
from node import catalog
from node.letters.form import LETTER_BYTES_MAX
from node.letters.service import CONTRACT_NAME, About, Kind, Letters

WAITING_MAX = 1_000  # letters on their way; what is more is found when somebody looks for it
PAUSE_S = 5.0
TRIES_MAX = 120  # then somebody has to look for it
ANSWER_BYTES_MAX = 8 * LETTER_BYTES_MAX
PATIENCE_S = 10
_ABOUT = {
    "Reviewed": Kind.REVIEW, "Edited": Kind.REVIEW, "Replied": Kind.REVIEW,
    "FeedbackSent": Kind.MESSAGE, "FeedbackMoved": Kind.MESSAGE,
}  # fmt: skip

Ask = Callable[[str, dict[str, Any]], Awaitable[Any]]  # None: no answer, or a refusal
_log = logging.getLogger("washnode.letters")


class _SilentError(Exception):
    """A gateway that gives no answer, or none that can be understood."""


class Carrier:
    """Carries the letters of the shop whose account this node's key has."""

    def __init__(self, letters: Letters, shop: bytes, ask: Ask) -> None:
        self._letters, self._shop, self._ask = letters, shop, ask
        self._waiting: dict[About, int] = {}  # with how often it was tried
        self._wake = asyncio.Event()
        letters.on_missing = self.want
        letters.node.on_commit.append(self.on_commit)

    def want(self, about: About) -> None:
        """Carry the letters of something, soon."""
        if len(self._waiting) < WAITING_MAX or about in self._waiting:
            self._waiting[about] = 0
            self._wake.set()

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Note what a block that was just stored says about this shop."""
        place = contract_by_name(self._letters.node.state(), CONTRACT_NAME)
        events = catalog.program(CONTRACT_NAME).container.events
        for receipt in executed.receipts if place is not None else ():
            for event in receipt.events:
                if event.contract != place or event.number >= len(events):
                    continue
                kind = _ABOUT.get(events[event.number].name)
                if kind is not None and event.values[1] == self._shop:
                    self.want(About(kind, bytes(event.values[0])))

    async def run(self) -> None:
        """Carry what waits, now and whenever there is more, until cancelled."""
        for key in self._letters.store.subjects():
            self.want(About(Kind(key[0]), key[1:]))
        while True:
            self._wake.clear()
            await self.carry_all()
            try:
                async with asyncio.timeout(PAUSE_S if self._waiting else None):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def carry_all(self) -> None:
        """Try everything that waits once, while the gateway answers."""
        for about, tries in list(self._waiting.items()):
            is_done, is_silent = False, False
            try:
                is_done = await self._carry(about)
            except _SilentError:
                is_silent = True
            except WashError as error:
                _log.warning("a letter can not be carried: %s", error)
            if is_done or tries + 1 >= TRIES_MAX:
                self._waiting.pop(about, None)
            else:
                self._waiting[about] = tries + 1
            if is_silent:
                return

    async def _carry(self, about: About) -> bool:
        """Make both sides alike; tells whether nothing is missing anywhere."""
        here = {one.name.hex(): letter for one, letter in self._letters.kept(about)}
        if not here:
            return True
        there = _contents(await self._ask("letter_get", {"about": about.text()}))
        is_done = True
        for name, letter in here.items():
            theirs = there.get(name)
            if letter is None and theirs is not None:
                self._letters.put(about, theirs)
            elif letter is not None and theirs is None:
                content = {"about": about.text(), "content": letter.hex()}
                is_done &= await self._ask("letter_put", content) is not None
            elif letter is None:
                is_done = False
        return is_done


def _contents(answer: Any) -> dict[str, bytes | None]:
    """Return the letters of an answer by fingerprint. Raises _SilentError for what is none."""
    try:
        return {
            str(one["name"]): bytes.fromhex(one["content"]) if one["content"] else None
            for one in answer["letters"]
        }
    except (TypeError, KeyError, ValueError):
        raise _SilentError from None


def asker(url: str) -> Ask:
    """Return what asks the methods of a gateway at an address."""

    async def ask(method: str, params: dict[str, Any]) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(f"{url}/rpc", json=body, allow_redirects=False) as response,
            ):
                answer = json.loads(await _read(response))
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError):
            return None
        return answer.get("result") if isinstance(answer, dict) else None

    return ask


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the whole body. Raises ValueError if it is longer than any answer."""
    data = bytearray()
    async for part in response.content.iter_any():
        data += part
        if len(data) > ANSWER_BYTES_MAX:
            raise ValueError("longer than any answer")
    return bytes(data)
