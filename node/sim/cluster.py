"""The cluster: nodes, network, oracle, traitors, and people who send transactions."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chain.block import Block, Commit
from chain.changes import SetValidator
from chain.codec import decode
from chain.crypto import Signer, verify_signature
from chain.executed import ExecutedBlock
from chain.genesis import Genesis, GenesisAccount, GenesisAsset, ParamsModel, genesis_asset_id
from chain.readiness import newest_anchor, prove_readiness
from chain.recovery import RecoveryPlan, sign_plan
from chain.transaction import (
    Action,
    Call,
    Deploy,
    Propose,
    ReceivedTransaction,
    Transaction,
    Transfer,
    instance_id,
    read_transaction,
    sign_transaction,
)
from chain.types import MINUTE_MS
from chain.validators import ValidatorSet, read_validators
from chain.vote import SignedVote
from consensus import (
    Alarm,
    CommitBlock,
    Effect,
    Message,
    Persist,
    Proposal,
    RejoinReply,
    ReportEvidence,
    RoundCertificate,
    Send,
    StateEntry,
)
from contracts.execution import Executor
from node.catalog import container_bytes
from node.sim.byzantine import Habit, Plot, Traitor
from node.sim.disk import SimDisk
from node.sim.ledger import SimLedger
from node.sim.member import SimNode
from node.sim.network import Network
from node.sim.oracle import Oracle
from node.sim.wire import over_the_wire
from node.sim.world import START_WALL_MS, World

OPERATOR, CUSTOMERS = "operator", 4
VALID_MS = 60 * MINUTE_MS
GAS = 60_000
RESUBMIT_MS = 3_000


class QuickSigner(Signer):
    """Signs with a keyed hash: as good as Ed25519 where nobody breaks either, and quick."""

    def __init__(self, seed: bytes) -> None:
        """Take any 32 bytes as the key."""
        self.public_key = seed

    def sign(self, message: bytes) -> bytes:
        """Return 64 bytes that depend on the key and the message."""
        return hashlib.blake2b(message, key=self.public_key).digest()


def verify_quick(key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether QuickSigner made a signature."""
    return hashlib.blake2b(message, key=key).digest() == signature


@dataclass(frozen=True, slots=True)
class Shape:
    """What kind of cluster: its size, its traitors, how real it is."""

    validators: int = 4
    byzantine: int = 1
    spares: int = 1  # full nodes that may be voted in
    twins: int = 0  # validators that run twice
    real_signatures: bool = False
    real_wire: bool = False  # every message is encoded and decoded, nothing is shared
    interval_ms: int = 200
    heartbeat_ms: int = 10 * MINUTE_MS
    quorum: str = "byzantine"


def sim_seed(name: str) -> bytes:
    """Return the 32-byte secret of a simulated key."""
    return hashlib.sha256(b"washnode-sim/" + name.encode()).digest()


