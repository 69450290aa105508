"""The commands' texts in the person's language: English in the source, Chinese in zh*.json."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

Lang: TypeAlias = Literal["en", "zh"]
LANG_VARIABLE = "WASH_LANG"
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # in the order in which POSIX looks at them
_CHINESE_WINDOWS = 0x04  # the primary language of a Windows language id, in its lowest ten bits

_LANG: ContextVar[Lang | None] = ContextVar("washnode_lang", default=None)


def find_lang(words: Sequence[str], environment: Mapping[str, str]) -> Lang:
    """Return the language of `--lang`, else of WASH_LANG, else of the machine.

    The words of the command line are looked at before they are parsed, because help and the
    refusal of a wrong word are texts too.
    """
    chosen = _named(words) or environment.get(LANG_VARIABLE) or _machine_lang(environment)
    return "zh" if chosen.lower().startswith("zh") else "en"


def _named(words: Sequence[str]) -> str | None:
    before_rest = words[: words.index("--")] if "--" in words else words
    for place, word in enumerate(before_rest):
        if word == "--lang" and place + 1 < len(before_rest):
            return before_rest[place + 1]
        if word.startswith("--lang="):
            return word.removeprefix("--lang=")
    return None


def _machine_lang(environment: Mapping[str, str]) -> str:
    for name in _LOCALE_VARIABLES:
        if environment.get(name):
            return environment[name]
    if sys.platform == "win32":
        import ctypes

        language = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return "zh" if language & 0x3FF == _CHINESE_WINDOWS else "en"
    return "en"


def set_lang(lang: Lang) -> None:
    """Speak this language from now on."""
    _LANG.set(lang)


def lang() -> Lang:
    """Return the language that is spoken."""
    return _LANG.get() or find_lang((), os.environ)


@cache
def _chinese() -> dict[str, str]:
    entries: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.glob("zh*.json")):
        entries |= json.loads(path.read_text("utf-8"))
    return entries


def fold(text: str) -> str:
    """Return a text of the source as zh*.json list it: without its line breaks and indents."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def t(text: str, /, **values: object) -> str:
    """Return a text in the language that is spoken, its `{names}` filled in."""
    chosen = text if lang() == "en" else _chinese().get(fold(text), text)
    return chosen.format(**values) if values else chosen
