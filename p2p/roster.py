"""Which peers stay connected: room by role, one connection for each key. Pure bookkeeping.

Both sides of two connections between the same nodes must keep the same one, or they would close
each other's for ever. So the connection that the node with the lower key dialled stays. Of two that
one node dialled the newer stays, since a node dials again only when it has lost the first.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from p2p.handshake import NodeRole

# A validator keeps all others, and the gateways; a gateway keeps a street of sleeping shops.
ROOM = {NodeRole.VALIDATOR: 128, NodeRole.GATEWAY: 32, NodeRole.FULL: 64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A connection whose handshake is done.

    `role` is what the chain or the settings say that the key is, never the peer's own word: rooms
    for validators must not fill with those who call themselves so. `is_known` is true of keys that
    the chain or the settings name.
    """

    connection_id: int
    node_key: bytes
    role: NodeRole
    is_known: bool
    is_dialer: bool  # this node dialled
    is_banned: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """The connection stays; those named here must be closed, each with its reason."""

    closing: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The connection must be closed, with this reason."""

    reason: str


Answer: TypeAlias = Accepted | Refused


@dataclass(slots=True)
class Roster:
    """The connections of one node that stay."""

    own_key: bytes
    room: dict[NodeRole, int] = field(default_factory=lambda: dict(ROOM))
    _by_id: dict[int, Candidate] = field(default_factory=dict)  # in the order they came

    def __len__(self) -> int:
        """Return how many connections stay."""
        return len(self._by_id)

    def connections(self) -> list[Candidate]:
        """Return those that stay, oldest first."""
        return list(self._by_id.values())

    def find(self, node_key: bytes) -> Candidate | None:
        """Return the connection with a key."""
        return next((one for one in self._by_id.values() if one.node_key == node_key), None)

    def offer(self, new: Candidate) -> Answer:
        """Decide about a new connection, and keep it if it is accepted."""
        if new.node_key == self.own_key:
            return Refused("self")
        if new.is_banned:
            return Refused("banned")
        old = self.find(new.node_key)
        if old is not None and not self._is_better(new, old):
            return Refused("duplicate")
        others = [one for one in self._by_id.values() if one is not old]
        leaving = [] if old is None else [(old, "duplicate")]
        if sum(one.role is new.role for one in others) >= self.room[new.role]:
            strangers = [one for one in others if one.role is new.role and not one.is_known]
            if not new.is_known or not strangers:
                return Refused("full")
            leaving.append((strangers[-1], "full"))  # the newest
        for one, _reason in leaving:
            del self._by_id[one.connection_id]
        self._by_id[new.connection_id] = new
        return Accepted(tuple((one.connection_id, reason) for one, reason in leaving))

    def _is_better(self, new: Candidate, old: Candidate) -> bool:
        if new.is_dialer == old.is_dialer:
            return True
        return new.is_dialer == (self.own_key < new.node_key)

    def count(self, role: NodeRole) -> int:
        """Return how many connections of a role stay."""
        return sum(one.role is role for one in self._by_id.values())

    def remove(self, connection_id: int) -> bool:
        """Forget a connection that has ended; False if it did not stay."""
        return self._by_id.pop(connection_id, None) is not None
