"""`washnode recovery`: a plan made, signed and loaded, and what is refused on the way."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest
from click.testing import CliRunner, Result

from chain.block import block_id
from chain.crypto import hash_bytes
from chain.recovery import RecoveryPlan, parse_plan, sign_plan, write_plan
from chain.transaction import Transfer
from chain.validators import ValidatorSet
from node.app import build_node
from node.cli import main
from node.commands import connect
from node.config import Config
from node.keys.store import KeyStore
from node.storage.plans import plan_path, read_plans
from tests.make import MONEY, START_MS, TestChain, account, genesis, signer, word

GIFT = Transfer(MONEY, account("bob"), 1)
AFTER = ValidatorSet((signer("next").public_key,), epoch=1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a stopped node with three blocks, and olga's key."""
    data = tmp_path / "data"
    data.mkdir()
    chain = TestChain(data / "chain")
    (data / "genesis.json").write_text(chain.genesis.model_dump_json(), encoding="utf-8")
    for _ in range(3):
        assert chain.do("alice", GIFT).ok
    chain.close()
    for name in ("olga", "next"):
        KeyStore(data / "keys").add(name, hash_bytes("person", name.encode()), None)
    return data


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["recovery", *map(str, words)])


def facts(*words: object) -> dict[str, Any]:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def head_plan(data: Path, validators: ValidatorSet = AFTER) -> RecoveryPlan:
    with opened(data) as chain:
        ledger = chain.ledger
        return RecoveryPlan(ledger.chain_id, ledger.height, ledger.head_id, validators)


@contextmanager
def opened(data: Path) -> Iterator[TestChain]:
    chain = TestChain(data / "chain")
    yield chain
    chain.close()


def by_olga(plan: RecoveryPlan) -> RecoveryPlan:
    return sign_plan(plan, account("olga"), signer("olga"))


def put(path: Path, plan: RecoveryPlan) -> Path:
    path.write_text(write_plan(plan), encoding="utf-8")
    return path


def test_a_plan_is_made_signed_and_loaded_and_the_chain_goes_on_by_it(
    data: Path, tmp_path: Path
) -> None:
    file, config = tmp_path / "plan.json", Config(data_dir=data)

    made = facts("plan", "--data", data, "--validator", "next", "--out", file)
    signed = facts("sign", file, "--from", "olga", "--data", data)
    loaded = facts("load", file, "--data", data)
    node = build_node(config, genesis(), signer("next"))
    block = node.make_block(START_MS + 60_000)
    node.close()

    assert (made["height"], made["epoch"], made["signatures"]) == (3, 1, [])
    assert made["validators"] == [AFTER.keys[0].hex()]
    assert made["next"] == f"washnode recovery sign {file} --from NAME"
    assert [(one["key"], one["good"]) for one in signed["signatures"]] == [
        (account("olga").hex(), True)
    ]
    assert (loaded["when"], loaded["kept"]) == ("now", str(plan_path(data, 3)))
    assert read_plans(data) == (parse_plan(file.read_bytes()),)
    assert block is not None
    assert block.block.header.validators_hash == AFTER.set_hash()
    verified = CliRunner().invoke(main, ["db", "verify", "--data", str(data)])
    assert (verified.exit_code, facts("load", file, "--data", data)["when"]) == (0, "before")
    repaired = CliRunner().invoke(main, ["db", "repair", "--force", "--data", str(data), "--json"])
    assert json.loads(repaired.stdout)["height"] == 4


def test_a_plan_is_shown_to_people(data: Path, tmp_path: Path) -> None:
    plan = by_olga(head_plan(data))
    file = put(tmp_path / "plan.json", plan)
    changed = put(tmp_path / "changed.json", replace(plan, height=4))

    lines = run("show", file).stdout.splitlines()

    assert lines[1] == "height      3"
    assert lines[-2] == f"validator   {AFTER.keys[0].hex()}"
    assert lines[-1].startswith("signed by   acct1")
    assert "BAD" not in lines[-1]
    assert run("show", changed).stdout.splitlines()[-1].endswith("BAD: it is not of this plan")


