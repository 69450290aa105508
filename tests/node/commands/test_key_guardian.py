"""`washnode key guardian`: what is sent, what is shown, what is refused before anything is sent."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.client.accounts import show_account
from node.commands import connect
from node.keys.store import KeyStore
from tests.make import account
from tests.node.commands.test_common import FakeWash

ALICE, BOB, CEM = (show_account(account(name)) for name in ("alice", "bob", "cem"))
KEY = "ab" * 32


class Signing(FakeWash):
    """A client that takes what is sent."""

    sent: list[Any]

    def simulate(self, actions: list[Any], **_options: Any) -> None:
        pass

    def send(self, actions: list[Any], **_options: Any) -> None:
        self.sent += actions


@pytest.fixture
def wash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Signing:
    KeyStore(tmp_path / "keys").create("shop", None)
    fake = Signing({"node_info": {"is_dev": False}})
    fake.sent = []
    named(fake)
    monkeypatch.setattr(connect, "make_client", lambda _url, _token, _timeout_s: fake)
    monkeypatch.setenv("WASH_DATA", str(tmp_path))
    return fake


def named(wash: Signing, *guardians: str, threshold: int = 0, recovery: Any = None) -> None:
    found = {"account": "acct1", "guardians": list(guardians), "threshold": threshold}
    wash.answers["account_get"] = {**found, "recovery": recovery, "keys": [{"key": KEY}]}


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["key", "guardian", *words], env={"WASH_LANG": "en"})


def setting(threshold: int, *guardians: str) -> dict[str, Any]:
    return {"type": "set_guardians", "guardians": list(guardians), "threshold": threshold}


def test_guardians_are_added_to_those_there_are_and_two_are_needed(wash: Signing) -> None:
    run("add", ALICE)
    run("add", ALICE, BOB)
    named(wash, ALICE, BOB, threshold=2)
    run("add", CEM)
    run("add", CEM, "--of", "3")

    assert wash.sent == [
        setting(1, ALICE), setting(2, ALICE, BOB), setting(2, ALICE, BOB, CEM),
        setting(3, ALICE, BOB, CEM),
    ]  # fmt: skip


def test_who_is_taken_away_must_be_one_and_fewer_are_needed_then(wash: Signing) -> None:
    named(wash, ALICE, BOB, threshold=2)
    stranger = run("remove", CEM)
    run("remove", BOB)
    run("remove", ALICE, BOB)

    assert (stranger.exit_code, f"{CEM} is no guardian" in stranger.stderr) == (3, True)
    assert wash.sent == [setting(1, ALICE), setting(0)]


def test_a_new_key_on_its_way_is_shown(wash: Signing) -> None:
    none = run("show", "shop")
    ready_at = 1_767_571_200_000
    recovery = {"new_key": KEY, "approvals": [ALICE, BOB], "ready_at": ready_at}
    named(wash, ALICE, BOB, threshold=2, recovery=recovery)
    shown = run("show", "shop")

    assert none.stdout == "No guardians: who loses the key and its words loses the account.\n"
    assert shown.stdout.splitlines() == [
        ALICE, BOB, "2 of them give a new key.", f"new key      {KEY}", "said yes     2",
        "counts from  2026-01-05T00:00:00Z",
    ]  # fmt: skip


def test_guardians_say_yes_to_a_whole_key_only(wash: Signing) -> None:
    short = run("approve", ALICE, "ab")
    done = run("approve", ALICE, KEY)
    run("finish", ALICE)
    run("stop")

    assert (short.exit_code, done.exit_code) == (2, 0)
    assert wash.sent == [
        {"type": "approve_recovery", "account": ALICE, "new_key": KEY},
        {"type": "finish_recovery", "account": ALICE},
        {"type": "cancel_recovery"},
    ]
