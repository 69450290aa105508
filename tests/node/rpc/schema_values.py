"""Values from published JSON schemas: those that fit, and those that miss by a little.

Knows the keywords that the API's schemas use and refuses others, so that a new keyword is not
silently taken for no bound at all.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]

_IGNORED = {"description", "default", "title", "examples"}
_KNOWN_WORDS = {
    "type", "enum", "const", "pattern", "maxLength", "minLength", "minimum", "maximum", "items",
    "minItems", "maxItems", "maxProperties", "properties", "required",
    "additionalProperties", "oneOf", "anyOf", "$ref",
}  # fmt: skip
_ITEMS_MAX = (
    4  # members that no schema names are fewer: enough of a list to find what breaks in lists
)
_LENGTH_MAX = 80
_SAMPLES_MAX = 40
_ANY_INTEGER = st.integers(-(2**53), 2**53)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=_LENGTH_MAX)
_ANY_JSON = st.recursive(
    st.none() | st.booleans() | _ANY_INTEGER | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=4,
)
_DEEP: Any = None
for _ in range(100):
    _DEEP = [_DEEP]


@dataclass
class Seen:
    """Values of a chain, by the names under which answers showed them."""

    by_name: dict[str, list[Any]] = field(default_factory=dict)
    texts: dict[str, None] = field(default_factory=dict)  # a set that keeps its order
    integers: dict[int, None] = field(default_factory=dict)

    def note(self, value: Any, name: str = "") -> None:
        """Take up a value and all that is in it."""
        if isinstance(value, dict):
            for key, inner in value.items():
                self.note(inner, key)
        elif isinstance(value, list):
            for inner in value:
                self.note(inner, name)
        elif isinstance(value, str):
            self.texts[value] = None
        elif type(value) is int:
            self.integers[value] = None
        if (
            name
            and value not in (kept := self.by_name.setdefault(name, []))
            and len(kept) < _SAMPLES_MAX
        ):
            kept.append(value)

    def fitting(self, schema: Schema) -> list[str]:
        """Return the texts that fit a schema's pattern and length."""
        pattern, length_max = schema.get("pattern"), schema.get("maxLength", 10**9)
        if pattern is None:
            return []
        texts = [text for text in self.texts if len(text) <= length_max]
        return [text for text in texts if re.search(pattern, text)][:_SAMPLES_MAX]


class Fitting:
    """Makes strategies of the values that schemas allow; those a chain has come up often."""

    def __init__(self, shared: Mapping[str, Schema], seen: Seen) -> None:
        """`shared` are the schemas that `#/components/schemas/NAME` refers to."""
        self._shared, self._seen = shared, seen

    def values(self, schema: Schema, name: str = "") -> SearchStrategy[Any]:
        """Return what fits a schema; `name` is the member that it is the schema of."""
        unknown = set(schema) - _KNOWN_WORDS - _IGNORED
        assert not unknown, f"a keyword that is not drawn from: {unknown}"
        if "$ref" in schema:
            return self.values(self._shared[schema["$ref"].rpartition("/")[2]], name)
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        for word in ("oneOf", "anyOf"):
            if word in schema:
                return st.one_of([self.values(one, name) for one in schema[word]])
        kinds = schema.get("type", "any")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        return st.one_of([self._of_kind(kind, schema, name) for kind in kinds])

    def params(self, declared: list[Schema]) -> SearchStrategy[dict[str, Any]]:
        """Return parameters as the list of an OpenRPC method declares them."""
        strategies = {one["name"]: self.values(one["schema"], one["name"]) for one in declared}
        needed = {name for name, one in zip(strategies, declared, strict=True) if one["required"]}
        return _object(strategies, needed)

    def params_near(self, declared: list[Schema], shown: list[Any]) -> SearchStrategy[Any]:
        """Return parameters of which some are those of an example that is `shown`."""
        drawn = self.params(declared)
        if not shown:
            return drawn
        names = st.sets(st.sampled_from([one["name"] for one in declared] or [""]), max_size=2)

        def mix(example: Any, instead: dict[str, Any], places: set[str]) -> dict[str, Any]:
            mixed = dict(example)
            for place in sorted(places & (set(instead) | set(example))):
                mixed.pop(place, None)
                mixed |= {name: value for name, value in instead.items() if name == place}
            return mixed

        return drawn | st.builds(mix, st.sampled_from(shown), drawn, names)

    def _of_kind(self, kind: str, schema: Schema, name: str) -> SearchStrategy[Any]:
        plain: dict[str, SearchStrategy[Any]] = {
            "null": st.none(),
            "boolean": st.booleans(),
            "any": st.one_of(_ANY_JSON, *_often(self._seen_under(name, object))),
        }
        made = {
            "integer": self._integers,
            "string": self._strings,
            "array": self._arrays,
            "object": self._objects,
        }
        return plain[kind] if kind in plain else made[kind](schema, name)

    def _arrays(self, schema: Schema, name: str) -> SearchStrategy[list[Any]]:
        most = min(schema.get("maxItems", _ITEMS_MAX), _ITEMS_MAX)
        items = self.values(schema["items"], name) if "items" in schema else _ANY_JSON
        return st.lists(items, min_size=schema.get("minItems", 0), max_size=most)

    def _integers(self, schema: Schema, name: str) -> SearchStrategy[int]:
        low, high = schema.get("minimum", -(2**53)), schema.get("maximum", 2**53)
        seen = [one for one in self._seen.integers if low <= one <= high][:_SAMPLES_MAX]
        here = [one for one in self._seen_under(name, int) if low <= one <= high]
        drawn = [st.integers(low, high), st.integers(max(low, 0), max(min(high, 9), low))]
        return st.one_of(*drawn, *_often(here), *_often(seen, 1))

    def _strings(self, schema: Schema, name: str) -> SearchStrategy[str]:
        longest = min(schema.get("maxLength", _LENGTH_MAX), _LENGTH_MAX)
        seen = self._seen.fitting(schema)
        here = [one for one in self._seen_under(name, str) if len(one) <= longest or one in seen]
        if "pattern" in schema:
            here = [one for one in here if re.search(schema["pattern"], one)]
        drawn: list[SearchStrategy[str]] = [*_often(here), *_often(seen, 1)]
        if "pattern" in schema:
            pattern = schema["pattern"].removesuffix("$") + r"\Z"
            made = st.from_regex(pattern.replace("])*", "]){0,40}"), alphabet=st.characters())
            drawn.append(made)
        else:
            letters = st.characters(exclude_categories=["Cs"])
            drawn.append(st.text(letters, min_size=schema.get("minLength", 0), max_size=longest))
        return st.one_of(drawn)

    def _objects(self, schema: Schema, name: str) -> SearchStrategy[dict[str, Any]]:
        properties = schema.get("properties", {})
        strategies = {key: self.values(one, key) for key, one in properties.items()}
        fixed = _object(strategies, set(schema.get("required", [])))
        if schema.get("additionalProperties", True) is False:
            return fixed
        more = st.dictionaries(_TEXT, _ANY_JSON, max_size=2)
        joined = st.tuples(more, fixed).map(lambda pair: {**pair[0], **pair[1]})
        here = [] if strategies else self._seen_under(name, dict)
        return st.one_of(joined, *_often(here))

    def _seen_under(self, name: str, kind: type) -> list[Any]:
        kept = [one for one in self._seen.by_name.get(name, []) if isinstance(one, kind)]
        return [one for one in kept if kind is not int or type(one) is int]


