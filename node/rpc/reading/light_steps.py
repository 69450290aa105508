"""The headers by which a light client comes from the genesis to a block."""

from chain.errors import PrunedError
from chain.types import SAFE_INT_MAX
from consensus import Candidate, Invalid, LightClient, TrustOptions, trust_genesis
from node.rpc.errors import NotFoundError
from node.rpc.reading.validator_history import find_validators
from node.storage.ledger import ChainLedger

STEPS_MAX = 512
_ANY_AGE = TrustOptions(trusting_period_ms=SAFE_INT_MAX)


def steps_to_head(ledger: ChainLedger) -> tuple[Candidate, ...]:
    """Return what is between: nothing where one certificate does for the whole way.

    Also nothing where this chain can not tell: what was before a snapshot is not here, and behind a
    recovery nobody comes from the genesis. Then whoever wants to trust the head needs a checkpoint.
    """
    return steps_to(ledger, ledger.height)


def steps_to(ledger: ChainLedger, height: int) -> tuple[Candidate, ...]:
    """Return the headers by which a light client comes to a height; see `steps_to_head`."""
    genesis = ledger.genesis
    anchor = trust_genesis(ledger.chain_id, genesis.validator_set(), genesis.time_ms)
    client = LightClient(anchor, _ANY_AGE, verify=lambda _key, _message, _signature: True)
    client.seek(height)
    found: list[Candidate] = []
    while (wanted := client.wanted()) is not None:
        try:
            candidate = candidate_at(ledger, wanted)
        except (NotFoundError, PrunedError):
            return ()
        verdict = client.take(candidate, ledger.head.time_ms + 1)
        if isinstance(verdict, Invalid) or len(found) == STEPS_MAX:
            return ()
        if wanted != height and candidate not in found:
            found.append(candidate)
    return tuple(found)


def candidate_at(ledger: ChainLedger, height: int) -> Candidate:
    """Return the block of a height as a light client takes it; raises NotFoundError."""
    header = ledger.store.header(height)
    return Candidate(
        header,
        ledger.store.commit(height),
        find_validators(ledger, header.validators_hash),
        find_validators(ledger, header.next_validators_hash),
    )
