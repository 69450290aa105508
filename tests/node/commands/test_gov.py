"""`washnode gov propose`: which change its words ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.commands import connect, gov
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


# The notice before a new rule -------------------------------------------------------------------

NEAR_MS = 1_769_860_800_000


def expecting(monkeypatch: pytest.MonkeyPatch, *, is_dev: bool = False, **changes: Any) -> None:
    """Let a node tell when height 5000 comes, and show a proposal of a rule from there on."""
    expected = {
        "height": 5_000, "expected_at": NEAR_MS, "notice_ms": 14 * 86_400_000,
        "height_in_time": 9_000, **changes,
    }  # fmt: skip
    shown = {
        "proposal": CODE, "state": "open", "votes": [], "against": [], "votes_needed": 2,
        "change": {"type": "set_feature", "name": "night-prices", "height": 5_000},
        "proposed_at": 3, "decided_at": None,
    }  # fmt: skip

    class Fake:
        def __init__(self) -> None:
            self.is_dev = is_dev

        def ask(self, method: str, **_params: Any) -> Any:
            return expected if method == "gov_expect" else shown

    @contextmanager
    def session(_tier: str = "public") -> Iterator[Fake]:
        yield Fake()

    monkeypatch.setattr(connect, "session", session)


def test_a_rule_that_comes_before_nodes_are_warned_is_asked_about(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    expecting(monkeypatch)
    refused = run("feature", "night-prices", "5000")
    meant = run("feature", "night-prices", "5000", "--yes")

    assert (refused.exit_code, meant.exit_code) == (2, 0)
    assert refused.stderr.splitlines()[-1] == (
        "washnode: height 5000 comes about 2026-01-31 12:00 UTC, and nodes are warned 14 days "
        "ahead: a shop that is closed for a week would stop; from height 9000 on there is time. "
        "Propose it all the same? nobody is there to ask: give --yes"
    )
    assert asked == [{"type": "set_feature", "name": "night-prices", "height": 5_000}]


def test_a_rule_far_enough_ahead_and_its_withdrawal_need_no_question(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    expecting(monkeypatch, height_in_time=5_000)
    done = [run("feature", "night-prices", word) for word in ("5000", "--withdraw")]

    assert [(one.exit_code, one.stderr) for one in done] == [(0, "")] * 2
    assert [one["height"] for one in asked] == [5_000, 0]


def test_on_a_young_or_a_development_chain_it_is_said_as_far_as_it_can_be(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    expecting(monkeypatch, expected_at=None, height_in_time=None)
    young = run("feature", "night-prices", "5000")
    expecting(monkeypatch, is_dev=True)
    dev = run("feature", "night-prices", "5000")

    assert (young.exit_code, dev.exit_code, len(asked)) == (2, 0, 1)
    assert "can not be told yet" in young.stderr
    assert "from height 9000 on there is time" in dev.stderr


def test_who_looks_at_such_a_proposal_is_warned(monkeypatch: pytest.MonkeyPatch) -> None:
    expecting(monkeypatch)
    shown = CliRunner().invoke(main, ["gov", "show", CODE, "--lang", "zh"])

    assert shown.exit_code == 0
    assert "从高度 9000 起时间才够" in shown.stderr
