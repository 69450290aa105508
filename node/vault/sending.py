"""A node's own transactions: what its shop's key says to the consent contract."""

import logging
from typing import Any

from chain.crypto import Signer
from chain.errors import WashError
from chain.transaction import TX_VERSION, Call, Transaction, sign_transaction
from chain.types import MINUTE_MS
from node.keys.acting import account_of

GAS_LIMIT = 30_000
VALID_MS = 5 * MINUTE_MS
_log = logging.getLogger("washnode.vault")


def send_call(node: Any, signer: Signer, contract: bytes, function: str, *arguments: Any) -> bool:
    """Hand in a call of a contract by the account of a key; false, and a warning, if refused."""
    account, key = account_of(signer), signer.public_key
    body = Transaction(
        version=TX_VERSION,
        chain_id=node.ledger.chain_id,
        account=account,
        key=None if key == account else key,
        nonce=node.next_nonce(account, key),
        valid_until=node.block_time() + VALID_MS,
        gas_limit=GAS_LIMIT,
        sponsor=None,
        actions=(Call(contract, function, arguments, 0),),
        client_ref=None,
    )
    try:
        node.submit(sign_transaction(body, signer, None))
    except WashError as error:
        _log.warning("%s could not be sent: %s", function, error)
        return False
    return True
