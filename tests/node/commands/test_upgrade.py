"""`washnode upgrade status`: which rules come, and whether the program has them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.commands import connect


def feature(name: str, **changes: Any) -> dict[str, Any]:
    found = {"name": name, "activation": 9_000, "in_force": False, "known": False}
    return {**found, "expected_at": 1_769_860_800_000, **changes}


def run(monkeypatch: pytest.MonkeyPatch, *features: dict[str, Any], lang: str = "en") -> Result:
    class Fake:
        def ask(self, method: str) -> Any:
            return {"version": "0.1.0"} if method == "node_info" else list(features)

    @contextmanager
    def session() -> Iterator[Fake]:
        yield Fake()

    monkeypatch.setattr(connect, "session", session)
    return CliRunner().invoke(main, ["upgrade", "status", "--lang", lang])


def test_a_rule_that_is_lacking_is_told_with_its_time_and_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = run(monkeypatch, feature("night-prices"))

    assert shown.exit_code == 8
    assert "about 2026-01-31 12:00 UTC" in shown.stdout
    assert "LACKS IT" in shown.stdout
    assert "does not know night-prices: the node stops before height 9000" in shown.stdout
    assert "python -m pip install --upgrade washnode; washnode stop; washnode start" in shown.stderr


def test_rules_that_it_has_and_that_are_in_force_are_no_trouble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = feature("a", known=True), feature("b", known=True, in_force=True, expected_at=None)
    young = feature("c", known=True, expected_at=None)

    shown = run(monkeypatch, *known, young)
    none = run(monkeypatch)
    chinese = run(monkeypatch, feature("a"), lang="zh")

    assert (shown.exit_code, none.exit_code, chinese.exit_code) == (0, 0, 8)
    assert "in force" in shown.stdout
    assert "can not be told yet" in shown.stdout
    assert "washnode 0.1.0: no rule was voted for." in none.stdout
    assert "缺少" in chinese.stdout
