"""What a transaction would do in the next block, without making it."""

from dataclasses import dataclass, replace
from typing import Any

from chain.codec import encode
from chain.errors import TooLargeError, WashError
from chain.params import ChainParams
from chain.receipt import Receipt
from chain.state import Space
from chain.transaction import (
    Call,
    Cosignature,
    ReceivedTransaction,
    SignedTransaction,
    Transaction,
    read_transaction,
)
from contracts.execution import BlockInputs, Executor, allowance_gas, transaction_gas
from node.storage.ledger import ChainLedger

_NO_SIGNATURE = bytes(64)


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """A free balance before and after, minor units."""

    account: bytes
    asset: bytes
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Simulated:
    """Its receipt, or why no block would contain it; the balances it would change, sorted.

    What falls due in the same block is carried out first, as it would be, and its changes of
    balances are among them.
    """

    receipt: Receipt | None
    error: WashError | None
    changes: tuple[BalanceChange, ...]


def as_received(body: Transaction) -> ReceivedTransaction:
    """Return an unsigned body in the form of a received transaction, for simulation only.

    A sponsor's signature is taken as given by the sponsor's first key.
    """
    cosignature = None if body.sponsor is None else Cosignature(body.sponsor, _NO_SIGNATURE)
    return read_transaction(encode(SignedTransaction(body, _NO_SIGNATURE, cosignature)))


def simulate_freely(
    node: Any, body: Transaction, params: ChainParams
) -> tuple[Transaction, Simulated]:
    """Simulate an unsigned body with as much gas as it may have; returns it with that limit.

    A call on a pot owner's allowance may have less than others.
    """
    most = params.transaction_gas_max
    body = replace(body, gas_limit=most)
    outcome: Simulated = node.simulate(as_received(body), signed=False)
    if isinstance(outcome.error, TooLargeError):
        body = replace(body, gas_limit=min(most, allowance_gas(params)))
        outcome = node.simulate(as_received(body), signed=False)
    return body, outcome


def wanted_gas(node: Any, body: Transaction, outcome: Simulated) -> int:
    """Return half as much gas again as a trial took; if it failed, as much as there can be.

    What an action lays by for a call of a linked contract comes on top: all of it has to be there,
    however little is used.
    """
    most = body.gas_limit
    if outcome.receipt is None or not outcome.receipt.ok:
        return most
    library, state = node.ledger.executor.library, node.state()
    laid_by = [
        library.gas_set_aside(state, action.contract, action.function)
        for action in body.actions
        if isinstance(action, Call)
    ]
    wanted = outcome.receipt.gas_used * 3 // 2 + max(laid_by, default=0)
    return min(max(wanted, transaction_gas(as_received(body))), most)


class Simulator:
    """Executes blocks that nobody stores."""

    def __init__(self, ledger: ChainLedger) -> None:
        self._ledger = ledger
        self._executor = Executor(ledger.chain_id, lambda _tx: True)
        self._executor.library = ledger.executor.library

    def run(self, tx: ReceivedTransaction, time_ms: int) -> Simulated:
        """Execute a block of one transaction at a time; signatures are not looked at."""
        ledger = self._ledger
        inputs = BlockInputs(time_ms, ledger.head.proposer, ledger.head_commit, (tx,))
        self._executor.plans = ledger.executor.plans
        executed = self._executor.build(ledger.store, ledger.head, inputs)
        if executed.refused:
            error = executed.refused[0][1]
            if not isinstance(error, WashError):
                raise error
            return Simulated(None, error, ())
        changes: list[BalanceChange] = []
        for key in sorted(key for key in executed.changes if key[0] == Space.BALANCE):
            after, before = executed.changes[key], ledger.store.get(key)
            change = BalanceChange(key[1:33], key[33:], _amount(before), _amount(after))
            if change.before != change.after:
                changes.append(change)
        return Simulated(executed.receipts[-1], None, tuple(changes))


def _amount(data: bytes | None) -> int:
    return 0 if data is None else int.from_bytes(data, "big")
