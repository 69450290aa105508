"""Results as people would sketch them: nested members, each with its type and what it means."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

_SCHEMAS = "#/components/schemas/"
_NOTE_COLUMN = 40  # where the notes beside a result begin
_NOTE_MARK = "\0"  # between a line's words and its note, until they are aligned
_DEPTH_MAX = 8
_INTEGER_MAX = 2**53 - 1
_COMMON_USES = 4  # a type that is used so often is shown once, in a place of its own


@dataclass(frozen=True, slots=True)
class Sketcher:
    """Draws the types of one document; `common` are those that are told elsewhere."""

    document: Json
    common: frozenset[str]

    def lines(self, schema: Json) -> list[str]:
        """Return the sketch of a type."""
        return [_align(line) for line in self._sketch(schema, self._note(schema), 0)]

    def common_lines(self, name: str) -> list[str]:
        """Return the sketch of a common type."""
        return [_align(line) for line in self._object(self.schema(name), "", 0)]

    def schema(self, name: str) -> Json:
        """Return the schema of a shared type."""
        found: Json = self.document["components"]["schemas"][name]
        return found

    def words(self, schema: Json) -> str:
        """Return a type in a few words."""
        branches = schema.get("anyOf") or schema.get("oneOf")
        if branches:
            return " or ".join(self.words(branch) for branch in branches)
        if "$ref" in schema:
            return shown_name(_ref_name(schema))
        if "enum" in schema or "const" in schema:
            values = schema.get("enum") or [schema["const"]]
            return " or ".join(json.dumps(value, ensure_ascii=False) for value in values)
        kind = str(schema.get("type", "any value"))
        if kind == "array":
            return f"list of {self.words(schema.get('items', {}))}"
        values = schema.get("additionalProperties")
        if kind == "object" and isinstance(values, dict):
            return f"object of {self.words(values)}"
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
            inner = self._sketch(items, "", depth + 1)
            if len(inner) > 1:
                return [_noted("[", note), *_indent(inner), "  ...", "]"]
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
