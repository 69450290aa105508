"""`washnode gov propose`: which change its words ask for."""

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.commands import gov
from node.commands.words import set_lang

CODE = "ab" * 32


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    set_lang("en")
    yield
    set_lang("en")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The changes that were to be proposed."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(gov, "propose", lambda change, _signing: found.append(change))
    return found


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["gov", "propose", *words, "--lang", "en"])


@pytest.mark.parametrize(
    ("words", "change"),
    [
        (
            ("upgrade", "booking", CODE),
            {
                "type": "upgrade_contract", "contract": "booking", "code_id": CODE, "assets": [],
                "links": [], "at_ms": 0,
            },
        ),
        (
            ("upgrade", "booking", CODE, "--at", "2026-03-01T00:00Z", "--asset", "CNY",
             "--link", "shops", "--link", "loyalty"),
            {
                "type": "upgrade_contract", "contract": "booking", "code_id": CODE,
                "assets": ["CNY"], "links": ["shops", "loyalty"], "at_ms": 1_772_323_200_000,
            },
        ),
        (
            ("upgrade", "booking", CODE, "--withdraw"),
            {"type": "withdraw_upgrade", "contract": "booking", "code_id": CODE},
        ),
        (
            ("issuer", "CNY", "money"),
            {"type": "set_issuer", "asset": "CNY", "contract": "money"},
        ),
        (
            ("holders", "CNY", "booking", "prepaid"),
            {"type": "allow_contracts", "asset": "CNY", "contracts": ["booking", "prepaid"]},
        ),
    ],
)  # fmt: skip
def test_words_ask_for_a_change(
    asked: list[dict[str, Any]], words: tuple[str, ...], change: dict[str, Any]
) -> None:
    done = run(*words)

    assert (done.exit_code, asked) == (0, [change]), done.output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("upgrade", "booking", CODE, "--at", "soon"), "soon is no time; write 2026-01-31T10:00Z"),
        (
            ("upgrade", "booking", CODE, "--withdraw", "--link", "shops"),
            "--withdraw needs the CONTRACT and the CODE only",
        ),
    ],
)
def test_words_that_ask_for_nothing_are_refused(
    asked: list[dict[str, Any]], words: tuple[str, ...], why: str
) -> None:
    done = run(*words)

    assert (done.exit_code, asked) == (2, [])
    assert why in done.output
