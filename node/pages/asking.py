"""How pages ask the node: JSON-RPC messages through the same dispatcher, as a public caller."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from node.rpc.jsonrpc import Dispatcher
from node.rpc.registry import Call

BATCH_MAX = 100
Spend = Callable[[int, float], None]


class AskError(Exception):
    """A refusal of the API; `name`, `message` and `data` are what it told."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: dict[str, Any] = error.get("data") or {}
        self.name = str(self.data.get("name", ""))


@dataclass(frozen=True, slots=True)
class Asked:
    """A method with its parameters, to be asked together with others."""

    method: str
    params: dict[str, Any]


def asked(method: str, **params: Any) -> Asked:
    """Return a question for `Asker.all`."""
    return Asked(method, params)


class Asker:
    """Asks the methods of one node, with nobody's token."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        node: Any,
        spend: Spend | None = None,
        *,
        is_near: bool = False,
    ) -> None:
        """`spend` is told how many calls were made and how much of the node's time they took.

        `is_near`: whoever visits is on this machine, or came through a server on it.
        """
        self._dispatcher, self._node, self._spend = dispatcher, node, spend
        self._is_near = is_near

    async def __call__(self, method: str, **params: Any) -> Any:
        """Return the data of an answer, or raise AskError."""
        (answer,) = await self.all(Asked(method, params))
        if isinstance(answer, AskError):
            raise answer
        return answer

    async def all(self, *questions: Asked) -> list[Any]:
        """Return the data of each answer, or the AskError in its place; they see one block."""
        answers: list[Any] = []
        for first in range(0, len(questions), BATCH_MAX):
            answers += await self._batch(questions[first : first + BATCH_MAX])
        return answers

    async def _batch(self, questions: tuple[Asked, ...]) -> list[Any]:
        messages = [
            {"jsonrpc": "2.0", "id": number, "method": one.method, "params": one.params}
            for number, one in enumerate(questions)
        ]
        data = await self._dispatcher.handle(
            json.dumps(messages).encode(),
            Call(node=self._node, tier="public", is_near=self._is_near),
            batch_max=BATCH_MAX,
            spend=self._spend,
        )
        assert data is not None, "every message has an id"
        answers = json.loads(data)
        if isinstance(answers, dict):
            raise AskError(answers["error"])
        return [read_answer(answer) for answer in answers]


def read_answer(answer: dict[str, Any]) -> Any:
    """Return what a page is given of an answer: the data, or the refusal."""
    if "error" in answer:
        return AskError(answer["error"])
    result = answer["result"]
    is_read = isinstance(result, dict) and result.keys() == {"at", "data"}
    return result["data"] if is_read else result
