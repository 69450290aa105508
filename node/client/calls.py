"""JSON-RPC as the client speaks it: requests out, answers in, nothing taken on trust."""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from node.client.errors import BadAnswer, InvalidParams, WashRpcError, read_error

ANSWER_BYTES_MAX = 16 * 1024 * 1024  # above what a node sends with its default settings


class Line(Protocol):
    """A WebSocket to a node."""

    async def send(self, payload: bytes) -> None:
        """Send one text message."""

    async def receive(self, timeout_s: float) -> bytes:
        """Return the next text message, or raise NodeUnreachable."""

    async def close(self) -> None:
        """Close it; closing twice is fine."""


class Transport(Protocol):
    """How bytes get to a node and back."""

    async def post(self, payload: bytes, *, timeout_s: float) -> bytes:
        """Return the answer to a request, or raise NodeUnreachable, RateLimited and so on."""

    async def open_line(self) -> Line:
        """Open a WebSocket."""

    async def close(self) -> None:
        """Give everything back; closing twice is fine."""


class RequestIds:
    """Numbers for requests, so that each answer finds its question."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def take(self) -> int:
        """Return a number that was not used before."""
        return next(self._numbers)


def write_request(number: int, method: str, params: Mapping[str, Any]) -> bytes:
    """Return the bytes of one request. Parameters that are None are left out."""
    return _encode(request(number, method, params))


def write_batch(requests: Sequence[tuple[int, str, Mapping[str, Any]]]) -> bytes:
    """Return the bytes of several requests that are answered together."""
    return _encode([request(*one) for one in requests])


def _encode(value: object) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidParams(f"parameters that JSON has no form for: {error}") from error


def request(number: int, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return one request."""
    given = {name: value for name, value in params.items() if value is not None}
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": given}


def read_json(data: bytes) -> Any:
    """Return the JSON value that a node sent, or raise BadAnswer."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        start = data[:120].decode("utf-8", "replace")
        raise BadAnswer(f"not JSON ({error}): {start!r}; is this the address of a node?") from error


def read_result(answer: object, number: int) -> Any:
    """Return the result in the answer to request `number`, or raise the error in it."""
    fields = _check_answer(answer)
    if "error" in fields:
        raise read_error(fields["error"])
    if fields.get("id") != number or type(fields.get("id")) is not int:
        raise BadAnswer(f"the answer to request {fields.get('id')!r}, asked was {number}")
    if "result" not in fields:
        raise BadAnswer(f"an answer with neither result nor error: {str(fields)[:200]}")
    return fields["result"]


def read_batch(answers: object, numbers: Sequence[int]) -> list[Any | WashRpcError]:
    """Return the results (or the errors) of a batch, in the order of the requests."""
    if isinstance(answers, dict):  # one error for the batch as a whole
        raise read_error(_check_answer(answers).get("error"))
    if not isinstance(answers, list):
        raise BadAnswer(f"the answer to a batch is {type(answers).__name__}, expected an array")
    by_number: dict[object, object] = {}
    for answer in cast("list[object]", answers):
        by_number[_check_answer(answer).get("id")] = answer
    results: list[Any | WashRpcError] = []
    for number in numbers:
        if number not in by_number:
            raise BadAnswer(f"no answer to request {number} of the batch")
        try:
            results.append(read_result(by_number[number], number))
        except WashRpcError as error:
            results.append(error)
    return results


def _check_answer(answer: object) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise BadAnswer(f"not a JSON-RPC answer: {str(answer)[:200]}")
    fields = cast("dict[str, Any]", answer)
    if fields.get("jsonrpc") != "2.0":
        raise BadAnswer(f"not a JSON-RPC 2.0 answer: {str(fields)[:200]}")
    return fields
