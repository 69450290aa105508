"""Setting up the demo: contracts, shops, rules and services, by fixed transactions at fixed times.

Every byte is fixed, so contracts, rules and bookings of a fresh development chain have the same ids
everywhere. What is on the chain already is left out, so a set-up that was cut short goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count

from chain.changes import InstallContract, SetIssuer
from chain.errors import WashError
from chain.governance import contract_by_name
from chain.ledger import Policy as AssetPolicy
from chain.ledger import read_asset
from chain.transaction import (
    AccountKey,
    Action,
    AddKey,
    Call,
    Deploy,
    IssueAsset,
    Propose,
    Scope,
    asset_id,
    instance_id,
    read_transaction,
    tx_id,
)
from chain.types import SECOND_MS
from node.catalog import container_bytes
from node.demo.accounts import (
    ACCOUNTS,
    FUNDS_EACH,
    ISSUER,
    ISSUER_DESK,
    Signing,
    account_of,
    make_body,
    sign_body,
)
from node.demo.catalogue import POLICIES, SHOPS
from node.demo.furnish import employ, present, reward
from node.demo.genesis import GENESIS_TIME_MS, MONEY, demo_genesis
from node.driver import Driver
from node.rehearse.plan import policy_id, policy_words
from node.rehearse.policies import PRESETS
from node.staff.deeds import CASHIER, functions_of
from node.standard import POINTS_SYMBOLS, Binding, bindings

REGISTER_NAME, BOOKING_NAME, MONEY_NAME = "shops", "booking", "money"
ISSUED_MAX = 10**15  # minor units that the demo's issuer may owe, and issue on a day
_OPERATOR = account_of("operator")
_DEPLOY_GAS = 400_000
_CALLS_GAS = 150_000


class DemoSetupError(WashError):
    """A folder whose chain began with another release's demo contracts."""

    code = 1014


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are on a fresh development chain."""

    chain_id: bytes
    register: bytes
    booking: bytes
    policies: tuple[tuple[str, bytes], ...]


class _Builder:
    """Collects the blocks of the set-up: per block its time and transactions."""

    def __init__(self, chain_id: bytes) -> None:
        self.chain_id = chain_id
        self.blocks: list[tuple[int, list[bytes]]] = []
        self._nonces: dict[str, count[int]] = {}

    def begin_block(self) -> None:
        self.blocks.append((GENESIS_TIME_MS + (len(self.blocks) + 1) * SECOND_MS, []))

    def add(self, name: str, gas_limit: int, *actions: Action) -> bytes:
        """Add a transaction to the newest block; returns its id."""
        at_ms, signed = self.blocks[-1]
        nonce = next(self._nonces.setdefault(name, count()))
        body = make_body(name, Signing(self.chain_id, at_ms, nonce, gas_limit), *actions)
        signed.append(sign_body(body, name))
        return tx_id(body)

    def deploy(self, binding: Binding, contracts: Mapping[str, bytes]) -> bytes:
        """Add a block that deploys a contract, with the assets that it issues; returns its id.

        Such an asset names the contract as its issuer, the contract its assets: so its id is worked
        out from the transaction after theirs.
        """
        self.begin_block()
        at_ms, signed = self.blocks[-1]
        nonces = self._nonces.setdefault("operator", count())
        issuing = [next(nonces) for _slot in binding.issued]
        made = {slot: asset_id(_OPERATOR, POINTS_SYMBOLS[slot]) for slot in binding.issued}
        deploy = Deploy(
            container_bytes(binding.name),
            tuple(made.get(slot, MONEY) for slot in binding.assets),
            tuple(contracts[name] for name in binding.links.values()),
            tuple(binding.arguments_alone.values()),
        )
        signing = Signing(self.chain_id, at_ms, next(nonces), _DEPLOY_GAS)
        deployment = make_body("operator", signing, deploy)
        contract = instance_id(tx_id(deployment), 0)
        for nonce, slot in zip(issuing, binding.issued, strict=True):
            symbol = POINTS_SYMBOLS[slot]
            issue = IssueAsset(symbol, 0, AssetPolicy.CONTRACTS_ONLY, contract, ())
            body = make_body("operator", Signing(self.chain_id, at_ms, nonce, _CALLS_GAS), issue)
            signed.append(sign_body(body, "operator"))
        signed.append(sign_body(deployment, "operator"))
        return contract


@dataclass(frozen=True, slots=True)
class Setup:
    """The blocks of the set-up, (time ms, transactions) each, and what they make."""

    blocks: tuple[tuple[int, tuple[bytes, ...]], ...]
    places: Places


@cache
def demo_setup() -> Setup:
    """Return the set-up; the money goes over to its contract last, which marks it as done."""
    builder = _Builder(demo_genesis().chain_id())
    contracts: dict[str, bytes] = {}
    for binding in bindings():
        contracts[binding.name] = builder.deploy(binding, contracts)
    register, booking = contracts["shops"], contracts["booking"]
    builder.begin_block()
    admissions = [Call(register, "admit", (account_of(s.account), s.name), 0) for s in SHOPS]
    builder.add("operator", _CALLS_GAS, *admissions)
    rules = [Call(booking, "publish_policy", policy_words(PRESETS[p]), 0) for p in POLICIES]
    builder.add("operator", _CALLS_GAS, *rules)
    builder.begin_block()
    for shop in SHOPS:
        builder.add(shop.account, _CALLS_GAS, *present(register, shop))
    builder.begin_block()
    names = [Propose(InstallContract(name, one)) for name, one in contracts.items()]
    builder.add("operator", _CALLS_GAS, *names)
    builder.begin_block()
    for shop in SHOPS:
        builder.add(shop.account, _CALLS_GAS, *reward(contracts, shop))
        builder.add(shop.account, _CALLS_GAS, *employ(contracts, shop))
    builder.begin_block()
    money = contracts["money"]
    owed = FUNDS_EACH * len(ACCOUNTS)
    issuer = account_of(ISSUER)
    builder.add(
        "operator",
        _CALLS_GAS,
        Call(money, "register", (issuer, bytes(32), ISSUED_MAX, ISSUED_MAX), 0),
        Call(money, "take_over", (issuer, owed), 0),
    )
    at_the_desk = (Scope(money, functions_of(CASHIER)["money"]),)
    key = AccountKey(account_of(ISSUER_DESK), at_the_desk, (), None)
    builder.add(ISSUER, _CALLS_GAS, AddKey(key))
    builder.begin_block()
    builder.add("operator", _CALLS_GAS, Propose(SetIssuer(MONEY, money)))
    policies = tuple((name, policy_id(PRESETS[name])) for name in POLICIES)
    return Setup(
        tuple((at_ms, tuple(signed)) for at_ms, signed in builder.blocks),
        Places(builder.chain_id, register, booking, policies),
    )


def demo_places() -> Places:
    """Return where things are on a fresh development chain; needs no chain."""
    return demo_setup().places


def has_world(driver: Driver) -> bool:
    """Tell whether the demo's set-up is complete on a chain."""
    state = driver.ledger.state()
    if driver.ledger.chain_id != demo_places().chain_id:
        return False
    return read_asset(state, MONEY).issuer == contract_by_name(state, MONEY_NAME)


