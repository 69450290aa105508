"""Assets and balances: the double entry of the ledger.

Nothing here makes or loses money: `mint` and `burn` change the supply by what they post, everything
else moves amounts between balances and pots. `audit_changes` checks that from the changed bytes
alone.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from typing import Annotated

from chain.codec import AtMost, Between, decode, encode, wire
from chain.errors import (
    InsufficientFundsError,
    LimitError,
    NotIssuerError,
    TransferNotAllowedError,
    UnknownIdError,
    WrongStateError,
)
from chain.ids import encode_id
from chain.roles import Role, has_role
from chain.state import Space, State, get_uint, put_uint
from chain.transaction import IssueAsset, asset_id
from chain.types import SAFE_INT_MAX, Id

_BALANCE = bytes([Space.BALANCE])
_ASSET = bytes([Space.ASSET])
_SUPPLY = bytes([Space.SUPPLY])
_SYMBOL_MARKS = str.maketrans("._-", "000")
_POT_AMOUNT = slice(0, 8)  # a pot's value begins with its amount
_POT_ASSET = slice(64, 96)  # fallback 32..63, then the asset


class Policy(IntEnum):
    """Who may receive an asset by a plain transfer."""

    OPEN = 0
    TO_MEMBERS = 1
    CONTRACTS_ONLY = 2  # nobody: it moves into and out of pots of allowed contracts only


@wire()
@dataclass(frozen=True, slots=True)
class Asset:
    """An asset: its issuer alone mints and burns; amounts are in 10^-decimals."""

    issuer: Id
    symbol: Annotated[str, AtMost(12)]
    decimals: Annotated[int, Between(0, 18)]
    policy: Annotated[int, Between(0, 2)]
    contracts: Annotated[tuple[Id, ...], AtMost(64)]


def balance_key(account: bytes, asset: bytes) -> bytes:
    """Return the state key of a balance."""
    return _BALANCE + account + asset


def get_balance(state: State, account: bytes, asset: bytes) -> int:
    """Return the free balance of an account, minor units."""
    return get_uint(state, balance_key(account, asset))


def get_supply(state: State, asset: bytes) -> int:
    """Return how much of an asset exists, minor units."""
    return get_uint(state, _SUPPLY + asset)


def read_asset(state: State, asset: bytes) -> Asset:
    """Return an asset's record, or raise UnknownIdError."""
    data = state.get(_ASSET + asset)
    if data is None:
        text = f"no asset {encode_id('ast', asset)} on this chain"
        raise UnknownIdError(text)
    return _decode_asset(data)


@lru_cache(maxsize=256)
def _decode_asset(data: bytes) -> Asset:
    return decode(Asset, data)


def credit(state: State, account: bytes, asset: bytes, amount: int) -> None:
    """Add to a balance; the supply's cap keeps every sum within 2^53-1."""
    key = balance_key(account, asset)
    put_uint(state, key, get_uint(state, key) + amount)


def debit(state: State, account: bytes, asset: bytes, amount: int) -> None:
    """Take from a balance, or raise InsufficientFundsError."""
    key = balance_key(account, asset)
    have = get_uint(state, key)
    if have < amount:
        raise InsufficientFundsError(have=have, need=amount)
    put_uint(state, key, have - amount)


def issue_asset(state: State, creator: bytes, action: IssueAsset) -> bytes:
    """Make a new asset and return its id; raises WrongStateError if the creator has it already.

    Symbols are written as in the genesis file: letters, digits and `._-`, so none looks like
    another or breaks out of the line it is shown in.
    """
    plain = action.symbol.translate(_SYMBOL_MARKS)
    if not (plain.isascii() and plain.isalnum()):
        text = f"symbol {action.symbol!r}: take 1 to 12 letters, digits, dots, _ and -"
        raise WrongStateError(text)
    new_id = asset_id(creator, action.symbol)
    if state.get(_ASSET + new_id) is not None:
        text = f"this account has issued {action.symbol!r} before; take another symbol"
        raise WrongStateError(text)
    issuer = creator if action.issuer is None else action.issuer
    contracts = tuple(sorted(action.contracts))
    put_asset(
        state, new_id, Asset(issuer, action.symbol, action.decimals, action.policy, contracts)
    )
    return new_id


