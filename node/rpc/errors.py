"""How the API refuses: typed errors, and the one JSON form that every refusal has.

    RpcError
    +- InvalidParamsError           a parameter that is missing, unknown or not what it must be
    +- NotJsonError                 a text that is not JSON
    +- InvalidRequestError          JSON that is no request
    +- MethodNotFoundError          a method that this node does not have
    +- NotFoundError                an id that names nothing that this node knows
    +- HistoryPrunedError           a state that is no longer kept
    +- ContractRefusedError         a contract's refusal outside of any block (views, simulation)
    +- UnauthenticatedError, ForbiddenError
    +- NotReadyError, MethodDisabledError
    +- RateLimitedError, BatchTooLargeError, ResponseTooLargeError
    +- InternalError                the node's own fault

One condition has one code wherever it is met: in a simulation, when submitting, in a receipt.
"""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from chain.errors import Retry, WashError
from contracts.vm.traps import TrapKind
from node.rpc.error_texts import CATALOGUE, TRAP_TEXTS, ErrorText
from node.rpc.reasons import reasons

CONTRACT_REFUSED = 3000
VM_GAS = 5001
VM_FAULT = 5002
VM_INTERNAL = 5099

_PLAIN = (bool, int, str, bytes, list, tuple, dict)


class ErrorJson(TypedDict):
    """The error member of an answer."""

    code: int
    message: str
    data: dict[str, Any]


class OutcomeJson(TypedDict):
    """Why something failed inside a block, or would."""

    code: int
    name: str
    message: str
    zh: str
    retry: Retry
    reason: NotRequired[str]
    details: NotRequired[dict[str, Any]]


class RpcError(WashError):
    """Base of what the API itself refuses."""

    code = -32603


class NotJsonError(RpcError):
    """A text that is not JSON."""

    code = -32700


class InvalidRequestError(RpcError):
    """JSON that is no request."""

    code = -32600


class MethodNotFoundError(RpcError):
    """A method that this node does not have."""

    code = -32601

    def __init__(self, method: str) -> None:
        shown = method if len(method) <= 64 else method[:64] + "..."  # noqa: PLR2004
        super().__init__(f"no method is called {shown!r}; rpc.discover lists them all")


class InvalidParamsError(RpcError):
    """A parameter that is missing, unknown or not what it must be; `field` is its dotted path."""

    code = -32602

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(f"{field}: {fault}" if field else fault)
        self.field = field


class NotFoundError(RpcError):
    """Something that this node does not know; `searched` are the heights it looked through."""

    code = 6001

    def __init__(self, what: str, searched: tuple[int, int] | None = None) -> None:
        where = "" if searched is None else f" in blocks {searched[0]} to {searched[1]}"
        super().__init__(f"{what} was not found{where}")
        self.what, self.searched = what, searched


class HistoryPrunedError(RpcError):
    """A state that is no longer kept; `min_height` is the first height that can be read."""

    code = -32009

    def __init__(self, min_height: int) -> None:
        super().__init__(f"older state is not kept; the first height to read is {min_height}")
        self.min_height = min_height


class NotReadyError(RpcError):
    """A node that is still starting, or already stopping."""

    code = -32001
    retry = "later"


class RateLimitedError(RpcError):
    """More requests than the node takes from one address."""

    code = -32002
    retry = "later"

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after_ms} ms")
        self.retry_after_ms = retry_after_ms


class UnauthenticatedError(RpcError):
    """A method that needs a token, called without one."""

    code = -32003

    def __init__(self, tier: str) -> None:
        super().__init__(f"this method needs the {tier} token: send Authorization: Bearer TOKEN")
        self.tier = tier


class ForbiddenError(RpcError):
    """A method that needs a stronger token, or another place to be called from."""

    code = -32004

    def __init__(self, tier: str) -> None:
        super().__init__(f"this method needs the {tier} token; yours allows less")
        self.tier = tier


