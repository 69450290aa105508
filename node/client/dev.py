"""What only a development chain offers: money from nothing and a clock that obeys."""

from typing import Any

from node.client.accounts import AccountLike, show_account
from node.client.connection import Connection


class AsyncDev:
    """`wash.dev`: other chains answer METHOD_DISABLED."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def accounts(self) -> list[dict[str, Any]]:
        """Return the funded accounts with their names and seeds."""
        answer = await self._connection.call("dev_accounts", {})
        return list(answer["items"] if isinstance(answer, dict) else answer)

    async def faucet(
        self, account: AccountLike, amount: int, asset: str | None = None
    ) -> dict[str, Any]:
        """Give an account money; the amount is in minor units."""
        params = {"account": show_account(account), "amount": amount, "asset": asset}
        return await self._do("dev_faucet", params)

    async def tick(self, duration_ms: int) -> dict[str, Any]:
        """Let time pass at once; everything that falls due on the way happens."""
        return await self._do("dev_increaseTime", {"duration_ms": duration_ms})

    async def set_time(self, time: int) -> dict[str, Any]:
        """Let time pass until `time` (ms since 1970)."""
        return await self._do("dev_setTime", {"time": time})

    async def mine(self, count: int = 1) -> dict[str, Any]:
        """Make blocks now, also empty ones."""
        return await self._do("dev_mine", {"count": count})

    async def halt(self, duration_ms: int) -> dict[str, Any]:
        """Let the chain stand still for a while, as if all its makers were away."""
        return await self._do("dev_halt", {"duration_ms": duration_ms})

    async def snapshot(self) -> str:
        """Remember the whole chain; returns what `revert` takes."""
        return str((await self._do("dev_snapshot", {}))["snapshot"])

    async def revert(self, snapshot: str) -> dict[str, Any]:
        """Go back to a snapshot."""
        return await self._do("dev_revert", {"snapshot": snapshot})

    async def seed(self, scenario: str = "default") -> dict[str, Any]:
        """Play a prepared scenario."""
        return await self._do("dev_seed", {"scenario": scenario})

    async def _do(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        timeout_s = max(self._connection.timeout_s, 120.0)  # years may have to pass
        answer = await self._connection.call(method, params, timeout_s=timeout_s)
        return answer if isinstance(answer, dict) else {"result": answer}
