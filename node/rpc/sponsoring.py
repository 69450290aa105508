"""What a shop's node co-signs for a customer by itself, and what only if staff asks on purpose."""

from typing import Any

from chain.errors import KeyScopeError
from chain.governance import is_installed
from chain.state import State
from chain.transaction import (
    AddKey,
    ApproveRecovery,
    Call,
    CancelRecovery,
    FinishRecovery,
    RemoveKey,
    SetGuardians,
    Transaction,
)
from contracts.instances import Library

SPONSORED_GAS_MAX = 200_000
# What customers do with the keys of their accounts; it takes nobody's word and moves no money.
_OF_KEYS = (AddKey, RemoveKey, SetGuardians, ApproveRecovery, CancelRecovery, FinishRecovery)


class AttestationError(KeyScopeError):
    """A call whose contract takes the sponsor's signature as its word, which nobody gave."""

    def __init__(self, action: int, function: str) -> None:
        super().__init__(
            f"action {action}: {function} takes the sponsor's signature as the shop's word; "
            "if the shop means to give it, ask again with attest true"
        )
        self.action, self.function = action, function


def check_sponsored(node: Any, body: Transaction, *, attest: bool) -> None:
    """Raise KeyScopeError unless the shop's key may co-sign this.

    A sponsor pays for the place in a block and, where a contract asks who co-signed, also vouches
    for what the call says. The first a node does for any customer, the second nobody gets from it
    unasked (`attest`).
    """
    state: State = node.state()
    library: Library = node.ledger.executor.library
    for place, action in enumerate(body.actions):
        if isinstance(action, _OF_KEYS):
            continue
        if not isinstance(action, Call) or not is_installed(state, action.contract):
            text = (
                f"action {place} is no call of an installed contract and not about keys; "
                "this shop co-signs no others"
            )
            raise KeyScopeError(text)
        if not attest and library.reads_sponsor(state, action.contract, action.function):
            raise AttestationError(place, action.function)
    if body.gas_limit > SPONSORED_GAS_MAX:
        text = f"gas_limit is {body.gas_limit}, this shop co-signs at most {SPONSORED_GAS_MAX}"
        raise KeyScopeError(text)
