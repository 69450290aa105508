"""Results as people would sketch them: nested members, each with its type and what it means."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]

_SCHEMAS = "#/components/schemas/"
_NOTE_COLUMN = 40  # where the notes beside a result begin
_NOTE_MARK = "\0"  # between a line's words and its note, until they are aligned
_DEPTH_MAX = 8
_INTEGER_MAX = 2**53 - 1
_COMMON_USES = 3  # a type that is used so often is shown once, in a place of its own


@dataclass(frozen=True, slots=True)
class Sketcher:
    """Draws the types of one document; `common` are those that are told elsewhere.

    `named` collects the types that were only named, to be told later.
    """

    document: Json
    common: frozenset[str]
    named: dict[str, Json] = field(default_factory=dict)

    def lines(self, schema: Json) -> list[str]:
        """Return the sketch of a type, without what `about` tells of all of it."""
        return [_align(line) for line in self._sketch({**schema, "description": ""}, "", 0)]

    def about(self, schema: Json) -> str:
        """Return what a type as a whole means, or nothing."""
        return self._note(schema)

    def named_lines(self, name: str) -> list[str]:
        """Return what there is to tell of a type that was named."""
        schema = self.named[name]
        choices = _choices(schema)
        if not choices:
            return ["```text", *map(_align, self._object(schema, "", 0)), "```"]
        lines = ["| `type` | Other members | Meaning |", "|---|---|---|"]
        for one in choices:
            members = ", ".join(self._member_words(one))
            kind = one["properties"]["type"]["const"]
            lines.append(f"| `{kind}` | {members} | {one.get('description', '')} |")
        return lines

    def _member_words(self, schema: Json) -> Iterator[str]:
        for name, inner in schema["properties"].items():
            if name != "type":
                needed = "" if name in schema.get("required", []) else "?"
                told = f" ({self.words(inner, name)})" if _choices(inner) else ""
                yield f"`{name}`{needed}{told}"

    def words(self, schema: Json, name: str = "") -> str:
        """Return a type in a few words; `name` is that of the value where it is known."""
        if _choices(schema):
            shown = name.capitalize() or "Choice"
            self.named[shown] = schema
            return shown
        branches = schema.get("anyOf") or schema.get("oneOf")
        if branches:
            return " or ".join(self.words(branch) for branch in branches)
        if "$ref" in schema:
            shown = shown_name(_ref_name(schema))
            self.named[shown] = self._resolve(schema)
            return shown
        if "enum" in schema or "const" in schema:
            values = schema.get("enum") or [schema["const"]]
            return " or ".join(json.dumps(value, ensure_ascii=False) for value in values)
        return self._plain_words(schema, name)

    def _plain_words(self, schema: Json, name: str) -> str:
        kind = str(schema.get("type", "any value"))
        if kind == "array":
            return f"list of {self.words(schema.get('items', {}), name.removesuffix('s'))}"
        values = schema.get("additionalProperties")
        if kind == "object" and isinstance(values, dict):
            return f"object of {self.words(values)}"
        if kind == "object" and schema.get("properties"):
            return "{" + ", ".join(schema["properties"]) + "}"
        return kind + _range_words(schema) if kind == "integer" else kind

    def _sketch(self, schema: Json, note: str, depth: int) -> list[str]:
        """Return the lines of one value; a nested one's note stands beside its first line."""
        branches = schema.get("anyOf") or schema.get("oneOf") or []
        filled = [branch for branch in branches if branch.get("type") != "null"]
        if len(filled) == 1:
            tail = " or null" if len(filled) < len(branches) else ""
            told = note or self._note(filled[0])
            lines = self._sketch(filled[0], told, depth)
            if len(lines) == 1:
                return [_noted(self.words(schema), told)]
            return [*lines[:-1], lines[-1] + tail]
        if _ref_name(schema) in self.common:
            return [_noted(self.words(schema), note)]
        found = self._resolve(schema)
        if depth < _DEPTH_MAX and found.get("properties"):
            return self._object(found, note, depth)
        items = found.get("items")
        if depth < _DEPTH_MAX and isinstance(items, dict):
            first, *rest = self._sketch(items, "", depth + 1)
            if rest:
                return [_noted(f"list of {first.partition(_NOTE_MARK)[0]}", note), *rest]
        return [_noted(self.words(schema), note)]

    def _object(self, schema: Json, note: str, depth: int) -> list[str]:
        needed = set(schema.get("required", []))
        lines = [_noted("{", note)]
        for name, inner in schema["properties"].items():
            shown = name if name in needed else f"{name}?"
            first, *rest = self._sketch(inner, self._note(inner), depth + 1)
            words, _, told = first.partition(_NOTE_MARK)
            lines += _indent([_noted(f"{shown}: {words}", told), *rest])
        return [*lines, "}"]

    def _note(self, schema: Json) -> str:
        described = schema.get("description")
        if described is None and _ref_name(schema) not in self.common:
            described = self._resolve(schema).get("description", "")
        return " ".join(str(described or "").split())

    def _resolve(self, schema: Json) -> Json:
        """Return the schema that a reference names, or the schema itself."""
        found: Json = self.document["components"]["schemas"].get(_ref_name(schema), schema)
        return found


def make_sketcher(document: Json) -> Sketcher:
    """Return what draws a document's types."""
    uses = Counter(_references(document))
    return Sketcher(document, frozenset(name for name, n in uses.items() if n >= _COMMON_USES))


def shown_name(name: str) -> str:
    """Return what a type is called on the page."""
    return name.removesuffix("Json")


def _references(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if str(item.get("$ref", "")).startswith(_SCHEMAS):
                yield _ref_name(item)
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def _ref_name(schema: Json) -> str:
    return str(schema.get("$ref", "")).removeprefix(_SCHEMAS)


def _choices(schema: Json) -> list[Json]:
    """Return the kinds of object that a value can be, told apart by their `type`; else nothing."""
    branches: list[Json] = schema.get("anyOf") or schema.get("oneOf") or []
    told = ["const" in one.get("properties", {}).get("type", {}) for one in branches]
    return branches if branches and all(told) else []


def _range_words(schema: Json) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if high is None or high >= _INTEGER_MAX:
        return ""
    return f", {low} to {high}" if low is not None else f", at most {high}"


def _noted(words: str, note: str) -> str:
    return words + _NOTE_MARK + note if note else words


def _align(line: str) -> str:
    words, mark, note = line.partition(_NOTE_MARK)
    return f"{words.ljust(_NOTE_COLUMN)}  {note}" if mark else line


def _indent(lines: list[str]) -> list[str]:
    return ["  " + line for line in lines]
