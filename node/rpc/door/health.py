"""Probes: is the process alive, and may this node be sent work?

Without a token on this machine; from elsewhere with one, as what is wrong with a node helps those
who attack it.
"""

from collections.abc import Callable
from typing import Any

from aiohttp import web
from pydantic_core import to_json

from node.monitoring.readiness import find_reasons, read_vitals, readiness_json
from node.rpc.door.http import Gate

_JSON_TYPE = "application/json"


class HealthDoor:
    """GET /health, /health/live and /health/ready."""

    def __init__(self, node: Any, gate: Gate, is_stopping: Callable[[], bool]) -> None:
        self._node, self._gate, self._is_stopping = node, gate, is_stopping

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_get("/health", self._health)
        app.router.add_get("/health/live", self._live)
        app.router.add_get("/health/ready", self._ready)

    async def _health(self, request: web.Request) -> web.StreamResponse:
        """Answer in short to anybody: a balancer elsewhere needs no more."""
        self._gate.check_place(request)
        head = self._node.ledger.head
        is_ready = self._node.failure is None and not self._is_stopping()
        body = {"ready": is_ready, "height": head.height, "time": head.time_ms}
        return _answer(body, is_well=is_ready)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        self._gate.enter_near(request)
        is_live = self._node.failure is None
        return _answer({"live": is_live}, is_well=is_live)

    async def _ready(self, request: web.Request) -> web.StreamResponse:
        self._gate.enter_near(request)
        reasons = find_reasons(read_vitals(self._node, is_stopping=self._is_stopping()))
        return _answer(readiness_json(reasons), is_well=not reasons)


def _answer(body: dict[str, Any], *, is_well: bool) -> web.Response:
    status = 200 if is_well else 503
    return web.Response(status=status, body=to_json(body), content_type=_JSON_TYPE)
