"""What the demo's shops say of themselves: hours, services, place, staff, points, cards on sale."""

from collections.abc import Mapping
from typing import Final

from chain.transaction import AccountKey, Action, AddKey, Call, Scope
from chain.types import DAY_MS
from node.demo.accounts import account_of
from node.demo.catalogue import BAY, DESK, DemoShop, DemoStaff
from node.demo.genesis import GENESIS_TIME_MS

WASHES: Final = 12  # of the first card that each shop sells, for the price of ten
_PAID_WASHES: Final = 10
_COUNT_CARD, _VALUE_CARD = 1, 2  # kinds in the contract
_NO_HASH: Final = bytes(32)
_NO_LINE: Final = (0, 0, 0, 0)
_LINES: Final = 4
_STAFF_UNTIL_MS: Final = GENESIS_TIME_MS + 3_650 * DAY_MS
# How the shops' points work: earning, 1.00 a point, 100 points are 5.00, pending two days, good for
# 12 months; tiers from, their extra points, their names.
_PROGRAM: Final = (
    True, 100, 500, 2 * DAY_MS, 12, 500, 1_500, 4_000, 500, 1_000, 1_500,
    "Silver / 银卡", "Gold / 金卡", "Diamond / 钻石卡",
)  # fmt: skip
# What keys of staff may call, by duty and contract; none may move money out of the shop's account.
_WORK: Final = ("start", "start_redo", "step", "material", "extra", "photo", "finish")
_MAY_CALL: Final[Mapping[int, Mapping[str, tuple[str, ...]]]] = {
    DESK: {
        "shops": ("open_shop", "close_shop"),
        "booking": (
            "accept", "decline", "cancel_by_shop", "offer_slot", "not_here", "undo_check_in",
            "start_service", "ask_extra", "ready", "answer_claim",
        ),
        "prepaid": ("start_use", "finish_use", "claim_use", "answer_claim", "offer_slot"),
        "records": (*_WORK, "correct"),
        "reviews": ("reply", "answer_feedback"),
    },
    BAY: {
        "booking": ("start_service", "ready"),
        "prepaid": ("start_use", "finish_use"),
        "records": _WORK,
    },
}  # fmt: skip


def present(register: bytes, shop: DemoShop) -> list[Call]:
    """Return what a shop says at first: settings, place, hours, services, that it is open."""
    settings = (shop.auto_accept, False, 0, shop.quarter_bays, shop.day_bays)
    profile = (shop.latitude, shop.longitude, _NO_HASH, shop.zone, shop.address, "")
    calls = [
        Call(register, "set_settings", settings, 0),
        Call(register, "set_profile", profile, 0),
    ]
    calls += [
        Call(register, "set_hours", (weekday, shop.opens_ms, shop.closes_ms), 0)
        for weekday in shop.open_days
    ]
    calls += [
        Call(
            register,
            "set_service",
            (one.number, one.price, one.duration_ms, one.cell, one.policy_id, one.name),
            0,
        )
        for one in shop.services
    ]
    return [*calls, Call(register, "open_shop", (), 0)]


def employ(contracts: Mapping[str, bytes], shop: DemoShop) -> list[Action]:
    """Return how a shop lets people work for it: limited keys of staff, and the owner's own."""
    actions: list[Action] = [Call(contracts["shops"], "set_staff", _trust(shop.owner), 0)]
    for one in shop.staff:
        key = account_of(one.name)
        allowed = _MAY_CALL[one.duty].items()
        scopes = tuple(Scope(contracts[name], names) for name, names in allowed)
        actions += [
            AddKey(AccountKey(key, scopes, (), None)),
            Call(contracts["shops"], "set_staff", _trust(one), 0),
        ]
    return actions


def _trust(one: DemoStaff) -> tuple[bytes | int, ...]:
    key = account_of(one.name)
    return (key, one.duty, one.scopes, one.refund_max, _NO_HASH, _STAFF_UNTIL_MS)


def reward(contracts: Mapping[str, bytes], shop: DemoShop) -> list[Call]:
    """Return how a shop gives points, and the cards that it sells."""
    return [
        Call(contracts["loyalty"], "set_program", _PROGRAM, 0),
        Call(contracts["prepaid"], "publish_offer", _count_card(shop), 0),
        Call(contracts["prepaid"], "publish_offer", _value_card(shop), 0),
    ]


def _count_card(shop: DemoShop) -> tuple[bytes | int | str, ...]:
    price = shop.services[0].price * _PAID_WASHES
    name = f"{WASHES} x {shop.services[0].name}"
    lines = (1, 1, WASHES, price, *_NO_LINE * (_LINES - 1))
    return (1, _COUNT_CARD, price, 0, DAY_MS, True, _NO_HASH, name, *lines)


def _value_card(shop: DemoShop) -> tuple[bytes | int | str, ...]:
    lines: tuple[int, ...] = ()
    for one in shop.services[:_LINES]:
        lines += (one.number, 1, 0, one.price)
    lines += _NO_LINE * (_LINES - len(lines) // len(_NO_LINE))
    paid, bonus = shop.card_price // 100, shop.card_bonus // 100
    name = f"{paid} + {bonus} / 充{paid}送{bonus}"
    return (2, _VALUE_CARD, shop.card_price, shop.card_bonus, DAY_MS, True, _NO_HASH, name, *lines)
