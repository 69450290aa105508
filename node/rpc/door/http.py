"""Requests over HTTP: let in or refused before the body is read, and that with a bound."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.web_exceptions import HTTPException
from pydantic_core import to_json

from chain.errors import StoreError, WashError
from node.config_sections import RpcConfig
from node.rpc.door.access import Doors, Tokens, tier_of
from node.rpc.door.clients import Clients
from node.rpc.door.limits import Buckets, client_of
from node.rpc.errors import (
    ForbiddenError,
    InvalidRequestError,
    NotReadyError,
    RateLimitedError,
    UnauthenticatedError,
    error_json,
)
from node.rpc.jsonrpc import Dispatcher
from node.rpc.registry import Call, Tier

BODY_SECONDS_MAX = 20
CALL_SECONDS = 0.002  # of computing that one call pays for; who needs more pays for more calls
BODIES_BYTES_MAX = 64 * 1024 * 1024  # of all requests that are being read or answered
JSON_TYPE = "application/json"
_PREFLIGHT_SECONDS = "600"
_CLOSING = {408, 413, 415}  # a body is left unread
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger("washnode.rpc")


class HttpError(InvalidRequestError):
    """A request whose HTTP is wrong, with the status that says how."""

    def __init__(self, status: int, text: str) -> None:
        WashError.__init__(self, text)
        self.status = status


class FarProbeError(UnauthenticatedError):
    """A question about the node itself, from another machine and without a token."""

    def __init__(self) -> None:
        WashError.__init__(
            self, "from another machine this needs a token: send Authorization: Bearer TOKEN"
        )


class Gate:
    """What every request passes: host, origin, token, and the bucket of its client."""

    def __init__(self, config: RpcConfig, tokens: Tokens) -> None:
        self._doors = Doors((*config.allowed_hosts, *_own_name(config)), config.allowed_origins)
        self._tokens = tokens
        self._buckets = Buckets(config.requests_per_second)
        self._clients = Clients(config.trusted_proxies)

    def enter(self, request: web.Request) -> Tier:
        """Return the tier of a request, or raise what refuses it."""
        self.check_place(request)
        header = request.headers.get("Authorization")
        return tier_of(header, self._tokens, is_local=self._clients.is_here(request))

    def enter_near(self, request: web.Request) -> Tier:
        """Return the tier of a request about the node itself: from elsewhere it needs a token.

        Raises FarProbeError besides what `enter` does.
        """
        tier = self.enter(request)
        if tier == "public" and not self._clients.is_here(request):
            raise FarProbeError
        return tier

    def is_near(self, request: web.Request) -> bool:
        """Tell whether who asks is on this machine, or came by HTTPS through a server on it."""
        return self._clients.is_near(request)

    def check_place(self, request: web.Request) -> None:
        """Raise RefusedPlaceError for a host that is not ours, or a page that may not call."""
        host = request.headers.get("Host")
        self._doors.check_host(host)
        self._doors.check_origin(request.headers.get("Origin"), host)

    def charge(self, request: web.Request, cost: int = 1) -> int:
        """Take calls from the client's bucket; returns 0 or the ms to wait for them."""
        now_ms = int(asyncio.get_running_loop().time() * 1_000)
        return self._buckets.take(client_of(self._clients.address(request)), cost, now_ms)

    def charge_or_raise(self, request: web.Request, cost: int = 1) -> None:
        """Take calls from the client's bucket, or raise RateLimitedError."""
        wait_ms = self.charge(request, cost)
        if wait_ms:
            raise RateLimitedError(wait_ms)

    def spend(self, request: web.Request, calls: int, seconds: float) -> None:
        """Take what calls that were paid for one by one took of the node's time beyond that."""
        now_ms = int(asyncio.get_running_loop().time() * 1_000)
        cost = int(seconds / CALL_SECONDS) - calls
        self._buckets.owe(client_of(self._clients.address(request)), cost, now_ms)

    def cors_headers(self, request: web.Request) -> dict[str, str]:
        """Return the headers that let a page of an allowed origin read the answer."""
        origin = request.headers.get("Origin")
        if origin is None or not self._doors.is_listed(origin):
            return {}
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}

    def preflight(self, request: web.Request) -> web.Response:
        """Answer a browser that asks whether a page may call."""
        self.check_place(request)
        headers = self.cors_headers(request)
        if headers:
            headers |= {
                "Access-Control-Allow-Methods": "GET, POST",
                "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
                "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
            }
        return web.Response(status=204, headers=headers)


