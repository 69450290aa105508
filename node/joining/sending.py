"""What a gateway's desk sends: tried first, signed with its key, at most a few minutes good."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from chain.codec import encode
from chain.crypto import Signer
from chain.params import read_params
from chain.transaction import (
    TX_VERSION,
    Action,
    SignedTransaction,
    Transaction,
    read_transaction,
    signing_bytes,
)
from chain.types import MINUTE_MS
from contracts.execution import transaction_gas
from node.joining.errors import AdmissionError
from node.live.simulation import as_received, simulate_freely

_VALID_MS = 2 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Admitter:
    """The account that lets shops in, and the key that signs for it here."""

    account: bytes
    signer: Signer


def sign_actions(node: Any, who: Admitter, actions: Sequence[Action]) -> tuple[bytes, bytes]:
    """Return id and bytes of a transaction; raises AdmissionError if the chain would refuse it."""
    params = read_params(node.state())
    body, outcome = simulate_freely(node, _body(node, who, actions), params)
    receipt = outcome.receipt
    if receipt is None or not receipt.ok:
        reason = outcome.error if receipt is None else f"error {receipt.error} of the chain"
        raise AdmissionError(f"the chain would refuse it: {reason}")
    gas = max(receipt.gas_used * 3 // 2, transaction_gas(as_received(body)))
    body = replace(body, gas_limit=min(gas, body.gas_limit))
    data = encode(SignedTransaction(body, who.signer.sign(signing_bytes(body)), None))
    return read_transaction(data).tx_id, data


def _body(node: Any, who: Admitter, actions: Sequence[Action]) -> Transaction:
    params, key = read_params(node.state()), who.signer.public_key
    return Transaction(
        version=TX_VERSION,
        chain_id=node.ledger.chain_id,
        account=who.account,
        key=None if key == who.account else key,
        nonce=node.next_nonce(who.account, key),
        valid_until=node.block_time() + min(_VALID_MS, params.valid_for_max_ms),
        gas_limit=params.transaction_gas_max,
        sponsor=None,
        actions=tuple(actions),
        client_ref=None,
    )
