"""The synchronous client: the asynchronous one, each call waited for."""

import weakref
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from chain.transaction import Transaction
from node.client.accounts import AccountLike, KeyLike
from node.client.api import TIMEOUT_S, URL_DEFAULT, AsyncWash, SponsorLike
from node.client.building import Actions
from node.client.connection import Request
from node.client.dev import AsyncDev
from node.client.errors import WashRpcError
from node.client.loop_thread import LoopThread
from node.client.results import Final, Json, Pending, Signed
from node.client.subscription import WINDOW_DEFAULT, EventStream


def _close(thread: LoopThread, client: AsyncWash) -> None:
    if thread.is_open:
        thread.close(client.close())


class Wash:
    """`AsyncWash` for code without `await`; its methods are the same and documented there.

    It keeps a thread for its connections: use it with `with`, or call `close()`. Several threads
    may share one.
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
        self._client = AsyncWash(
            url,
            key=key,
            account=account,
            sponsor=sponsor,
            token=token,
            chain_id=chain_id,
            timeout_s=timeout_s,
        )
        self._thread = LoopThread("washnode-client")
        self._close = weakref.finalize(self, _close, self._thread, self._client)
        self.dev = Dev(self._thread, self._client.dev)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close all connections and end the thread; closing twice is fine."""
        self._close()

    def rpc(self, method: str, /, **params: Any) -> Any:
        """See `AsyncWash.rpc`."""
        return self._thread.run(self._client.rpc(method, **params))

    def batch(self, requests: Sequence[Request]) -> list[Any | WashRpcError]:
        """See `AsyncWash.batch`."""
        return self._thread.run(self._client.batch(requests))

    def read(
        self,
        view: str | tuple[AccountLike, str],
        arguments: Mapping[str, Any] | None = None,
        /,
        **named: Any,
    ) -> Any:
        """See `AsyncWash.read`."""
        return self._thread.run(self._client.read(view, arguments, **named))

    def head(self) -> Json:
        """See `AsyncWash.head`."""
        return self._thread.run(self._client.head())

    def account(self, account: AccountLike | None = None) -> Json:
        """See `AsyncWash.account`."""
        return self._thread.run(self._client.account(account))

    def balance(self, account: AccountLike | None = None, asset: str = "CNY") -> int:
        """See `AsyncWash.balance`."""
        return self._thread.run(self._client.balance(account, asset))

    def explain(self, tx_id: str, lang: Literal["en", "zh"] = "en") -> Json:
        """See `AsyncWash.explain`."""
        return self._thread.run(self._client.explain(tx_id, lang))

    def events(
        self,
        wanted: Mapping[str, Any] | None = None,
        *,
        after: str = "latest",
        window: int = WINDOW_DEFAULT,
        patience_s: float | None = None,
    ) -> "Events":
        """See `AsyncWash.events`; iterate it with `for`."""
        stream = self._client.events(wanted, after=after, window=window, patience_s=patience_s)
        return Events(self._thread, stream)

    def build(
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
        """See `AsyncWash.build`."""
        work = self._client.build(
            actions,
            account=account,
            key=key,
            sponsor=sponsor,
            nonce=nonce,
            valid_until=valid_until,
            gas_limit=gas_limit,
            client_ref=client_ref,
        )
        return self._thread.run(work)

    def sign(
        self,
        body: Transaction,
        *,
        key: KeyLike | None = None,
        sponsor: SponsorLike | None = None,
    ) -> Signed:
        """See `AsyncWash.sign`."""
        return self._thread.run(self._client.sign(body, key=key, sponsor=sponsor))

    def simulate(
        self,
        actions: Actions,
        *,
        account: AccountLike | None = None,
        key: KeyLike | None = None,
        sponsor: SponsorLike | None = None,
    ) -> Json:
        """See `AsyncWash.simulate`."""
        work = self._client.simulate(actions, account=account, key=key, sponsor=sponsor)
        return self._thread.run(work)

    def submit(self, signed: Signed | bytes) -> Pending:
        """See `AsyncWash.submit`."""
        return self._thread.run(self._client.submit(signed))

    def submit_and_wait(
        self, signed: Signed | bytes, *, timeout_s: float | None = None, check: bool = True
    ) -> Final:
        """See `AsyncWash.submit_and_wait`."""
        work = self._client.submit_and_wait(signed, timeout_s=timeout_s, check=check)
        return self._thread.run(work)

    def wait(self, tx_id: str, *, timeout_s: float | None = None, check: bool = True) -> Final:
        """See `AsyncWash.wait`."""
        return self._thread.run(self._client.wait(tx_id, timeout_s=timeout_s, check=check))

    def send(
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
        """See `AsyncWash.send`."""
        work = self._client.send(
            actions,
            account=account,
            key=key,
            sponsor=sponsor,
            client_ref=client_ref,
            timeout_s=timeout_s,
            check=check,
        )
        return self._thread.run(work)

    def call(
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
        """See `AsyncWash.call`."""
        work = self._client.call(
            function,
            {**(arguments or {}), **named},
            funds=funds,
            account=account,
            key=key,
            sponsor=sponsor,
            timeout_s=timeout_s,
            check=check,
        )
        return self._thread.run(work)


class Events:
    """`EventStream` for `for`; close it from another thread to end a loop that waits."""

    def __init__(self, thread: LoopThread, stream: EventStream) -> None:
        self._thread, self._stream = thread, stream

    @property
    def position(self) -> str | None:
        """The id to go on after, another day."""
        return self._stream.position

    def __iter__(self) -> Iterator[Json]:
        """Return itself."""
        return self

    def __next__(self) -> Json:
        """Return the next event; the one before it is done with."""
        event = self._thread.run(self._next())
        if event is None:
            raise StopIteration
        return event

    async def _next(self) -> Json | None:
        return await anext(self._stream, None)

    def __enter__(self) -> Self:
        """Connect, so that no later event is missed."""
        self._thread.run(self._enter())
        return self

    async def _enter(self) -> None:
        await self._stream.__aenter__()

    def __exit__(self, *_exception: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """End the subscription; iterating stops."""
        if self._thread.is_open:
            self._thread.run(self._stream.close())


class Dev:
    """`wash.dev`; see `AsyncDev`."""

    def __init__(self, thread: LoopThread, dev: AsyncDev) -> None:
        self._thread, self._dev = thread, dev

    def accounts(self) -> list[dict[str, Any]]:
        """See `AsyncDev.accounts`."""
        return self._thread.run(self._dev.accounts())

    def faucet(self, account: AccountLike, amount: int, asset: str | None = None) -> Json:
        """See `AsyncDev.faucet`."""
        return self._thread.run(self._dev.faucet(account, amount, asset))

    def tick(self, duration_ms: int) -> Json:
        """See `AsyncDev.tick`."""
        return self._thread.run(self._dev.tick(duration_ms))

    def set_time(self, time: int) -> Json:
        """See `AsyncDev.set_time`."""
        return self._thread.run(self._dev.set_time(time))

    def mine(self, count: int = 1) -> Json:
        """See `AsyncDev.mine`."""
        return self._thread.run(self._dev.mine(count))

    def halt(self, duration_ms: int) -> Json:
        """See `AsyncDev.halt`."""
        return self._thread.run(self._dev.halt(duration_ms))

    def snapshot(self) -> str:
        """See `AsyncDev.snapshot`."""
        return self._thread.run(self._dev.snapshot())

    def revert(self, snapshot: str) -> Json:
        """See `AsyncDev.revert`."""
        return self._thread.run(self._dev.revert(snapshot))

    def seed(self, scenario: str = "default") -> Json:
        """See `AsyncDev.seed`."""
        return self._thread.run(self._dev.seed(scenario))
