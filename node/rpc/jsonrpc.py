"""JSON-RPC 2.0: from the bytes of a message to the bytes of its answer.

Strict where the specification is silent: a member that no request has is refused (it is a
mistyped `params` more often than an extension), an id is a string, an integer that JSON readers
hold exactly, or null. Of two members of the same name the last one counts. A text that is not
exactly JSON (RFC 8259, UTF-8) is no message at all.
"""

import asyncio
import inspect
import itertools
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import from_json, to_json

from chain.errors import StoreError, WashError
from node.rpc.errors import (
    BatchTooLargeError,
    ForbiddenError,
    HistoryPrunedError,
    InternalError,
    InvalidParamsError,
    InvalidRequestError,
    MethodDisabledError,
    MethodNotFoundError,
    NotFoundError,
    NotJsonError,
    ResponseTooLargeError,
    UnauthenticatedError,
    error_json,
)
from node.rpc.params import INTEGER_MAX
from node.rpc.registry import TIERS, Call, Method, Registry

Id = str | int | None
Admit = Callable[[int], None]
Spend = Callable[[int, float], None]
Observer = Callable[[str, int, float], None]

VALUES_MAX = 200_000
TURN_SECONDS_MAX = 0.05  # of a batch's work, before others have their turn
_MEMBERS = ("jsonrpc", "method", "params", "id")
_UNKNOWN = "unknown"  # what observers are told of names that no method has

_log = logging.getLogger("washnode.rpc")


@dataclass(frozen=True, slots=True)
class DispatchLimits:
    """Bounds of an answer: all of it, batches too."""

    response_bytes_max: int = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One well-formed request; without an id it is a notification, which nothing answers."""

    method: str
    params: Mapping[str, Any] | list[Any]
    id: Id
    is_notification: bool


@dataclass(slots=True)
class _Work:
    """Counts what a message took of this thread's time, while nobody else had it; seconds."""

    seconds: float = 0.0
    since_rest: float = 0.0
    _began: float = 0.0

    def __enter__(self) -> None:
        self._began = time.thread_time()

    def __exit__(self, *_exception: object) -> None:
        took = time.thread_time() - self._began
        self.seconds += took
        self.since_rest += took


class Dispatcher:
    """Runs the calls of a message in order and writes the answer."""

    def __init__(
        self,
        registry: Registry,
        limits: DispatchLimits | None = None,
        observe: Observer | None = None,
    ) -> None:
        """`observe` is told method, code (0 if it went well) and seconds of every call."""
        self._registry = registry
        self._limits = limits or DispatchLimits()
        self._observe = observe or (lambda _method, _code, _seconds: None)
        self._incidents = itertools.count(1)

    async def handle(
        self,
        data: bytes,
        call: Call,
        *,
        batch_max: int,
        admit: Admit | None = None,
        spend: Spend | None = None,
    ) -> bytes | None:
        """Return the answer to a message, None if it holds notifications only.

        Whatever the message holds, this does not raise. `admit` is told the number of calls before
        the first one runs; what it raises is the answer. `spend` is told it afterwards, with the
        seconds in which nothing else could run.
        """
        call, work = replace(call, registry=self._registry), _Work()
        try:
            with work:
                message = parse_json(data)
            if isinstance(message, list):
                check_batch(message, batch_max)
        except WashError as fault:
            self._observe(_UNKNOWN, fault.code, 0.0)
            return _error_answer(None, fault)
        calls = len(message) if isinstance(message, list) else 1
        try:
            if admit is not None:
                admit(calls)
        except WashError as refusal:
            self._observe(_UNKNOWN, refusal.code, 0.0)
            return _error_answer(_readable_id(message), refusal)
        try:
            if isinstance(message, list):
                return await self._answer_batch(message, call, work)
            return await self._answer(message, call, self._limits.response_bytes_max, work)
        finally:
            if spend is not None:
                spend(calls, work.seconds)

    async def _answer_batch(self, messages: list[Any], call: Call, work: _Work) -> bytes | None:
        answers: list[bytes] = []
        left = self._limits.response_bytes_max
        for message in messages:
            if work.since_rest > TURN_SECONDS_MAX:
                await asyncio.sleep(0)
                work.since_rest = 0.0
            answer = await self._answer(message, call, left, work)
            if answer is not None:
                answers.append(answer)
                left = max(0, left - len(answer))
        return b"[" + b",".join(answers) + b"]" if answers else None

    async def _answer(self, message: Any, call: Call, bytes_max: int, work: _Work) -> bytes | None:
        try:
            request = read_request(message)
        except InvalidRequestError as fault:
            self._observe(_UNKNOWN, fault.code, 0.0)
            return _error_answer(_readable_id(message), fault)
        started = time.perf_counter()
        name, code = _UNKNOWN, 0
        try:
            method = self._method(request.method, call)
            name = method.name
            found = await _run(method, request.params, call, work)
            with work:
                result = to_json(found, bytes_mode="hex", inf_nan_mode="null")
            if len(result) > bytes_max:
                raise ResponseTooLargeError(self._limits.response_bytes_max)  # noqa: TRY301
            answer = b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (to_json(request.id), result)
        except StoreError as fault:
            code, answer = self._fail(request, fault)
            call.node.fail(fault)
        except WashError as refusal:
            code, answer = refusal.code, _error_answer(request.id, refusal)
        except Exception as fault:  # noqa: BLE001 - one broken method must not stop the server
            code, answer = self._fail(request, fault)
        self._observe(name, code, time.perf_counter() - started)
        return None if request.is_notification else answer

    def _method(self, name: str, call: Call) -> Method:
        """Return the method, if it may be called here by this caller."""
        method = self._registry.find(name)
        if method is None:
            raise MethodNotFoundError(name)
        if method.dev and not call.node.is_dev:
            raise MethodDisabledError(f"{name} exists on development chains only")
        if TIERS.index(call.tier) < TIERS.index(method.tier):
            if call.tier == TIERS[0]:
                raise UnauthenticatedError(method.tier)
            raise ForbiddenError(method.tier)
        if method.websocket_only and call.connection is None:
            raise MethodDisabledError(f"{name} needs a WebSocket connection")
        return method

    def _fail(self, request: Request, fault: Exception) -> tuple[int, bytes]:
        """Log a fault of the node's own; the caller is told its number only."""
        incident = InternalError(next(self._incidents))
        if not isinstance(fault, StoreError):  # which ends the node, with a line that says all
            _log.error("incident %d in %s", incident.incident, request.method, exc_info=fault)
        return incident.code, _error_answer(request.id, incident)


