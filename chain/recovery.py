"""Recovery: how a chain goes on after a quorum of its validators is lost for good.

More than two thirds of the operators sign a plan: this block is the newest that counts, and these
validators decide what is above it, in the next epoch. Whatever was voted before counts for nothing
from then on. Every node is given the plan as a file. No block contains it; what the chain shows of
it is the set of validators in the header above the named block, which is why its parent does not
announce them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, Literal, NoReturn, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chain.accounts import authorize_key
from chain.block import Header, block_id
from chain.codec import AtMost, encode, wire
from chain.crypto import Signer, hash_bytes, verify_signature
from chain.errors import KeyScopeError, RecoveryPlanError
from chain.ids import encode_id
from chain.roles import read_operators
from chain.state import PENDING_VALIDATORS_KEY, VALIDATORS_KEY, State
from chain.types import SAFE_INT_MAX, Hash, Height, Id, PublicKey, Signature
from chain.validators import VALIDATORS_MAX, QuorumRule, ValidatorSet, read_validators

PLAN_BYTES_MAX = 1024 * 1024  # as JSON, with room for the spaces of people
PLAN_SIGNATURES_MAX = 1_024  # as many as there can be votes for a proposal
EPOCH_MAX = 2**32 - 1

Verify: TypeAlias = Callable[[bytes, bytes, bytes], bool]  # key, message, signature


@wire()
@dataclass(frozen=True, slots=True)
class PlanSignature:
    """An operator's signature under a plan, by one of its account's keys without bounds."""

    operator: Id
    key: PublicKey
    signature: Signature


@wire()
@dataclass(frozen=True, slots=True)
class RecoveryPlan:
    """Who decides from `height` + 1 on, if the block at `height` is the one with id `head_id`."""

    chain_id: Hash
    height: Height
    head_id: Hash
    validators: ValidatorSet
    signatures: Annotated[tuple[PlanSignature, ...], AtMost(PLAN_SIGNATURES_MAX)] = ()


def plan_hash(plan: RecoveryPlan) -> bytes:
    """Return the 32 bytes that the operators sign: all of a plan but its signatures."""
    return hash_bytes("recovery", encode(replace(plan, signatures=())))


def sign_plan(plan: RecoveryPlan, operator: bytes, signer: Signer) -> RecoveryPlan:
    """Return the plan with one operator's signature more, or with another in place of its old."""
    others = [one for one in plan.signatures if one.operator != operator]
    signed = PlanSignature(operator, signer.public_key, signer.sign(plan_hash(plan)))
    ordered = sorted([*others, signed], key=lambda one: one.operator)
    return replace(plan, signatures=tuple(ordered))


def check_plan(
    plan: RecoveryPlan, state: State, head: Header, verify: Verify = verify_signature
) -> None:
    """Raise RecoveryPlanError unless a plan may take effect above `head`, with its `state`."""
    for what, found, expected in (
        ("chain", plan.chain_id, head.chain_id),
        ("height", plan.height, head.height),
        ("head_id", plan.head_id, block_id(head)),
    ):
        if found != expected:
            shown = [one.hex() if isinstance(one, bytes) else one for one in (found, expected)]
            _refuse(f"{what} is {shown[0]}, here it is {shown[1]}")
    _check_set(plan.validators, read_validators(state))
    _check_signatures(plan, state, head.time_ms, verify)


def _check_set(planned: ValidatorSet, present: ValidatorSet) -> None:
    if planned.epoch != present.epoch + 1:
        _refuse(f"epoch is {planned.epoch}, the next of this chain is {present.epoch + 1}")
    if planned.rule != present.rule:
        _refuse(f"quorum rule is {planned.rule}, that of this chain is {present.rule}")
    if not planned.keys:
        _refuse("no validators; name at least one")
    if any(one >= other for one, other in pairwise(planned.keys)):
        _refuse("keys of validators stand twice or out of order; sort them")


def _check_signatures(plan: RecoveryPlan, state: State, now: int, verify: Verify) -> None:
    operators, message = read_operators(state), plan_hash(plan)
    signed: list[bytes] = []
    for one in plan.signatures:
        name = encode_id("acct", one.operator)
        if one.operator not in operators:
            _refuse(f"{name} signed and is no operator; take its signature out")
        if one.operator in signed:
            _refuse(f"{name} signed twice; keep one signature")
        try:
            limits = authorize_key(state, one.operator, one.key, now)
        except KeyScopeError as error:
            _refuse(str(error))
        if limits is not None:
            _refuse(f"key {one.key.hex()} of {name} has bounds; sign with a full key")
        if not verify(one.key, message, one.signature):
            _refuse(f"{name} did not sign this plan; sign it again")
        signed.append(one.operator)
    if 3 * len(signed) <= 2 * len(operators):
        _refuse(f"{len(signed)} of {len(operators)} operators signed; more than 2/3 are needed")


def _refuse(reason: str) -> NoReturn:
    text = f"recovery plan: {reason}"
    raise RecoveryPlanError(text)


