"""The throw-away chain of a rehearsal: genesis, contracts, shops, rules, time travel."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from chain.block import TRANSACTIONS_MAX
from chain.changes import InstallContract
from chain.crypto import hash_bytes
from chain.executed import ExecutedBlock
from chain.genesis import Genesis, GenesisAccount, GenesisAsset, ParamsModel, genesis_asset_id
from chain.ledger import get_supply
from chain.state import Space
from chain.tables import THROW_AWAY
from chain.transaction import (
    Action,
    Call,
    Deploy,
    Propose,
    ReceivedTransaction,
    instance_id,
    read_transaction,
    tx_id,
)
from consensus import Engine
from contracts.execution import BlockFullError
from node.catalog import container_bytes, program
from node.driver import Driver, head_of
from node.rehearse.errors import RehearsalError
from node.rehearse.plan import Plan, Step, policy_words
from node.rehearse.tally import Tally
from node.rehearse.wallets import GAS_LIMITS, Places, Wallet, signer_of
from node.storage.ledger import ChainLedger
from node.storage.wal import NoLog

BLOCK_GAS = 30_000_000  # at least: an instant of some thousand steps is one block
BLOCK_BYTES = 4 * 1024 * 1024  # at least
_STEP_BYTES = 512  # more than any step's transaction has
_SETUP_GAS = 200_000
_PLAIN_SYMBOL = re.compile(r"[A-Za-z0-9._-]{1,12}")
_GAS_SHARE = (3, 4)  # of a block for planned steps; the rest is for what falls due


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


class RehearsalChain:
    """One validator, one clock that jumps; carries out steps and follows what they lead to."""

    def __init__(self, folder: Path, genesis: Genesis, tally: Tally) -> None:
        """Begin the chain in `folder`."""
        self.genesis, self.tally = genesis, tally
        self.verified: set[bytes] = set()
        self.ledger = ChainLedger(folder / "chain", genesis, self._is_verified, tuning=THROW_AWAY)
        self._interval_ms = genesis.chain_params().block_interval_ms
        engine = Engine(signer_of("validator", 0), self.ledger.chain_id, head_of(self.ledger))
        self._driver = Driver(self.ledger, engine, NoLog(), self._on_commit)
        self.transactions = 0
        self.timers_fired = 0

    def _is_verified(self, tx: ReceivedTransaction) -> bool:
        return tx.witness_id in self.verified

    def _on_commit(self, executed: ExecutedBlock) -> None:
        for _witness_id, error in executed.refused:
            if not isinstance(error, BlockFullError):
                text = f"height {executed.block.header.height}: {error}"
                raise RehearsalError(text)
        self.transactions += len(executed.tx_ids)
        self.timers_fired += executed.timers_fired
        self.tally.add_receipts(executed.receipts)

    @property
    def now(self) -> int:
        """Time of the newest block, ms UTC."""
        return self.ledger.head.time_ms

    def set_up(self, plan: Plan) -> Places:
        """Deploy the contracts, admit the shops, publish the rules; returns where things are."""
        operator = Wallet(signer_of("operator", 0), self.ledger.chain_id)
        register = self._deploy(operator, "shops", (), (), ())
        notes = self._deploy(operator, "notes", (), (), ())
        bookings: list[bytes] = []
        for currency in plan.currencies:
            asset = genesis_asset_id(symbol_of(currency))
            bookings.append(self._deploy(operator, "booking", (asset,), (register,), (0,)))
        names = [("shops", register), ("rehearsal-notes", notes)]
        names += [(f"booking-{number}", contract) for number, contract in enumerate(bookings)]
        self._run(
            operator, [(Propose(InstallContract(name, contract)),) for name, contract in names]
        )
        self._admit_shops(operator, register, plan)
        words = [policy_words(policy) for policy in plan.policies.values()]
        self._run(
            operator,
            [(Call(contract, "publish_policy", one, 0),) for contract in bookings for one in words],
        )
        self.notes = notes
        return Places(self.ledger.chain_id, register, tuple(bookings))

    def _deploy(
        self,
        operator: Wallet,
        name: str,
        assets: tuple[bytes, ...],
        links: tuple[bytes, ...],
        arguments: tuple[int, ...],
    ) -> bytes:
        action = Deploy(container_bytes(name), assets, links, arguments)
        body = operator.body(self.now, _SETUP_GAS, action)
        self._make_blocks([operator.sign(body)], self.now + 1)
        return instance_id(tx_id(body), 0)

    def _admit_shops(self, operator: Wallet, register: bytes, plan: Plan) -> None:
        accounts = [signer_of("shop", number) for number in range(len(plan.shops))]
        self._run(
            operator,
            [
                (Call(register, "admit", (signer.public_key, name.encode()), 0),)
                for signer, name in zip(accounts, plan.shops, strict=True)
            ],
        )
        settings = Call(register, "set_settings", (True, True, 0, 0, 0), 0)
        signed = []
        for signer in accounts:
            wallet = Wallet(signer, self.ledger.chain_id)
            signed.append(wallet.sign(wallet.body(self.now, _SETUP_GAS // 40, settings)))
        self._make_blocks(signed, self.now + 1)

    def _run(self, wallet: Wallet, actions: Iterable[tuple[Action, ...]]) -> None:
        bodies = [wallet.body(self.now, _SETUP_GAS // 20, *group) for group in actions]
        self._make_blocks([wallet.sign(body) for body in bodies], self.now + 1)

    def note_refused(self, plan: Plan) -> None:
        """Write on the chain which rows were refused and why: the table follows from it alone."""
        operator = Wallet(signer_of("operator", 0), self.ledger.chain_id)
        operator.skip_to(self.ledger.state())
        self._run(
            operator,
            [
                (
                    Call(
                        self.notes, "refuse", (signer_of("shop", shop).public_key, reason, count), 0
                    ),
                )
                for (shop, reason), count in plan.refused.items()
            ],
        )

    # Time ---------------------------------------------------------------------------------------

    def run_instant(self, signed: list[bytes], at: int) -> None:
        """Carry out the steps of one instant, after all that falls due before it."""
        self.fire_until(at - 1)
        self.verified.clear()
        self._make_blocks(signed, at, verified=True)

    def fire_until(self, limit: int | None) -> None:
        """Make a block at every due time up to `limit` (None: until nothing is due any more)."""
        while True:
            due = self._driver.next_work_time()
            if due is None or (limit is not None and due > limit):
                return
            self._make_block([], due)

    def _make_blocks(self, signed: list[bytes], at: int, *, verified: bool = False) -> None:
        """Make the blocks of an instant: the milliseconds before it, the last carries it."""
        received = [read_transaction(data) for data in signed]
        if verified:
            self.verified.update([tx.witness_id for tx in received])
        gas = self.genesis.chain_params().block_gas_max * _GAS_SHARE[0] // _GAS_SHARE[1]
        groups = list(_split(received, gas))
        for place, group in enumerate(groups):
            wished = at - (len(groups) - 1 - place)
            self._make_block(group, max(wished, self.now + 1))

    def _make_block(self, group: list[ReceivedTransaction], at: int) -> None:
        self._driver.submit(group)
        at = max(at, self.now + self._interval_ms)
        while True:
            if self._driver.make_block(at) is None:
                text = f"no block was made at {at}"
                raise RehearsalError(text)
            if not self._driver.pending:
                return
            at = self.now + self._interval_ms  # what did not fit beside much that fell due

    def check_bookings(self, expected: int) -> None:
        """Raise RehearsalError unless every planned booking was made: none may go missing."""
        if (made := self.tally.total().bookings) != expected:
            text = f"{made} of {expected} bookings were made; the others' requests failed"
            raise RehearsalError(text)

    def check_end(self) -> bool:
        """Tell whether every pot is empty and every asset's balances add up to its supply."""
        store = self.ledger.store
        pots = store.scan(bytes([Space.POT]), bytes([Space.POT + 1]), 1)
        sums: dict[bytes, int] = {}
        for key, value in store.iterate(bytes([Space.BALANCE]), bytes([Space.BALANCE + 1])):
            asset = key[33:]
            sums[asset] = sums.get(asset, 0) + int.from_bytes(value, "big")
        state = self.ledger.state()
        assets = [genesis_asset_id(one.symbol) for one in self.genesis.assets]
        return not pots and all(sums.get(one, 0) == get_supply(state, one) for one in assets)

    def close(self) -> None:
        """Close the chain."""
        self.ledger.close()


def _split(received: list[ReceivedTransaction], gas: int) -> Iterator[list[ReceivedTransaction]]:
    """Split into groups whose gas limits fit a block, the last group as full as can be.

    What comes last in an instant (cancellations and all after them) should carry the instant
    itself, since deadlines are compared with it; requests do not mind a millisecond.
    """
    groups: list[list[ReceivedTransaction]] = []
    group: list[ReceivedTransaction] = []
    room = gas
    for tx in reversed(received):
        if (tx.body.gas_limit > room or len(group) == TRANSACTIONS_MAX) and group:
            groups.append(group[::-1])
            group, room = [], gas
        group.append(tx)
        room -= tx.body.gas_limit
    if group:
        groups.append(group[::-1])
    yield from reversed(groups)


def tally_for_rehearsal() -> Tally:
    """Return a tally that knows the contracts a rehearsal deploys."""
    return Tally({name: program(name) for name in ("shops", "booking", "notes")})
