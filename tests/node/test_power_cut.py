"""What a power cut may find: a name in a folder never comes before the bytes that it promises."""

import os
from pathlib import Path

import pytest

from chain.errors import StoreInUseError
from consensus import HeaderEntry
from node.commands import connect, dev
from node.commands.connect import find_node
from node.commands.dev import _prepare
from node.commands.output import Talk
from node.storage.folder import drop_before, held, keep_before, settle
from node.storage.wal import VoteLog
from tests.make import word


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return what is synced and renamed from now on, in order, by name."""
    seen: list[tuple[str, str]] = []
    fsync, rename, replace = os.fsync, Path.rename, Path.replace

    def synced(descriptor: int) -> None:
        seen.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        seen.append(("rename", target.name))
        return rename(path, target)

    def replaced(path: Path, target: Path) -> Path:
        seen.append(("replace", target.name))
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(Path, "rename", renamed)
    return seen


linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc here")


@linux
def test_kept_files_are_on_disk_before_the_name_that_settle_trusts(
    tmp_path: Path, steps: list[tuple[str, str]]
) -> None:
    chain = tmp_path / "chain"
    chain.mkdir()
    (chain / "CURRENT").write_bytes(b"MANIFEST-000001\n")

    keep_before(chain)
    drop_before(chain)

    assert steps == [
        ("sync", "CURRENT"),
        ("sync", "chain.linking"),
        ("replace", "chain.before"),
        ("sync", tmp_path.name),
        ("replace", "chain.linking"),
        ("sync", tmp_path.name),
    ]


@linux
def test_a_new_vote_log_has_its_bytes_and_its_name_on_disk_before_its_first_vote(
    tmp_path: Path, steps: list[tuple[str, str]]
) -> None:
    log = VoteLog(tmp_path / "votes.log", word("chain"))

    log.recovered(0)
    log.append((HeaderEntry(word("chain")),))
    log.close()

    assert steps == [
        ("sync", "votes.log.new"),
        ("replace", "votes.log"),
        ("sync", tmp_path.name),
        ("sync", "votes.log"),
    ]


def test_the_tokens_of_a_stopped_node_are_shown_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tokens.json").write_text('{"shop": "s", "admin": "a"}', "utf-8")
    monkeypatch.setattr(connect, "talk", lambda: Talk(data=tmp_path))

    found = find_node()

    assert found == (connect.URL_DEFAULT, None)


def test_a_chain_that_somebody_holds_is_not_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = tmp_path / "chain"
    chain.mkdir()
    (tmp_path / "genesis.json").write_text('{"params": {"dev": 1}}', "utf-8")

    monkeypatch.setattr(dev, "confirm", lambda _question: None)

    with held(chain), pytest.raises(StoreInUseError):
        _prepare(tmp_path, fresh=True)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["chain", "genesis.json"]


def test_a_chain_behind_a_link_goes_back_where_it_was(tmp_path: Path) -> None:
    place, link = tmp_path / "disk", tmp_path / "chain"
    place.mkdir()
    (place / "CURRENT").write_bytes(b"MANIFEST-000001\n")
    link.symlink_to(place)
    keep_before(link)
    (place / "CURRENT").unlink()

    settle(link)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["chain", "disk"]
    assert (link / "CURRENT").read_bytes() == b"MANIFEST-000001\n"