def parse_json(data: bytes) -> Any:
    """Return the value of a JSON text; raises NotJsonError for anything that is not exactly one.

    What is too deep, or holds more values than any request could, counts as not readable.
    """
    if sum(map(data.count, (b",", b"[", b"{"))) > VALUES_MAX:  # before the work that it would be
        raise NotJsonError(f"this can not be read: it holds more than {VALUES_MAX} values")
    try:
        value = from_json(data, allow_inf_nan=False, cache_strings="none")
    except ValueError as fault:
        raise NotJsonError(f"this is not JSON: {fault}") from None
    if not _is_finite(value):
        raise NotJsonError("this can not be read: a number is too large")
    return value


def check_batch(messages: list[Any], batch_max: int) -> None:
    """Refuse a batch that holds nothing, or more calls than are taken at once."""
    if not messages:
        raise InvalidRequestError("a batch holds at least one request")
    if len(messages) > batch_max:
        raise BatchTooLargeError(maximum=batch_max, found=len(messages))


def read_request(message: Any) -> Request:
    """Return the request that a JSON value is; raises InvalidRequestError saying what is wrong."""
    if not isinstance(message, dict):
        raise InvalidRequestError("a request is an object with jsonrpc, method, params and id")
    for member in message:
        if member not in _MEMBERS:
            raise InvalidRequestError(f"a request has no member {member[:64]!r}")
    if message.get("jsonrpc") != "2.0":
        raise InvalidRequestError('jsonrpc must be "2.0"')
    method = message.get("method")
    if not isinstance(method, str):
        raise InvalidRequestError("method must be a string")
    params = message.get("params", {})
    if not isinstance(params, (dict, list)):
        raise InvalidRequestError("params must be an object, or not be there")
    identity = message.get("id")
    if not _is_id(identity):
        raise InvalidRequestError("id must be a string, an integer within 2^53-1, or null")
    return Request(method, params, identity, is_notification="id" not in message)


async def _run(
    method: Method, params: Mapping[str, Any] | list[Any], call: Call, work: _Work
) -> Any:
    """Return the method's result; one that is not async runs without a break, and is `work`."""
    with work:
        result = _start(method, params, call)
    return await result if inspect.isawaitable(result) else result


def _start(method: Method, params: Mapping[str, Any] | list[Any], call: Call) -> Any:
    at, arguments = method.arguments(_by_name(method, params))
    if not method.read:
        return method.function(call, **arguments)
    head, head_id = call.node.ledger.head, call.node.ledger.head_id
    check_at(at, head.height, head_id)
    shown = {"height": head.height, "hash": head_id.hex(), "time": head.time_ms}
    return {"at": shown, "data": method.function(call, **arguments)}


def check_at(at: str | int | bytes, height: int, head_id: bytes) -> None:
    """Refuse to read any state but the head's: older ones are not kept."""
    if isinstance(at, str) or at in (height, head_id):  # the texts are final and latest
        return
    if isinstance(at, int) and at > height:
        raise NotFoundError(f"block {at}", (0, height))
    raise HistoryPrunedError(height)


def _by_name(method: Method, params: Mapping[str, Any] | list[Any]) -> Mapping[str, Any]:
    if not isinstance(params, list):
        return params
    if not method.positional:
        raise InvalidParamsError("params", "must be an object: parameters are given by name")
    names = method.wire_names()
    if len(params) > len(names):
        raise InvalidParamsError("params", f"holds {len(params)} values, at most {len(names)} fit")
    return dict(zip(names, params, strict=False))


def _is_id(value: Any) -> bool:
    if type(value) is int:
        return -INTEGER_MAX <= value <= INTEGER_MAX
    return value is None or isinstance(value, str)


def _readable_id(message: Any) -> Id:
    """Return the id of a message that is refused, None if it has none that could be echoed."""
    identity = message.get("id") if isinstance(message, dict) else None
    return identity if _is_id(identity) else None


def _error_answer(identity: Id, error: WashError) -> bytes:
    return to_json({"jsonrpc": "2.0", "id": identity, "error": error_json(error)}, bytes_mode="hex")


def _is_finite(value: Any) -> bool:
    """Tell whether no number in a JSON value overflowed, whatever its depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, float) and not math.isfinite(item):
            return False
    return True
