"""The people of a development chain. Their seeds are public: nothing of theirs is worth anything.

A seed is a hash of a name, so every machine has the same accounts, and a script can sign for alice
without asking anybody.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from chain.crypto import Signer, hash_bytes
from chain.errors import WashError
from chain.transaction import TX_VERSION, Action, Transaction, sign_transaction
from chain.types import MINUTE_MS

FUNDS_EACH = 1_000_000  # minor units: 10,000.00
VALID_FOR_MS = 10 * MINUTE_MS

RoleName: TypeAlias = Literal["member", "operator", "arbiter"]


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Somebody of the demo: a name, the roles on the chain, and what he is for."""

    name: str
    roles: tuple[RoleName, ...]
    en: str
    zh: str

    @property
    def seed(self) -> bytes:
        """The 32-byte seed of the account's key."""
        return seed_of(self.name)

    @property
    def account(self) -> bytes:
        """The account's id."""
        return signer_of(self.name).public_key


_MEMBER: tuple[RoleName, ...] = ("member",)
ACCOUNTS = (
    DemoAccount(
        "operator",
        ("operator", "member", "arbiter"),
        "runs the network, is the arbiter",
        "运营方",
    ),
    DemoAccount("validator", _MEMBER, "makes the blocks", "出块节点"),
    DemoAccount("issuer", _MEMBER, "issues the money", "发行方"),
    DemoAccount("sparkle", _MEMBER, "Sparkle Car Wash", "亮洁洗车"),
    DemoAccount("harbour", _MEMBER, "Harbour Detailing", "港湾汽车美容"),
    DemoAccount("alice", _MEMBER, "customer", "顾客"),
    DemoAccount("bob", _MEMBER, "customer", "顾客"),
    DemoAccount("carol", _MEMBER, "customer", "顾客"),
    DemoAccount("dave", _MEMBER, "customer", "顾客"),
    DemoAccount("erin", _MEMBER, "customer", "顾客"),
)
ISSUER, ISSUER_DESK = "issuer", "issuer-desk"  # who issues the money, and who works there
CUSTOMERS = ("alice", "bob", "carol", "dave", "erin")


def seed_of(name: str) -> bytes:
    """Return the seed of a demo account's key."""
    return hash_bytes("demo", name.encode())


@cache
def signer_of(name: str) -> Signer:
    """Return the keys of a demo account."""
    return Signer(seed_of(name))


def account_of(name: str) -> bytes:
    """Return the id of a demo account."""
    return signer_of(name).public_key


@cache
def _names() -> dict[bytes, str]:
    return {one.account: one.name for one in ACCOUNTS}


def name_of(account: bytes) -> str | None:
    """Return the name of a demo account by its id, or None."""
    return _names().get(account)


class UnknownNameError(WashError):
    """A name that nobody and nothing of the demo bears."""

    code = 6001

    def __init__(self, what: str, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no {what} {name!r}; there are {', '.join(known)}")
        self.name, self.known = name, known


@dataclass(frozen=True, slots=True)
class Signing:
    """What a transaction needs besides its actions: chain, time, nonce, gas, sponsor.

    `staff` names somebody who signs for the account with a key of his own.
    """

    chain_id: bytes
    now_ms: int
    nonce: int
    gas_limit: int
    sponsor: str | None = None
    staff: str | None = None


def make_body(name: str, signing: Signing, *actions: Action) -> Transaction:
    """Return the unsigned transaction of a demo account, good for ten minutes."""
    sponsor = None if signing.sponsor is None else account_of(signing.sponsor)
    return Transaction(
        TX_VERSION,
        signing.chain_id,
        account_of(name),
        None if signing.staff is None else account_of(signing.staff),
        signing.nonce,
        signing.now_ms + VALID_FOR_MS,
        signing.gas_limit,
        sponsor,
        actions,
        None,
    )


def sign_body(body: Transaction, name: str, sponsor: str | None = None) -> bytes:
    """Return the signed bytes of a demo account's transaction."""
    return sign_transaction(body, signer_of(name), None if sponsor is None else signer_of(sponsor))
