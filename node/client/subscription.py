"""Events as they happen: each once, in order, across lost connections and restarts of the node."""

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from typing import Any, Self

from node.client.calls import Line, RequestIds, read_json, read_result, write_request
from node.client.connection import Connection
from node.client.errors import BadAnswer, NodeUnreachable, WashRpcError
from node.client.results import Json

SILENCE_MAX_S = 40.0  # a node says something every 15 s
ANSWER_TIMEOUT_S = 15.0
WINDOW_DEFAULT = 100
_PAUSE_S, _PAUSE_MAX_S = 0.1, 5.0
_EVENT_ID = re.compile(r"([0-9]{1,16})-([0-9]{0,10})")
_BLOCK_END = 2**63  # a block's own id, `8124-`, stands behind all its events


def read_event_id(text: object) -> tuple[int, int]:
    """Return (height, number) of the id of an event or a block, or raise BadAnswer."""
    found = _EVENT_ID.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise BadAnswer(f"no id of an event: {str(text)[:60]!r}")
    return int(found[1]), int(found[2]) if found[2] else _BLOCK_END


class EventStream:
    """Iterate it with `async for`; an event is done with when the next one is asked for.

    `position` is the id of the last event that is done with (or of a later place without any event
    that fits): keep it and give it as `after` to go on there another day.
    """

    def __init__(
        self,
        connection: Connection,
        wanted: Mapping[str, Any],
        *,
        after: str,
        window: int = WINDOW_DEFAULT,
        patience_s: float | None = None,
    ) -> None:
        self.position: str | None = None if after in {"latest", "earliest"} else after
        self._connection, self._wanted, self._after = connection, dict(wanted), after
        self._window, self._patience_s = window, patience_s
        self._events: deque[Json] = deque()
        self._received: str | None = self.position  # all up to here is in `_events` or done with
        self._current: str | None = None  # the event that is being worked on
        self._unacknowledged = 0
        self._ids = RequestIds()
        self._line: Line | None = None
        self._sub = ""
        self._was_connected = self._is_closed = False
        self.reconnects = 0

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __aenter__(self) -> Self:
        """Connect, so that no later event is missed."""
        await self._connect_again()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Close."""
        await self.close()

    async def close(self) -> None:
        """End the subscription; iterating stops."""
        self._is_closed = True
        await self._drop_line()

    async def __anext__(self) -> Json:
        """Return the next event; the one before it is done with."""
        if self._current is not None:
            self.position, self._current = self._current, None
            self._unacknowledged += 1
        while not self._events:
            if self._is_closed:
                raise StopAsyncIteration
            try:
                await self._fill()
            except NodeUnreachable:
                await self._drop_line()
                if self._is_closed:
                    raise StopAsyncIteration from None
                await self._connect_again()
        if self._line is not None and self._unacknowledged >= max(1, self._window // 2):
            await self._acknowledge_quietly()
        event = self._events.popleft()
        self._current = str(event["id"])
        return event

    # The line ---------------------------------------------------------------------------------

    async def _connect_again(self) -> None:
        """Connect; the first time at once or not at all, later with patience."""
        loop = asyncio.get_running_loop()
        started, pause_s = loop.time(), _PAUSE_S
        while self._line is None and not self._is_closed:
            try:
                await self._connect()
            except NodeUnreachable:
                await self._drop_line()
                if not self._was_connected:
                    raise
                if self._patience_s is not None and loop.time() - started >= self._patience_s:
                    raise
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _PAUSE_MAX_S)

    async def _connect(self) -> None:
        line = await self._connection.open_line()
        if self._is_closed:
            await line.close()
            return
        self._line = line
        number = self._ids.take()
        params = {
            "filter": self._wanted,
            "from": self._received or self._after,
            "window": self._window,
        }
        await line.send(write_request(number, "events_subscribe", params))
        try:
            answer = read_json(await line.receive(ANSWER_TIMEOUT_S))
            result = read_result(answer, number)
            if not isinstance(result, dict) or not isinstance(result.get("sub"), str):
                raise BadAnswer(f"to events_subscribe: {str(result)[:200]}")
        except WashRpcError:
            await self._drop_line()
            raise
        self._sub = result["sub"]
        if self._received is None and self._after == "latest":
            # From now on: "latest" must mean the same moment after a lost connection.
            read_event_id(result.get("latest_id"))
            self._received = self.position = result["latest_id"]
        self.reconnects += self._was_connected
        self._was_connected = True
        self._unacknowledged = 0

    async def _drop_line(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def _fill(self) -> None:
        if self._line is None:
            await self._connect_again()
        if self._line is None:
            return
        if self._unacknowledged:
            await self._acknowledge()
        self._take(read_json(await self._line.receive(SILENCE_MAX_S)))

    async def _acknowledge_quietly(self) -> None:
        try:
            await self._acknowledge()
        except NodeUnreachable:
            await self._drop_line()  # what is here already can still be worked on

    async def _acknowledge(self) -> None:
        assert self._line is not None, "there is a line to speak over"
        params = {"sub": self._sub, "id": self.position}
        await self._line.send(write_request(self._ids.take(), "events_ack", params))
        self._unacknowledged = 0

    # What comes -------------------------------------------------------------------------------

    def _take(self, message: object) -> None:
        if not isinstance(message, dict):
            raise BadAnswer(f"no message of a node: {str(message)[:200]}")
        if message.get("method") == "events_next":
            self._take_events(message.get("params"))
        elif "error" in message:
            # Such as a subscription that the node has given up: begin again where we are.
            raise NodeUnreachable(f"the node refused to go on: {str(message['error'])[:200]}")

    def _take_events(self, params: object) -> None:
        if not isinstance(params, dict) or not isinstance(params.get("events"), list):
            raise BadAnswer(f"no events: {str(params)[:200]}")
        if params.get("sub") != self._sub:
            return
        last = read_event_id(self._received) if self._received else (-1, -1)
        for event in params["events"]:
            place = read_event_id(event.get("id") if isinstance(event, dict) else None)
            if place > last:  # a node may tell again what it told before the line broke
                self._events.append(event)
                self._received, last = event["id"], place
        latest = params.get("latest_id")
        if latest is not None and read_event_id(latest) > last:
            self._received = str(latest)  # nothing that fits lies between
        if not self._events and self._current is None:
            self.position = self._received
