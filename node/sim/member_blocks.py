"""What a simulated node does with blocks, beside its engine: as `node/blocks.py` on its ledger."""

from collections.abc import Callable

from chain.block import Block
from chain.rules import check_header
from chain.validators import ValidatorSet, read_validators
from consensus import Blocks, Head, check_message, segment_length
from node.sim.ledger import SimLedger


def has_cause(head: Head, time_ms: int) -> bool:
    """Tell whether a block above `head` may be empty at a time."""
    times = [] if head.due_ms is None else [head.due_ms]
    if head.heartbeat_ms:
        times.append(head.time_ms + head.heartbeat_ms)
    return head.has_activation or any(one <= time_ms for one in times)


def check_header_of(ledger: SimLedger, block: Block) -> None:
    """Raise InvalidBlockError unless a header follows from the ledger's head."""
    plans = ledger.executor.plans
    check_header(block.header, ledger.head, read_validators(ledger.state()), plans)


def check_parent(
    ledger: SimLedger,
    block: Block,
    head_set: ValidatorSet | None,
    verify: Callable[[bytes, bytes, bytes], bool],
) -> None:
    """Check the header, and the signatures under the parent's certificate by its validators."""
    check_header_of(ledger, block)
    commit = block.last_commit
    if commit is None or commit == ledger.head_commit or head_set is None:
        return
    check_message(Blocks((ledger.blocks[-1],), commit), ledger.chain_id, head_set, verify)


def served_blocks(ledger: SimLedger, start: int, count: int) -> Blocks | None:
    """Return blocks from a height on with the last one's certificate, or None without any."""
    chosen = ledger.blocks[start : start + count]
    pairs = [(one.header.validators_hash, one.header.next_validators_hash) for one in chosen]
    chosen = chosen[: segment_length(pairs)]
    if not chosen or start < 1:
        return None
    commit = ledger.commits[start + len(chosen) - 1]
    assert commit is not None, "every block above genesis has its certificate"
    return Blocks(tuple(chosen), commit)
