"""The OpenRPC document: valid, complete, and true to what is served."""

import json
from typing import Annotated, Any, NotRequired

import pytest
from jsonschema import Draft7Validator, Draft202012Validator  # type: ignore[import-untyped]
from pydantic import Field
from typing_extensions import TypedDict

from node.rpc.errors import NotFoundError
from node.rpc.jsonrpc import Dispatcher
from node.rpc.methods import rpc
from node.rpc.openrpc.document import load_examples, make_document
from node.rpc.openrpc.page import render_markdown
from node.rpc.params import AccountId, Amount, Height, Limit
from node.rpc.registry import Call, Method, Registry, collect, dynamic_method, method_of, rpc_method
from tests.node.rpc.openrpc_schema import openrpc_validator
from tests.node.rpc.spec_methods import FakeNode, call_of


class CarJson(TypedDict):
    """A car."""

    id: Annotated[str, Field(description="Its id.")]
    washes: list[int]


class WashJson(TypedDict):
    """A wash."""

    price: Amount
    car: CarJson | None
    cars: Annotated[list[CarJson], Field(description="All of them.")]
    note: NotRequired[str]


@rpc_method(read=True, errors=(NotFoundError,))
def wash_get(
    call: Call, *, account: AccountId, from_: Height | None = None, limit: Limit = 50
) -> WashJson:
    """Return a wash.

    With | a bar.
    """
    del call, account, from_, limit
    return {"price": 1, "car": None, "cars": []}


@rpc_method(tier="admin", dev=True)
def wash_forget(call: Call) -> None:
    """Forget all washes."""
    del call


def shop_price(call: Call, **values: Any) -> dict[str, Any]:
    del call
    return values


DYNAMIC = dynamic_method(
    name="shops.price",
    function=shop_price,
    params={"shop": {"type": "string"}, "at": {"type": "integer"}, "json": {"type": "integer"}},
    required=["shop", "at"],
    result={"type": "object"},
    summary="Return a price.",
)
EXAMPLES = {
    "wash_get": [
        {"name": "a wash", "params": {"account": "acct1"}, "result": {"at": {}, "data": {}}}
    ],
}


def make_registry() -> Registry:
    served = collect(rpc)
    methods = [served.find(name) for name in served.names(dev=True)]
    made = Registry(
        [*filter(None, methods), method_of(wash_get), method_of(wash_forget)],
    )
    made.dynamic = {"shops.price": DYNAMIC}.get
    made.dynamic_names = lambda: ["shops.price"]
    return made


def document(*, dev: bool = False) -> dict[str, Any]:
    return make_document(make_registry(), dev=dev, version="0.1.0", examples=EXAMPLES)


def method_json(name: str, *, dev: bool = False) -> dict[str, Any]:
    (found,) = [method for method in document(dev=dev)["methods"] if method["name"] == name]
    return dict(found)


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    return openrpc_validator()


@pytest.mark.parametrize("dev", [False, True])
def test_the_document_is_what_openrpc_says_it_is(validator: Draft7Validator, *, dev: bool) -> None:
    shown = json.loads(json.dumps(document(dev=dev)))

    assert [error.message for error in validator.iter_errors(shown)] == []


def test_the_schema_finds_faults_at_all(validator: Draft7Validator) -> None:
    shown = json.loads(json.dumps(document()))
    shown["methods"][0]["params"] = [{"name": "a"}]

    assert not validator.is_valid(shown)


def test_the_document_lists_exactly_what_is_served() -> None:
    public = ["rpc.discover", "rpc_errors", "rpc_version", "wash_get", "shops.price"]

    listed = [method["name"] for method in document()["methods"]]
    on_dev_chain = {method["name"] for method in document(dev=True)["methods"]}

    assert listed == public
    assert on_dev_chain - set(listed) == {"wash_forget"}


def test_a_method_is_told_with_all_that_is_known_of_it() -> None:
    shown = method_json("wash_get")

    assert [(one["name"], one["required"]) for one in shown["params"]] == [
        ("account", True),
        ("from", False),
        ("limit", False),
        ("at", False),
    ]
    assert shown["summary"] == "Return a wash."
    assert shown["description"] == "With | a bar."
    assert shown["tags"] == [{"name": "public"}, {"name": "read"}]
    assert shown["paramStructure"] == "by-name"
    assert shown["errors"] == [
        {"$ref": "#/components/errors/INVALID_PARAMS"},
        {"$ref": "#/components/errors/HISTORY_PRUNED"},
        {"$ref": "#/components/errors/NOT_FOUND"},
    ]
    assert shown["examples"] == [
        {
            "name": "a wash",
            "params": [{"name": "account", "value": "acct1"}],
            "result": {"name": "result", "value": {"at": {}, "data": {}}},
        }
    ]


