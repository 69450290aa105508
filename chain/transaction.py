"""Transactions: what people sign.

`tx_id` is the hash of the unsigned body: what people see and what replay protection uses.
`witness_id` is the hash of the whole signed bytes: leaf of the block's tree and key of the cache of
good signatures. A cache by `tx_id` would let a bad signature ride on a good id and split the chain.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from chain.changes import (
    GrantRole,
    InstallContract,
    RevokeRole,
    SetFeature,
    SetIssuer,
    SetParam,
    SetValidator,
    UpgradeContract,
    WithdrawUpgrade,
)
from chain.codec import AnyValue, AtMost, Between, ExactBytes, decode, encode, wire
from chain.crypto import Signer, hash_bytes
from chain.errors import MalformedBytesError
from chain.types import (
    ACTIONS_MAX,
    ARGUMENTS_MAX,
    TX_BYTES_MAX,
    U16,
    Amount,
    Count,
    Hash,
    Id,
    PublicKey,
    Signature,
    TimeMs,
)

TX_VERSION = 1
SIGNING_PREFIX = b"washnode-tx-v1\0"
SPONSOR_PREFIX = b"washnode-sponsor-v1\0"  # its own: who co-signs never signs as a sender
_FunctionName: TypeAlias = Annotated[str, AtMost(48)]
_Binding: TypeAlias = Annotated[tuple[Id, ...], AtMost(8)]


@wire(tag=1)
@dataclass(frozen=True, slots=True)
class Transfer:
    """Move `amount` of `asset` to another account, if the asset's policy allows it."""

    asset: Id
    to: Id
    amount: Amount


@wire(tag=2)
@dataclass(frozen=True, slots=True)
class IssueAsset:
    """Make a new asset; its id is `asset_id(creator, symbol)`. `issuer` nil: the creator."""

    symbol: Annotated[str, AtMost(12)]
    decimals: Annotated[int, Between(0, 18)]
    policy: Annotated[int, Between(0, 2)]
    issuer: Id | None
    contracts: Annotated[tuple[Id, ...], AtMost(64)]


@wire(tag=3)
@dataclass(frozen=True, slots=True)
class Mint:
    """Bring `amount` of one's own asset into existence."""

    asset: Id
    to: Id
    amount: Amount


@wire(tag=4)
@dataclass(frozen=True, slots=True)
class Burn:
    """Take `amount` of one's own balance out of existence; only the asset's issuer may."""

    asset: Id
    amount: Amount


@wire(tag=5)
@dataclass(frozen=True, slots=True)
class AllowContracts:
    """Set which contract instances may hold a `contracts_only` asset; only its issuer may."""

    asset: Id
    contracts: Annotated[tuple[Id, ...], AtMost(64)]


@wire(tag=6)
@dataclass(frozen=True, slots=True)
class Call:
    """Call an action of a contract instance; `funds` of the asset that it takes go along."""

    contract: Id
    function: _FunctionName
    arguments: Annotated[tuple[AnyValue, ...], AtMost(ARGUMENTS_MAX)]
    funds: Amount


@wire(tag=7)
@dataclass(frozen=True, slots=True)
class Deploy:
    """Make a contract instance; its id is `instance_id(tx_id, place of this action)`."""

    code: Annotated[bytes, AtMost(TX_BYTES_MAX)]
    assets: _Binding
    links: _Binding
    arguments: Annotated[tuple[AnyValue, ...], AtMost(ARGUMENTS_MAX)]


@wire()
@dataclass(frozen=True, slots=True)
class Scope:
    """What a limited key may call: functions of one contract; no names = all of them."""

    contract: Id
    functions: Annotated[tuple[_FunctionName, ...], AtMost(32)]


@wire()
@dataclass(frozen=True, slots=True)
class SpendingLimit:
    """At most `amount` of `asset` may leave by a key within each `window_ms`."""

    asset: Id
    amount: Amount
    window_ms: TimeMs


@wire()
@dataclass(frozen=True, slots=True)
class AccountKey:
    """A key of an account. `scopes` nil: everything; without limits and end, also manage keys."""

    key: PublicKey
    scopes: Annotated[tuple[Scope, ...], AtMost(16)] | None
    limits: Annotated[tuple[SpendingLimit, ...], AtMost(4)]
    expires_at: TimeMs | None


@wire(tag=8)
@dataclass(frozen=True, slots=True)
class AddKey:
    """Give the account one more key, or change the one it has."""

    entry: AccountKey


@wire(tag=9)
@dataclass(frozen=True, slots=True)
class RemoveKey:
    """Take a key from the account; its last full key stays."""

    key: PublicKey


@wire(tag=10)
@dataclass(frozen=True, slots=True)
class SetGuardians:
    """Name the accounts of which `threshold` together can give this account a new key."""

    guardians: Annotated[tuple[Id, ...], AtMost(16)]
    threshold: Annotated[int, Between(0, 16)]


@wire(tag=11)
@dataclass(frozen=True, slots=True)
class ApproveRecovery:
    """A guardian's approval of `new_key` for `account`; the last one needed starts the delay."""

    account: Id
    new_key: PublicKey


@wire(tag=12)
@dataclass(frozen=True, slots=True)
class CancelRecovery:
    """Stop a recovery of one's own account, with a key it still has."""


@wire(tag=13)
@dataclass(frozen=True, slots=True)
class FinishRecovery:
    """After the delay: the new key becomes the account's only key. A guardian sends it."""

    account: Id


Change: TypeAlias = (
    GrantRole | RevokeRole | SetParam | InstallContract | SetValidator | SetFeature | IssueAsset
    | AllowContracts | UpgradeContract | WithdrawUpgrade | SetIssuer
)  # fmt: skip


