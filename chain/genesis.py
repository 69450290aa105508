"""The genesis file: what a chain starts with, written by people, checked by pydantic.

The chain's id is the hash of the canonical bytes of everything in it, so two files that say the
same make the same chain, whatever their spaces and order of keys.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    create_model,
    model_serializer,
)

from chain.codec import Value, decode, decode_value, encode, encode_value
from chain.crypto import KEY_BYTES, hash_bytes
from chain.errors import GenesisError, MalformedBytesError
from chain.ledger import Asset, Policy, credit, put_asset
from chain.params import ChainParams, write_params
from chain.roles import Role, set_role
from chain.state import VALIDATORS_KEY, Space, State, StateReader, get_uint, put_uint
from chain.transaction import asset_id
from chain.types import SAFE_INT_MAX, ZERO_ID
from chain.validators import VALIDATORS_MAX, QuorumRule, ValidatorSet

GENESIS_BYTES_MAX = 256 * 1024 * 1024  # a rehearsal of a million customers fits
_HexId = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Strict = ConfigDict(frozen=True, extra="forbid", strict=True)

_PARAM_FIELDS: Any = {
    name: (Annotated[int, Field(ge=0, le=SAFE_INT_MAX)], field.default)
    for name, field in ChainParams.__dataclass_fields__.items()
}
ParamsModel = create_model("ParamsModel", __config__=_Strict, **_PARAM_FIELDS)


class GenesisAsset(BaseModel):
    """An asset that exists from the start; its id is `asset_id(zero id, symbol)`."""

    model_config = _Strict
    symbol: Annotated[str, Field(min_length=1, max_length=12, pattern=r"^[A-Za-z0-9._-]+$")]
    decimals: Annotated[int, Field(ge=0, le=18)] = 2
    issuer: _HexId
    policy: Literal["open", "to_members", "contracts_only"] = "open"
    contracts: tuple[_HexId, ...] = ()


class GenesisAccount(BaseModel):
    """An account that starts with roles or money: `balances` by symbol, minor units."""

    model_config = _Strict
    account: _HexId
    roles: tuple[Literal["member", "operator", "deployer", "admitter", "arbiter", "observer"], ...]
    balances: dict[str, Annotated[int, Field(ge=1, le=SAFE_INT_MAX)]] = {}


class Genesis(BaseModel):
    """The whole file. `time_ms` is the time of height 0, ms UTC.

    `quorum` "crash" lets one vote fewer decide where that goes, for validators who trust each
    other: a chain of three then runs with one of them off, and a restored backup can fork it.

    `clock` "driven" gives the chain no time of its own: its nodes take the time that their owner
    tells them, for rehearsals. It has no heartbeat and is no development chain.
    """

    model_config = _Strict
    name: Annotated[str, Field(min_length=1, max_length=64)]
    time_ms: Annotated[int, Field(ge=0, le=SAFE_INT_MAX)]
    validators: Annotated[tuple[_HexId, ...], Field(min_length=1, max_length=128)]
    quorum: Literal["byzantine", "crash"] = "byzantine"
    params: ParamsModel = ParamsModel()
    assets: tuple[GenesisAsset, ...] = ()
    accounts: tuple[GenesisAccount, ...] = ()
    clock: Literal["wall", "driven"] = "wall"

    @model_serializer(mode="wrap")
    def _write(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the usual clock: files of ordinary chains stay as they are, byte for byte."""
        said: dict[str, Any] = write(self)
        if said.get("clock") == "wall":
            del said["clock"]
        return said

    @property
    def is_driven(self) -> bool:
        """Whether the chain's time is told to its nodes."""
        return self.clock == "driven"

    def chain_params(self) -> ChainParams:
        """Return the parameters as the ledger takes them."""
        return ChainParams(**self.params.model_dump())

    def validator_set(self) -> ValidatorSet:
        """Return the validators of the first height."""
        keys = tuple(sorted(bytes.fromhex(key) for key in self.validators))
        return ValidatorSet(keys, QuorumRule[self.quorum.upper()])

    def chain_id(self) -> bytes:
        """Return the 32-byte id of the chain."""
        return hash_bytes("genesis", self.canonical_bytes())

    def canonical_bytes(self) -> bytes:
        """Return what the chain's id is the hash of: all that the file says, in one form."""
        assets: list[Value] = [
            [a.symbol, a.decimals, bytes.fromhex(a.issuer), a.policy, sorted(a.contracts)]
            for a in sorted(self.assets, key=lambda one: one.symbol)
        ]
        accounts: list[Value] = [
            [bytes.fromhex(a.account), sorted(a.roles), sorted(a.balances.items())]
            for a in sorted(self.accounts, key=lambda one: one.account)
        ]
        validators = sorted(bytes.fromhex(key) for key in self.validators)
        params = encode(self.chain_params())
        said: list[Value] = [
            *(1, self.name, self.time_ms, validators, self.quorum, params, assets, accounts)
        ]
        if self.is_driven:  # only then, so that it is no other chain for all the others
            said.append(self.clock)
        return encode_value(said)


