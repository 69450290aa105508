"""The OpenRPC document as a page for people."""

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import groupby
from typing import Any

from node.rpc.openrpc.sketch import Sketcher, make_sketcher

Json = Mapping[str, Any]

_WIDTH = 110
_TEXT_LENGTH_MAX = 40  # of what is no sentence: ids, hashes, bytes
_TEXT_LENGTH_SHOWN = 20
_ITEMS_SHOWN = 3
_GROUPS_SHOWN = 2  # of lists of objects or lists, down to this depth; below it one
_SHALLOW = 3
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
    return files("node.rpc.openrpc").joinpath("intro.md").read_text("utf-8")


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
    yield from _result_lines(method, sketcher)
    errors = [str(error["$ref"]).rpartition("/")[2] for error in method["errors"]]
    if errors:
        yield ""
        yield "Errors: " + ", ".join(f"`{name}`" for name in errors) + "."
    for example in method.get("examples", [])[:1]:
        yield ""
        yield from _example_lines(method["name"], example)


def _is_read(method: Json) -> bool:
    return {"name": "read"} in method["tags"]


def _result_lines(method: Json, sketcher: Sketcher) -> Iterator[str]:
    """Yield the sketch of a result; of a read the data, since what is beside it is always alike."""
    schema, named = method["result"]["schema"], "Result"
    if _is_read(method):
        schema, named = schema["properties"]["data"], "Result, in `data`"
    about = sketcher.about(schema)
    lines = sketcher.lines(schema)
    if len(lines) == 1:
        yield f"{named}: {lines[0]}{'. ' if about else ''}{about}"
        return
    yield f"{named}:{' ' if about else ''}{about}"
    yield ""
    yield "```text"
    yield from lines
    yield "```"


def _param_lines(params: list[Json], sketcher: Sketcher) -> Iterator[str]:
    params = [param for param in params if param["name"] != "at"]  # of reads; told once
    if not params:
        yield "No parameters."
        return
    yield "| Parameter | Type | | Meaning |"
    yield "|---|---|---|---|"
    for param in params:
        schema = param["schema"]
        default = schema.get("default")
        needed = "required" if param["required"] else "optional"
        if default is not None and not isinstance(default, dict):
            needed = f"default `{json.dumps(default, ensure_ascii=False)}`"
        words = _cell(sketcher.words(schema, param["name"]))
        yield f"| `{param['name']}` | {words} | {needed} | {_cell(param.get('description', ''))} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _type_lines(sketcher: Sketcher) -> Iterator[str]:
    told: set[str] = set()
    while waiting := sorted(set(sketcher.named) - told):
        for name in waiting:
            if not told:
                yield "## Types"
                yield ""
            told.add(name)
            yield f"### {name}"
            yield ""
            described = sketcher.named[name].get("description")
            if described:
                yield str(described)
                yield ""
            yield from sketcher.named_lines(name)
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
    yield f"Example: {example['name']}"
    yield ""
    yield "```json"
    yield write_short({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    yield write_short(_told(example))
    yield "```"


def _told(example: Json) -> Any:
    """Return the result; an error with its name, as it would stand in the answer."""
    return {"error": example["x-error"]} if "x-error" in example else example["result"]["value"]


def write_short(value: Any) -> str:
    """Return JSON for people: what fits on a line is on one, what is long ends with "..."."""
    return _write(_shorten(value, 0), 0)


def _shorten(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        is_long = len(value) > _TEXT_LENGTH_MAX and " " not in value
        return value[:_TEXT_LENGTH_SHOWN] + _MORE if is_long else value
    if isinstance(value, list):
        count = _ITEMS_SHOWN
        if any(isinstance(item, (dict, list)) for item in value):
            count = _GROUPS_SHOWN if depth <= _SHALLOW else 1
        shown = [_shorten(item, depth + 1) for item in value[:count]]
        return [*shown, _MORE] if len(value) > count else shown
    if isinstance(value, dict):
        some = list(value.items())[:_MEMBERS_SHOWN]
        members = {key: _shorten(item, depth + 1) for key, item in some}
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
