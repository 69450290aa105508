"""Sets of booking rules: the file of them, the presets, and the JSON Schema of the file.

The file maps each value of the history's policy column to one set of rules. What a set leaves out
is absent, never a preset's value: a missing timer is no timer, a missing number 0, a missing cap no
cap; null says the same as leaving out. Money is in minor units, times in ms, shares in basis points
(10000 = all).
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from node.rehearse.errors import InputError, shorten

FILE_BYTES_MAX: Final = 33_554_432
POLICIES_MAX: Final = 100_000
NAME_LENGTH_MAX: Final = 256
TIERS_MAX: Final = 8
INTEGER_DIGITS_MAX: Final = 30
SCHEMA_PATH: Final = "docs/policy.schema.json"

BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
Money = Annotated[int, Field(ge=0, le=2**53 - 1)]
# Ten years: no deadline of a booking is further off, and sums of times stay exact everywhere.
DurationMs = Annotated[int, Field(ge=0, le=315_360_000_000)]


class _Rules(BaseModel):
    """Common manners: frozen, no unknown field, integers only, null means left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: field for key, field in value.items() if field is not None}


class Fee(_Rules):
    """A fee: floor(base * fee_bp / 10000), raised to fee_min, cut to fee_cap, never above the held.

    The base is the total price or the held amount.
    """

    fee_bp: BasisPoints = 0
    fee_base: Literal["total", "held"] = "total"
    fee_min: Money = 0
    fee_cap: Money | None = None


class Tier(Fee):
    """The fee of a cancellation at least `lead_ms_min` before the slot begins."""

    lead_ms_min: DurationMs = 0


class ShopFailure(_Rules):
    """What the shop owes for its own failure: a share of the total price, at most the cap."""

    compensation_bp: BasisPoints = 0
    compensation_cap: Money | None = None


class Policy(_Rules):
    """One set of rules; a booking made under it keeps it for life.

    Tiers are kept with the longest lead first, whatever the order in the file: the first whose
    `lead_ms_min` is not above the lead applies, and none means no fee.
    """

    hold_bp: BasisPoints = 0
    hold_min: Money = 0
    hold_max: Money | None = None
    hold_per_day_min: Money = 0
    tiers: Annotated[tuple[Tier, ...], Field(strict=False, max_length=TIERS_MAX)] = ()
    no_show: Fee = Fee()
    grace_ms: DurationMs | None = None
    accept_by_ms: DurationMs | None = None
    serve_by_ms: DurationMs | None = None
    settle_after_ms: DurationMs | None = None
    cooling_off_ms: DurationMs = 0
    reschedules: Annotated[int, Field(ge=0, le=100)] = 0
    reschedule_lead_ms: DurationMs = 0
    shop_failure: ShopFailure = ShopFailure()

    @field_validator("tiers")
    @classmethod
    def _sort_tiers(cls, tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
        leads = [tier.lead_ms_min for tier in tiers]
        if twice := [lead for lead in leads if leads.count(lead) > 1]:
            raise ValueError(f"two tiers have the lead_ms_min {twice[0]}: keep one of them")
        return tuple(sorted(tiers, key=lambda tier: tier.lead_ms_min, reverse=True))


def load_policies(path: Path) -> dict[str, Policy]:
    """Return the file's sets of rules by their names.

    Raises `InputError`, which names the policy and the field, for anything the schema does not
    allow, for a key given twice, and for numbers that are no JSON integers.
    """
    name = str(path)
    content = _read_json(name, path)
    if not isinstance(content, dict):
        problem = f"expected an object of policies by name, seen {shorten(content)}"
        raise InputError(name, "", problem)
    if len(content) > POLICIES_MAX:
        raise InputError(name, "", f"{len(content)} policies, at most {POLICIES_MAX} are allowed")
    policies = {}
    for policy_name, fields in content.items():
        place = f"policy {shorten(policy_name)}"
        if len(policy_name) > NAME_LENGTH_MAX:
            raise InputError(name, place, f"a name has at most {NAME_LENGTH_MAX} characters")
        try:
            policies[policy_name] = Policy.model_validate(fields)
        except ValidationError as error:
            raise _located(name, place, error) from error
    return policies


def _located(name: str, place: str, error: ValidationError) -> InputError:
    """Return the first fault of a policy as an `InputError` that names the field."""
    fault = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in fault["loc"])
    where = f"{place}, field {field}" if field else place
    return InputError(name, where, f"{fault['msg']}; seen {shorten(fault['input'])}")