def put_asset(state: State, asset: bytes, record: Asset) -> None:
    """Write an asset's record."""
    state.put(_ASSET + asset, encode(record))


def mint(state: State, issuer: bytes, asset: bytes, to: bytes, amount: int) -> None:
    """Bring `amount` into existence for `to`; raises NotIssuerError or LimitError."""
    _check_issuer(state, issuer, asset)
    supply = get_supply(state, asset) + amount
    if supply > SAFE_INT_MAX:
        raise LimitError("supply", maximum=SAFE_INT_MAX, found=supply)
    put_uint(state, _SUPPLY + asset, supply)
    credit(state, to, asset, amount)


def burn(state: State, issuer: bytes, asset: bytes, account: bytes, amount: int) -> None:
    """Take `amount` of `account` out of existence, or raise the typed refusal."""
    _check_issuer(state, issuer, asset)
    debit(state, account, asset, amount)
    put_uint(state, _SUPPLY + asset, get_supply(state, asset) - amount)


def allow_contracts(
    state: State, issuer: bytes, asset: bytes, contracts: tuple[bytes, ...]
) -> None:
    """Set which instances may hold a `contracts_only` asset; open pots may always pay out."""
    _check_issuer(state, issuer, asset)
    record = read_asset(state, asset)
    put_asset(state, asset, replace(record, contracts=tuple(sorted(contracts))))


def _check_issuer(state: State, account: bytes, asset: bytes) -> None:
    record = read_asset(state, asset)
    if record.issuer != account:
        text = f"{encode_id('acct', account)} is not the issuer of {record.symbol!r}"
        raise NotIssuerError(text)


def transfer(state: State, sender: bytes, asset: bytes, to: bytes, amount: int) -> None:
    """Move free money between accounts as the asset's policy allows."""
    record = read_asset(state, asset)
    free = record.policy == Policy.OPEN or record.issuer in {sender, to}
    if not free and not (record.policy == Policy.TO_MEMBERS and has_role(state, to, Role.MEMBER)):
        text = (
            f"{record.symbol!r} goes {Policy(record.policy).name.lower()}; this transfer does not"
        )
        raise TransferNotAllowedError(text)
    debit(state, sender, asset, amount)
    credit(state, to, asset, amount)


def check_contract_allowed(state: State, instance: bytes, asset: bytes) -> None:
    """Raise TransferNotAllowedError unless pots of `instance` may hold `asset`."""
    record = read_asset(state, asset)
    if record.policy == Policy.CONTRACTS_ONLY and instance not in record.contracts:
        contract = encode_id("ctr", instance)
        text = f"the issuer of {record.symbol!r} does not allow contract {contract}"
        raise TransferNotAllowedError(text)


def audit_changes(state: State) -> dict[bytes, tuple[int, int]]:
    """Return, by asset, (change of all balances and pots, change of the supply) of this block.

    Reads stored bytes before and after, not postings, so that a wrong posting can not hide itself.
    The two numbers are equal unless the node is broken.
    """
    sums: dict[bytes, list[int]] = {}
    for key, after in state.changes().items():
        space = key[0]
        if space == Space.BALANCE:
            asset, part, column = key[33:], slice(0, 8), 0
        elif space == Space.SUPPLY:
            asset, part, column = key[1:], slice(0, 8), 1
        elif space == Space.POT:
            held = after if after is not None else state.before(key)
            if held is None:
                continue  # opened and closed in one block
            asset, part, column = held[_POT_ASSET], _POT_AMOUNT, 0
        else:
            continue
        before = state.before(key)
        change = int.from_bytes(after[part], "big") if after is not None else 0
        if before is not None:
            change -= int.from_bytes(before[part], "big")
        sums.setdefault(asset, [0, 0])[column] += change
    return {asset: (sums[asset][0], sums[asset][1]) for asset in sorted(sums)}
