"""The README is true: what it shows is run in order, in an empty folder, against real nodes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE, LESSON = ROOT / "README.md", ROOT / "docs" / "contracts.md"
FIRST, LAST = "## A refund in five minutes", "## Rehearse your own history"
URL = "http://127.0.0.1:8787"  # on the page
REFUND, REFUND_WITHIN_S = "state=CANCELLED_CUSTOMER to_shop=6.80 CNY to_customer=61.20 CNY", 300
ENDLESS = {("washnode", "dev"): "Ctrl-C stops it", ("washnode", "run"): "Serving "}
LETTERS = "[02-9ac-hj-np-z]"
PREFIXES = "acct|bkg|ctr|ast"
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

# What is another at each run. Ids are in full, or as a sentence shortens them: `bkg1d4z8q4…fqta`.
VARYING = (
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "DATE"),
    (r"[0-9]{2}:[0-9]{2}:[0-9]{2}Z", "TIME"),
    (r"\b(?!7887159dfcd1)[0-9a-f]{64}\b", "HASH"),  # rules have the same hash everywhere
    (rf"\b({PREFIXES})1{LETTERS}{{58}}", r"\1"),
    (rf"\b({PREFIXES})1{LETTERS}+…{LETTERS}+", r"\1"),
    (r"\b[0-9]+-[0-9]+ (?=\w+\.)", "EVENT "),
    (r"\b[0-9]+(?= (blocks|deadlines|events)\b)", "N"),
)


@dataclass(frozen=True)
class Block:
    """One fenced block of the page; without a language it shows what is printed."""

    language: str
    text: str


def blocks_between(page: str, first: str, last: str) -> list[Block]:
    part = page[page.index(f"\n{first}\n") : page.index(f"\n{last}\n")]
    found = re.findall(r"^```(\w*)\n(.*?)^```$", part, flags=re.MULTILINE | re.DOTALL)
    return [Block(language, text) for language, text in found]


def plain(line: str) -> str:
    """Return a line without what is another at each run."""
    for pattern, name in VARYING:
        line = re.sub(pattern, name, line)
    return line.strip()


def pattern_of(line: str) -> str:
    """Return the pattern of a shown line: `...` is anything, also the rest of an id."""
    line = re.sub(rf"\b({PREFIXES})1{LETTERS}*\.\.\.", r"\1...", line)
    return ".*".join(re.escape(part) for part in plain(line).split("..."))


def missing_lines(shown: str, printed: str) -> list[str]:
    """Return the shown lines that were not printed in this order; others may lie between."""
    lines = iter([plain(line) for line in printed.splitlines()])
    return [
        line
        for line in shown.splitlines()
        if not any(re.fullmatch(pattern_of(line), one) for one in lines)
    ]


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASH_")}
    homes = dict.fromkeys(("HOME", "LOCALAPPDATA", "XDG_DATA_HOME"), str(folder / "home"))
    own = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "WASH_LANG": "en", "WASH_RPC_PORT": "0"}
    return kept | homes | own


@dataclass
class Reader:
    """Does what the page says, one step after the other, and remembers what was printed."""

    folder: Path
    url: str = URL
    printed: str = ""
    nodes: list[subprocess.Popen[str]] = field(default_factory=list)
    began_s: float = field(default_factory=time.monotonic)
    refund_after_s: float | None = None

    def follow(self, block: Block) -> str:
        """Do what a block says and return what it printed."""
        before = len(self.printed)
        if block.language == "python":
            self.run([sys.executable, "-c", block.text.replace(URL, self.url)])
        else:
            for line in block.text.replace("\\\n", "").splitlines():
                self.type(shlex.split(self.fill_in(line), comments=True))
        if self.refund_after_s is None and REFUND in self.printed:
            self.refund_after_s = time.monotonic() - self.began_s
        return re.sub(r"http://127\.0\.0\.1:[0-9]+", URL, self.printed[before:])

    def fill_in(self, line: str) -> str:
        """Return a command line with the newest ids in the places that the page leaves open."""
        bookings = re.findall(rf"\bbkg1{LETTERS}{{58}}", self.printed)
        transactions = re.findall(r"^transaction +([0-9a-f]{64})$", self.printed, re.MULTILINE)
        for place, known in ((r"\bbkg1\.\.\.", bookings), (r"\bID\b", transactions)):
            if known:
                line = re.sub(place, known[-1], line)
        assert "..." not in line, line
        return line.replace(URL, self.url)

    def type(self, words: list[str]) -> None:
        program = [sys.executable, "-m", "node", *words[1:]]
        if tuple(words[:2]) in ENDLESS and (len(words) == 2 or words[2].startswith("-")):
            self.start(program, ENDLESS[words[0], words[1]])
        elif words[0] == "washnode":
            self.run(program)
        elif shutil.which(words[0]):
            self.run(words)
        else:
            self.send(words)

    def run(self, words: Sequence[str]) -> None:
        done = subprocess.run(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
            cwd=self.folder,
            env=environment(self.folder),
            timeout=60,
        )
        assert done.returncode == 0, (words, done.stdout)
        self.printed += done.stdout + ("" if done.stdout.endswith("\n") else "\n")

    def start(self, words: Sequence[str], last: str) -> None:
        """Start a node and read what it says until the line that begins with `last`."""
        node = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            cwd=self.folder,
            env=environment(self.folder),
        )
        self.nodes.append(node)
        assert node.stdout is not None
        said = ""
        for line in node.stdout:
            said += line
            if line.startswith(last):
                break
        self.url = re.findall(r"http://127\.0\.0\.1:[0-9]+", said)[-1]
        self.printed += said

    def send(self, words: Sequence[str]) -> None:
        """Send what curl would send where it is missing."""
        assert words[:2] == ["curl", "-s"], words
        url, options = words[2], dict(zip(words[3::2], words[4::2], strict=True))
        name, _, value = options.get("-H", "Accept: */*").partition(": ")
        data = options["-d"].encode() if "-d" in options else None
        with urlopen(Request(url, data, {name: value}), timeout=10) as answer:
            self.printed += answer.read().decode() + "\n"

    def end(self) -> list[int]:
        """Stop the nodes that still run, and return how each ended."""
        for node in self.nodes:
            node.terminate()
            node.communicate(timeout=20)
        return [node.returncode for node in self.nodes]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    lesson = blocks_between(LESSON.read_text("utf-8"), "### The whole contract", "### Deploy")
    source = next(one.text for one in lesson if one.text.startswith("from wash import *"))
    tests = next(one.text for one in lesson if one.text.startswith("def test_"))
    (tmp_path / "deposit.wash").write_text(source, encoding="utf-8")
    (tmp_path / "test_deposit.py").write_text(tests, encoding="utf-8")
    found = Reader(tmp_path)
    yield found
    found.end()


def test_whoever_follows_the_readme_has_a_refund_in_five_minutes_and_sees_what_it_shows(
    reader: Reader,
) -> None:
    blocks = blocks_between(PAGE.read_text("utf-8"), FIRST, LAST)
    wrong: list[object] = []
    printed = ""

    for block in blocks:
        if block.language:
            printed = reader.follow(block)
        else:
            wrong += [(line, printed) for line in missing_lines(block.text, printed)]
    ends = reader.end()

    assert wrong == []
    assert reader.refund_after_s is not None
    assert reader.refund_after_s < REFUND_WITHIN_S
    assert len([block for block in blocks if block.language]) >= 10
    assert ends == [0, 0]


def test_a_line_that_is_not_printed_is_noticed() -> None:
    printed = "9-0 booking.Closed id=bkg1" + 58 * "q" + " to_shop=6.80CNY\nDone\n"

    seen = missing_lines("8-1 booking.Closed id=bkg1qq... to_shop=6.80CNY\nDone", printed)
    unseen = missing_lines("Done\n9-0 booking.Closed ... to_shop=6.80CNY\nD", printed)

    assert seen == []
    assert unseen == ["9-0 booking.Closed ... to_shop=6.80CNY", "D"]


def test_the_page_shows_no_program_that_a_reader_may_not_have() -> None:
    page = PAGE.read_text("utf-8").replace("\\\n", "")
    shown = re.findall(r"^```sh\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)

    programs = {line.split()[0] for text in shown for line in text.splitlines()}

    assert programs == {".venv/bin/pip", "curl", "export", "make", "python3", "washnode"}
