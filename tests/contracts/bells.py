"""Helpers of tests about what falls due: bells to ring, pots to fall back, what a receipt says."""

from collections.abc import Sequence

from chain.changes import SetParam
from chain.receipt import Receipt, ReceiptKind
from chain.transaction import Call, Propose
from contracts.firing import TIMER_OVERHEAD_GAS
from contracts.vm.program import load_program
from tests.make import BOX, TestChain, account, compiled, word

RING = bytes([0])  # the handler's place among the timers of the box
GAS_PER_BP = 150  # a ten-thousandth of a block's gas


def plan(chain: TestChain, box: bytes, names: list[str], at: int, function: str = "plan") -> None:
    """Set a timer per name, sixteen to a transaction."""
    calls = [Call(box, function, (word(name), at), 0) for name in names]
    txs = [
        chain.sign("alice", *calls[first : first + 16], gas_limit=300_000)
        for first in range(0, len(calls), 16)
    ]
    for first in range(0, len(txs), 4):
        executed = chain.run(*txs[first : first + 4])
        assert all(receipt.ok for receipt in executed.receipts), executed.receipts
        assert executed.refused == ()


def put(chain: TestChain, box: bytes, name: str, until: int, funds: int = 100) -> None:
    assert chain.call("alice", box, "put", word(name), until, account("alice"), funds=funds).ok


def rung(receipts: Sequence[Receipt], names: list[str]) -> list[str]:
    """Return which bells rang, in order."""
    known = {word(name): name for name in names}
    values = [event.values for one in receipts for event in one.events if event.number == 0]
    return [known[value[0]] for value in values]


def kinds(receipts: Sequence[Receipt]) -> list[tuple[str, bool]]:
    return [(ReceiptKind(one.kind).name.lower(), one.ok) for one in receipts]


def set_param(chain: TestChain, name: str, value: int) -> None:
    assert chain.do("olga", Propose(SetParam(name, value))).ok


def give_timers(chain: TestChain, gas: int) -> None:
    """Leave at least `gas`, and less than 150 more, for what falls due in a block."""
    set_param(chain, "timer_gas_share_bp", -(-gas // GAS_PER_BP))


def most_gas(handler: str) -> int:
    """Return what a block must have left for a timer of the box."""
    return load_program(compiled(BOX)).by_name[handler].worst_case_gas + TIMER_OVERHEAD_GAS
