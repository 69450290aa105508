"""Roles of accounts: who may send, deploy, admit, decide."""

from enum import IntEnum

from chain.codec import decode_value, encode_value
from chain.state import OPERATORS_KEY, Space, State

_PREFIX = bytes([Space.ROLES])


class Role(IntEnum):
    """A role is a bit of an account's role number; contracts can ask for it by this number."""

    MEMBER = 0  # sends without a sponsor
    OPERATOR = 1  # runs the consortium: proposes, votes, deploys
    DEPLOYER = 2  # deploys contracts
    ADMITTER = 3  # makes members
    ARBITER = 4  # rules on disputes
    OBSERVER = 5  # reads


INSTALLED = 15  # to contracts: is an instance that the operators installed under a name, no bit


def has_role(state: State, account: bytes, role: int) -> bool:
    """Tell whether `account` holds `role`."""
    data = state.get(_PREFIX + account)
    return data is not None and bool(int.from_bytes(data, "big") >> role & 1)


def set_role(state: State, account: bytes, role: int, *, held: bool) -> None:
    """Give or take a role; the list of operators follows."""
    data = state.get(_PREFIX + account)
    bits = 0 if data is None else int.from_bytes(data, "big")
    bits = bits | 1 << role if held else bits & ~(1 << role)
    if bits:
        state.put(_PREFIX + account, bits.to_bytes(2, "big"))
    else:
        state.delete(_PREFIX + account)
    if role == Role.OPERATOR:
        operators = [other for other in read_operators(state) if other != account]
        if held:
            operators.append(account)
        state.put(OPERATORS_KEY, encode_value(sorted(operators)))


def read_operators(state: State) -> list[bytes]:
    """Return the operators' accounts, sorted."""
    data = state.get(OPERATORS_KEY)
    return [] if data is None else decode_value(data)  # type: ignore[return-value]
