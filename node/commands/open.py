"""`washnode open`: the shop's pages in the browser, and the code that leads customers to theirs."""

import os
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import command
from node.commands.output import EXIT_NOT_FOUND, fail, finish, print_text, say, talk
from node.commands.words import t

if TYPE_CHECKING:
    from pathlib import Path

    from node.commands.connect import Session

_PATIENCE_S = 5.0
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")  # without one, a Linux machine may have a browser in text


@command("open", node=True)
@click.option("--print", "only_print", is_flag=True, help="Tell the address, open no browser.")
def open_pages(*, only_print: bool) -> None:
    """Open the counter's pages in the browser, and show the code that customers scan.

    Of a shop's node that is the counter; of another it is the first page. Customers' phones do not
    reach this computer: their code leads to the address under [pages] url in the settings.
    """
    from node.commands.connect import session

    with session() as talk_to:
        facts = _find(talk_to)
    if not _has_pages(facts["address"]):
        seen = t("the node at {url} serves no pages", url=facts["address"])
        fix = t('set serve = "on" under [pages] in its settings and start it again')
        fail(seen, EXIT_NOT_FOUND, fix=fix)
    wants = not (only_print or talk().as_json)
    facts["opened"] = wants and _open(facts["address"])
    finish(facts, lambda: _show(facts, wants=wants), next_command="washnode doctor")


def _find(talk_to: "Session") -> dict[str, Any]:
    """Return where staff and customers go."""
    shop = talk_to.ask("node_info").get("sponsor")
    url = talk_to.url
    if not isinstance(shop, str):
        return {"address": f"{url}/", "shop": None, "customers": None, "here": None, "poster": None}
    origin = _origin_for_phones(talk_to.folder)
    return {
        "address": f"{url}/shop",
        "shop": shop,
        "customers": None if origin is None else f"{origin}/c?s={shop}",
        "here": f"{url}/c?s={shop}",
        "poster": f"{url}/s/{shop}/poster",
    }


def _origin_for_phones(folder: "Path | None") -> str | None:
    """Return where phones reach the pages, as the settings of a folder say; None if they do not."""
    from node.commands.run import find_config

    found = "" if folder is None else find_config(None, folder, {}).pages.url.rstrip("/")
    return found or None


def _has_pages(address: str) -> bool:
    """Tell whether a page answers there; another trouble than that there is none is a browser's."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    asking = Request(address, headers={"Accept": "text/html"})  # noqa: S310 - the node's own address
    try:
        with urlopen(asking, timeout=_PATIENCE_S):  # noqa: S310
            return True
    except HTTPError as error:
        return error.code != HTTPStatus.NOT_FOUND
    except OSError:
        return True


def _open(address: str) -> bool:
    import webbrowser

    if sys.platform.startswith("linux") and not any(os.environ.get(one) for one in _SCREENS):
        return False
    try:
        return webbrowser.open(address)
    except (OSError, webbrowser.Error):
        return False


def _show(facts: dict[str, Any], *, wants: bool) -> None:
    if wants and not facts["opened"]:
        say(t("No browser opens from here; open the address yourself:"))
    print_text(facts["address"])
    if facts["shop"] is None:
        return
    if facts["customers"] is None:
        say(t("Phones do not reach this node: its settings have no url under [pages]."))
        say(t("Customers' pages on this computer: {url}", url=facts["here"]))
        return
    print_text(t("Show this code to customers: {url}", url=facts["customers"]))
    _draw(facts["customers"])
    say(t("To print and hang up: {url}", url=facts["poster"]))


def _draw(text: str) -> None:
    import segno

    code = segno.make(text, error="m", micro=False)
    code.terminal(out=sys.stderr, compact=True)
