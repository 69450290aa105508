"""The genesis of a rehearsal: everybody is there from the start, with what he may have to pay."""

import re
from itertools import groupby

from chain.block import TRANSACTIONS_MAX
from chain.crypto import hash_bytes
from chain.genesis import Genesis, GenesisAccount, GenesisAsset, ParamsModel
from chain.types import SAFE_INT_MAX
from node.rehearse.plan import Plan, Step
from node.rehearse.wallets import GAS_LIMITS, signer_of

BLOCK_GAS = 30_000_000  # at least: an instant of some thousand steps is one block
BLOCK_BYTES = 4 * 1024 * 1024  # at least
_STEP_BYTES = 512  # more than any step's transaction has
_PLAIN_SYMBOL = re.compile(r"[A-Za-z0-9._-]{1,12}")


def symbol_of(currency: str) -> str:
    """Return the asset symbol of a currency name: itself, or a short hash of it."""
    if _PLAIN_SYMBOL.fullmatch(currency):
        return currency
    return "X" + hash_bytes("currency", currency.encode()).hex()[:10]


def make_genesis(plan: Plan) -> Genesis:
    """Return the genesis of a plan's chain: everybody is a member and has what he may pay."""
    operator = signer_of("operator", 0).public_key.hex()
    symbols = [symbol_of(currency) for currency in plan.currencies]
    assets = [GenesisAsset(symbol=symbol, issuer=operator) for symbol in symbols]
    balances: list[dict[str, int]] = [{} for _ in range(plan.customers)]
    for (customer, currency), amount in plan.spending.items():
        balances[customer][symbols[currency]] = amount
    accounts = [
        GenesisAccount(
            account=signer_of("customer", number).public_key.hex(), roles=("member",), balances=held
        )
        for number, held in enumerate(balances)
    ]
    accounts += [
        GenesisAccount(account=signer_of("shop", number).public_key.hex(), roles=("member",))
        for number in range(len(plan.shops))
    ]
    accounts.append(GenesisAccount(account=operator, roles=("operator", "member")))
    return Genesis(
        name="rehearsal",
        time_ms=plan.starts_at,
        validators=(signer_of("validator", 0).public_key.hex(),),
        params=_make_params(plan),
        assets=tuple(assets),
        accounts=tuple(accounts),
    )


def _make_params(plan: Plan) -> ParamsModel:
    """Return parameters under which the fullest instant fits one block.

    What is carried out a millisecond beside its instant may fall on the other side of a deadline:
    histories by the day book, cancel and end thousands of visits at one midnight.
    """
    gas = steps = 0
    for _at, group in groupby(plan.steps, key=lambda step: step[0]):
        limits = [GAS_LIMITS[Step(kind)] for _time, kind, _number in group]
        gas, steps = max(gas, sum(limits)), max(steps, len(limits))
    return ParamsModel(
        heartbeat_ms=0,
        block_gas_max=max(BLOCK_GAS, 2 * gas),  # a good part is for what falls due
        block_bytes_max=max(BLOCK_BYTES, min(steps, TRANSACTIONS_MAX) * _STEP_BYTES),
        block_interval_ms=1,
    )


def among(genesis: Genesis, validators: tuple[bytes, ...]) -> Genesis:
    """Return the genesis of the same chain for other validators, to whom its time is told.

    Transactions are handed over while the clock still stands at the last block, be it weeks ago.
    """
    keys = tuple(sorted(key.hex() for key in validators))
    params = genesis.params.model_copy(update={"valid_for_max_ms": SAFE_INT_MAX})
    return genesis.model_copy(update={"validators": keys, "params": params, "clock": "driven"})
