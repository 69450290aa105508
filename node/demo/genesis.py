"""The genesis of a development chain: the same bytes, hence the same chain id, on every machine."""

from chain.genesis import Genesis, GenesisAccount, GenesisAsset, ParamsModel, genesis_asset_id
from node.demo.accounts import ACCOUNTS, FUNDS_EACH, account_of

CURRENCY = "CNY"
MONEY = genesis_asset_id(CURRENCY)
GENESIS_TIME_MS = 1_767_571_200_000  # Monday, 2026-01-05, midnight UTC: 8 in the morning in China


def demo_genesis() -> Genesis:
    """Return the genesis: one validator, no heartbeat, ten members with 10,000.00 each.

    Money is open to plain transfers here, so that whoever tries things out needs no contract first.
    """
    return Genesis(
        name="demo",
        time_ms=GENESIS_TIME_MS,
        validators=(account_of("validator").hex(),),
        params=ParamsModel(dev=1, heartbeat_ms=0, block_interval_ms=1),
        assets=(GenesisAsset(symbol=CURRENCY, issuer=account_of("issuer").hex(), policy="open"),),
        accounts=tuple(
            GenesisAccount(
                account=one.account.hex(), roles=one.roles, balances={CURRENCY: FUNDS_EACH}
            )
            for one in ACCOUNTS
        ),
    )
