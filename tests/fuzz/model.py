"""Storage of the reference evaluator: values, not bytes, with the host's rules."""

from dataclasses import dataclass, field
from typing import Any

from contracts.vm.container import Container, FunctionKind, Scalar

SAFE = 9_007_199_254_740_991
BOUNDS = {1: (0, 0xFF), 2: (0, 0xFFFF), 3: (0, 0xFFFFFFFF), 4: (0, SAFE), 5: (-SAFE, SAFE)}
WIDTHS = {
    1: 1,
    2: 2,
    3: 4,
    4: 8,
    5: 8,
    6: 1,
    7: 32,
    8: 32,
}  # 9, 10: two bytes of length and the size
Key = tuple[int, tuple[Any, ...]]


class FailedError(Exception):
    """A trap, by the name of its kind."""

    def __init__(self, kind: str, error: int = 0) -> None:
        super().__init__(kind)
        self.kind, self.error = kind, error


@dataclass
class Meter:
    """The gas that is left."""

    left: int

    def take(self, gas: int) -> None:
        """Take some, or fail with nothing left."""
        if gas > self.left:
            self.left = 0
            raise FailedError("GAS")
        self.left -= gas


def fit(scalar: Scalar, value: Any) -> Any:
    """Return a value as a storage type holds it, or fail."""
    kind = scalar.kind
    if kind in BOUNDS:
        low, high = BOUNDS[kind]
        if value < low or value > high:
            raise FailedError("RANGE")
    if kind == 8 and len(value) != 32:
        raise FailedError("LENGTH")
    if kind in {9, 10} and len(value) > scalar.size:
        raise FailedError("LENGTH")
    if kind == 10:
        try:
            str(value, "utf-8")
        except ValueError:
            raise FailedError("RANGE") from None
    return value


def store(scalar: Scalar, value: Any) -> bytes:
    """Return the fixed-width bytes of a value that fits."""
    if scalar.kind in {7, 8}:
        return bytes(value)
    number = int(value) + (2**63 if scalar.kind == 5 else 0)
    return bytes([number >> 8 * place & 255 for place in reversed(range(WIDTHS[scalar.kind]))])


def store_row(scalars: list[Scalar], values: tuple[Any, ...]) -> bytes:
    """Return a record's stored bytes: fixed widths in order, then length and bytes of the rest."""
    pairs = list(zip(scalars, values, strict=True))
    head = b"".join([store(s, v) for s, v in pairs if s.kind < 9])
    tail = [bytes([len(v) // 256, len(v) % 256]) + v for s, v in pairs if s.kind >= 9]
    return head + b"".join(tail)


def zero(scalar: Scalar) -> Any:
    """Return the zero of a storage type."""
    return {6: False, 7: bytes(32), 8: bytes(32), 9: b"", 10: b""}.get(scalar.kind, 0)


@dataclass
class Instance:
    """An instance's storage as values, with the rules of the host."""

    container: Container
    contract: bytes
    facts: dict[int, Any] = field(default_factory=dict)
    rows: dict[Key, tuple[Any, ...]] = field(default_factory=dict)
    pots: dict[Key, list[Any]] = field(default_factory=dict)
    timers: dict[Key, int] = field(default_factory=dict)
    money: dict[tuple[int, bytes], int] = field(default_factory=dict)
    log: list[Any] = field(default_factory=list)
    linked: "Instance | None" = None
    paid: int = 0

    def enter(self, context: list[Any]) -> None:
        """Begin a call with these facts."""
        self.facts = dict(enumerate(context))
        self.facts[9] = b"i" * 32
        self.paid = context[8]

    def key_bytes(self, scalars: Any, key: Key) -> bytes:
        """Return the stored bytes of a key."""
        number, parts = key
        return bytes([number]) + b"".join(
            [store(s, p) for s, p in zip(scalars, parts, strict=True)]
        )

    def dump(self) -> tuple[Any, ...]:
        """Return the effects in the form of the interpreter's host."""
        box = self.container
        rows = [
            (
                self.key_bytes(box.fields[key[0]].key, key),
                store_row([n.scalar for n in box.fields[key[0]].row], row),
            )
            for key, row in self.rows.items()
        ]
        pots = [(self.key_bytes(box.pots[k[0]].key, k), tuple(p)) for k, p in self.pots.items()]
        kinds = [one.kind for one in box.functions]
        timers = [
            (
                # A stored timer has its number among the timers, not among all functions.
                self.key_bytes(
                    box.functions[number].params,
                    (kinds[:number].count(FunctionKind.TIMER), parts),
                ),
                at,
            )
            for (number, parts), at in self.timers.items()
        ]
        inner = () if self.linked is None else self.linked.dump()
        money = sorted(self.money.items())
        return sorted(rows), sorted(pots), sorted(timers), money, list(self.log), inner

    def save(self) -> Any:
        """Return what `restore` takes."""
        pots = {key: list(pot) for key, pot in self.pots.items()}
        inner = None if self.linked is None else self.linked.save()
        return dict(self.rows), pots, dict(self.timers), dict(self.money), list(self.log), inner

    def restore(self, saved: Any) -> None:
        """Take back everything since `save`."""
        self.rows, self.pots, self.timers, self.money, self.log, inner = saved
        if self.linked is not None:
            self.linked.restore(inner)

    def pot(self, key: Key) -> list[Any]:
        """Return an open pot: amount, until, fallback owner."""
        if key not in self.pots:
            raise FailedError("POT")
        return self.pots[key]

    def spend(self, key: Key, amount: int) -> None:
        """Take a part out of a pot."""
        pot = self.pot(key)
        if amount <= 0 or amount > pot[0]:
            raise FailedError("AMOUNT")
        pot[0] -= amount


def widest(scalars: Any) -> int:
    """Return the greatest stored size of a record, bytes."""
    return sum(2 + s.size if s.kind >= 9 else WIDTHS[s.kind] for s in scalars)
