"""Building, reading and explaining transactions, so that any language can sign without a codec."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from chain.codec import decode, encode
from chain.crypto import verify_signature
from chain.errors import UnknownIdError, WashError
from chain.ids import encode_id
from chain.params import read_params
from chain.rules import check_form, check_signatures
from chain.transaction import (
    SIGNING_PREFIX,
    SPONSOR_PREFIX,
    TX_VERSION,
    Action,
    Cosignature,
    ReceivedTransaction,
    SignedTransaction,
    Transaction,
    read_transaction,
)
from chain.transaction import Call as CallAction
from chain.transaction import (
    tx_id as hash_body,
)
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS, SAFE_INT_MAX
from node.keys.acting import account_of
from node.live.hearing import hears_nobody
from node.live.simulation import Simulated, as_received, simulate_freely, wanted_gas
from node.rpc.action_lookup import ChainLookup, show_created
from node.rpc.errors import (
    ContractRefusedError,
    InvalidParamsError,
    MethodDisabledError,
    NotFoundError,
    OutcomeJson,
    RateLimitedError,
    UnauthenticatedError,
    failure_json,
)
from node.rpc.forms.actions import (
    ActionsJson,
    body_json,
    check_body,
    read_actions,
    transaction_json,
)
from node.rpc.forms.shapes import contract_name, receipt_error
from node.rpc.params import AccountId, HexBytes, TimeMs
from node.rpc.registry import Call, rpc_method
from node.rpc.sponsoring import check_sponsored
from node.rpc.telling.explain import Explainer
from node.rpc.telling.explain_words import Words

VALID_MS = 10 * MINUTE_MS
# What is signed at the counter: the shop's line may be down for hours, and it shall count.
COUNTER_VALID_MS = DAY_MS
COUNTER_FUNCTIONS = {
    "booking": {"arrived", "check_in", "confirm"},
    "prepaid": {"begin_use", "confirm_use"},
}
SIGNATURE_BYTES = 64

PublicKeyHex = Annotated[
    str, Field(pattern="^[0-9a-f]{64}$", description="A public key: 64 lower-case hex digits.")
]
Signature = Annotated[
    str, Field(pattern="^[0-9a-f]{128}$", description="An Ed25519 signature: 128 hex digits.")
]
Reference = Annotated[
    str,
    Field(
        pattern="^[0-9a-f]{32}$",
        description="16 bytes as hex that name this transaction for its account, once.",
    ),
]
Nonce = Annotated[
    int, Field(strict=True, ge=0, le=SAFE_INT_MAX, description="A number that the key uses once.")
]
Gas = Annotated[
    int, Field(strict=True, ge=0, le=SAFE_INT_MAX, description="Bound of what it may compute.")
]
Attest = Annotated[
    bool,
    Field(strict=True, description="Co-sign also where the contract takes it as the shop's word."),
]


class SummaryJson(TypedDict):
    """What a transaction asks for, for the person who signs it."""

    en: str
    zh: str


class CreatedJson(TypedDict):
    """What the action at a place will make, with the id that it will have."""

    action: int
    kind: str
    id: str


class TrialJson(TypedDict):
    """Whether it would succeed in the next block; `error` is why not."""

    ok: bool
    error: OutcomeJson | None


class BuiltJson(TypedDict):
    """An unsigned transaction; `tx_assemble` puts it and the signature of `sign_bytes` together."""

    body: str
    sign_bytes: str
    sponsor_sign_bytes: str | None
    tx_id: str
    nonce: int
    valid_until: int
    gas_limit: int
    summary: SummaryJson
    creates: list[CreatedJson]
    trial: TrialJson


class AssembledJson(TypedDict):
    """A signed transaction, ready for `tx_submit`."""

    tx: str
    tx_id: str


class SignatureJson(TypedDict):
    """Whether a key made its signature, over the bytes that are for its part."""

    part: Literal["sender", "sponsor"]
    key: str
    good: bool


class DecodedJson(TypedDict):
    """The fields of a transaction; without signatures if only a body was given."""

    transaction: dict[str, Any]
    sign_bytes: str
    sponsor_sign_bytes: str | None
    signatures: list[SignatureJson]
    summary: SummaryJson


class CosignedJson(TypedDict):
    """The sponsor's part: `sponsor_key` and `sponsor_signature` of `tx_assemble`."""

    key: str
    signature: str


