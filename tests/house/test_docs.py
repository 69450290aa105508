"""What is written for people is true: settings, commands, targets."""

import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import BaseModel

from node.cli import main
from node.config import Config, load_config, setting_names
from node.rehearse.policies import Fee, Policy, Tier, load_policies
from tests.node.oracle import expect_files

ROOT = Path(__file__).parents[2]
REHEARSAL = ROOT / "docs" / "rehearsal.md"


def make_targets() -> set[str]:
    text = (ROOT / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z-]+):", text, flags=re.MULTILINE))


def test_the_example_config_holds_every_setting_with_its_default() -> None:
    path = ROOT / "config.example.toml"
    table = tomllib.loads(path.read_text("utf-8"))

    named = {
        f"{name}.{leaf}" if isinstance(value, dict) else name
        for name, value in table.items()
        for leaf in (value if isinstance(value, dict) else [""])
    }

    assert load_config(path) == Config()
    assert named == set(setting_names())


def test_every_setting_is_described_alike_in_code_and_example() -> None:
    text = " ".join((ROOT / "config.example.toml").read_text("utf-8").replace("# ", "").split())
    parts: list[Any] = [field.annotation for field in Config.model_fields.values()]
    sections: list[type[BaseModel]] = [
        part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)
    ]
    every: list[type[BaseModel]] = [Config, *sections]

    described = [
        (name, (field.description or "?").lower() in text.lower())
        for section in every
        for name, field in section.model_fields.items()
        if field.annotation not in sections
    ]

    assert [name for name, is_told in described if not is_told] == []


def test_every_target_is_listed_as_phony_and_has_its_line_of_help() -> None:
    text = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    phony = re.search(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE)
    helped = set(re.findall(r"^([a-z-]+):.*## \S", text, flags=re.MULTILINE))

    assert phony is not None
    assert set(phony.group(1).split()) == helped == make_targets()


def pages() -> list[Path]:
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def anchor(heading: str) -> str:
    """Return the address of a heading within its page, as hosts of Markdown make it."""
    plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return plain.replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    return {anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]

    broken = []
    for link in links:
        name, _, place = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (place and place not in anchors(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    places = "chain|contracts|consensus|p2p|node|tests|docs|bench"
    pattern = rf"`((?:{places})/[\w./-]+|[\w.-]+\.(?:md|toml|lock))`"

    named = re.findall(pattern, page.read_text("utf-8"))

    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_make_commands_of_a_page_exist(page: Path) -> None:
    code = re.findall(r"```.*?```|`[^`\n]+`", page.read_text("utf-8"), flags=re.DOTALL)

    named = {target for text in code for target in re.findall(r"(?:^|[`\s;&])make ([a-z]+)", text)}

    assert named - make_targets() == set()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_python_modules_that_a_page_runs_exist(page: Path) -> None:
    named = re.findall(r"python -m ([\w.]+)", page.read_text("utf-8"))

    files = {
        name: ROOT / (name.replace(".", "/") + ".py")
        for name in named
        if name not in {"pip", "venv"}
    }

    assert [name for name, path in files.items() if not path.exists()] == []


def shown_commands(page: Path) -> list[list[str]]:
    """Return the words of every command line that a page shows."""
    lines = re.findall(r"(?<![\w-])washnode ([a-z][^\n`#|]*)", page.read_text("utf-8"))
    return [line.split() for line in lines]


def find_command(words: list[str]) -> tuple[str, set[str]]:
    """Return the path of the command that words call, and its options."""
    main.load_all()
    command: click.Command = main
    path, options = [], set()
    for word in words:
        if not isinstance(command, click.Group) or word not in command.commands:
            break
        command = command.commands[word]
        path.append(word)
        options |= {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    return " ".join(path), options


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_of_a_page_exist_with_the_options_they_are_shown_with(page: Path) -> None:
    wrong = []
    for words in shown_commands(page):
        path, options = find_command(words)
        named = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
        wrong += [(words, name) for name in named if path and name not in options | {"--help"}]

    assert wrong == []


def test_every_command_is_on_the_page_of_commands() -> None:
    shown = {find_command(words)[0] for words in shown_commands(ROOT / "docs" / "commands.md")}

    def paths(group: click.Group, before: str) -> list[str]:
        found = []
        for name, one in group.commands.items():
            path = f"{before} {name}".strip()
            found += paths(one, path) if isinstance(one, click.Group) else [path]
        return found

    main.load_all()
    assert [path for path in paths(main, "") if path not in shown] == []


def test_the_table_of_the_page_is_what_plain_arithmetic_gives_for_the_sample() -> None:
    samples = ROOT / "node" / "samples"
    expected = expect_files(samples / "bookings.csv.gz", samples / "policies.json")
    columns = ("bookings", "escrow_in", "refunds", "payouts", "cancelled", "no_show", "rejected")
    row = re.search(r"^total +([\d,. ]+)$", REHEARSAL.read_text("utf-8"), flags=re.MULTILINE)
    assert row is not None

    shown = [int(re.sub(r"[.,]", "", word)) for word in row.group(1).split()]

    assert shown == [expected["totals"][name] for name in columns]


def test_the_rules_that_the_page_shows_are_good_rules(tmp_path: Path) -> None:
    example = re.search(r"```json\n(.*?)```", REHEARSAL.read_text("utf-8"), flags=re.DOTALL)
    assert example is not None
    path = tmp_path / "policies.json"
    path.write_text(example.group(1), encoding="utf-8")

    rules = load_policies(path)["two tiers"]

    fees = (Tier(lead_ms_min=7_200_000), Tier(fee_bp=1_000, fee_cap=2_000))
    no_show = Fee(fee_bp=3_000, fee_cap=5_000)
    grace, cooling_off = 1_200_000, 900_000
    assert rules == Policy(
        hold_bp=10_000, tiers=fees, no_show=no_show, grace_ms=grace, cooling_off_ms=cooling_off
    )


def test_decisions_are_numbered_and_say_why_what_and_what_follows() -> None:
    files = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    heads = [
        re.findall(r"^#+ (.*)$", file.read_text("utf-8"), flags=re.MULTILINE) for file in files
    ]

    assert [file.name[:4] for file in files] == [f"{n:04}" for n in range(1, len(files) + 1)]
    assert [head[0].split(".")[0] for head in heads] == [str(n) for n in range(1, len(files) + 1)]
    assert [head[1:] for head in heads] == [["Context", "Decision", "Consequences"]] * len(files)


def test_ci_runs_the_one_command() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()

    commands = [line for line in lines if "make " in line and not line.lstrip().startswith("#")]

    assert commands[-1] == "CI=1 exec make test"
