"""What staff do for a shop, and with which of the register's scopes; what keys of a duty may sign.

A contract can not see who of a shop signed, only that the shop did. So the chain bounds what a key
may call at all, and the node asks the register for every deed whether the shop trusts this key
with it now.

Who issues money is in no register: a cashier is trusted for as long as the issuer's account has the
key, and with the desk's calls only.
"""

from collections.abc import Mapping
from typing import Final

OWNER, DESK, BAY, CASHIER = 1, 2, 3, 4
CHECK_IN, STEP, FINISH, REFUND, COUNTER, CASH = 1, 2, 4, 8, 16, 32
SCOPES: Final = (CHECK_IN, STEP, FINISH, REFUND, COUNTER, CASH)
ALL_SCOPES: Final = 31
SCOPES_OF: Final = {OWNER: ALL_SCOPES, DESK: ALL_SCOPES, BAY: STEP | FINISH, CASHIER: CASH}

DEEDS: Final[Mapping[str, Mapping[str, int]]] = {
    "shops": {"open_shop": COUNTER, "close_shop": COUNTER},
    "booking": {
        "accept": COUNTER, "decline": COUNTER, "cancel_by_shop": COUNTER, "offer_slot": COUNTER,
        "announce_weather": COUNTER, "ask_extra": COUNTER, "publish_policy": COUNTER,
        "not_here": CHECK_IN,
        "start_service": STEP, "ready": FINISH, "answer_claim": REFUND,
    },
    "prepaid": {
        "start_use": STEP, "finish_use": FINISH, "claim_use": COUNTER, "answer_claim": REFUND,
        "offer_slot": COUNTER,
    },
    "records": {
        "start": STEP, "start_redo": STEP, "step": STEP, "material": STEP, "extra": STEP,
        "photo": STEP, "finish": FINISH, "correct": FINISH,
    },
    "reviews": {"reply": COUNTER, "answer_feedback": COUNTER},
    "money": {
        "issue": CASH, "begin_payment": CASH, "paid": CASH, "decline": CASH, "attest": CASH,
    },
}  # fmt: skip
# What a customer does and the shop vouches for with its signature beside the customer's.
VOUCHED: Final[Mapping[str, Mapping[str, int]]] = {
    "booking": {"check_in": CHECK_IN, "undo_check_in": CHECK_IN},
    "prepaid": {"begin_use": CHECK_IN},
    "records": {"detach": CHECK_IN},
}
# What is done at the counter for an account whose key the shop keeps, for whoever has no phone.
KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "shops": ("keep_account",),
    "booking": (
        "request", "cancel_booking", "reschedule", "arrived", "check_in", "undo_check_in", "pay",
        "approve_extra", "confirm", "claim_redo", "withdraw_claim", "use_voucher", "leave",
    ),
    "prepaid": ("buy", "begin_use", "confirm_use", "withdraw_use", "claim_redo", "ask_refund"),
}  # fmt: skip
# What the owner has the shop's own key do, for no key of staff may call it: money comes back by it.
OF_SHOP: Final[Mapping[str, tuple[str, ...]]] = {"money": ("withdraw", "settled")}
_OF_OWNERS: Final = ("shops", "booking", "prepaid", "loyalty", "records", "reviews")


def scope_for(contract: str, function: str) -> int | None:
    """Return the scope that a deed needs; None: it is the owner's alone."""
    return DEEDS.get(contract, {}).get(function)


def is_of_shop(contract: str, function: str) -> bool:
    """Tell whether the owner has the shop's own key do this."""
    return function in OF_SHOP.get(contract, ())


def functions_of(duty: int) -> dict[str, tuple[str, ...]]:
    """Return what the key of a duty may call on the chain, by contract; no names = all of it."""
    if duty == OWNER:
        return dict.fromkeys(_OF_OWNERS, ())
    allowed = SCOPES_OF[duty]
    found = {}
    for contract, functions in DEEDS.items():
        names = tuple(name for name, scope in functions.items() if scope & allowed)
        if names:
            found[contract] = names
    return found
