"""Several nodes on disk that talk in memory: stopped, started again and given plans by tests."""

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from chain.crypto import Signer
from chain.genesis import Genesis
from chain.tables import Tuning
from chain.transaction import ReceivedTransaction
from consensus import Engine, InvalidMessageError, Message, Received, check_message
from node.driver import Driver, head_of
from node.storage.ledger import ChainLedger
from node.storage.plans import read_plans
from node.storage.wal import VoteLog
from tests.make import START_MS


class Member:
    """One node: its data folder, its chain, and the engine that drives it."""

    def __init__(
        self, data: Path, key: Signer, start: Genesis, send: Callable[..., None], chance: bytes
    ) -> None:
        """Start the node on what its folder holds."""
        data.mkdir(exist_ok=True)
        self.data, self.key = data, key
        tuning, plans = Tuning(sync=False), read_plans(data)
        self.ledger = ChainLedger(data / "chain", start, tuning=tuning, plans=plans)
        self.log = VoteLog(data / "votes.log", start.chain_id(), sync=False)
        head = head_of(self.ledger)
        recovered = self.log.recovered(self.ledger.height, epoch=head.validators.epoch)
        self.engine = Engine(key, self.ledger.chain_id, head, recovered, chance)
        self.driver = Driver(self.ledger, self.engine, self.log, send=send)

    def receive(self, message: Message, sender: bytes, now: int) -> None:
        """Check a message as the edge of a node does, and feed the engine."""
        if not self.engine.wants(message):
            return
        validators = self.engine.machine.validators
        try:
            check_message(message, self.ledger.chain_id, validators)
        except InvalidMessageError:
            return
        self.driver.handle(Received(message, sender), now)

    def stop(self) -> None:
        """Close its files."""
        self.ledger.close()
        self.log.close()


class Crowd:
    """The nodes, their post and their one clock."""

    def __init__(self, folder: Path, start: Genesis) -> None:
        """Begin with nobody."""
        self.folder, self.start, self.now = folder, start, START_MS + 5_000
        self.members: dict[str, Member] = {}
        self._post: deque[tuple[str, Message, bytes | None]] = deque()
        self._starts = 0

    def boot(self, name: str, key: Signer) -> Member:
        """Start a node in the folder of that name."""

        def send(message: Message, to: bytes | None) -> None:
            self._post.append((name, message, to))

        self._starts += 1
        chance = self._starts.to_bytes(16, "big")
        member = Member(self.folder / name, key, self.start, send, chance)
        self.members[name] = member
        member.driver.start(self.now)
        return member

    def stop(self, *names: str) -> None:
        """Stop nodes; what they had sent and nobody got is lost."""
        for name in names or tuple(self.members):
            self.members.pop(name).stop()
        self._post.clear()

    def submit(self, tx: ReceivedTransaction, names: Sequence[str] = ()) -> None:
        """Give a transaction to nodes."""
        for name in names or self.members:
            self.members[name].driver.submit([tx])
            self._look(self.members[name])

    def run(self, milliseconds: int) -> None:
        """Let so much time pass: post arrives at once, timers when they are over."""
        end = self.now + milliseconds
        while True:
            while self._post:
                self._deliver(*self._post.popleft())
            times = [member.driver.next_timer_ms() for member in self.members.values()]
            due = min((one for one in times if one is not None), default=end)
            if due > end:
                break
            self.now = max(self.now + 1, due)
            for member in self.members.values():
                self._look(member)
        self.now = end

    def _look(self, member: Member) -> None:
        member.driver.look(self.now, self.now, has_work=bool(member.driver.pending))

    def _deliver(self, sender: str, message: Message, to: bytes | None) -> None:
        if sender not in self.members:
            return
        source = self.members[sender].key.public_key
        for name, member in list(self.members.items()):
            if name != sender and to in {None, member.key.public_key}:
                member.receive(message, source, self.now)
                self._look(member)

    def heights(self) -> list[int]:
        """Return how far each node is, in the order in which they were started."""
        return [member.ledger.height for member in self.members.values()]
