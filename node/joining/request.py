"""What a shop signs to be let in: with the key of its account and with that of its node. Pure.

The bytes are the tagged hash "join-redeem" (as in docs/protocol.md) of

    chain id (32) || number of the code (8) || account (32) || node key (32) || name (UTF-8)

Both signatures prove that whoever brings the code holds both keys, so nobody can have another's key
let in, or another's node.
"""

from dataclasses import dataclass

from chain.crypto import Signer, hash_bytes, verify_signature
from chain.errors import BadSignatureError
from node.joining.code import JoinCode


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """A shop with a code: its account, whose first key signs, its node's key, its name."""

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
    """Return a signed request."""
    request = JoinRequest(code, shop.public_key, node.public_key, name)
    message = request_bytes(chain_id, request)
    return JoinRequest(
        code, shop.public_key, node.public_key, name, shop.sign(message), node.sign(message)
    )


def check_request(chain_id: bytes, request: JoinRequest) -> None:
    """Raise BadSignatureError unless both keys signed."""
    message = request_bytes(chain_id, request)
    for key, signature in (
        (request.account, request.signature),
        (request.node_key, request.node_signature),
    ):
        if not verify_signature(key, message, signature):
            raise BadSignatureError(f"{key.hex()} did not sign this request")
