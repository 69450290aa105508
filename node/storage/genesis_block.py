"""Height 0: the block that a genesis file stands for."""

from chain.block import BLOCK_VERSION, Block, Header, block_id, commit_hash, list_hash
from chain.executed import ExecutedBlock
from chain.genesis import Genesis, genesis_state
from chain.merkle import root
from chain.params import params_hash
from chain.state import QUEUE_PREFIX
from chain.tree import update_tree
from chain.validators import read_validators


class _NoNodes:
    def get_node(self, _path: bytes, /) -> bytes | None:
        return None


def genesis_block(genesis: Genesis) -> ExecutedBlock:
    """Return height 0: a block without transactions whose state is the genesis file's."""
    chain_id = genesis.chain_id()
    state = genesis_state(genesis)
    changes = state.changes()
    leaves = {key: value for key, value in changes.items() if key[:1] != QUEUE_PREFIX}
    tree = update_tree(_NoNodes(), leaves)
    validators = read_validators(state).set_hash()
    empty = root([])
    header = Header(
        version=BLOCK_VERSION,
        chain_id=chain_id,
        height=0,
        time_ms=genesis.time_ms,
        parent_id=bytes(32),
        proposer=bytes(32),
        last_commit_hash=commit_hash(None),
        evidence_hash=list_hash("evidence", ()),
        skipped_hash=list_hash("skipped", ()),
        last_round=0,
        tx_root=empty,
        receipt_root=empty,
        state_root=tree.root,
        validators_hash=validators,
        next_validators_hash=validators,
        last_validators_change_height=0,
        params_hash=params_hash(genesis.chain_params()),
        gas_used=0,
    )
    block = Block(header, None, (), (), ())
    return ExecutedBlock(
        block=block,
        block_id=block_id(header),
        receipts=(),
        receipt_bytes=(),
        tx_ids=(),
        topics=(),
        changes=changes,
        nodes=tree.nodes,
        timers_fired=0,
        refused=(),
    )
