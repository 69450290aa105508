"""Calls to one node: retried where repeating is safe, bounded everywhere."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from node.client.calls import (
    Line,
    RequestIds,
    Transport,
    read_batch,
    read_json,
    read_result,
    write_batch,
    write_request,
)
from node.client.errors import NodeUnreachable, RateLimited, WashRpcError

Request = tuple[str, Mapping[str, Any]]

RATE_LIMIT_WAITS_MAX = 5
RATE_LIMIT_WAIT_MAX_MS = 10_000
# All other methods read, or do the same thing once however often they are called.
_UNREPEATABLE = ("dev_", "admin_")


class Connection:
    """Calls to one node."""

    def __init__(self, url: str, *, token: str | None, timeout_s: float) -> None:
        self.url, self.timeout_s = url, timeout_s
        self._token = token
        self._ids = RequestIds()
        self._transport: Transport | None = None
        self._is_closed = False

    def transport(self) -> Transport:
        """Return how the node is reached; loads the network code at the first use."""
        if self._is_closed:
            raise RuntimeError("this client is closed")
        if self._transport is None:
            from node.client.transport import HttpTransport

            self._transport = HttpTransport(self.url, self._token)
        return self._transport

    async def open_line(self) -> Line:
        """Open a WebSocket to the node."""
        return await self.transport().open_line()

    async def close(self) -> None:
        """Close all connections for good; closing twice is fine."""
        self._is_closed = True
        if self._transport is not None:
            await self._transport.close()
            self._transport = None

    async def call(
        self, method: str, params: Mapping[str, Any], *, timeout_s: float | None = None
    ) -> Any:
        """Return a method's result or raise the error that the node answered."""
        for waits in range(RATE_LIMIT_WAITS_MAX + 1):
            number = self._ids.take()
            payload = write_request(number, method, params)
            try:
                data = await self._post(payload, [method], timeout_s)
                return read_result(read_json(data), number)
            except RateLimited as error:
                await _wait_or_raise(error, waits)
        raise AssertionError("the last wait raises")

    async def batch(self, requests: Sequence[Request]) -> list[Any | WashRpcError]:
        """Return each result, or the error in its place, of calls that are sent together."""
        if not requests:
            return []
        for waits in range(RATE_LIMIT_WAITS_MAX + 1):
            entries = [(self._ids.take(), method, params) for method, params in requests]
            payload = write_batch(entries)
            try:
                data = await self._post(payload, [method for method, _ in requests], None)
                return read_batch(read_json(data), [number for number, _, _ in entries])
            except RateLimited as error:
                await _wait_or_raise(error, waits)
        raise AssertionError("the last wait raises")

    async def _post(self, payload: bytes, methods: list[str], timeout_s: float | None) -> bytes:
        timeout_s = timeout_s or self.timeout_s
        try:
            return await self.transport().post(payload, timeout_s=timeout_s)
        except NodeUnreachable:
            # A kept connection may have been closed meanwhile: a new one often works at once.
            if any(method.startswith(_UNREPEATABLE) for method in methods):
                raise
        return await self.transport().post(payload, timeout_s=timeout_s)


async def _wait_or_raise(error: RateLimited, waits: int) -> None:
    if waits >= RATE_LIMIT_WAITS_MAX or error.retry_after_ms > RATE_LIMIT_WAIT_MAX_MS:
        raise error
    await asyncio.sleep(error.retry_after_ms / 1_000)