def require_world(driver: Driver) -> None:
    """Raise DemoSetupError unless the demo's shops are on the chain."""
    if not has_world(driver):
        text = "this chain has no demo shops; `washnode dev` makes one that has"
        raise DemoSetupError(text)


def build_world(driver: Driver) -> Places:
    """Set the demo up on its chain, at the chain's own first seconds; returns where things are.

    Does nothing when it is there. Raises DemoSetupError for another chain, or when a transaction of
    the set-up fails: the folder then holds what another release left half done.
    """
    setup, ledger = demo_setup(), driver.ledger
    if ledger.chain_id != setup.places.chain_id:
        text = f"chain {ledger.chain_id.hex()} is not the demo's; make it in a new folder"
        raise DemoSetupError(text)
    if has_world(driver):
        return setup.places
    for at_ms, signed in setup.blocks:
        received = [read_transaction(data) for data in signed]
        missing = [tx for tx in received if ledger.store.find_transaction(tx.tx_id) is None]
        if not missing:
            continue
        driver.submit(missing)
        executed = driver.make_block(max(at_ms, ledger.head.time_ms + 1))
        failed = executed is None or len(executed.tx_ids) < len(missing)
        if executed is None or failed or not all(one.ok for one in executed.receipts):
            text = "the demo's set-up does not fit what this folder holds; take a new folder"
            raise DemoSetupError(text)
    return setup.places
