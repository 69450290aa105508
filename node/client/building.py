"""Transactions are put together here, not by the node: what is signed is what was asked for.

The node only helps with numbers: the next free nonce, an end of validity on its clock, and a bound
of gas from a trial run. None of them can turn a transaction into another one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chain.codec import encode
from chain.crypto import Signer, verify_signature
from chain.errors import MalformedBytesError
from chain.ids import encode_id
from chain.transaction import (
    TX_VERSION,
    Action,
    Cosignature,
    SignedTransaction,
    Transaction,
    signing_bytes,
    sponsor_bytes,
    tx_id,
)
from node.client.accounts import ACCOUNT_PREFIX, Identity, read_account, show_account
from node.client.book import Book, read_data
from node.client.connection import Connection
from node.client.errors import BadAnswer, InvalidParams, NotFound, WrongChain
from node.client.nonces import Nonces
from node.client.results import Signed
from node.rpc.errors import InvalidParamsError, NotFoundError
from node.rpc.forms.actions import check_body, read_actions

Actions = Sequence[Mapping[str, Any]]
Sponsor = Identity | Literal["node", "node_attests"] | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """What of a transaction the node fills in unless it is given."""

    nonce: int | None = None
    valid_until: int | None = None
    gas_limit: int | None = None
    client_ref: bytes | None = None


class Builder:
    """Builds and signs transactions for one chain; with `pin`, for the one of that id only."""

    def __init__(self, connection: Connection, pin: bytes | None = None) -> None:
        self.book = Book(connection)
        self.nonces = Nonces()
        self._connection = connection
        self._pin = pin
        self._chain_id: bytes | None = None
        self._node_sponsor: bytes | None = None

    async def chain_id(self) -> bytes:
        """Return the id of the node's chain; asked once, so a client stays on its chain."""
        if self._chain_id is None:
            info = read_data(await self._connection.call("node_info", {}))
            found = _read_hex(info, "chain_id", 32)
            self._check_chain(found)
            self._chain_id = found
        return self._chain_id

    def _check_chain(self, found: bytes) -> None:
        if self._pin is not None and found != self._pin:
            expected = self._pin.hex()
            raise WrongChain(
                f"chain {found.hex()}, but this client signs for {expected} only",
                data={"expected": expected, "found": found.hex()},
            )

    async def read(self, actions: Actions) -> tuple[Action, ...]:
        """Return the actions that are described; raises InvalidParams or NotFound."""
        described = [dict(action) for action in actions]
        await self.book.prepare(described)
        try:
            return read_actions(described, self.book)
        except InvalidParamsError as error:
            raise InvalidParams(str(error), data={"field": getattr(error, "field", "")}) from error
        except (NotFoundError, MalformedBytesError) as error:
            raise NotFound(str(error)) from error

    async def build(
        self, actions: Actions, identity: Identity, sponsor: Sponsor, numbers: Numbers
    ) -> Transaction:
        """Return the unsigned transaction."""
        read = await self.read(actions)
        chain_id = await self.chain_id()
        payer = await self.sponsor_account(sponsor)
        nonce, valid_until, gas_limit = numbers.nonce, numbers.valid_until, numbers.gas_limit
        if nonce is None or valid_until is None or gas_limit is None:
            asked = await self._ask(actions, identity, payer, numbers)
            valid_until = asked["valid_until"] if valid_until is None else valid_until
            gas_limit = asked["gas_limit"] if gas_limit is None else gas_limit
            if nonce is None:
                # Nothing is awaited from here to the end, so no other task gets this nonce.
                key = identity.signer.public_key
                nonce = self.nonces.take(identity.account, key, asked["nonce"])
        body = Transaction(
            version=TX_VERSION,
            chain_id=chain_id,
            account=identity.account,
            key=identity.key,
            nonce=nonce,
            valid_until=valid_until,
            gas_limit=gas_limit,
            sponsor=payer,
            actions=read,
            client_ref=numbers.client_ref,
        )
        try:
            check_body(body)
        except InvalidParamsError as error:
            raise InvalidParams(str(error), data={"field": "actions"}) from error
        return body

    async def _ask(
        self, actions: Actions, identity: Identity, sponsor: bytes | None, numbers: Numbers
    ) -> dict[str, int]:
        """Return the numbers that the node suggests."""
        answer = await self._connection.call(
            "tx_build",
            {
                "account": show_account(identity.account),
                "actions": list(actions),
                "key": None if identity.key is None else identity.key.hex(),
                "nonce": numbers.nonce,
                "valid_until": numbers.valid_until,
                "gas_limit": numbers.gas_limit,
                "sponsor": None if sponsor is None else encode_id(ACCOUNT_PREFIX, sponsor),
            },
        )
        found: dict[str, int] = {}
        for name in ("nonce", "valid_until", "gas_limit"):
            value = answer.get(name) if isinstance(answer, dict) else None
            if type(value) is not int or value < 0:
                raise BadAnswer(f"{name} in the answer to tx_build: {str(value)[:60]}")
            found[name] = value
        return found

    async def sponsor_account(self, sponsor: Sponsor) -> bytes | None:
        """Return the account that pays for the transaction's place in a block."""
        if sponsor is None or isinstance(sponsor, Identity):
            return None if sponsor is None else sponsor.account
        if self._node_sponsor is None:
            info = read_data(await self._connection.call("node_info", {}))
            text = info.get("sponsor") if isinstance(info, dict) else None
            if not isinstance(text, str):
                raise NotFound("this node sponsors nobody")
            self._node_sponsor = read_account(text)
        return self._node_sponsor

    async def sign(self, body: Transaction, signer: Signer, sponsor: Sponsor) -> Signed:
        """Return the signed bytes; a sponsor that is a key signs here, a node by itself."""
        self._check_chain(body.chain_id)
        cosignature = None
        if isinstance(sponsor, Identity):
            signature = sponsor.signer.sign(sponsor_bytes(body))
            cosignature = Cosignature(sponsor.signer.public_key, signature)
        elif sponsor is not None:
            cosignature = await self._ask_sponsor(body, attest=sponsor == "node_attests")
        signature = signer.sign(signing_bytes(body))
        data = encode(SignedTransaction(body, signature, cosignature))
        return Signed(tx_id(body).hex(), data, body.nonce, body.valid_until)

    async def _ask_sponsor(self, body: Transaction, *, attest: bool) -> Cosignature:
        """Return the node's co-signature; `attest`: also as the shop's word."""
        params = {"body": encode(body).hex(), "attest": attest}
        answer = await self._connection.call("tx_sponsor", params)
        public = _read_hex(answer, "key", 32)
        signature = _read_hex(answer, "signature", 64)
        if not verify_signature(public, sponsor_bytes(body), signature):
            raise BadAnswer("the node's signature is not over the transaction it was given")
        return Cosignature(public, signature)


def _read_hex(answer: object, name: str, length: int) -> bytes:
    text = answer.get(name) if isinstance(answer, dict) else None
    try:
        data = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if len(data) != length:
        raise BadAnswer(f"{name}: {str(text)[:160]!r}, expected {length} bytes in hex")
    return data