class RpcDoor:
    """POST /rpc."""

    def __init__(self, node: Any, dispatcher: Dispatcher, gate: Gate, config: RpcConfig) -> None:
        self._node, self._dispatcher, self._gate, self._config = node, dispatcher, gate, config
        self._bytes = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, which may be a batch."""
        if request.method == "OPTIONS":
            return self._gate.preflight(request)
        if request.method != "POST":
            raise web.HTTPMethodNotAllowed(request.method, ["POST", "OPTIONS"])
        tier = self._gate.enter(request)
        _check_type(request)
        self._gate.charge_or_raise(request)
        body = bytearray()
        refused: list[WashError] = []

        def admit(calls: int) -> None:
            """The first call is paid for already."""
            try:
                self._gate.charge_or_raise(request, calls - 1)
            except RateLimitedError as error:
                refused.append(error)
                raise

        try:
            await self._read(request, body)
            call = Call(node=self._node, tier=tier, is_near=self._gate.is_near(request))
            answer = await self._dispatcher.handle(
                bytes(body),
                call,
                batch_max=self._config.batch_max,
                admit=admit,
                spend=partial(self._gate.spend, request),
            )
        finally:
            self._bytes -= len(body)
        if refused:
            raise refused[0]
        if answer is None:
            return web.Response(status=204)
        return web.Response(body=answer, content_type=JSON_TYPE)

    async def _read(self, request: web.Request, body: bytearray) -> None:
        maximum = self._config.request_bytes_max
        if (request.content_length or 0) > maximum:
            raise _too_large(maximum)
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                while chunk := await request.content.readany():
                    body += chunk
                    self._bytes += len(chunk)
                    if len(body) > maximum:
                        raise _too_large(maximum)
                    if self._bytes > BODIES_BYTES_MAX:
                        text = "too many large requests at once; try again"
                        raise NotReadyError(text)
        except TimeoutError:
            text = f"the body did not come within {BODY_SECONDS_MAX} seconds"
            raise HttpError(408, text) from None


def error_response(status: int, error: WashError, headers: dict[str, str]) -> web.Response:
    """Return a refusal: an HTTP status for transports, a JSON-RPC error for programs."""
    body = to_json({"jsonrpc": "2.0", "id": None, "error": error_json(error)})
    response = web.Response(status=status, body=body, content_type=JSON_TYPE, headers=headers)
    if status in _CLOSING:
        response.force_close()
    return response


def make_shield(node: Any, gate: Gate) -> Any:
    """Return the middleware that turns whatever goes wrong into an answer with a JSON body.

    What happens within a stream is the stream's own business.
    """

    @web.middleware
    async def shield(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except StoreError as error:
            node.fail(error)
            response = error_response(500, ServerFaultError(), {})
        except WashError as error:
            response = _refuse(error)
        except HTTPException as error:
            kept = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            text = f"{error.status} {error.reason}: {request.method} {request.path[:80]}"
            response = error_response(error.status, HttpError(error.status, text), kept)
        except ConnectionError:
            raise  # nobody is left to answer
        except Exception:  # noqa: BLE001 - logged; one broken request must not stop the server
            _log.exception("%s %s failed", request.method, request.path)
            response = error_response(500, ServerFaultError(), {})
        if not response.prepared:
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers.setdefault("Cache-Control", "no-store")
            response.headers.update(gate.cors_headers(request))
        return response

    return shield


class ServerFaultError(WashError):
    """A fault of our own; the log has it."""

    code = -32603


def _refuse(error: WashError) -> web.Response:
    match error:
        case HttpError():
            return error_response(error.status, error, {})
        case UnauthenticatedError():
            return error_response(401, error, {"WWW-Authenticate": "Bearer"})
        case ForbiddenError():
            return error_response(403, error, {})
        case RateLimitedError():
            seconds = -(-error.retry_after_ms // 1_000)
            return error_response(429, error, {"Retry-After": str(seconds)})
        case NotReadyError():
            return error_response(503, error, {"Retry-After": "1"})
        case _:
            return error_response(400, error, {})


def _own_name(config: RpcConfig) -> tuple[str, ...]:
    """Return the address we listen on as a Host header has it; "any address" is no name."""
    if config.host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return ()
    return (f"[{config.host}]" if ":" in config.host else config.host,)


def _check_type(request: web.Request) -> None:
    declared = request.headers.get("Content-Type")
    if declared is not None and declared.partition(";")[0].strip().lower() != JSON_TYPE:
        raise HttpError(415, f"send Content-Type: {JSON_TYPE}, found {declared[:60]!r}")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise HttpError(415, "send the body as it is, without Content-Encoding")


def _too_large(maximum: int) -> HttpError:
    return HttpError(413, f"the request is larger than {maximum} bytes")
