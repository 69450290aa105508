"""The OpenRPC document as a page for people."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

_TAGS = (
    "Who may call a method: `public` anyone, `shop` and `admin` with their token, `dev` only on a"
    " development chain, `websocket` only over a WebSocket connection. A `read` answers the final"
    " state and says at which block."
)
_SCHEMAS = "#/components/schemas/"
_NOTE_COLUMN = 44  # where the notes beside a result begin
_NOTE_MARK = "\0"  # between a line's words and its note, until they are aligned
_DEPTH_MAX = 8
_INTEGER_MAX = 2**53 - 1


def render_markdown(document: Json) -> str:
    """Return the page: every method with its parameters, its result, its errors and examples."""
    methods = document["methods"]
    lines = [
        f"# Methods of the {document['info']['title']} API",
        "",
        document["info"]["description"],
        "",
        _TAGS,
        "",
    ]
    for space in sorted({_space(method) for method in methods}):
        names = [method["name"] for method in methods if _space(method) == space]
        links = ", ".join(f"[{name}](#{_anchor(name)})" for name in names)
        lines.append(f"- {space}: {links}")
    lines += ["", "Every call may also meet the errors of the transport, see [Errors](#errors)."]
    for method in sorted(methods, key=lambda one: (_space(one), one["name"])):
        lines += ["", *_method_lines(method, document)]
    lines += ["", *_error_lines(document["components"]["errors"]), ""]
    return "\n".join(lines)


def _space(method: Json) -> str:
    name: str = method["name"]
    return name.partition("." if "." in name else "_")[0]


def _anchor(name: str) -> str:
    return name.replace(".", "").lower()


def _method_lines(method: Json, document: Json) -> Iterator[str]:
    yield f"## {method['name']}"
    yield ""
    tags = ", ".join(f"`{tag['name']}`" for tag in method["tags"])
    yield f"{method['summary']} ({tags})"
    if "description" in method:
        yield ""
        yield str(method["description"])
    yield ""
    yield from _param_lines(method["params"], document)
    yield ""
    yield "Result:"
    yield ""
    yield "```text"
    yield from _shape_lines(method["result"]["schema"], document)
    yield "```"
    errors = [str(error["$ref"]).rpartition("/")[2] for error in method["errors"]]
    if errors:
        yield ""
        yield "Errors: " + ", ".join(f"`{name}`" for name in errors) + "."
    for example in method.get("examples", []):
        yield ""
        yield from _example_lines(method["name"], example)


def _param_lines(params: list[Json], document: Json) -> Iterator[str]:
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
        words = _cell(_type_words(schema, document))
        yield f"| `{param['name']}` | {words} | {needed} | {_cell(param.get('description', ''))} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


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


def _example_lines(method: str, example: Json) -> Iterator[str]:
    params = {param["name"]: param["value"] for param in example["params"]}
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = {"jsonrpc": "2.0", "id": 1, "result": example["result"]["value"]}
    yield f"Example: {example['name']}"
    yield ""
    yield "```json"
    yield json.dumps(request, ensure_ascii=False)
    yield "```"
    yield ""
    yield "```json"
    yield json.dumps(answer, ensure_ascii=False, indent=2)
    yield "```"


# The shape of a result ------------------------------------------------------------------------


def _shape_lines(schema: Json, document: Json) -> list[str]:
    """Return a result as people would sketch it: nested members, each with its type and note."""
    return [_align(line) for line in _sketch(schema, document, _note(schema, document), 0)]


def _sketch(schema: Json, document: Json, note: str, depth: int) -> list[str]:
    """Return the lines of one value; the note of a nested one stands beside its first line."""
    branches = schema.get("anyOf") or schema.get("oneOf") or []
    filled = [branch for branch in branches if branch.get("type") != "null"]
    if len(filled) == 1:
        tail = " or null" if len(filled) < len(branches) else ""
        lines = _sketch(filled[0], document, note or _note(filled[0], document), depth)
        if len(lines) == 1:
            return [_noted(_type_words(schema, document), note or _note(filled[0], document))]
        return [*lines[:-1], lines[-1] + tail]
    found = _resolve(schema, document)
    if depth < _DEPTH_MAX:
        if found.get("properties"):
            return _object_lines(found, document, note, depth)
        items = found.get("items")
        if isinstance(items, dict):
            inner = _sketch(items, document, "", depth + 1)
            if len(inner) > 1:
                return [_noted("[", note), *_indent(inner), "  ...", "]"]
    return [_noted(_type_words(schema, document), note)]


def _object_lines(schema: Json, document: Json, note: str, depth: int) -> list[str]:
    needed = set(schema.get("required", []))
    lines = [_noted("{", note)]
    for name, inner in schema["properties"].items():
        shown = name if name in needed else f"{name}?"
        first, *rest = _sketch(inner, document, _note(inner, document), depth + 1)
        words, _, told = first.partition(_NOTE_MARK)
        lines += _indent([_noted(f"{shown}: {words}", told), *rest])
    return [*lines, "}"]


def _noted(words: str, note: str) -> str:
    return words + _NOTE_MARK + note if note else words


def _align(line: str) -> str:
    words, mark, note = line.partition(_NOTE_MARK)
    return f"{words.ljust(_NOTE_COLUMN)}  {note}" if mark else line


def _indent(lines: list[str]) -> list[str]:
    return ["  " + line for line in lines]


def _note(schema: Json, document: Json) -> str:
    described = schema.get("description") or _resolve(schema, document).get("description", "")
    return " ".join(str(described).split())


def _resolve(schema: Json, document: Json) -> Json:
    """Return the schema that a reference names, or the schema itself."""
    name = str(schema.get("$ref", "")).removeprefix(_SCHEMAS)
    found: Json = document["components"]["schemas"].get(name, schema)
    return found


def _type_words(schema: Json, document: Json) -> str:
    """Return a type in a few words."""
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        return " or ".join(_type_words(branch, document) for branch in branches)
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_SCHEMAS).removesuffix("Json")
    if "enum" in schema or "const" in schema:
        values = schema.get("enum") or [schema["const"]]
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in values)
    kind = str(schema.get("type", "any value"))
    return (
        kind + _range_words(schema) if kind == "integer" else _nested_words(kind, schema, document)
    )


def _nested_words(kind: str, schema: Json, document: Json) -> str:
    if kind == "array":
        return f"list of {_type_words(schema.get('items', {}), document)}"
    values = schema.get("additionalProperties")
    if kind == "object" and isinstance(values, dict):
        return f"object of {_type_words(values, document)}"
    return kind


def _range_words(schema: Json) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if high is None or high == _INTEGER_MAX:
        return ""
    return f", {low} to {high}" if low is not None else f", at most {high}"
