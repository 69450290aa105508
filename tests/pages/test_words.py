"""The texts of pages: both languages say the same, in words that customers know."""

import json
import re
from pathlib import Path

import pytest

import node.pages
from node.pages.words import choose_lang
from node.passport.reasons import chinese
from node.passport.report import sentences

PAGES = Path(node.pages.__file__).parent
NAMES = sorted(path.stem for path in (PAGES / "words" / "en").glob("*.json"))
# Pages of operators may use the words of their trade.
OF_OPERATORS = {"ops", "explorer", "ops_act", "ops_voices"}
BANNED = {
    "en": (
        r"\b(escrow|wallet|blockchain|smart contracts?|no-show|attestation|hash|nonce|gas|mempool|"
        r"transactions?|pending|finality|settle[ds]?|sign(ed|s|ing|ature)?|seed|revoke[ds]?|"
        r"on-chain|token|private key|public key)\b|\bkeys?\b(?! card)"
    ),
    "zh": "钱包|私钥|公钥|密钥|哈希|智能合约|区块链|签名|交易|助记词|爽约|托管账户|上链|链上",
}


def words_of(lang: str, name: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((PAGES / "words" / lang / f"{name}.json").read_text("utf-8"))
    return found


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_both_languages_have_the_same_files() -> None:
    assert sorted(path.stem for path in (PAGES / "words" / "zh").glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_texts_with_the_same_values(name: str) -> None:
    english, chinese = words_of("en", name), words_of("zh", name)

    assert list(english) == list(chinese)
    differing = [k for k in english if placeholders(english[k]) != placeholders(chinese[k])]
    assert differing == []
    assert [key for key, text in {**english, **chinese}.items() if not text.strip()] == []


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_OPERATORS])
def test_no_text_uses_words_that_only_engineers_know(lang: str, name: str) -> None:
    found = [
        (key, match[0])
        for key, text in words_of(lang, name).items()
        for match in re.finditer(BANNED[lang], re.sub(r"\{\w+\}", "", text), re.IGNORECASE)
    ]

    assert found == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_line_of_a_checked_passport_uses_them_either(lang: str) -> None:
    said = {name: texts[lang] for name, texts in sentences().items()}
    if lang == "zh":
        said |= dict(chinese()["reasons"])

    assert {
        name: found
        for name, text in said.items()
        if (found := re.findall(BANNED[lang], re.sub(r"\{\w+\}", "", text), re.IGNORECASE))
    } == {}


@pytest.mark.parametrize("path", sorted((PAGES / "templates").glob("*.html")), ids=lambda p: p.stem)
def test_every_text_of_a_template_exists_in_some_file(path: Path) -> None:
    known = {key for name in NAMES for key in words_of("en", name)}
    named = set(re.findall(r"""\bt\(["']([\w.]+)["'][),]""", path.read_text("utf-8")))

    assert named - known == set()


def test_a_language_is_chosen_by_cookie_then_browser_then_english() -> None:
    asked = [("zh", "en"), ("", "zh-CN,en"), ("xx", "fr, en-GB"), (None, "fr"), (None, None)]

    assert [choose_lang(*one) for one in asked] == ["zh", "zh", "en", "en", "en"]
