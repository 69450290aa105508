"""The log in the data folder: its files take turns, and a reader misses no line of them."""

import json
import logging
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.log_files import FILE_NAME, FOLDER_NAME, OLDER_FILES, LogFile, LogReader, has_log
from node.logs import JsonFormatter, set_up_logs

LOG = logging.getLogger("washnode.test")


@pytest.fixture
def kept() -> Iterator[None]:
    """Give the tests' own logging back afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def writer(data: Path, bytes_max: int = 400) -> LogFile:
    made = LogFile(data, bytes_max=bytes_max)
    made.setFormatter(JsonFormatter())
    return made


class FullDisk(StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "no space left on device")


def tell(log: LogFile, number: int) -> None:
    record = logging.makeLogRecord({"msg": f"line {number:04}", "name": "n", "levelname": "INFO"})
    record.created = 1_700_000_000 + number
    log.emit(record)


def numbers(lines: list[str]) -> list[int]:
    return [int(json.loads(line)["text"].removeprefix("line ")) for line in lines]


def test_files_take_turns_and_the_oldest_lines_go_first(tmp_path: Path) -> None:
    log = writer(tmp_path)
    for number in range(40):
        tell(log, number)
    log.close()

    files = sorted(path.name for path in (tmp_path / FOLDER_NAME).iterdir())
    all_lines = numbers(LogReader(tmp_path).last(1_000))

    assert files == [FILE_NAME, *[f"{FILE_NAME}.{n}" for n in range(1, OLDER_FILES + 1)]]
    assert all_lines == list(range(all_lines[0], 40))
    assert all_lines[0] > 0
    assert numbers(LogReader(tmp_path).last(7)) == list(range(33, 40))
    assert LogReader(tmp_path).last(0) == []


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")
def test_the_log_is_for_its_owner_alone(tmp_path: Path) -> None:
    log = writer(tmp_path)
    tell(log, 1)
    log.close()

    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / FOLDER_NAME).iterdir()]
    assert ((tmp_path / FOLDER_NAME).stat().st_mode & 0o777, modes) == (0o700, [0o600])


def test_who_follows_misses_no_line_and_sees_none_twice(tmp_path: Path) -> None:
    log = writer(tmp_path)
    tell(log, 0)
    reader = LogReader(tmp_path)
    seen = numbers(reader.last(10))
    for number in range(1, 200):
        tell(log, number)
        if number % 5 == 0:  # up to two turns lie between two looks
            seen += numbers(list(reader.more()))
    log.close()

    assert (seen[:196], list(reader.more())[4:]) == (list(range(196)), [])


def test_who_looks_too_seldom_goes_on_with_what_is_left(tmp_path: Path) -> None:
    log = writer(tmp_path)
    tell(log, 0)
    reader = LogReader(tmp_path)
    reader.last(10)
    for number in range(1, 100):
        tell(log, number)
    log.close()

    seen = numbers(list(reader.more()))

    assert seen == list(range(seen[0], 100))
    assert seen[0] > 1


def test_a_line_that_is_being_written_is_shown_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / FOLDER_NAME / FILE_NAME
    path.parent.mkdir()
    path.write_text("a first line that is long enough to tell a file by\nhalf", encoding="utf-8")
    reader = LogReader(tmp_path)

    before = reader.last(5)
    path.write_text(path.read_text("utf-8") + " and half\n", encoding="utf-8")

    assert before == ["a first line that is long enough to tell a file by"]
    assert list(reader.more()) == ["half and half"]


def test_a_full_disk_or_a_held_file_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = writer(tmp_path)

    def held(_source: str, _target: str) -> None:
        raise PermissionError(13, "another program has it")

    monkeypatch.setattr(os, "rename", held)
    for number in range(20):
        tell(log, number)
    monkeypatch.undo()
    grown = numbers(LogReader(tmp_path).last(100))
    log.close()
    monkeypatch.setattr(log, "stream", FullDisk())
    tell(log, 20)

    assert grown == list(range(20))


@pytest.mark.usefixtures("kept")
def test_a_node_tells_its_folder_all_and_a_file_that_grows_only_errors(tmp_path: Path) -> None:
    shown, spared = StringIO(), StringIO()
    set_up_logs("info", shown, data=tmp_path)
    LOG.warning("the disk is slow", extra={"seconds": 3})
    set_up_logs("info", spared, data=tmp_path, only_errors_shown=True)
    LOG.info("a block")
    LOG.error("no room")
    logging.getLogger().handlers[1].close()

    told = [json.loads(line)["text"] for line in LogReader(tmp_path).last(9)]
    assert told == ["the disk is slow", "a block", "no room"]
    assert json.loads(shown.getvalue())["seconds"] == 3
    assert [json.loads(line)["text"] for line in spared.getvalue().splitlines()] == ["no room"]


# The command ------------------------------------------------------------------------------------


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["logs", *map(str, words)])


def write(data: Path, *lines: str) -> None:
    path = data / FOLDER_NAME / FILE_NAME
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def line(level: str, text: str, **more: object) -> str:
    return json.dumps({"time": "2026-01-05T09:00:00.000Z", "level": level, "logger": "n",
                       "text": text, **more})  # fmt: skip


def test_lines_are_for_people_and_with_json_for_programs(tmp_path: Path) -> None:
    write(tmp_path, line("info", "a block", height=3), line("error", "no room", trace="a\nb"))

    plain, as_json = run("--data", tmp_path), run("--data", tmp_path, "--json", "-n", 1)
    bad, none = run("--data", tmp_path, "--level", "warning"), run("--data", tmp_path, "-n", 0)

    second = "2026-01-05 09:00:00 error    no room\n    a\n    b\n"
    assert plain.stdout == "2026-01-05 09:00:00 info     a block height=3\n" + second
    assert json.loads(as_json.stdout)["text"] == "no room"
    assert (bad.stdout, none.stdout) == (second, "")


def test_what_strangers_wrote_into_it_steers_no_terminal(tmp_path: Path) -> None:
    write(
        tmp_path, line("info", "a\x1b[2Jb\u202e"), "\x1b]0;title\x07 no JSON", "[1]", line("", "x")
    )
    write(tmp_path, json.dumps({"time": [], "level": {}, "text": 5}), "[" * 5_000)

    done = run("--data", tmp_path)

    assert done.exit_code == 0
    assert not set(done.stdout) & {"\x1b", "\x07", "\u202e"}
    assert len(done.stdout.splitlines()) == 6


def test_following_goes_on_until_a_person_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, line("info", "before, and long enough to tell the file by"))
    looks: list[float] = []

    def pause(seconds: float) -> None:
        looks.append(seconds)
        write(tmp_path, line("info", f"look {len(looks)}"))
        if len(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("node.commands.logs.time.sleep", pause)
    done = run("--data", tmp_path, "-f", "-n", 0)

    assert done.exit_code == 0
    assert [one.split()[-1] for one in done.stdout.splitlines()] == ["1", "2"]


def test_without_a_log_it_says_how_to_get_one(tmp_path: Path) -> None:
    done = run("--data", tmp_path)

    assert (done.exit_code, has_log(tmp_path)) == (3, False)
    assert "washnode start" in done.stderr
