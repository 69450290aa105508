"""What is written for people is true: settings, commands, targets."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from node.config import ChainConfig, Config, StoreConfig, load_config, setting_names

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def make_targets() -> set[str]:
    text = (ROOT / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z]+):", text, flags=re.MULTILINE))


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
    sections: list[type[BaseModel]] = [Config, StoreConfig, ChainConfig]

    described = [
        (name, (field.description or "?").lower() in text.lower())
        for section in sections
        for name, field in section.model_fields.items()
        if name not in {"store", "chain"}
    ]

    assert [name for name, is_told in described if not is_told] == []


def test_every_target_is_listed_as_phony_and_has_its_line_of_help() -> None:
    text = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    phony = re.search(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE)
    helped = set(re.findall(r"^([a-z]+):.*## \S", text, flags=re.MULTILINE))

    assert phony is not None
    assert set(phony.group(1).split()) == helped == make_targets()


@pytest.mark.skipif(not README.exists(), reason="there is no README yet")
def test_the_make_commands_of_the_readme_exist() -> None:
    code = re.findall(r"```.*?```|`[^`\n]+`", README.read_text("utf-8"), flags=re.DOTALL)

    named = {target for text in code for target in re.findall(r"(?:^|[`\s;&])make ([a-z]+)", text)}

    assert named - make_targets() == set()


def test_ci_runs_the_one_command() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()

    commands = [line for line in lines if "make " in line and not line.lstrip().startswith("#")]

    assert commands[-1] == "CI=1 exec make test"
