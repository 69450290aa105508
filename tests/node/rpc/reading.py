"""A node over a test's chain, asked as a client asks it."""

import json
from typing import Any

from chain.ids import encode_id
from node.live.clock import Clock
from node.live.node import Node
from node.rpc.jsonrpc import Dispatcher
from node.rpc.methods import account as account_methods
from node.rpc.methods import chain as chain_methods
from node.rpc.methods import contract as contract_methods
from node.rpc.methods import gov as gov_methods
from node.rpc.methods import node as node_methods
from node.rpc.methods import tx_explain as explain_methods
from node.rpc.methods import tx_list as list_methods
from node.rpc.methods import validator as validator_methods
from node.rpc.registry import Call, collect
from node.storage.wal import VoteLog
from tests import make
from tests.make import TestChain

REGISTRY = collect(
    account_methods,
    chain_methods,
    contract_methods,
    explain_methods,
    gov_methods,
    list_methods,
    node_methods,
    validator_methods,
)


class Reader:
    """Asks the methods of a node whose blocks the test makes."""

    def __init__(self, chain: TestChain) -> None:
        self.chain = chain
        folder = chain.folder / "node"
        folder.mkdir()
        log = VoteLog(folder / "votes.log", chain.ledger.chain_id, sync=False)
        clock = Clock(lambda: chain.now)
        self.node = Node(lambda _known: chain.ledger, log, make.VALIDATOR, clock, folder=folder)
        log.close()  # the test makes the blocks
        self.node.outbox.close()
        self._dispatcher = Dispatcher(REGISTRY)

    async def answer(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the whole answer."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        data = await self._dispatcher.handle(
            json.dumps(request).encode(), Call(self.node, "public"), batch_max=1
        )
        assert data is not None
        answer: dict[str, Any] = json.loads(data)
        return answer

    async def ask(self, method: str, **params: Any) -> Any:
        """Return the result, of a read its data; it must fit what is published of the method."""
        answer = await self.answer(method, **params)
        assert "result" in answer, answer
        declared = REGISTRY.find(method)
        assert declared is not None
        result = answer["result"]["data"] if declared.read else answer["result"]
        declared.result().validate_python(result, strict=True)
        return result

    async def refusal(self, method: str, **params: Any) -> tuple[int, str]:
        """Return the code and message of a refusal."""
        answer = await self.answer(method, **params)
        assert "error" in answer, answer
        return answer["error"]["code"], answer["error"]["message"]

    async def pages(self, method: str, **params: Any) -> list[list[Any]]:
        """Return the items of all pages of a list."""
        pages: list[list[Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.ask(method, **params, **cursor)
            pages.append(page["items"])
            if page["next_cursor"] is None:
                return pages
            cursor = {"cursor": page["next_cursor"]}


def text_of(name: str) -> str:
    """Return the text of a person's account id."""
    return encode_id("acct", make.account(name))
