"""The page that checks passports: the same verdicts as the command line, also from a disk."""

# ruff: noqa: RUF001 - Chinese has its own marks

import re
from base64 import b64decode
from pathlib import Path

import pytest
from playwright.async_api import Browser, FilePayload

from node.passport.slip import slip_text
from tests.pages.browsing import PHONE, Visitor
from tests.pages.conftest import Come
from tests.pages.passports import Case, passports, plain, slips
from tests.pages.test_first_visit import IN_ENGLISH, LANGS
from tests.pages.town import Town

CHECK = """(cases) => cases.map((one) => {
  const { checkPassport, checkSlip, readAnchor, finished } = globalThis.passportCheck;
  const data = Uint8Array.from(atob(one.data), (letter) => letter.charCodeAt(0));
  const hex = one.contract.match(/../g);
  const contract = hex && Uint8Array.from(hex, (pair) => parseInt(pair, 16));
  const anchor = readAnchor({ ...one, contract });
  const report = one.slip ? checkSlip(data, anchor, finished) : checkPassport(data, anchor);
  const failed = report.checks.filter((check) => check.ok === false).map((check) => check.code);
  return [one.name, report.verdict, failed, report.checks.map((check) => check.sentence)];
})"""

REASONS = """(cases) => cases.flatMap((one) => {
  const { checkPassport, checkSlip, readAnchor, finished, said } = globalThis.passportCheck;
  const data = Uint8Array.from(atob(one.data), (letter) => letter.charCodeAt(0));
  const hex = one.contract.match(/../g);
  const contract = hex && Uint8Array.from(hex, (pair) => parseInt(pair, 16));
  const anchor = readAnchor({ ...one, contract });
  const report = one.slip ? checkSlip(data, anchor, finished) : checkPassport(data, anchor);
  return report.checks.filter((check) => check.ok === false).map(said);
})"""
REFUSED_LEAST = 400
SENTENCE = re.compile(r"[A-Za-z]+ [a-z]+ [a-z]+")  # English words after one another
UNREADABLE = re.compile(r"（.*）$")  # what the browser says of bytes that are no value at all


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    return passports(tmp_path_factory.mktemp("passports"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    return slips(tmp_path_factory.mktemp("slips"))


@pytest.fixture(scope="module")
def saved(town: Town, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page as one file, in each language."""
    folder = tmp_path_factory.mktemp("saved")
    found = {}
    for lang in LANGS:
        path = "/verify/car-passport-check.html"
        status, headers, body = town.get(path, Cookie=f"lang={lang}")
        assert (status, headers["Content-Disposition"].split(";")[0]) == (200, "attachment")
        found[lang] = folder / f"{lang}.html"
        found[lang].write_bytes(body)
    return found


async def open_saved(browser: Browser, path: Path, lang: str) -> Visitor:
    """Open a file from a disk, on a machine without a network."""
    one = await Visitor.come(browser, "http://127.0.0.1:1", lang, PHONE, has_script=True)
    await one.context.set_offline(True)
    await one.page.goto(path.as_uri())
    return one


async def ask(one: Visitor, cases: list[Case], *, is_slip: bool) -> list[object]:
    given = [{**case, "slip": is_slip} for case in plain(cases)]
    found: list[object] = await one.page.evaluate(CHECK, given)
    return found


async def test_files_get_the_verdict_of_the_command_line_also_from_a_disk(
    visitor: Come, browser: Browser, saved: dict[str, Path], files: list[Case], small: list[Case]
) -> None:
    served, alone = await visitor(), await open_saved(browser, saved["en"], "en")
    await served.open("/verify")

    expected = [[one.name, one.verdict, one.failed, one.said] for one in files + small]

    for one in (served, alone):
        found = await ask(one, files, is_slip=False) + await ask(one, small, is_slip=True)
        assert found == expected
    assert {one.verdict for one in files} == {"good", "bad", "consistent, network unknown"}
    await alone.leave()


async def test_the_page_tells_in_chinese_why_a_file_is_refused(
    browser: Browser, saved: dict[str, Path], files: list[Case], small: list[Case]
) -> None:
    one = await open_saved(browser, saved["zh"], "zh")

    told: list[str] = []
    for cases, is_slip in ((files, False), (small, True)):
        given = [{**case, "slip": is_slip} for case in plain(cases) if case["verdict"] == "bad"]
        told += await one.page.evaluate(REASONS, given)
    await one.leave()

    assert len(told) >= REFUSED_LEAST
    assert [line for line in told if SENTENCE.search(UNREADABLE.sub("", line))] == []


@pytest.mark.parametrize("lang", IN_ENGLISH)
async def test_the_saved_page_shows_green_and_red(
    visitor: Come, browser: Browser, saved: dict[str, Path], files: list[Case], lang: str
) -> None:
    await visitor(lang)
    one = await open_saved(browser, saved[lang], lang)
    good = files[0]
    await one.press("details summary >> nth=0")
    await one.page.fill("#genesis", good.genesis)
    await one.page.fill("#checkpoint", good.checkpoint)
    data = b64decode(good.data)

    async def show(content: bytes) -> str:
        await one.page.evaluate("document.getElementById('result').replaceChildren()")
        file = FilePayload(name="a.passport", mimeType="application/octet-stream", buffer=content)
        await one.page.set_input_files("#file", [file])
        await one.page.wait_for_selector("#verdict")
        await one.check()
        return str(await one.page.get_attribute("#verdict", "data-verdict"))

    assert await show(data) == "good"
    assert "WVWZZZ1JZXW000001" in await one.text("#result")
    await one.shoot("verify-good")
    assert await show(data[:-40] + bytes(40)) == "bad"
    await one.shoot("verify-bad")
    await one.page.fill("#checkpoint", "")
    assert await show(data) == "consistent, network unknown"
    assert [fault for fault in one.faults if "another host: file:" not in fault] == []
    await one.leave()


async def test_the_text_of_a_slip_is_pasted(visitor: Come, small: list[Case]) -> None:
    one = await visitor()
    good = next(case for case in small if case.name == "receipt 2")
    await one.open("/verify")
    await one.check()
    await one.shoot("verify")

    await one.page.fill("#code", slip_text(b64decode(good.data)))
    await one.press("#check-form button")
    await one.page.wait_for_selector("#verdict")

    # It is of another network than the one that this page knows.
    assert await one.page.get_attribute("#verdict", "data-verdict") == "bad"
