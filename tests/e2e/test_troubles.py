"""`washnode` when something is in its way: interrupts, full disks, odd terminals and names."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "node" / "samples" / "bookings.csv.gz"
POLICIES = ROOT / "node" / "samples" / "policies.json"
HOTEL = ROOT / "tests" / "vectors" / "bookings-hotel"
HEADER = (
    "booking_id,shop_id,customer_id,created_at,slot_start,slot_end,"
    "price_minor,currency,policy,outcome,outcome_at\n"
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.name != "posix", reason="signals and devices of POSIX"),
]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "node", *map(str, arguments)]


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        cwd=ROOT,
        env=os.environ | environment,
    )


def history(folder: Path, shop: str) -> Path:
    file = folder / "bookings.csv"
    row = f"b,{shop},c,2025-03-01,2025-03-02,2025-03-02,6800,CNY,p,completed,2025-03-02\n"
    file.write_text(HEADER + row, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("number", "delay", "code", "said"),
    [
        (signal.SIGINT, 0.8, 1, "Aborted!"),
        (signal.SIGINT, 2.0, 1, "Aborted!"),
        (signal.SIGTERM, 2.0, 143, ""),
    ],
)
def test_a_stopped_rehearsal_leaves_no_trace_and_no_folder(
    tmp_path: Path, number: int, delay: float, code: int, said: str
) -> None:
    file, rules = HOTEL / "bookings_norm.csv.gz", HOTEL / "policies.json"
    with subprocess.Popen(
        command("rehearse", file, "--policies", rules),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        start_new_session=True,
    ) as process:
        time.sleep(delay)
        os.killpg(process.pid, number)
        output, errors = process.communicate()

    assert (process.returncode, output, errors.strip()) == (code, "", said)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_under_the_output_is_told_in_one_line() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            command("rehearse", SAMPLE, "--policies", POLICIES),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},  # as bare as a machine's own services run
        )

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No space left on device" in done.stderr


def test_a_folder_that_can_not_be_made_is_an_answer_not_a_trace(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = run("rehearse", SAMPLE, "--policy", "fair", "--keep", tmp_path / "file" / "kept")

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("kept: Not a directory")


def test_a_name_can_not_command_the_terminal(tmp_path: Path) -> None:
    file = history(tmp_path, "\x1b[31mred\x9b")

    table = run("rehearse", file, "--policy", "fair")
    text = run("rehearse", file, "--policy", "fair", "--json").stdout

    assert "\\u001b[31mred\\u009b" in table.stdout
    assert "\x1b" not in table.stdout + text
    assert "\x9b" not in table.stdout + text
    assert json.loads(text)["shops"][0]["shop_id"] == "\x1b[31mred\x9b"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_names_that_an_encoding_lacks_come_out_escaped(tmp_path: Path, encoding: str) -> None:
    file = history(tmp_path, "净车坊🚗")

    table = run("rehearse", file, "--policy", "fair", PYTHONIOENCODING=encoding)
    text = run("rehearse", file, "--policy", "fair", "--json", PYTHONIOENCODING=encoding)

    assert (table.returncode, table.stderr) == (0, "")
    assert "\\u51c0\\u8f66\\u574a" in table.stdout
    assert json.loads(text.stdout)["shops"][0]["shop_id"] == "净车坊🚗"


def test_a_folder_without_a_chain_fails_with_one_line(tmp_path: Path) -> None:
    done = run("verify", tmp_path)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("washnode: height 0: genesis.json: ")


def test_a_narrow_terminal_cuts_no_figure() -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        command("rehearse", SAMPLE, "--policies", POLICIES),
        stdout=slave,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "80", "TERM": "dumb"},
    ) as process:
        os.close(slave)
        shown = b""
        while chunk := _read(master):
            shown += chunk
    os.close(master)

    assert process.returncode == 0
    assert b"79,774.00 4,028.90 75,745.10" in shown
    assert "…".encode() not in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the other end was closed
        return b""
