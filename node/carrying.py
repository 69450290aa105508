"""What a shop's node carries to the gateway where its customers are, and back.

Nobody can call a shop's node from outside, so it does both ways by itself: what waits is tried in
rounds, for as long as the gateway says nothing, and given up only where it refuses again and again.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import aiohttp

from chain.errors import WashError

PAUSE_S = 5.0
SILENT_PAUSE_S = 20.0
SOON_MAX = 6  # silences after which it is asked less often
TRIES_MAX = 120  # then somebody has to look for it
ANSWER_BYTES_MAX = 1024 * 1024  # a review with its picture, as hex, three times
PATIENCE_S = 10
TOLD_MAX = 300  # letters of a refusal, which is a stranger's text

Thing = TypeVar("Thing")
Ask = Callable[[str, dict[str, Any]], Awaitable[Any]]  # None: no answer, or a refusal
_log = logging.getLogger("washnode.carrying")


class SilentError(Exception):
    """A gateway that gives no answer, or none that can be understood."""


class Rounds(Generic[Thing]):
    """Tries what waits again and again; `carry` tells whether nothing of it is missing anywhere."""

    def __init__(
        self,
        carry: Callable[[Thing], Awaitable[bool]],
        waiting_max: int,
        tries_max: int = TRIES_MAX,
    ) -> None:
        self._carry, self._waiting_max, self._tries_max = carry, waiting_max, tries_max
        self._waiting: dict[Thing, int] = {}  # with how often it was tried
        self._wake = asyncio.Event()
        self._silences = 0  # rounds in a row that ended so

    def want(self, thing: Thing) -> None:
        """Carry something, soon; in the place of what waits longest if there is no other room."""
        if thing not in self._waiting and len(self._waiting) >= self._waiting_max:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[thing] = 0
        self._wake.set()

    def waiting(self) -> list[Thing]:
        """Return what waits, in its order."""
        return list(self._waiting)

    async def run(self) -> None:
        """Carry what waits, now and whenever there is more, until cancelled."""
        while True:
            self._wake.clear()
            await self.carry_all()
            pause_s = SILENT_PAUSE_S if self._silences > SOON_MAX else PAUSE_S
            try:
                async with asyncio.timeout(pause_s if self._waiting else None):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def carry_all(self) -> None:
        """Try everything that waits once, while the gateway answers."""
        for thing, tries in list(self._waiting.items()):
            await asyncio.sleep(0)  # blocks and answers come first
            if thing not in self._waiting:
                continue
            self._waiting[thing] = tries + 1
            is_over = tries + 1 >= self._tries_max
            try:
                is_over |= await self._carry(thing)
            except SilentError:  # costs no try: the line may be down all night
                self._waiting.pop(thing, None)
                self._waiting[thing] = tries  # the last now: it may be the only one without answer
                self._silences += 1
                return
            except WashError as error:
                _log.warning("something can not be carried: %s", error)
            except Exception:  # noqa: BLE001 - an answer that nobody thought of ends no node
                _log.exception("something can not be carried")
            if is_over and self._waiting.get(thing):  # else there is more of it since
                del self._waiting[thing]
        self._silences = 0


def asker(url: str, patience_s: int = PATIENCE_S) -> Ask:
    """Return what asks the methods of a gateway at an address; a refusal is told once."""
    told: dict[str, Any] = {}

    async def ask(method: str, params: dict[str, Any]) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        timeout = aiohttp.ClientTimeout(total=patience_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(f"{url}/rpc", json=body, allow_redirects=False) as response,
            ):
                answer = json.loads(await _read(response))
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError, RecursionError):
            return None  # the last one: brackets in brackets, ten thousand deep
        if not isinstance(answer, dict):
            return None
        if answer.get("error") != told.get(method):
            told[method] = answer.get("error")
            if told[method] is not None:
                _log.warning("%s refuses %s: %s", url, method, str(told[method])[:TOLD_MAX])
        return answer.get("result")

    return ask


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the whole body. Raises ValueError if it is longer than any answer."""
    data = bytearray()
    async for part in response.content.iter_any():
        data += part
        if len(data) > ANSWER_BYTES_MAX:
            raise ValueError("longer than any answer")
    return bytes(data)
