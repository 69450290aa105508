"""Executing a block: what is due first, then the transactions, then the roots.

Pure: the same parent state and the same inputs give the same header, on any machine. Building and
checking are one path; a builder leaves out what does not fit, a checker refuses the block for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chain import timers
from chain.block import (
    BLOCK_VERSION,
    Block,
    Commit,
    Evidence,
    Header,
    block_id,
    commit_hash,
    list_hash,
)
from chain.codec import encode
from chain.crypto import verify_signature
from chain.errors import (
    InvalidBlockError,
    InvalidTransactionError,
    MalformedBytesError,
    StoreError,
    TooLargeError,
    WashError,
)
from chain.evidence import take_evidence
from chain.executed import ExecutedBlock
from chain.ledger import audit_changes
from chain.membership import activate_validators, begin_block
from chain.merkle import root
from chain.params import ChainParams, params_hash, read_params
from chain.proposers import note_block, previous_validators
from chain.receipt import Receipt, ReceiptKind, encode_receipt
from chain.recovery import RecoveryPlan, begin_recovery
from chain.rules import (
    admit_transaction,
    check_certified,
    check_form,
    check_heartbeat,
    check_signatures,
)
from chain.state import QUEUE_PREFIX, VALIDATORS_KEY, State, StateReader
from chain.transaction import ReceivedTransaction, read_transaction
from chain.tree import NodeReader, update_tree
from chain.types import BASIS_POINTS, ZERO_ID
from chain.validators import read_validators
from contracts.actions import run_actions
from contracts.firing import Budget, ExecutionFaultError, Firing
from contracts.host import World
from contracts.instances import Library
from contracts.topics import block_topics
from contracts.upgrades import begin_upgrades

TX_BASE_GAS = 800  # decoding, hashing, admission, receipt
SIGNATURE_GAS = 700
BYTES_PER_GAS = 8  # of a transaction


class Ledger(StateReader, NodeReader, Protocol):
    """The committed state and its tree."""


@dataclass(frozen=True, slots=True)
class BlockInputs:
    """What a proposer decides: everything else of a block follows.

    `skipped` names firings that the proposer could not execute; None while building.
    """

    time_ms: int
    proposer: bytes
    last_commit: Commit | None
    transactions: Sequence[ReceivedTransaction]
    evidence: tuple[Evidence, ...] = ()
    skipped: tuple[bytes, ...] | None = None


class MoneyError(AssertionError):
    """The ledger's sums do not add up: the node must stop."""


class Executor:
    """Executes blocks of one chain; keeps nothing but prepared programs between them."""

    def __init__(
        self,
        chain_id: bytes,
        is_verified: Callable[[ReceivedTransaction], bool] | None = None,
        verify: Callable[[bytes, bytes, bytes], bool] = verify_signature,
        plans: Sequence[RecoveryPlan] = (),
    ) -> None:
        """`is_verified` tells of a transaction whose signatures were found good before.

        `verify` checks the signatures of votes in evidence and of the operators' recovery `plans`
        (key, message, signature). A plan takes effect in the block above the one that it names.
        """
        self.chain_id, self.verify_signature, self.plans = chain_id, verify, tuple(plans)
        self.library, self._is_verified = Library(), is_verified

    def build(self, ledger: Ledger, parent: Header, inputs: BlockInputs) -> ExecutedBlock:
        """Execute as proposer: what can not enter the block is left out and named in `refused`."""
        return _BlockRun(self, ledger, parent, inputs, building=True).run()

    def check(self, ledger: Ledger, parent: Header, block: Block) -> ExecutedBlock:
        """Execute a block of somebody else; raises InvalidBlockError unless it follows exactly."""
        header = block.header
        received = []
        for number, data in enumerate(block.transactions):
            try:
                received.append(read_transaction(data))
            except MalformedBytesError as error:
                text = f"transaction {number}: {error}"
                raise InvalidBlockError(text) from error
        said = (block.evidence, block.skipped)
        inputs = BlockInputs(header.time_ms, header.proposer, block.last_commit, received, *said)
        executed = _BlockRun(self, ledger, parent, inputs, building=False).run()
        found = executed.block.header
        if found != header:
            names = [n for n in Header.__slots__ if getattr(found, n) != getattr(header, n)]
            text = f"height {header.height}: {', '.join(names)} differ from what executing gives"
            raise InvalidBlockError(text)
        return executed

    def is_verified(self, tx: ReceivedTransaction) -> bool:
        """Tell whether a transaction's signatures are known to be good."""
        return self._is_verified is not None and self._is_verified(tx)


