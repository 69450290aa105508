"""The commands' texts: all are translated, and the right language is spoken."""

import json
import string
from pathlib import Path

import pytest

from node.commands.words import find_lang, set_lang, t
from tests.node.commands.texts import FOLDER, all_texts, spoken_variables


def translations() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(FOLDER.glob("zh*.json")):
        entries = json.loads(path.read_text("utf-8"))
        assert found.keys().isdisjoint(entries), path.name
        found |= entries
    return found


def places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_of_the_commands_has_its_chinese() -> None:
    said = all_texts()

    assert sorted(said - translations().keys()) == []


def test_no_translation_is_left_over() -> None:
    assert sorted(translations().keys() - all_texts()) == []


def test_every_text_is_looked_up_by_its_own_words() -> None:
    unknown = [
        place for path in sorted(Path(FOLDER).glob("*.py")) for place in spoken_variables(path)
    ]

    # Themes, first lines of help and help itself stand elsewhere in the sources.
    assert {place.partition(":")[0] for place in unknown} <= {"common.py"}


def test_a_translation_fills_in_the_same_names() -> None:
    wrong = [text for text, chinese in translations().items() if places(text) != places(chinese)]

    assert wrong == []


def test_a_translation_is_chinese() -> None:
    plain = [text for text, chinese in translations().items() if chinese.isascii()]

    assert [text for text in plain if text != "true or false"] == []


@pytest.mark.parametrize(
    ("words", "environment", "lang"),
    [
        ([], {}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ([], {"LANG": "zh_CN.UTF-8", "WASH_LANG": "en"}, "en"),
        (["status", "--lang", "zh"], {"WASH_LANG": "en"}, "zh"),
        (["--lang=zh", "status"], {}, "zh"),
        (["rpc", "--", "--lang", "zh"], {}, "en"),
        (["status", "--lang"], {}, "en"),
    ],
)
def test_the_language_is_the_flags_then_the_variables_then_the_machines(
    words: list[str], environment: dict[str, str], lang: str
) -> None:
    assert find_lang(words, environment) == lang


def test_values_are_filled_into_either_language() -> None:
    set_lang("zh")
    chinese = t("Next: {command}", command="washnode run")
    set_lang("en")

    assert chinese == "下一步：washnode run"  # noqa: RUF001 - Chinese has its own colon
    assert t("Next: {command}", command="washnode run") == "Next: washnode run"
