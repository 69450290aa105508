"""A gateway in memory with a desk, and shops that come to it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain.crypto import Signer, sha256
from chain.types import HOUR_MS
from node.demo.accounts import account_of, signer_of
from node.joining.code import JoinCode
from node.joining.desk import Admission, Admitter, Desk
from node.joining.request import JoinRequest, sign_request
from tests.node.demo.setting import WallClock, open_demo

GATE = "https://gate.example"


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

    def open_desk(self) -> Desk:
        """Open the desk, as after a start."""
        identity = Admitter(account_of(self.admitter), signer_of(self.admitter))
        desk = Desk(self.node, identity, self.folder / "admissions")
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

    def make_block(self) -> None:
        """Make a block of what waits."""
        assert self.node.make_block(self.node.block_time()) is not None
        self.wall.now_ms += 1_000

    def state(self, code: JoinCode) -> str:
        """Return what became of a code."""
        record = self.desk.book.read(code.number.hex())
        assert record is not None
        return record.state(self.wall.now_ms)
