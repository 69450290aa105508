"""`admin_backup`, `admin_snapshot`: copies of a running node's chain, for its owner."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Protocol
from weakref import WeakSet

from pydantic import Field
from typing_extensions import TypedDict

from chain.block import block_id
from chain.errors import StoreError, WashError
from chain.snapshot import snapshot_id
from node.rpc.errors import InvalidParamsError
from node.rpc.reading.light_steps import steps_to_head
from node.rpc.registry import Call, rpc_method
from node.storage.copying import Copying
from node.storage.snapshots import Making

PAUSE_S = 0.002  # between two steps: blocks and answers come first
_PATH_LENGTH_MAX = 4_096
_COPIED: WeakSet[Any] = WeakSet()  # nodes of this process that are being copied now
NewPath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=_PATH_LENGTH_MAX,
        description="An absolute path on the node's machine at which there is nothing yet.",
    ),
]


class CopyError(WashError):
    """A copy that could not be made; the node itself is as it was."""

    code = 7007
    retry = "later"


class CopiedJson(TypedDict):
    """A copy of a chain: its newest block."""

    path: Annotated[str, Field(description="Where it is, on the node's machine.")]
    chain_id: str
    height: int
    head_id: Annotated[str, Field(description="Id of its newest block.")]
    head_time_ms: Annotated[int, Field(description="Time of its newest block, ms UTC.")]


class SnapshotMadeJson(TypedDict):
    """A snapshot that was made."""

    path: Annotated[str, Field(description="Where it is, on the node's machine.")]
    chain_id: str
    height: int
    block_id: Annotated[str, Field(description="Id of the block after which this is the state.")]
    validators_hash: Annotated[str, Field(description="Hash of the block's validators.")]
    snapshot_id: Annotated[str, Field(description="The same wherever this snapshot is made.")]
    chunks: Annotated[int, Field(description="In how many pieces it is checked.")]
    entries: Annotated[int, Field(description="How many values the state has.")]
    size_bytes: Annotated[int, Field(description="Of its chunks.")]


class _Work(Protocol):
    def step(self) -> bool:
        """Do a little; tells whether there is more."""

    def give_up(self) -> None:
        """Leave no trace."""


@rpc_method(tier="admin", errors=(CopyError,))
async def admin_backup(call: Call, *, path: NewPath) -> CopiedJson:
    """Copy the chain as it is now into a new folder, while the node goes on.

    The copy is one of a single moment. `washnode backup create` makes a backup of it.
    """
    folder = _new_path(path)
    with _one_at_a_time(call.node):
        copying = _begin(lambda: Copying(call.node.ledger.store, folder))
        await _work_off(copying)
    head = copying.head
    return {
        "path": str(folder),
        "chain_id": head.chain_id.hex(),
        "height": head.height,
        "head_id": head.head_id.hex(),
        "head_time_ms": head.head_time_ms,
    }


@rpc_method(tier="admin", errors=(CopyError,))
async def admin_snapshot(call: Call, *, path: NewPath) -> SnapshotMadeJson:
    """Write a snapshot of the state after the newest block into a new file; the node goes on.

    `washnode snapshot restore` makes a chain of it on another machine.
    """
    ledger, file = call.node.ledger, _new_path(path)
    if ledger.head_commit is None:
        raise CopyError("the chain has no block yet whose certificate a snapshot could show")
    head = ledger.head, ledger.head_commit
    with _one_at_a_time(call.node):
        making = _begin(lambda: Making(ledger.store, file, head, lambda: steps_to_head(ledger)))
        await _work_off(making)
    manifest = making.manifest
    assert manifest is not None, "it is finished"
    return {
        "path": str(file),
        "chain_id": manifest.header.chain_id.hex(),
        "height": manifest.height,
        "block_id": block_id(manifest.header).hex(),
        "validators_hash": manifest.header.validators_hash.hex(),
        "snapshot_id": snapshot_id(manifest).hex(),
        "chunks": len(manifest.chunks),
        "entries": manifest.entries,
        "size_bytes": manifest.size_bytes,
    }


def _new_path(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute() or "\0" in text:
        raise InvalidParamsError("path", "must be an absolute path")
    try:
        is_free = path.parent.is_dir() and not path.exists() and not path.is_symlink()
    except OSError as error:
        raise InvalidParamsError("path", str(error.strerror or error)) from error
    if not is_free:
        raise InvalidParamsError("path", "must name something new in a folder that is there")
    return path


def is_copied(node: Any) -> bool:
    """Tell whether a copy of a node's chain is being made: then it must stay open."""
    return node in _COPIED


@contextmanager
def _one_at_a_time(node: Any) -> Iterator[None]:
    if node in _COPIED:
        raise CopyError("a copy is being made already; wait until it is done")
    _COPIED.add(node)
    try:
        yield
    finally:
        _COPIED.discard(node)


def _begin(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (StoreError, OSError) as error:  # of the place where the copy goes to
        raise CopyError(str(error)) from error


async def _work_off(work: _Work) -> None:
    """Do all of some work, giving way in between; what goes wrong is no fault of the node."""
    is_over = False
    try:
        while work.step():  # noqa: ASYNC110 - the work is here, not elsewhere
            await asyncio.sleep(PAUSE_S)
        is_over = True
    except (StoreError, OSError, RuntimeError) as error:  # a closed database is a RuntimeError
        is_over = True  # a step that fails gives up by itself
        raise CopyError(f"the copy was given up: {error}") from error
    finally:
        if not is_over:  # cancelled: the caller went away, or the node stops
            work.give_up()
