"""The OpenRPC document as a page for people."""

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import groupby
from typing import Any

from node.rpc.openrpc_sketch import Sketcher, make_sketcher, shown_name

Json = Mapping[str, Any]

_WIDTH = 96
_TEXT_LENGTH_MAX = 40  # of what is no sentence: ids, hashes, bytes
_TEXT_LENGTH_SHOWN = 20
_ITEMS_SHOWN = 3
_MEMBERS_SHOWN = 24
_MORE = "..."


def render_markdown(document: Json) -> str:
    """Return the page: an introduction, every method with an example, the errors."""
    sketcher = make_sketcher(document)
    methods = sorted(document["methods"], key=lambda one: (_space(one), one["name"]))
    lines = [_introduction(), "## Methods", ""]
    spaces = [(space, list(group)) for space, group in groupby(methods, _space)]
    for space, group in spaces:
        links = ", ".join(f"[{one['name']}](#{_anchor(one['name'])})" for one in group)
        lines.append(f"- `{space}`: {links}")
    for space, group in spaces:
        lines += ["", f"## `{space}`"]
        for method in group:
            lines += ["", *_method_lines(method, sketcher)]
    lines += ["", *_type_lines(sketcher), *_error_lines(document["components"]["errors"]), ""]
    return "\n".join(lines)


def _introduction() -> str:
    return files("node.rpc").joinpath("openrpc_intro.md").read_text("utf-8")


def _space(method: Json) -> str:
    name: str = method["name"]
    return name.partition("." if "." in name else "_")[0]


def _anchor(name: str) -> str:
    return name.replace(".", "").lower()


def _method_lines(method: Json, sketcher: Sketcher) -> Iterator[str]:
    yield f"### {method['name']}"
    yield ""
    tags = ", ".join(f"`{tag['name']}`" for tag in method["tags"])
    yield f"{method['summary']} ({tags})"
    if "description" in method:
        yield ""
        yield str(method["description"])
    yield ""
    yield from _param_lines(method["params"], sketcher)
    yield ""
    yield "Result:"
    yield ""
    yield "```text"
    yield from sketcher.lines(_told_apart(method["result"]["schema"]))
    yield "```"
    errors = [str(error["$ref"]).rpartition("/")[2] for error in method["errors"]]
    if errors:
        yield ""
        yield "Errors: " + ", ".join(f"`{name}`" for name in errors) + "."
    for example in method.get("examples", [])[:1]:
        yield ""
        yield from _example_lines(method["name"], example)


def _told_apart(schema: Json) -> Json:
    """Return what is special about a result: of a read its data, as `at` is always the same."""
    properties = schema.get("properties", {})
    if set(properties) != {"at", "data"}:
        return schema
    at: Json = {"$ref": properties["at"]["$ref"], "description": "The block that was read."}
    return {**schema, "properties": {"at": at, "data": properties["data"]}}


def _param_lines(params: list[Json], sketcher: Sketcher) -> Iterator[str]:
    if not params:
        yield "No parameters."
        return
    yield "| Parameter | Type | | Meaning |"
    yield "|---|---|---|---|"
    for param in params:
        schema = param["schema"]
        default = schema.get("default")
        needed = "required" if param["required"] else "optional"
        if default is not None:
            needed = f"default `{json.dumps(default, ensure_ascii=False)}`"
        words = _cell(sketcher.words(schema))
        yield f"| `{param['name']}` | {words} | {needed} | {_cell(param.get('description', ''))} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _type_lines(sketcher: Sketcher) -> Iterator[str]:
    if not sketcher.common:
        return
    yield "## Types"
    yield ""
    yield "What stands in many results."
    yield ""
    for name in sorted(sketcher.common):
        yield f"### {shown_name(name)}"
        yield ""
        described = sketcher.schema(name).get("description")
        if described:
            yield str(described)
            yield ""
        yield "```text"
        yield from sketcher.common_lines(name)
        yield "```"
        yield ""


def _error_lines(errors: Json) -> Iterator[str]:
    yield "## Errors"
    yield ""
    yield "`retry` says what can help: nothing (`never`), the same bytes once more (`same`), the"
    yield "same bytes when things have changed (`later`), or a new transaction (`rebuild`)."
    yield ""
    yield "| Code | Name | English | 中文 | Retry |"
    yield "|---|---|---|---|---|"
    for name, error in sorted(errors.items(), key=lambda item: int(item[1]["code"])):
        data = error["data"]
        texts = f"{_cell(error['message'])} | {_cell(data['zh'])}"
        yield f"| {error['code']} | `{name}` | {texts} | {data['retry']} |"


# Examples -------------------------------------------------------------------------------------


def _example_lines(method: str, example: Json) -> Iterator[str]:
    params = {param["name"]: param["value"] for param in example["params"]}
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": 1}
    if "x-error" in example:
        answer["error"] = example["x-error"]
    else:
        answer["result"] = example["result"]["value"]
    yield f"Example: {example['name']}"
    yield ""
    yield "```json"
    yield write_short(request)
    yield "```"
    yield ""
    yield "```json"
    yield write_short(answer)
    yield "```"


def write_short(value: Any) -> str:
    """Return JSON for people: what fits on a line is on one, what is long ends with "..."."""
    return _write(_shorten(value), 0)


def _shorten(value: Any) -> Any:
    if isinstance(value, str):
        is_long = len(value) > _TEXT_LENGTH_MAX and " " not in value
        return value[:_TEXT_LENGTH_SHOWN] + _MORE if is_long else value
    if isinstance(value, list):
        shown = [_shorten(item) for item in value[:_ITEMS_SHOWN]]
        return [*shown, _MORE] if len(value) > _ITEMS_SHOWN else shown
    if isinstance(value, dict):
        members = {key: _shorten(item) for key, item in list(value.items())[:_MEMBERS_SHOWN]}
        return {**members, _MORE: _MORE} if len(value) > _MEMBERS_SHOWN else members
    return value


def _write(value: Any, depth: int) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or not value or 2 * depth + len(line) <= _WIDTH:
        return line
    if isinstance(value, dict):
        members = [
            f"{json.dumps(key, ensure_ascii=False)}: {_write(item, depth + 1)}"
            for key, item in value.items()
        ]
        opening, closing = "{}"
    else:
        members = [_write(item, depth + 1) for item in value]
        opening, closing = "[]"
    inside, outside = "  " * (depth + 1), "  " * depth
    return f"{opening}\n{_fill(members, inside)}\n{outside}{closing}"


def _fill(members: list[str], indent: str) -> str:
    """Return members in as few lines as hold them; one of several lines begins and ends its own."""
    lines: list[str] = []
    is_open = False
    for place, member in enumerate(members):
        text = member + ("," if place < len(members) - 1 else "")
        is_long = "\n" in member
        if is_open and not is_long and len(lines[-1]) + 1 + len(text) <= _WIDTH:
            lines[-1] += f" {text}"
        else:
            lines.append(indent + text)
        is_open = not is_long
    return "\n".join(lines)
