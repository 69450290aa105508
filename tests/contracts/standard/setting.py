"""The people, rules and genesis of the world in which the contracts are tested, and its memory."""

from functools import cache
from typing import Any

from chain.crypto import Signer, hash_bytes
from chain.genesis import Genesis, GenesisAccount, GenesisAsset, ParamsModel, genesis_asset_id
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.rehearse.policies import Fee, Policy, ShopFailure, Tier

NEVER = 2**53 - 1  # how a contract is told of a missing timer or cap
START = 20_000 * DAY_MS  # a midnight, UTC
SLOT = START + 10 * DAY_MS + 10 * HOUR_MS  # when the usual booking begins
MONEY = genesis_asset_id("CNY")
RICH = 10_000_000
GAS = 60_000
CUSTOMERS = ("alice", "bob", "carol")
SHOPS = ("shop", "rival")
PEOPLE = (*CUSTOMERS, *SHOPS, "stranger", "operator", "arbiter")
_ROLES: dict[str, tuple[str, ...]] = {
    "operator": ("operator", "member"), "arbiter": ("arbiter", "member"),
}  # fmt: skip

# Rules with a number of its own for everything, so that a mix-up shows.
RULES = Policy(
    hold_bp=5_000,
    tiers=(
        Tier(lead_ms_min=7 * DAY_MS),
        Tier(lead_ms_min=DAY_MS, fee_bp=1_000),
        Tier(lead_ms_min=2 * HOUR_MS, fee_bp=2_000, fee_cap=1_500),
        Tier(lead_ms_min=0, fee_bp=4_000, fee_min=300),
    ),
    no_show=Fee(fee_bp=4_500),
    grace_ms=20 * MINUTE_MS,
    accept_by_ms=30 * MINUTE_MS,
    serve_by_ms=HOUR_MS,
    settle_after_ms=DAY_MS,
    cooling_off_ms=15 * MINUTE_MS,
    reschedules=2,
    reschedule_lead_ms=HOUR_MS,
    shop_failure=ShopFailure(compensation_bp=1_000, compensation_cap=900),
)
TOTAL = 10_000
HELD = 5_000


def rules(base: Policy = RULES, **changes: Any) -> Policy:
    """Return a set of rules with some fields changed; None takes a field away."""
    return Policy.model_validate({**base.model_dump(exclude_none=True), **changes})


@cache
def signer(name: str) -> Signer:
    return Signer(hash_bytes("world", name.encode()))


def account(name: str) -> bytes:
    return signer(name).public_key


class MemoryLedger:
    """Committed state and tree in two dicts."""

    def __init__(self, state: dict[bytes, bytes], nodes: dict[bytes, bytes]) -> None:
        self.state, self.nodes = state, nodes

    def get(self, key: bytes) -> bytes | None:
        return self.state.get(key)

    def get_node(self, path: bytes) -> bytes | None:
        return self.nodes.get(path)

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        found = sorted(key for key in self.state if start <= key < stop)
        return [(key, self.state[key]) for key in found[:limit]]

    def apply(self, changes: Any, nodes: Any) -> None:
        for place, new in ((self.state, changes), (self.nodes, nodes)):
            for key, value in new.items():
                if value is None:
                    place.pop(key, None)
                else:
                    place[key] = value


def make_genesis(heartbeat_ms: int) -> Genesis:
    people = [
        GenesisAccount(
            account=account(name).hex(),
            roles=_ROLES.get(name, ("member",)),  # type: ignore[arg-type]
            balances={"CNY": RICH} if name in CUSTOMERS else {},
        )
        for name in PEOPLE
    ]
    params = ParamsModel(heartbeat_ms=heartbeat_ms, block_interval_ms=1)
    issuer = account("operator").hex()
    return Genesis(
        name="world",
        time_ms=START,
        validators=(account("validator").hex(),),
        params=params,
        assets=(GenesisAsset(symbol="CNY", issuer=issuer),),
        accounts=tuple(people),
    )
