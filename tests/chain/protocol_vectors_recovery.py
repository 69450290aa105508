"""Golden bytes of docs/protocol.md, part four: a recovery plan and what it leaves."""

import json
from dataclasses import replace
from typing import Any

from chain.block import Header, block_id
from chain.codec import decode, encode
from chain.recovery import (
    RecoveryPlan,
    begin_recovery,
    check_plan,
    plan_hash,
    sign_plan,
    write_plan,
)
from chain.roles import Role, set_role
from chain.state import VALIDATORS_KEY
from chain.validators import QuorumRule, ValidatorSet
from tests.chain.protocol_vectors import ALICE, BOB, GUARD, SHOP, block_vectors
from tests.chain.protocol_vectors_votes import KEYS
from tests.make import memory_state


def recovery_vectors() -> dict[str, Any]:
    """Return a plan of three operators for one validator in place of four."""
    parent = decode(Header, bytes.fromhex(block_vectors()["header"]["bytes"]))
    state = memory_state()
    state.put(VALIDATORS_KEY, encode(ValidatorSet(KEYS)))
    operators = (ALICE, BOB, GUARD)
    for one in operators:
        set_role(state, one.public_key, Role.OPERATOR, held=True)
    only = ValidatorSet((SHOP.public_key,), QuorumRule.BYZANTINE, 1)
    plan = RecoveryPlan(parent.chain_id, parent.height, block_id(parent), only)
    for one in operators:
        plan = sign_plan(plan, one.public_key, one)
    check_plan(plan, state, parent)
    begin_recovery(state, parent, (plan,))
    validators = state.get(VALIDATORS_KEY)
    assert validators is not None
    return {
        "parent": {"header": encode(parent).hex(), "id": block_id(parent).hex()},
        "operators": sorted(one.public_key.hex() for one in operators),
        "unsigned": encode(replace(plan, signatures=())).hex(),
        "signed_hash": plan_hash(plan).hex(),
        "bytes": encode(plan).hex(),
        "file": json.loads(write_plan(plan)),
        "validators": validators.hex(),
        "validators_hash": only.set_hash().hex(),
    }
