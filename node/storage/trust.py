"""May a snapshot be believed? Its block must be final, going by what somebody trusts already.

That is the genesis file, from which headers with certificates lead to the block, or a checkpoint.
The rules are those of the light client; here it is asked.
"""

from collections.abc import Sequence
from typing import NoReturn

from chain.block import block_id
from chain.errors import InvalidBlockError, SnapshotError
from chain.genesis import Genesis
from chain.rules import check_commit
from chain.snapshot import SnapshotManifest
from chain.types import DAY_MS, MINUTE_MS
from consensus import (
    Candidate,
    Checkpoint,
    Invalid,
    LightClient,
    TrustedBlock,
    TrustOptions,
    trust_genesis,
)

OPTIONS = TrustOptions(trusting_period_ms=21 * DAY_MS, clock_drift_ms=MINUTE_MS)
_HELP = "give one that somebody you trust tells you: --checkpoint HEIGHT:HASH"


def candidate_of(manifest: SnapshotManifest) -> Candidate:
    """Return what a manifest says of its block, as a light client takes it."""
    return Candidate(
        manifest.header, manifest.commit, manifest.validators, manifest.next_validators
    )


def check_trust(
    manifest: SnapshotManifest,
    genesis: Genesis,
    now_ms: int,
    *,
    steps: Sequence[Candidate] = (),
    checkpoint: tuple[int, bytes] | None = None,
    options: TrustOptions = OPTIONS,
    head: TrustedBlock | None = None,
) -> None:
    """Raise SnapshotError unless a manifest's block is final.

    `checkpoint` is (height, 32 bytes): the id of the snapshot's own block, which is then believed
    whatever its age, or the hash of the validators of a height. Without one the genesis file is
    trusted, or `head`: a block that was executed here. `steps` are headers on the way, in any
    order.
    """
    if checkpoint == (manifest.height, block_id(manifest.header)):
        check_certified(manifest)
        return
    chain_id = genesis.chain_id()
    if head is not None:
        client = LightClient(head, options)
    elif checkpoint is None:
        anchor = trust_genesis(chain_id, genesis.validator_set(), genesis.time_ms)
        client = LightClient(anchor, options)
    else:
        client = LightClient(Checkpoint(chain_id, checkpoint[0], checkpoint[1]), options)
        if checkpoint[0] > manifest.height:
            _refuse(f"the checkpoint is of height {checkpoint[0]}, the snapshot of an older block")
    client.seek(manifest.height)
    known = {step.header.height: step for step in steps} | {manifest.height: candidate_of(manifest)}
    while (height := client.wanted()) is not None:
        if height not in known:
            _refuse(f"nothing leads from what is trusted to height {height}; {_HELP}")
        verdict = client.take(known[height], now_ms)
        if isinstance(verdict, Invalid):
            _refuse(f"height {height}: {verdict.reason}; if that is about its age, {_HELP}")


def check_certified(manifest: SnapshotManifest) -> None:
    """Raise SnapshotError unless what a manifest says of its block fits the block and its signers.

    Where the block's id is believed, all else follows from that. Where not, it shows at least that
    the manifest is not bent: nobody honest hands on one that is.
    """
    header = manifest.header
    for what, found, wanted in (
        ("validators", manifest.validators, header.validators_hash),
        ("next validators", manifest.next_validators, header.next_validators_hash),
    ):
        if found.set_hash() != wanted:
            _refuse(f"its {what} are not those of its header")
    try:
        check_commit(manifest.commit, header, manifest.validators)
    except InvalidBlockError as error:
        _refuse(str(error))


def _refuse(reason: str) -> NoReturn:
    text = f"snapshot: {reason}"
    raise SnapshotError(text)
