"""From what a node says of a transaction to its outcome."""

from collections.abc import Mapping
from typing import Any, cast

from node.client.errors import BadAnswer, Expired, read_refusal
from node.client.results import Final, Json, StatusWord

_WORDS = {"unknown", "pending", "final", "failed", "expired"}


def read_status(tx_id: str, answer: object) -> StatusWord:
    """Return the status word of an answer about a transaction, or raise BadAnswer."""
    word = answer.get("status") if isinstance(answer, dict) else None
    if word not in _WORDS:
        raise BadAnswer(f"status of transaction {tx_id}: {str(answer)[:200]}")
    return cast("StatusWord", word)


def read_outcome(tx_id: str, answer: Mapping[str, Any]) -> Final | None:
    """Return the outcome, None while there is none, or raise Expired."""
    word = read_status(tx_id, answer)
    if word == "expired":
        raise Expired(tx_id, answer.get("searched"))
    if word == "failed" and answer.get("receipt") is None:
        # Taken at first and then dropped: no block contains it, nor will any.
        error = answer.get("error")
        raise read_refusal(error if isinstance(error, dict) else {}, None)
    return read_final(tx_id, answer) if word in {"final", "failed"} else None


def read_final(tx_id: str, answer: Mapping[str, Any]) -> Final:
    """Return the outcome that an answer with a receipt tells, or raise BadAnswer."""
    found = answer.get("receipt")
    if not isinstance(found, dict):
        raise BadAnswer(f"no receipt of transaction {tx_id}: {str(answer)[:200]}")
    receipt = cast("Json", found)
    height, time = receipt.get("height"), receipt.get("time")
    is_ok, code = receipt.get("ok"), receipt.get("code")
    if receipt.get("id") != tx_id or type(height) is not int or type(time) is not int:
        raise BadAnswer(f"not the receipt of transaction {tx_id}: {str(receipt)[:200]}")
    if type(is_ok) is not bool or type(code) is not int or is_ok == (code != 0):
        raise BadAnswer(f"a receipt without a verdict: {str(receipt)[:200]}")
    error = receipt.get("error")
    name = str(error.get("name") or "") if isinstance(error, dict) else ""
    return Final(tx_id, height, time, is_ok, code, "OK" if is_ok else name, receipt)


def raise_if_failed(final: Final) -> Final:
    """Return a good outcome; raise Refused for a transaction that failed in its block."""
    if final.ok:
        return final
    error = final.receipt.get("error")
    details = cast("Json", error) if isinstance(error, dict) else {"code": final.code}
    raise read_refusal(details, final)
