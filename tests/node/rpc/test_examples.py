"""The examples of the API: complete, fresh from a node, and true to what is published."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from node.rpc.jsonrpc import Dispatcher
from node.rpc.methods.rpc import rpc_version
from node.rpc.openrpc.document import load_examples, make_document
from node.rpc.openrpc.meanings import EVERYWHERE, ITSELF, load_meanings
from node.rpc.openrpc.page import render_markdown, write_short
from node.rpc.registry import Call, Registry, method_of
from tests.node.rpc.openrpc_schema import openrpc_validator
from tests.node.rpc.story import Json, Teller
from tests.node.rpc_examples import EXAMPLES, PAGE, examples_text, make_examples

AGAIN = "run `python -m tests.node.rpc_examples` and look at what changed"


Told = tuple[dict[str, list[Json]], Json]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What the node answers now: the examples, and the document with them."""
    return asyncio.run(make_examples(tmp_path_factory.mktemp("story") / "node"))


def test_a_node_answers_today_what_the_examples_say(told: Told) -> None:
    examples, _document = told

    assert load_examples() == examples, AGAIN
    assert EXAMPLES.read_text("utf-8") == examples_text(examples), AGAIN


def test_the_page_is_made_from_what_is_served(told: Told) -> None:
    _examples, document = told

    assert PAGE.read_text("utf-8") == render_markdown(document), AGAIN


async def test_the_story_is_the_same_every_time(told: Told, tmp_path: Path) -> None:
    examples, _document = told

    again, _ = await make_examples(tmp_path / "again")

    assert again == examples


def test_every_method_has_an_example_that_goes_well(told: Told) -> None:
    examples, document = told

    shown = {name for name, calls in examples.items() if any("result" in call for call in calls)}

    assert {method["name"] for method in document["methods"]} == shown == set(examples)


def test_every_example_fits_what_is_published_of_its_method(told: Told) -> None:
    examples, document = told
    shared = {"components": document["components"]}
    codes = {error["code"] for error in document["components"]["errors"].values()}

    faults = []
    for method in document["methods"]:
        result = Draft202012Validator({**method["result"]["schema"], **shared})
        params = {one["name"]: one for one in method["params"]}
        for example in examples[method["name"]]:
            if "error" in example:
                faults += [] if example["error"]["code"] in codes else [(method["name"], example)]
                continue
            faults += [
                (method["name"], one.message) for one in result.iter_errors(example["result"])
            ]
            for name, value in example["params"].items():
                schema = Draft202012Validator({**params[name]["schema"], **shared})
                faults += [(method["name"], one.message) for one in schema.iter_errors(value)]

    assert faults == []


def test_the_document_with_its_examples_is_good_openrpc(told: Told) -> None:
    _examples, document = told

    errors = [error.message for error in openrpc_validator().iter_errors(document)]

    assert errors == []


async def test_a_running_node_tells_the_examples(told: Told, tmp_path: Path) -> None:
    _examples, document = told
    teller = Teller(tmp_path / "node")
    request = b'{"jsonrpc": "2.0", "id": 1, "method": "rpc.discover", "params": {}}'

    answer = await Dispatcher(teller.registry).handle(
        request, Call(teller.node, "public"), batch_max=1
    )
    teller.close()

    discovered = json.loads(answer or b"")["result"]
    version = {"title": "washnode", "version": teller.node.version}
    assert {**discovered, "info": None} == {**document, "info": None}
    assert {name: discovered["info"][name] for name in version} == version


def test_refusals_are_told_beside_results() -> None:
    registry = Registry([method_of(rpc_version)])
    refused = {"name": "no", "params": {"a": 1}, "error": {"code": 6001, "message": "no"}}

    document = make_document(registry, dev=False, version="1", examples={"rpc_version": [refused]})

    (shown,) = document["methods"][0]["examples"]
    assert shown == {
        "name": "no",
        "params": [{"name": "a", "value": 1}],
        "x-error": {"code": 6001, "message": "no"},
    }
    assert '{"error": {"code": 6001, "message": "no"}}' in render_markdown(document)


def test_every_field_of_a_result_says_what_it_means(told: Told) -> None:
    _examples, document = told
    schemas = document["components"]["schemas"]

    silent = [
        (name, field)
        for name, schema in schemas.items()
        for field, inner in schema.get("properties", {}).items()
        if "description" not in {**inner, **schemas.get(inner.get("$ref", "").split("/")[-1], {})}
    ]

    assert silent == [], "tell it in their types, or in node/rpc/openrpc/meanings.json"


def test_meanings_are_of_fields_that_exist(told: Told) -> None:
    _examples, document = told
    schemas = document["components"]["schemas"]
    meanings = {name: told for name, told in load_meanings().items() if name != EVERYWHERE}
    fields = {field for schema in schemas.values() for field in schema.get("properties", {})}

    gone = [
        (name, field)
        for name, members in meanings.items()
        for field in members
        if field not in {ITSELF, *schemas.get(name, {}).get("properties", {})}
    ]

    assert gone == []
    assert set(load_meanings()[EVERYWHERE]) - fields == set()


def test_long_values_are_cut_on_the_page_alone() -> None:
    value: Any = {"id": "acct1" + "q" * 58, "words": "so it was " * 9, "list": [1, 2, 3, 4]}

    shown = write_short(value)

    assert json.loads(shown) == {
        "id": "acct1" + "q" * 15 + "...", "words": "so it was " * 9, "list": [1, 2, 3, "..."],
    }  # fmt: skip


def test_short_members_share_a_line_and_long_ones_have_their_own() -> None:
    groups = [{"a": n, "b": ["x" * 38] * 3} for n in range(3)]
    value = {"few": {"a": 1}, "none": [], "groups": groups, "c": "y" * 40, "d": None}

    shown = write_short(value)

    row = f'["{"x" * 38}", "{"x" * 38}", "{"x" * 38}"]'
    assert shown.splitlines() == [
        "{",
        '  "few": {"a": 1}, "none": [],',
        '  "groups": [',
        "    {",
        '      "a": 0,',
        '      "b": [',
        f"        {row[1:-1].rpartition(' ')[0]}",
        f"        {row[1:-1].rpartition(' ')[2]}",
        "      ]",
        "    },",
        "    {",
        '      "a": 1,',
        '      "b": [',
        f"        {row[1:-1].rpartition(' ')[0]}",
        f"        {row[1:-1].rpartition(' ')[2]}",
        "      ]",
        "    },",
        '    "..."',
        "  ],",
        f'  "c": "{"y" * 40}", "d": null',
        "}",
    ]