def _often(values: list[Any], times: int = 3) -> list[SearchStrategy[Any]]:
    """Return branches that draw from values, so many that they come up more than others."""
    # Equal branches would be merged, but no two functions are equal.
    drawn = [st.sampled_from(values)] * (times if values else 0)
    return [one.map(lambda value: value) for one in drawn]


def _object(
    strategies: Mapping[str, SearchStrategy[Any]], needed: set[str]
) -> SearchStrategy[dict[str, Any]]:
    fixed = {name: one for name, one in strategies.items() if name in needed}
    optional = {name: one for name, one in strategies.items() if name not in needed}
    return st.fixed_dictionaries(fixed, optional=optional)


# Near misses ------------------------------------------------------------------------------------


@st.composite
def spoiled(draw: st.DrawFn, values: SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """Return parameters that fit but for one place, or two."""
    value: Any = draw(values)
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        path = draw(st.sampled_from(list(_paths(value))))
        value = _changed(draw, value, path)
    assert isinstance(value, dict)
    return value


def _paths(value: Any, before: Path = ()) -> Iterator[Path]:
    yield before
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    for key, one in inner:
        yield from _paths(one, (*before, key))


def _changed(draw: st.DrawFn, value: Any, path: Path) -> Any:
    """Return a value with one place changed; the outermost stays an object."""
    if path:
        key: Any = path[0]
        rest = path[1:]
        copied: Any = dict(value) if isinstance(value, dict) else list(value)
        if not rest and draw(st.integers(0, 7)) == 0:
            del copied[key]
        else:
            copied[key] = _changed(draw, value[key], rest) if rest else draw(_wrong(value[key]))
        return copied
    names = [*value, "jsonrpc", "at"]
    name = draw(st.sampled_from(names))
    renamed = draw(st.sampled_from([name.upper(), f"{name}_", f" {name}", "", name[:-1], "x" * 99]))
    return {**value, renamed: value.get(name)}


def _wrong(value: Any) -> SearchStrategy[Any]:
    """Return what might stand in a value's place by mistake or by malice."""
    anything = st.sampled_from(
        [None, True, False, 0, -1, 1.5, 1e308, -0.0, 2**53 - 1, 2**53, 2**63, -(2**63), 10**400, "",
         "0", "null", [], {}, [value], {"amount": value}, {"hex": "00"}, {"": value}, "x" * 5_000,
         _DEEP]
    )  # fmt: skip
    if isinstance(value, bool) or value is None:
        return anything
    if isinstance(value, int):
        near = [value + 1, value - 1, -value, float(value % 2**53), str(value), value * 1_000]
        return anything | st.sampled_from(near)
    if isinstance(value, str):
        return anything | st.sampled_from(_near_texts(value)) | _flipped(value)
    return anything | _ANY_JSON


def _near_texts(text: str) -> list[str]:
    return [
        text.upper(), text.lower(), text.swapcase(), f" {text}", f"{text} ", f"{text}\n",
        f"\0{text}", f"{text}\0", text[:-1], text[1:], text + text[:1], text * 2, text[::-1],
        f"\ufeff{text}", f"\u202e{text}", f"{text}\U0010ffff", f"0x{text}", f"acct1{text}",
        f"{text}/../{text}", f"${{{text}}}", text.replace("1", "l"),
    ]  # fmt: skip


def _flipped(text: str) -> SearchStrategy[str]:
    """Return the text with one letter replaced."""

    def replace(place: int, letter: str) -> str:
        return text[:place] + letter + text[place + 1 :]

    letters = st.sampled_from("0123456789abcdefqpzry-.") | st.characters(exclude_categories=["Cs"])
    return st.builds(replace, st.integers(0, max(len(text) - 1, 0)), letters)
