"""How contracts fail.

`Trap` is the failure of a contract: its effects are undone and the receipt says why. Any other
exception while a contract runs is a fault of the node and is never turned into a receipt of the
contract's.
"""

from enum import IntEnum


class TrapKind(IntEnum):
    """Why a call failed; with REQUIRE, the error's number follows (0 otherwise)."""

    REQUIRE = 1
    OVERFLOW = 2
    DIV = 3
    RANGE = 4
    MISSING = 5
    LENGTH = 6
    LOOP = 7
    AMOUNT = 8
    POT = 9
    GAS = 10
    ABI = 11
    ASSET = 12
    LINK = 13
    EVENT = 14
    TIMER = 15
    UNUSED_PAYMENT = 16
    INTERNAL = 255  # the node's own fault, agreed by a quorum that saw it too


class Trap(Exception):  # noqa: N818 - the machine's own word for it
    """A contract call that failed; `gas_left` and `place` are filled in by the machine.

    `place` (function and instruction) and `contract` say where, for people only.
    """

    def __init__(self, kind: TrapKind, error: int = 0) -> None:
        super().__init__(f"{kind.name.lower()} {error}" if error else kind.name.lower())
        self.kind = kind
        self.error = error
        self.gas_left = 0
        self.place: tuple[str, int] | None = None
        self.contract: bytes | None = None
