"""The chain of a simulated node: real blocks, real execution, a store in memory."""

from collections.abc import Mapping

from chain.block import Block, Commit, Header, block_id
from chain.executed import ExecutedBlock
from chain.genesis import Genesis
from chain.state import State
from contracts.execution import Executor
from node.storage.genesis_block import genesis_block
from node.workbench.memory import Memory


class SimLedger:
    """What of a node survives every crash: each block is stored whole or not at all."""

    def __init__(self, genesis: Genesis, executor: Executor) -> None:
        """Begin the chain; the executor may be shared, it remembers nothing but programs."""
        first = genesis_block(genesis)
        self.chain_id, self.executor = genesis.chain_id(), executor
        self.memory = Memory()
        self.nodes: dict[bytes, bytes] = {}
        self.blocks: list[Block] = [first.block]
        self.commits: list[Commit | None] = [None]
        self.head: Header = first.block.header
        self.head_id = first.block_id
        self._apply(first.changes, first.nodes)

    def _apply(
        self, changes: Mapping[bytes, bytes | None], nodes: Mapping[bytes, bytes | None]
    ) -> None:
        self.memory.apply(changes)
        for path, node in nodes.items():
            if node is None:
                self.nodes.pop(path, None)
            else:
                self.nodes[path] = node

    def get(self, key: bytes) -> bytes | None:
        """Return the committed value of a state key, or None."""
        return self.memory.get(key)

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Return at most `limit` committed pairs of start <= key < stop, in key order."""
        return self.memory.scan(start, stop, limit)

    def get_node(self, path: bytes, /) -> bytes | None:
        """Return the tree record at a path, or None."""
        return self.nodes.get(path)

    @property
    def height(self) -> int:
        """Height of the newest block."""
        return self.head.height

    @property
    def head_commit(self) -> Commit | None:
        """The certificate of the newest block."""
        return self.commits[-1]

    def state(self) -> State:
        """Return the state at the head, for reading."""
        return State(self)

    def append(self, executed: ExecutedBlock, commit: Commit) -> None:
        """Store an executed block with its certificate."""
        header = executed.block.header
        assert header.height == self.height + 1, (header.height, self.height)
        assert header.parent_id == self.head_id, "a block on another head"
        self._apply(executed.changes, executed.nodes)
        self.blocks.append(executed.block)
        self.commits.append(commit)
        self.head, self.head_id = header, executed.block_id

    def dump(self) -> dict[bytes, bytes]:
        """Return the whole state, the queue of what falls due included."""
        return self.memory.values()


def id_of(block: Block) -> bytes:
    """Return a block's id."""
    return block_id(block.header)
