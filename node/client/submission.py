"""Getting a transaction into a block, whatever happens to the connection or to the node."""

import asyncio
from typing import Any

from node.client.connection import Connection
from node.client.errors import (
    BadAnswer,
    Expired,
    NodeUnreachable,
    NotFound,
    Refused,
    StillPending,
    WashRpcError,
)
from node.client.outcomes import read_outcome, read_status
from node.client.results import Final, Pending

RENEWALS_MAX = 50  # of one transaction that are followed
WAIT_MAX_MS = 20_000  # of one question; longer waits ask again
_MARGIN_S = 10.0  # the node answers a wait in time, the line may be slower
_PAUSE_S, _PAUSE_MAX_S = 0.05, 2.0
_POOL_FULL = 1010
_MS = 1_000


async def submit(connection: Connection, data: bytes) -> Pending:
    """Hand signed bytes to the node; the same bytes again get the same answer."""
    answer = await connection.call("tx_submit", {"tx": data.hex()})
    fields: dict[str, Any] = answer if isinstance(answer, dict) else {}
    tx_id, valid_until = fields.get("tx_id"), fields.get("valid_until")
    if not isinstance(tx_id, str) or type(valid_until) is not int:
        raise BadAnswer(f"to a transaction: {str(answer)[:200]}")
    return Pending(tx_id, valid_until)


async def look_up(
    connection: Connection, tx_id: str, valid_until: int | None = None
) -> Final | None:
    """Return the outcome of a transaction, None while there is none; may raise Expired."""
    answer = await connection.call("tx_get", {"tx_id": tx_id, "valid_until": valid_until})
    return read_outcome(tx_id, answer)


class Waiting:
    """One transaction on its way; `data` are its bytes if this client may send them."""

    def __init__(
        self,
        connection: Connection,
        tx_id: str,
        *,
        timeout_s: float,
        data: bytes | None = None,
        valid_until: int | None = None,
    ) -> None:
        self._connection, self._tx_id, self._data = connection, tx_id, data
        self._valid_until = valid_until
        self._timeout_s = timeout_s
        self._started = asyncio.get_running_loop().time()
        self._is_needed = data is not None  # to send it, at first or again
        self._may_be_there = data is None
        self._pause_s = _PAUSE_S
        self._followed = 0

    async def outcome(self) -> Final:
        """Return the outcome, or raise Expired, Refused, StillPending, NodeUnreachable, NotFound.

        The same bytes are sent again after a lost connection and to a node that forgot them; that
        can not do anything twice. Where the node signed the same again after its time was over,
        the outcome is that of the new transaction.
        """
        word = ""
        while True:
            trouble: WashRpcError | None = None
            try:
                await self._send_if_needed()
                answer = await self._ask()
                if self._follows(answer):
                    continue
                found = read_outcome(self._tx_id, answer)
                if found is not None:
                    return found
                word = read_status(self._tx_id, answer)
                self._is_needed = word == "unknown" and self._data is not None
            except NodeUnreachable as error:
                trouble = error
                self._is_needed = self._data is not None
                self._may_be_there |= error.data.get("sent") is not False
            except Refused as error:
                found = await self._look_again(error)
                if found is not None:
                    return found
                trouble = error
            if self._left_s() <= 0:
                raise self._give_up(trouble, word)
            await self._pause()  # also from a node that does not wait

    def _follows(self, answer: Any) -> bool:
        """Go on with the transaction as which this one was signed again, if it was."""
        renewed = answer.get("renewed_as") if isinstance(answer, dict) else None
        if not isinstance(renewed, str) or self._followed == RENEWALS_MAX:
            return False
        self._followed += 1
        self._tx_id, self._valid_until = renewed, None
        self._data, self._may_be_there = None, True
        return True

    async def _send_if_needed(self) -> None:
        if self._is_needed and self._data is not None:
            await submit(self._connection, self._data)
            self._may_be_there, self._is_needed = True, False
            self._pause_s = _PAUSE_S

    async def _ask(self) -> Any:
        wait_ms = max(0, min(WAIT_MAX_MS, int(self._left_s() * _MS)))
        params = {
            "tx_id": self._tx_id,
            "timeout_ms": wait_ms,
            "valid_until": self._valid_until,
        }
        return await self._connection.call("tx_wait", params, timeout_s=wait_ms / _MS + _MARGIN_S)

    async def _look_again(self, error: Refused) -> Final | None:
        """Decide on a refusal: of bytes that came through before, it says nothing about them."""
        if self._may_be_there:
            try:
                found = await look_up(self._connection, self._tx_id, self._valid_until)
            except NodeUnreachable:
                return None
            if found is not None:
                return found
            if error.code == Expired.default_code and "latest" not in error.data:  # or too early
                raise Expired(self._tx_id, None) from error
        if error.code != _POOL_FULL:
            raise error
        return None

    def _give_up(self, trouble: WashRpcError | None, word: str) -> WashRpcError:
        if self._data is None and trouble is None and word == "unknown":
            return NotFound(f"no transaction {self._tx_id} on this chain or on its way there")
        if trouble is not None and (not self._may_be_there or self._data is None):
            return trouble
        return StillPending(self._tx_id, int(self._timeout_s * _MS))

    def _left_s(self) -> float:
        return self._started + self._timeout_s - asyncio.get_running_loop().time()

    async def _pause(self) -> None:
        await asyncio.sleep(max(0.0, min(self._pause_s, self._left_s())))
        self._pause_s = min(self._pause_s * 2, _PAUSE_MAX_S)
