"""What a rehearsal does on its chain, whoever makes the blocks: set-up, steps, passing time."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from chain.block import TRANSACTIONS_MAX
from chain.changes import InstallContract
from chain.genesis import Genesis, genesis_asset_id
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
from node.catalog import container_bytes
from node.rehearse.genesis import symbol_of
from node.rehearse.plan import Plan, policy_words
from node.rehearse.wallets import Places, SigningLine, Wallet, signer_of

_DEPLOY_GAS = 350_000
_CALL_GAS = 10_000
_SETTINGS_GAS = 5_000
_PORTION = 1_000  # of one account at once: its nonces may be no further ahead
_GAS_SHARE = (3, 4)  # of a block for planned steps; the rest is for what falls due


class Stage(ABC):
    """A chain whose clock jumps. What is abstract here is how its blocks come about."""

    def __init__(self, genesis: Genesis) -> None:
        """Nothing is begun yet."""
        self.genesis, self.chain_id = genesis, genesis.chain_id()
        self._operator = Wallet(signer_of("operator", 0), self.chain_id)

    @property
    @abstractmethod
    def now(self) -> int:
        """Time of the newest block, ms UTC."""

    @abstractmethod
    def next_due_ms(self) -> int | None:
        """Return when something falls due next, ms UTC, or None."""

    @abstractmethod
    def make_block(self, group: list[ReceivedTransaction], at: int) -> None:
        """Make a block of a group and what is due, at a time or as soon after as may be.

        What does not fit beside much that falls due comes in blocks right after it.
        """

    @abstractmethod
    def close(self) -> None:
        """End whatever makes the blocks."""

    def trust(self, received: list[ReceivedTransaction]) -> None:  # noqa: B027 - not for all
        """Take these signatures as good, where the chain is made in this process."""

    def play(self, plan: Plan, line: SigningLine, on_progress: Callable[[int, int], None]) -> None:
        """Carry out a whole plan, with what it leads to; `on_progress` is told (done, all)."""
        places = self.set_up(plan)
        signed = line.run(plan, places)
        done = 0
        for at, group in groupby(plan.steps, key=lambda step: step[0]):
            steps = [next(signed) for _ in group]
            self.run_instant(steps, at)
            done += len(steps)
            on_progress(done, len(plan.steps))
        self.fire_until(None)
        self.note_refused(plan)

    def set_up(self, plan: Plan) -> Places:
        """Deploy the contracts, admit the shops, publish the rules; returns where things are."""
        operator = self._operator
        register = self._deploy(operator, "shops", (), (), ())
        notes = self._deploy(operator, "notes", (), (), ())
        bookings: list[bytes] = []
        for currency in plan.currencies:
            asset = genesis_asset_id(symbol_of(currency))
            # A booking is judged by itself here, so points and cards are linked and told nothing.
            loyalty = self._deploy(operator, "loyalty", (asset, asset), (), ())
            prepaid = self._deploy(operator, "prepaid", (asset,), (register, loyalty), ())
            links = (register, loyalty, prepaid)
            bookings.append(self._deploy(operator, "booking", (asset,), links, (0, False)))
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
        return Places(self.chain_id, register, tuple(bookings))

    def _deploy(
        self,
        operator: Wallet,
        name: str,
        assets: tuple[bytes, ...],
        links: tuple[bytes, ...],
        arguments: tuple[int, ...],
    ) -> bytes:
        action = Deploy(container_bytes(name), assets, links, arguments)
        body = operator.body(self.now, _DEPLOY_GAS, action)
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
            wallet = Wallet(signer, self.chain_id)
            signed.append(wallet.sign(wallet.body(self.now, _SETTINGS_GAS, settings)))
        self._make_blocks(signed, self.now + 1)

    def _run(self, wallet: Wallet, actions: Iterable[tuple[Action, ...]]) -> None:
        waiting = list(actions)
        for start in range(0, len(waiting), _PORTION):
            portion = waiting[start : start + _PORTION]
            bodies = [wallet.body(self.now, _CALL_GAS, *group) for group in portion]
            self._make_blocks([wallet.sign(body) for body in bodies], self.now + 1)

    def note_refused(self, plan: Plan) -> None:
        """Write on the chain which rows were refused and why: the table follows from it alone."""
        self._run(
            self._operator,
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
        self._make_blocks(signed, at, verified=True)

    def fire_until(self, limit: int | None) -> None:
        """Make a block at every due time up to `limit` (None: until nothing is due any more)."""
        while True:
            due = self.next_due_ms()
            if due is None or (limit is not None and due > limit):
                return
            self.make_block([], due)

    def _make_blocks(self, signed: list[bytes], at: int, *, verified: bool = False) -> None:
        """Make the blocks of an instant: the milliseconds before it, the last carries it."""
        received = [read_transaction(data) for data in signed]
        if verified:
            self.trust(received)
        gas = self.genesis.chain_params().block_gas_max * _GAS_SHARE[0] // _GAS_SHARE[1]
        groups = list(_split(received, gas))
        for place, group in enumerate(groups):
            wished = at - (len(groups) - 1 - place)
            self.make_block(group, max(wished, self.now + 1))


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
