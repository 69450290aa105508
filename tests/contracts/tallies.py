"""A contract for tests of upgrades, in two versions, and what goes with an upgrade."""

from chain.changes import UpgradeContract
from chain.receipt import Event, KernelEvent, Receipt, ReceiptKind
from chain.state import Space, get_uint
from chain.transaction import Call, Propose
from chain.types import DAY_MS, ZERO_ID
from contracts.vm.container import code_id
from tests.make import MONEY, TestChain, account, compiled, word

MONTH = 30 * DAY_MS
TALLY = """
from wash import *

class Row(Record):
    count: uint
    since: sint

class Tally(Contract):
    money: Asset
    errors = Errors("no_rows", "too_many")
    total: uint
    rows: Map[Hash, Row]
    notes: Map[Hash, Text[20]]
    held: Pots[Hash, money]
    Counted = Event(id=indexed[Hash], count=uint)

    @action
    def count(self, id: Hash):
        r = self.rows.get(id)
        require(r.count < 5, "too_many")
        self.rows[id] = Row(count=r.count + 1, since=0 - 7)
        self.total += 1
        emit(self.Counted, id, r.count + 1)

    @action
    def note(self, id: Hash, text: Text[20]):
        self.notes[id] = text

    @action
    def plan(self, id: Hash, at: Time):
        schedule(self.on_end, at=at, key=id)

    @action(payable=money)
    def hold(self, id: Hash, until: Time):
        self.held.open(id, until=until, fallback=caller())

    @timer
    def on_end(self, id: Hash):
        self.total += 100

    @view
    def sum(self) -> uint:
        return self.total
"""
# What the second version has besides; an internal function and a timer in front of the old one move
# the numbers of all functions.
BETTER = """
from wash import *

class Row(Record):
    count: uint
    since: sint
    weight: sint
    worth: uint

class Tally(Contract):
    money: Asset
    errors = Errors("no_rows", "too_many")
    total: uint
    rows: Map[Hash, Row]
    notes: Map[Hash, Text[20]]
    held: Pots[Hash, money]
    extra: Map[Hash, uint]
    Counted = Event(id=indexed[Hash], count=uint)
    Weighed = Event(id=indexed[Hash], count=uint, since=sint, weight=sint, worth=uint)

    def _grow(self, n: uint):
        require(n > 0, "nothing")
        self.total += n

    @action
    def count(self, id: Hash):
        r = self.rows[id]
        emit(self.Weighed, id, r.count, r.since, r.weight, r.worth)
        r.weight = 3 - r.since
        r.worth = 9
        self.rows[id] = r
        self._grow(10)

    @action
    def plan_more(self, id: Hash, at: Time):
        schedule(self.on_more, at=at, key=id)

    @timer
    def on_end(self, id: Hash):
        self._grow(1_000)

    @timer
    def on_more(self, id: Hash):
        self._grow(5_000)

    @view
    def sum(self) -> uint:
        return self.total
"""
DESK = """
from wash import *

class Tallies(Link):
    @view(gas={gas})
    def sum(self) -> uint: ...
    @action(gas=5_000)
    def count(self, id: Hash): ...

class Desk(Contract):
    tally: Tallies
    seen: uint

    @action
    def work(self, id: Hash):
        self.tally.count(id)
        self.seen = self.tally.sum()
"""
LINKING = """
from wash import *

class Other(Link):
    @view(gas=20_000)
    def sum(self) -> uint: ...

class Idle(Contract):
    other: Other

    @view
    def sum(self) -> uint:
        return 1
"""
IDLE = """
from wash import *

class {name}(Contract):
{state}
    @view
    def sum(self) -> uint:
        return 1
"""


def changed(old: str, new: str, source: str = TALLY) -> str:
    """Return a source with something else in the place of what stands there."""
    assert old in source, old
    return source.replace(old, new)


LOOP = "t = 0\n        for i in range(900):\n            t += i\n        return self.total + t"
DEAR = changed("return self.total", LOOP, BETTER)
GONE = changed("def sum(", "def all(", BETTER)
BOOL_SUM = "def sum(self) -> bool:\n        return self.total > 0"
TYPED = changed("def sum(self) -> uint:\n        return self.total", BOOL_SUM, BETTER)
DESK_SUM = "seen: uint\n\n    @view\n    def sum(self) -> uint:\n        return 1\n"
DESK_TOO = changed("seen: uint\n", DESK_SUM, DESK.format(gas=5_000))
SLOW_END = "for i in range(300):\n            self.total += i"
SLOW = changed("self._grow(1_000)", SLOW_END, BETTER)


def put_code(chain: TestChain, source: str) -> bytes:
    """Put code on the chain, by an instance that nobody needs, and return its id."""
    assets = (MONEY,) if ": Asset" in source else ()
    chain.deploy(source, assets=assets)
    return code_id(compiled(source))


def decide(chain: TestChain, contract: bytes, source: str, at_ms: int = 0) -> Receipt:
    """Let the only operator decide an upgrade to the code of a source, which is put on chain."""
    change = UpgradeContract(contract, put_code(chain, source), (), (), at_ms)
    return chain.do("olga", Propose(change))


def told(receipts: list[Receipt] | tuple[Receipt, ...]) -> list[tuple[str, bool, Event]]:
    """Return (kind, ok, first event) of receipts that have one."""
    return [(ReceiptKind(one.kind).name, one.ok, one.events[0]) for one in receipts if one.events]


def upgraded(contract: bytes, source: str) -> tuple[str, bool, Event]:
    """Return what is told of an upgrade that began."""
    values = (contract, code_id(compiled(source)))
    return "UPGRADE", True, Event(ZERO_ID, KernelEvent.UPGRADED, values)


def dropped(contract: bytes, source: str, error: int) -> tuple[str, bool, Event]:
    """Return what is told of an upgrade that fitted no longer."""
    values = (contract, code_id(compiled(source)), error)
    return "UPGRADE", False, Event(ZERO_ID, KernelEvent.UPGRADE_DROPPED, values)


def count(contract: bytes, name: str) -> Call:
    """Return a call that counts a name."""
    return Call(contract, "count", (word(name),), 0)


ALICE = account("alice")


def total(chain: TestChain, contract: bytes) -> int:
    """Return what a contract has as its first single variable."""
    return get_uint(chain.state(), bytes([Space.STORAGE]) + contract + bytes([0]))
