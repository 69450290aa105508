"""`washnode backup`, `snapshot`, `prune` and `doctor` on stopped nodes: what they say and leave."""

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chain.crypto import PassphraseCost
from chain.errors import PrunedError
from chain.genesis import parse_genesis
from chain.leveldb import leveldb
from chain.tables import Tuning, height_key
from chain.transaction import Transfer
from chain.types import DAY_MS
from node.cli import main
from node.commands.doctor_checks import check_rights
from node.commands.doctor_node import check_port, judge_clock, judge_peers, judge_warnings
from node.keys.store import KeyStore
from node.storage.backup import BACKUP_AGE_MS_MAX, LAST_NAME
from node.storage.ledger import ChainLedger
from node.storage.wal import VoteLog
from tests.make import MONEY, START_MS, TestChain, account, genesis, signer

GIFT = Transfer(MONEY, account("bob"), 1)
HEIGHT = 9
CHEAP = PassphraseCost(passes=1, memory_bytes=8_192)
NOW_MS = START_MS + 101 * DAY_MS


def data_folder(data: Path, **changes: Any) -> Path:
    """Make the data folder of a stopped node: four blocks, five a hundred days later."""
    data.mkdir(mode=0o700)
    chain = TestChain(data / "chain", genesis(**changes))
    chain.voters = [signer("validator"), *[signer(name) for name in ("v1", "v2", "v3")]]
    (data / "genesis.json").write_text(chain.genesis.model_dump_json(), encoding="utf-8")
    store = KeyStore(data / "keys", CHEAP)
    store.create("validator", "correct horse")
    log = VoteLog(data / "votes.log", chain.ledger.chain_id)
    log.begin()
    log.close()
    for number in range(HEIGHT):
        at = chain.now + (100 * DAY_MS if number == 4 else 1_000)
        assert chain.do("alice", GIFT, at=at).ok
    chain.close()
    ChainLedger(data / "chain", chain.genesis, tuning=Tuning()).close()
    return data


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_folder(tmp_path_factory.mktemp("made") / "data")


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.live.clock.read_wall_ms", lambda: NOW_MS)
    monkeypatch.setattr("node.storage.prune.BLOCKS_KEPT_MIN", 1)


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "data")
    return tmp_path / "data"


def run(*words: object) -> Result:
    return CliRunner().invoke(main, list(map(str, words)))


def facts(*words: object) -> dict[str, Any]:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def damage(data: Path, *, alone: bool, epoch: int = 0) -> str | None:
    """Return why the vote log of a folder is not trusted, None if it is."""
    chain_id = parse_genesis((data / "genesis.json").read_bytes()).chain_id()
    log = VoteLog(data / "votes.log", chain_id)
    found = log.recovered(HEIGHT, is_alone=alone, epoch=epoch).damage
    log.close()
    return found


# Backups ----------------------------------------------------------------------------------------


def test_a_backup_is_made_tested_and_brought_back_as_an_observer(
    data: Path, tmp_path: Path
) -> None:
    made = facts("backup", "create", tmp_path / "disk", "--data", data)
    tested = facts("backup", "test", tmp_path / "disk")
    back = facts("backup", "restore", tmp_path / "disk", "--data", tmp_path / "new")

    assert (made["height"], made["unsealed_keys"], made["while_running"]) == (HEIGHT, [], False)
    assert made["next"] == f"washnode backup test {made['backup']}"
    assert (tested["good"], tested["height"], tested["executed"]) == (True, HEIGHT, True)
    assert (tested["age_ms"], tested["backup"]) == (0, made["backup"])
    assert (back["height"], back["observer"]) == (HEIGHT, True)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "chain", "genesis.json", "keys", "votes.log",
    ]  # fmt: skip
    assert "brought back from a backup of height 9" in str(damage(tmp_path / "new", alone=True))
    assert facts("db", "verify", "--data", tmp_path / "new")["height"] == HEIGHT


