"""What a store PC runs asks no system for what only some of them have."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("chain", "consensus", "contracts", "node", "p2p")
MODULES = {
    "fcntl", "grp", "msvcrt", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty",
    "uvloop", "winreg",
}  # fmt: skip
NAMES = {
    "os.chown", "os.fchmod", "os.fork", "os.geteuid", "os.getgid", "os.getpgid", "os.getuid",
    "os.killpg", "os.mkfifo", "os.setsid", "os.statvfs", "os.sysconf", "os.uname",
    "signal.SIGALRM", "signal.SIGHUP", "signal.SIGKILL", "signal.SIGQUIT", "signal.SIGUSR1",
    "signal.SIGUSR2", "signal.pthread_sigmask", "signal.setitimer",
}  # fmt: skip
GUARDED = {  # each on its system
    "node/joining/zone.py winreg", "node/storage/folder.py fcntl", "node/storage/folder.py msvcrt",
}  # fmt: skip


def sources() -> list[Path]:
    return [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]


def asked_for(path: Path) -> Iterator[str]:
    """Yield the names of the operating system's that a file uses."""
    for one in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(one, ast.Import):
            yield from (alias.name for alias in one.names)
        elif isinstance(one, ast.ImportFrom):
            yield one.module or ""
            yield from (f"{one.module}.{alias.name}" for alias in one.names)
        elif isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
            yield f"{one.value.id}.{one.attr}"


def test_nothing_is_asked_for_that_windows_lacks() -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()} {name}"
        for path in sources()
        for name in asked_for(path)
        if name in MODULES | NAMES
    }

    assert found == GUARDED


def test_every_text_file_is_opened_by_the_name_of_its_encoding() -> None:
    """A Chinese Windows would read it as GBK."""
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{call.lineno}"
        for path in sources()
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and _is_unnamed(call)
    ]

    assert found == []


def _is_unnamed(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name not in {"read_text", "write_text"}:
        return False
    positional = 1 if name == "read_text" else 2
    return len(call.args) < positional and all(one.arg != "encoding" for one in call.keywords)


@pytest.mark.parametrize("folder", PACKAGES)
def test_no_two_files_differ_by_the_case_of_letters_alone(folder: str) -> None:
    names = [path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*")]

    assert len({name.lower() for name in names}) == len(set(names))


def test_no_name_of_a_file_is_forbidden_on_windows() -> None:
    reserved = {"con", "prn", "aux", "nul"} | {f"{n}{i}" for n in ("com", "lpt") for i in range(10)}
    kept = [
        path
        for folder in (*PACKAGES, "docs", "tests", "bench")
        for path in (ROOT / folder).rglob("*")
        if "__pycache__" not in path.parts
    ]

    assert [path.name for path in kept if path.stem.lower() in reserved] == []
    assert [path.name for path in kept if set(path.name) & set('<>:"|?*\\')] == []
