"""The ledger: values, bytes, blocks, state and rules. Pure, but for the store, which is not imported here."""

from chain.accounts import Account, Recovery, read_account
from chain.block import (
    PRECOMMIT,
    PREVOTE,
    Block,
    Commit,
    Evidence,
    Header,
    block_id,
    commit_hash,
    decode_block,
    encode_block,
    list_hash,
    make_commit,
    vote_bytes,
)
from chain.codec import decode, decode_value, encode, encode_value, from_value, to_json, to_value, wire
from chain.crypto import (
    Signer,
    check_signature,
    hash_bytes,
    public_key,
    sha256,
    sign,
    verify_signature,
)
from chain.errors import WashError