def test_the_only_validator_is_believed_after_a_question(data: Path, tmp_path: Path) -> None:
    assert run("backup", "create", tmp_path / "disk", "--data", data).exit_code == 0
    words = ["backup", "restore", tmp_path / "disk", "--data", tmp_path / "new", "--sole"]

    asked = run(*words)
    nothing = (tmp_path / "new").exists()
    done = facts(*words, "--yes")

    assert (asked.exit_code, "Is the old node gone for good" in asked.stderr) == (2, True)
    assert nothing is False
    assert done["observer"] is False
    assert damage(tmp_path / "new", alone=True) is None


def test_one_of_several_is_never_believed_to_be_the_only_one(tmp_path: Path) -> None:
    validators = [signer(name) for name in ("validator", "v1", "v2", "v3")]
    data = data_folder(tmp_path / "data", validators=validators)
    assert run("backup", "create", tmp_path / "disk", "--data", data).exit_code == 0
    words = ["backup", "restore", tmp_path / "disk", "--data", tmp_path / "new"]

    done = run(*words, "--sole", "--yes")

    assert (done.exit_code, "has 4 validators" in done.stderr) == (2, True)
    assert facts(*words)["observer"] is True


def test_a_bad_backup_is_neither_good_nor_brought_back(data: Path, tmp_path: Path) -> None:
    made = Path(facts("backup", "create", tmp_path / "disk", "--data", data)["backup"])
    file = next((made / "chain").glob("*.ldb"))
    file.write_bytes(file.read_bytes()[:-1] + b"\0")

    tested = run("backup", "test", tmp_path / "disk")
    back = run("backup", "restore", tmp_path / "disk", "--data", tmp_path / "new")

    for done in (tested, back):
        assert (done.exit_code, file.name in done.stderr) == (1, True)
    assert not (tmp_path / "new").exists()
    assert run("backup", "test", tmp_path / "nowhere").exit_code == 3
    assert run("backup", "test", data).exit_code == 1
    assert run("backup", "restore", made, "--data", data).exit_code == 1


def test_a_key_without_a_passphrase_stays_and_is_named(data: Path, tmp_path: Path) -> None:
    KeyStore(data / "keys", CHEAP).create("till", None)

    done = run("backup", "create", tmp_path / "disk", "--data", data)

    assert done.exit_code == 0
    assert "key till has no passphrase" in done.stderr
    assert "washnode key backup till" in done.stderr


# Snapshots --------------------------------------------------------------------------------------


def test_a_snapshot_begins_a_chain_by_its_checkpoint(data: Path, tmp_path: Path) -> None:
    file, new = tmp_path / "file", tmp_path / "new"
    made = facts("snapshot", "create", file, "--data", data)
    words = ["snapshot", "restore", file, "--data", new, "--genesis", data / "genesis.json"]
    place = f"{HEIGHT}:{made['block_id']}"

    old = run(*words)
    wrong = run(*words, "--checkpoint", f"{HEIGHT}:{'00' * 32}")
    slip = run(*words, "--checkpoint", "9")
    done = facts(*words, "--checkpoint", place)
    again = run(*words, "--checkpoint", place)

    assert made["next"].endswith(f"--checkpoint {place}")
    assert (old.exit_code, "--checkpoint HEIGHT:HASH" in old.stderr) == (6, True)
    assert (wrong.exit_code, slip.exit_code, again.exit_code) == (6, 2, 1)
    assert (done["height"], done["snapshot_id"]) == (HEIGHT, made["snapshot_id"])
    assert "began with a snapshot of height 9" in str(damage(new, alone=True))
    verified = facts("db", "verify", "--data", new)
    assert (verified["height"], verified["executed"]) == (HEIGHT, False)
    refused = run("db", "repair", "--data", new, "--force", "--truncate", "--yes")
    assert (refused.exit_code, "can not be made anew" in refused.stderr) == (1, True)
    assert facts("db", "verify", "--data", new)["height"] == HEIGHT
    taken = run("snapshot", "create", file, "--data", data)
    assert (taken.exit_code, "is there already" in taken.stderr) == (2, True)


def test_votes_that_are_known_are_kept_when_a_snapshot_begins_anew(
    data: Path, tmp_path: Path
) -> None:
    made = facts("snapshot", "create", tmp_path / "file", "--data", data)
    shutil.rmtree(data / "chain")
    before = (data / "votes.log").read_bytes()
    place = f"{HEIGHT}:{made['validators_hash']}"

    facts("snapshot", "restore", tmp_path / "file", "--data", data, "--checkpoint", place)

    assert (data / "votes.log").read_bytes() == before
    assert damage(data, alone=False) is None


