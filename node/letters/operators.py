"""Letters to operators between the gateways where customers write and the nodes where they read.

A gateway takes them to and from the others that its settings name; any other node does so for those
who log in there. Nothing is believed: a letter is taken if its fingerprint is on the chain.

A gateway is asked by everybody. So only the chain, a letter that was not here before, and who reads
his own letters here begin anything; a question of a stranger or of another gateway does not, or two
that both lack a letter would ask each other for as long as it is named.
"""

from collections.abc import Callable
from typing import Any

from chain.ids import encode_id
from chain.roles import Role, has_role
from node.carrying import Ask
from node.letters.carrying import LetterCarrier
from node.letters.service import About, Kind, Letters

TRIES_MAX = 12  # a minute; whoever gets a letter later brings it, and a reader asks anew
IsFor = Callable[[bytes], bool]


class OperatorsCarrier(LetterCarrier):
    """Carries messages and their answers for the operators that a test tells."""

    def __init__(self, letters: Letters, is_for: IsFor, ask: Ask) -> None:
        def is_meant(about: About, receiver: bytes) -> bool:
            return about.kind is Kind.MESSAGE and is_for(receiver)

        super().__init__(letters, is_meant, ask, TRIES_MAX)
        letters.on_wanted.append(self.want)

    def want(self, about: About) -> None:
        """Carry a message and its answer, soon, if they are those of an operator meant here."""
        receiver = self._letters.receiver(about)
        if receiver is not None and self._is_meant(about, receiver):
            super().want(about)


def operators_of(node: Any, *, is_gateway: bool) -> IsFor:
    """Return what tells whose letters a node carries: on a gateway those of all operators."""

    def is_for(account: bytes) -> bool:
        if not has_role(node.state(), account, Role.OPERATOR):
            return False
        logins = () if node.operators is None else node.operators.book.all()
        return is_gateway or encode_id("acct", account) in {one.account for one in logins}

    return is_for
