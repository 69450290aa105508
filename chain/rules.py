"""What must hold of a transaction before a block may contain it, and of a header and a certificate.

Checks raise; they never answer. `check_form` needs no state, `admit_transaction` charges what
admission costs (nonce, quota) to the state it is given.
"""

from collections.abc import Sequence

from chain.accounts import authorize_key, check_scope
from chain.block import BLOCK_VERSION, PRECOMMIT, Commit, Header, block_id, vote_bytes
from chain.crypto import verify_signature
from chain.errors import (
    BadSignatureError,
    ExpiredError,
    InvalidBlockError,
    MalformedBytesError,
    SponsorQuotaError,
    SponsorRequiredError,
    TooLargeError,
    TooLongValidError,
    WrongChainError,
)
from chain.ids import encode_id
from chain.nonces import take_nonce
from chain.params import ChainParams
from chain.pots import use_allowance
from chain.recovery import RecoveryPlan, plan_above
from chain.roles import Role, has_role
from chain.state import Space, State
from chain.transaction import (
    TX_VERSION,
    AccountKey,
    Call,
    ReceivedTransaction,
    Transaction,
)
from chain.types import DAY_MS
from chain.validators import ValidatorSet

_QUOTA = bytes([Space.QUOTA])


def check_form(tx: ReceivedTransaction, chain_id: bytes, params: ChainParams, now: int) -> None:
    """Check what needs no state: version, chain, time, gas, sponsor; raises the typed error."""
    body = tx.body
    if body.version != TX_VERSION:
        text = f"transaction version {body.version}, this chain takes {TX_VERSION}"
        raise MalformedBytesError(text)
    if body.chain_id != chain_id:
        raise WrongChainError(expected=chain_id, found=body.chain_id)
    if now >= body.valid_until:
        raise ExpiredError(now=now, valid_until=body.valid_until)
    if body.valid_until > now + params.valid_for_max_ms:
        raise TooLongValidError(latest=now + params.valid_for_max_ms, valid_until=body.valid_until)
    if body.gas_limit > params.transaction_gas_max:
        raise TooLargeError("gas_limit", maximum=params.transaction_gas_max, found=body.gas_limit)
    if not body.actions:
        text = "a transaction without actions"
        raise MalformedBytesError(text)
    if (body.sponsor is None) != (tx.cosignature is None):
        text = "a sponsor is named and co-signs, or neither"
        raise MalformedBytesError(text)


def check_signatures(tx: ReceivedTransaction) -> None:
    """Raise BadSignatureError unless every signature is good. Needs no state."""
    for key, message, signature in tx.signatures():
        if not verify_signature(key, message, signature):
            text = f"transaction {tx.tx_id.hex()}: not signed by {key.hex()}; sign it again"
            raise BadSignatureError(text)


def admit_transaction(
    state: State, tx: ReceivedTransaction, params: ChainParams, now: int
) -> tuple[AccountKey | None, bool]:
    """Use up the nonce and whoever's quota the transaction rides on.

    Returns (the limits of the signing key or None, whether it rides on a pot owner's allowance).
    Raises KeyScopeError, a nonce error, SponsorRequiredError or SponsorQuotaError; the caller then
    reverts.
    """
    body = tx.body
    key = body.account if body.key is None else body.key
    limits = authorize_key(state, body.account, key, now)
    if limits is not None:
        for action in body.actions:
            check_scope(limits, action)
    take_nonce(state, body.account, key, body.nonce)
    return limits, _charge_sender(state, tx, params, now)


def _charge_sender(state: State, tx: ReceivedTransaction, params: ChainParams, now: int) -> bool:
    body = tx.body
    if body.sponsor is not None:
        assert tx.cosignature is not None, "check_form lets no sponsor pass without a signature"
        entry = authorize_key(state, body.sponsor, tx.cosignature.key, now)
        if entry is not None:
            for action in body.actions:
                check_scope(entry, action)
        if not _may_send(state, body.sponsor):
            text = f"sponsor {encode_id('acct', body.sponsor)} is neither member nor operator"
            raise SponsorRequiredError(text)
        _use_quota(state, body.sponsor, params.sponsor_daily_max, now)
        return False
    if _may_send(state, body.account):
        return False
    if _rides_on_pot(state, body, params, now):
        return True
    text = f"{encode_id('acct', body.account)} is no member; ask a shop to co-sign as sponsor"
    raise SponsorRequiredError(text)


def _may_send(state: State, account: bytes) -> bool:
    return has_role(state, account, Role.MEMBER) or has_role(state, account, Role.OPERATOR)


def quota_used(state: State, sponsor: bytes, now: int) -> int:
    """Return how many transactions a sponsor has co-signed on the day of `now`, as it counts."""
    data = state.get(_QUOTA + sponsor)
    day, used = (0, 0) if data is None else (_number(data, 0), _number(data, 4))
    return used if day == now // DAY_MS else 0


