"""The pages without a browser: headers, errors, languages, files."""

import gzip
import re
from typing import Any, cast

import pytest
from aiohttp.test_utils import make_mocked_request

from node.pages.asking import AskError
from node.pages.page import Shown, Visit
from node.pages.views.home import home
from node.pages.words import Words
from node.rpc.errors import NotFoundError
from tests.pages.town import Town

HTML = {"Accept": "text/html"}
POLICY = "default-src 'self'"


@pytest.mark.parametrize("path", ["/", "/c", "/c/key", "/nowhere"])
def test_every_page_forbids_what_pages_do_not_need(town: Town, path: str) -> None:
    _status, headers, body = town.get(path, **HTML)

    assert headers["Content-Security-Policy"].startswith(POLICY)
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    text = body.decode()
    assert re.findall(r"<script(?![^>]*(?:src=|application/json))", text) == []
    assert re.findall(r"\son\w+=|<style|\sstyle=", text) == []
    assert re.findall(r"(?:src|href)=\"https?:", text) == []


@pytest.mark.parametrize(
    "path", ["/nowhere", "/s/nobody", "/b/bkg1nothing", "/s/acct1x/book", "/static/000000000000/x"]
)
def test_what_is_not_there_is_told_with_what_to_do(town: Town, path: str) -> None:
    status, _headers, body = town.get(path, **HTML)

    assert status == 404
    if not path.startswith("/static"):
        assert "Scan the code at the shop again" in body.decode()


def test_programs_are_told_in_their_own_form(town: Town) -> None:
    status, headers, _body = town.get("/nowhere", Accept="application/json")

    assert (status, headers["Content-Type"]) == (404, "application/json")


def test_a_page_by_a_wrong_name_is_not_given(town: Town) -> None:
    status, _headers, body = town.get("/", Host="evil.example")

    assert (status, b"Find your car wash" in body) == (403, False)


def test_the_choice_of_a_language_leads_back_and_nowhere_else(town: Town) -> None:
    answers = [
        town.get(f"/lang/zh?to={to}")[:2] for to in ("/s/x?a=1", "//evil.example", "/%5Cevil", "x")
    ]

    assert [status for status, _headers in answers] == [303] * 4
    assert [headers["Location"] for _status, headers in answers] == ["/s/x?a=1", "/", "/", "/"]
    assert "lang=zh" in answers[0][1]["Set-Cookie"]


def test_the_cookie_counts_before_the_browser(town: Town) -> None:
    accept = {"Accept-Language": "zh-CN,zh;q=0.9"}

    chinese = town.get("/", **accept)[2].decode()
    english = town.get("/", **accept, Cookie="lang=en")[2].decode()

    assert '<html lang="zh-CN">' in chinese
    assert '<html lang="en">' in english


def test_files_are_kept_for_a_year_under_their_hash_and_not_under_another(town: Town) -> None:
    page = town.get("/")[2].decode()
    (address,) = re.findall(r'href="(/static/[0-9a-f]{12}/style\.css)"', page)

    _status, headers, body = town.get(address, **{"Accept-Encoding": "gzip"})
    _status, old, _body = town.get("/static/000000000000/style.css")

    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert b":root" in gzip.decompress(body)
    assert old["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["../site.py", "..%2fsite.py", "%2e%2e/site.py", "/etc/passwd"])
def test_no_other_files_are_given(town: Town, name: str) -> None:
    status, _headers, _body = town.get(f"/static/000000000000/{name}")

    assert status == 404


async def test_a_chain_without_shops_says_what_comes_next() -> None:
    class NoShops:
        async def __call__(self, method: str, **_params: object) -> None:
            raise AskError({"code": NotFoundError.code, "message": method, "data": {}})

    request = make_mocked_request("GET", "/")
    visit = Visit(request, cast("Any", NoShops()), Words("en", "shop"), cast("Any", None))

    shown = await home(visit)

    assert shown == Shown("home.html", {"shops": [], "more": None})