@wire(tag=14)
@dataclass(frozen=True, slots=True)
class Propose:
    """An operator's proposal of a change; the proposer's own vote is in it."""

    change: Change


@wire(tag=15)
@dataclass(frozen=True, slots=True)
class Vote:
    """An operator's vote for a proposal; more than two thirds of the operators apply it."""

    proposal: Hash


@wire(tag=16)
@dataclass(frozen=True, slots=True)
class Admit:
    """An admitter or operator makes an account a member."""

    account: Id


@wire(tag=17)
@dataclass(frozen=True, slots=True)
class Oppose:
    """An operator's word against a proposal; one that can find too few votes is closed."""

    proposal: Hash


Action: TypeAlias = (
    Transfer | IssueAsset | Mint | Burn | AllowContracts | Call | Deploy | AddKey | RemoveKey
    | SetGuardians | ApproveRecovery | CancelRecovery | FinishRecovery | Propose | Vote | Admit
    | Oppose
)  # fmt: skip


@wire()
@dataclass(frozen=True, slots=True)
class Transaction:
    """The unsigned body. `key` nil: the account's first key. Times are ms UTC, gas in gas."""

    version: U16
    chain_id: Hash
    account: Id
    key: PublicKey | None
    nonce: Count
    valid_until: TimeMs
    gas_limit: Count
    sponsor: Id | None
    actions: Annotated[tuple[Action, ...], AtMost(ACTIONS_MAX)]
    client_ref: Annotated[bytes, ExactBytes(16)] | None


@wire()
@dataclass(frozen=True, slots=True)
class Cosignature:
    """The sponsor's signature, by one of its keys."""

    key: PublicKey
    signature: Signature


@wire()
@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """What is sent and stored."""

    body: Transaction
    signature: Signature
    cosignature: Cosignature | None


@dataclass(frozen=True, slots=True)
class ReceivedTransaction:
    """A decoded transaction with its ids, so that nothing is hashed or decoded twice."""

    body: Transaction
    body_bytes: bytes
    signature: bytes
    cosignature: Cosignature | None
    data: bytes
    tx_id: bytes
    witness_id: bytes

    def signatures(self) -> list[tuple[bytes, bytes, bytes]]:
        """Return (key, message, signature) of every signature that must be good."""
        data, other = self.body_bytes, self.cosignature
        checks = [(self.body.key or self.body.account, SIGNING_PREFIX + data, self.signature)]
        if other is not None:
            checks.append((other.key, SPONSOR_PREFIX + data, other.signature))
        return checks


_SIGNATURE_BYTES = 2 + 64  # as MessagePack bin
_UNSPONSORED_TAIL = _SIGNATURE_BYTES + 1  # and nil
_SPONSORED_TAIL = (
    _SIGNATURE_BYTES + 1 + (2 + 32) + _SIGNATURE_BYTES
)  # and an array of key, signature


def signing_bytes(body: Transaction) -> bytes:
    """Return what the account's key signs."""
    return SIGNING_PREFIX + encode(body)


def sponsor_bytes(body: Transaction) -> bytes:
    """Return what the sponsor's key signs."""
    return SPONSOR_PREFIX + encode(body)


def sign_transaction(body: Transaction, signer: Signer, sponsor: Signer | None = None) -> bytes:
    """Return the signed bytes of a transaction."""
    cosignature = None
    if sponsor is not None:
        cosignature = Cosignature(sponsor.public_key, sponsor.sign(sponsor_bytes(body)))
    return encode(SignedTransaction(body, signer.sign(signing_bytes(body)), cosignature))


def read_transaction(data: bytes) -> ReceivedTransaction:
    """Decode signed bytes, or raise MalformedBytesError. Signatures are not checked here."""
    if len(data) > TX_BYTES_MAX:
        text = f"transaction of {len(data)} bytes, at most {TX_BYTES_MAX} are allowed"
        raise MalformedBytesError(text)
    signed = decode(SignedTransaction, data)
    # Canonical, so its parts have known lengths: one byte of array, the body, the signatures.
    tail = _UNSPONSORED_TAIL if signed.cosignature is None else _SPONSORED_TAIL
    body_bytes = data[1 : len(data) - tail]
    return ReceivedTransaction(
        body=signed.body,
        body_bytes=body_bytes,
        signature=signed.signature,
        cosignature=signed.cosignature,
        data=data,
        tx_id=hash_bytes("tx", body_bytes),
        witness_id=hash_bytes("witness", data),
    )


def tx_id(body: Transaction) -> bytes:
    """Return the 32-byte id of an unsigned body."""
    return hash_bytes("tx", encode(body))


def asset_id(creator: bytes, symbol: str) -> bytes:
    """Return the 32-byte id of the asset that `creator` makes under `symbol`."""
    return hash_bytes("asset", creator + symbol.encode())


def call_id(origin_id: bytes, place: int) -> bytes:
    """Return the 32-byte id of the action at `place` (0..) of a transaction, or of a firing (0).

    Contracts use it as the id of what the call creates, so a client knows it before sending.
    """
    return hash_bytes("call", origin_id + bytes([place]))


def instance_id(origin_id: bytes, place: int) -> bytes:
    """Return the 32-byte id of the instance that the Deploy at `place` of a transaction makes."""
    return hash_bytes("instance", origin_id + bytes([place]))


def event_receipt_id(kind: int, height: int, sequence: int) -> bytes:
    """Return the 32-byte id of a timer's (kind 0) or fallback's (kind 1) firing.

    The upgrades of a block (kind 2) have their places in it for sequence numbers.
    """
    return hash_bytes(
        "firing", bytes([kind]) + height.to_bytes(8, "big") + sequence.to_bytes(8, "big")
    )
