"""What a new shop says to the chain first, as actions for `tx_build`: all that trading needs. Pure.

Settings and hours; a service under the usual rules; its owner's key, which a PIN opens; and that it
is open.
"""

from collections.abc import Collection
from typing import Any

from chain.types import DAY_MS, MINUTE_MS
from node.joining.plan import FirstService, ShopPlan
from node.joining.zone import offset_ms
from node.rehearse.plan import policy_id, policy_words
from node.rehearse.policies import PRESETS
from node.staff.deeds import OWNER, SCOPES_OF, functions_of

PRESET = "fair"
POLICY = policy_id(PRESETS[PRESET])
SERVICE = 1
OWNER_REFUND_MAX = 1_000_00  # minor units, at once
_DAYS = 7
_POLICY_FIELDS = (
    "hold_bp", "hold_min", "hold_max", "hold_per_day_min", "no_show", "grace", "accept_by",
    "serve_by", "settle_after", "cooling_off", "reschedules", "reschedule_lead",
    "compensation_bp", "compensation_cap",
)  # fmt: skip

Action = dict[str, Any]


def calling(function: str, **arguments: Any) -> Action:
    """Return the action that calls `contract.function`."""
    contract, _dot, name = function.rpartition(".")
    return {"type": "call", "contract": contract, "function": name, "arguments": arguments}


def opening_times(plan: ShopPlan, now_ms: int) -> list[Action]:
    """Return where and when the shop is open, every day alike at first, and how it takes bookings.

    Work that takes days takes whole ones from the opening on, in the shop's zone as it is now.
    """
    opens, closes = plan.opens * MINUTE_MS, plan.closes * MINUTE_MS
    ahead = offset_ms(plan.zone, now_ms) if plan.zone else opens
    settings = calling(
        "shops.set_settings",
        auto_accept=True,
        accept_quotes=False,
        day_start=(opens - ahead) % DAY_MS,
        quarter_bays=plan.bays,
        day_bays=plan.bays,
    )
    hours = [
        calling("shops.set_hours", weekday=day, opens=opens, closes=closes) for day in range(_DAYS)
    ]
    return [settings, *([_profile(plan.zone)] if plan.zone else []), *hours]


def _profile(zone: str) -> Action:
    """Return the action that says in which zone the hours are; the rest is for the pages."""
    unknown = {"latitude": 0, "longitude": 0, "about": "00" * 32, "address": "", "gateway": ""}
    return calling("shops.set_profile", p={**unknown, "zone": zone})


def rules() -> Action:
    """Return the action that stores the usual rules; where they are already it changes nothing."""
    *words, tiers = policy_words(PRESETS[PRESET])
    assert isinstance(tiers, bytes), "the tiers stand last"
    fee = dict(zip(("bp", "held_base", "least", "cap"), words[4:8], strict=True))
    policy = dict(zip(_POLICY_FIELDS, [*words[:4], fee, *words[8:]], strict=True))
    return calling("booking.publish_policy", p=policy, tiers=tiers.hex())


def offering(service: FirstService) -> Action:
    """Return the action that offers the first service."""
    return calling(
        "shops.set_service",
        service=SERVICE,
        price=service.price,
        duration=service.minutes * MINUTE_MS,
        cell=0,
        policy=POLICY.hex(),
        name=service.name,
    )


def owner(key: str, device: str, contracts: Collection[str], until_ms: int) -> list[Action]:
    """Return what makes a key the owner's on this device, for what an owner does."""
    scopes = [
        {"contract": contract, "functions": list(functions)}
        for contract, functions in functions_of(OWNER).items()
        if contract in contracts
    ]
    return [
        {"type": "add_key", "key": key, "scopes": scopes, "limits": [], "expires_at": until_ms},
        calling(
            "shops.set_staff",
            key=key,
            duty=OWNER,
            scopes=SCOPES_OF[OWNER],
            refund_max=OWNER_REFUND_MAX,
            device=device,
            until=until_ms,
        ),
    ]
