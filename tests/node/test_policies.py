"""The file of policies: what it means, what it refuses, and the presets."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from node.rehearse import policies as policies_module
from node.rehearse.errors import InputError
from node.rehearse.policies import (
    PRESETS,
    SCHEMA_PATH,
    Fee,
    Policy,
    ShopFailure,
    Tier,
    load_policies,
    policy_schema,
    schema_text,
)
from tests.node import generate

ROOT = Path(__file__).parents[2]


def saved(folder: Path, content: object) -> Path:
    path = folder / "policies.json"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def refusing(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_policies(path)
    return str(caught.value).removeprefix(f"{path}: ")


def test_what_a_policy_leaves_out_is_absent(tmp_path: Path) -> None:
    found = load_policies(saved(tmp_path, {"bare": {}}))

    assert found == {
        "bare": Policy(
            hold_bp=0,
            hold_min=0,
            hold_max=None,
            hold_per_day_min=0,
            tiers=(),
            no_show=Fee(fee_bp=0, fee_base="total", fee_min=0, fee_cap=None),
            grace_ms=None,
            accept_by_ms=None,
            serve_by_ms=None,
            settle_after_ms=None,
            cooling_off_ms=0,
            reschedules=0,
            reschedule_lead_ms=0,
            shop_failure=ShopFailure(compensation_bp=0, compensation_cap=None),
        )
    }


def test_null_says_the_same_as_leaving_out(tmp_path: Path) -> None:
    nulls = dict.fromkeys(Policy.model_fields)
    tier = dict.fromkeys(Tier.model_fields)
    path = saved(tmp_path, {"nulls": nulls, "tier": {"tiers": [tier]}, "none": None})

    text = refusing(path)
    found = load_policies(saved(tmp_path, {"nulls": nulls, "tier": {"tiers": [tier]}}))

    assert text.startswith("policy 'none'")
    assert found == {"nulls": Policy(), "tier": Policy(tiers=(Tier(),))}


def test_tiers_are_kept_with_the_longest_lead_first(tmp_path: Path) -> None:
    tiers = [{"lead_ms_min": 0, "fee_bp": 3}, {"lead_ms_min": 9, "fee_bp": 1}, {"lead_ms_min": 5}]

    found = load_policies(saved(tmp_path, {"p": {"tiers": tiers}}))

    assert found["p"].tiers == (
        Tier(lead_ms_min=9, fee_bp=1),
        Tier(lead_ms_min=5),
        Tier(lead_ms_min=0, fee_bp=3),
    )


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    found = load_policies(saved(tmp_path, '\ufeff{"p": {"grace_ms": 0}}'))

    assert found == {"p": Policy(grace_ms=0)}


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"hold_bp": 10_001}, "policy 'p', field hold_bp: Input should be less than or equal to"),
        ({"hold_bp": -1}, "policy 'p', field hold_bp: "),
        (
            {"hold_bp": True},
            "policy 'p', field hold_bp: Input should be a valid integer; seen True",
        ),
        ({"hold_bp": 1.0}, "policy 'p', field hold_bp: Input should be a valid integer; seen 1.0"),
        ({"hold_bp": "1"}, "policy 'p', field hold_bp: Input should be a valid integer; seen '1'"),
        ({"hold_min": 2**53}, "policy 'p', field hold_min: "),
        ({"grace_ms": -1}, "policy 'p', field grace_ms: "),
        ({"holdbp": 1}, "policy 'p', field holdbp: Extra inputs are not permitted; seen 1"),
        ({"no_show": 5}, "policy 'p', field no_show: "),
        ({"no_show": {"fee": 5}}, "policy 'p', field no_show.fee: Extra inputs"),
        ({"tiers": {}}, "policy 'p', field tiers: "),
        ({"tiers": [{}, {"fee_base": "half"}]}, "policy 'p', field tiers.1.fee_base: "),
        ({"tiers": [{"lead_ms_min": k} for k in range(9)]}, "policy 'p', field tiers: "),
        ({"tiers": [{}, {"lead_ms_min": 0}]}, "policy 'p', field tiers: Value error, two tiers"),
        ([], "policy 'p': "),
    ],
)
def test_a_fault_is_named_with_its_policy_and_field(
    tmp_path: Path, rules: object, message: str
) -> None:
    path = saved(tmp_path, {"good": {}, "p": rules})

    found = refusing(path)

    assert found.startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no valid JSON: "),
        ("[]", "expected an object of policies by name, seen a list"),
        ('{"p": {}, "p": {}}', "no valid JSON: the key 'p' is given twice in one object"),
        ('{"p": {"hold_bp": 1, "hold_bp": 2}}', "no valid JSON: the key 'hold_bp' is given twice"),
        ('{"p": {"hold_bp": NaN}}', "no valid JSON: NaN is not a JSON number"),
        ('{"p": {"hold_bp": -Infinity}}', "no valid JSON: -Infinity is not a JSON number"),
        ('{"p": {"hold_bp": 1e999}}', "policy 'p', field hold_bp: "),
        ('{"p": {"hold_bp": ' + "9" * 9_999 + "}}", "no valid JSON: a number of 9999 digits"),
        ("[" * 100_000, "nested too deeply"),
        ('{"p": {"tiers": ' + "[" * 900 + "]" * 900 + "}}", "policy 'p', field tiers"),
        ('{"' + "x" * 257 + '": {}}', "policy 'xxx"),
    ],
)
def test_a_file_that_is_no_map_of_policies_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = saved(tmp_path, text)

    found = refusing(path)

    assert found.startswith(message)
    assert len(found) < 300


def test_bytes_that_are_no_text_and_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b'{"p\xff": {}}')

    found = [refusing(tmp_path / "bytes.json"), refusing(tmp_path / "none.json")]

    assert found[0].startswith("no valid JSON: 'utf-8' codec")
    assert found[1] == "cannot be opened: No such file or directory"


def test_files_beyond_the_bounds_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, {"a": {}, "b": {}})

    monkeypatch.setattr(policies_module, "POLICIES_MAX", 1)
    many = refusing(path)
    monkeypatch.setattr(policies_module, "FILE_BYTES_MAX", 5)
    large = refusing(path)

    assert many == "2 policies, at most 1 are allowed"
    assert large == "more than 5 bytes: split the file"


def test_thousands_of_generated_policies_load(tmp_path: Path) -> None:
    random = Random(7)
    made = {f"policy {index}": generate.make_policy(random) for index in range(3_000)}

    found = load_policies(saved(tmp_path, made))

    assert list(found) == list(made)


def test_a_policy_cannot_be_changed() -> None:
    policy = Policy(hold_bp=1)

    with pytest.raises(ValidationError, match="frozen"):
        policy.hold_bp = 2  # type: ignore[misc]


def test_the_published_schema_is_current() -> None:
    published = (ROOT / SCHEMA_PATH).read_text(encoding="utf-8")

    assert published == schema_text()


def test_every_field_of_the_schema_may_be_null_and_none_is_required() -> None:
    definitions: dict[str, Any] = policy_schema()["$defs"]

    nullable = {
        (name, field): {"type": "null"} in schema["anyOf"]
        for name, definition in definitions.items()
        for field, schema in definition["properties"].items()
    }

    models: dict[str, type[BaseModel]] = {
        "Fee": Fee,
        "Policy": Policy,
        "ShopFailure": ShopFailure,
        "Tier": Tier,
    }
    assert nullable == {
        (name, field): True for name, model in models.items() for field in model.model_fields
    }
    assert not any("required" in definition for definition in definitions.values())


def test_the_presets_keep_the_promises_made_to_both_sides() -> None:
    promises = {
        name: (
            policy.cooling_off_ms,
            policy.accept_by_ms,
            policy.serve_by_ms,
            policy.settle_after_ms,
            policy.shop_failure.compensation_bp,
            policy.shop_failure.compensation_cap,
        )
        for name, policy in PRESETS.items()
    }

    wash = (900_000, 1_800_000, 3_600_000, 86_400_000, 1000, 2000)
    detailing = (900_000, 1_800_000, 3_600_000, 172_800_000, 1000, 2000)
    assert promises == {
        "walkin": wash,
        "flexible": wash,
        "fair": wash,
        "standard": detailing,
        "strict": detailing,
        "mobile": wash,
    }


def test_the_bundled_policies_are_the_presets() -> None:
    found = load_policies(ROOT / "node/samples/policies.json")

    assert found == PRESETS
