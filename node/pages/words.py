"""The texts of pages, in English and Chinese: words/LANGUAGE/PAGE.json, besides the common ones."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

Lang = Literal["en", "zh"]
LANGS: tuple[Lang, ...] = ("en", "zh")
COMMON = "common"
_FOLDER = Path(__file__).parent / "words"
_FOR_SCRIPTS = "js."
_STATUS = "status."


@cache
def _load(lang: Lang, name: str) -> dict[str, str]:
    path = _FOLDER / lang / f"{name}.json"
    return cast("dict[str, str]", json.loads(path.read_text("utf-8"))) if path.exists() else {}


class Words:
    """The common texts and those of one page, in one language."""

    def __init__(self, lang: Lang, page: str) -> None:
        self.lang: Lang = lang
        self._texts = {**_load(lang, COMMON), **_load(lang, page)}

    def __call__(self, key: str, **values: Any) -> str:
        """Return a text with its placeholders filled in."""
        text = self._texts[key]
        return text.format_map(values) if values else text

    def __contains__(self, key: str) -> bool:
        """Tell whether there is a text."""
        return key in self._texts

    def for_scripts(self) -> dict[str, str]:
        """Return the texts that scripts use, by what follows `js.`, and the words for states."""
        skip = len(_FOR_SCRIPTS)
        own = {k[skip:]: text for k, text in self._texts.items() if k.startswith(_FOR_SCRIPTS)}
        return {**{k: text for k, text in self._texts.items() if k.startswith(_STATUS)}, **own}


def choose_lang(cookie: str | None, accept: str | None) -> Lang:
    """Return the language of a visitor: what they chose before, else what the browser asks for."""
    for lang in LANGS:
        if cookie == lang:
            return lang
    for part in (accept or "").lower().split(","):
        for lang in LANGS:
            if part.strip().startswith(lang):
                return lang
    return "en"
