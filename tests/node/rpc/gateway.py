"""A gateway of a chain that knows join codes, asked as a client asks it."""

from pathlib import Path
from typing import Any

from chain.ids import encode_id
from node import catalog
from node.demo.accounts import account_of, signer_of
from node.joining.code import parse_code
from node.joining.desk import Desk
from node.joining.request import sign_request
from node.joining.sending import Admitter
from node.rpc.jsonrpc import Dispatcher
from node.rpc.registry import Tier
from node.rpc.served import make_registry
from tests.node.joining.gate import GATE, Newcomer
from tests.node.rpc.asking import Asker, acct

CRYSTAL = Newcomer("Crystal")
SHOP = encode_id("acct", CRYSTAL.shop.public_key)
NODE = encode_id("acct", CRYSTAL.node.public_key)


class Gateway(Asker):
    """A gateway of a chain that knows codes and has two operators, "operator" and "carol"."""

    def __init__(self, folder: Path, tier: Tier = "admin") -> None:
        super().__init__(folder, tier)
        self.desk = self.open_desk(folder / "admissions")

    def open_desk(self, folder: Path) -> Desk:
        """Open a desk whose codes are the same every time."""
        desk = Desk(self.node, Admitter(account_of("bob"), signer_of("bob")), folder)
        desk.wait_ms, desk.chance = 0, lambda length: b"the fourth"[:length]
        self.node.desk = desk
        return desk

    async def begin(self) -> None:
        """Let the chain know codes, and make an admitter and a second operator."""
        self._dispatcher = Dispatcher(make_registry(self.node))
        code = catalog.container_bytes("admissions").hex()
        built = await self.do("operator", {"type": "deploy", "code": code, "arguments": [2]})
        (contract,) = [one["id"] for one in built["creates"] if one["kind"] == "contract"]
        install = {"type": "install_contract", "name": "admissions", "contract": contract}
        await self.propose(install)
        for name, role in (("bob", "admitter"), ("carol", "operator")):
            await self.propose({"type": "grant_role", "account": acct(name), "role": role})

    async def propose(self, change: dict[str, Any]) -> None:
        """Let the first operator propose a change."""
        await self.do("operator", {"type": "propose", "change": change})

    async def made(self) -> dict[str, Any]:
        """Return a new code that the chain knows."""
        code: dict[str, Any] = await self.ask("admin_join_code", gateways=[GATE])
        self.make_block()
        return code

    async def listed(self) -> dict[str, Any]:
        """Return the only code that there is."""
        (found,) = (await self.ask("admin_join_codes"))["items"]
        return dict(found)

    async def let_in(self, code: dict[str, Any]) -> None:
        """Let Crystal in with a code."""
        parsed, chain_id = parse_code(code["code"]), self.node.ledger.chain_id
        request = sign_request(chain_id, parsed, "Crystal", shop=CRYSTAL.shop, node=CRYSTAL.node)
        await self.desk.redeem(request)
        self.make_block()
        await self.desk.redeem(request)

    async def take_back(self, name: str, mark: str) -> dict[str, Any]:
        """Let an operator sign what takes a code back."""
        built = await self.ask("join_undo_build", account=acct(name), mark=mark)
        assert built["trial"]["ok"], built
        await self.do(name, *built["actions"])
        return dict(built)
