"""The node as a service: what systemd, launchd and the Task Scheduler are told, on every system."""

import plistlib
import shutil
import subprocess
from pathlib import Path, PurePosixPath, PureWindowsPath
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.service_files import Machine, Wanted, make_service, systemd_unit, windows_word

LINUX = Machine("linux", PurePosixPath("/people/li"), "li", 1000)
MAC = Machine("darwin", PurePosixPath("/Users/li"), "li", 501)
WINDOWS = Machine("win32", PureWindowsPath("C:/Users/李"), "SHOP\\li")
WORDS = ("/opt/wash node/python", "-m", "node", "run", "--data", "/srv/100%/wash")
POSIX = Wanted("washnode", WORDS, PurePosixPath("/srv/100%/wash"), environment={"A": 'b "c"'})
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def test_on_linux_it_is_a_unit_of_the_user_that_starts_again_after_a_failure() -> None:
    made = make_service(LINUX, POSIX)

    assert made.file == PurePosixPath("/people/li/.config/systemd/user/washnode.service")
    assert made.content.decode() == (
        "[Unit]\nDescription=The shop's node (washnode)\nStartLimitIntervalSec=0\n\n"
        "[Service]\nType=exec\n"
        'ExecStart="/opt/wash node/python" "-m" "node" "run" "--data" "/srv/100%%/wash"\n'
        'WorkingDirectory=/srv/100%%/wash\nEnvironment="A=b \\"c\\""\n'
        "Restart=on-failure\nRestartSec=5\nTimeoutStopSec=20\nUMask=0077\nNoNewPrivileges=yes\n\n"
        "[Install]\nWantedBy=default.target\n"
    )
    assert made.install == (
        ("systemctl", "--user", "daemon-reload"),
        ("systemctl", "--user", "enable", "washnode.service"),
    )
    assert made.start == ("systemctl", "--user", "start", "washnode.service")
    assert made.remove[0] == ("systemctl", "--user", "disable", "--now", "washnode.service")
    assert made.status == ("systemctl", "--user", "is-active", "washnode.service")


def test_a_users_unit_that_needs_no_sign_in_lingers() -> None:
    made = make_service(LINUX, Wanted("w", WORDS, PurePosixPath("/srv"), lingers=True))

    assert made.install[-1] == ("loginctl", "enable-linger", "li")


def test_a_unit_of_the_machine_runs_as_its_user_and_writes_its_folder_only() -> None:
    made = make_service(LINUX, Wanted("w", WORDS, PurePosixPath("/srv/wash"), for_all=True))
    lines = made.content.decode().splitlines()

    assert made.file == PurePosixPath("/etc/systemd/system/w.service")
    assert {"User=li", "ProtectSystem=strict", 'ReadWritePaths="/srv/wash"'} <= set(lines)
    assert lines[-1] == "WantedBy=multi-user.target"
    assert made.install[-1] == ("systemctl", "enable", "w.service")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd to ask here")
@pytest.mark.parametrize("for_all", [False, True])
def test_systemd_finds_nothing_wrong_with_a_unit(tmp_path: Path, *, for_all: bool) -> None:
    folder = tmp_path / "a folder of 100%"
    folder.mkdir()
    words = ("/bin/sh", "-c", 'echo "$HOME" \\ %h')
    unit = systemd_unit(
        Machine("linux", tmp_path, "root"), Wanted("w", words, folder, for_all=for_all)
    )
    file = tmp_path / "washnode-test.service"
    file.write_text(unit, encoding="utf-8")

    done = subprocess.run(
        ["systemd-analyze", "verify", *([] if for_all else ["--user"]), str(file)],
        capture_output=True, text=True, check=False, env={"XDG_RUNTIME_DIR": str(tmp_path)},
    )  # fmt: skip

    assert [line for line in done.stderr.splitlines() if "washnode-test" in line] == []


