"""The page for shops is true: what it shows is typed in order, against a real network."""

import asyncio
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.gateway import PIN, ROOT, GatewayNet, command

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
PAGES = {"en": ROOT / "docs" / "shops.md", "zh": ROOT / "docs" / "shops.zh.md"}
STEPS = (
    "admit new", "setup", "join", "service install", "service status", "status",
    "backup create", "backup test", "setup",
)  # fmt: skip
CODE = re.compile(r"\bhttp\.127\.0\.0\.1:[0-9]+/[a-z0-9-]{59}")
ANSWERS = {
    "en": (
        ("Language", "en"), ("The shop's name", "Crystal"), ("Join code", "CODE"),
        ("Price of a wash", "42.50"), ("Your own name", "Li"), ("A PIN for the owner", "12"),
        ("A PIN for the owner", "123456"), ("A PIN for the owner", PIN),
        ("Once more", PIN), ("Written down?", "y"),
    ),
    "zh": (
        ("Language", "zh"), ("门店名称", "水晶洗车"), ("加入码", "CODE"), ("一次洗车的价格", ""),
        ("您的姓名", "李店主"),
        ("店主的 PIN", PIN), ("再输入一次", "111111"), ("店主的 PIN", PIN),
        ("再输入一次", PIN), ("抄好了吗", "y"),
    ),
}  # fmt: skip


def shown(page: Path) -> list[str]:
    """Return the commands of a page, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_both_pages_show_the_same_commands() -> None:
    commands = {lang: shown(page) for lang, page in PAGES.items()}

    assert commands["en"] == commands["zh"]
    assert [line.removeprefix("washnode ").startswith(step) for line, step in
            zip(commands["en"], STEPS, strict=True)] == [True] * len(STEPS)  # fmt: skip


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayNet]:
    made = GatewayNet(tmp_path_factory.mktemp("page"))
    try:
        asyncio.run(made.begin())
        yield made
    finally:
        made.close()


@dataclass
class Person:
    """Sits at a new computer and types what the page says."""

    net: GatewayNet
    folder: Path
    lang: str
    printed: str = ""
    tools: list[str] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WASH_")}
        homes = dict.fromkeys(("HOME", "XDG_DATA_HOME"), str(self.folder / "home"))
        path = f"{self.folder / 'tools'}{os.pathsep}{os.environ['PATH']}"
        locale = {"LANG": "zh_CN.UTF-8" if self.lang == "zh" else "C.UTF-8"}
        own = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "WASH_RPC_PORT": "0", "PATH": path}
        unset = {"LC_ALL", "LC_MESSAGES"}
        return {name: value for name, value in (kept | homes | locale | own).items()
                if name not in unset}  # fmt: skip

    def type(self, line: str) -> None:
        """Run a line; `setup` alone is the wizard."""
        words = shlex.split(self.fill_in(line))
        if words == ["washnode", "setup"]:
            self.answer(words[1:])
        elif words[1] == "admit":
            done = command(*words[1:], data=self.net.gate.folder)
            assert done.returncode == 0, done.stderr
            self.printed += done.stdout
        else:
            where = ["--data", "scripted"] if "--pin-file" in words else []
            done = subprocess.run(
                [sys.executable, "-m", "node", *words[1:], *where],
                capture_output=True, text=True, check=False, cwd=self.folder,
                env=self.environment(), stdin=subprocess.DEVNULL, timeout=120,
            )  # fmt: skip
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            self.printed += done.stdout + done.stderr

    def fill_in(self, line: str) -> str:
        """Return a line with this network's address and this person's own places and code."""
        line = line.replace("https://gate.example", self.net.gate.rpc_url)
        line = line.replace("/media/usb", str(self.folder / "usb"))
        return line.replace("CODE", self.net.admit()) if " CODE " in line else line

    def answer(self, words: Sequence[str]) -> None:
        """Go through the wizard at a terminal."""
        pty = pytest.importorskip("pty", reason="Windows has no such terminal")
        code = CODE.findall(self.printed)[-1]
        child, terminal = pty.fork()
        if child == 0:  # pragma: no cover - another process
            os.chdir(self.folder)
            python = [sys.executable, "-m", "node", *words]
            os.execve(sys.executable, python, self.environment())
        heard = ""
        for question, answer in ANSWERS[self.lang]:
            heard = self._hear(terminal, heard, question)
            os.write(terminal, (answer.replace("CODE", code) + "\n").encode())
        self._hear(terminal, heard, "washnode service install")
        os.waitpid(child, 0)
        os.close(terminal)

    def _hear(self, terminal: int, heard: str, wanted: str) -> str:
        """Read until something was said; returns what came after it."""
        end = time.monotonic() + 120
        while wanted not in heard:
            assert time.monotonic() < end, (wanted, heard)
            try:
                read = os.read(terminal, 4_096).decode("utf-8", errors="replace")
            except OSError:
                read = ""
            assert read, (wanted, heard)
            heard += read
            self.printed += read
        return heard.partition(wanted)[2]


def put_tools(folder: Path) -> None:
    """Put a service manager there that only notes what it was told."""
    (folder / "tools").mkdir()
    for name in ("systemctl", "loginctl", "launchctl"):
        tool = folder / "tools" / name
        log = folder / "told.txt"
        tool.write_text(f'#!/bin/sh\necho {name} "$@" >> {shlex.quote(str(log))}\n', "utf-8")
        tool.chmod(0o755)


@pytest.mark.parametrize("lang", [pytest.param("en", marks=pytest.mark.whole), "zh"])
def test_whoever_follows_the_page_has_a_shop(net: GatewayNet, tmp_path: Path, lang: str) -> None:
    put_tools(tmp_path)
    for name in ("home", "usb"):
        (tmp_path / name).mkdir()
    (tmp_path / "pin.txt").write_text(PIN + "\n", encoding="utf-8")
    person = Person(net, tmp_path, lang)
    net.shops += [tmp_path / "washdata", tmp_path / "scripted"]

    for line in shown(PAGES[lang]):
        person.type(line)
        if line == "washnode service install":  # what the manager would do now
            command("join", data=tmp_path / "washdata", WASH_RPC_PORT="0")
    net.stop_shops()

    told = (tmp_path / "told.txt").read_text("utf-8")
    # By the wizard, by join, which finds nothing to do, and by the script.
    opened = {
        "en": ["Crystal is open for business."] * 3,
        "zh": ["水晶洗车 开始营业了。"] * 2 + ["Crystal 开始营业了。"],
    }
    assert (
        re.findall(r"^.*(?:is open for business\.|开始营业了。)", person.printed, re.MULTILINE)
        == opened[lang]
    )
    assert "systemctl --user enable washnode.service" in told
    assert "systemctl --user start washnode.service" in told
    assert "loginctl enable-linger" in told
    assert (tmp_path / "home/.config/systemd/user/washnode.service").is_file()
    assert (tmp_path / "card.html").is_file()
