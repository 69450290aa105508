"""A gateway in memory with a desk, and shops that come to it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain.changes import InstallContract
from chain.crypto import Signer, sha256
from chain.transaction import Action, Deploy, Propose, instance_id, tx_id
from chain.types import HOUR_MS
from node.catalog import container_bytes
from node.demo.accounts import Signing, account_of, make_body, sign_body, signer_of
from node.joining.code import JoinCode
from node.joining.desk import Admission, Desk
from node.joining.on_chain import CONTRACT
from node.joining.request import JoinRequest, sign_request
from node.joining.sending import Admitter
from tests.node.demo.setting import WallClock, open_demo

GATE = "https://gate.example"
GAS = 400_000


@dataclass(frozen=True)
class Newcomer:
    """A shop that is nobody's customer yet: two keys and a name."""

    name: str

    @property
    def shop(self) -> Signer:
        """The key of its account."""
        return Signer(sha256(f"{self.name} shop".encode()))

    @property
    def node(self) -> Signer:
        """The key of its node."""
        return Signer(sha256(f"{self.name} node".encode()))

    def request(self, chain_id: bytes, code: JoinCode) -> JoinRequest:
        """Return what it brings with a code."""
        return sign_request(chain_id, code, self.name, shop=self.shop, node=self.node)


class Gate:
    """A demo's node whose operator lets shops in; time stands still but for `pass_time`."""

    def __init__(self, folder: Path, admitter: str = "operator") -> None:
        self.folder, self.wall = folder, WallClock()
        self.node: Any = open_demo(folder, self.wall)
        self.admitter = admitter
        self.desk = self.open_desk()

    def open_desk(self, admitter: str = "", folder: str = "admissions") -> Desk:
        """Open the desk, as after a start; or that of another gateway of the same chain."""
        name = admitter or self.admitter
        desk = Desk(self.node, Admitter(account_of(name), signer_of(name)), self.folder / folder)
        desk.wait_ms = 0
        return desk

    def make(self, valid_for_ms: int = 24 * HOUR_MS, **more: str) -> JoinCode:
        """Return a new code."""
        return self.desk.make((GATE,), valid_for_ms, **more)[0]

    async def come(self, newcomer: Newcomer, code: JoinCode) -> Admission:
        """Let a shop bring a code; a block follows."""
        request = newcomer.request(self.node.ledger.chain_id, code)
        taken = await self.desk.redeem(request)
        if taken.status == "final":
            return taken
        self.make_block()
        return await self.desk.redeem(request)

    def do(self, name: str, *actions: Action) -> bytes:
        """Let somebody of the demo send actions, in a block of their own; returns the id."""
        account = account_of(name)
        nonce = self.node.next_nonce(account, account)
        signing = Signing(self.node.ledger.chain_id, self.node.block_time(), nonce, GAS)
        body = make_body(name, signing, *actions)
        self.node.submit(sign_body(body, name))
        self.make_block()
        (receipt,) = self.node.ledger.store.receipts(self.node.ledger.height)
        assert receipt.ok, receipt
        return tx_id(body)

    def install_codes(self) -> None:
        """Let the chain know codes: two operators take one back, as on a chain with several."""
        code = container_bytes(CONTRACT)
        contract = instance_id(self.do("operator", Deploy(code, (), (), (2,))), 0)
        self.do("operator", Propose(InstallContract(CONTRACT, contract)))

    def make_block(self) -> None:
        """Make a block of what waits."""
        assert self.node.make_block(self.node.block_time()) is not None
        self.wall.now_ms += 1_000

    def state(self, code: JoinCode) -> str:
        """Return what became of a code."""
        record = self.desk.book.read(code.number.hex())
        assert record is not None
        return record.state(self.wall.now_ms)