def plan_above(plans: Sequence[RecoveryPlan], parent: Header) -> RecoveryPlan | None:
    """Return the plan about the block above `parent`, None without one.

    Of two about one block the first counts. Nothing tells two good ones apart, so whoever loads
    plans takes the second in no more.
    """
    at = [plan for plan in plans if plan.height == parent.height]
    return next((plan for plan in at if plan.head_id == block_id(parent)), None)


def next_validators(
    state: State, parent: Header, plans: Sequence[RecoveryPlan] = ()
) -> ValidatorSet:
    """Return who decides the block above `parent`; the plans were sifted, `state` is after it."""
    plan = plan_above(plans, parent)
    return read_validators(state) if plan is None else plan.validators


def sift_plans(
    plans: Sequence[RecoveryPlan],
    state: State,
    parent: Header,
    verify: Verify = verify_signature,
    child: Header | None = None,
) -> tuple[tuple[RecoveryPlan, ...], tuple[str, ...]]:
    """Return the plans without those about the block above `parent` that must not take effect.

    These are the ones that are not good, and, where the block above is known, those that it was
    not made by. The second list says why each of them was taken out.
    """
    kept: list[RecoveryPlan] = []
    reasons: list[str] = []
    for plan in plans:
        if plan_above((plan,), parent) is not None:
            try:
                check_plan(plan, state, parent, verify)
                check_follows(plan, child)
            except RecoveryPlanError as error:
                reasons.append(str(error))
                continue
        kept.append(plan)
    return tuple(kept), tuple(reasons)


def check_follows(plan: RecoveryPlan, child: Header | None) -> None:
    """Raise RecoveryPlanError if the block above a plan's block is there, and not by the plan."""
    if child is not None and child.validators_hash != plan.validators.set_hash():
        _refuse(f"the chain went on above height {plan.height} with other validators")


def begin_recovery(
    state: State,
    parent: Header,
    plans: Sequence[RecoveryPlan],
    verify: Verify = verify_signature,
) -> bool:
    """Put the validators of the plan about `parent`, if there is one, into the state above it.

    A change of validators that was under way is dropped. Tells whether a plan took effect; raises
    RecoveryPlanError if one names this block and is not good.
    """
    found = plan_above(plans, parent)
    if found is None:
        return False
    check_plan(found, state, parent, verify)
    state.put(VALIDATORS_KEY, encode(found.validators))
    state.delete(PENDING_VALIDATORS_KEY)
    return True


_Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]
_Strict = ConfigDict(frozen=True, extra="forbid", strict=True)


class _SetFile(BaseModel):
    model_config = _Strict
    keys: Annotated[tuple[_Hex32, ...], Field(max_length=VALIDATORS_MAX)]
    rule: Literal["byzantine", "crash"]
    epoch: Annotated[int, Field(ge=0, le=EPOCH_MAX)]


class _SignatureFile(BaseModel):
    model_config = _Strict
    operator: _Hex32
    key: _Hex32
    signature: _Hex64


class _PlanFile(BaseModel):
    model_config = _Strict
    chain_id: _Hex32
    height: Annotated[int, Field(ge=0, le=SAFE_INT_MAX)]
    head_id: _Hex32
    validators: _SetFile
    signatures: Annotated[tuple[_SignatureFile, ...], Field(max_length=PLAN_SIGNATURES_MAX)] = ()


def write_plan(plan: RecoveryPlan) -> str:
    """Return a plan as the text of a JSON file, which operators hand round and sign."""
    validators = _SetFile(
        keys=tuple(key.hex() for key in plan.validators.keys),
        rule="crash" if plan.validators.rule == QuorumRule.CRASH else "byzantine",
        epoch=plan.validators.epoch,
    )
    signatures = [
        _SignatureFile(
            operator=one.operator.hex(), key=one.key.hex(), signature=one.signature.hex()
        )
        for one in plan.signatures
    ]
    file = _PlanFile(
        chain_id=plan.chain_id.hex(),
        height=plan.height,
        head_id=plan.head_id.hex(),
        validators=validators,
        signatures=tuple(signatures),
    )
    return file.model_dump_json(indent=1) + "\n"


def parse_plan(data: bytes) -> RecoveryPlan:
    """Return the plan in a JSON file, or raise RecoveryPlanError naming what is wrong.

    Whether it is good for a chain is asked with `check_plan`.
    """
    if len(data) > PLAN_BYTES_MAX:
        _refuse(f"{len(data)} bytes, at most {PLAN_BYTES_MAX} are allowed")
    try:
        file = _PlanFile.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        _refuse(f"{place}: {first['msg']}, found {repr(first['input'])[:60]}")
    hexed = bytes.fromhex
    keys = tuple([hexed(key) for key in file.validators.keys])
    rule = QuorumRule[file.validators.rule.upper()]
    return RecoveryPlan(
        hexed(file.chain_id),
        file.height,
        hexed(file.head_id),
        ValidatorSet(keys, rule, file.validators.epoch),
        tuple(
            [
                PlanSignature(hexed(one.operator), hexed(one.key), hexed(one.signature))
                for one in file.signatures
            ]
        ),
    )