def _read_json(name: str, path: Path) -> object:
    """Return the parsed file, its size and its nesting bounded."""
    try:
        with path.open("rb") as stream:
            data = stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise InputError(name, "", f"cannot be opened: {error.strerror}") from error
    if len(data) > FILE_BYTES_MAX:
        raise InputError(name, "", f"more than {FILE_BYTES_MAX} bytes: split the file")
    try:
        content: object = json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_unique_pairs,
            parse_int=_bounded_integer,
            parse_constant=_refuse_constant,
        )
    except RecursionError as error:
        raise InputError(name, "", "nested too deeply for a file of policies") from error
    except ValueError as error:
        raise InputError(name, "", f"no valid JSON: {error}") from error
    return content


def _unique_pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for key, value in pairs:
        if key in fields:
            raise ValueError(f"the key {shorten(key)} is given twice in one object")
        fields[key] = value
    return fields


def _bounded_integer(digits: str) -> int:
    if len(digits) > INTEGER_DIGITS_MAX:
        raise ValueError(f"a number of {len(digits)} digits, at most {INTEGER_DIGITS_MAX} are read")
    return int(digits)


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a file of policies, made from the models."""
    adapter = TypeAdapter(dict[str, Policy])
    content = adapter.json_schema(mode="validation")
    for definition in content["$defs"].values():
        for field, schema in definition["properties"].items():
            definition["properties"][field] = _or_null(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Booking policies by name",
        "description": (
            "What a policy leaves out, or sets to null, is absent: no timer, the number 0, no cap."
        ),
        "maxProperties": POLICIES_MAX,
        "propertyNames": {"maxLength": NAME_LENGTH_MAX},
        **content,
    }


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a field's schema that also allows null, which the models read as left out."""
    if {"type": "null"} in schema.get("anyOf", []):
        return schema
    outer: dict[str, Any] = {key: schema[key] for key in ("default", "title") if key in schema}
    inner = {key: part for key, part in schema.items() if key not in outer}
    return {"anyOf": [inner, {"type": "null"}], **outer}


def schema_text() -> str:
    """Return the schema as the published file holds it."""
    return json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"


_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000


def _preset(*, settle_hours: int = 24, **fields: Any) -> Policy:
    """Return a set with the promises common to all presets."""
    return Policy(
        accept_by_ms=30 * _MINUTE_MS,
        serve_by_ms=60 * _MINUTE_MS,
        settle_after_ms=settle_hours * _HOUR_MS,
        cooling_off_ms=15 * _MINUTE_MS,
        shop_failure=ShopFailure(compensation_bp=1000, compensation_cap=2000),
        **fields,
    )


# Amounts are fen, 1/100 yuan.
PRESETS: Final[dict[str, Policy]] = {
    "walkin": _preset(
        tiers=(Tier(lead_ms_min=30 * _MINUTE_MS), Tier()),
        grace_ms=10 * _MINUTE_MS,
        reschedules=100,
    ),
    "flexible": _preset(
        hold_bp=10_000,
        tiers=(Tier(lead_ms_min=_HOUR_MS), Tier()),
        no_show=Fee(fee_bp=1000, fee_cap=1000),
        grace_ms=15 * _MINUTE_MS,
        reschedules=3,
        reschedule_lead_ms=30 * _MINUTE_MS,
    ),
    "fair": _preset(
        hold_bp=10_000,
        tiers=(Tier(lead_ms_min=2 * _HOUR_MS), Tier(fee_bp=1000, fee_cap=2000)),
        no_show=Fee(fee_bp=3000, fee_cap=5000),
        grace_ms=20 * _MINUTE_MS,
        reschedules=2,
        reschedule_lead_ms=_HOUR_MS,
    ),
    "standard": _preset(
        settle_hours=48,
        hold_bp=2500,
        tiers=(
            Tier(lead_ms_min=24 * _HOUR_MS),
            Tier(lead_ms_min=2 * _HOUR_MS, fee_bp=2500),
            Tier(fee_bp=5000),
        ),
        no_show=Fee(fee_bp=5000),
        grace_ms=30 * _MINUTE_MS,
        reschedules=2,
        reschedule_lead_ms=24 * _HOUR_MS,
    ),
    "strict": _preset(
        settle_hours=48,
        hold_bp=2000,
        hold_per_day_min=10_000,
        tiers=(
            Tier(lead_ms_min=72 * _HOUR_MS),
            Tier(lead_ms_min=24 * _HOUR_MS, fee_bp=5000, fee_base="held"),
            Tier(fee_bp=10_000, fee_base="held"),
        ),
        no_show=Fee(fee_bp=10_000, fee_base="held"),
        grace_ms=60 * _MINUTE_MS,
        reschedules=1,
        reschedule_lead_ms=72 * _HOUR_MS,
    ),
    "mobile": _preset(
        hold_bp=2500,
        tiers=(Tier(lead_ms_min=48 * _HOUR_MS), Tier(fee_bp=5000)),
        no_show=Fee(fee_bp=8000),
        grace_ms=15 * _MINUTE_MS,
    ),
}


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else SCHEMA_PATH).write_text(
        schema_text(), encoding="utf-8"
    )
