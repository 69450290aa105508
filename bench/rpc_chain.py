"""A chain for benchmarks of the running node: many funded members, a few shops, roomy blocks."""

from dataclasses import dataclass
from pathlib import Path

from chain.crypto import Signer
from chain.genesis import Genesis, genesis_asset_id, parse_genesis
from chain.transaction import Action, Call, Transaction, Transfer, sign_transaction
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.rehearse.chain import RehearsalChain, tally_for_rehearsal
from node.rehearse.genesis import make_genesis
from node.rehearse.plan import Plan, Step, hold_of, policy_id
from node.rehearse.policies import PRESETS
from node.rehearse.wallets import Places, signer_of

BLOCK_INTERVAL_MS = 20
SHOPS = 4
PRICE = 6_800
FUNDS = 100_000_000
TRANSFER_GAS = 3_500
BOOKING_GAS = 7_000
POLICY = PRESETS["fair"]
MONEY = genesis_asset_id("CNY")


@dataclass(frozen=True, slots=True)
class BenchChain:
    """Where it is, and what is needed to sign for it."""

    folder: Path
    genesis: Genesis
    places: Places
    customers: int


def make_plan(customers: int, now_ms: int) -> Plan:
    """Return who is on the chain, and which rules hold."""
    return Plan(
        shops=[f"Shop {number}" for number in range(SHOPS)],
        currencies=["CNY"],
        customers=customers,
        policies={policy_id(POLICY): POLICY},
        spending={(number, 0): FUNDS for number in range(customers)},
        steps=[(now_ms - DAY_MS, Step.OPEN, 0)],
    )


def make_chain(folder: Path, customers: int, now_ms: int) -> BenchChain:
    """Begin a chain in `folder/chain` with contracts, shops and rules; a node can take it over."""
    plan = make_plan(customers, now_ms)
    made = make_genesis(plan)
    params = made.params.model_copy(update={"block_interval_ms": BLOCK_INTERVAL_MS})
    genesis = made.model_copy(update={"params": params})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "genesis.json").write_text(genesis.model_dump_json(), encoding="utf-8")
    chain = RehearsalChain(folder, genesis, tally_for_rehearsal())
    places = chain.set_up(plan)
    chain.close()
    return BenchChain(folder, genesis, places, customers)


def read_genesis(folder: Path) -> Genesis:
    """Return the genesis of a chain that `make_chain` made."""
    return parse_genesis((folder / "genesis.json").read_bytes())


class Customers:
    """Signs transactions of the customers in turn."""

    def __init__(self, chain: BenchChain, now_ms: int) -> None:
        self._chain, self._now_ms = chain, now_ms
        self._signers = [signer_of("customer", number) for number in range(chain.customers)]
        self._nonces = [0] * chain.customers
        self._turn = self.signed = 0

    def transfer(self) -> bytes:
        """Return a signed transfer of one customer to the next."""
        to = self._signers[(self._turn + 1) % len(self._signers)].public_key
        return self._sign(TRANSFER_GAS, Transfer(MONEY, to, 1))

    def request(self, number: int) -> bytes:
        """Return a signed request for a booking of half an hour, some hours from now."""
        start = self._now_ms - self._now_ms % HOUR_MS + (6 + number % 2_000) * HOUR_MS
        end = start + 30 * MINUTE_MS
        hold = hold_of(POLICY, PRICE, start, end)
        shop = signer_of("shop", number % SHOPS).public_key
        arguments = (shop, 0, 0, start, end, 0, PRICE, policy_id(POLICY))
        places = self._chain.places
        return self._sign(BOOKING_GAS, Call(places.bookings[0], "request", arguments, hold))

    def _sign(self, gas_limit: int, action: Action) -> bytes:
        number = self._turn
        self._turn = (number + 1) % len(self._signers)
        signer: Signer = self._signers[number]
        nonce = self._nonces[number]
        self._nonces[number] = nonce + 1
        self.signed += 1
        body = Transaction(
            1, self._chain.places.chain_id, signer.public_key, None, nonce,
            self._now_ms + 4 * HOUR_MS, gas_limit, None, (action,), None,
        )  # fmt: skip
        return sign_transaction(body, signer)
