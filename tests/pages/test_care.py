"""What the shop's own computer wants of the people at the counter."""

from typing import Any

import pytest

from node.client import Wash
from node.demo.accounts import account_of, seed_of
from node.live.upcoming import UPGRADE_COMMAND
from node.pages.care import Care, judge
from tests.pages.conftest import Come
from tests.pages.staff import log_in
from tests.pages.town import Town

DAY_MS = 86_400_000
FAR = 90_000  # blocks; nothing of it comes in these tests
TOLD = {
    "en": "has to be renewed before then",
    "zh": "必须更新这台电脑上的程序",
}


def health(*codes: str) -> dict[str, Any]:
    warnings = [{"code": code, "text": "", "fix": ""} for code in codes]
    return {"time_ms": 1_000 * DAY_MS, "unsent": 3, "warnings": warnings}


def rule(days: int | None, *, known: bool = False) -> dict[str, Any]:
    at = None if days is None else (1_000 + days) * DAY_MS
    return {"name": "x", "activation": 77, "in_force": False, "known": known, "expected_at": at}


@pytest.mark.parametrize(("days", "is_urgent"), [(14, False), (4, False), (3, True), (None, True)])
def test_a_program_that_lacks_a_rule_is_told_and_in_red_in_the_last_days(
    days: int | None, *, is_urgent: bool
) -> None:
    lacking = rule(days)

    (found,) = judge(health(), [lacking, rule(9, known=True)])

    values = {"height": 77, "command": UPGRADE_COMMAND}
    assert found == Care("renew", is_urgent, values, lacking["expected_at"])


def test_the_urgent_comes_first_and_what_nobody_here_can_mend_is_not_told() -> None:
    found = judge(health("UNSENT", "RECOVERED", "DISK_LOW", "NO_QUORUM", "SIGN_AGAIN"), [])

    assert [(one.name, one.is_urgent) for one in found] == [
        ("disk", True), ("again", True), ("unsent", False),
    ]  # fmt: skip
    assert found[-1].values == {"count": 3}


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_the_counter_tells_two_weeks_ahead_that_the_program_must_be_renewed(
    visitor: Come, town: Town, lang: str
) -> None:
    height = int(town.rpc("chain_head")["header"]["height"]) + FAR
    who: dict[str, Any] = {"account": account_of("operator"), "key": seed_of("operator")}
    with Wash(town.url) as wash:
        change = {"type": "set_feature", "name": "night-prices", "height": height}
        wash.send([{"type": "propose", "change": change}], **who)
        try:
            mei = await log_in(visitor, town, "Mei", lang=lang)
            await mei.check()
            said = await mei.text("[data-care=renew]")
        finally:
            wash.send([{"type": "propose", "change": {**change, "height": 0}}], **who)

    assert (TOLD[lang] in said, UPGRADE_COMMAND in said) == (True, True)
