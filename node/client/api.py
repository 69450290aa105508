"""The asynchronous client: everything a program needs of a node."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from chain.codec import encode
from chain.crypto import Signer
from chain.ids import encode_id
from chain.transaction import Transaction, read_transaction
from node.client.accounts import (
    AccountLike,
    Identity,
    KeyLike,
    read_chain_id,
    read_identity,
    read_key,
    show_account,
)
from node.client.book import read_data
from node.client.building import Actions, Builder, Numbers, Sponsor
from node.client.connection import Connection, Request
from node.client.dev import AsyncDev
from node.client.errors import BadAnswer, InvalidParams, Refused, WashRpcError, read_refusal
from node.client.nonces import IN_FLIGHT_MAX
from node.client.outcomes import raise_if_failed
from node.client.results import Final, Json, Pending, Signed
from node.client.submission import Waiting, submit
from node.client.subscription import WINDOW_DEFAULT, EventStream

URL_DEFAULT = "http://127.0.0.1:8787"
TIMEOUT_S = 30.0
CLIENT_REF_BYTES = 16
BUILDS_MAX = 3  # of one send: another program may have taken the nonce meanwhile
SponsorLike = Signer | Identity | Literal["node", "node_attests"]
_NONCE_USED, _NONCE_STALE, _NONCE_TOO_FAR = 1004, 1005, 1013


class AsyncWash:
    """A node at `url`. `key` signs, for `account` (by default the one that the key made).

    `sponsor` pays for the place in a block: a key, or "node" to ask the node, or "node_attests" to
    ask for the shop's word as well. With a `chain_id` it signs for that chain only. `timeout_s`
    bounds each call and, unless told otherwise, each wait for an outcome. Use it with `async with`,
    or call `close()`.
    """

    def __init__(
        self,
        url: str = URL_DEFAULT,
        *,
        key: KeyLike | None = None,
        account: AccountLike | None = None,
        sponsor: SponsorLike | None = None,
        token: str | None = None,
        chain_id: bytes | str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._connection = Connection(url, token=token, timeout_s=timeout_s)
        self._identity = None if key is None else read_identity(key, account)
        self._account = account if key is None else read_identity(key, account).account
        self._sponsor = _read_sponsor(sponsor)
        pin = None if chain_id is None else read_chain_id(chain_id)
        self._builder = Builder(self._connection, pin)
        self._in_flight = asyncio.Semaphore(IN_FLIGHT_MAX)
        self.dev = AsyncDev(self._connection)

    async def __aenter__(self) -> Self:
        """Return itself; nothing is opened before the first call."""
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Close."""
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()

    # Asking -----------------------------------------------------------------------------------

    async def rpc(self, method: str, /, **params: Any) -> Any:
        """Return the result of any method, as the node sends it. None: parameter not given."""
        return await self._connection.call(method, params)

    async def batch(self, requests: Sequence[Request]) -> list[Any | WashRpcError]:
        """Return the result of each (method, parameters), or the error in its place."""
        return await self._connection.batch(requests)

    async def read(
        self,
        view: str | tuple[AccountLike, str],
        arguments: Mapping[str, Any] | None = None,
        /,
        **named: Any,
    ) -> Any:
        """Return what a contract's view answers: `read("booking.preview_cancel", booking=...)`.

        The view is `name.view`, `ctr1....view` or (contract, view).
        """
        contract, name = _split(view)
        params = {"contract": contract, "view": name, "args": {**(arguments or {}), **named}}
        return read_data(await self._connection.call("contract_read", params))

    async def head(self) -> Json:
        """Return the newest block's header."""
        block = _object(read_data(await self._connection.call("chain_head", {})))
        return _object(block.get("header", block))

    async def account(self, account: AccountLike | None = None) -> Json:
        """Return an account, by default one's own: keys, roles, balances."""
        params = {"account": self._account_text(account)}
        return _object(read_data(await self._connection.call("account_get", params)))

    async def balance(self, account: AccountLike | None = None, asset: str = "CNY") -> int:
        """Return how much of an asset (symbol or `ast1...`) an account has, in minor units."""
        for one in (await self.account(account)).get("balances", []):
            if asset in {one.get("currency"), one.get("asset")}:
                return int(one["amount"])
        return 0

    async def explain(self, tx_id: str, lang: Literal["en", "zh"] = "en") -> Json:
        """Return in plain words what a transaction did."""
        params = {"tx_id": tx_id, "lang": lang}
        return _object(read_data(await self._connection.call("tx_explain", params)))

    def events(
        self,
        wanted: Mapping[str, Any] | None = None,
        *,
        after: str = "latest",
        window: int = WINDOW_DEFAULT,
        patience_s: float | None = None,
    ) -> EventStream:
        """Return the events that fit `wanted`, each once and in order, as they happen.

        `after`: the id of the last event that was dealt with, "latest" or "earliest". Lost
        connections are opened again for `patience_s` seconds (None: for ever).
        """
        return EventStream(
            self._connection, wanted or {}, after=after, window=window, patience_s=patience_s
        )

    # Sending ----------------------------------------------------------------------------------

    async def build(
        self,
        actions: Actions,
        *,
        account: AccountLike | None = None,
        key: KeyLike | None = None,
        sponsor: SponsorLike | None = None,
        nonce: int | None = None,
        valid_until: int | None = None,
        gas_limit: int | None = None,
        client_ref: bytes | None = None,
    ) -> Transaction:
        """Return an unsigned transaction; what is not given is filled in."""
        numbers = Numbers(nonce, valid_until, gas_limit, client_ref)
        who, payer = self._who(key, account), self._payer(sponsor)
        return await self._builder.build(actions, who, payer, numbers)

    async def sign(
        self,
        body: Transaction,
        *,
        key: KeyLike | None = None,
        sponsor: SponsorLike | None = None,
    ) -> Signed:
        """Return the signed bytes of a transaction, ready for `submit`."""
        who = self._who(key, body.account)
        return await self._builder.sign(body, who.signer, self._payer(sponsor))

    async def simulate(
        self,
        actions: Actions,
        *,
        account: AccountLike | None = None,
        key: KeyLike | None = None,
        sponsor: SponsorLike | None = None,
    ) -> Json:
        """Return what a transaction would do now; raises Refused if it would be refused."""
        who, payer = self._who(key, account), self._payer(sponsor)
        body = await self._builder.build(actions, who, payer, Numbers())
        self._builder.nonces.give_back(who.account, who.signer.public_key, body.nonce)
        answer = await self._connection.call("tx_simulate", {"body": encode(body).hex()})
        found = _object(read_data(answer))
        if found.get("ok") is not True:
            error = found.get("error")
            raise read_refusal(error if isinstance(error, dict) else {}, None)
        return found

    async def submit(self, signed: Signed | bytes) -> Pending:
        """Hand a signed transaction to the node. Taken is not done: see `wait`."""
        return await submit(self._connection, _bytes_of(signed))

    async def submit_and_wait(
        self, signed: Signed | bytes, *, timeout_s: float | None = None, check: bool = True
    ) -> Final:
        """Send a signed transaction and return its outcome, through lost connections and restarts.

        Raises Refused if it fails (in its block: unless `check` is false), Expired if it can not
        come through any more, StillPending if it is open when the time is over.
        """
        data = _bytes_of(signed)
        tx = read_transaction(data)
        waiting = Waiting(
            self._connection,
            tx.tx_id.hex(),
            timeout_s=self._seconds(timeout_s),
            data=data,
            valid_until=tx.body.valid_until,
        )
        final = await waiting.outcome()
        return raise_if_failed(final) if check else final

    async def wait(
        self, tx_id: str, *, timeout_s: float | None = None, check: bool = True
    ) -> Final:
        """Return the outcome of a transaction that was sent; raises as `submit_and_wait`."""
        seconds = self._seconds(timeout_s)
        final = await Waiting(self._connection, tx_id, timeout_s=seconds).outcome()
        return raise_if_failed(final) if check else final

    async def send(
        self,
        actions: Actions,
        *,
        account: AccountLike | None = None,
        key: KeyLike | None = None,
        sponsor: SponsorLike | None = None,
        client_ref: bytes | None = None,
        timeout_s: float | None = None,
        check: bool = True,
    ) -> Final:
        """Build, sign and send actions, and return the outcome; raises as `submit_and_wait`.

        Many may be on their way at once. `client_ref` (16 bytes) names the sending: a node takes
        only one transaction of an account under it. By default each has its own, so that two equal
        payments by two programs are two.
        """
        who, payer = self._who(key, account), self._payer(sponsor)
        nonces, public = self._builder.nonces, who.signer.public_key
        reference = secrets.token_bytes(CLIENT_REF_BYTES) if client_ref is None else client_ref
        numbers = Numbers(client_ref=reference)
        async with self._in_flight:
            for attempt in range(1, BUILDS_MAX + 1):
                body = await self._builder.build(actions, who, payer, numbers)
                try:
                    signed = await self._builder.sign(body, who.signer, payer)
                    return await self.submit_and_wait(signed, timeout_s=timeout_s, check=check)
                except Refused as error:
                    if error.final is None:
                        nonces.give_back(who.account, public, body.nonce)
                    # The nonce is another transaction's: this one is in no block, nor will be.
                    if error.final is not None or not _is_about_nonce(error):
                        raise
                    if attempt == BUILDS_MAX:
                        raise
                    if error.code != _NONCE_USED:
                        nonces.forget(who.account, public)
        raise AssertionError("the last attempt returns or raises")

    async def call(
        self,
        function: str | tuple[AccountLike, str],
        arguments: Mapping[str, Any] | None = None,
        /,
        *,
        funds: int = 0,
        account: AccountLike | None = None,
        key: KeyLike | None = None,
        sponsor: SponsorLike | None = None,
        timeout_s: float | None = None,
        check: bool = True,
        **named: Any,
    ) -> Final:
        """Call a contract: `call("booking.request", funds=6800, shop=..., ...)`.

        Arguments whose names are taken here (`account`, `key`) go into `arguments`.
        """
        contract, name = _split(function)
        action = {
            "type": "call",
            "contract": contract,
            "function": name,
            "arguments": {**(arguments or {}), **named},
            "funds": funds,
        }
        return await self.send(
            [action], account=account, key=key, sponsor=sponsor, timeout_s=timeout_s, check=check
        )

    # Defaults ---------------------------------------------------------------------------------

    def _seconds(self, timeout_s: float | None) -> float:
        return self._connection.timeout_s if timeout_s is None else timeout_s

    def _account_text(self, account: AccountLike | None) -> str:
        chosen = self._account if account is None else account
        if chosen is None:
            raise InvalidParams("which account? give one, or a key", data={"field": "account"})
        return show_account(chosen)

    def _who(self, key: KeyLike | None, account: AccountLike | None) -> Identity:
        if key is not None:
            return read_identity(key, account)
        if self._identity is None:
            raise InvalidParams("a key is needed to sign with", data={"field": "key"})
        if account is None:
            return self._identity
        return read_identity(self._identity.signer, account)

    def _payer(self, sponsor: SponsorLike | None) -> Sponsor:
        return self._sponsor if sponsor is None else _read_sponsor(sponsor)


def _read_sponsor(sponsor: SponsorLike | None) -> Sponsor:
    if isinstance(sponsor, Signer):
        return Identity(sponsor.public_key, read_key(sponsor))
    return sponsor


def _is_about_nonce(error: Refused) -> bool:
    return error.code in {_NONCE_USED, _NONCE_STALE, _NONCE_TOO_FAR}


def _split(function: str | tuple[AccountLike, str]) -> tuple[str, str]:
    """Return (contract, function) of `name.function` or of the two apart."""
    if isinstance(function, tuple):
        contract, name = function
        if isinstance(contract, bytes):
            return encode_id("ctr", contract), name
        return contract, name
    contract, dot, name = function.rpartition(".")
    if not dot or not contract or not name:
        text = f"{function!r} is not like booking.request"
        raise InvalidParams(text, data={"field": "function"})
    return contract, name


def _bytes_of(signed: Signed | bytes) -> bytes:
    return signed.data if isinstance(signed, Signed) else signed


def _object(value: object) -> Json:
    if not isinstance(value, dict):
        raise BadAnswer(f"expected an object, found {str(value)[:200]}")
    return value
