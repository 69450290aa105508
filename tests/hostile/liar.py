"""What a liar with a key of the chain says: messages that are signed, but not true."""

from dataclasses import replace

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL, Block, Commit, Evidence, block_id, make_commit
from chain.crypto import Signer, hash_bytes
from chain.validators import ValidatorSet, read_validators
from chain.vote import SignedVote, signed_bytes
from consensus import Blocks, Proposal, Status, make_evidence
from node.devnet.plan import node_signer
from node.net.bodies import witness_ids_of
from node.net.compact import compact
from node.net.messages import CompactProposal
from tests.hostile.net import LIAR, Honest

SIGNER = node_signer(LIAR)
SOME, OTHER = hash_bytes("test/a", b"some block"), hash_bytes("test/b", b"some block")


def validators(node: Honest) -> ValidatorSet:
    return read_validators(node.node.state())


def vote(
    node: Honest,
    kind: int = PREVOTE,
    value: bytes = SOME,
    *,
    height: int | None = None,
    round_number: int = 0,
    signer: Signer = SIGNER,
    shown: bytes | None = None,
    valid_round: int = -1,
) -> SignedVote:
    """Return a vote at the height that a node decides; `shown` is whose it is said to be."""
    at = node.node.driver.engine.height if height is None else height
    key = signer.public_key if shown is None else shown
    bare = SignedVote(kind, 0, at, round_number, value, valid_round, key, bytes(64))
    chain_id = node.node.ledger.chain_id
    return replace(bare, signature=signer.sign(signed_bytes(bare, chain_id)))


def next_block(node: Honest, *, transactions: tuple[bytes, ...] = ()) -> Block:
    """Return a block that looks as if it came next, and does nothing that its roots say."""
    ledger = node.node.ledger
    header = replace(
        ledger.head,
        height=ledger.height + 1,
        parent_id=ledger.head_id,
        time_ms=ledger.head.time_ms + 1_000,
        proposer=SIGNER.public_key,
        state_root=SOME,
    )
    return Block(header, ledger.head_commit, (), (), transactions)


def commit_by(
    node: Honest, block: Block, *signers: Signer, chain_id: bytes | None = None
) -> Commit:
    """Return a certificate of some signers for a block."""
    name = block_id(block.header)
    at = block.header.height
    bare = SignedVote(PRECOMMIT, 0, at, 0, name, -1, SIGNER.public_key, bytes(64))
    said = signed_bytes(bare, chain_id or node.node.ledger.chain_id)
    signatures = {one.public_key: one.sign(said) for one in signers}
    return make_commit(validators(node), (at, 0), name, signatures)


def decided(node: Honest, *heights: int) -> Blocks:
    """Return blocks that a node stores, with their certificate."""
    store = node.node.ledger.store
    return Blocks(tuple([store.block(one) for one in heights]), store.commit(heights[-1]))


def status(node: Honest, height: int, head: bytes = SOME) -> Status:
    engine = node.node.driver.engine
    return Status(height or engine.height, 0, 1, head, b"\x00", b"\x00", -1, has_proposal=False)


def proposal(node: Honest, block: Block, round_number: int) -> CompactProposal:
    """Return a proposal of the liar's, with the block's transactions by their ids."""
    said = vote(node, PROPOSAL, block_id(block.header), round_number=round_number)
    made = compact(Proposal(said, block, None), witness_ids_of(block))
    assert isinstance(made, CompactProposal)
    return made


def own_round(node: Honest) -> int | None:
    """Return a round that is near in which the liar proposes, if there is one."""
    machine = node.node.driver.engine.machine
    rounds = range(machine.round, machine.round + 3)
    return next((one for one in rounds if machine.proposer(one) == SIGNER.public_key), None)


def pair(node: Honest) -> Evidence:
    """Return evidence of two votes that are one."""
    one = vote(node)
    return make_evidence(one, one)
