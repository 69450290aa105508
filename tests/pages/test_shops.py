"""Lists of shops on pages: each begins with a part, leads on, and finds what is further down."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from chain.ids import encode_id
from node.demo.accounts import account_of
from node.pages import lists
from node.pages.page import Setting
from node.pages.rendering import Renderer
from node.pages.static_files import StaticFiles
from node.pages.views import explorer, feedback, home, learn
from tests.node.rpc.fuzzing import open_target
from tests.pages.pretending import Pretender, Town

SETTING = Setting("Asia/Shanghai", "", is_dev=True, sponsors=True)
SPARKLE, HARBOUR = "Sparkle Car Wash", "Harbour Detailing"
BOTH = {SPARKLE, HARBOUR}


class Truthful(Pretender):
    """Asks the node, and tells what it says."""

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        return self.truth(method, params)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """All pages of a node with two shops, made in this process."""
    with open_target(tmp_path_factory.mktemp("shops")) as target:
        yield Town(Truthful(target), Renderer(StaticFiles(), SETTING), SETTING)


@pytest.fixture(autouse=True)
def _one_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page show one shop, as if there were thousands."""
    for module in (home, learn, feedback):
        monkeypatch.setattr(module, "SHOPS_SHOWN", 1)
    monkeypatch.setattr(explorer, "LISTED", 1)
    monkeypatch.setattr(lists, "_PAGE", 1)


def read(town: Town, path: str) -> tuple[set[str], str]:
    """Return which shops a page names, and where its list goes on."""
    html = town.html(path, "", "en")
    assert html is not None, path
    further = re.search(r'rel="next" href="([^"#]+)', html)
    named = {one for one in BOTH if one in html}
    return named, further[1].replace("&amp;", "&") if further else ""


@pytest.mark.parametrize("path", ["/", "/x", "/learn", "/c/feedback", "/x/search?q=ar"])
def test_a_list_of_shops_leads_on_until_all_were_shown(town: Town, path: str) -> None:
    first, further = read(town, path)
    second, end = read(town, further)

    assert (len(first), len(second), first | second, end) == (1, 1, BOTH, "")


def test_a_shop_that_is_further_down_can_be_written_to_as_well(town: Town) -> None:
    first = read(town, "/c/feedback")[0]
    chosen = [encode_id("acct", account_of(one)) for one in ("sparkle", "harbour")]

    named = [read(town, f"/c/feedback?s={one}")[0] for one in chosen]

    assert sorted(map(len, named)) == [1, 2]
    assert [SPARKLE in named[0], HARBOUR in named[1], first < BOTH] == [True, True, True]


def test_a_verifier_knows_all_names_however_many_answers_they_take(town: Town) -> None:
    assert read(town, "/verify")[0] == BOTH
