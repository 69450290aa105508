"""Words of a command line as values: `start=+2h`, `to=alice`, `arguments:={"shop": 1}`.

A value is read as the type that the method, the action or the contract declares for it, so that
`name=12` is a text where a text is wanted and a number where a number is.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from node.commands.output import EXIT_USAGE, fail
from node.commands.words import t

Schema = Mapping[str, Any]
FindAccount = Callable[[str], str | None]
INTEGER_MAX = 2**53 - 1

_UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_DURATION = re.compile(r"(?:[0-9]{1,12}(?:ms|d|h|m|s))+")
_PART = re.compile(r"([0-9]+)(ms|d|h|m|s)")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?")
_SINCE_1970 = "since 1970"  # in the description of every number that is a time
_MONEY = re.compile(r"([0-9]{1,15})\.([0-9]{1,18})")
_INTEGER = re.compile(r"-?[0-9]{1,16}")
_ID = re.compile(r"\^([a-z]+)1\[")  # how the pattern of an id begins
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_TRUE, _FALSE = {"true", "yes", "on"}, {"false", "no", "off"}


class Unfit(Exception):  # noqa: N818 - not an error: another type may fit
    """A word that is no value of a type."""


def parse_duration(text: str) -> int | None:
    """Return the ms of a text such as 2h, 1d12h or 90m, or None."""
    if _DURATION.fullmatch(text) is None:
        return None
    return sum(int(number) * _UNITS_MS[unit] for number, unit in _PART.findall(text))


def need_duration(text: str) -> int:
    """Return the ms of a duration, at least one, or end the command."""
    found = int(text) if text.isascii() and text.isdecimal() else parse_duration(text)
    if found is None or not 0 < found <= INTEGER_MAX:
        seen = t("{text!r} is no length of time", text=text[:40])
        fail(seen, EXIT_USAGE, fix=t("write it like 2h, 1d12h, 90m or 30s"))
    return found


def parse_time(text: str) -> int | None:
    """Return the ms since 1970 of an ISO time; without an offset it is UTC. None for others."""
    if _TIME.fullmatch(text) is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    offset = found.utcoffset()
    epoch = datetime.fromisoformat("1970-01-01T00:00:00")
    elapsed = found.replace(tzinfo=None) - epoch
    if offset is not None:
        elapsed -= offset
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000 + elapsed.microseconds // 1_000


def parse_money(text: str, decimals: int | None) -> int | None:
    """Return minor units of 1234 (as they are) or 12.34 (of an asset with two decimals)."""
    if text.isascii() and text.isdecimal() and len(text) <= len(str(INTEGER_MAX)):
        return int(text)
    match = _MONEY.fullmatch(text)
    if match is None or decimals is None or len(match[2]) > decimals:
        return None
    return int(match[1] + match[2].ljust(decimals, "0"))


def need_money(text: str, decimals: int | None = 2) -> int:
    """Return minor units, or end the command."""
    found = parse_money(text, decimals)
    if found is None or found > INTEGER_MAX:
        seen = t("{text!r} is no amount", text=text[:40])
        fail(seen, EXIT_USAGE, fix=t("write 12.34, or 1234 for as many minor units"))
    return found


def split_words(words: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """Return the name, text and whether it is JSON (`:=`) of each word."""
    found: dict[str, tuple[str, bool]] = {}
    for word in words:
        name, sign, text = word.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":")
        if not sign or _NAME.fullmatch(name) is None:
            seen = t("{word!r} is not like name=value", word=word[:60])
            fail(seen, EXIT_USAGE, fix=t("write name=value, or name:=JSON"))
        if name in found:
            fail(t("{name} is given twice", name=name), EXIT_USAGE)
        found[name] = (text, is_json)
    return found


def read_json_text(name: str, text: str) -> Any:
    """Return the value of a JSON text that a person wrote, or end the command."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        fail(t("{name} is not JSON: {error}", name=name, error=error), EXIT_USAGE)


