"""Random arguments by the types and names of a contract's ABI, near what makes sense."""

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from chain.crypto import hash_bytes
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from tests.lives.world import ARBITER, CUSTOMERS, OPERATOR, SHOPS, STAFF, STRANGER, LivesWorld
from tests.make import account, signer

_SIZED = re.compile(r"(bytes|text)\[([0-9]+)\]")
_AMOUNTS = (0, 1, 99, 500, 1_000, 4_000, 6_800, 10_000, 30_000)
_DURATIONS = (0, MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS)
_NUMBERS = {"u8": 7, "u16": 12, "u32": 40, "uint": 400, "sint": 400}
_OF_SHOPS = frozenset({"shop", "seller", "to_shop"})
_OF_CUSTOMERS = frozenset({"holder", "customer", "owner", "to", "account", "who"})
VISITS = frozenset(
    {"visit", "record", "first", "source"}
)  # parameters that mean a visit of either kind
_KEPT = 60  # ids of a kind that are remembered


class Pools:
    """The ids that calls have made, by prefix, the newest last."""

    def __init__(self) -> None:
        self._ids: dict[str, list[bytes]] = {}

    def add(self, prefix: str, made: bytes) -> None:
        """Remember an id."""
        ids = self._ids.setdefault(prefix, [])
        if made not in ids:
            ids.append(made)
        del ids[:-_KEPT]

    def any(self, random: Random, prefix: str) -> bytes | None:
        """Return one of a kind, rather a new one."""
        ids = self._ids.get(prefix)
        if not ids:
            return None
        newest = ids[-12:]
        return random.choice(newest if random.random() < 0.7 else ids)

    def prefixes(self) -> list[str]:
        """Return the kinds of ids there are."""
        return sorted(prefix for prefix in self._ids if prefix[0] != "#")


class Drawer:
    """Draws scalars for parameters; records are flattened as calls take them."""

    def __init__(self, random: Random, world: LivesWorld, pools: Pools) -> None:
        self.random, self.world, self.pools = random, world, pools

    def arguments(self, abi: dict[str, Any], params: list[dict[str, Any]]) -> Iterator[Any]:
        """Yield the scalars of some parameters."""
        for param in params:
            fields = abi["records"].get(param["type"])
            if fields is None:
                yield self._scalar(abi, param)
            else:
                yield from self.arguments(abi, fields)

    def _scalar(self, abi: dict[str, Any], param: dict[str, Any]) -> Any:
        meaning = param.get("meaning") or {}
        for word, draw in self._by_meaning(abi).items():
            if word in meaning:
                return draw(meaning[word])
        return self._by_type(param["type"], param["name"])

    def _by_meaning(self, abi: dict[str, Any]) -> dict[str, Callable[[Any], Any]]:
        random = self.random
        return {
            "id": lambda prefix: self.pools.any(random, prefix) or random.randbytes(32),
            "enum": lambda name: random.choice(sorted(abi["enums"][name].values())),
            "time": lambda _unit: (
                self.world.now
                + random.choice((-1, 1)) * random.choice((*_DURATIONS, 2 * HOUR_MS, 3 * DAY_MS))
            ),
            "duration": lambda _unit: random.choice(_DURATIONS),
            "money": lambda _asset: random.choice(_AMOUNTS),
            "ratio": lambda _unit: random.choice((0, 1, 500, 2_500, 6_000, 10_000)),
        }

    def _by_type(self, kind: str, name: str) -> Any:
        random = self.random
        sized = _SIZED.fullmatch(kind)
        if sized:
            text = random.choice(("", "wash", "洗车"))[: int(sized[2]) // 3]
            return text if sized[1] == "text" else random.randbytes(random.randrange(9))
        match kind:
            case "address":
                return self.address(name)
            case "bool":
                return random.random() < 0.5
            case "hash":
                return self.hash(name)
            case "u32" if name == "day":
                return self.world.now // DAY_MS + random.randrange(-1, 5)
            case _:
                return random.choice((0, 1, 1, 2, random.randrange(_NUMBERS[kind])))

    def address(self, name: str) -> bytes:
        """Return an account that a parameter of this name may mean."""
        random = self.random
        if name in _OF_SHOPS or (name not in _OF_CUSTOMERS and random.random() < 0.4):
            return account(random.choice(SHOPS))
        if random.random() < 0.05:
            return account(random.choice((OPERATOR, ARBITER, STRANGER)))
        return account(random.choice(CUSTOMERS))

    def hash(self, name: str) -> bytes:
        """Return 32 bytes that a parameter of this name may mean: an id, a key, or a hash."""
        random = self.random
        if name == "key":
            return signer(random.choice(STAFF)).public_key
        if random.random() < (0.9 if name == "redo_of" else 0.1):
            return bytes(32)
        if name in VISITS and random.random() < 0.9:
            made = self.pools.any(random, random.choice(("bkg", "use")))
            if made is not None:
                return made
        if random.random() < 0.6:
            made = self.pools.any(random, f"#{name}")
            if made is not None:
                return made
        return hash_bytes("word", bytes([random.randrange(12)]))