def test_a_snapshot_of_another_chain_is_refused(data: Path, tmp_path: Path) -> None:
    other = data_folder(tmp_path / "other", params={"halt_grace_ms": 1})
    made = facts("snapshot", "create", tmp_path / "file", "--data", other)
    place = f"{HEIGHT}:{made['block_id']}"

    done = run(
        "snapshot", "restore", tmp_path / "file", "--data", tmp_path / "new",
        "--genesis", data / "genesis.json", "--checkpoint", place,
    )  # fmt: skip

    assert (done.exit_code, "it is of chain" in done.stderr) == (1, True)
    assert not (tmp_path / "new" / "chain").exists()


# Pruning ----------------------------------------------------------------------------------------


def test_pruning_asks_and_says_what_it_did(data: Path) -> None:
    words = ["prune", "--older-than", "90d", "--data", data]

    tried = facts(*words, "--dry-run")
    asked = run(*words)
    untouched = facts("db", "verify", "--data", data)["executed"]
    done = facts(*words, "--yes")
    again = run(*words)
    verified = run("db", "verify", "--data", data)

    assert (tried["blocks"], tried["first_full_height"], tried["freed_bytes"]) == (4, 5, None)
    assert (asked.exit_code, untouched) == (2, True)
    assert (done["blocks"], done["body_bytes"]) == (4, tried["body_bytes"])
    assert (again.exit_code, again.stdout) == (0, "Nothing is old enough to be dropped.\n")
    assert verified.stdout.startswith("Older blocks are not kept here, so none was executed again.")
    ledger = ChainLedger(data / "chain", genesis(), tuning=Tuning())
    with pytest.raises(PrunedError):
        ledger.store.block(4)
    assert ledger.store.block(5).header.height == 5
    ledger.close()


def test_an_archive_and_a_running_node_are_not_pruned(data: Path) -> None:
    words = ["prune", "--older-than", "90d", "--yes", "--data", data]
    ledger = ChainLedger(data / "chain", genesis(), tuning=Tuning())
    running = run(*words)
    ledger.close()
    (data / "config.toml").write_text("[store]\narchive = true\n", encoding="utf-8")

    archive, short = run(*words), run("prune", "--older-than", "23h", "--data", data)

    assert (running.exit_code, "in use by another node" in running.stderr) == (1, True)
    assert (archive.exit_code, "store.archive is set" in archive.stderr) == (2, True)
    assert (short.exit_code, "less than a day" in short.stderr) == (2, True)


# The doctor -------------------------------------------------------------------------------------


def lights(data: Path, *words: str) -> tuple[int, dict[str, str]]:
    (data / "config.toml").write_text("[rpc]\nport = 0\n", encoding="utf-8")
    done = run("doctor", "--data", data, "--json", *words)
    said = json.loads(done.stdout)
    for one in said["checks"]:
        assert (one["fix"] is None) == (one["light"] == "green"), one
    return done.exit_code, {one["name"]: one["light"] for one in said["checks"]}


def test_a_well_node_is_green_and_each_trouble_has_its_light(data: Path, tmp_path: Path) -> None:
    code, found = lights(data)
    assert (code, found.pop("backup")) == (0, "yellow")
    assert run("backup", "create", tmp_path / "disk", "--data", data).exit_code == 0

    code, found = lights(data)

    assert (code, set(found.values()) - {"yellow"}) == (0, {"green"})
    assert [name for name, light in found.items() if light == "yellow"] == ["node"]  # it is stopped
    assert list(found) == [
        "program", "sleep", "folder", "disk", "rights", "keys", "backup", "files", "leftovers",
        "node", "port", "chain", "clock", "votes",
    ]  # fmt: skip
    with leveldb.DB(str(data / "chain")) as database:
        database.put(b"mopen", b"1")
    assert lights(data) == (0, {**found, "chain": "yellow"})
    with leveldb.DB(str(data / "chain")) as database:
        database.put(b"mhead", height_key(HEIGHT - 1))
    assert lights(data) == (8, {**found, "chain": "red"})
    (data / "chain" / "CURRENT").unlink()
    (data / "votes.log").write_bytes(b"damaged" * 100)
    code, found = lights(data)
    assert (code, found["chain"], found["votes"]) == (8, "red", "red")
    (data / "votes.log").unlink()
    assert lights(data)[1]["votes"] == "yellow"


