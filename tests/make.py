"""Builders for tests: people, a chain on disk whose clock the test sets, a contract for it all."""

import itertools
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from chain.block import Block, Commit, Evidence, Header, make_commit, vote_bytes
from chain.changes import InstallContract, SetValidator
from chain.crypto import Signer, hash_bytes
from chain.executed import ExecutedBlock
from chain.genesis import Genesis, GenesisAccount, GenesisAsset, ParamsModel, genesis_asset_id
from chain.ledger import get_balance
from chain.readiness import newest_anchor, prove_readiness
from chain.receipt import Receipt
from chain.state import Space, State, StateReader
from chain.tables import Tuning
from chain.timers import next_work_time
from chain.transaction import (
    Action,
    Call,
    Deploy,
    Propose,
    ReceivedTransaction,
    Transaction,
    instance_id,
    read_transaction,
    sign_transaction,
)
from chain.types import DAY_MS, MINUTE_MS
from chain.validators import ValidatorSet, read_validators
from contracts.execution import BlockInputs
from contracts.lang.compiler import compile_contract
from node.storage.ledger import ChainLedger
from tests.box import BOX as BOX  # noqa: PLC0414 - others take it from here

START_MS = 20_000 * DAY_MS  # a midnight, UTC
GAS = 60_000
VALID_MS = 10 * MINUTE_MS
RICH = 1_000_000


@cache
def compiled(source: str) -> bytes:
    """Return the container bytes of a contract's source."""
    return compile_contract(source).container_bytes


@cache
def signer(name: str) -> Signer:
    """Return the key pair of a person; the same name is the same person."""
    return Signer(hash_bytes("person", name.encode()))


def account(name: str) -> bytes:
    """Return a person's account id."""
    return signer(name).public_key


def word(text: str) -> bytes:
    """Return 32 bytes that stand for a word, for ids that mean nothing."""
    return hash_bytes("word", text.encode())


MONEY = genesis_asset_id("CNY")
VALIDATOR = signer("validator")


def genesis(
    *,
    params: dict[str, int] | None = None,
    roles: dict[str, tuple[str, ...]] | None = None,
    assets: Sequence[GenesisAsset] | None = None,
    validators: Sequence[Signer] = (VALIDATOR,),
    quorum: Literal["byzantine", "crash"] = "byzantine",
) -> Genesis:
    """Return a genesis of one validator: operator olga, members alice and bob, stranger sam."""
    who: dict[str, tuple[str, ...]] = {
        "olga": ("member", "operator"),
        "alice": ("member",),
        "bob": ("member",),
        "sam": (),
    }
    who.update(roles or {})
    coins = (
        (GenesisAsset(symbol="CNY", issuer=account("olga").hex()),) if assets is None else assets
    )
    rows = [
        GenesisAccount.model_validate(
            {"account": account(name).hex(), "roles": held, "balances": {"CNY": RICH}}
        )
        for name, held in who.items()
    ]
    return Genesis(
        name="test",
        time_ms=START_MS,
        validators=tuple(one.public_key.hex() for one in validators),
        quorum=quorum,
        params=ParamsModel(**{"heartbeat_ms": 0, **(params or {})}),
        assets=tuple(coins),
        accounts=tuple(rows),
    )


def highest_nonce(ledger: ChainLedger) -> int:
    """Return the lowest nonce above those of everybody on a chain."""
    windows = ledger.store.iterate(bytes([Space.NONCES]), bytes([Space.NONCES + 1]))
    return max((int.from_bytes(window[:8], "big") for _key, window in windows), default=0)


