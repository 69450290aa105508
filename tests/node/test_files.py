"""A file that another program holds for a moment, as an antivirus on Windows does."""

from pathlib import Path

import pytest

from node import files
from node.files import move_over, put_whole


class Held:
    """Lets the first few renames fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        self.left = times
        self._replace = Path.replace

        def renamed(source: Path, target: Path) -> Path:
            return self.replace(source, target)

        monkeypatch.setattr(Path, "replace", renamed)
        monkeypatch.setattr(files, "IS_POSIX", False)
        monkeypatch.setattr("node.files.time.sleep", lambda _seconds: None)

    def replace(self, source: Path, target: Path) -> Path:
        if self.left:
            self.left -= 1
            raise PermissionError(13, "used by another process", str(source))
        return self._replace(source, target)


def test_a_file_that_is_held_for_a_moment_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings"
    put_whole(path, "old")
    with monkeypatch.context() as patched:
        Held(patched, 3)
        put_whole(path, "new", replace=True)

    assert [one.read_text("utf-8") for one in tmp_path.iterdir()] == ["new"]


def test_a_file_that_stays_held_is_told_and_what_was_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings"
    put_whole(path, "old")
    with monkeypatch.context() as patched:
        Held(patched, 1_000_000)
        patched.setattr(files, "HELD_PATIENCE_S", 0.01)
        with pytest.raises(PermissionError, match="another process"):
            put_whole(path, "new", replace=True)

    assert [one.read_text("utf-8") for one in tmp_path.iterdir()] == ["old"]


def test_elsewhere_a_refusal_is_about_rights_and_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch, 2)
    monkeypatch.setattr(files, "IS_POSIX", True)
    with pytest.raises(PermissionError):
        move_over(tmp_path / "one", tmp_path / "two")

    assert held.left == 1
