"""The model's vote keeper against ours: what a vote makes known.

A validator of weight w is as many keys as w has units, which vote together.
"""

from math import gcd
from typing import Any

from chain.block import PRECOMMIT, PREVOTE
from chain.validators import ValidatorSet
from chain.vote import SignedVote
from consensus import NIL_ID, VoteBook
from node.sim.cluster import sim_seed

Faults = tuple[list[str], str | None]
_KINDS = {"Prevote": PREVOTE, "Precommit": PRECOMMIT}
_NAMES = {PREVOTE: "Polka", PRECOMMIT: "Precommit"}


class Keeper:
    """Takes the states of one `votekeeperTest`."""

    def __init__(self) -> None:
        """Begin before the first state, which names the validators."""
        self._keys: dict[str, list[bytes]] = {}
        self._book = VoteBook(ValidatorSet(()))
        self._set = ValidatorSet(())
        self._emitted: set[Any] = set()
        self._values: dict[bytes, str] = {}

    def take(self, state: dict[str, Any]) -> Faults:
        """Count the state's vote, and compare what it makes known with the model's output."""
        if not self._keys:
            self._begin(state["bookkeeper"]["validatorSet"])
        if state["weightedVote"] == "NoWeightedVote":
            return [], None
        vote, _weight, current = state["weightedVote"][1]
        found = self._count(vote, current)
        wanted = state["lastEmitted"]
        if found == wanted:
            return [], None
        is_skip = "SkipVKOutput" in (found[0], wanted[0])
        return [f"output {found}, expected {wanted}"], "skip to >= r" if is_skip else None

    def _begin(self, weights: dict[str, int]) -> None:
        unit = gcd(*weights.values())
        for name, weight in weights.items():
            self._keys[name] = [sim_seed(f"{name} {one}") for one in range(weight // unit)]
        keys = sorted(key for held in self._keys.values() for key in held)
        self._set = ValidatorSet(tuple(keys))
        self._book = VoteBook(self._set)

    def _count(self, vote: dict[str, Any], current: int) -> Any:
        round_number, kind = vote["round"], _KINDS[vote["voteType"]]
        found = NIL_ID if vote["valueId"] == "Nil" else sim_seed(str(vote["valueId"][1]))
        if found != NIL_ID:
            self._values[found] = vote["valueId"][1]
        for key in self._keys[vote["srcAddress"]]:
            said = (kind, 0, vote["height"], round_number, found, -1, key)
            self._book.add(SignedVote(*said, bytes(64)), current)
        output = self._output(round_number, kind, current)
        if output == "NoVKOutput" or output in self._emitted:
            return "NoVKOutput"
        self._emitted.add(output)
        return output

    def _output(self, round_number: int, kind: int, current: int) -> Any:
        book = self._book
        ahead = sorted([vote.round for vote in book.high.values()], reverse=True)
        need = self._set.skip_threshold
        if round_number > current and len(ahead) >= need and ahead[need - 1] > current:
            return ("SkipVKOutput", ahead[need - 1])
        value = book.quorum_value(round_number, kind)
        if value is not None and value[0] != NIL_ID:
            return (f"{_NAMES[kind]}ValueVKOutput", (round_number, self._values[value[0]]))
        if value is not None and kind == PREVOTE:
            return ("PolkaNilVKOutput", round_number)
        if book.has_quorum_of_any(round_number, kind):
            return (f"{_NAMES[kind]}AnyVKOutput", round_number)
        return "NoVKOutput"