def test_nothing_is_changed_by_looking(data: Path) -> None:
    (data / "config.toml").write_text("[rpc]\nport = 0\n", encoding="utf-8")

    def files() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in data.rglob("*") if path.is_file()}

    before = files()
    lights(data)

    assert files() == before


def test_rights_of_others_are_red_until_they_are_taken_away(data: Path) -> None:
    (data / "keys" / "validator.json").chmod(0o644)
    (data / "tokens.json").touch(0o604)

    before = lights(data)[1]["rights"]
    mended = check_rights(data, is_mended=True)

    assert (before, mended.light, mended.fix) == ("red", "green", "")
    assert lights(data)[1]["rights"] == "green"
    assert (data / "tokens.json").stat().st_mode & 0o777 == 0o600


def test_an_old_backup_is_red_and_one_that_is_gone_yellow(data: Path, tmp_path: Path) -> None:
    assert run("backup", "create", tmp_path / "disk", "--data", data).exit_code == 0
    said = json.loads((data / LAST_NAME).read_text("utf-8"))
    shutil.rmtree(tmp_path / "disk")
    gone = lights(data)[1]["backup"]
    (data / LAST_NAME).write_text(
        json.dumps({**said, "made_at_ms": NOW_MS - BACKUP_AGE_MS_MAX - 1})
    )

    assert (gone, lights(data)[1]["backup"]) == ("yellow", "red")


def test_a_folder_without_a_node_is_said_to_be_one(tmp_path: Path) -> None:
    done = run("doctor", "--data", tmp_path / "nowhere")

    assert done.exit_code == 8
    assert "washnode init" in done.stdout


def test_a_port_that_somebody_has_is_red() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert check_port("127.0.0.1", port).light == "red"
    assert check_port("127.0.0.1", 0).light == "green"


@pytest.mark.parametrize(
    ("offsets", "light"),
    [
        ([0], "green"),
        ([900, -1_000, 40_000], "green"),
        ([1_500], "yellow"),
        ([-9_000, -7_000], "red"),
    ],
)
def test_the_clock_is_compared_with_the_middle_one_of_the_peers(
    offsets: list[int], light: str
) -> None:
    assert judge_clock(offsets).light == light


def test_peers_are_counted_against_what_a_decision_needs() -> None:
    row = {"clock_offset_ms": 3}
    alone = {"validators": 1, "quorum": 1, "online": 1, "peers": []}
    split = {"validators": 4, "quorum": 3, "online": 2, "peers": [row]}
    whole = {"validators": 4, "quorum": 3, "online": 4, "peers": [row, {"clock_offset_ms": None}]}

    shop = {"validators": 4, "quorum": 3, "online": 0, "is_validator": False}
    lost, thin, good = ({**shop, "peers": [row] * count} for count in range(3))

    found = [
        [(one.name, one.light) for one in judge_peers(said)]
        for said in (alone, split, whole, lost, thin, good)
    ]

    assert found == [
        [("peers", "green")],
        [("peers", "red"), ("clock", "green")],
        [("peers", "green"), ("clock", "green")],
        [("peers", "red")],
        [("peers", "yellow"), ("clock", "green")],
        [("peers", "green"), ("clock", "green")],
    ]


def test_what_a_node_warns_of_is_passed_on_with_its_fix() -> None:
    codes = ("OBSERVER", "RECOVERED", "DISK_LOW")
    warnings = [{"code": code, "text": "what", "fix": "do"} for code in codes]

    found = judge_warnings({"warnings": warnings})

    assert [(one.name, one.light, one.fix) for one in found] == [
        ("observer", "red", "do"), ("recovered", "yellow", "do"),
    ]  # fmt: skip
    assert [(one.name, one.light) for one in judge_warnings({})] == [("votes", "green")]
