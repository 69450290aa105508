"""HTTP for calls and a WebSocket for events, with bounds on time and size."""

import asyncio
import json
from collections.abc import Callable
from io import BytesIO
from typing import NoReturn
from urllib.parse import urlsplit

import aiohttp

from node.client.calls import ANSWER_BYTES_MAX
from node.client.errors import (
    BadAnswer,
    Forbidden,
    InvalidParams,
    NodeNotReady,
    NodeUnreachable,
    RateLimited,
    Unauthenticated,
    WashRpcError,
    read_error,
)

CONNECTIONS_MAX = 32  # of one client to its node; more calls wait for a free one
CONNECT_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
PIECE_BYTES_MAX = 512 * 1024  # a longer request goes out piece by piece, with turns of others
_CHUNK_BYTES = 65_536
_OK, _NO_CONTENT = 200, 204
_STATUS_ERRORS: dict[int, type[WashRpcError]] = {
    401: Unauthenticated,
    403: Forbidden,
    413: InvalidParams,
    429: RateLimited,
    503: NodeNotReady,
}


class HttpTransport:
    """One node's address, reached over connections that are kept and used again."""

    def __init__(self, url: str, token: str | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidParams(
                f"{url!r} is no address of a node; one looks like http://127.0.0.1:8787",
                data={"field": "url"},
            )
        base = url.rstrip("/").removesuffix("/rpc")
        self.url = base + "/rpc"
        self._line_url = "ws" + base.removeprefix("http") + "/ws"
        self._address = f"{parts.scheme}://{parts.netloc}"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session: aiohttp.ClientSession | None = None
        self._lines: set[WebSocketLine] = set()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
                # Compressed answers could be small on the line and huge here.
                headers={**self._headers, "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def post(self, payload: bytes, *, timeout_s: float) -> bytes:
        """Return the answer to a request; anything but an answer is a typed error."""
        limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
        try:
            async with self._open().post(
                self.url,
                data=BytesIO(payload) if len(payload) > PIECE_BYTES_MAX else payload,
                headers={"Content-Type": "application/json"},
                timeout=limits,
                allow_redirects=False,  # another place has no claim on the token
            ) as answer:
                body = await _read_bounded(answer)
                if answer.status in {_OK, _NO_CONTENT}:
                    return body
                _raise_status(answer.status, answer.headers.get("Retry-After"), body)
        except TimeoutError as error:
            text = f"no answer from {self._address} within {timeout_s:g} s"
            raise NodeUnreachable(text) from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from error

    async def open_line(self) -> "WebSocketLine":
        """Open a WebSocket to the node."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                socket = await self._open().ws_connect(
                    self._line_url,
                    max_msg_size=ANSWER_BYTES_MAX,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                )
        except TimeoutError as error:
            text = f"no answer from {self._address} within {CONNECT_TIMEOUT_S:g} s"
            raise NodeUnreachable(text) from error
        except aiohttp.WSServerHandshakeError as error:
            found = _STATUS_ERRORS.get(error.status)
            if found is None:
                raise self._unreachable(error) from error
            raise found(f"{self._address} answered {error.status} to a WebSocket") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from error
        line = WebSocketLine(socket, self._address, self._lines.discard)
        self._lines.add(line)
        return line

    async def close(self) -> None:
        """Close all connections."""
        for line in list(self._lines):
            await line.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _unreachable(self, error: Exception) -> NodeUnreachable:
        why = str(error) or type(error).__name__
        text = f"{self._address} gave no answer: {why}; is the node running?"
        # What never left here can be sent again by anybody, whatever it is.
        is_unsent = isinstance(error, aiohttp.ClientConnectorError)
        return NodeUnreachable(text, data={"sent": False} if is_unsent else None)


class WebSocketLine:
    """A WebSocket whose ends are typed errors."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        address: str,
        on_close: Callable[["WebSocketLine"], None],
    ) -> None:
        self._socket, self._address, self._on_close = socket, address, on_close

    async def send(self, payload: bytes) -> None:
        """Send one text message."""
        try:
            await self._socket.send_str(payload.decode())
        except (aiohttp.ClientError, OSError) as error:
            raise NodeUnreachable(f"the line to {self._address} broke: {error}") from error

    async def receive(self, timeout_s: float) -> bytes:
        """Return the next text message; silence for `timeout_s` is a broken line."""
        try:
            async with asyncio.timeout(timeout_s):
                message = await self._socket.receive()
        except TimeoutError as error:
            text = f"{self._address} said nothing for {timeout_s:g} s"
            raise NodeUnreachable(text) from error
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data).encode()
        if message.type is aiohttp.WSMsgType.BINARY:
            raise BadAnswer("a binary message; a node sends text")
        raise NodeUnreachable(f"{self._address} closed the line ({self._socket.close_code})")

    async def close(self) -> None:
        """Say goodbye and close; closing twice is fine."""
        self._on_close(self)
        await self._socket.close()
        # After a line that broke, aiohttp (3.14) calls itself closed and keeps the connection.
        response = getattr(self._socket, "_response", None)
        if isinstance(response, aiohttp.ClientResponse):
            response.close()


async def _read_bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            answer.close()
            raise BadAnswer(f"an answer of more than {ANSWER_BYTES_MAX} bytes; ask for less")
    return bytes(body)


def _raise_status(status: int, retry_after: str | None, body: bytes) -> NoReturn:
    found = _STATUS_ERRORS.get(status, BadAnswer)
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    known = read_error(answer.get("error")) if isinstance(answer, dict) else None
    if known is None or isinstance(known, BadAnswer):
        known = found(f"HTTP status {status}: {body[:120].decode('utf-8', 'replace')!r}")
    if isinstance(known, RateLimited) and "retry_after_ms" not in known.data:
        seconds = retry_after or ""
        if seconds.isascii() and seconds.isdigit() and len(seconds) <= len("86400"):
            known.data["retry_after_ms"] = int(seconds) * 1_000
    raise known
