"""Everything that a node serves, in one registry."""

from typing import Any

from node.rpc.contract_views import serve_views
from node.rpc.methods import (
    account,
    admin,
    admin_clock,
    admin_copy,
    balance,
    blob,
    blob_hosting,
    booking,
    chain,
    consent,
    contract,
    contract_pending,
    dev,
    events,
    gov,
    join,
    join_back,
    letter,
    money,
    node,
    operator,
    operator_codes,
    operator_letters,
    operator_people,
    outbox,
    passport,
    peers,
    report,
    report_compliance,
    rpc,
    shop,
    staff,
    staff_bays,
    staff_helping,
    staff_letters,
    staff_payouts,
    staff_people,
    staff_photos,
    tx,
    tx_build,
    tx_explain,
    tx_list,
    validator,
    watch,
)
from node.rpc.registry import Registry, collect

MODULES = (
    account, admin, admin_clock, admin_copy, balance, blob, blob_hosting, booking, chain, consent,
    contract, contract_pending, dev, events, gov, join, join_back, letter, money, node, operator,
    operator_codes, operator_letters, operator_people, outbox, passport, peers, report,
    report_compliance, rpc, shop, staff, staff_bays, staff_helping, staff_letters,
    staff_payouts, staff_people, staff_photos, tx, tx_build, tx_explain, tx_list, validator, watch,
)  # fmt: skip


def make_registry(served: Any) -> Registry:
    """Return all methods, with the views of the contracts that `served` (a node) knows by name."""
    registry = collect(*MODULES)
    serve_views(registry, served)
    return registry
