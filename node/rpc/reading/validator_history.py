"""Who the validators were at any height, found out from genesis and what was decided since.

The state names only the validators to come. Older sets follow from the blocks: every change is a
decided proposal, and the block after the decision says in its header that the set changes. Or
it is a recovery, whose set is in the plan that this node was given.
"""

from collections.abc import Iterator
from dataclasses import replace

from chain.changes import SetValidator
from chain.executed import event_topic
from chain.governance import proposal_id
from chain.receipt import KernelEvent, Receipt, ReceiptKind
from chain.recovery import plan_above
from chain.tables import Place
from chain.transaction import Change, Propose, call_id, read_transaction
from chain.types import ZERO_ID
from chain.validators import ValidatorSet, read_validators
from node.rpc.errors import NotFoundError
from node.storage.ledger import ChainLedger

CHANGES_MAX = 256  # blocks that changed the validators; one proof reads no more of them
_SAME_TOPIC_MAX = 8  # topics are short: other proposals may share one


def find_validators(ledger: ChainLedger, wanted: bytes) -> ValidatorSet:
    """Return the validators whose hash a header of this chain bears.

    Raises NotFoundError if the blocks do not lead to them: there were too many changes since.
    """
    current = read_validators(ledger.state())
    if current.set_hash() == wanted:
        return current
    base = ledger.store.base
    validators = ledger.genesis.validator_set()
    if base is not None:  # the snapshot said who its validators were
        if base.validators.set_hash() == wanted:
            return base.validators
        validators = base.next_validators
    for height in reversed(_change_heights(ledger)):
        if validators.set_hash() == wanted:
            return validators
        plan = plan_above(ledger.executor.plans, ledger.store.header(height - 1))
        if plan is None:
            validators = _apply_changes(ledger, height - 1, validators)
        else:
            validators = plan.validators
        if validators.set_hash() != ledger.store.header(height).next_validators_hash:
            break
    if validators.set_hash() == wanted:
        return validators
    raise NotFoundError(f"a set of validators with the hash {wanted.hex()}", (0, ledger.height))


def _change_heights(ledger: ChainLedger) -> list[int]:
    heights: list[int] = []
    height = ledger.head.last_validators_change_height
    while height > ledger.store.base_height and len(heights) < CHANGES_MAX:
        heights.append(height)
        height = ledger.store.header(height - 1).last_validators_change_height
    return heights


def _apply_changes(ledger: ChainLedger, height: int, validators: ValidatorSet) -> ValidatorSet:
    for receipt in ledger.store.receipts(height):
        for proposal in _decided(receipt):
            change = find_change(ledger, proposal)
            if isinstance(change, SetValidator):
                keys = {key for key in validators.keys if key != change.key}
                if change.power:
                    keys.add(change.key)
                validators = replace(validators, keys=tuple(sorted(keys)))
    return validators


def _decided(receipt: Receipt) -> Iterator[bytes]:
    for event in receipt.events:
        if event.contract == ZERO_ID and event.number == KernelEvent.DECIDED:
            yield event.values[0]


def find_change(ledger: ChainLedger, proposal: bytes) -> Change | None:
    """Return what a proposal asked for, from the transaction that made it."""
    topic = event_topic(ZERO_ID, KernelEvent.PROPOSED, 0, proposal)
    for place in ledger.store.find_events(topic, (0, 0), _SAME_TOPIC_MAX):
        change = _change_at(ledger, place, proposal)
        if change is not None:
            return change
    return None


def _change_at(ledger: ChainLedger, place: Place, proposal: bytes) -> Change | None:
    height, number = place
    receipts = ledger.store.receipts(height)
    block = ledger.store.block(height)
    firings = len(receipts) - len(block.transactions)
    first = 0
    for index, receipt in enumerate(receipts):
        last = first + len(receipt.events)
        if first <= number < last and receipt.kind == ReceiptKind.TRANSACTION:
            tx = read_transaction(block.transactions[index - firings])
            for position, action in enumerate(tx.body.actions):
                made = proposal_id(call_id(tx.tx_id, position))
                if isinstance(action, Propose) and made == proposal:
                    return action.change
        first = last
    return None