class ResponseTooLargeError(RpcError):
    """An answer beyond the size that this node sends."""

    code = -32005

    def __init__(self, maximum: int) -> None:
        super().__init__(f"the answer is larger than {maximum} bytes; ask for less at a time")
        self.maximum = maximum


class BatchTooLargeError(RpcError):
    """A batch of more calls than the node takes at once."""

    code = -32006

    def __init__(self, *, maximum: int, found: int) -> None:
        super().__init__(f"{found} calls in one batch, at most {maximum} are allowed")
        self.maximum, self.found = maximum, found


class MethodDisabledError(RpcError):
    """A method that exists, but not on this chain or over this connection."""

    code = -32007


class InternalError(RpcError):
    """The node's own fault; `incident` is its number in the log, where the details are."""

    code = -32603

    def __init__(self, incident: int) -> None:
        super().__init__(f"the node failed; incident {incident} in its log says more")
        self.incident = incident


class ContractRefusedError(RpcError):
    """A contract's refusal outside of any block; `outcome` says why, as a receipt would."""

    code = CONTRACT_REFUSED

    def __init__(self, outcome: OutcomeJson) -> None:
        super().__init__(outcome["message"])
        self.outcome = outcome


def error_json(error: WashError) -> ErrorJson:
    """Return the error member of an answer: code, message, and what a program needs to know."""
    if isinstance(error, ContractRefusedError):
        told: dict[str, Any] = dict(error.outcome)
        return ErrorJson(code=told.pop("code"), message=told.pop("message"), data=told)
    text = error_text(error.code)
    data = {**_facts(error), "name": text.name, "zh": text.zh, "retry": text.retry}
    return ErrorJson(code=error.code, message=str(error) or text.en, data=data)


def failure_json(error: WashError) -> OutcomeJson:
    """Return why a transaction was refused, in the form in which receipts say why one failed."""
    if isinstance(error, ContractRefusedError):
        return error.outcome
    text = error_text(error.code)
    found = OutcomeJson(
        code=error.code, name=text.name, message=str(error) or text.en, zh=text.zh, retry=text.retry
    )
    details = _facts(error)
    if details:
        found["details"] = details
    return found


def error_text(code: int) -> ErrorText:
    """Return the catalogue's entry of a code; an unknown one is told as a plain refusal."""
    return CATALOGUE.get(code) or CATALOGUE[WashError.code]


def outcome_error(trap: int, error: int, error_name: str | None) -> OutcomeJson:
    """Return why something failed in a block, from the numbers of its receipt.

    `error_name` is what the contract calls its error number `error`, None if nobody knows.
    """
    if trap == 0:
        return _outcome(error, error_text(error))
    if trap == TrapKind.REQUIRE:
        return _refusal(error_name or f"error_{error}")
    kind = TrapKind(trap) if trap in TrapKind.__members__.values() else TrapKind.INTERNAL
    code = {TrapKind.GAS: VM_GAS, TrapKind.INTERNAL: VM_INTERNAL}.get(kind, VM_FAULT)
    return _outcome(code, TRAP_TEXTS.get(kind.name) or CATALOGUE[code])


def _refusal(name: str) -> OutcomeJson:
    """Return a contract's own refusal; names that the standard contracts use have own texts."""
    known = reasons().get(name)
    code = CONTRACT_REFUSED if known is None else known.code
    outcome = _outcome(code, CATALOGUE[code])
    outcome["message"] = f"the contract refused: {name}" if known is None else known.en
    outcome["zh"] = f"合约拒绝 ({name})" if known is None else known.zh
    outcome["reason"] = name
    return outcome


def _outcome(code: int, text: ErrorText) -> OutcomeJson:
    return OutcomeJson(code=code, name=text.name, message=text.en, zh=text.zh, retry=text.retry)


def _facts(error: WashError) -> dict[str, Any]:
    """Return what an error tells programs besides its text."""
    return {
        name: _plain(value)
        for name, value in vars(error).items()
        if not name.startswith("_") and isinstance(value, _PLAIN)
    }


def _plain(value: Any) -> Any:
    """Return a fact as JSON shows it: bytes as hex, all else as it is."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