class Cluster:
    """A whole network in one process."""

    def __init__(self, world: World, shape: Shape) -> None:
        """Make the nodes; none is up yet."""
        self.world, self.shape = world, shape
        self.verify: Callable[[bytes, bytes, bytes], bool]
        make: Callable[[bytes], Signer] = Signer if shape.real_signatures else QuickSigner
        self.verify = verify_signature if shape.real_signatures else verify_quick
        count = shape.validators
        signers = [make(sim_seed(f"validator {number}")) for number in range(count + shape.spares)]
        self.operator = Signer(sim_seed(OPERATOR))
        self.customers = [Signer(sim_seed(f"customer {number}")) for number in range(CUSTOMERS)]
        self.genesis = self._make_genesis([one.public_key for one in signers[:count]])
        self.chain_id = self.genesis.chain_id()
        self.executor = self._make_executor()
        self.oracle = Oracle(SimLedger(self.genesis, self._make_executor()), self.verify)
        keyed = [*signers, *signers[: shape.twins]]
        self.nodes = [self._make_node(number, signer) for number, signer in enumerate(keyed)]
        self.by_key: dict[bytes, list[SimNode]] = {}
        for node in self.nodes:
            self.by_key.setdefault(node.key, []).append(node)
        self.network = Network(world, self._deliver)
        self.traitors: dict[bytes, Traitor] = {}
        self.plot = Plot()
        self.proposed: dict[tuple[int, int], bytes] = {}  # first block of a height and round
        self.oracle.honest = {one.public_key for one in signers}
        for signer in signers[: shape.twins]:
            self.oracle.honest.discard(signer.public_key)
        self._executed: dict[int, tuple[Block, ExecutedBlock]] = {}
        self.waiting: dict[bytes, ReceivedTransaction] = {}  # sent, and not final anywhere
        self._nonces: dict[bytes, int] = {}
        self.bells: bytes | None = None
        self._bell = 0
        self.commits = 0
        self.last_commit_ms = 0
        self.down_counts: dict[str, int] = {}
        self.evidence_keys: set[bytes] = set()
        self.is_watching_quiet = False
        self.unquiet: list[str] = []

    def _make_executor(self) -> Executor:
        return Executor(self.chain_id, lambda _tx: True, self.verify)

    def _make_genesis(self, keys: Sequence[bytes]) -> Genesis:
        operator = self.operator.public_key.hex()
        accounts = [
            GenesisAccount(
                account=one.public_key.hex(), roles=("member",), balances={"CNY": 1_000_000}
            )
            for one in self.customers
        ]
        accounts.append(GenesisAccount(account=operator, roles=("operator", "member")))
        return Genesis(
            name="simulation",
            time_ms=START_WALL_MS,
            validators=tuple(sorted(key.hex() for key in keys)),
            quorum=self.shape.quorum,  # type: ignore[arg-type]
            params=ParamsModel(
                block_interval_ms=self.shape.interval_ms, heartbeat_ms=self.shape.heartbeat_ms
            ),
            assets=(GenesisAsset(symbol="CNY", issuer=operator),),
            accounts=tuple(accounts),
        )

    def _make_node(self, number: int, signer: Signer) -> SimNode:
        ledger = SimLedger(self.genesis, self.executor)
        return SimNode(number, signer, ledger, SimDisk(self.world, self.chain_id), self)

    def make_traitor(self, key: bytes, habits: list[Habit]) -> None:
        """Let a validator lie from now on."""
        signer = self.by_key[key][0].signer
        index = self.genesis.validator_set().keys.index(key)
        self.traitors[key] = Traitor(
            self.world, signer, self.chain_id, habits, index=index, plot=self.plot
        )
        self.oracle.honest.discard(key)
        others = [node.number for node in self.nodes if node.key in self.oracle.honest]
        self.plot.halves = {number: place % 2 for place, number in enumerate(others)}

    def boot(self) -> None:
        """Start every node."""
        for node in self.nodes:
            node.boot()

    # What nodes see ---------------------------------------------------------------------------

    def execute(self, node: SimNode, block: Block) -> ExecutedBlock:
        """Execute a block; nodes that share the very object share the result, which is pure."""
        known = self._executed.get(id(block))
        if (
            known is not None
            and known[0] is block
            and node.ledger.head_id == block.header.parent_id
        ):
            return known[1]
        executed = self.executor.check(node.ledger, node.ledger.head, block)
        if not self.shape.real_wire:
            self._executed[id(block)] = (block, executed)
            if len(self._executed) > 64:  # noqa: PLR2004 - a few heights' worth
                self._executed.pop(next(iter(self._executed)))
        return executed

    def send(self, node: SimNode, message: Message, to: bytes | None) -> None:
        """Carry a message from a node to all, or to those of a key."""
        if self.is_watching_quiet:
            self._watch_quiet(node, message)
        targets = self.nodes if to is None else self.by_key.get(to, [])
        traitor = self.traitors.get(node.key)
        shared = message
        if traitor is None and self.shape.real_wire:
            shared = over_the_wire(message)
        for target in targets:
            if target is node:
                continue
            if traitor is None:
                self.network.send(node.number, target.number, shared)
                continue
            for lie in traitor.twist(message, target.number):
                self._note_votes(lie)
                self.network.send(node.number, target.number, lie)

    def _note_votes(self, message: Message) -> None:
        if isinstance(message, SignedVote):
            self.oracle.note_vote(message)

    def _deliver(self, to: int, sender: int, message: Message) -> None:
        target, source = self.nodes[to], self.nodes[sender]
        if target.key not in self.oracle.honest and self._is_of(message, target.key):
            return  # a traitor or twin never finds itself out
        traitor = self.traitors.get(target.key)
        if traitor is not None:
            traitor.learn(message)
        elif target.key in self.oracle.honest and isinstance(message, SignedVote):
            self.oracle.hear(message)
        self.world.note(f"{sender}>{to} {type(message).__name__}")
        target.receive(message, source.key)

    def _is_of(self, message: Message, key: bytes) -> bool:
        match message:
            case SignedVote():
                return message.validator == key
            case Proposal():
                return message.vote.validator == key
            case RejoinReply():
                return message.newest is not None and message.newest.validator == key
            case RoundCertificate():
                return any(vote.validator == key for vote in message.votes)
            case _:
                return False

    def on_event(self, node: SimNode) -> None:
        """Judge what an honest node keeps in memory."""
        if node.key in self.oracle.honest:
            self.oracle.check_memory(node)

    def on_effect(  # noqa: C901, PLR0912 - a kind a line
        self, node: SimNode, effect: Effect
    ) -> None:
        """Judge what honest nodes do, before it is done."""
        if node.key not in self.oracle.honest:
            if isinstance(effect, Send):
                self._note_votes(effect.message)
            return
        match effect:
            case Send(message):
                if isinstance(message, SignedVote) and message.validator == node.key:
                    self.oracle.on_vote(node, message)
                    said = f"{message.kind} {message.height}/{message.round}"
                    found = message.block_id.hex()[:8]
                    self.world.note(f"{node.number} votes {said} {found}")
                elif isinstance(message, Proposal) and message.vote.validator == node.key:
                    place = (message.vote.height, message.vote.round)
                    self.proposed.setdefault(place, message.vote.block_id)
                    self.oracle.on_vote(node, message.vote)
            case Persist(_token, entries):
                for entry in entries:  # a vote counts at home from here on, sent or not
                    if isinstance(entry, StateEntry):
                        for vote in entry.signed:
                            self.oracle.note_vote(vote)
            case Alarm():
                self.oracle.on_alarm(node, effect)
            case ReportEvidence(evidence):
                self.evidence_keys.update(
                    [decode(SignedVote, one).validator for one in evidence.votes]
                )
            case CommitBlock():
                self.oracle.on_decision(node, effect)
                self.oracle.check_evidence(node, self.evidence_keys)
            case _:
                pass

    def on_commit(self, node: SimNode, executed: ExecutedBlock, commit: Commit) -> None:
        """Judge a stored block, and take its transactions off the list of those that wait."""
        header = executed.block.header
        self.world.note(f"{node.number} stores {header.height} {executed.block_id.hex()[:16]}")
        if node.key in self.oracle.honest:
            self.oracle.on_commit(node, executed, commit)
            self.commits += 1
            self.last_commit_ms = self.world.now_ms
            for one in executed.tx_ids:
                self.waiting.pop(one, None)

    def on_down(self, node: SimNode, why: str) -> None:  # noqa: ARG002 - what a node tells
        """Count a fall."""
        self.down_counts[why] = self.down_counts.get(why, 0) + 1

    def _watch_quiet(self, node: SimNode, message: Message) -> None:
        if node.key in self.oracle.honest and type(message).__name__ != "Status":
            self.unquiet.append(f"node {node.number} sends {type(message).__name__}")

    # People -----------------------------------------------------------------------------------

    def submit(self, signer: Signer, *actions: Action) -> ReceivedTransaction:
        """Sign a transaction and bring it to all nodes, again and again until it is final."""
        nonce = self._nonces.get(signer.public_key, 0)
        self._nonces[signer.public_key] = nonce + 1
        body = Transaction(
            version=1,
            chain_id=self.chain_id,
            account=signer.public_key,
            key=None,
            nonce=nonce,
            valid_until=START_WALL_MS + self.world.now_ms + VALID_MS,
            gas_limit=GAS * 5,
            sponsor=None,
            actions=actions,
            client_ref=None,
        )
        tx = read_transaction(sign_transaction(body, signer))
        self.waiting[tx.tx_id] = tx
        self._bring(tx)
        return tx

    def _bring(self, tx: ReceivedTransaction) -> None:
        if tx.tx_id not in self.waiting:
            return
        for node in self.nodes:
            if not self.world.chance(self.network.weather.drop_per_mille):
                self.world.after(self.world.between(1, 30), node.take, tx)
        self.world.after(RESUBMIT_MS, self._bring, tx)

    def pay(self) -> None:
        """Let one customer pay another."""
        payer, payee = self.world.some_of(self.customers, 2)
        asset = genesis_asset_id("CNY")
        self.submit(payer, Transfer(asset, payee.public_key, self.world.between(1, 100)))

    def deploy_bells(self) -> None:
        """Put the contract whose timers fall due on the chain."""
        action = Deploy(container_bytes("bells"), (), (), ())
        tx = self.submit(self.operator, action)
        self.bells = instance_id(tx.tx_id, 0)

    def plan_bell(self) -> None:
        """Let a bell ring in a while."""
        if self.bells is None:
            return
        self._bell += 1
        at_ms = START_WALL_MS + self.world.now_ms + self.world.between(1_000, 20_000)
        name = self._bell.to_bytes(32, "big")
        self.submit(self.customers[0], Call(self.bells, "plan", (name, at_ms), 0))

    def vote_validator(self, key: bytes, power: int) -> None:
        """Let the operator add or remove a validator; a new one proves that it is ready."""
        proof = None
        if power:
            ledger = self.top().ledger
            anchor = newest_anchor(ledger.state(), self.chain_id, ledger.height)
            proof = prove_readiness(self.by_key[key][0].signer, self.chain_id, anchor)
        self.submit(self.operator, Propose(SetValidator(key, power, proof)))

    def recover(self, node: SimNode, keys: Sequence[bytes]) -> None:
        """Let the operator sign that these validators decide what is above a node's head.

        Every node is given the plan; those that run hear of it at their next start.
        """
        head, present = node.ledger.head, read_validators(node.ledger.state())
        planned = ValidatorSet(tuple(sorted(keys)), present.rule, present.epoch + 1)
        plan = RecoveryPlan(self.chain_id, head.height, node.ledger.head_id, planned)
        is_real, operator = self.shape.real_signatures, self.operator.public_key
        signer = self.operator if is_real else QuickSigner(operator)
        plan = sign_plan(plan, operator, signer)
        self.executor.plans = (*self.executor.plans, plan)
        self.oracle.begin_recovery(plan)

    # Looking ----------------------------------------------------------------------------------

    def top(self) -> SimNode:
        """Return an honest node with the highest head."""
        honest = [node for node in self.nodes if node.key in self.oracle.honest]
        return max(honest, key=lambda node: (node.ledger.height, -node.number))

    def validator_keys(self) -> tuple[bytes, ...]:
        """Return the validators of the next height, by the highest honest head."""
        return read_validators(self.top().ledger.state()).keys
