"""Dashboard and alert rules speak of figures that there are, and every alert says what to do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from node.cli import main
from tests.node.monitoring.scraped import parse
from tests.node.rpc.door import TestNode, open_door

ROOT = Path(__file__).parents[3]
ALERTS = (ROOT / "node/monitoring/alerts.yml").read_text("utf-8")
DASHBOARD: dict[str, Any] = json.loads((ROOT / "node/monitoring/dashboard.json").read_text("utf-8"))
PAGE = (ROOT / "docs/monitoring.md").read_text("utf-8")
# Told by Prometheus itself, and by the process where the system lets it.
FROM_ELSEWHERE = {
    "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds",
    "process_max_fds", "process_start_time_seconds", "process_virtual_memory_bytes",
}  # fmt: skip


def rules() -> list[dict[str, str]]:
    """Return the rules; the file keeps to one key a line, so that this reads it."""
    found: list[dict[str, str]] = []
    for line in ALERTS.splitlines():
        key, _, value = f"{line.strip()} ".removeprefix("- ").partition(": ")
        if key == "alert":
            found.append({})
        if found and key.strip():
            found[-1][key] = value.strip()
    return found


def expressions() -> list[str]:
    targets = [one for panel in DASHBOARD["panels"] for one in panel.get("targets", [])]
    return [rule["expr"] for rule in rules()] + [target["expr"] for target in targets]


def named(text: str) -> set[str]:
    return set(re.findall(r"\b(?:wash|process)_\w+", text))


async def names_of_a_node(tmp_path: Path) -> set[str]:
    with TestNode(tmp_path) as made:
        async with open_door(made) as door, door.client.get("/metrics") as response:
            return parse(await response.text()).names()


async def test_every_figure_that_they_name_exists(tmp_path: Path) -> None:
    exists = await names_of_a_node(tmp_path) | FROM_ELSEWHERE

    assert [(text, named(text) - exists) for text in expressions() if named(text) - exists] == []
    assert named(PAGE) - exists <= {
        "wash_block_interval_seconds", "wash_submit_to_final_seconds", "wash_rpc_seconds",
    }  # fmt: skip  # histograms, named without their parts


async def test_every_figure_is_on_the_dashboard_and_on_the_page(tmp_path: Path) -> None:
    names = {one for one in await names_of_a_node(tmp_path) if one.startswith("wash_")}
    shown = set().union(*map(named, expressions()))
    bare = {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}

    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in names - shown} - {
        re.sub(r"_bucket$", "", name) for name in shown
    } == set()
    assert bare - named(PAGE) == set()


def test_every_alert_is_whole_and_has_its_section() -> None:
    sections = re.findall(r"^### (\w+)\n\n(\S.*)$", PAGE, flags=re.MULTILINE)
    keys = {"alert", "expr", "labels", "annotations", "summary", "summary_zh", "runbook"}

    assert [rule["alert"] for rule in rules()] == [name for name, _text in sections]
    assert [rule["alert"] for rule in rules() if set(rule) - {"for"} != keys] == []
    assert [rule["runbook"] for rule in rules()] == [
        f"docs/monitoring.md#{rule['alert'].lower()}" for rule in rules()
    ]
    severities = {rule["labels"] for rule in rules()}
    assert severities == {"{severity: page}", "{severity: ticket}"}


def test_expressions_are_plain_in_yaml_and_closed() -> None:
    faults = [
        rule["expr"]
        for rule in rules()
        if ": " in rule["expr"] or " #" in rule["expr"] or rule["expr"][0] in "{[\"'*&!|>%@`"
    ]
    pairs = [
        (text.count(a), text.count(b)) for text in expressions() for a, b in ("()", "{}", "[]")
    ]

    assert faults == []
    assert [pair for pair in pairs if pair[0] != pair[1]] == []


def test_panels_have_an_id_and_a_place_of_their_own_and_ask_for_the_chosen_nodes() -> None:
    panels = DASHBOARD["panels"]
    ids = [panel["id"] for panel in panels]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    targets = [target["expr"] for panel in panels for target in panel.get("targets", [])]

    assert len(set(ids)) == len(set(places)) == len(panels)
    assert [text for text in targets if '{instance=~"$instance"' not in text] == []


@pytest.mark.parametrize("name", ["dashboard", "alerts"])
def test_the_command_prints_the_file_as_it_is_and_json_when_asked(name: str) -> None:
    run = CliRunner().invoke
    plain = run(main, ["metrics", name, "--lang", "en"])
    asked = run(main, ["metrics", name, "--json"])

    file = {"dashboard": "dashboard.json", "alerts": "alerts.yml"}[name]
    text = (ROOT / "node/monitoring" / file).read_text("utf-8")
    told = json.loads(asked.stdout)
    assert (plain.exit_code, plain.stdout, asked.exit_code) == (0, text, 0)
    assert told[name] == (json.loads(text) if name == "dashboard" else text)
    assert "Next: washnode metrics" in plain.stderr
