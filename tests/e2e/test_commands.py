"""The commands as people use them: real processes, a development chain and a chain of one's own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from select import select
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "node"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def environment(**more: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("WASH_")}
    return plain | {"WASH_LANG": "en"} | more


def run(*words: object, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment(**more),
        timeout=60,
    )


@dataclass
class Started:
    """A node in a process of its own, and what it said when it was ready."""

    process: subprocess.Popen[str]
    facts: dict[str, Any]
    folder: Path

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        return run(*words, "--data", self.folder)

    def ask(self, *words: object) -> Any:
        done = self.run(*words, "--json")
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return json.loads(done.stdout)


def start(folder: Path, *words: object) -> Started:
    process = subprocess.Popen(
        [*PROGRAM, *map(str, words), "--data", str(folder), "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()
    return Started(process, json.loads(line), folder)


def end(started: Started) -> tuple[int, str]:
    if started.process.poll() is None:
        started.process.send_signal(signal.SIGTERM)
    _, errors = started.process.communicate(timeout=20)
    return started.process.returncode, errors


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    started = start(tmp_path_factory.mktemp("dev") / "data", "dev")
    yield started
    end(started)


def balance(dev: Started, name: str) -> int:
    account = dev.ask("rpc", "account_get", f"account={name}")["result"]["data"]
    return int(account["balances"][0]["amount"])


def test_a_development_chain_tells_who_and_what_is_on_it(dev: Started) -> None:
    facts = dev.facts

    assert [one["name"] for one in facts["accounts"]][-2:] == ["dave", "erin"]
    assert [shop["account"] for shop in facts["shops"]] == ["sparkle", "harbour"]
    assert all(shop["services"][0]["price"]["amount"] > 0 for shop in facts["shops"])
    assert len(facts["bookings"]) > 0


def test_the_status_of_a_well_node_is_green(dev: Started) -> None:
    done = dev.run("status")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("green ")
    assert dev.ask("status")["light"] == "green"


def test_a_payment_is_sent_shown_awaited_and_explained(dev: Started) -> None:
    before = balance(dev, "bob")

    sent = dev.ask("tx", "send", "transfer", "asset=CNY", "to=bob", "amount=12.34", "--from=alice")
    tx_id = sent["receipt"]["id"]
    shown, waited = dev.ask("tx", "show", tx_id), dev.ask("tx", "wait", tx_id, "--timeout", "5s")
    english = dev.run("tx", "explain", tx_id)
    chinese = dev.run("tx", "explain", tx_id, "--lang", "zh")

    assert sent["next"] == f"washnode tx explain {tx_id}"
    assert shown["receipt"] == waited["receipt"] == sent["receipt"]
    assert balance(dev, "bob") == before + 1234
    assert "12.34 CNY" in english.stdout
    assert "12.34 CNY" in chinese.stdout
    assert not chinese.stdout.isascii()


def test_actions_come_from_a_file_too_and_need_no_waiting(dev: Started, tmp_path: Path) -> None:
    bob = dev.facts["accounts"][6]["account"]
    file = tmp_path / "actions.json"
    action = {"type": "transfer", "asset": "CNY", "to": bob, "amount": 1}
    file.write_text(json.dumps([action, action]), encoding="utf-8")

    sent = dev.ask("tx", "send", "--actions", file, "--from", "carol", "--no-wait")
    waited = dev.ask("tx", "wait", sent["tx_id"])

    assert sent["status"] == "pending"
    assert len(waited["receipt"]["events"]) == 2


def test_a_sponsor_pays_for_the_place(dev: Started) -> None:
    words = ["transfer", "asset=CNY", "to=bob", "amount=1", "--from=dave", "--sponsor=sparkle"]

    sent = dev.ask("tx", "send", *words)

    listed = dev.ask("tx", "list", "--account", "sparkle", "--limit", "1")
    table = dev.run("tx", "list", "--limit", "2")
    assert listed["items"][0]["tx_id"] == sent["receipt"]["id"]
    assert listed["next"].startswith("washnode tx list --account sparkle --limit 1 --cursor ")
    assert table.stdout.splitlines()[0].split() == ["transaction", "height", "actions", "outcome"]
    assert len(table.stdout.splitlines()) == 3


def test_a_payment_that_can_not_be_is_rejected_before_and_when_sent(dev: Started) -> None:
    words = ["transfer", "asset=CNY", "to=bob", "amount=99999999.00", "--from", "alice"]

    tried, sent = dev.run("tx", "simulate", *words), dev.run("tx", "send", *words, "--json")

    assert (tried.returncode, tried.stdout) == (6, "")
    assert tried.stderr == "washnode: not enough money\n"
    error = json.loads(sent.stdout)["error"]
    assert (sent.returncode, error["name"]) == (6, "INSUFFICIENT_FUNDS")
    assert error["message"].endswith(" CNY, need 99,999,999.00 CNY)")
    assert error["fix"] == "nothing was sent; --force sends it all the same"


def test_a_trial_run_changes_nothing(dev: Started) -> None:
    before = balance(dev, "alice")

    tried = dev.ask("tx", "simulate", "transfer", "asset=CNY", "to=bob", "amount=5", "--from=alice")

    assert tried["ok"] is True
    assert balance(dev, "alice") == before


def test_the_bytes_of_a_transaction_are_told(dev: Started) -> None:
    alice, bob = (dev.facts["accounts"][place]["account"] for place in (5, 6))
    action = {"type": "transfer", "asset": "CNY", "to": bob, "amount": 7}
    params = json.dumps({"account": alice, "actions": [action]})
    built = dev.ask("rpc", "tx_build", "--params", params)["result"]

    told = dev.ask("tx", "decode", built["body"], "--body")

    assert told["transaction"]["actions"][0]["amount"]["amount"] == 7


def test_a_booking_is_cancelled_by_a_call_and_read_by_a_view(dev: Started) -> None:
    waiting = next(one for one in dev.facts["bookings"] if one["fate"] == "waiting")
    words = [f"booking={waiting['booking']}", "--from", waiting["customer"]]
    described = dev.ask("rpc", "contract_get", "contract=booking")["result"]["data"]["abi"]
    parameter = next(one for one in described["actions"] if one["name"] == "cancel_booking")[
        "params"
    ][0]["name"]
    words[0] = f"{parameter}={waiting['booking']}"

    done = dev.ask("call", "booking.cancel_booking", *words)
    service = dev.ask("read", "shops.service", "shop=sparkle", "service=1")

    types = [event["type"] for event in done["receipt"]["events"]]
    assert "booking.Closed" in types
    assert service["data"]


def test_events_are_listed_and_followed(dev: Started) -> None:
    listed = dev.run(
        "events", "tail", "--type", "booking.*", "--after", "earliest", "--no-follow", "--json"
    )
    followed = dev.run("events", "tail", "--after", "earliest", "--limit", "3", "--json")
    of_alice = dev.run("events", "tail", "--account", "alice", "--no-follow", "--limit", "1")

    first = [json.loads(line) for line in listed.stdout.splitlines()]
    assert {one["type"].partition(".")[0] for one in first} == {"booking"}
    assert len(followed.stdout.splitlines()) == 3
    assert json.loads(followed.stdout.splitlines()[0])["id"] == "1-0"
    assert of_alice.stdout.count("\n") == 1


def test_following_goes_on_until_it_is_interrupted(dev: Started) -> None:
    with subprocess.Popen(
        [*PROGRAM, "events", "tail", "--data", str(dev.folder), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
    ) as tail:
        assert tail.stdout is not None
        for _ in range(20):  # it may begin to listen after the first payments
            dev.ask("tx", "send", "transfer", "asset=CNY", "to=bob", "amount=3", "--from=erin")
            if select([tail.stdout], [], [], 0.2)[0]:
                break
        event = json.loads(tail.stdout.readline())
        tail.send_signal(signal.SIGINT)
        _, errors = tail.communicate(timeout=20)

    assert event["type"] == "chain.transferred"
    assert (tail.returncode, errors) == (0, "")


def test_time_money_snapshots_and_halts_obey(dev: Started) -> None:
    snapshot = dev.ask("dev", "snapshot")
    journey = dev.ask("dev", "tick", "2d")
    money = dev.ask("dev", "faucet", "erin", "5.50")
    mined, halted = dev.ask("dev", "mine", "2"), dev.ask("dev", "halt", "30m")
    seeded = dev.ask("dev", "seed", "busy-saturday")
    back = dev.ask("dev", "revert", snapshot["snapshot"])

    assert abs(journey["to"] - journey["from"] - 2 * 86_400_000) <= 1
    assert journey["timers_fired"] > 0
    assert money["balance"]["amount"] > 550
    assert mined["blocks"] == 2
    assert abs(halted["to"] - halted["from"] - 30 * 60_000) <= 1
    assert len(seeded["bookings"]) == 60
    assert back["height"] == snapshot["height"]


def test_what_is_asked_wrongly_has_its_exit_code(dev: Started) -> None:
    unknown = dev.run("tx", "show", "00" * 32)
    nobody = dev.run("tx", "send", "transfer", "asset=CNY", "to=bob", "amount=1", "--from", "zoe")
    lost = dev.run("tx", "send", "transfer", "asset=CNY", "to=zoe", "amount=1", "--from", "bob")
    no_view = dev.run("read", "shops.nothing")
    no_method = dev.run("rpc", "tx_gte")
    again = run("dev", "--data", dev.folder, "--port", "0")

    ends = [unknown, nobody, lost, no_view, no_method, again]
    assert [done.returncode for done in ends] == [3, 4, 2, 3, 2, 1]
    assert [done.stderr.count("\n") for done in ends] == [1] * 6
    assert no_method.stderr.startswith("washnode: no method 'tx_gte'; is it tx_get")


def test_version_and_completion_need_no_node() -> None:
    version, script = run("version", "--json"), run("completion", "bash")

    assert json.loads(version.stdout)["python"].startswith("3.")
    assert "_WASHNODE_COMPLETE" in script.stdout
    assert script.returncode == 0


def test_a_stopped_development_chain_goes_on_where_it_was(tmp_path: Path) -> None:
    first = start(tmp_path / "data", "dev", "--no-seed")
    first.ask("dev", "tick", "90d")
    given = first.ask("dev", "faucet", "bob", "1")
    height = given["height"]

    stopped = first.ask("stop")
    code, errors = end(first)
    second = start(tmp_path / "data", "dev")
    third = second.ask("dev", "faucet", "bob", "1")
    end(second)
    fresh = start(tmp_path / "data", "dev", "--fresh", "--yes", "--no-seed")
    end(fresh)

    assert stopped["stopped"] == first.facts["url"]
    assert (code, errors) == (0, "")
    assert second.facts["height"] == height
    assert second.facts["bookings"] == []
    assert third["height"] > height  # the shops open by themselves in between
    assert third["balance"]["amount"] == given["balance"]["amount"] + 1
    assert fresh.facts["height"] < height
    assert not (tmp_path / "data" / "node.json").exists()


def test_a_chain_of_ones_own_is_made_run_used_and_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    made = run("init", folder, "--name", "hz", "--no-passphrase", "--json")
    again = run("init", folder, "--no-passphrase")
    node = start(folder, "run")
    key = node.run("key", "list", "--json")
    minted = node.ask(
        "tx", "send", "mint", "asset=CNY", "to=operator", "amount=9", "--from=operator"
    )
    tick = node.run("dev", "tick", "2h")

    stopped = node.run("stop")
    code, _ = end(node)
    gone = node.run("stop")

    facts = json.loads(made.stdout)
    assert made.returncode == 0
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert node.facts["chain_id"] == facts["chain_id"]
    assert [one["name"] for one in json.loads(key.stdout)["keys"]] == ["operator", "validator"]
    assert minted["receipt"]["events"][0]["type"] == "chain.minted"
    assert tick.returncode == 1
    assert "dev tick works on development chains only" in tick.stderr
    assert (stopped.returncode, code, gone.returncode) == (0, 0, 5)


def test_a_node_that_does_not_know_us_is_stopped_by_its_process(tmp_path: Path) -> None:
    node = start(tmp_path / "data", "dev", "--no-seed")
    (tmp_path / "data" / "tokens.json").unlink()

    stopped = node.run("stop")

    assert stopped.returncode == 0
    assert end(node) == (0, "")


def test_a_port_that_is_taken_is_told_in_one_line(dev: Started, tmp_path: Path) -> None:
    port = dev.facts["url"].rpartition(":")[2]

    done = run("dev", "--data", tmp_path / "data", "--port", port, "--no-seed")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"washnode: 127.0.0.1 port {port} can not be had: ")


def test_a_folder_without_a_chain_is_told_how_to_make_one(tmp_path: Path) -> None:
    done = run("run", "--data", tmp_path)

    assert done.returncode == 3
    assert done.stderr.endswith(f"make a chain: washnode init {tmp_path}\n")


def test_a_wrong_setting_is_a_usage_error_that_names_it(tmp_path: Path) -> None:
    done = run("run", "--data", tmp_path, WASH_RPC_PORT="many")

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("washnode: WASH_RPC_PORT: ")


@pytest.mark.whole
def test_guardians_are_named_begin_a_new_key_and_are_stopped(dev: Started) -> None:
    fresh, guardian = "ab" * 32, ("key", "guardian")
    named = dev.ask(*guardian, "add", "alice", "bob", "--from", "erin")
    once = dev.ask(*guardian, "approve", "erin", fresh, "--from", "alice")
    twice = dev.ask(*guardian, "approve", "erin", fresh, "--from", "bob")
    early = dev.run(*guardian, "finish", "erin", "--from", "bob")
    dev.ask(*guardian, "stop", "--from", "erin")
    seen = dev.ask(*guardian, "show", "erin")
    fewer = dev.ask(*guardian, "remove", "alice", "--from", "erin")
    none = dev.run(*guardian, "remove", "bob", "--from", "erin")
    wrong = dev.run(*guardian, "remove", "carol", "--from", "erin")

    assert (len(named["guardians"]), named["threshold"]) == (2, 2)
    assert (once["recovery"]["ready_at"], once["recovery"]["new_key"]) == (None, fresh)
    assert twice["recovery"]["ready_at"] is not None
    assert (early.returncode, wrong.returncode) == (6, 3)
    assert (seen["recovery"], fewer["threshold"], len(fewer["guardians"])) == (None, 1, 1)
    assert "No guardians" in none.stdout
