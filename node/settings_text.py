"""One setting written into a settings file that a person may have written: all else stays. Pure."""

import json
import re
import tomllib


def with_setting(text: str, section: str, name: str, value: str) -> str | None:
    """Return settings in which `[section] name = value`; comments and all else stay.

    None where the file has a form of its own that this does not know.
    """
    line = f"{name} = {json.dumps(value, ensure_ascii=False)}"
    found = re.search(rf"^\[{re.escape(section)}\][^\n]*(?:\n|\Z)", text, re.MULTILINE)
    if found is None:
        before = f"{text.rstrip()}\n\n" if text.strip() else ""
        return _checked(f"{before}[{section}]\n{line}\n", section, name, value)
    head, body = text[: found.end()], text[found.end() :]
    end = re.search(r"^\[", body, re.MULTILINE)
    own, rest = (body, "") if end is None else (body[: end.start()], body[end.start() :])
    there = re.compile(rf"^[ \t]*{re.escape(name)}[ \t]*=[^\n]*", re.MULTILINE)
    own = there.sub(lambda _: line, own, count=1) if there.search(own) else f"{line}\n{own}"
    head = head if head.endswith("\n") else head + "\n"
    return _checked(head + own + rest, section, name, value)


def _checked(changed: str, section: str, name: str, value: str) -> str | None:
    try:
        told = tomllib.loads(changed)[section][name]
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        return None
    return changed if told == value else None
