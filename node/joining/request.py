"""What a shop signs to be let in: with a key of its account and with that of its node. Pure.

The bytes are the tagged hash "join-redeem" (as in docs/protocol.md) of

    chain id (32) || number of the code (8) || account (32) || node key (32) || name (UTF-8)

Both signatures prove that whoever brings the code holds both keys, so nobody can have another's key
let in, or another's node.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chain.crypto import Signer, hash_bytes, verify_signature
from chain.errors import BadSignatureError
from chain.ids import encode_id
from node.joining.code import JoinCode
from node.keys.acting import account_of


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """A shop with a code: its account, one of whose keys signs, its node's key, its name."""

    code: JoinCode
    account: bytes
    node_key: bytes
    name: str
    signature: bytes = b""
    node_signature: bytes = b""


def request_bytes(chain_id: bytes, request: JoinRequest) -> bytes:
    """Return the 32 bytes that both keys sign."""
    who = request.account + request.node_key
    return hash_bytes("join-redeem", chain_id + request.code.number + who + request.name.encode())


def sign_request(
    chain_id: bytes, code: JoinCode, name: str, *, shop: Signer, node: Signer
) -> JoinRequest:
    """Return a signed request; `shop` is a key of the account, and knows which (ActingKey)."""
    request = JoinRequest(code, account_of(shop), node.public_key, name)
    message = request_bytes(chain_id, request)
    return replace(request, signature=shop.sign(message), node_signature=node.sign(message))


def check_request(chain_id: bytes, request: JoinRequest, keys: Sequence[bytes]) -> None:
    """Raise BadSignatureError unless the node's key signed, and one of the account's `keys`."""
    message = request_bytes(chain_id, request)
    if not verify_signature(request.node_key, message, request.node_signature):
        raise BadSignatureError(f"{request.node_key.hex()} did not sign this request")
    if not any(verify_signature(key, message, request.signature) for key in keys):
        account = encode_id("acct", request.account)
        raise BadSignatureError(f"no key that {account} has now signed this request")