def test_every_reference_leads_somewhere() -> None:
    shown = document(dev=True)
    waiting: list[Any] = [shown]
    missing = []
    while waiting:
        item = waiting.pop()
        waiting += (
            item.values() if isinstance(item, dict) else item if isinstance(item, list) else []
        )
        if isinstance(item, dict) and isinstance(item.get("$ref"), str):
            _, *steps = item["$ref"].split("/")
            place = shown
            for step in steps:
                place = place.get(step, {})
            missing += [] if place else [item["$ref"]]

    assert missing == []


def test_results_fit_the_schema_that_is_published_for_them() -> None:
    shown = document()
    schema = {**method_json("wash_get")["result"]["schema"], "components": shown["components"]}
    at = {"height": 1, "hash": "00", "time": 2}
    wash = {"price": 1, "car": {"id": "a", "washes": [1]}, "cars": []}
    validator = Draft202012Validator(schema)

    assert validator.is_valid({"at": at, "data": wash})
    assert not validator.is_valid({"at": at, "data": {**wash, "price": "1"}})
    assert not validator.is_valid({"data": wash})


async def test_methods_known_only_while_running_are_called_with_json_as_it_came() -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "shops.price"}
    params = {"shop": [1], "at_": 5, "at": "final"}
    dispatcher = Dispatcher(make_registry())
    call = call_of(FakeNode())

    said = await dispatcher.handle(
        json.dumps({**request, "params": params}).encode(), call, batch_max=1
    )
    refused = await dispatcher.handle(json.dumps(request).encode(), call, batch_max=1)

    assert json.loads(said or b"")["result"]["data"] == {"shop": [1], "at": 5, "json": None}
    assert json.loads(refused or b"")["error"]["data"]["field"] == "shop"


async def test_a_node_tells_about_itself() -> None:
    dispatcher = Dispatcher(make_registry())
    call = call_of(FakeNode(is_dev=True))

    async def ask(method: str, **params: Any) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        said = await dispatcher.handle(json.dumps(request).encode(), call, batch_max=1)
        return json.loads(said or b"")["result"]

    discovered, errors = await ask("rpc.discover"), await ask("rpc_errors", lang="zh")

    expected = make_document(make_registry(), dev=True, version="0.1.0")
    assert discovered == json.loads(json.dumps(expected))
    assert [error["code"] for error in errors] == sorted(error["code"] for error in errors)
    slot = {"code": 3001, "name": "SLOT_TAKEN", "text": "该时段已被预约", "retry": "rebuild"}
    assert slot in errors
    assert (await ask("rpc_errors"))[0]["text"] == "this is not JSON"
    assert await ask("rpc_version") == {"api": "1", "node": "0.1.0"}


def test_two_methods_can_not_share_a_name() -> None:
    twice: list[Method] = [method_of(wash_get), method_of(wash_get)]

    with pytest.raises(AssertionError, match="two methods are called wash_get"):
        Registry(twice)


def test_a_read_can_not_wait() -> None:
    async def wait(call: Call) -> int:
        """Wait."""
        del call
        return 1

    with pytest.raises(AssertionError):
        rpc_method(read=True)(wait)


def test_the_examples_of_the_package_name_methods() -> None:
    assert [name for name, shown in load_examples().items() if not shown] == []


def test_the_page_for_people_shows_nested_results_and_examples() -> None:
    page = render_markdown(document(dev=True))

    section = page.partition("### wash_get\n")[2].partition("\n## ")[0]
    assert "\0" not in page
    assert section == WASH_GET_SECTION


WASH_GET_SECTION = """
Return a wash. (`public`, `read`)

With | a bar.

| Parameter | Type | | Meaning |
|---|---|---|---|
| `account` | string | required | An account's id (bech32m). |
| `from` | integer or null | optional | A block's height. |
| `limit` | integer, 1 to 200 | default `50` | How many items at most. |

Result, in `data`: A wash.

```text
{
  price: integer                          Money in minor units (fen).
  car: {                                  A car.
    id: string                            Its id.
    washes: list of integer
  } or null
  cars: list of {                         All of them.
    id: string                            Its id.
    washes: list of integer
  }
  note?: string
}
```

Errors: `INVALID_PARAMS`, `HISTORY_PRUNED`, `NOT_FOUND`.

Example: a wash

```json
{"jsonrpc": "2.0", "id": 1, "method": "wash_get", "params": {"account": "acct1"}}
{"at": {}, "data": {}}
```
"""