class TestChain:
    """A chain over a real store; every block is built, checked by a second executor, and stored."""

    __test__ = False

    def __init__(self, folder: Path, start: Genesis | None = None) -> None:
        """Open or begin the chain in `folder`."""
        self.folder = folder
        self.genesis = genesis() if start is None else start
        self.ledger = ChainLedger(folder, self.genesis, tuning=Tuning(sync=False))
        self.nonces = itertools.count(highest_nonce(self.ledger))
        self.voters = [VALIDATOR]  # who signs, as far as they are validators; the first proposes

    @property
    def now(self) -> int:
        """Time of the newest block, ms UTC."""
        return self.ledger.head.time_ms

    @property
    def head(self) -> Header:
        """The newest header."""
        return self.ledger.head

    def state(self) -> State:
        """Return the state at the head."""
        return self.ledger.state()

    def balance(self, name: str, asset: bytes = MONEY) -> int:
        """Return a person's free balance."""
        return get_balance(self.state(), account(name), asset)

    def body(self, name: str, *actions: Action, **changes: Any) -> Transaction:
        """Return an unsigned body by a person; `changes` are fields that differ from the usual."""
        fields: dict[str, Any] = {
            "version": 1,
            "chain_id": self.ledger.chain_id,
            "account": account(name),
            "key": None,
            "nonce": next(self.nonces),
            "valid_until": self.now + VALID_MS,
            "gas_limit": GAS,
            "sponsor": None,
            "actions": actions,
            "client_ref": None,
        }
        return Transaction(**{**fields, **changes})

    def sign(
        self,
        name: str,
        *actions: Action,
        by: Signer | None = None,
        sponsor: Signer | None = None,
        **changes: Any,
    ) -> ReceivedTransaction:
        """Return a signed transaction; `by` signs instead of the person's first key."""
        if by is not None:
            changes.setdefault("key", by.public_key)
        if sponsor is not None:
            changes.setdefault("sponsor", sponsor.public_key)
        body = self.body(name, *actions, **changes)
        return read_transaction(sign_transaction(body, by or signer(name), sponsor))

    def build(
        self,
        *transactions: ReceivedTransaction,
        at: int | None = None,
        evidence: tuple[Evidence, ...] = (),
    ) -> ExecutedBlock:
        """Build a block on the head without storing it; `at` ms, or a second after the head."""
        time_ms = self.now + 1_000 if at is None else at
        proposer, commit = self.voters[0].public_key, self.ledger.head_commit
        inputs = BlockInputs(time_ms, proposer, commit, transactions, evidence)
        return self.ledger.executor.build(self.ledger.store, self.head, inputs)

    def check(self, block: Block) -> ExecutedBlock:
        """Execute a block of somebody else on the head."""
        return self.ledger.executor.check(self.ledger.store, self.head, block)

    def store(self, executed: ExecutedBlock) -> None:
        """Certify a block and make it the head."""
        validators = read_validators(self.state())
        commit = certify(executed.block.header, executed.block_id, validators, self.voters)
        self.ledger.append(executed, commit)

    def run(
        self,
        *transactions: ReceivedTransaction,
        at: int | None = None,
        evidence: tuple[Evidence, ...] = (),
    ) -> ExecutedBlock:
        """Build, check and store a block; builder and checker must agree in everything."""
        built = self.build(*transactions, at=at, evidence=evidence)
        checked = self.check(built.block)
        assert (checked.block_id, checked.receipts, dict(checked.changes), dict(checked.nodes)) == (
            built.block_id, built.receipts, dict(built.changes), dict(built.nodes),
        )  # fmt: skip
        self.store(built)
        return built

    def do(self, name: str, *actions: Action, at: int | None = None, **changes: Any) -> Receipt:
        """Run one transaction alone in a block and return its receipt; one left out raises."""
        executed = self.run(self.sign(name, *actions, **self._in_time(at, changes)), at=at)
        if executed.refused:
            raise executed.refused[0][1]
        return executed.receipts[-1]

    def _in_time(self, at: int | None, changes: dict[str, Any]) -> dict[str, Any]:
        return changes if at is None else {"valid_until": at + VALID_MS, **changes}

    def refusal(self, name: str, *actions: Action, **changes: Any) -> Exception:
        """Return why a builder leaves a transaction out; nothing is stored."""
        ((_id, error),) = self.build(self.sign(name, *actions, **changes)).refused
        return error

    def joining(self, candidate: Signer) -> SetValidator:
        """Return the change that makes a candidate a validator, with its proof of readiness."""
        chain_id = self.ledger.chain_id
        anchor = newest_anchor(self.state(), chain_id, self.head.height)
        proof = prove_readiness(candidate, chain_id, anchor)
        return SetValidator(candidate.public_key, 1, proof)

    def deploy(
        self,
        source: str = BOX,
        *,
        name: str = "olga",
        assets: Sequence[bytes] = (MONEY,),
        links: Sequence[bytes] = (),
        arguments: tuple[Any, ...] = (),
        installed: str | None = None,
    ) -> bytes:
        """Deploy a contract and return its id; `installed`: olga gives it that name."""
        action = Deploy(compiled(source), tuple(assets), tuple(links), arguments)
        tx = self.sign(name, action, gas_limit=300_000)
        executed = self.run(tx)
        assert [receipt.ok for receipt in executed.receipts[executed.timers_fired :]] == [True], (
            executed
        )
        contract = instance_id(tx.tx_id, 0)
        if installed is not None:
            assert self.do("olga", Propose(InstallContract(installed, contract))).ok
        return contract

    def call(
        self,
        name: str,
        contract: bytes,
        function: str,
        *arguments: Any,
        funds: int = 0,
        **changes: Any,
    ) -> Receipt:
        """Call a contract in a block of its own and return the receipt."""
        return self.do(name, Call(contract, function, arguments, funds), **changes)

    def idle(self, until: int) -> list[Receipt]:
        """Make a block at every due time and heartbeat up to `until`, and one then.

        Returns the receipts.
        """
        receipts: list[Receipt] = []
        beat = self.genesis.chain_params().heartbeat_ms or until
        while self.now < until:
            due = next_work_time(self.state(), self.now)
            at = min(until, self.now + beat, until if due is None else due)
            receipts += self.run(at=at).receipts
        return receipts

    def close(self, *, clean: bool = True) -> None:
        """Close the store."""
        self.ledger.close(clean=clean)

    def reopen(self, *, clean: bool = True) -> "TestChain":
        """Close and open the same folder."""
        self.close(clean=clean)
        return TestChain(self.folder, self.genesis)


def certify(
    header: Header, block: bytes, validators: ValidatorSet, voters: Sequence[Signer]
) -> Commit:
    """Return the certificate of a block by those of `voters` who are validators."""
    place = (header.height, 0)
    message = vote_bytes(2, header.chain_id, place, block, epoch=validators.epoch)
    signed = {one.public_key: one.sign(message) for one in voters}
    return make_commit(validators, place, block, signed)


class DictReader:
    """Committed state in a dict, for kernel functions that need no chain."""

    def __init__(self, values: dict[bytes, bytes] | None = None) -> None:
        """Start with these values."""
        self.values = dict(values or {})

    def get(self, key: bytes) -> bytes | None:
        """Return the value at a key, or None."""
        return self.values.get(key)

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Return pairs in key order."""
        return [(key, self.values[key]) for key in sorted(self.values) if start <= key < stop][
            :limit
        ]


def memory_state(values: dict[bytes, bytes] | None = None) -> State:
    """Return an empty state in memory."""
    reader: StateReader = DictReader(values)
    return State(reader)
