"""Setting up the demo: contracts, shops, rules and services, by fixed transactions at fixed times.

Every byte is fixed, so contracts, rules and bookings of a fresh development chain have the same ids
everywhere. What is on the chain already is left out, so a set-up that was cut short goes on.
"""

from dataclasses import dataclass
from functools import cache
from itertools import count

from chain.changes import InstallContract
from chain.errors import WashError
from chain.governance import contract_by_name
from chain.ledger import Policy as AssetPolicy
from chain.transaction import (
    Action,
    Call,
    Deploy,
    IssueAsset,
    Propose,
    asset_id,
    instance_id,
    read_transaction,
    tx_id,
)
from chain.types import DAY_MS, SECOND_MS
from node.catalog import container_bytes
from node.demo.accounts import Signing, account_of, make_body, sign_body
from node.demo.catalogue import POLICIES, SHOPS, DemoShop
from node.demo.genesis import GENESIS_TIME_MS, MONEY, demo_genesis
from node.driver import Driver
from node.rehearse.plan import policy_id, policy_words
from node.rehearse.policies import PRESETS

REGISTER_NAME, LOYALTY_NAME, PREPAID_NAME, BOOKING_NAME = "shops", "loyalty", "prepaid", "booking"
POINTS = asset_id(
    account_of("operator"), "PTS"
)  # made by the operator, issued by the contract alone
NO_SHOW_DELAY_MS = DAY_MS  # as on a chain with real money: time to contest a missed visit
_DEPLOY_GAS = 300_000
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

    def deploy(self, name: str, *bindings: tuple[bytes | int, ...]) -> bytes:
        """Add a block that deploys a contract; returns the instance's id."""
        self.begin_block()
        deploy = Deploy(container_bytes(name), *bindings)  # type: ignore[arg-type]
        return instance_id(self.add("operator", _DEPLOY_GAS, deploy), 0)

    def deploy_loyalty(self) -> bytes:
        """Add a block that makes points and the contract that alone issues them.

        The points name the contract as their issuer, the contract its points: so its id is worked
        out from the transaction after theirs.
        """
        self.begin_block()
        at_ms, _signed = self.blocks[-1]
        nonces = self._nonces.setdefault("operator", count())
        first, second = next(nonces), next(nonces)
        deploy = Deploy(container_bytes("loyalty"), (POINTS, MONEY), (), ())
        deployment = make_body(
            "operator", Signing(self.chain_id, at_ms, second, _DEPLOY_GAS), deploy
        )
        contract = instance_id(tx_id(deployment), 0)
        issue = IssueAsset("PTS", 0, AssetPolicy.CONTRACTS_ONLY, contract, ())
        issuing = make_body("operator", Signing(self.chain_id, at_ms, first, _CALLS_GAS), issue)
        for body in (issuing, deployment):
            self.blocks[-1][1].append(sign_body(body, "operator"))
        return contract


@dataclass(frozen=True, slots=True)
class Setup:
    """The blocks of the set-up, (time ms, transactions) each, and what they make."""

    blocks: tuple[tuple[int, tuple[bytes, ...]], ...]
    places: Places


@cache
def demo_setup() -> Setup:
    """Return the set-up; the contracts get their names last, which marks it as done."""
    builder = _Builder(demo_genesis().chain_id())
    register = builder.deploy("shops", (), (), ())
    loyalty = builder.deploy_loyalty()
    prepaid = builder.deploy("prepaid", (MONEY,), (register, loyalty), ())
    links = (register, loyalty, prepaid)
    booking = builder.deploy("booking", (MONEY,), links, (NO_SHOW_DELAY_MS, True))
    builder.begin_block()
    admissions = [Call(register, "admit", (account_of(s.account), s.name), 0) for s in SHOPS]
    builder.add("operator", _CALLS_GAS, *admissions)
    rules = [Call(booking, "publish_policy", policy_words(PRESETS[p]), 0) for p in POLICIES]
    builder.add("operator", _CALLS_GAS, *rules)
    builder.begin_block()
    for shop in SHOPS:
        builder.add(shop.account, _CALLS_GAS, *_furnish(register, shop))
    builder.begin_block()
    named = [
        Propose(InstallContract(REGISTER_NAME, register)),
        Propose(InstallContract(LOYALTY_NAME, loyalty)),
        Propose(InstallContract(PREPAID_NAME, prepaid)),
        Propose(InstallContract(BOOKING_NAME, booking)),
    ]
    builder.add("operator", _CALLS_GAS, *named)
    policies = tuple((name, policy_id(PRESETS[name])) for name in POLICIES)
    return Setup(
        tuple((at_ms, tuple(signed)) for at_ms, signed in builder.blocks),
        Places(builder.chain_id, register, booking, policies),
    )


def demo_places() -> Places:
    """Return where things are on a fresh development chain; needs no chain."""
    return demo_setup().places


def _furnish(register: bytes, shop: DemoShop) -> list[Call]:
    """Return what a shop says at first: settings, hours, services, that it is open."""
    settings = (shop.auto_accept, False, 0, shop.quarter_bays, shop.day_bays)
    calls = [Call(register, "set_settings", settings, 0)]
    calls += [
        Call(register, "set_hours", (weekday, shop.opens_ms, shop.closes_ms), 0)
        for weekday in shop.open_days
    ]
    calls += [
        Call(
            register,
            "set_service",
            (one.number, one.price, one.duration_ms, one.cell, one.policy_id, one.name),
            0,
        )
        for one in shop.services
    ]
    return [*calls, Call(register, "open_shop", (), 0)]


def has_world(driver: Driver) -> bool:
    """Tell whether the demo's set-up is complete on a chain."""
    state = driver.ledger.state()
    return (
        driver.ledger.chain_id == demo_places().chain_id
        and contract_by_name(state, BOOKING_NAME) is not None
    )


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
