"""The wallets of a rehearsal: keys for its people, and the signed transactions of the plan.

Signing is the customers' and shops' work, not the node's, so it runs in a process of its own ahead
of the chain; so does the check of every signature, once, in another. Keys come from the plan's
numbers alone: the chain is thrown away and its bytes are the same at every run.
"""

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import Full, Queue

from chain.crypto import Signer, hash_bytes
from chain.rules import check_signatures
from chain.transaction import (
    TX_VERSION,
    Action,
    Call,
    Transaction,
    call_id,
    read_transaction,
    sign_transaction,
    tx_id,
)
from chain.types import MINUTE_MS
from node.children import deaf_to_interrupts
from node.rehearse.errors import RehearsalError
from node.rehearse.plan import Booking, Plan, Step

CHUNK = 256  # transactions sent from process to process at once
AHEAD = 64  # chunks that wait for the chain, some megabytes
_PATIENCE_S = 0.2  # how long the reader of a line that closes goes on trying
VALID_FOR_MS = 10 * MINUTE_MS
SHOP_SETUP_TRANSACTIONS = 1  # what each shop has signed before the plan begins

# What a step may use, gas: about a third more than it does (bench/stages.py prints what it does).
GAS_LIMITS = {
    Step.OPEN: 3_000,
    Step.REQUEST: 7_000,
    Step.CANCEL: 6_500,
    Step.CHECK_IN: 4_500,
    Step.START: 3_500,
    Step.PAY: 4_000,
    Step.EXTEND: 4_000,
    Step.READY: 4_000,
    Step.CONFIRM: 6_500,
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are on the chain: its id, the register, booking contracts by currency."""

    chain_id: bytes
    register: bytes
    bookings: tuple[bytes, ...]


def signer_of(role: str, number: int) -> Signer:
    """Return the keys of the rehearsal's `number`-th customer, shop, operator or validator."""
    return Signer(hash_bytes("rehearsal-" + role, number.to_bytes(8, "big")))


class Wallet:
    """An account that signs one transaction after another."""

    __slots__ = ("_chain_id", "_nonce", "_signer", "account")

    def __init__(self, signer: Signer, chain_id: bytes, nonce: int = 0) -> None:
        """`nonce` is the first one to use."""
        self._signer, self._chain_id, self._nonce = signer, chain_id, nonce
        self.account = signer.public_key

    def body(self, now: int, gas_limit: int, *actions: Action) -> Transaction:
        """Return the next transaction of this account, unsigned; it is good for ten minutes."""
        nonce = self._nonce
        self._nonce = nonce + 1
        return Transaction(
            TX_VERSION, self._chain_id, self.account, None, nonce, now + VALID_FOR_MS, gas_limit,
            None, actions, None,
        )  # fmt: skip

    def sign(self, body: Transaction) -> bytes:
        """Return the signed bytes."""
        return sign_transaction(body, self._signer)


class PlanSigner:
    """Turns the plan's steps into signed transactions, in order."""

    def __init__(self, plan: Plan, places: Places) -> None:
        self._plan, self._places = plan, places
        self._wallets: dict[tuple[str, int], Wallet] = {}
        self._ids: dict[int, bytes] = {}

    def _wallet(self, role: str, number: int) -> Wallet:
        wallet = self._wallets.get((role, number))
        if wallet is None:
            nonce = SHOP_SETUP_TRANSACTIONS if role == "shop" else 0
            wallet = Wallet(signer_of(role, number), self._places.chain_id, nonce)
            self._wallets[role, number] = wallet
        return wallet

    def sign_step(self, step: tuple[int, int, int]) -> bytes:
        """Return the signed transaction of one step."""
        now, kind, number = step
        gas = GAS_LIMITS[Step(kind)]
        if kind == Step.OPEN:
            wallet = self._wallet("shop", number)
            return wallet.sign(
                wallet.body(now, gas, Call(self._places.register, "open_shop", (), 0))
            )
        booking = self._plan.bookings[number]
        contract = self._places.bookings[booking.currency]
        if kind == Step.REQUEST:
            return self._sign_request(number, booking, contract, now)
        by_shop = kind in {Step.START, Step.READY}
        wallet = self._wallet(
            *(("shop", booking.shop) if by_shop else ("customer", booking.customer))
        )
        funds = booking.total - booking.hold if kind == Step.PAY else 0
        arguments: tuple[bytes | int, ...] = (self._ids[number],)
        if kind == Step.EXTEND:
            arguments += (booking.extended_until,)
        call = Call(contract, _FUNCTIONS[Step(kind)], arguments, funds)
        return wallet.sign(wallet.body(now, gas, call))

    def _sign_request(self, number: int, booking: Booking, contract: bytes, now: int) -> bytes:
        wallet = self._wallet("customer", booking.customer)
        shop = self._wallet("shop", booking.shop).account
        arguments = (shop, 0, 0, booking.start, booking.end, 0, booking.total, booking.policy)
        call = Call(contract, "request", arguments, booking.hold)
        body = wallet.body(now, GAS_LIMITS[Step.REQUEST], call)
        self._ids[number] = call_id(tx_id(body), 0)  # the booking's id, known before it is sent
        return wallet.sign(body)


_FUNCTIONS = {
    Step.CANCEL: "cancel_booking",
    Step.CHECK_IN: "check_in",
    Step.START: "start_service",
    Step.PAY: "pay",
    Step.EXTEND: "extend",
    Step.READY: "ready",
    Step.CONFIRM: "confirm",
}


def check_chunk(chunk: list[bytes]) -> None:
    """Check every signature of a chunk; raises BadSignatureError."""
    for data in chunk:
        check_signatures(read_transaction(data))


def _sign_all(orders: Connection, sink: Connection) -> None:
    with suppress(EOFError, OSError):  # a neighbour has ended; so does this
        plan, places = orders.recv()
        signer = PlanSigner(plan, places)
        for start in range(0, len(plan.steps), CHUNK):
            sink.send([signer.sign_step(step) for step in plan.steps[start : start + CHUNK]])
    sink.close()


def _check_all(source: Connection, sink: Connection) -> None:
    with suppress(EOFError, OSError):
        while True:
            chunk = source.recv()
            check_chunk(chunk)
            sink.send(chunk)
    sink.close()


class SigningLine:
    """Two processes ahead of the chain: one signs, one checks.

    They start at once, so that their start-up passes while the chain is being set up. A pipe holds
    less than a chunk, so a thread here takes what is ready, up to AHEAD chunks: the processes work
    on while a full instant is carried out.
    """

    def __init__(self) -> None:
        """Start the processes."""
        context = multiprocessing.get_context("spawn")
        orders, self._orders = context.Pipe(duplex=False)
        signed, signed_sink = context.Pipe(duplex=False)
        self._checked, checked_sink = context.Pipe(duplex=False)
        self._processes = [
            context.Process(target=_sign_all, args=(orders, signed_sink), daemon=True),
            context.Process(target=_check_all, args=(signed, checked_sink), daemon=True),
        ]
        with deaf_to_interrupts():
            for process in self._processes:
                process.start()
        for end in (orders, signed_sink, signed, checked_sink):
            end.close()  # so that a process that dies is an end of file here

        self._ready: Queue[list[bytes] | None] = Queue(AHEAD)
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read_ahead, daemon=True)
        self._reader.start()

    def _read_ahead(self) -> None:
        chunk: list[bytes] | None = []
        while chunk is not None:
            try:
                chunk = self._checked.recv()
            except (EOFError, OSError):
                chunk = None  # the end, or a process that was ended
            while not self._closing.is_set():
                with suppress(Full):
                    self._ready.put(chunk, timeout=_PATIENCE_S)
                    break

    def run(self, plan: Plan, places: Places) -> Iterator[bytes]:
        """Yield the plan's signed transactions in order, every signature checked.

        Raises RehearsalError if one of the processes ended too early.
        """
        text = "a process that signs or checks transactions was ended from outside; run again"
        try:
            self._orders.send((plan, places))
        except OSError as error:
            raise RehearsalError(text) from error
        for _ in range(0, len(plan.steps), CHUNK):
            chunk = self._ready.get()
            if chunk is None:
                raise RehearsalError(text)
            yield from chunk

    def close(self) -> None:
        """End the processes and the thread."""
        self._closing.set()
        for process in self._processes:
            process.terminate()
            process.join()
        self._reader.join()
        self._orders.close()
        self._checked.close()
