"""Pending transactions: what was accepted and is in no block yet.

Bounded in number, in bytes, by account and by sponsor. When it is full, newcomers are refused and
nobody is pushed out: what was accepted stays until it is in a block, can not be any more, or is
over.
"""

import heapq
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chain.errors import InvalidTransactionError, NonceUsedError
from chain.transaction import ReceivedTransaction

CLIENT_REFS_MAX = 100_000  # remembered references; the oldest are forgotten first
SHARE_MAX = 64  # of one payer in a block, before the others had their turn
_ENDS_MIN = 1_024  # of what waits no more, kept before the heap is made anew


class PoolFullError(InvalidTransactionError):
    """No room for one more pending transaction."""

    code = 1010
    retry = "later"

    def __init__(self, what: str, *, maximum: int) -> None:
        super().__init__(f"{what} wait for a block already, at most {maximum} may; try again soon")
        self.maximum = maximum


class DuplicateReferenceError(InvalidTransactionError):
    """A `client_ref` that another transaction of the account bears."""

    code = 1007

    def __init__(self, tx_id: bytes) -> None:
        super().__init__(f"this client_ref names transaction {tx_id.hex()}; take a new one")
        self.tx_id = tx_id


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds: transactions and bytes in all, transactions that one account sent or sponsors."""

    transactions_max: int = 50_000
    bytes_max: int = 64 * 1024 * 1024
    per_account_max: int = 1_024


class Pool:
    """Pending transactions by id, in order of arrival."""

    def __init__(self, limits: PoolLimits | None = None) -> None:
        self._limits = limits or PoolLimits()
        self._entries: dict[bytes, ReceivedTransaction] = {}
        self._put_off: dict[bytes, int] = {}  # not offered before: refused for what may pass
        self._by_witness: dict[bytes, bytes] = {}
        self._ends: list[tuple[int, bytes]] = []  # a heap of valid_until and id
        self._nonces: dict[tuple[bytes, bytes], dict[int, bytes]] = {}
        self._reserved: dict[tuple[bytes, bytes], int] = {}  # signed, and sent by another node
        self._counts: Counter[bytes] = Counter()  # of senders
        self._sponsored: Counter[bytes] = Counter()  # of sponsors, apart from what they send
        self._references: OrderedDict[tuple[bytes, bytes], bytes] = OrderedDict()
        self.bytes_held = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._entries)

    def __contains__(self, tx_id: bytes) -> bool:
        """Tell whether a transaction waits."""
        return tx_id in self._entries

    def get(self, tx_id: bytes) -> ReceivedTransaction | None:
        """Return a waiting transaction, or None."""
        return self._entries.get(tx_id)

    def find_witness(self, witness_id: bytes) -> bytes | None:
        """Return the signed bytes of a waiting transaction by their hash, or None."""
        tx_id = self._by_witness.get(witness_id)
        return None if tx_id is None else self._entries[tx_id].data

    def check(self, tx: ReceivedTransaction) -> None:
        """Raise PoolFullError, NonceUsedError or DuplicateReferenceError unless it may be added."""
        limits, body = self._limits, tx.body
        if len(self._entries) >= limits.transactions_max:
            what = f"{len(self._entries)} transactions"
            raise PoolFullError(what, maximum=limits.transactions_max)
        if self.bytes_held + len(tx.data) > limits.bytes_max:
            raise PoolFullError(f"{self.bytes_held} bytes", maximum=limits.bytes_max)
        for what, count in (
            ("of this account", self._counts[body.account]),
            ("of this sponsor", self._sponsored[body.sponsor or b""]),
        ):
            if count >= limits.per_account_max:
                raise PoolFullError(f"{count} transactions {what}", maximum=limits.per_account_max)
        if body.nonce in self._nonces.get(_key(tx), ()):
            raise NonceUsedError(body.nonce)
        if body.client_ref is not None:
            named = self._references.get((body.account, body.client_ref))
            if named is not None and named != tx.tx_id:
                raise DuplicateReferenceError(named)

    def add(self, tx: ReceivedTransaction) -> None:
        """Let a transaction wait; `check` has passed."""
        body = tx.body
        self._entries[tx.tx_id] = tx
        self._by_witness[tx.witness_id] = tx.tx_id
        heapq.heappush(self._ends, (body.valid_until, tx.tx_id))
        self._nonces.setdefault(_key(tx), {})[body.nonce] = tx.tx_id
        self._counts[body.account] += 1
        if body.sponsor is not None:
            self._sponsored[body.sponsor] += 1
        self.bytes_held += len(tx.data)
        if body.client_ref is not None:
            self._references[body.account, body.client_ref] = tx.tx_id
            if len(self._references) > CLIENT_REFS_MAX:
                self._references.popitem(last=False)

    def remove(self, tx_id: bytes) -> ReceivedTransaction | None:
        """Forget a transaction and return it, or None if it does not wait."""
        tx = self._entries.pop(tx_id, None)
        if tx is None:
            return None
        self._put_off.pop(tx_id, None)
        del self._by_witness[tx.witness_id]
        if len(self._ends) > 2 * len(self._entries) + _ENDS_MIN:  # most are in blocks for long
            self._ends = [(one.body.valid_until, one.tx_id) for one in self._entries.values()]
            heapq.heapify(self._ends)
        key = _key(tx)
        nonces = self._nonces[key]
        del nonces[tx.body.nonce]
        if not nonces:
            del self._nonces[key]
        _count_down(self._counts, tx.body.account)
        if tx.body.sponsor is not None:
            _count_down(self._sponsored, tx.body.sponsor)
        self.bytes_held -= len(tx.data)
        return tx

    def take_overtaken(self, final: ReceivedTransaction) -> ReceivedTransaction | None:
        """Forget and return what waits with the nonce of one that is in a block, or None."""
        tx_id = self._nonces.get(_key(final), {}).get(final.body.nonce)
        return None if tx_id is None else self.remove(tx_id)

    def clear(self) -> None:
        """Forget everything, references too: the chain went back to before they were used."""
        for tx_id in list(self._entries):
            self.remove(tx_id)
        self._references.clear()
        self._reserved.clear()

    def free_reference(self, tx: ReceivedTransaction) -> None:
        """Let another transaction bear the reference of one that no block will contain."""
        named = (tx.body.account, tx.body.client_ref or b"")
        if self._references.get(named) == tx.tx_id:
            del self._references[named]

    def put_off(self, tx_id: bytes, until_ms: int) -> None:
        """Do not offer a transaction before a time; where many wait so, one ms later for each."""
        others = len(self._put_off) - (tx_id in self._put_off)
        self._put_off[tx_id] = until_ms + others  # or trying them again would be all that is done

    def is_put_off(self, tx_id: bytes) -> bool:
        """Tell whether a transaction was refused before for what may pass."""
        return tx_id in self._put_off

    def next_retry_ms(self) -> int | None:
        """Return when the first transaction that was put off may be offered again, or None."""
        return min(self._put_off.values(), default=None)

    def next_nonce(self, account: bytes, key: bytes, on_chain: int) -> int:
        """Return the lowest nonce above those of the chain, of what waits, and reserved ones."""
        waiting = max(self._nonces.get((account, key), ()), default=-1)
        return max(on_chain, waiting + 1, self._reserved.get((account, key), -1) + 1)

    def reserve_nonce(self, account: bytes, key: bytes, nonce: int) -> None:
        """Let nobody else here use a nonce, or one below: what has it goes by another node."""
        self._reserved[account, key] = nonce

    def has_work(self, now_ms: int) -> bool:
        """Tell whether a transaction may be offered now."""
        if len(self._entries) > len(self._put_off):
            return True
        return any(until_ms <= now_ms for until_ms in self._put_off.values())

    def offer(self, now_ms: int, gas_max: int) -> list[ReceivedTransaction]:
        """Return what should go into the next block: in order of arrival, a key's by nonce.

        Nobody takes more than a share before the others had theirs, and no sponsor either. Stops
        when the gas limits add up to `gas_max`, or after one that alone is more.
        """
        chosen: list[ReceivedTransaction] = []
        waiting: list[ReceivedTransaction] = []
        taken: Counter[bytes] = Counter()
        gas = 0
        for tx_id, tx in self._entries.items():
            if gas >= gas_max:
                break
            if self._put_off.get(tx_id, 0) > now_ms:
                continue
            payer = tx.body.sponsor or tx.body.account
            taken[payer] += 1
            if taken[payer] > SHARE_MAX:
                waiting.append(tx)
                continue
            chosen.append(tx)
            gas += tx.body.gas_limit
        for tx in waiting:
            if gas >= gas_max:
                break
            chosen.append(tx)
            gas += tx.body.gas_limit
        return list(_in_nonce_order(chosen))

    def take_expired(self, now_ms: int) -> list[ReceivedTransaction]:
        """Forget and return those that no block from `now_ms` on can contain."""
        over: list[ReceivedTransaction] = []
        while self._ends and self._ends[0][0] <= now_ms:
            tx = self.remove(heapq.heappop(self._ends)[1])
            if tx is not None:
                over.append(tx)
        return over

    def __iter__(self) -> Iterator[ReceivedTransaction]:
        """Yield what waits, in order of arrival."""
        return iter(list(self._entries.values()))


def _count_down(counts: Counter[bytes], account: bytes) -> None:
    counts[account] -= 1
    if not counts[account]:
        del counts[account]


def _key(tx: ReceivedTransaction) -> tuple[bytes, bytes]:
    return tx.body.account, tx.body.key or tx.body.account


def _in_nonce_order(chosen: list[ReceivedTransaction]) -> Iterable[ReceivedTransaction]:
    """Give each key's transactions the places they have together, lowest nonce first."""
    by_key: dict[tuple[bytes, bytes], list[ReceivedTransaction]] = {}
    for tx in chosen:
        by_key.setdefault(_key(tx), []).append(tx)
    if len(by_key) == len(chosen):
        return chosen
    queues = {key: iter(sorted(txs, key=lambda tx: tx.body.nonce)) for key, txs in by_key.items()}
    return [next(queues[_key(tx)]) for tx in chosen]
