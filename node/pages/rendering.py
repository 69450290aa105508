"""Templates filled in: everything is text unless a template of ours says otherwise."""

from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import loopcontrols

from node.pages import showing
from node.pages.page import Setting, Shown
from node.pages.static_files import StaticFiles
from node.pages.words import Words

_FOLDER = Path(__file__).parent / "templates"


class Renderer:
    """Makes the HTML of pages."""

    def __init__(self, files: StaticFiles, setting: Setting) -> None:
        self._setting = setting
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[loopcontrols],
            auto_reload=False,
        )
        self._environment.globals["static"] = files.url
        self._environment.filters |= {
            "money": showing.show_money,
            "short": showing.shorten,
            "percent": showing.show_percent,
            "clock": showing.show_clock,
        }
        self._environment.tests["money"] = showing.is_money

    def render(self, shown: Shown, words: Words, path: str, catching_up: Any = None) -> str:
        """Return the HTML of a page at a path; `catching_up` is what the node says of itself."""
        zone = str(shown.values.get("zone") or self._setting.zone)
        other = "en" if words.lang == "zh" else "zh"
        setting = self._setting
        told = {
            "zone": zone,
            "lang": words.lang,
            "isDev": setting.is_dev,
            "sponsors": setting.sponsors,
            "url": setting.url,
        }
        values: dict[str, Any] = {
            **_helpers(words, zone),
            "setting": setting,
            "other_lang": other,
            "other_lang_url": f"/lang/{other}?to={quote(path, safe='')}",
            "path": path,
            "catching_up": catching_up,
            "texts": words.for_scripts(),
            "data": {**told, **shown.data},
            **shown.values,
        }
        return self._environment.get_template(shown.template).render(values)


def _helpers(words: Words, zone: str) -> dict[str, Any]:
    """Return what templates call, in one language and one zone."""
    lang = words.lang

    def status(state: str) -> str:
        """Return the word for a state of a contract."""
        key = f"status.{state}"
        return words(key) if key in words else state.replace("_", " ").lower()

    return {
        "t": words,
        "lang": lang,
        "zone": zone,
        "status": status,
        "time": lambda at: showing.show_time(at, zone, lang),
        "day": lambda at: showing.show_day(at, zone, lang),
        "calendar_day": lambda day: showing.show_calendar_day(date.fromisoformat(day), lang),
        "date": lambda at: showing.show_date(at, zone, lang),
        "near": lambda at, now: showing.show_near(at, now, zone, lang),
        "clock_at": lambda at: showing.show_clock(at, zone),
        "weekday": lambda number: showing.show_weekday(number, lang),
        "duration": lambda length: showing.show_duration(length, lang),
        "name_of": lambda text: showing.pick_name(text, lang),
    }
