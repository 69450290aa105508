"""What must hold of a network that is quiet: one chain, all promises, all money, no lie."""

from collections.abc import Mapping
from typing import Any

from chain.block import PRECOMMIT
from chain.codec import decode
from chain.ids import encode_id
from chain.vote import SignedVote
from consensus import StateEntry
from node.client import AsyncWash
from node.demo.accounts import ACCOUNTS, FUNDS_EACH
from node.devnet.plan import PlannedNode
from node.devnet.processes import DevNet
from node.storage import wal
from tests.chaos_network.load import BrokenPromiseError, Promises

BATCH = 50
BAD_WARNINGS = {"FAILED", "OBSERVER", "ALARM"}
NO_BLOCK = bytes(32)


class Checks:
    """Checks a network from where the last check ended."""

    def __init__(self, net: DevNet) -> None:
        self.net = net
        self.headers: list[Any] = []  # from height 0 on
        self.certificates: dict[int, Any] = {}
        self._start = 0  # the height from which the next check compares
        self._done: set[str] = set()  # final transactions that all nodes had alike

    async def check(self, promises: Promises, *, whole: bool) -> None:
        """Check what can be asked of running nodes; `whole`: old promises again."""
        if whole:
            self._start, self._done = 0, set()
        wanted = {*promises.final, *promises.open, *promises.heights} - self._done
        for node in self.net.nodes:
            async with AsyncWash(node.rpc_url, timeout_s=30) as wash:
                await self._check_health(node, wash)
                await self._check_headers(node, wash)
                await _check_promises(node, wash, promises, sorted(wanted))
                await _check_money(node, wash)
        for tx_id, height in promises.heights.items():
            if tx_id in promises.final and promises.final[tx_id]["height"] != height:
                raise BrokenPromiseError(f"an event told of {tx_id} at height {height}")
        self._start, self._done = len(self.headers), self._done | wanted

    async def _check_health(self, node: PlannedNode, wash: AsyncWash) -> None:
        health, peers = await wash.rpc("node_health"), await wash.rpc("node_peers")
        bad = [one for one in health["warnings"] if one["code"] in BAD_WARNINGS]
        wanted = {"validator": {"signing"}}.get(node.role, {"listening", "signing"})
        if bad or peers["mode"] not in wanted:
            raise BrokenPromiseError(f"{node.name}: {peers['mode']} {peers['mode_reason']} {bad}")

    async def _check_headers(self, node: PlannedNode, wash: AsyncWash) -> None:
        end = (await wash.head())["height"] + 1
        if node is not self.net.nodes[0] and end != len(self.headers):
            raise BrokenPromiseError(f"{node.name} is at {end - 1}, not {len(self.headers) - 1}")
        for at in range(self._start, end, BATCH):
            heights = range(at, min(at + BATCH, end))
            asked = [("chain_getBlock", {"height": one, "detail": "header"}) for one in heights]
            for height, block in zip(heights, await wash.batch(asked), strict=True):
                self._take_block(node, height, block)

    def _take_block(self, node: PlannedNode, height: int, block: Any) -> None:
        if isinstance(block, Exception):
            raise BrokenPromiseError(f"{node.name} lacks height {height}: {block}")
        header = block["header"]
        if height == len(self.headers):
            self.headers.append(header)
            self.certificates[height] = block["certificate"]
        if header != self.headers[height]:
            raise BrokenPromiseError(f"height {height} of {node.name}: {header}")
        if header["evidence_hash"] != self.headers[0]["evidence_hash"]:
            raise BrokenPromiseError(f"height {height} has evidence")

    def check_logs(self) -> int:
        """Compare the vote logs of stopped validators with the certificates; returns votes seen."""
        count = 0
        for node in self.net.nodes:
            if node.role == "validator":
                count += self._check_log(node)
        return count

    def _check_log(self, node: PlannedNode) -> int:
        records, _end, damage = wal.parse_log((node.folder / "votes.log").read_bytes())
        votes: dict[tuple[int, int, int], SignedVote] = {}
        for record in records:
            for entry in decode(wal._Record, record).entries:
                for vote in entry.signed if isinstance(entry, StateEntry) else ():
                    place = (vote.height, vote.round, vote.kind)
                    if votes.setdefault(place, vote) != vote:
                        raise BrokenPromiseError(f"{node.name} signed twice: {vote}")
        if damage is not None:
            raise BrokenPromiseError(f"votes.log of {node.name}: {damage}")
        for vote in votes.values():
            self._compare_vote(node, vote, votes)
        return len(votes)

    def _compare_vote(
        self, node: PlannedNode, vote: SignedVote, votes: Mapping[Any, SignedVote]
    ) -> None:
        certificate = self.certificates.get(vote.height)
        if certificate is None:
            return
        place = (vote.height, certificate["round"], PRECOMMIT)
        is_signer = vote.validator.hex() in certificate["signers"]
        own = votes.get(place)
        if is_signer and (own is None or own.block_id.hex() != certificate["block_id"]):
            raise BrokenPromiseError(f"{node.name} does not know its vote in {certificate}")
        if own is not None and own.block_id.hex() not in {
            certificate["block_id"],
            NO_BLOCK.hex(),
        }:
            raise BrokenPromiseError(f"{node.name} voted {own}, decided was {certificate}")


async def _check_promises(
    node: PlannedNode, wash: AsyncWash, promises: Promises, wanted: list[str]
) -> None:
    for at in range(0, len(wanted), BATCH):
        part = wanted[at : at + BATCH]
        answers = await wash.batch([("tx_get", {"tx_id": one}) for one in part])
        for tx_id, answer in zip(part, answers, strict=True):
            if isinstance(answer, Exception) or not promises.settle(answer, node.name):
                said = f"{node.name} says of {tx_id}: {answer}"
                raise BrokenPromiseError(f"{said}; taken by {promises.open.get(tx_id)}")


async def _check_money(node: PlannedNode, wash: AsyncWash) -> None:
    accounts = [encode_id("acct", one.account) for one in ACCOUNTS]
    total = sum([await wash.balance(one) for one in accounts])
    supply = (await wash.rpc("chain_getSupply", asset="CNY"))["data"]["supply"]["amount"]
    if {total, supply} != {FUNDS_EACH * len(ACCOUNTS)}:
        raise BrokenPromiseError(f"{node.name}: balances are {total}, the supply is {supply}")
