"""Changes: what the operators can decide by a vote, beside making a new asset."""

from dataclasses import dataclass
from typing import Annotated

from chain.codec import Between, wire
from chain.readiness import Readiness
from chain.types import Count, Height, Id, Name, PublicKey


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
