"""What operators do, with real commands and a real node: proposals, votes, a pause, a candidate."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.crypto import Signer, hash_bytes
from chain.readiness import prove_readiness
from tests.e2e.test_commands import Started, end, run, start

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
NEW = Signer(hash_bytes("person", b"new"))
ME = "--from=operator"


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Started]:
    started = start(tmp_path / "data", "dev")
    yield started
    end(started)


def params(dev: Started) -> Any:
    return dev.ask("rpc", "chain_getParams")["result"]["data"]["values"]


def put_proof(dev: Started, file: Path) -> Path:
    """Write the proof of a candidate that runs nowhere."""
    info = dev.ask("rpc", "node_info")["result"]
    height = (info["head"]["height"] - 1) // 10 * 10
    anchor = info["chain_id"]
    if height:
        block = dev.ask("rpc", "chain_getBlock", f"height={height}")["result"]
        anchor = block["header"]["hash"]
    chain_id = bytes.fromhex(info["chain_id"])
    proof = prove_readiness(NEW, chain_id, (height, bytes.fromhex(anchor)))
    facts = {
        "chain_id": info["chain_id"], "key": NEW.public_key.hex(), "height": proof.height,
        "block_id": proof.block_id.hex(), "signature": proof.signature.hex(),
    }  # fmt: skip
    file.write_text(json.dumps(facts), encoding="utf-8")
    return file


def test_one_operator_decides_alone_and_two_need_both(dev: Started) -> None:
    alone = dev.ask("gov", "propose", "param", "sponsor_daily_max", "3000", ME)
    second = dev.ask("gov", "propose", "role", "grant", "sparkle", "operator", ME)
    opened = dev.ask("gov", "propose", "param", "sponsor_daily_max", "4000", ME)
    listed = dev.ask("gov", "list")
    text = dev.run("gov", "show", opened["proposal"])
    before = params(dev)["sponsor_daily_max"]
    decided = dev.ask("gov", "vote", opened["proposal"], "--from=sparkle")
    feature = dev.ask("gov", "propose", "feature", "night-prices", "9000", ME)
    rejected = dev.ask("gov", "vote", feature["proposal"], "--against", "--from=sparkle")

    states = [one["state"] for one in (alone, second, opened, decided, rejected)]
    assert states == ["decided", "decided", "open", "decided", "rejected"]
    assert [one["proposal"] for one in listed["items"]] == [opened["proposal"]]
    assert opened["next"] == f"washnode gov vote {opened['proposal']}"
    assert "set_param name=sponsor_daily_max value=4000" in text.stdout
    assert (before, params(dev)["sponsor_daily_max"]) == (3_000, 4_000)


def test_an_asset_is_made_and_a_rule_is_warned_of(dev: Started) -> None:
    asset = dev.ask("gov", "propose", "asset", "POINTS", "--issuer", "sparkle", ME)
    minted = dev.ask("tx", "send", "mint", "asset=POINTS", "to=bob", "amount=5", "--from=sparkle")
    feature = dev.ask("gov", "propose", "feature", "night-prices", "9000", ME)
    warned = [one["code"] for one in dev.ask("rpc", "node_health")["result"]["warnings"]]
    back = dev.ask("gov", "propose", "feature", "night-prices", "--withdraw", ME)
    after = dev.ask("rpc", "gov_features")["result"]["data"]

    assert [one["state"] for one in (asset, feature, back)] == ["decided"] * 3
    assert minted["status"] == "final"
    assert ({"UNKNOWN_FEATURE", "UPGRADE_DUE"} & set(warned) != set(), after) == (True, [])


def test_what_can_not_be_done_is_refused_with_the_reason(dev: Started, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    proof = dev.ask("validator", "ready", "--out", ready)
    add = ["gov", "propose", "validator", "add"]
    other = tmp_path / "other.json"
    other.write_text("{}", encoding="utf-8")
    cases = [
        (["gov", "propose", "validator", "remove", proof["key"], ME], 6, "the only validator"),
        ([*add, proof["key"], "--ready", ready, ME], 6, "is a validator"),
        ([*add, "00" * 32, "--ready", ready, ME], 2, "the proof of another key"),
        ([*add, "--ready", other, ME], 6, "is no proof of readiness"),
        (["gov", "propose", "param", "no_such", "1", ME], 3, "no parameter 'no_such'"),
        (["gov", "propose", "param", "sponsor_daily_max", "1", "--from=bob"], 6, "is no operator"),
        (["gov", "propose", "feature", "night-prices", "3", ME], 6, "or later"),
        (["gov", "propose", "feature", "night-prices", ME], 2, "give a HEIGHT"),
        (["gov", "vote", "00" * 32, ME], 3, "no open proposal"),
        (["gov", "show", "00" * 32], 3, "proposal"),
        (["validator", "rotate", "00" * 32, "--new", "00" * 32, ME], 2, "the same"),
        (["validator", "rotate", "00" * 32, ME], 2, "the new key is missing"),
        (["validator", "rotate", "00" * 32, "--new", "11" * 32, ME], 2, "is no validator"),
        (["validator", "rotate", proof["key"], "--new", "11" * 32, ME], 2, "give --ready FILE"),
    ]

    for words, code, text in cases:
        done = dev.run(*words)
        assert (done.returncode, text in done.stderr) == (code, True), (words, done.stderr)


def test_a_pause_is_seen_and_ends(dev: Started) -> None:
    paused = dev.ask("validator", "pause", "--reason", "a new disk")
    seen = dev.run("validator", "status")
    red = dev.run("status")
    resumed = dev.ask("validator", "resume")
    sent = dev.ask("tx", "send", "transfer", "asset=CNY", "to=bob", "amount=1", "--from=alice")

    assert (paused["paused"], resumed["paused"]) == ("a new disk", None)
    assert "makes no blocks and votes for none: a new disk" in seen.stdout
    assert "this node" in seen.stdout
    assert (red.returncode, sent["status"]) == (8, "final")


def test_a_rotation_adds_the_new_key_first_and_then_waits(dev: Started, tmp_path: Path) -> None:
    own = dev.ask("validator", "status")["items"][0]["key"]
    proof = put_proof(dev, tmp_path / "ready.json")

    added = dev.ask("validator", "rotate", own, "--ready", proof, ME)
    status = dev.ask("validator", "status")

    keys = sorted([own, NEW.public_key.hex()])
    pending = status["pending"]
    assert (added["step"], added["proposal"]["state"]) == ("add", "decided")
    assert keys == (pending["keys"] if pending else sorted(one["key"] for one in status["items"]))


def test_a_node_stops_before_a_rule_that_its_program_does_not_know(dev: Started) -> None:
    height = dev.ask("rpc", "chain_head")["result"]["header"]["height"]
    rule = ["feature", "night-prices", height + 12]
    dev.ask("gov", "propose", *rule, ME)
    red = dev.run("status")  # it is so near

    dev.run("rpc", "dev_mine", "count=20")
    dev.process.wait(20)
    code, said = end(dev)
    verified = run("db", "verify", "--data", dev.folder)
    again = run("dev", "--data", dev.folder, "--port", "0")

    text = f"feature night-prices is in force from height {height + 12} on"
    assert (red.returncode, "RED" in red.stdout) == (8, True)
    assert "run python -m pip install --upgrade washnode" in red.stdout
    assert (code, text in said.splitlines()[-1], "Traceback" in said) == (1, True, False)
    assert f"{height + 11} blocks" in verified.stdout
    assert (again.returncode, text in again.stderr) == (1, True)
    assert "upgrade it: python -m pip install --upgrade washnode" in again.stderr
