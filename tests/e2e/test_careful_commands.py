"""Commands that look before they act, and what they say on one line: on a development chain."""

from collections.abc import Iterator

import pytest

from tests.e2e.test_commands import Started, end, start

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    started = start(tmp_path_factory.mktemp("dev") / "data", "dev")
    yield started
    end(started)


def test_what_a_trial_run_refuses_is_sent_if_it_must_be(dev: Started) -> None:
    words = ["transfer", "asset=CNY", "to=bob", "amount=99999999.00", "--from", "erin"]
    kept_back = dev.run("tx", "send", *words, "--no-wait")
    between = dev.ask("tx", "list", "--account", "erin", "--limit", "1")
    sent = dev.run("tx", "send", *words, "--force")
    after = dev.ask("tx", "list", "--account", "erin", "--limit", "1")

    assert (kept_back.returncode, sent.returncode) == (6, 6)
    assert "nothing was sent" in kept_back.stderr
    assert "nothing else happened: washnode tx show" in sent.stderr
    assert after["items"] != between["items"]


def test_own_payments_on_their_way_do_not_hinder_the_next(dev: Started) -> None:
    words = ["transfer", "asset=CNY", "to=bob", "amount=1", "--from=alice", "--no-wait"]

    sent = [dev.ask("tx", "send", *words)["tx_id"] for _ in range(3)]

    assert [dev.ask("tx", "wait", one)["status"] for one in sent] == ["final"] * 3


def test_a_key_is_rotated_at_a_shops_expense(dev: Started) -> None:
    made = dev.ask("key", "new", "till", "--no-passphrase")
    no_member = dev.run("key", "rotate", "till")
    pending = list((dev.folder / "keys").glob("*.new.json"))
    admit = ["admit", f"account={made['account']}", "--from", "operator"]
    dev.ask("tx", "send", *admit)

    rotated = dev.ask("key", "rotate", "till", "--sponsor", "sparkle")

    assert no_member.returncode != 0
    assert pending == []
    assert rotated["account"] == made["account"]
    assert rotated["public_key"] != made["public_key"]


def test_event_lines_fit_a_terminal_unless_all_is_wanted(dev: Started) -> None:
    words = ("events", "tail", "--type", "booking.*", "--after", "earliest", "--no-follow")

    short, long = dev.run(*words).stdout, dev.run(*words, "--long").stdout

    assert max(map(len, short.splitlines())) <= 160
    assert len(short.splitlines()) == len(long.splitlines())
    assert dev.facts["bookings"][0]["booking"] not in short
    assert dev.facts["bookings"][0]["booking"] in long
    assert "total=68.00 CNY" in short


@pytest.mark.parametrize("words", [["zz"], ["010"], ["0102"], ["0102", "--body"], [""]])
def test_rubbish_is_no_transaction(dev: Started, words: list[str]) -> None:
    done = dev.run("tx", "decode", *words)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
