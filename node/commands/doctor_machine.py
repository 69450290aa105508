"""The checks of `washnode doctor` about the machine: sleep, files that others hold, leftovers."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from node.commands.doctor_checks import Check
from node.commands.words import t

Run: TypeAlias = Callable[[list[str]], str | None]
# What --fix does: nothing; tells what it would do; does it.
Mending: TypeAlias = Literal["none", "told", "done"]

WAIT_S = 10.0
_POWER_STATE = Path("/sys/power/state")
_SLEEP_TARGETS = "sleep.target suspend.target hibernate.target hybrid-sleep.target"
_LOGIND = ("/etc/systemd/logind.conf", "/etc/systemd/logind.conf.d")
_DESKTOP = ["gsettings", "get", "org.gnome.settings-daemon.plugins.power",
            "sleep-inactive-ac-type"]  # fmt: skip
_STANDBY = ["powercfg", "/query", "SCHEME_CURRENT", "SUB_SLEEP", "STANDBYIDLE"]
_STAY_AWAKE = ["powercfg", "/change", "standby-timeout-ac", "0"]
# Users, everybody, whoever is logged in: by numbers, since Windows translates the names.
_OTHERS = ("*S-1-5-32-545", "*S-1-1-0", "*S-1-5-11")
_IDLE = re.compile(r"^IdleAction=(\S+)", re.MULTILINE)
_MINUTES = re.compile(r"^\s*sleep\s+(\d+)", re.MULTILINE)
_HEX = re.compile(r"0x([0-9a-fA-F]{8})")


def run_tool(words: list[str]) -> str | None:
    """Return what a tool of the system says, None if it is not there or fails."""
    tool = shutil.which(words[0])
    if tool is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - words of this module
            [tool, *words[1:]],
            capture_output=True,
            check=False,
            timeout=WAIT_S,
            encoding="utf-8",
            errors="replace",
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


# Sleep -----------------------------------------------------------------------------------------


def check_sleep(
    mending: Mending = "none", run: Run = run_tool, platform: str = sys.platform
) -> Check:
    """Look whether the machine goes to sleep by itself while it runs on mains."""
    if platform == "win32":
        return _check_standby(mending, run)
    if platform == "darwin":
        minutes = re.search(
            r"^\s*sleep\s+(\d+)", run(["pmset", "-g", "custom"]) or "", re.MULTILINE
        )
        return _judge(None if minutes is None else minutes[1] != "0", "sudo pmset -c sleep 0")
    fix = f"sudo systemctl mask {_SLEEP_TARGETS}; " + t("or start it by systemd-inhibit")
    return _judge(_sleeps_on_linux(run), fix)


def _sleeps_on_linux(run: Run) -> bool:
    states = _read(_POWER_STATE).split()
    if not {"mem", "disk", "freeze", "standby"} & set(states):
        return False
    if run(["systemctl", "is-enabled", "suspend.target"]) is None and _is_masked(run):
        return False
    actions = [one for text in _logind() for one in _IDLE.findall(text)]
    if actions and actions[-1] != "ignore":
        return True
    return "suspend" in (run(_DESKTOP) or "")


def _is_masked(run: Run) -> bool:
    told = run(["systemctl", "show", "--property=LoadState", "suspend.target"])
    return "masked" in (told or "")


def _logind() -> Iterator[str]:
    for name in _LOGIND:
        path = Path(name)
        for one in sorted(path.glob("*.conf")) if path.is_dir() else [path]:
            yield _read(one)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _check_standby(mending: Mending, run: Run) -> Check:
    found = _HEX.findall(run(_STANDBY) or "")
    sleeps = int(found[-2], 16) > 0 if len(found) > 1 else None  # the last is for batteries
    if not sleeps or mending == "none":
        return _judge(sleeps, " ".join(_STAY_AWAKE))
    if mending == "told":
        seen = t("--fix would turn off sleep on mains")
        return Check("sleep", "yellow", seen, t("leave --dry-run out"))
    if run(_STAY_AWAKE) is None:
        return _judge(sleeps, " ".join(_STAY_AWAKE))
    return Check("sleep", "green", t("sleep on mains is turned off now"))


def _judge(sleeps: bool | None, fix: str) -> Check:  # noqa: FBT001 - the answer itself
    if sleeps is None:
        return Check("sleep", "green", t("whether this machine sleeps can not be told"))
    if sleeps:
        seen = t("this machine goes to sleep by itself, and the node with it")
        return Check("sleep", "yellow", seen, fix)
    return Check("sleep", "green", t("this machine does not go to sleep by itself"))


# Files -----------------------------------------------------------------------------------------


def check_files(data: Path) -> Check:
    """Look whether all files of the database are there and can be read."""
    chain = data / "chain"
    fix = t("let no antivirus and no other program hold files of {folder}", folder=data)
    for path in sorted(chain.iterdir()) if chain.is_dir() else []:
        try:
            with path.open("rb") as file:
                file.read(1)
        except FileNotFoundError:
            continue  # the node has just done away with it
        except OSError as error:
            seen = t("{file} can not be read: {error}", file=path, error=error.strerror or error)
            return Check("files", "red", seen, fix)
    missing = _missing(chain)
    if missing is not None:
        seen = t("{file} is gone; did an antivirus take it away?", file=missing)
        again = t("bring a backup back: washnode backup restore TARGET --data NEWDIR")
        return Check("files", "red", seen, again)
    return Check("files", "green", t("the files of the chain can be read"))


def _missing(chain: Path) -> Path | None:
    """Return the file by which the database begins if another file names it and it is not there."""
    named = _read(chain / "CURRENT").strip()
    if not named and any(chain.glob("MANIFEST-*")):
        return chain / "CURRENT"
    path = chain / named
    if not named or path.is_file() or _read(chain / "CURRENT").strip() != named:
        return None
    return path


# What a stop left ------------------------------------------------------------------------------


def check_leftovers(data: Path, mending: Mending) -> Check:
    """Look for what a stop left behind; only what nothing needs is removed. No node runs here."""
    found = sorted(_leftovers(data))
    names = ", ".join(path.relative_to(data).as_posix() for path in found)
    if not found:
        return Check("leftovers", "green", t("nothing is left of an earlier stop"))
    if mending == "none":
        seen = t("left of an earlier stop: {names}", names=names)
        return Check("leftovers", "yellow", seen, t("washnode doctor --fix removes it"))
    if mending == "told":
        seen = t("--fix would remove {names}", names=names)
        return Check("leftovers", "yellow", seen, t("leave --dry-run out"))
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return Check("leftovers", "green", t("removed: {names}", names=names))


def _leftovers(data: Path) -> Iterator[Path]:
    if (data / "node.json").is_file():
        yield data / "node.json"
    yield from data.glob("chain.look-*")
    for folder in (data, data / "keys"):
        yield from folder.glob(".*.part")


# Rights on Windows -----------------------------------------------------------------------------


def check_windows_rights(data: Path, mending: Mending, run: Run = run_tool) -> Check:
    """Look by Windows' lists of rights whether other users can read keys; mend it if asked to."""
    folder = data / "keys" if (data / "keys").is_dir() else data
    asked = [run(["icacls", str(folder), "/findsid", one]) or "" for one in _OTHERS]
    if not any(str(folder) in one for one in asked):
        return Check("rights", "green", t("the rights of the user's folders keep others out"))
    user = f"{os.environ.get('USERDOMAIN', '.')}\\{os.environ.get('USERNAME', '')}"
    words = ["icacls", str(folder), "/inheritance:r", "/grant:r", f"{user}:(OI)(CI)F",
             "*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F"]  # fmt: skip
    seen = t("others of this machine can read {name}", name=folder)
    if mending == "told":
        seen = t("--fix would let only you read {name}", name=folder)
        return Check("rights", "red", seen, t("leave --dry-run out"))
    if mending == "done" and run(words) is not None:
        return Check("rights", "green", t("for you alone now: {names}", names=folder))
    return Check("rights", "red", seen, t("washnode doctor --fix takes that right away"))