class FakeClient:
    """Answers as a node that runs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def rpc(self, method: str) -> dict[str, Any]:
        if method == "node_info":
            return {"chain_id": word("chain").hex()}
        at = {"height": 12, "hash": word("head").hex(), "time": 0}
        keys = [word("old").hex()]
        return {"at": at, "data": {"keys": keys, "rule": "crash", "epoch": 4}}


def test_a_running_node_is_asked_for_its_newest_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "make_client", lambda *_: FakeClient())
    monkeypatch.chdir(tmp_path)
    key = word("new").hex()

    made = facts("plan", "--validator", key, "--rpc", "http://127.0.0.1:1")

    plan = parse_plan((tmp_path / "recovery-12.json").read_bytes())
    assert (made["file"], made["rule"], made["epoch"]) == ("recovery-12.json", "crash", 5)
    assert (plan.height, plan.head_id, plan.chain_id) == (12, word("head"), word("chain"))


def test_slips_in_a_plan_are_told_before_anything_is_written(data: Path, tmp_path: Path) -> None:
    file, key = tmp_path / "plan.json", word("a").hex()
    cases = [
        (("--validator", key, "--validator", key), 2, "named twice"),
        (("--validator", "x" * 64), 2, "is no public key"),
        (("--validator", "nobody"), 4, "nobody"),
        ((), 2, "validator is missing"),
    ]

    for words, exit_code, text in cases:
        done = run("plan", "--data", data, "--out", file, *words)
        assert (done.exit_code, text in done.stderr) == (exit_code, True), done.stderr
    assert not file.exists()


def test_no_file_is_written_over(data: Path, tmp_path: Path) -> None:
    file = put(tmp_path / "plan.json", head_plan(data))
    before = file.read_bytes()

    done = run("plan", "--data", data, "--validator", "next", "--out", file)

    assert (done.exit_code, "is there already" in done.stderr) == (2, True)
    assert file.read_bytes() == before


def test_signing_again_changes_nothing_and_a_stranger_is_no_key_here(
    data: Path, tmp_path: Path
) -> None:
    file = put(tmp_path / "plan.json", head_plan(data))
    account_text = KeyStore(data / "keys").show("olga").account_text
    facts("sign", file, "--from", account_text, "--data", data)
    before = file.read_bytes()

    again = facts("sign", file, "--from", "olga", "--data", data)
    stranger = run("sign", file, "--from", "acct1stranger", "--data", data)

    assert (len(again["signatures"]), file.read_bytes()) == (1, before)
    assert (stranger.exit_code, "no key of acct1stranger" in stranger.stderr) == (4, True)


def test_a_plan_that_does_not_fit_the_chain_is_not_loaded(data: Path, tmp_path: Path) -> None:
    good = head_plan(data)
    with opened(data) as chain:
        first = block_id(chain.ledger.store.header(1))
    cases = {
        "0 of 1 operators signed": good,
        "head_id is": by_olga(replace(good, head_id=word("fork"))),
        "chain is": by_olga(replace(good, chain_id=word("chain"))),
        "epoch is 2": by_olga(replace(good, validators=replace(AFTER, epoch=2))),
        "is not that of height 1 here": by_olga(replace(good, height=1)),
        "went on above height 1 with other": by_olga(replace(good, height=1, head_id=first)),
    }

    for text, plan in cases.items():
        done = run("load", put(tmp_path / "plan.json", plan), "--data", data)
        assert (done.exit_code, text in done.stderr) == (6, True), done.stderr
    assert read_plans(data) == ()


def test_a_second_plan_about_one_block_is_refused(data: Path, tmp_path: Path) -> None:
    good = by_olga(head_plan(data))
    other = by_olga(replace(good, validators=replace(AFTER, keys=(word("x"),))))
    facts("load", put(tmp_path / "one.json", good), "--data", data)

    again = facts("load", tmp_path / "one.json", "--data", data)
    second = run("load", put(tmp_path / "two.json", other), "--data", data)

    assert again["when"] == "now"
    assert (second.exit_code, "is another about this height" in second.stderr) == (6, True)
    assert read_plans(data) == (good,)


def test_a_plan_about_a_block_to_come_is_kept(data: Path, tmp_path: Path) -> None:
    plan = by_olga(replace(head_plan(data), height=9))
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "genesis.json").write_text(genesis().model_dump_json(), encoding="utf-8")
    file = put(tmp_path / "plan.json", plan)

    answers = [facts("load", file, "--data", folder)["when"] for folder in (data, fresh)]
    stranger = run("load", put(file, replace(plan, chain_id=word("x"))), "--data", fresh)

    assert answers == ["later", "later"]
    assert read_plans(data) == read_plans(fresh) == (plan,)
    assert (stranger.exit_code, "chain is" in stranger.stderr) == (6, True)


def test_a_plan_that_counts_for_nothing_is_told_when_another_is_loaded(
    data: Path, tmp_path: Path
) -> None:
    good = head_plan(data)
    plan_path(data, 3).parent.mkdir()
    put(plan_path(data, 3), good)

    done = run("load", put(tmp_path / "plan.json", by_olga(good)), "--data", data)

    assert done.exit_code == 0
    assert "counts for nothing: recovery plan: 0 of 1 operators signed" in done.stderr
    assert read_plans(data) == (by_olga(good),)


def test_a_file_that_is_no_plan_is_named(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("{}", encoding="utf-8")

    for words in (("show",), ("sign", "--from", "olga"), ("load", "--data", data)):
        done = run(words[0], file, *words[1:])
        assert (done.exit_code, f"{file}: recovery plan: " in done.stderr) == (1, True)