@rpc_method(errors=(InvalidParamsError, NotFoundError, UnknownIdError))
def tx_build(
    call: Call,
    *,
    account: AccountId,
    actions: ActionsJson,
    key: PublicKeyHex | None = None,
    nonce: Nonce | None = None,
    valid_until: TimeMs | None = None,
    gas_limit: Gas | None = None,
    sponsor: AccountId | None = None,
    client_ref: Reference | None = None,
) -> BuiltJson:
    """Build an unsigned transaction from actions and say in words what it asks for.

    What is left out is filled in: the next unused nonce of the key, ten minutes of time (a day for
    what a customer signs at the counter: arrivals, check-ins, begun washes, confirmations), half as
    much gas again as a trial run takes. `trial` tells whether it would succeed now. Sign
    `sign_bytes` with the key, hand both to `tx_assemble`, send the result with `tx_submit`. A
    sponsor signs other bytes, `sponsor_sign_bytes`.
    """
    node, lookup = call.node, ChainLookup(call.node)
    params = read_params(lookup.state)
    signing = None if key is None else bytes.fromhex(key)
    read = read_actions(actions, lookup)
    until = node.block_time() + min(_valid_ms(node, read), params.valid_for_max_ms)
    body = Transaction(
        version=TX_VERSION,
        chain_id=node.ledger.chain_id,
        account=account,
        key=signing,
        nonce=node.next_nonce(account, signing or account) if nonce is None else nonce,
        valid_until=until if valid_until is None else valid_until,
        gas_limit=params.transaction_gas_max if gas_limit is None else gas_limit,
        sponsor=sponsor,
        actions=read,
        client_ref=None if client_ref is None else bytes.fromhex(client_ref),
    )
    check_body(body)
    if gas_limit is None:
        tried, outcome = simulate_freely(node, body, params)
        body = replace(body, gas_limit=wanted_gas(node, tried, outcome))
    else:
        outcome = node.simulate(as_received(body), signed=False)
    return _built(lookup, body, outcome)


def _valid_ms(node: Any, actions: Sequence[Action]) -> int:
    """Return how long a transaction is good unless its sender says otherwise."""
    is_of_counter = all(
        isinstance(one, CallAction)
        and one.function in COUNTER_FUNCTIONS.get(contract_name(node, one.contract), ())
        for one in actions
    )
    return COUNTER_VALID_MS if is_of_counter else VALID_MS


def _built(lookup: ChainLookup, body: Transaction, outcome: Simulated) -> BuiltJson:
    data = encode(body)
    return {
        "body": data.hex(),
        **_signed_bytes(body, data),
        "tx_id": hash_body(body).hex(),
        "nonce": body.nonce,
        "valid_until": body.valid_until,
        "gas_limit": body.gas_limit,
        "summary": _summary(lookup, body),
        "creates": [
            {"action": place, "kind": kind, "id": text}
            for place, kind, text in show_created(body, lookup)
        ],
        "trial": _trial(lookup.node, outcome, body),
    }


class _SignedBytes(TypedDict):
    sign_bytes: str
    sponsor_sign_bytes: str | None


def _signed_bytes(body: Transaction, data: bytes) -> _SignedBytes:
    """Return what the sender signs, and what the sponsor does if one is named."""
    sponsored = None if body.sponsor is None else (SPONSOR_PREFIX + data).hex()
    return {"sign_bytes": (SIGNING_PREFIX + data).hex(), "sponsor_sign_bytes": sponsored}


def _trial(node: Any, outcome: Simulated, body: Transaction) -> TrialJson:
    receipt = outcome.receipt
    if receipt is None:
        assert outcome.error is not None, "it is refused, or it has a receipt"
        return {"ok": False, "error": failure_json(outcome.error)}
    return {"ok": receipt.ok, "error": None if receipt.ok else receipt_error(node, receipt, body)}


def _summary(lookup: ChainLookup, body: Transaction) -> SummaryJson:
    def said(lang: Literal["en", "zh"]) -> str:
        words = Words(lookup, lang, me=body.account, is_full=True)
        return Explainer(words).asked(body)["sentence"]

    return {"en": said("en"), "zh": said("zh")}


@rpc_method(errors=(WashError,))
def tx_assemble(
    call: Call,
    *,
    body: HexBytes,
    signature: Signature,
    sponsor_key: PublicKeyHex | None = None,
    sponsor_signature: Signature | None = None,
) -> AssembledJson:
    """Put a body and its signatures together to what `tx_submit` takes.

    A wrong signature is refused here: the sender's is over `sign_bytes`, the sponsor's over
    `sponsor_sign_bytes`. `sponsor_key` may be left out if the sponsor signs with its first key.
    """
    decoded = decode(Transaction, body)
    cosignature = None
    if decoded.sponsor is not None:
        if sponsor_signature is None:
            text = f"is missing; {encode_id('acct', decoded.sponsor)} is named as sponsor"
            raise InvalidParamsError("sponsor_signature", text)
        signing = decoded.sponsor if sponsor_key is None else bytes.fromhex(sponsor_key)
        cosignature = Cosignature(signing, bytes.fromhex(sponsor_signature))
    elif sponsor_signature is not None or sponsor_key is not None:
        raise InvalidParamsError("sponsor_signature", "the body names no sponsor")
    signed = SignedTransaction(decoded, bytes.fromhex(signature), cosignature)
    received = read_transaction(encode(signed))
    check_signatures(received)
    del call
    return {"tx": received.data.hex(), "tx_id": received.tx_id.hex()}


