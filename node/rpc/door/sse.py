"""GET /events: the event stream for browsers and for programs that read lines (server-sent events).

Each event is one message with its id, so a reader that comes back says where it was in the header
`Last-Event-ID`; browsers do this by themselves. The socket's own flow control takes the place of
acknowledgements: a reader that stops is waited for, and after a minute cut off.
"""

import asyncio
import logging
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from chain.errors import PrunedError, StoreError
from node.live.feed import EventFilter, Place
from node.rpc.door.event_filter import EventWish, compile_filter
from node.rpc.door.stream import (
    MESSAGE_EVENTS_MAX,
    event_bytes,
    find_start,
    format_place,
    take_bytes,
)
from node.rpc.door.websocket import Pace
from node.rpc.errors import InvalidParamsError

RETRY_MS = 2_000  # browsers come back after this
_log = logging.getLogger("washnode.rpc")
_FILTERS = ("contract", "type", "account", "tx")


class EventLines:
    """One reader of the event stream over plain HTTP."""

    def __init__(self, request: web.Request, node: Any, pace: Pace) -> None:
        """Raises InvalidParamsError or NotFoundError for a query that makes no sense."""
        self._request, self._node, self._pace = request, node, pace
        self._wanted, self._place = read_query(request, node)
        self._wake = asyncio.Event()
        self._is_closed = False

    unacked_count = 0

    async def run(self, headers: dict[str, str]) -> web.StreamResponse:
        """Send events until the reader leaves or the node stops."""
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",  # or a proxy would hold them back
                **headers,
            }
        )
        await response.prepare(self._request)
        self._node.feed.watch(self._wake)
        try:
            await self._write(response, b"retry: %d\n\n" % RETRY_MS)
            while not self._is_closed:
                await self._round(response)
        except TimeoutError:
            self.abort()
        except StoreError as error:
            self._node.fail(error)
            self.abort()
        except ConnectionError:
            pass  # the reader left
        except PrunedError:
            self.abort()  # the chain begins above its place now; it is told so when it comes back
        except Exception:  # noqa: BLE001 - logged; the others' streams go on
            _log.exception("an event stream failed")
            self.abort()
        finally:
            self._node.feed.unwatch(self._wake)
        return response

    async def _round(self, response: web.StreamResponse) -> None:
        self._wake.clear()
        node = self._node
        texts, reading = take_bytes(
            node, node.feed.read(self._wanted, self._place, MESSAGE_EVENTS_MAX)
        )
        self._place = reading.place
        if texts:
            parts = [
                b"id: %b\ndata: %b\n\n" % (format_place(one.place).encode(), event_bytes(node, one))
                for one in reading.events
            ]
            await self._write(response, b"".join(parts))
        if not reading.is_whole:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(self._pace.heartbeat):
                await self._wake.wait()
        except TimeoutError:
            # An id without data moves the reader's place and is no event.
            await self._write(response, b": alive\nid: %b\n\n" % format_place(self._place).encode())

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        async with asyncio.timeout(self._pace.stall_max):
            await response.write(data)

    async def close(self) -> None:
        """End the stream: the node stops."""
        self._is_closed = True
        self._wake.set()

    def abort(self) -> None:
        """Cut the connection off."""
        transport = self._request.transport
        if transport is not None:
            transport.abort()


def read_query(request: web.Request, node: Any) -> tuple[EventFilter, Place]:
    """Return filter and start of `?after=ID&type=...&contract=...&account=...&tx=...&FIELD=VALUE`.

    `Last-Event-ID` is stronger than `after`, which stays in the address of a reader that comes
    back.
    """
    query = request.query
    for name in query:
        if len(query.getall(name)) > 1:
            raise InvalidParamsError(name[:60], "is given twice")
    given: dict[str, Any] = {name: query[name] for name in _FILTERS if name in query}
    given["values"] = {
        name: value for name, value in query.items() if name not in {*_FILTERS, "after"}
    }
    try:
        wish = EventWish.model_validate(given)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(step) for step in first["loc"])
        raise InvalidParamsError(field, first["msg"].removeprefix("Value error, ")) from None
    after = request.headers.get("Last-Event-ID") or query.get("after", "latest")
    return compile_filter(node, wish, is_text=True), find_start(node, after, "after")
