"""`validator_*` and `admin_validator_*`: who makes blocks, and this node's part in it."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chain.membership import PendingValidators, read_dropped, read_pending, silent_validators
from chain.proposers import Standing, proposer_order, read_proposers
from chain.validators import ValidatorSet, read_validators
from consensus import Mode
from node.rpc.params import Text
from node.rpc.registry import Call, rpc_method


class ValidatorJson(TypedDict):
    """One validator. What is known of it is null on a chain that has had one only."""

    key: str
    is_this_node: bool
    last_seen: int | None
    is_silent: Annotated[bool, Field(description="No block of late shows it at work.")]
    failures: int | None
    demoted_until: int | None
    tombstoned: Annotated[bool, Field(description="It signed two votes that exclude each other.")]


class ValidatorChangeJson(TypedDict):
    """Validators that were voted for, and the first height that they decide."""

    activation: int
    keys: list[str]
    quorum: int


class ValidatorListJson(TypedDict):
    """The validators of the next block, in the order in which they propose it."""

    height: int
    items: list[ValidatorJson]
    quorum: int
    seen: int
    rule: str
    epoch: int
    pending: ValidatorChangeJson | None
    dropped: ValidatorChangeJson | None


class OwnPartJson(TypedDict):
    """Whether this node takes part: it signs votes, or why not."""

    key: str
    is_validator: bool
    mode: Annotated[str, Field(description="listening, signing or observer.")]
    mode_reason: str
    paused: str | None


class ReadinessJson(TypedDict):
    """The proof that a candidate runs, for the proposal that adds it. Good for 50 heights."""

    chain_id: str
    key: str
    height: int
    block_id: str
    signature: str


@rpc_method(read=True)
def validator_list(call: Call) -> ValidatorListJson:
    """List the validators, the next proposer first, with what the chain has seen of each."""
    node, state = call.node, call.node.state()
    height = node.ledger.height + 1
    validators, record = read_validators(state), read_proposers(state)
    known = {} if record is None else {one.key: one for one in record.entries}
    silent = silent_validators(state, validators.keys, height)
    order = proposer_order(state, height)
    return {
        "height": height,
        "items": [
            _validator_json(key, known.get(key), own=node.validator_key, is_silent=key in silent)
            for key in order
        ],
        "quorum": validators.quorum,
        "seen": len(order) - len(silent),
        "rule": validators.rule_name,
        "epoch": validators.epoch,
        "pending": _change_json(read_pending(state)),
        "dropped": _change_json(read_dropped(state)),
    }


def _validator_json(
    key: bytes, entry: Standing | None, *, own: bytes, is_silent: bool
) -> ValidatorJson:
    demoted = None if entry is None else entry.demoted_until
    return {
        "key": key.hex(),
        "is_this_node": key == own,
        "last_seen": None if entry is None else entry.last_seen,
        "is_silent": is_silent,
        "failures": None if entry is None else entry.failures,
        "demoted_until": demoted or None,
        "tombstoned": entry is not None and entry.tombstoned,
    }


def _change_json(change: PendingValidators | None) -> ValidatorChangeJson | None:
    if change is None:
        return None
    after: ValidatorSet = change.validators
    keys = [key.hex() for key in after.keys]
    return {"activation": change.activation, "keys": keys, "quorum": after.quorum}


@rpc_method(tier="admin")
def admin_validator_status(call: Call) -> OwnPartJson:
    """Tell this node's own part: its key, whether it signs, whether it was paused."""
    node = call.node
    driver = node.driver
    return {
        "key": node.validator_key.hex(),
        "is_validator": node.validator_key in read_validators(node.state()).keys,
        "mode": Mode(driver.mode).name.lower(),
        "mode_reason": driver.mode_reason,
        "paused": driver.trouble,
    }


@rpc_method(tier="admin")
def admin_validator_pause(call: Call, *, reason: Text = "paused by hand") -> OwnPartJson:
    """Let this node make no blocks and vote for none, for as long as it runs or until resumed.

    It follows the chain, answers as before, and still certifies what the others agreed on. They go
    on if they are a quorum without it.
    """
    call.node.pause(reason or "paused by hand")
    return admin_validator_status(call)


@rpc_method(tier="admin")
def admin_validator_resume(call: Call) -> OwnPartJson:
    """Let this node make blocks and vote again."""
    call.node.pause(None)
    return admin_validator_status(call)


@rpc_method(tier="admin")
def admin_validator_ready(call: Call) -> ReadinessJson:
    """Let this node prove with its key that it runs and has the chain, before it is voted in.

    The operator's proposal carries the proof: `{"type": "set_validator", "key", "power": 1,
    "ready": {"height", "block_id", "signature"}}`.
    """
    node = call.node
    proof = node.prove_readiness()
    return {
        "chain_id": node.ledger.chain_id.hex(),
        "key": node.validator_key.hex(),
        "height": proof.height,
        "block_id": proof.block_id.hex(),
        "signature": proof.signature.hex(),
    }
