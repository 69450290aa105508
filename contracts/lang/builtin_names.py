"""Names that the language itself gives a meaning."""

from contracts.lang.constants import ROLES, UNITS_MS
from contracts.lang.types import PLAIN_TYPES
from contracts.vm.opcodes import Context, Op

CONTEXT_CALLS: dict[str, Context] = {
    "caller": Context.CALLER,
    "origin": Context.ORIGIN,
    "this": Context.SELF,
    "signer": Context.SIGNER,
    "sponsor": Context.SPONSOR,
    "now": Context.NOW,
    "deadline_now": Context.DEADLINE_NOW,
    "height": Context.HEIGHT,
    "paid": Context.PAID,
    "call_id": Context.CALL_ID,
    "due": Context.DUE,
    "chain_id": Context.CHAIN_ID,
}
# name: opcode, operand letters in the order a, b, t, result letter
PLAIN_CALLS: dict[str, tuple[Op, str, str]] = {
    "muldiv": (Op.MULDIV, "III", "I"),
    "len": (Op.LEN, "Y", "I"),
    "slice": (Op.SLICE, "YII", "Y"),
    "sha256": (Op.SHA256, "Y", "Y"),
    "from_bytes": (Op.B2I, "Y", "I"),
    "address_to_bytes": (Op.A2B, "A", "Y"),
    "bytes_to_address": (Op.B2A, "Y", "A"),
}
FOLDING_CALLS: dict[str, Op] = {"min": Op.MIN, "max": Op.MAX, "concat": Op.CAT}
STATEMENT_CALLS = (
    "require", "fail", "emit", "schedule", "cancel", "cancel_all", "mint", "burn", "bounded",
)  # fmt: skip
OTHER_CALLS = ("to_bytes", "zero_address", "has_role", "balance", "supply", "range")
TYPE_WORDS = (
    "Map", "Pots", "Event", "Errors", "indexed", "Asset", "Link", "Record", "Enum", "Contract",
    "Bytes", "Text", "Money", "Id", "tuple", "init", "action", "view", "timer", "self",
)  # fmt: skip

BUILTIN_NAMES: frozenset[str] = frozenset(
    (
        *CONTEXT_CALLS,
        *PLAIN_CALLS,
        *FOLDING_CALLS,
        *STATEMENT_CALLS,
        *OTHER_CALLS,
        *TYPE_WORDS,
        *PLAIN_TYPES,
        *ROLES,
        *UNITS_MS,
    )
)
