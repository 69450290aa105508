"""The sets of booking rules that a shop chooses from, by name; nobody types their numbers."""

from dataclasses import dataclass
from typing import Any, Final

from node.rehearse.plan import fee_words, policy_id, policy_words
from node.rehearse.policies import PRESETS, Policy

_FIELDS: Final = (
    "hold_bp", "hold_min", "hold_max", "hold_per_day_min", "no_show", "grace", "accept_by",
    "serve_by", "settle_after", "cooling_off", "reschedules", "reschedule_lead",
    "compensation_bp", "compensation_cap",
)  # fmt: skip
_FEE: Final = ("bp", "held_base", "least", "cap")
_BEFORE_FEE: Final = 4


@dataclass(frozen=True, slots=True)
class Preset:
    """A set of rules: its id on the chain, and what `booking.publish_policy` takes."""

    name: str
    id: str
    rules: dict[str, Any]


def _make(name: str, policy: Policy) -> Preset:
    words = list(policy_words(policy))
    tiers = words.pop()
    assert isinstance(tiers, bytes), "the tiers stand last"
    size = len(fee_words(policy.no_show))
    fee = dict(zip(_FEE, words[_BEFORE_FEE : _BEFORE_FEE + size], strict=True))
    flat = [*words[:_BEFORE_FEE], fee, *words[_BEFORE_FEE + size :]]
    rules = {"p": dict(zip(_FIELDS, flat, strict=True)), "tiers": tiers.hex()}
    return Preset(name, policy_id(policy).hex(), rules)


ALL: Final = {name: _make(name, policy) for name, policy in PRESETS.items()}
WALK_IN: Final = ALL["walkin"]