def parse_genesis(data: bytes) -> Genesis:
    """Return the genesis that a JSON file describes, or raise GenesisError naming what is wrong."""
    if len(data) > GENESIS_BYTES_MAX:
        text = f"genesis of {len(data)} bytes, at most {GENESIS_BYTES_MAX} are allowed"
        raise GenesisError(text)
    try:
        genesis = Genesis.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        text = f"genesis, {place or 'file'}: {first['msg']}, found {repr(first['input'])[:60]}"
        raise GenesisError(text) from error
    _check(genesis)
    return genesis


def _check(genesis: Genesis) -> None:
    try:
        decode(ChainParams, encode(genesis.chain_params()))  # the declared ranges speak
    except MalformedBytesError as error:
        text = f"genesis, params: {error}"
        raise GenesisError(text) from error
    _check_clock(genesis)
    for what, ids in (
        ("validator", genesis.validators),
        ("account", [one.account for one in genesis.accounts]),
        ("asset", [one.symbol for one in genesis.assets]),
    ):
        ordered = sorted(ids)
        for one, other in pairwise(ordered):
            if one == other:
                text = f"genesis: {what} {one} stands twice"
                raise GenesisError(text)
    symbols = {one.symbol: 0 for one in genesis.assets}
    for account in genesis.accounts:
        for symbol, amount in sorted(account.balances.items()):
            if symbol not in symbols:
                text = (
                    f"genesis: account {account.account} holds {symbol!r}, which is no asset here"
                )
                raise GenesisError(text)
            symbols[symbol] += amount
            if symbols[symbol] > SAFE_INT_MAX:
                text = f"genesis: more than {SAFE_INT_MAX} of {symbol!r}"
                raise GenesisError(text)


def _check_clock(genesis: Genesis) -> None:
    params = genesis.chain_params()
    if genesis.is_driven and (params.heartbeat_ms or params.dev):
        name = "heartbeat_ms" if params.heartbeat_ms else "dev"
        text = (
            f"genesis, clock: a chain whose clock is driven has no heartbeat and is no development "
            f"chain, found params.{name} {getattr(params, name)}; set it to 0, or leave clock out"
        )
        raise GenesisError(text)


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a light client needs of a genesis: the chain's id, its first validators, its time."""

    chain_id: bytes
    validators: ValidatorSet
    time_ms: int


def read_beginning(data: bytes) -> Beginning:
    """Return what `Genesis.canonical_bytes` say of a chain's beginning.

    The id is the hash of all of them, so a reader who trusts the id may trust the rest. Raises
    MalformedBytesError if they are no such bytes.
    """
    match decode_value(data):
        case [1, str(), int(time_ms), [*keys], ("byzantine" | "crash") as quorum, *_] if (
            type(time_ms) is int and 0 <= time_ms <= SAFE_INT_MAX
        ):
            rule = QuorumRule[str(quorum).upper()]
            read = [key for key in keys if isinstance(key, bytes) and len(key) == KEY_BYTES]
            if 0 < len(read) == len(keys) <= VALIDATORS_MAX:
                validators = ValidatorSet(tuple(read), rule)
                return Beginning(hash_bytes("genesis", data), validators, time_ms)
    text = f"{len(data)} bytes are not what a genesis file says"
    raise MalformedBytesError(text)


class _Nothing:
    """The state before the first."""

    def get(self, key: bytes) -> bytes | None:  # noqa: ARG002 - the reader's shape
        return None

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, bytes]]:  # noqa: ARG002
        return []


def nothing() -> StateReader:
    """Return a reader of the empty state."""
    return _Nothing()


def genesis_state(genesis: Genesis) -> State:
    """Return the state at height 0, as changes over nothing."""
    state = State(nothing())
    write_params(state, genesis.chain_params())
    state.put(VALIDATORS_KEY, encode(genesis.validator_set()))
    by_symbol: dict[str, bytes] = {}
    for one in genesis.assets:
        by_symbol[one.symbol] = genesis_asset_id(one.symbol)
        policy = Policy[one.policy.upper()]
        contracts = tuple(sorted(bytes.fromhex(contract) for contract in one.contracts))
        record = Asset(bytes.fromhex(one.issuer), one.symbol, one.decimals, policy, contracts)
        put_asset(state, by_symbol[one.symbol], record)
    for account in genesis.accounts:
        owner = bytes.fromhex(account.account)
        for role in account.roles:
            set_role(state, owner, Role[role.upper()], held=True)
        for symbol, amount in account.balances.items():
            asset = by_symbol[symbol]
            credit(state, owner, asset, amount)
            supply = bytes([Space.SUPPLY]) + asset
            put_uint(state, supply, get_uint(state, supply) + amount)
    state.settle()
    return state


def genesis_asset_id(symbol: str) -> bytes:
    """Return the id of an asset that the genesis file makes."""
    return asset_id(ZERO_ID, symbol)
