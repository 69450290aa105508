"""Why a passport is refused, in the reader's language: no check keeps an English reason."""

# ruff: noqa: RUF001 - Chinese has its own marks

import re
from pathlib import Path

import pytest

import node.pages
from node.passport.reasons import failure_in_chinese, in_chinese

SCRIPT = Path(node.pages.__file__).parent / "static" / "check.js"


def reasons_of_the_script() -> list[str]:
    """Return each reason of the page's script, with some value in its places."""
    text = SCRIPT.read_text("utf-8")
    found = re.findall(r'fail\((?:`((?:[^`$]|\$\{(?:[^{}`]|`[^`]*`)*\})*)`|"([^"]*)")\)', text)
    return [re.sub(r"\$\{(?:[^{}`]|`[^`]*`)*\}", "7", one or plain) for one, plain in found]


def test_every_reason_of_the_pages_script_has_its_chinese() -> None:
    reasons = reasons_of_the_script()

    assert len(reasons) >= 38
    assert [one for one in reasons if in_chinese(one) == one] == []


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("there is no secret of the vehicle", "车辆：没有车辆的暗码"),
        (
            "height 30: height is 30, expected one above the trusted 31",
            "车辆：高度 30：高度为 30，应高于所信任的 31",
        ),
        (
            "entry 1 of secret 2: the state does not show these 144 bytes",
            "车辆：状态未能证明「第 2 个暗码的第 1 条」的这 144 字节",
        ),
        ("ab" * 32, f"车辆：{'ab' * 32}"),
        ("Offset is outside", "车辆：内容已损坏，无法读取（Offset is outside）"),
    ],
)
def test_a_reason_is_told_with_its_values(why: str, told: str) -> None:
    assert failure_in_chinese("vehicle", why) == told
