"""Backups of a real chain: made while it goes on, checked to the last byte, brought back."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.crypto import PassphraseCost
from chain.errors import StoreInUseError
from chain.tables import Tuning
from chain.transaction import Transfer
from chain.types import HOUR_MS
from node.keys.store import KeyStore
from node.storage.backup import (
    BackupError,
    Made,
    check_backup,
    create_backup,
    find_backup,
    last_backup,
    note_backup,
    put_back,
)
from node.storage.copying import CopiedHead, Copying, copy_stopped, copy_store
from node.storage.ledger import ChainLedger
from node.storage.wal import VoteLog
from node.vault.sealing import Wrapped
from node.vault.store import VaultStore
from tests.make import MONEY, TestChain, account, word

GIFT = Transfer(MONEY, account("bob"), 1)
CHEAP = PassphraseCost(passes=1, memory_bytes=8_192)
NOW_MS = 1_800_000_000_000


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    """A data folder with a chain of pots and timers, two keys, a vote log and tokens."""
    data = tmp_path / "data"
    data.mkdir()
    made = TestChain(data / "chain")
    (data / "genesis.json").write_text(made.genesis.model_dump_json(), encoding="utf-8")
    (data / "config.toml").write_text('log_level = "info"\n', encoding="utf-8")
    (data / "tokens.json").write_text("{}", encoding="utf-8")
    (data / "votes.log").write_bytes(b"votes")
    store = KeyStore(data / "keys", CHEAP)
    store.create("sealed", "correct horse")
    store.create("plain", None)
    box = made.deploy()
    for number in range(3):
        due = made.now + HOUR_MS
        assert made.call("alice", box, "put", word(f"{number}"), due, account("bob"), funds=5).ok
        assert made.call("alice", box, "plan", word(f"{number}"), due).ok
    yield made
    made.close()


def back_up(chain: TestChain, target: Path) -> Made:
    data = chain.folder.parent
    return create_backup(
        data,
        data / "genesis.json",
        target,
        lambda folder: copy_store(chain.ledger.store, folder),
        now_ms=NOW_MS,
        program="0",
    )


def entries(ledger: ChainLedger) -> list[tuple[bytes, bytes]]:
    return list(ledger.store.freeze().entries())


def test_a_backup_has_all_but_votes_tokens_and_keys_without_a_passphrase(
    chain: TestChain, tmp_path: Path
) -> None:
    made = back_up(chain, tmp_path / "disk")

    names = {path.partition("/")[0] for path in made.manifest.files}
    keys = [path for path in made.manifest.files if path.startswith("keys/")]
    assert names == {"chain", "config.toml", "genesis.json", "keys"}
    assert (keys, made.unsealed) == (["keys/sealed.json"], ("plain",))
    assert made.folder.parent == tmp_path / "disk"
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == [made.folder.name]


def test_nothing_of_customers_sealed_details_is_in_a_backup(
    chain: TestChain, tmp_path: Path
) -> None:
    vault = VaultStore(chain.folder.parent, 1_000_000, 1_000_000)
    blob, key = b"sealed details" * 9, b"a wrapped key" * 6
    vault.put(bytes(32), bytes(32), blob, [Wrapped(bytes(32), bytes(32), key)])
    vault.close()

    made = back_up(chain, tmp_path / "disk")

    found = b"".join(path.read_bytes() for path in made.folder.rglob("*") if path.is_file())
    assert [path for path in made.manifest.files if "vault" in path] == []
    assert (blob in found, key in found) == (False, False)


def test_a_copy_is_of_one_moment_while_blocks_go_on(
    chain: TestChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.storage.copying.STEP_BYTES", 2_000)
    before = entries(chain.ledger)
    copying = Copying(chain.ledger.store, tmp_path / "copy")
    height = chain.ledger.height
    steps = 0
    while copying.step():
        steps += 1
        assert chain.do("alice", GIFT).ok

    copy = ChainLedger(tmp_path / "copy", chain.genesis, tuning=Tuning())
    try:
        assert steps > 3
        assert chain.ledger.height == height + steps
        assert (copy.height, copying.head.height) == (height, height)
        assert entries(copy) == before
    finally:
        copy.close()


def test_a_copy_that_is_given_up_leaves_no_trace(chain: TestChain, tmp_path: Path) -> None:
    copying = Copying(chain.ledger.store, tmp_path / "copy")
    assert copying.step()

    copying.give_up()

    assert not (tmp_path / "copy").exists()
    assert chain.do("alice", GIFT).ok


@pytest.mark.parametrize("clean", [True, False])
def test_a_stopped_chain_is_copied_and_stays_as_it_is(
    chain: TestChain, tmp_path: Path, *, clean: bool
) -> None:
    head_id = chain.ledger.head_id
    chain.close(clean=clean)
    before = {path.name: path.read_bytes() for path in chain.folder.iterdir()}

    head = copy_stopped(chain.folder, tmp_path / "copy")

    assert {path.name: path.read_bytes() for path in chain.folder.iterdir()} == before
    assert head.head_id == head_id
    copy = ChainLedger(tmp_path / "copy", chain.genesis, tuning=Tuning())
    assert (copy.head_id, copy.repaired) == (head_id, None)
    copy.close()


def test_a_good_backup_is_found_and_checked_without_being_changed(
    chain: TestChain, tmp_path: Path
) -> None:
    old = back_up(chain, tmp_path / "disk")
    assert chain.do("alice", GIFT).ok
    new = back_up(chain, tmp_path / "disk")
    again = back_up(chain, tmp_path / "disk")
    (tmp_path / "temporary").mkdir()

    found = check_backup(new.folder, tmp_path / "temporary")

    assert (found.manifest, found.keeps_all) == (new.manifest, True)
    assert found.manifest.height == old.manifest.height + 1 == chain.ledger.height
    assert found.validators == chain.genesis.validator_set()
    assert find_backup(old.folder) == old.folder
    assert find_backup(tmp_path / "disk") in {new.folder, again.folder}
    shutil.rmtree(tmp_path / "temporary")
    (tmp_path / "temporary").mkdir()
    assert check_backup(new.folder, tmp_path / "temporary").manifest == new.manifest


def test_two_backups_at_once_to_one_place_do_not_meet(chain: TestChain, tmp_path: Path) -> None:
    data = chain.folder.parent
    refused: list[StoreInUseError] = []

    def copy_while_another_begins(folder: Path) -> CopiedHead:
        head = copy_store(chain.ledger.store, folder)
        with pytest.raises(StoreInUseError) as caught:
            back_up(chain, tmp_path / "disk")
        refused.append(caught.value)
        return head

    made = create_backup(
        data,
        data / "genesis.json",
        tmp_path / "disk",
        copy_while_another_begins,
        now_ms=NOW_MS,
        program="0",
    )

    assert len(refused) == 1
    assert [path.name for path in (tmp_path / "disk").iterdir()] == [made.folder.name]


def test_a_damaged_backup_is_refused_by_the_name_of_the_file(
    chain: TestChain, tmp_path: Path
) -> None:
    made = back_up(chain, tmp_path / "disk")
    (tmp_path / "temporary").mkdir()
    for name in [*made.manifest.files, "backup.json"]:
        path = made.folder / name
        good = path.read_bytes()
        for at in sorted({0, len(good) // 2, len(good) - 1}):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            told = "washnode-" if name == "backup.json" else path.name  # or a bent digest's file
            with pytest.raises(BackupError, match=told):
                check_backup(made.folder, tmp_path / "temporary")
        path.write_bytes(good)
    (made.folder / "votes.log").write_bytes(b"put there by somebody")
    with pytest.raises(BackupError, match=r"votes\.log"):
        check_backup(made.folder, tmp_path / "temporary")


def test_a_backup_comes_back_to_an_empty_folder_whole_or_not_at_all(
    chain: TestChain, tmp_path: Path
) -> None:
    made = back_up(chain, tmp_path / "disk")
    home = tmp_path / "home"

    def fail(_folder: Path) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        put_back(made.folder, made.manifest, home, fail)
    nothing = sorted(path.name for path in tmp_path.iterdir())
    home.mkdir()
    put_back(made.folder, made.manifest, home, lambda folder: (folder / "votes.log").touch())
    with pytest.raises(BackupError, match="not an empty folder"):
        put_back(made.folder, made.manifest, home, fail)

    assert nothing == ["data", "disk"]
    assert sorted(path.name for path in home.iterdir()) == [
        "chain", "config.toml", "genesis.json", "keys", "votes.log",
    ]  # fmt: skip
    assert (home / "keys" / "sealed.json").stat().st_mode & 0o777 == 0o600
    ledger = ChainLedger(home / "chain", chain.genesis, tuning=Tuning())
    assert entries(ledger) == entries(chain.ledger)
    ledger.close()


def test_the_last_backup_is_remembered_in_the_data_folder(chain: TestChain, tmp_path: Path) -> None:
    data = chain.folder.parent
    before = last_backup(data)
    made = back_up(chain, tmp_path / "disk")

    note_backup(data, made)

    last = last_backup(data)
    assert before is None
    assert last is not None
    assert (last.made_at_ms, last.height, last.target) == (
        NOW_MS, chain.ledger.height, str(made.folder),
    )  # fmt: skip


def test_a_vote_log_can_begin_without_trust(tmp_path: Path) -> None:
    chain_id = word("chain")
    new = VoteLog(tmp_path / "votes.log", chain_id)
    new.begin("restored from a backup", epoch=2)
    new.close()

    def damage(epoch: int, *, is_alone: bool = False) -> str | None:
        log = VoteLog(tmp_path / "votes.log", chain_id)
        found = log.recovered(5, is_alone=is_alone, epoch=epoch).damage
        log.close()
        return found

    assert damage(2) == damage(2, is_alone=True) == "restored from a backup"
    assert damage(3) is None
