"""Changes: what the operators can decide by a vote, beside making a new asset."""

from dataclasses import dataclass
from typing import Annotated

from chain.codec import AtMost, Between, wire
from chain.readiness import Readiness
from chain.types import Count, Hash, Height, Id, Name, PublicKey, TimeMs


@wire(tag=20)
@dataclass(frozen=True, slots=True)
class GrantRole:
    """Governance: give a role."""

    account: Id
    role: Annotated[int, Between(0, 15)]


@wire(tag=21)
@dataclass(frozen=True, slots=True)
class RevokeRole:
    """Governance: take a role."""

    account: Id
    role: Annotated[int, Between(0, 15)]


@wire(tag=22)
@dataclass(frozen=True, slots=True)
class SetParam:
    """Governance: set one chain parameter."""

    name: Name
    value: Count


@wire(tag=23)
@dataclass(frozen=True, slots=True)
class InstallContract:
    """Governance: give an instance a name, and with it the standing of a standard contract."""

    name: Name
    contract: Id


@wire(tag=24)
@dataclass(frozen=True, slots=True)
class SetValidator:
    """Governance: add a validator's key (`power` 1) or take it out (0), two heights later.

    `ready` is the candidate's proof that it runs, where one is added; nil where one is taken out.
    """

    key: PublicKey
    power: Annotated[int, Between(0, 1)]
    ready: Readiness | None = None


@wire(tag=25)
@dataclass(frozen=True, slots=True)
class SetFeature:
    """Governance: put a feature of the program into force at a height; 0 withdraws it in time."""

    name: Name
    height: Height


@wire(tag=26)
@dataclass(frozen=True, slots=True)
class UpgradeContract:
    """Governance: let an installed contract run other code, not before `at_ms` and the notice.

    `assets` and `links` are those that the code has beyond the ones that are bound already.
    """

    contract: Id
    code_id: Hash
    assets: Annotated[tuple[Id, ...], AtMost(8)]
    links: Annotated[tuple[Id, ...], AtMost(8)]
    at_ms: TimeMs


@wire(tag=27)
@dataclass(frozen=True, slots=True)
class WithdrawUpgrade:
    """Governance: let a contract keep its code; an upgrade to `code_id` waits and is forgotten."""

    contract: Id
    code_id: Hash


@wire(tag=28)
@dataclass(frozen=True, slots=True)
class SetIssuer:
    """Governance: let an installed contract issue an asset of the chain's own, and nobody else."""

    asset: Id
    contract: Id
