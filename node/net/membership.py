"""Whom the chain lets read it: validators, and accounts that hold a role."""

from typing import Protocol

from chain.codec import decode
from chain.membership import PendingValidators
from chain.roles import Role, has_role
from chain.state import PENDING_VALIDATORS_KEY, State
from chain.validators import read_validators
from node.storage.ledger import ChainLedger


class Core(Protocol):
    """What is asked of the node."""

    ledger: ChainLedger

    def state(self) -> State:
        """Return the state at the head, for reading."""


class Membership:
    """Answers for the newest block; what it found is kept until the next one."""

    def __init__(self, node: Core) -> None:
        """Ask of a node's chain."""
        self._node = node
        self._head_id = b""
        self._validators: frozenset[bytes] = frozenset()
        self._readers: dict[bytes, bool] = {}

    def is_validator(self, key: bytes) -> bool:
        """Tell whether a key decides blocks, is about to, or would by an operators' plan."""
        self._look()
        return key in self._validators

    def may_read(self, key: bytes) -> bool:
        """Tell whether a node with this key may be given the chain.

        Its key is a validator's, or that of an account with any role (an observer's is enough).
        """
        self._look()
        known = self._readers.get(key)
        if known is None:
            state = self._node.state()
            known = key in self._validators or any(has_role(state, key, role) for role in Role)
            self._readers[key] = known  # of connected peers: there are few
        return known

    def _look(self) -> None:
        ledger = self._node.ledger
        if ledger.head_id == self._head_id:
            return
        state = self._node.state()
        sets = [read_validators(state), *[plan.validators for plan in ledger.executor.plans]]
        data = state.get(PENDING_VALIDATORS_KEY)
        if data is not None:
            sets.append(decode(PendingValidators, data).validators)
        self._validators = frozenset([key for one in sets for key in one.keys])
        self._readers.clear()
        self._head_id = ledger.head_id
