"""`washnode validator rotate`: which step is next, and what it waits for."""

from typing import Any, Self

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.commands import connect

OLD, NEW, OTHER = ("aa" * 32, "bb" * 32, "cc" * 32)


def listed(
    *keys: str, silent: str = "", pending: int | None = None, seen: int | None = 9
) -> dict[str, Any]:
    items = [{"key": key, "is_silent": key == silent, "last_seen": seen} for key in keys]
    change = None if pending is None else {"activation": pending, "keys": [], "quorum": 1}
    return {"items": items, "pending": change}


class FakeClient:
    """Answers with one list of validators, and has no proposals."""

    def __init__(self, validators: dict[str, Any]) -> None:
        self.validators = validators

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def rpc(self, method: str, **_params: object) -> Any:
        head = {"last_validators_change_height": 7}
        answers = {"validator_list": self.validators, "node_info": {"head": head}}
        return (answers | {"gov_proposals": {"items": []}})[method]


def rotate(monkeypatch: pytest.MonkeyPatch, validators: dict[str, Any]) -> Result:
    monkeypatch.setattr(connect, "make_client", lambda *_: FakeClient(validators))
    words = ["validator", "rotate", OLD, "--new", NEW, "--rpc", "http://127.0.0.1:1"]
    return CliRunner().invoke(main, words)


@pytest.mark.parametrize(
    ("validators", "code", "text"),
    [
        (listed(NEW, OTHER), 0, "the new key decides, and the old one no more"),
        (listed(OLD, OTHER, pending=12), 7, "validators change at height 12"),
        (listed(OLD, NEW, silent=NEW), 7, "the new key was not seen at work of late"),
        (listed(OLD, NEW, seen=8), 7, "was not seen at work of late; see that its node runs"),
        (listed(OLD, NEW, seen=None), 7, "was not seen at work of late"),
        (listed(OLD, NEW), 2, "who signs?"),  # it would send the removal now
        (listed(OLD, OTHER), 2, "give --ready FILE"),
        (listed(OTHER), 2, "is no validator"),
    ],
)
def test_a_rotation_says_what_it_waits_for(
    monkeypatch: pytest.MonkeyPatch, validators: dict[str, Any], code: int, text: str
) -> None:
    done = rotate(monkeypatch, validators)

    assert (done.exit_code, text in done.output) == (code, True), done.output