class _BlockRun:
    """One execution of one block."""

    def __init__(
        self,
        executor: Executor,
        ledger: Ledger,
        parent: Header,
        inputs: BlockInputs,
        *,
        building: bool,
    ) -> None:
        self.executor, self.ledger, self.parent, self.inputs = executor, ledger, parent, inputs
        self.building = building
        self.state = State(ledger)
        self.height = parent.height + 1
        self.params: ChainParams = read_params(self.state)
        if inputs.time_ms <= parent.time_ms:
            text = f"time {inputs.time_ms} is not after the parent's {parent.time_ms} ms"
            raise InvalidBlockError(text)
        self._note_agreement()
        timers.note_halt(self.state, self.params, parent.time_ms, inputs.time_ms)
        self.halt = timers.read_halt(self.state)
        self.receipts: list[Receipt] = []
        self.taken: list[ReceivedTransaction] = []
        self.refused: list[tuple[bytes, Exception]] = []
        self.gas_used = self.bytes_used = 0
        self.allowance_gas = allowance_gas(self.params)

    def _note_agreement(self) -> None:
        """Take what the block says of the validators: who signed and failed, who lied."""
        state, inputs, parent = self.state, self.inputs, self.parent
        if not self.building and parent.height > 0:
            validators = previous_validators(state) or read_validators(state)
            check_certified(inputs.last_commit, parent, validators)
        chain_id, verify = self.executor.chain_id, self.executor.verify_signature
        is_recovery = begin_recovery(state, parent, self.executor.plans, verify)
        self.has_news = begin_block(state, parent) or is_recovery
        self.validators_hash = read_validators(state).set_hash()
        note_block(state, self.height, inputs.proposer, inputs.last_commit, parent.proposer)
        for one in inputs.evidence:
            self.has_news |= take_evidence(state, self.height, one, chain_id, verify)

    def run(self) -> ExecutedBlock:
        skipped = self._fire_due()
        timers_fired = len(self.receipts)
        self.state.settle()
        for tx in self.inputs.transactions:
            self._take_transaction(tx)
            self.state.settle()
            if not self.building:  # at once: what follows could take for ever
                self._check_used()
        self._audit()
        if not self.building:
            self._check_cause()
        activate_validators(self.state, self.height, self.inputs.proposer)
        return self._seal(skipped, timers_fired)

    def _check_cause(self) -> None:
        """Refuse a block that says nothing and was not due."""
        if self.taken or self.has_news or self.has_due:
            return
        due_ms = timers.next_work_time(State(self.ledger), self.parent.time_ms)
        ends_halt = due_ms is not None and due_ms <= self.inputs.time_ms  # what fell due waits on
        if not ends_halt:
            check_heartbeat(self.params, self.parent.time_ms, self.inputs.time_ms)

    def _check_used(self) -> None:
        for what, used, maximum in (
            ("gas", self.gas_used, self.params.block_gas_max),
            ("bytes of transactions", self.bytes_used, self.params.block_bytes_max),
        ):
            if used > maximum:
                text = f"block uses {used} {what}, at most {maximum} are allowed"
                raise InvalidBlockError(text)

    def _make_world(self, origin_id: bytes, origin: bytes) -> World:
        return World(
            state=self.state,
            library=self.executor.library,
            chain_id=self.executor.chain_id,
            height=self.height,
            now=self.inputs.time_ms,
            halt=self.halt,
            params=self.params,
            origin_id=origin_id,
            origin=origin,
            signer=b"",
            sponsor=ZERO_ID,
            verify=self.executor.verify_signature,
        )

    def _fire_due(self) -> tuple[bytes, ...]:
        params, library = self.params, self.executor.library
        self.receipts += begin_upgrades(library, self.state, self.height, self.inputs.time_ms)
        self.has_news |= bool(self.receipts)
        limit = params.timers_per_block
        gas = params.block_gas_max * params.timer_gas_share_bp // BASIS_POINTS
        firing = Firing(self._make_world, (self.state, self.height), self.inputs.skipped)
        # Guests beyond their half may hide installed ones behind them, hence the longer look.
        entries = timers.due_entries(self.state, self.inputs.time_ms, 4 * limit)
        self.has_due = bool(entries)
        firing.fire(entries, Budget(limit, gas, limit // 2, gas // 2))
        if self.inputs.skipped is not None and tuple(firing.skipped) != self.inputs.skipped:
            text = "the block names firings as skipped that are not due"
            raise InvalidBlockError(text)
        self.receipts += firing.receipts
        self.gas_used += firing.gas_used
        return tuple(firing.skipped)

    def _take_transaction(self, tx: ReceivedTransaction) -> None:
        """Run a transaction, or as builder leave it out with the reason."""
        mark = self.state.mark()
        try:
            receipt = self._run_transaction(tx)
        except StoreError:  # the disk's fault stops the node and blames no transaction
            raise
        except WashError as error:
            self.state.revert(mark)
            if not self.building:
                text = f"transaction {tx.tx_id.hex()}: {error}"
                raise InvalidBlockError(text) from error
            self.refused.append((tx.witness_id, error))
            return
        except Exception as fault:  # one poison transaction must not stop every proposer
            self.state.revert(mark)
            poison = ExecutionFaultError(
                f"transaction {tx.tx_id.hex()} does not execute: {fault!r}"
            )
            if not self.building:
                raise poison from fault
            self.refused.append((tx.witness_id, poison))
            return
        self.receipts.append(receipt)
        self.taken.append(tx)
        self.gas_used += receipt.gas_used
        self.bytes_used += len(tx.data)

    def _check_room(self, tx: ReceivedTransaction) -> None:
        """As builder: raise BlockFullError unless the block has gas and bytes left for it."""
        for what, maximum, found in (
            ("gas_limit", self.params.block_gas_max - self.gas_used, tx.body.gas_limit),
            ("bytes", self.params.block_bytes_max - self.bytes_used, len(tx.data)),
        ):
            if found > maximum:
                raise BlockFullError(what, maximum=maximum, found=found)

    def _use_allowance_gas(self, wanted: int) -> None:
        maximum = allowance_gas(self.params)
        if wanted > maximum:
            raise TooLargeError("gas_limit", maximum=maximum, found=wanted)
        if wanted > self.allowance_gas:
            raise BlockFullError("allowance gas", maximum=self.allowance_gas, found=wanted)
        self.allowance_gas -= wanted

    def _run_transaction(self, tx: ReceivedTransaction) -> Receipt:
        state, params, now, body = self.state, self.params, self.inputs.time_ms, tx.body
        check_form(tx, self.executor.chain_id, params, now)
        gas = body.gas_limit - transaction_gas(tx)
        if gas < 0:
            raise TooLargeError(
                "gas of size and signatures", maximum=body.gas_limit, found=body.gas_limit - gas
            )
        if self.building:
            self._check_room(tx)
        if not self.executor.is_verified(tx):
            check_signatures(tx)
        limits, on_allowance = admit_transaction(state, tx, params, now)
        if on_allowance:
            self._use_allowance_gas(body.gas_limit)
        world = self._make_world(tx.tx_id, body.account)
        world.signer = body.account if body.key is None else body.key
        if body.sponsor is not None:
            world.sponsor = body.sponsor
        admitted = state.mark()
        gas, trap, error = run_actions(world, body.actions, limits, gas)
        if trap or error:
            state.revert(admitted)
            world.events.clear()
        return Receipt(
            kind=ReceiptKind.TRANSACTION,
            id=tx.tx_id,
            ok=not (trap or error),
            trap=trap,
            error=error,
            gas_used=body.gas_limit - gas,
            events=tuple(world.events),
        )

    def _audit(self) -> None:
        for asset, (held, supply) in audit_changes(self.state).items():
            if held != supply:
                text = (
                    f"height {self.height}: held of asset {asset.hex()} changes by {held}, "
                    f"its supply by {supply}; money was made or lost"
                )
                raise MoneyError(text)

    def _seal(self, skipped: tuple[bytes, ...], timers_fired: int) -> ExecutedBlock:
        state, parent, inputs, taken = self.state, self.parent, self.inputs, tuple(self.taken)
        changes = state.changes()
        leaves = {key: value for key, value in changes.items() if key[:1] != QUEUE_PREFIX}
        tree = update_tree(self.ledger, leaves)
        receipt_bytes = tuple([encode_receipt(receipt) for receipt in self.receipts])
        commit = inputs.last_commit
        header = Header(
            version=BLOCK_VERSION,
            chain_id=self.executor.chain_id,
            height=self.height,
            time_ms=inputs.time_ms,
            parent_id=block_id(parent),
            proposer=inputs.proposer,
            last_commit_hash=commit_hash(commit),
            evidence_hash=list_hash("evidence", tuple([encode(one) for one in inputs.evidence])),
            skipped_hash=list_hash("skipped", skipped),
            last_round=0 if commit is None else commit.round,
            tx_root=root([tx.witness_id for tx in self.taken]),
            receipt_root=root(receipt_bytes),
            state_root=tree.root,
            validators_hash=self.validators_hash,
            next_validators_hash=read_validators(state).set_hash(),
            last_validators_change_height=(
                self.height if VALIDATORS_KEY in changes else parent.last_validators_change_height
            ),
            params_hash=params_hash(read_params(state)),
            gas_used=self.gas_used,
        )
        block = Block(header, commit, inputs.evidence, skipped, tuple([tx.data for tx in taken]))
        return ExecutedBlock(
            block=block,
            block_id=block_id(header),
            receipts=tuple(self.receipts),
            receipt_bytes=receipt_bytes,
            tx_ids=tuple([tx.tx_id for tx in self.taken]),
            topics=tuple(block_topics(state, self.executor.library, self.receipts, self.taken)),
            changes=changes,
            nodes=tree.nodes,
            timers_fired=timers_fired,
            refused=tuple(self.refused),
            transactions=taken,
        )


class BlockFullError(InvalidTransactionError):
    """A transaction that no longer fits into this block; it may fit the next."""

    code = 1010
    retry = "same"

    def __init__(self, what: str, *, maximum: int, found: int) -> None:
        super().__init__(f"{what} {found} does not fit into the {maximum} left in this block")
        self.maximum, self.found = maximum, found


def transaction_gas(tx: ReceivedTransaction) -> int:
    """Return the gas of a transaction before its actions: base, bytes, signatures."""
    signatures = 1 if tx.cosignature is None else 2
    return TX_BASE_GAS + SIGNATURE_GAS * signatures + len(tx.data) // BYTES_PER_GAS


def allowance_gas(params: ChainParams) -> int:
    """Return the gas of a block that is for calls on pot owners' allowances."""
    return params.block_gas_max * params.allowance_gas_share_bp // BASIS_POINTS
