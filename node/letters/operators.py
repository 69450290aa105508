"""Letters to operators between the gateways where customers write and the nodes where they read.

A gateway takes them to and from the others that its settings name; any other node does so for those
who log in there. Nothing is believed: a letter is taken if its fingerprint is on the chain.

A gateway is asked by everybody. So only the chain, a letter that was not here before, and who reads
his own letters here begin anything; a question of a stranger or of another gateway does not, or two
that both lack a letter would ask each other for as long as it is named.
"""

from collections.abc import Callable
from typing import Any

from chain.executed import ExecutedBlock
from chain.ids import encode_id
from chain.roles import Role, has_role
from node.carrying import Ask, Rounds
from node.letters.carrying import WAITING_MAX, make_alike, told_letters
from node.letters.service import About, Kind, Letters

TRIES_MAX = 12  # a minute; whoever gets a letter later brings it, and a reader asks anew
IsFor = Callable[[bytes], bool]


class OperatorsCarrier:
    """Carries letters between this node and one gateway, for the operators that a test tells."""

    def __init__(self, letters: Letters, is_for: IsFor, ask: Ask) -> None:
        self._letters, self._is_for, self._ask = letters, is_for, ask
        self._rounds = Rounds(self._carry, WAITING_MAX, TRIES_MAX)
        self.carry_all = self._rounds.carry_all
        letters.on_wanted.append(self.want)
        letters.node.on_commit.append(self.on_commit)

    def want(self, about: About) -> None:
        """Carry a message and its answer, soon, if they are those of an operator meant here."""
        if about.kind is Kind.MESSAGE:
            receiver = self._letters.receiver(about)
            if receiver is not None and self._is_for(receiver):
                self._rounds.want(about)

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Note what a block that was just stored says about letters to operators."""
        for about, receiver in told_letters(self._letters, executed):
            if about.kind is Kind.MESSAGE and self._is_for(receiver):
                self._rounds.want(about)

    async def run(self) -> None:
        """Carry what waits, now and whenever there is more, until cancelled."""
        for key in self._letters.store.subjects():
            self.want(About(Kind(key[0]), key[1:]))
        await self._rounds.run()

    async def _carry(self, about: About) -> bool:
        return await make_alike(self._letters, about, self._ask)


def operators_of(node: Any, *, is_gateway: bool) -> IsFor:
    """Return what tells whose letters a node carries: on a gateway those of all operators."""

    def is_for(account: bytes) -> bool:
        if not has_role(node.state(), account, Role.OPERATOR):
            return False
        logins = () if node.operators is None else node.operators.book.all()
        return is_gateway or encode_id("acct", account) in {one.account for one in logins}

    return is_for
