"""What happened, newest first: to an account from the store's topics, else block by block.

One source is the account's own transactions, the others are event types with an indexed field that
can hold an account. Their places are merged height by height, and every entry is read before it is
believed: topics are short. Nothing is kept between calls.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from chain.block import Block
from chain.errors import PrunedError
from chain.executed import account_topic, event_topic
from chain.governance import installed_contracts
from chain.receipt import KernelEvent, Receipt
from chain.store import Store
from chain.tables import Place
from chain.transaction import Call, ReceivedTransaction, read_transaction
from chain.types import ZERO_ID
from contracts.vm.container import Kind
from node.storage.ledger import ChainLedger

NUMBER_STOP = 2**24 - 1  # above every number in an index
PAGE = 16  # places read ahead of one source
RECEIPTS_MAX = 10_000  # looked at for one answer, some 50 ms of work
BLOCKS_MAX = 2_000  # likewise, where blocks are looked through without an index
CONTRACTS_MAX = 64  # registered contracts whose events are searched
# The indexed values of the chain's own events that are accounts.
_KERNEL_ACCOUNTS: dict[int, list[int]] = {
    KernelEvent.TRANSFERRED: [1, 2],
    KernelEvent.ASSET_ISSUED: [1],
    KernelEvent.MINTED: [1],
    KernelEvent.BURNED: [1],
    KernelEvent.DEPLOYED: [2],
    KernelEvent.POT_FALLBACK: [2],
    KernelEvent.KEYS_CHANGED: [0],
    KernelEvent.RECOVERY_CHANGED: [0],
    KernelEvent.PROPOSED: [1],
    KernelEvent.ADMITTED: [0],
}


EventFields = dict[tuple[bytes, int], list[int]]  # (contract, event) -> places of accounts


@dataclass(frozen=True, slots=True)
class Entry:
    """A receipt that concerns the account, at (height, index), and which of its events name it.

    `first_event` is the number in the block of the receipt's first event; `named` are places among
    the receipt's events. `tx` is the transaction, None for timers and fallbacks.
    """

    height: int
    index: int
    time_ms: int
    receipt: Receipt
    first_event: int
    named: tuple[int, ...]
    tx: ReceivedTransaction | None


@dataclass(slots=True)
class _Source:
    """The places of one topic, read backwards in pages."""

    store: Store
    topic: bytes
    before: Place
    _page: list[Place] = field(default_factory=list)
    _over: bool = False

    def newest(self) -> Place | None:
        """Return the newest place that was not taken yet, or None."""
        if not self._page and not self._over:
            found = self.store.newest_events(self.topic, self.before, PAGE)
            self._over = len(found) < PAGE
            self._page = found[::-1]
            if found:
                self.before = found[-1]
        return self._page[-1] if self._page else None

    def skip_height(self, height: int) -> None:
        """Take every place of a height."""
        self.before = min(self.before, (height, 0))
        while self._page and self._page[-1][0] >= height:
            self._page.pop()
        if not self._page:
            self._over = False


def account_entries(
    ledger: ChainLedger, account: bytes, before: Place, limit: int
) -> tuple[list[Entry], Place | None]:
    """Return at most `limit` entries below (height, index), newest first, and where to go on.

    The second part is None at the end. A page can be short, or empty, and not be the last. Where
    blocks are no longer kept in full a page ends; one that would begin there is a PrunedError.
    """
    fields = _account_fields(ledger)
    topics = [account_topic(account)]
    topics += [event_topic(*kind, i, account) for kind, places in fields.items() for i in places]
    # A height at which the last page stopped half way is read again.
    top = (before[0], NUMBER_STOP if before[1] else 0)
    sources = [_Source(ledger.store, topic, top) for topic in topics]
    found: list[Entry] = []
    looked_at = 0
    while looked_at < RECEIPTS_MAX:
        height = max((place[0] for one in sources if (place := one.newest())), default=None)
        if height is None:
            return found, _end_of(ledger, before)
        receipts = ledger.store.receipts(height)
        looked_at += len(receipts)
        try:
            entries = list(_entries_at(ledger, account, (height, receipts), fields))
        except PrunedError:
            if not found:
                raise
            return found, before
        for entry in entries:
            if (height, entry.index) < before:
                found.append(entry)
                if len(found) == limit:
                    return found, (height, entry.index)
        for source in sources:
            source.skip_height(height)
        before = (height, 0)
    return found, before


def _end_of(ledger: ChainLedger, before: Place) -> Place | None:
    """Return where to go on at the end of an index: None, unless the chain began above height 1.

    There is more then, elsewhere: whoever asks on is told so.
    """
    base = ledger.store.base_height
    if base and before[0] <= base:
        raise PrunedError(before[0], base + 1)
    return (base, 0) if base else None


def _account_fields(ledger: ChainLedger) -> EventFields:
    """Return the indexed places of accounts by event, the chain's and registered contracts'."""
    fields = {(ZERO_ID, number): places for number, places in _KERNEL_ACCOUNTS.items()}
    library, state = ledger.executor.library, ledger.state()
    for contract in installed_contracts(state, CONTRACTS_MAX):
        program = library.program(state, library.instance(state, contract).code_id)
        for number, event in enumerate(program.container.events):
            fields[contract, number] = [
                place
                for place, one in enumerate(event.fields)
                if one.indexed and one.scalar.kind == Kind.ADDR
            ]
    return fields


def _entries_at(
    ledger: ChainLedger, account: bytes, block: tuple[int, list[Receipt]], fields: EventFields
) -> Iterator[Entry]:
    """Yield the entries of one block, the last first."""
    height, receipts = block
    stored = ledger.store.block(height)
    transactions, time_ms = stored.transactions, stored.header.time_ms
    firings = len(receipts) - len(transactions)
    first_event = sum(len(receipt.events) for receipt in receipts)
    for index in range(len(receipts) - 1, -1, -1):
        receipt = receipts[index]
        first_event -= len(receipt.events)
        data = transactions[index - firings] if index >= firings else b""
        concerned = _is_named(receipt, account, fields)
        if not concerned and account not in data:
            continue  # most are not even decoded
        tx = read_transaction(data) if data else None
        if concerned or (tx and account in {tx.body.account, tx.body.sponsor}):
            named = tuple([i for i, one in enumerate(receipt.events) if account in one.values])
            yield Entry(height, index, time_ms, receipt, first_event, named, tx)


def _is_named(receipt: Receipt, account: bytes, fields: EventFields) -> bool:
    return any(
        event.values[place] == account
        for event in receipt.events
        for place in fields.get((event.contract, event.number), ())
    )


def sent_transactions(
    ledger: ChainLedger, account: bytes, before: Place, limit: int
) -> tuple[list[Entry], Place | None]:
    """Return transactions that an account sent or sponsored, as `account_entries` does."""
    places = ledger.store.newest_events(account_topic(account), before, limit + 1)
    found: list[Entry] = []
    looked_at = 0
    for height, numbers in groupby(places[:limit], key=lambda place: place[0]):
        if looked_at > RECEIPTS_MAX:
            return found, (height + 1, 0)
        try:
            block, receipts = ledger.store.block(height), ledger.store.receipts(height)
        except PrunedError:
            if not found:
                raise
            return found, (height + 1, 0)
        looked_at += len(receipts)
        for _height, index in numbers:
            entry = _transaction_entry(block, receipts, index)
            assert entry.tx is not None, "it is one of a transaction"
            if account in {entry.tx.body.account, entry.tx.body.sponsor}:
                found.append(entry)
    return found, places[limit - 1] if len(places) > limit else _end_of(ledger, before)


def list_transactions(
    ledger: ChainLedger, contract: bytes | None, before: Place, limit: int
) -> tuple[list[Entry], Place | None]:
    """Return transactions below (height, index) and where to go on, as `account_entries` does.

    `contract`: only those that call it or deployed it; the blocks are looked through, a bounded
    number of them for one answer.
    """
    found: list[Entry] = []
    height = before[0] if before[1] else before[0] - 1
    looked_at = 0
    lowest = max(height - BLOCKS_MAX, 0)
    while height > lowest and looked_at < RECEIPTS_MAX:
        try:
            block = ledger.store.block(height)
        except PrunedError:
            if not found:
                raise
            return found, before
        looked_at += 2 * len(block.transactions)  # bytes are searched, receipts decoded
        if block.transactions:
            receipts = ledger.store.receipts(height)
            for index in range(len(receipts) - 1, len(receipts) - len(block.transactions) - 1, -1):
                if (height, index) < before and _concerns(block, receipts, index, contract):
                    found.append(_transaction_entry(block, receipts, index))
                    if len(found) == limit:
                        return found, (height, index)
        before = (height, 0)
        height -= 1
    return found, before if height > 0 else None


def _transaction_entry(block: Block, receipts: list[Receipt], index: int) -> Entry:
    tx = read_transaction(block.transactions[index - len(receipts)])
    first_event = sum(len(one.events) for one in receipts[:index])
    header = block.header
    return Entry(header.height, index, header.time_ms, receipts[index], first_event, (), tx)


def _concerns(block: Block, receipts: list[Receipt], index: int, contract: bytes | None) -> bool:
    if contract is None or _deploys(receipts[index], contract):
        return True
    data = block.transactions[index - len(receipts)]
    if contract not in data:
        return False  # most are not even decoded
    actions = read_transaction(data).body.actions
    return any(isinstance(one, Call) and one.contract == contract for one in actions)


def _deploys(receipt: Receipt, contract: bytes) -> bool:
    return any(
        event.contract == ZERO_ID
        and event.number == KernelEvent.DEPLOYED
        and event.values[0] == contract
        for event in receipt.events
    )