@rpc_method(errors=(WashError,))
def tx_decode(
    call: Call, *, tx: HexBytes | None = None, body: HexBytes | None = None
) -> DecodedJson:
    """Show what is in a transaction: all fields, the actions as JSON, whether it is well signed.

    Give `tx`, the signed bytes, or `body`, the unsigned ones.
    """
    lookup = ChainLookup(call.node)
    if tx is not None and body is None:
        received = read_transaction(tx)
        return {
            "transaction": transaction_json(received, lookup),
            **_signed_bytes(received.body, received.body_bytes),
            "signatures": _judge(received),
            "summary": _summary(lookup, received.body),
        }
    if body is None or tx is not None:
        raise InvalidParamsError("tx", "give either tx or body")
    decoded = decode(Transaction, body)
    shown = {"tx_id": hash_body(decoded).hex(), **body_json(decoded, lookup)}
    return {
        "transaction": shown,
        **_signed_bytes(decoded, body),
        "signatures": [],
        "summary": _summary(lookup, decoded),
    }


def _judge(tx: ReceivedTransaction) -> list[SignatureJson]:
    parts: tuple[Literal["sender", "sponsor"], ...] = ("sender", "sponsor")
    return [
        {"part": part, "key": key.hex(), "good": verify_signature(key, message, signature)}
        for part, (key, message, signature) in zip(parts, tx.signatures(), strict=False)
    ]


@rpc_method(errors=(WashError, ContractRefusedError, MethodDisabledError, UnauthenticatedError))
def tx_sponsor(call: Call, *, body: HexBytes, attest: Attest = False) -> CosignedJson:
    """Co-sign a customer's transaction with this shop's key, so that it rides on its quota.

    It needs the shop's token, except where the node serves pages to customers (`pages.sponsor`):
    there anybody may ask without `attest`, for a limited number of transactions a day.

    Only calls of contracts that the operators installed and what is about an account's keys, within
    a bound of gas, and only what would succeed now: a transaction that fails costs the quota too.
    Some functions ask who co-signed and take it as the shop's word: `booking.check_in` notes that
    the shop has the car. Such a call is refused unless `attest` is true, which a member of
    staff sets on purpose and no program for every customer.

    While the shop's line is down nobody knows what would succeed: earlier steps of the same visit
    wait as well. Who has the shop's token is then given the signature all the same.
    """
    node = call.node
    signer = node.sponsor
    is_visitor = call.tier == "public"
    if is_visitor and (attest or node.visitors is None):
        raise UnauthenticatedError("shop")
    if signer is None:
        raise MethodDisabledError("this node has no shop's key to co-sign with")
    decoded = decode(Transaction, body)
    if is_visitor and not node.visitors.may_take(decoded.account, node.block_time()):
        raise RateLimitedError(HOUR_MS)
    if decoded.sponsor is None:
        wanted = encode_id("acct", account_of(signer))
        raise InvalidParamsError("body", f"names no sponsor; build it with sponsor {wanted}")
    cosignature = Cosignature(signer.public_key, bytes(SIGNATURE_BYTES))
    unsigned = SignedTransaction(decoded, bytes(SIGNATURE_BYTES), cosignature)
    received = read_transaction(encode(unsigned))
    check_sponsored(node, decoded, attest=attest)
    check_form(received, node.ledger.chain_id, read_params(node.state()), node.block_time())
    outcome: Simulated = node.simulate(received, signed=False)
    if outcome.error is not None:
        raise outcome.error
    assert outcome.receipt is not None, "it is refused, or it has a receipt"
    if not outcome.receipt.ok and (is_visitor or not hears_nobody(node)):
        raise ContractRefusedError(receipt_error(node, outcome.receipt, decoded))
    if is_visitor:
        node.visitors.take(decoded.account, node.block_time())
    signature = signer.sign(SPONSOR_PREFIX + body)
    return {"key": signer.public_key.hex(), "signature": signature.hex()}
