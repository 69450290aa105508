"""Chain parameters: numbers that the genesis file sets and the operators' vote changes.

Declared once: the fields below are the wire form, the defaults and the names in the genesis file.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, TypeAlias

from chain.codec import Between, decode, encode, wire
from chain.crypto import hash_bytes
from chain.state import PARAMS_KEY, State
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS, SAFE_INT_MAX, TX_BYTES_MAX

VOTE_GAS = 4_000  # enough for an operator to vote a bound up again

_Positive: TypeAlias = Annotated[int, Between(1, SAFE_INT_MAX)]
_Natural: TypeAlias = Annotated[int, Between(0, SAFE_INT_MAX)]


@wire()
@dataclass(frozen=True, slots=True)
class ChainParams:
    """Every parameter, with its unit in its name and its default."""

    block_gas_max: Annotated[int, Between(VOTE_GAS, SAFE_INT_MAX)] = 1_500_000
    transaction_gas_max: Annotated[int, Between(VOTE_GAS, SAFE_INT_MAX)] = 500_000
    block_bytes_max: Annotated[int, Between(TX_BYTES_MAX, SAFE_INT_MAX)] = 4 * 1024 * 1024
    block_interval_ms: _Positive = 200
    heartbeat_ms: _Natural = 10 * MINUTE_MS  # 0: none, on rehearsal and development chains
    timers_per_block: _Positive = 200
    timer_gas_share_bp: Annotated[int, Between(1, 10_000)] = 2_500
    timer_retry_ms: _Positive = HOUR_MS
    halt_grace_ms: _Natural = 15 * MINUTE_MS
    halt_least_ms: _Natural = 2 * MINUTE_MS
    valid_for_max_ms: Annotated[int, Between(MINUTE_MS, SAFE_INT_MAX)] = DAY_MS
    sponsor_daily_max: _Positive = 2_500
    allowance_daily_max: _Natural = 5
    allowance_pot_max: _Natural = 50
    allowance_gas_share_bp: Annotated[int, Between(0, 10_000)] = 1_000
    recovery_delay_ms: _Natural = 72 * HOUR_MS
    dev: Annotated[int, Between(0, 1)] = 0  # 1: a development chain; anyone may deploy
    snapshot_interval_blocks: _Natural = 10_000  # nodes offer multiples of this height; 0: none
    upgrade_notice_ms: _Natural = 30 * DAY_MS  # between the decision on new code and its beginning


def read_params(state: State) -> ChainParams:
    """Return the parameters in force."""
    data = state.get(PARAMS_KEY)
    assert data is not None, "a chain without parameters"
    return _decode_params(data)


@lru_cache(maxsize=8)
def _decode_params(data: bytes) -> ChainParams:
    return decode(ChainParams, data)


def write_params(state: State, params: ChainParams) -> None:
    """Put parameters into force."""
    state.put(PARAMS_KEY, encode(params))


@lru_cache(maxsize=8)
def params_hash(params: ChainParams) -> bytes:
    """Return the 32-byte hash that headers carry."""
    return hash_bytes("params", encode(params))
