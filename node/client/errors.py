"""What the client raises: one class for each thing that a program does differently.

WashRpcError            any answer of a node that is an error
+- NodeUnreachable      no answer at all: connection refused, lost, or out of time
|  +- NodeNotReady      a node that is starting, stopping or catching up
+- BadAnswer            bytes that are no answer to what was asked
+- InvalidParams        parameters that the method does not take
+- NotFound             the thing asked for is not on the chain
+- Unauthenticated      a token is missing or unknown
|  +- Forbidden         the token is good, but not for this
+- RateLimited          too many requests; says how long to wait
+- Refused              the chain's or a contract's no, with its reason in two languages
|  +- WrongChain        a transaction of one chain at another; also before it is signed
+- Expired              a transaction that can never be in a block any more
+- StillPending         no outcome in the time given; the transaction may still come through
"""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from chain.errors import Retry, WashError
from node.client.results import Final

TRANSPORT_CODE = -32_000  # of this client: no node speaks of its own absence


class WashRpcError(WashError):
    """An answer that is an error; `data` has what the node told besides code and message."""

    # One class stands for many codes here, so the code belongs to the instance.
    code: int  # type: ignore[misc]
    retry: Retry  # type: ignore[misc]
    default_code: ClassVar[int] = TRANSPORT_CODE
    default_name: ClassVar[str] = "CLIENT"
    default_retry: ClassVar[Retry] = "never"

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        name: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = self.default_code if code is None else code
        self.name = name or self.default_name
        self.data = dict(data or {})
        self.zh = str(self.data.get("zh", ""))
        retry = self.data.get("retry")
        known = retry in {"never", "same", "rebuild", "later"}
        self.retry = cast("Retry", retry) if known else self.default_retry


class NodeUnreachable(WashRpcError):  # noqa: N818 - what happened, not that it is an error
    """No answer: the connection was refused, was lost, or took too long."""

    default_name = "NODE_UNREACHABLE"
    default_retry = "same"


class NodeNotReady(NodeUnreachable):
    """The node is there, but starting, stopping or catching up."""

    default_code = -32_001
    default_name = "NOT_READY"


class BadAnswer(WashRpcError):  # noqa: N818
    """Bytes that are no JSON-RPC answer, too many bytes, or the answer to something else."""

    default_name = "BAD_ANSWER"


class InvalidParams(WashRpcError):  # noqa: N818
    """Parameters that the method does not take; `data["field"]` names the one at fault."""

    default_code = -32_602
    default_name = "INVALID_PARAMS"


class NotFound(WashRpcError):  # noqa: N818
    """Nothing of that name or id; `data["searched"]` says where the node looked."""

    default_code = 6001
    default_name = "NOT_FOUND"


class Unauthenticated(WashRpcError):  # noqa: N818
    """The method wants a token and the one given is missing or unknown."""

    default_code = -32_003
    default_name = "UNAUTHENTICATED"


class Forbidden(Unauthenticated):
    """The token is good, but not for this method."""

    default_code = -32_004
    default_name = "FORBIDDEN"


class RateLimited(WashRpcError):  # noqa: N818
    """Too many requests, also after the client has waited as often as it may."""

    default_code = -32_002
    default_name = "RATE_LIMITED"
    default_retry = "later"

    @property
    def retry_after_ms(self) -> int:
        """How long the node wants to be left alone."""
        value = self.data.get("retry_after_ms")
        return value if type(value) is int and value >= 0 else 1_000


class Refused(WashRpcError):  # noqa: N818
    """The no of the chain or of a contract. `final` is there if it happened inside a block."""

    default_code = 1000
    default_name = "REFUSED"

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        name: str | None = None,
        data: Mapping[str, Any] | None = None,
        final: Final | None = None,
    ) -> None:
        super().__init__(message, code=code, name=name, data=data)
        self.final = final

    @property
    def reason(self) -> str:
        """The contract's own word for it (`slot_taken`), or empty text."""
        return str(self.data.get("reason") or "")


class WrongChain(Refused):
    """Another chain: the node's, of a signed transaction; or this client's, before it signs."""

    default_code = 1003
    default_name = "WRONG_CHAIN"


class Expired(WashRpcError):  # noqa: N818
    """The transaction's time is over and it is in no block: it never will be."""

    default_code = 1006
    default_name = "EXPIRED"
    default_retry = "rebuild"

    def __init__(self, tx_id: str, searched: object) -> None:
        super().__init__(
            f"transaction {tx_id} is in no block and its time is over; it can be built anew",
            data={"tx_id": tx_id, "searched": searched},
        )
        self.tx_id = tx_id


class StillPending(WashRpcError):  # noqa: N818
    """No outcome yet. The transaction may still come through: ask `wait(tx_id)` again."""

    default_name = "STILL_PENDING"
    default_retry = "same"

    def __init__(self, tx_id: str, waited_ms: int) -> None:
        super().__init__(
            f"transaction {tx_id} has no outcome after {waited_ms} ms; it may still come through",
            data={"tx_id": tx_id},
        )
        self.tx_id = tx_id


_BY_CODE: dict[int, type[WashRpcError]] = {
    one.default_code: one
    for one in (
        NodeNotReady,
        InvalidParams,
        NotFound,
        Unauthenticated,
        Forbidden,
        RateLimited,
        WrongChain,
    )
}
_REFUSALS = range(1000, 7000)  # what the ledger and the contracts say; above: the node's own faults


def read_error(error: object) -> WashRpcError:
    """Return the exception for the `error` member of a JSON-RPC answer, whatever it holds."""
    if not isinstance(error, dict):
        return BadAnswer(f"an error that is no object: {str(error)[:200]}")
    entries = cast("dict[str, Any]", error)
    code, message, data = entries.get("code"), entries.get("message"), entries.get("data")
    if type(code) is not int or not isinstance(message, str):
        return BadAnswer(f"an error without a code and a message: {str(entries)[:200]}")
    details = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    name = details.get("name")
    found = _BY_CODE.get(code, Refused if code in _REFUSALS else WashRpcError)
    return found(message, code=code, name=str(name) if name else None, data=details)


def read_refusal(error: Mapping[str, Any], final: Final | None) -> Refused:
    """Return the exception for the `error` of a receipt, of a status or of a trial run.

    In a receipt its members stand side by side, elsewhere some of them are in `data`.
    """
    inner = error.get("data")
    details = {**error, **inner} if isinstance(inner, dict) else dict(error)
    details.pop("data", None)
    code = details.get("code")
    return Refused(
        str(details.get("message", "refused")),
        code=code if type(code) is int else None,
        name=str(details.get("name") or "REFUSED"),
        data=details,
        final=final,
    )
