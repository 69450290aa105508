"""What is done to a network, drawn from a seed: which nodes, how, and after how long."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Kind = Literal["load", "decide", "idle", "start", "two", "all", "freeze"]

# How often each kind is drawn, in parts of 24.
_WEIGHTS: dict[Kind, int] = {
    "load": 6,  # any moment while people pay
    "decide": 6,  # just after a node took a transaction: a block is being decided
    "idle": 2,  # nobody pays
    "start": 4,  # while it starts: killed, started, killed again
    "two": 2,  # of four validators no quorum may be left
    "all": 1,
    "freeze": 3,  # stopped for seconds, then it goes on as if nothing had been
}


@dataclass(frozen=True, slots=True)
class Blow:
    """One of them; times in seconds."""

    kind: Kind
    victims: tuple[str, ...]
    after_s: float  # from now until they are killed or frozen
    away_s: float  # until they are started again or go on
    early_s: float  # of "start": from its start until it is killed again
    is_awaited: bool  # whether the next blow waits until they answer

    @property
    def kills(self) -> int:
        """How many processes end by it."""
        if self.kind == "freeze":
            return 0
        return 2 if self.kind == "start" else len(self.victims)


def draw_blows(random: Random, names: Sequence[str], kills: int) -> Iterator[Blow]:
    """Yield blows until so many processes were killed, or a few more by the last one."""
    done = 0
    while done < kills:
        blow = _draw(random, names)
        yield blow
        done += blow.kills


def _draw(random: Random, names: Sequence[str]) -> Blow:
    kind = random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
    count = {"two": 2, "all": len(names)}.get(kind, 1)
    return Blow(
        kind,
        tuple(random.sample(list(names), count)),
        after_s=random.uniform(0, 0.05 if kind == "decide" else 1.0),
        away_s=random.uniform(1, 4) if kind == "freeze" else random.choice((0.0, 0.3, 2.0)),
        early_s=random.uniform(0.05, 1.5),
        is_awaited=random.random() < 0.6,
    )
