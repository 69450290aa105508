"""Who signs what and when: steps of demo visits, signed and sent when their time has come.

The shops' own routine is here as well: they sign that they are open, since the rules charge no
missed visit of a shop that nobody opened within the 24 hours before.
"""

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from chain.errors import WashError
from chain.governance import contract_by_name
from chain.state import State
from chain.transaction import Action, Call, call_id, tx_id
from chain.types import HOUR_MS
from node.demo.accounts import Signing, account_of, make_body, sign_body
from node.demo.catalogue import SHOPS
from node.demo.world import BOOKING_NAME, REGISTER_NAME, DemoSetupError
from node.live.node import Node

STEP_GAS = 20_000
OPEN_EVERY_MS = 12 * HOUR_MS  # twice as often as needed, so that a late one leaves no gap
_REGISTER_FUNCTIONS = ("open_shop", "close_shop")


@dataclass(frozen=True, slots=True)
class Step:
    """One signed call. `visit` numbers the booking it is about; requests make it.

    `staff` is who signs for the shop, if not the owner; `about` names another contract.
    """

    at_ms: int
    who: str
    function: str
    visit: int | None = None
    arguments: tuple[bytes | int, ...] = ()
    funds: int = 0
    sponsor: str | None = None
    staff: str | None = None
    about: str = BOOKING_NAME


def contract_named(state: State, name: str) -> bytes:
    """Return the contract installed under a name, or raise DemoSetupError."""
    found = contract_by_name(state, name)
    if found is None:
        text = f"no contract {name!r} on this chain: the demo is played on its own chain"
        raise DemoSetupError(text)
    return found


def send(
    node: Node,
    name: str,
    *actions: Action,
    sponsor: str | None = None,
    staff: str | None = None,
    gas: int = STEP_GAS,
) -> bytes:
    """Sign actions as a demo account and let them wait for a block; returns the transaction's id.

    Raises what `Node.submit` raises.
    """
    nonce = node.next_nonce(account_of(name), account_of(staff or name))
    signing = Signing(node.ledger.chain_id, node.block_time(), nonce, gas, sponsor, staff)
    body = make_body(name, signing, *actions)
    node.submit(sign_body(body, staff or name, sponsor))
    return tx_id(body)


@dataclass(slots=True)
class Script:
    """Steps still to come, in order of time, and what the visits' requests were.

    `opens_ms` is when the shops open next; None: they have no routine.
    """

    steps: list[tuple[int, int, Step]] = field(default_factory=list)
    requests: dict[int, bytes] = field(default_factory=dict)  # visit -> id of the transaction
    refused: int = 0
    visits: int = 0
    opens_ms: int | None = None
    added: int = 0

    def copy(self) -> Self:
        """Return a script that goes on from here by itself."""
        return replace(self, steps=list(self.steps), requests=dict(self.requests))

    def add(self, steps: Iterable[Step]) -> None:
        """Take steps; those of one time keep their order."""
        for step in steps:
            insort(self.steps, (step.at_ms, self.added, step), key=lambda one: one[:2])
            self.added += 1

    def next_ms(self) -> int | None:
        """Return when the next step is to be taken, or None."""
        times = [one[0] for one in self.steps[:1]]
        if self.opens_ms is not None:
            times.append(self.opens_ms)
        return min(times, default=None)

    def play(self, node: Node, now_ms: int) -> None:
        """Sign and send every step up to `now_ms`; one that is refused is counted and left out."""
        if self.opens_ms is not None and self.opens_ms <= now_ms:
            self.opens_ms = (node.block_time() // OPEN_EVERY_MS + 1) * OPEN_EVERY_MS
            for shop in SHOPS:
                self._try(node, Step(now_ms, shop.account, "open_shop"))
        while self.steps and self.steps[0][0] <= now_ms:
            self._try(node, self.steps.pop(0)[2])

    def _try(self, node: Node, step: Step) -> None:
        try:
            self._take(node, step)
        except WashError:
            self.refused += 1
            if step.visit is not None and step.function == "request":
                self.drop(step.visit)

    def drop(self, visit: int) -> None:
        """Forget the steps of a visit whose request came to nothing."""
        self.steps = [one for one in self.steps if one[2].visit != visit]

    def _take(self, node: Node, step: Step) -> None:
        name = REGISTER_NAME if step.function in _REGISTER_FUNCTIONS else step.about
        contract = contract_named(node.state(), name)
        arguments = step.arguments
        if step.visit is not None and step.function != "request":
            arguments = (call_id(self.requests[step.visit], 0), *arguments)
        call = Call(contract, step.function, arguments, step.funds)
        sent = send(node, step.who, call, sponsor=step.sponsor, staff=step.staff)
        if step.visit is not None and step.function == "request":
            self.requests[step.visit] = sent