class Reader:
    """Reads words by the JSON schemas of their parameters.

    `find_account` gives the id of a person's or a key's name; `decimals` are those of the money
    that is spoken of, None if amounts must be in minor units; `shared` has what `$ref` points to.
    `now_ms` tells the time from which `+2h` counts; it is asked once, so that the times of one
    command fit together.
    """

    def __init__(
        self,
        find_account: FindAccount,
        *,
        decimals: int | None = 2,
        shared: Mapping[str, Schema] | None = None,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self._find_account, self._decimals, self._shared = find_account, decimals, shared or {}
        self._now_ms = None if now_ms is None else cache(now_ms)

    def read(
        self, words: Sequence[str], schemas: Mapping[str, Schema], what: str
    ) -> dict[str, Any]:
        """Return the values by name; ends the command for a name that `what` does not take."""
        values: dict[str, Any] = {}
        for name, (text, is_json) in split_words(words).items():
            if name not in schemas:
                known = ", ".join(schemas) or t("nothing")
                seen = t("{what} takes no {name}", what=what, name=name)
                fail(seen, EXIT_USAGE, fix=t("it takes: {known}", known=known))
            if is_json:
                values[name] = read_json_text(name, text)
            else:
                values[name] = self.read_word(name, text, schemas[name])
        return values

    def read_word(self, name: str, text: str, schema: Schema) -> Any:
        """Return the value of one word, or end the command saying what was expected."""
        try:
            return self._coerce(text, schema)
        except Unfit as error:
            fail(t("{name}: {fault}", name=name, fault=error), EXIT_USAGE)

    def _coerce(self, text: str, schema: Schema) -> Any:
        if "$ref" in schema:
            return self._coerce(text, self._shared.get(str(schema["$ref"]), {}))
        branches = schema.get("anyOf") or schema.get("oneOf")
        if branches:
            return self._coerce_any(text, branches)
        if "const" in schema or "enum" in schema:
            return _pick(text, schema)
        readers: dict[str, Callable[[str, Schema], Any]] = {
            "integer": self._integer,
            "boolean": _boolean,
            "string": self._string,
            "null": _null,
            "array": self._array,
            "object": self._object,
        }
        kind = schema.get("type")
        return readers[kind](text, schema) if kind in readers else _guess(text)

    def _coerce_any(self, text: str, branches: Sequence[Schema]) -> Any:
        faults = []
        for branch in branches:
            try:
                return self._coerce(text, branch)
            except Unfit as fault:
                if "amount" in branch.get("properties", {}):
                    raise  # money is whole numbers too, but nobody means those
                faults.append(str(fault))
        raise Unfit(f" {t('or')} ".join(dict.fromkeys(faults)))

    def _integer(self, text: str, schema: Schema) -> int:
        if _SINCE_1970 in schema.get("description", ""):
            return self._time(text)
        value = int(text) if _INTEGER.fullmatch(text) else None
        for parse in (parse_duration, parse_time):
            value = parse(text) if value is None else value
        if value is None:
            value = parse_money(text, self._decimals)
        low, high = schema.get("minimum", -INTEGER_MAX), schema.get("maximum", INTEGER_MAX)
        if value is None or not low <= value <= high:
            raise _unfit(t("a whole number from {low} to {high}", low=low, high=high), text)
        return value

    def _time(self, text: str) -> int:
        value = int(text) if _INTEGER.fullmatch(text) else parse_time(text)
        if text.startswith("+"):
            value = self._from_now(text[1:])
        if value is None or not 0 <= value <= INTEGER_MAX:
            raise _unfit(t("a time like +2h, 2026-01-06T10:00+08:00 or ms since 1970"), text)
        return value

    def _from_now(self, text: str) -> int | None:
        ahead_ms = parse_duration(text)
        return None if ahead_ms is None or self._now_ms is None else self._now_ms() + ahead_ms

    def _string(self, text: str, schema: Schema) -> str:
        pattern = schema.get("pattern")
        if pattern is None or re.search(pattern, text):
            return text
        if "acct" in pattern:
            found = self._find_account(text)
            if found is None:
                raise _unfit(t("an account: acct1..., or the name of a key here"), text)
            return found
        prefix = _ID.match(pattern)
        form = f"{prefix[1]}1..." if prefix else pattern
        raise _unfit(t("text like {form}", form=form), text)

    def _array(self, text: str, schema: Schema) -> list[Any]:
        if text.startswith("["):
            return list(_parse(text))
        item = schema.get("items", {})
        return [self._coerce(part, item) for part in text.split(",")] if text else []

    def _object(self, text: str, schema: Schema) -> Any:
        if text.startswith("{"):
            return _parse(text)
        if "amount" in schema.get("properties", {}):
            amount = parse_money(text, self._decimals)
            if amount is not None:
                return {"amount": amount}
            if self._decimals is None:
                raise _unfit(t("whole minor units, as the asset's decimals are not known"), text)
            raise _unfit(t("an amount like 12.34, or whole minor units"), text)
        raise _unfit(t("an object in JSON"), text)


def say_missing(names: Sequence[str]) -> str:
    """Return the words for arguments that were not given."""
    listed = ", ".join(names)
    if len(names) == 1:
        return t("{names} is missing", names=listed)
    return t("{names} are missing", names=listed)


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unfit(t("not JSON: {error}", error=error)) from error


def _pick(text: str, schema: Schema) -> Any:
    known = [schema["const"]] if "const" in schema else list(schema["enum"])
    for value in known:
        if text == value or text == json.dumps(value):
            return value
    raise _unfit(t("one of {known}", known=", ".join(map(str, known))), text)


def _boolean(text: str, _schema: Schema) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise _unfit(t("true or false"), text)
    return text.lower() in _TRUE


def _null(text: str, _schema: Schema) -> None:
    if text not in {"null", "none"}:
        raise _unfit("null", text)


def _guess(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _unfit(expected: str, text: str) -> Unfit:
    return Unfit(t("expected {expected}, found {text!r}", expected=expected, text=text[:60]))