def test_on_macos_it_is_an_agent_of_the_user() -> None:
    made = make_service(MAC, POSIX)

    assert made.file == PurePosixPath("/Users/li/Library/LaunchAgents/node.washnode.plist")
    assert plistlib.loads(made.content) == {
        "Label": "node.washnode",
        "ProgramArguments": [*WORDS, "--errors-only"],
        "WorkingDirectory": "/srv/100%/wash",
        "EnvironmentVariables": {"A": 'b "c"'},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 5,
        "ExitTimeOut": 20,
        "ProcessType": "Background",
        "StandardOutPath": "/srv/100%/wash/node.log",
        "StandardErrorPath": "/srv/100%/wash/node.log",
        "Umask": 0o077,
    }
    assert made.install == (("launchctl", "bootstrap", "gui/501", str(made.file)),)
    assert made.start == ("launchctl", "kickstart", "gui/501/node.washnode")
    assert made.remove == (("launchctl", "bootout", "gui/501/node.washnode"),)


def test_on_macos_a_daemon_runs_as_its_user() -> None:
    made = make_service(MAC, Wanted("w", WORDS, PurePosixPath("/srv"), for_all=True))

    assert made.file == PurePosixPath("/Library/LaunchDaemons/node.w.plist")
    assert plistlib.loads(made.content)["UserName"] == "li"
    assert made.status == ("launchctl", "print", "system/node.w")


def task(wanted: Wanted) -> ET.Element:
    return ET.fromstring(make_service(WINDOWS, wanted).content)


def text_at(root: ET.Element, path: str) -> str | None:
    found = root.find("/".join(f"{TASK}{step}" for step in path.split("/")))
    assert found is not None, path
    return found.text


def test_on_windows_it_is_a_task_at_the_users_sign_in() -> None:
    folder = PureWindowsPath("C:/ProgramData/wash & Co")
    words = (r"C:\Py 3\python.exe", "-m", "node", "run", "--data", str(folder))
    made = make_service(WINDOWS, Wanted("washnode", words, folder))
    root = ET.fromstring(made.content)

    assert made.content.startswith(b"\xff\xfe")
    assert text_at(root, "Triggers/LogonTrigger/UserId") == "SHOP\\li"
    assert text_at(root, "Principals/Principal/LogonType") == "InteractiveToken"
    assert text_at(root, "Principals/Principal/RunLevel") == "LeastPrivilege"
    assert text_at(root, "Actions/Exec/Command") == words[0]
    assert text_at(root, "Actions/Exec/Arguments") == f'-m node run --data "{folder}"'
    assert text_at(root, "Actions/Exec/WorkingDirectory") == str(folder)
    assert text_at(root, "Settings/RestartOnFailure/Interval") == "PT1M"
    assert text_at(root, "Settings/RestartOnFailure/Count") == "255"
    assert text_at(root, "Settings/ExecutionTimeLimit") == "PT0S"
    assert made.install[0] == ("schtasks", "/Create", "/TN", "washnode", "/XML", str(made.file),
                               "/F")  # fmt: skip
    assert made.start == ("schtasks", "/Run", "/TN", "washnode")
    assert made.remove[-1] == ("schtasks", "/Delete", "/TN", "washnode", "/F")


def test_on_windows_a_service_of_the_machine_starts_with_it() -> None:
    folder = PureWindowsPath("C:/wash")
    root = task(Wanted("washnode", ("python", "-m", "node"), folder, for_all=True))

    assert text_at(root, "Triggers/BootTrigger") is None
    assert text_at(root, "Principals/Principal/LogonType") == "S4U"


def split_windows(line: str) -> list[str]:
    """Split a command line by the rules of Microsoft's C runtime."""
    words, word, quoted, slashes = [], "", False, 0
    for letter in line + " ":
        if letter == "\\":
            slashes += 1
            continue
        if letter == '"':
            word += "\\" * (slashes // 2)
            if slashes % 2:
                word += '"'
            else:
                quoted = not quoted
        else:
            word += "\\" * slashes
            if letter == " " and not quoted:
                words.append(word)
                word = ""
            else:
                word += letter
        slashes = 0
    return words


@given(st.lists(st.text(alphabet='ab \\"', min_size=1, max_size=8), min_size=1, max_size=4))
def test_windows_reads_back_every_word(words: list[str]) -> None:
    assert split_windows(" ".join(map(windows_word, words))) == words


def test_another_system_is_refused() -> None:
    with pytest.raises(ValueError, match="sunos5"):
        make_service(Machine("sunos5", PurePosixPath("/"), "li"), POSIX)