def _use_quota(state: State, sponsor: bytes, maximum: int, now: int) -> None:
    today, used = now // DAY_MS, quota_used(state, sponsor, now)
    if used >= maximum:
        raise SponsorQuotaError(used=used, maximum=maximum)
    state.put(_QUOTA + sponsor, today.to_bytes(4, "big") + (used + 1).to_bytes(4, "big"))


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def _rides_on_pot(state: State, body: Transaction, params: ChainParams, now: int) -> bool:
    """The owner of an open pot may call its contract without anybody's help, a few times."""
    first = body.actions[0]
    if not isinstance(first, Call):
        return False
    same = all(isinstance(one, Call) and one.contract == first.contract for one in body.actions)
    if not same:
        return False
    bounds = (params.allowance_daily_max, params.allowance_pot_max)
    return use_allowance(state, body.account, first.contract, now, bounds)


def check_header(
    header: Header,
    parent: Header,
    validators: ValidatorSet,
    plans: Sequence[RecoveryPlan] = (),
) -> None:
    """Check what of a header follows from its parent alone; raises InvalidBlockError.

    Its roots are checked by executing it, its certificate by `check_commit`. One of `plans` that
    is about this block puts its own validators in place of those that the parent announces.
    """
    announced = parent.next_validators_hash
    recovery = plan_above(plans, parent)
    if recovery is not None:
        validators, announced = recovery.validators, recovery.validators.set_hash()
    for what, found, expected in (
        ("version", header.version, BLOCK_VERSION),
        ("chain_id", header.chain_id, parent.chain_id),
        ("height", header.height, parent.height + 1),
        ("parent_id", header.parent_id, block_id(parent)),
        ("validators_hash", header.validators_hash, announced),
    ):
        if found != expected:
            raise InvalidBlockError(_differs(what, found, expected))
    if header.time_ms <= parent.time_ms:
        text = f"time {header.time_ms} is not after the parent's {parent.time_ms} ms"
        raise InvalidBlockError(text)
    if header.proposer not in validators.keys:
        text = f"proposer {header.proposer.hex()} is no validator"
        raise InvalidBlockError(text)


def _differs(what: str, found: object, expected: object) -> str:
    shown = [one.hex() if isinstance(one, bytes) else str(one) for one in (found, expected)]
    return f"{what} is {shown[0]}, expected {shown[1]}"


def check_heartbeat(params: ChainParams, parent_time_ms: int, time_ms: int) -> None:
    """Raise InvalidBlockError unless a block with nothing in it is due at its time.

    Chains without a heartbeat, as of development and rehearsals, have one whenever it is wished.
    """
    is_due = time_ms - parent_time_ms >= params.heartbeat_ms
    if not is_due and not params.dev:
        text = (
            f"a block with nothing in it {time_ms - parent_time_ms} ms after its parent; "
            f"the heartbeat is {params.heartbeat_ms} ms"
        )
        raise InvalidBlockError(text)


def check_certified(commit: Commit | None, header: Header, validators: ValidatorSet) -> list[int]:
    """Return the signers' indexes in a certificate of a header's block, signatures aside.

    Raises InvalidBlockError unless it is of this block and has the shape of a quorum's.
    """
    if commit is None:
        text = f"the certificate of height {header.height} is missing"
        raise InvalidBlockError(text)
    if commit.height != header.height or commit.block_id != block_id(header):
        text = f"the certificate is of height {commit.height}, block {commit.block_id.hex()}"
        raise InvalidBlockError(text)
    count = len(validators.keys)
    indexes = [i for i in range(8 * len(commit.signers)) if commit.signers[i // 8] >> i % 8 & 1]
    shaped = len(commit.signers) == (count + 7) // 8 and all(i < count for i in indexes)
    if not shaped or len(indexes) != len(commit.signatures):
        text = f"a certificate of {len(commit.signatures)} signatures for {len(indexes)} signers"
        raise InvalidBlockError(text)
    if len(indexes) < validators.quorum:
        text = f"{len(indexes)} of {count} validators signed, {validators.quorum} are needed"
        raise InvalidBlockError(text)
    return indexes


def check_commit(commit: Commit, header: Header, validators: ValidatorSet) -> None:
    """Check a commit certificate of a header's block; raises InvalidBlockError."""
    indexes = check_certified(commit, header, validators)
    place, epoch = (commit.height, commit.round), validators.epoch
    message = vote_bytes(PRECOMMIT, header.chain_id, place, commit.block_id, epoch=epoch)
    for index, signature in zip(indexes, commit.signatures, strict=True):
        if not verify_signature(validators.keys[index], message, signature):
            text = f"validator {validators.keys[index].hex()} did not sign this certificate"
            raise InvalidBlockError(text)
